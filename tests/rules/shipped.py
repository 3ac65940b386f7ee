"""The shipped rules as files: what the tests and docs/rules.md are made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sensor.rule_files import rule_files

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "rules.md"


@dataclass(frozen=True)
class Shipped:
    """One rule file, and the cases beside it."""

    path: Path
    rule: dict[str, Any]
    cases: dict[str, list[dict[str, Any]]]


def load(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=yaml.CSafeLoader)


def shipped() -> list[Shipped]:
    """All rules below rules/, by path."""
    rules = rule_files([ROOT / "rules"])
    return [Shipped(path, load(path), load(path.with_suffix(".cases.yml"))) for path in sorted(rules)]


def page() -> str:
    """docs/rules.md."""
    lines = [
        "# Shipped rules",
        "Written by `WRITE_GOLDEN=1 pytest tests/rules` from the files below rules/; do not edit. The known false",
        "positives of a rule are in its file, its positive and negative cases beside it (`NAME.cases.yml`, run by",
        "`linsang rules test`).",
        "",
        "| level | rule | file | ATT&CK |",
        "|---|---|---|---|",
    ]
    for item in shipped():
        techniques = " ".join(
            tag.removeprefix("attack.").upper() for tag in item.rule["tags"] if tag.startswith("attack.t")
        )
        where = item.path.relative_to(ROOT)
        lines.append(f"| {item.rule['level']} | {item.rule['title']} | [{where.stem}](../{where}) | {techniques} |")
    return "\n".join(lines) + "\n"
