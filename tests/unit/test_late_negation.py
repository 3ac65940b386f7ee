"""Late is not absent: what a rule says is *not* so does not come true because nobody has looked into the file yet."""

from __future__ import annotations

import json
import uuid
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml
from raised import raised

from sensor.compiler import compile_table, load_rules
from sensor.enrich.exchange import Answer, Exchange
from sensor.native import Engine, Rules, lib

KERNEL = "Microsoft-Windows-Kernel-Process"
EVENTS = {
    "process_creation": {"Provider_Name": KERNEL, "EventID": 1, "ImageName": "C:\\x.exe", "CommandLine": "x"},
    "image_load": {"Provider_Name": KERNEL, "EventID": 5, "ImageName": "C:\\x.dll", "Image": "C:\\p.exe"},
}
PATHS = {"process_creation": b"C:\\x.exe", "image_load": b"C:\\x.dll"}
SELECTIONS = {"process_creation": {"Image|endswith": "\\x.exe"}, "image_load": {"ImageLoaded|endswith": "\\x.dll"}}


class Filter(NamedTuple):
    """What a rule leaves out, by which field; the fact that says so, and one that does not."""

    field: str
    value: str
    so: str
    other: str


FILTERS = [
    Filter("Signed", "true", "true", "false"),
    Filter("SignatureStatus", "Valid", "Valid", "Untrusted"),
    Filter("Signature|contains", "Microsoft", "Microsoft Windows", "Somebody"),
    Filter("OriginalFileName", "x.exe", "X.EXE", "y.exe"),
    Filter("Hashes|contains", "IMPHASH=0A", "MD5=1,IMPHASH=0AB", "MD5=1,IMPHASH=0B"),
    Filter("Company|startswith", "Good", "Good Corp.", "Bad Corp."),
]
FACTS = {"OriginalFileName": "ORIGINAL_NAME", "SignatureStatus": "SIGNATURE_STATUS"}
CONDITIONS = ("selection and not filter", "selection and not 1 of filter*", "not (filter or not selection)")


@cache
def _table(category: str, field: str, value: Any, condition: str) -> bytes:
    rule = {
        "title": "not so",
        "id": str(uuid.UUID(int=1)),
        "status": "test",
        "level": "low",
        "logsource": {"product": "windows", "category": category},
        "detection": {"selection": SELECTIONS[category], "filter": {field: value}, "condition": condition},
    }
    with TemporaryDirectory() as folder:
        Path(folder, "rule.yml").write_text(yaml.safe_dump(rule))
        return compile_table(load_rules([Path(folder)])).bytes


class Host:
    """An engine, one event, and whoever looks into files."""

    def __init__(self, category: str, table: bytes, *, wait_ms: int = 10_000) -> None:
        self.engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 20, fact_wait_ms=wait_ms)
        self.engine.swap_rules(Rules(table))
        self.exchange = Exchange(self.engine)
        assert self.engine.feed_json(json.dumps(EVENTS[category] | {"ProcessID": 7}).encode())

    def answer(self, path: bytes, answer: Answer) -> None:
        """Of the file; of any other there are no facts."""
        for question in self.exchange.questions(0):
            found = answer if question.path == path else Answer(late=frozenset(("FIRST_SEEN",)))
            found.key = question.key if question.key.inode else None
            assert self.exchange.answer(question, found)
            assert lib.sn_engine__settle(self.engine.pointer, False) == 0

    def verdicts(self, *, at_the_end: bool = False) -> list[str]:
        if at_the_end:
            assert lib.sn_engine__settle(self.engine.pointer, True) == 0
        return [verdict for _, verdict in raised(self.engine.take(), ["not so"])]


def said(field: str, text: str) -> Answer:
    name = field.partition("|")[0]
    return Answer(texts={FACTS.get(name, name.upper()): text.encode()}, late=frozenset(("FIRST_SEEN",)))


CASES = [(category, row) for category in EVENTS for row in FILTERS]
case = pytest.mark.parametrize(("category", "row"), CASES, ids=lambda one: getattr(one, "field", one))


@case
@pytest.mark.parametrize("condition", CONDITIONS)
def test_what_is_not_known_yet_is_not_other(category: str, row: Filter, condition: str) -> None:
    table = _table(category, row.field, row.value, condition)
    late, soon, never = Host(category, table), Host(category, table), Host(category, table, wait_ms=0)
    assert (late.verdicts(), late.verdicts(at_the_end=True)) == ([], ["undecidable"])
    assert never.verdicts() == ["undecidable"]
    assert soon.verdicts() == []
    soon.answer(PATHS[category], said(row.field, row.so))
    assert (soon.verdicts(), soon.verdicts(at_the_end=True)) == ([], [])
    soon = Host(category, table)
    soon.answer(PATHS[category], said(row.field, row.other))
    assert soon.verdicts() == ["match"]


@case
def test_what_cannot_be_known_is_not_other(category: str, row: Filter) -> None:
    """The file is gone, or could be looked into but for this."""
    table = _table(category, row.field, row.value, CONDITIONS[0])
    (name,) = said(row.field, row.so).texts
    for answer in (Answer(lib.SN_FACTS_LOST), Answer(late=frozenset((name, "FIRST_SEEN")))):
        host = Host(category, table)
        host.answer(PATHS[category], answer)
        assert (host.verdicts(), host.verdicts(at_the_end=True)) == (["undecidable"], [])


@case
def test_what_the_file_has_not_is_absent(category: str, row: Filter) -> None:
    host = Host(category, _table(category, row.field, row.value, CONDITIONS[0]))
    host.answer(PATHS[category], Answer(late=frozenset(("FIRST_SEEN",))))
    assert host.verdicts() == ["match"]


@case
def test_where_nobody_looks_they_are_absent(category: str, row: Filter) -> None:
    """As in a replay, and as the source's events have it."""
    with Engine() as engine:
        engine.swap_rules(Rules(_table(category, row.field, row.value, CONDITIONS[0])))
        assert engine.feed_json(json.dumps(EVENTS[category]).encode())
        assert raised(engine.take(), ["not so"]) == [("not so", "match")]


@pytest.mark.parametrize("category", EVENTS)
@pytest.mark.parametrize("field", ["Signed", "OriginalFileName", "Hashes"])
@pytest.mark.parametrize(("key", "value"), [("{}", None), ("{}|exists", False)])
def test_what_is_not_known_yet_is_not_absent(category: str, field: str, key: str, value: Any) -> None:
    table = _table(category, key.format(field), value, "selection and filter")
    late, has_it, has_it_not = (Host(category, table) for _ in range(3))
    assert late.verdicts(at_the_end=True) == ["undecidable"]
    has_it.answer(PATHS[category], said(field, "x"))
    assert has_it.verdicts(at_the_end=True) == []
    has_it_not.answer(PATHS[category], Answer(late=frozenset(("FIRST_SEEN",))))
    assert has_it_not.verdicts() == ["match"]
