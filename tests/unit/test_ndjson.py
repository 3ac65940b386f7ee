"""JSON lines through the engine, with Python's json as the judge of what a line is and what it says."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from engine_rules import table
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.native import Engine, Rules, lib

NEEDLE = '\\né\U0001f600"'
ROWS = [
    ("windows", "process_creation", "Image", "evil"),
    ("windows", "registry_event", "TargetObject", "Run"),
    ("windows", "registry_set", "TargetObject", "Run"),
    ("windows", "registry_delete", "TargetObject", "Run"),
    ("windows", "process_creation", "Field", NEEDLE),
    ("windows", "", "TargetObject", "of every route"),
]
SYSMON = "Microsoft-Windows-Sysmon/Operational"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        engine.swap_rules(Rules(table(ROWS)))
        yield engine


def rules_hit(engine: Engine, event: Any, **options: Any) -> list[int]:
    assert engine.feed_json(json.dumps(event).encode(), **options)
    return [frame.rule for frame in engine.take()]


RUN = {"Channel": SYSMON, "TargetObject": "HKLM\\Run"}
SHAPES: list[tuple[Any, list[int]]] = [
    ({"Channel": SYSMON, "EventID": 1, "Image": "C:\\EVIL.exe"}, [0]),
    ({"Event": {"System": {"Channel": SYSMON, "EventID": 1}, "EventData": {"Image": "evil"}}}, [0]),
    ({"winlog": {"channel": SYSMON, "event_id": "1", "event_data": {"Image": "evil"}}}, [0]),
    ({"_cat": "process_creation", "Image": "evil"}, [0]),
    ({"src": "s", "file": "f", "_cat": "process_creation", "event": {"Image": "evil"}}, [0]),
    ({"Channel": SYSMON, "EventID": 3, "Image": "evil"}, []),
    ({"Channel": "Application", "EventID": 1, "Image": "evil"}, []),
    ({"Image": "evil"}, []),
    ({**RUN, "EventID": 12}, [1, 3]),
    ({**RUN, "EventID": 13}, [1, 2]),
    ({**RUN, "EventID": 14}, [1]),
    ({**RUN, "_cat": "registry_set", "EventID": 13}, [2]),
    ({"Channel": SYSMON, "EventID": 13, "TargetObject": "of every route"}, [5]),
    ({"Channel": SYSMON, "EventID": 1, "Image": ["a", None, "evil"]}, [0]),
]


@pytest.mark.parametrize(("event", "hit"), SHAPES)
def test_shapes_and_routes(engine: Engine, event: Any, hit: list[int]) -> None:
    assert sorted(rules_hit(engine, event)) == hit


def test_a_forced_route_goes_before_the_lines_own(engine: Engine) -> None:
    with Rules(table(ROWS)) as rules:
        route = rules.route("windows", "process_creation")
    assert rules_hit(engine, {"Image": "evil", "Channel": "Application"}, route=route) == [0]


def test_the_frame_holds_the_line(engine: Engine) -> None:
    line = b' {"_cat":"process_creation" , "Image":"evil"} '
    assert engine.feed_json(line, file=4, index=5)
    (frame,) = engine.take()
    assert (frame.payload, frame.event, frame.file, frame.index) == (lib.SN_PAYLOAD_JSON, line, 4, 5)
    assert (frame.process, frame.lineage, frame.lineage_complete) == (b"", (), False)


TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
NAMES = TEXTS | st.sampled_from(["Event", "event", "winlog", "Data", "Image", "#text"])
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5)


def is_object(text: bytes) -> bool:
    """What strict JSON in UTF-8 says, by Python: its leniences are constants that are no JSON."""

    def refuse(_: str) -> None:
        raise ValueError

    try:
        return isinstance(json.loads(text.decode(), parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


@settings(max_examples=100, deadline=None)
@given(OBJECTS)
def test_every_object_is_taken(engine: Engine, value: Any) -> None:
    for ascii_only, indent in product((False, True), (None, 1)):
        assert engine.feed_json(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode())
        engine.take()


def damage(text: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(text))
    match chance.choice(("flip", "drop", "put")):
        case "flip":
            text[at] = chance.randrange(256)
        case "drop" if len(text) > 1:
            del text[at]
        case _:
            text[at:at] = chance.choice((b'"', b"\\", b"{", b"]", b",", b":", b"0", b".", b"e", b"\x80"))


@settings(max_examples=150, deadline=None)
@given(OBJECTS, st.integers(0, 1 << 32))
def test_what_is_no_object_is_refused(engine: Engine, value: Any, seed: int) -> None:
    """Each object is damaged many times: to make one takes longer than to judge it."""
    whole, chance = json.dumps(value, ensure_ascii=False).encode(), random.Random(seed)
    for _ in range(20):
        text = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            damage(text, chance)
        assert engine.feed_json(bytes(text)) == is_object(bytes(text)), text
        engine.take()


@settings(max_examples=300, deadline=None)
@given(TEXTS, TEXTS, st.booleans(), st.booleans())
def test_values_say_what_python_reads(engine: Engine, before: str, after: str, inside: bool, ascii_only: bool) -> None:
    value = before + (NEEDLE if inside else "") + after
    line = json.dumps({"_cat": "process_creation", "Field": value}, ensure_ascii=ascii_only)
    assert engine.feed_json(line.encode())
    assert bool(engine.take()) == (NEEDLE.casefold() in value.casefold())


def test_lines_wait_for_the_reader() -> None:
    lines = b"".join(
        b'{"_cat":"process_creation","Image":"evil %d"}\n' % n + (b"\n" if n % 7 == 0 else b"") for n in range(9000)
    )
    lines += b"no json\r\n \r\n" + b'{"_cat":"process_creation","Image":"evil at the end"}'
    with Engine(alert_bytes=1 << 18) as engine:
        engine.swap_rules(Rules(table(ROWS)))
        at, index, rounds, events = 0, 0, 0, []
        while at < len(lines):
            used, index = engine.feed_lines(memoryview(lines)[at:], index=index)
            at += used
            rounds += 1
            while frames := engine.take():
                events += [(f.index, f.event) for f in frames]
        stats = engine.stats()
    assert rounds > 1
    assert events == [(n, line) for n, line in enumerate(lines.split(b"\n")) if b"evil" in line]
    assert (stats["decoded"], stats["malformed"], stats["alerts_dropped"]) == (9001, 1, 0)
    assert index == len(lines.split(b"\n"))
