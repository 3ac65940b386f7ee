"""A rule table from rows, through the real compiler: one rule a row, `field|contains: text`, or `field: text` where the
field brings modifiers of its own."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from sensor.compiler import compile_table, load_rules
from sensor.native import Engine, Rules
from sensor.rule_files import Reading
from sensor.rule_lists import shipped_lists

READING = Reading(expand=shipped_lists())  # once: under wine to open a list takes as long as to compile a table

# product, category ("": any), field, text; and a service where there is one
Row = tuple[str, str, str, str] | tuple[str, str, str, str, str]


def table(rows: Sequence[Row]) -> bytes:
    """The compiled table; rule numbers are the rows' numbers."""
    with tempfile.TemporaryDirectory() as folder:
        for number, (product, category, field, text, *service) in enumerate(rows):
            key = field if "|" in field else f"{field}|contains"
            rule = {
                "title": f"row {number}",
                "id": str(uuid.UUID(int=number + 1)),
                "status": "test",
                "level": "low",
                "logsource": {"product": product}
                | ({"category": category} if category else {})
                | ({"service": service[0]} if service else {}),
                "detection": {"selection": {key: text}, "condition": "selection"},
            }
            Path(folder, f"{number:04}.yml").write_text(yaml.safe_dump(rule, allow_unicode=True), "utf-8")
        compiled = compile_table(load_rules([Path(folder)], reading=READING))
    by_title = {info.title: number for number, info in enumerate(compiled.rules)}
    assert [by_title[f"row {n}"] for n in range(len(rows))] == list(range(len(rows)))
    return compiled.bytes


def linux(field: str, text: str, category: str = "process_creation") -> Row:
    return ("linux", category, field, text)


@contextmanager
def engine_with(rows: Sequence[Row], **options: int) -> Iterator[Engine]:
    with Engine(**options) as engine:  # type: ignore[arg-type]
        engine.swap_rules(Rules(table(rows)))
        yield engine
