"""SigmaHQ's Linux rules beside the shipped ones: they load together, and what both look for is known by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from shipped import ROOT, shipped

from sensor.compiler import Logsource, load_rules
from sensor.reference import Reference

PAGE = ROOT / "docs" / "rules-beside-sigmahq.md"
FOLDERS = ("rules/linux", "rules-threat-hunting/linux")


@pytest.fixture(scope="module")
def theirs() -> list[Path]:
    corpus = os.environ.get("LINSANG_CORPUS")
    if not corpus:
        pytest.skip("LINSANG_CORPUS is not set: SigmaHQ's rules")
    return [Path(corpus) / "sigma" / folder for folder in FOLDERS]


def page(theirs: list[Path]) -> str:
    """docs/rules-beside-sigmahq.md: which of theirs fire on the positive cases of ours."""
    rules = [rule for rule in load_rules(theirs).rules if rule.info.logsource.category == "process_creation"]
    reference = Reference(rules)
    found: dict[str, set[str]] = {}
    for item in shipped():
        source = Logsource(**item.rule["logsource"])
        for case in item.cases["positive"]:
            for rule, verdict in reference.judge(case["event"], source):
                if verdict is True and rule.info.level not in {"low", "informational"}:
                    found.setdefault(rule.info.title, set()).add(item.rule["title"])
    lines = [
        "# Shipped rules beside SigmaHQ's",
        "Written by `WRITE_GOLDEN=1 pytest tests/rules` with SigmaHQ's rules below LINSANG_CORPUS; do not edit. Both",
        "can be loaded together: no id and no title is in both.",
        "",
        f"{len(found)} of SigmaHQ's {len(rules)} rules for Linux processes fire, at medium or above, on cases of ours:",
        "what both look for. The others look for what is no proxy execution.",
        "",
        "| SigmaHQ's | shipped |",
        "|---|---|",
        *(f"| {title} | {'; '.join(sorted(ours))} |" for title, ours in sorted(found.items())),
    ]
    return "\n".join(lines) + "\n"


def test_no_conflict(theirs: list[Path]) -> None:
    both = load_rules([ROOT / "rules", *theirs])
    assert both.faults == ()
    own = [item.rule for item in shipped()]
    known = [
        yaml.load(path.read_text(), Loader=yaml.CSafeLoader) for folder in theirs for path in folder.rglob("*.yml")
    ]
    assert len(both.rules) == len(own) + len(known)
    for key in ("id", "title"):
        assert not {rule[key].lower() for rule in own} & {rule[key].lower() for rule in known}


def test_page_is_current(theirs: list[Path]) -> None:
    made = page(theirs)
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(made)
    assert PAGE.read_text() == made, "WRITE_GOLDEN=1 pytest tests/rules"
