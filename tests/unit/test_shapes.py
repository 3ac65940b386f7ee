"""Whatever shape a line has: rules see of it what event_json.py says, which alerts show, too (test_alert_twin)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from sensor.compiler import Logsource, Rule, RuleInfo, RuleSet, compile_table
from sensor.compiler.fold import fold
from sensor.compiler.ir import Atom, Node, Not, Op
from sensor.native import Engine, Rules
from sensor.reference import judge
from sensor.reference_events import event_of

SOURCE = Logsource("windows", "process_creation")
VALUES: tuple[Any, ...] = ("x", "y", "A", "", "z é", 1, 2.5, True, None, -0.0)
TEXTS = ("x", "y", "a", "", "z é", "1", "2.5", "true", "-0.0")
FIELDS: tuple[str, ...] = (
    "A",
    "B",
    "a",
    "Channel",
    "EventID",
    "Provider_Name",
    "Computer",
    "Data",
    "EventData",
    "Name",
    "System",
)
FIELDS += ("Provider", "channel", "#text", "@Name", "@timestamp")
SHAPE = ("Event", "event", "winlog", "System", "EventData", "UserData", "event_data", "Data", "Data", "Provider")
MARKUP = ("#text", "#text", "@Name", "Name", "#attributes", "@timestamp", "#x")
KEYS = (
    *SHAPE,
    *MARKUP,
    "A",
    "B",
    "A",
    "B",
    "a",
    "Channel",
    "channel",
    "EventID",
    "event_id",
    "provider_name",
    "host",
    "",
)
CONDITIONS: list[Node] = [Atom(field, Op.EQUALS, fold(text)) for field in FIELDS for text in TEXTS]
CONDITIONS += [Atom(field, op) for field in FIELDS for op in (Op.NULL, Op.EXISTS)]


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[Engine, int]]:
    """With a rule for each condition and one that is always met, and the route of all events."""
    conditions: list[Node] = [*CONDITIONS, Not(Atom("nowhere", Op.EXISTS))]
    rules = tuple(Rule(RuleInfo(str(n), "", "low", SOURCE, ""), each) for n, each in enumerate(conditions))
    with Engine(alert_bytes=1 << 22) as made:
        table = Rules(compile_table(RuleSet(rules, ())).bytes)
        made.swap_rules(table)
        route = table.route(SOURCE.product, SOURCE.category)
        assert route is not None
        yield made, route


def compare(engine: tuple[Engine, int], line: bytes) -> dict[str, Any]:
    """What the line says by the definition, of which the core says the same."""
    native, route = engine
    assert native.feed_json(line, route=route)
    frames = native.take()
    event = event_of(frames[-1], {})
    seen = {frame.rule for frame in frames if frame.rule < len(CONDITIONS)}
    said = {number for number, condition in enumerate(CONDITIONS) if judge(condition, event)}
    assert [CONDITIONS[n] for n in sorted(seen - said)] == [], line
    assert [CONDITIONS[n] for n in sorted(said - seen)] == [], line
    return event


ELEMENT = [{"#text": "x", "@Name": "A"}, {"#text": "y"}, {"Name": "B"}, "y"]
SHAPES: list[tuple[Any, dict[str, Any]]] = [
    (
        {"event": {"code": "1", "A": "no"}, "winlog": {"event_id": 1, "event_data": {"A": "x"}}},
        {"EventID": "1", "A": "x"},
    ),
    ({"winlog": {"event_id": 1, "event_data": {"A": "x"}}, "event": {"code": "1"}}, {"EventID": "1", "A": "x"}),
    ({"winlog.event_data.A": "x", "event": {"code": "1"}}, {"A": "x"}),
    ({"event": {"Event": {"EventData": {"A": "x"}}}}, {"A": "x"}),
    ({"Event": {"UserData": {"LogFileCleared": {"#attributes": {"B": "no"}, "A": "x"}}}}, {"A": "x"}),
    ({"Event": {"UserData": {"Outer": {"@xmlns": "no", "Inner": {"A": "x", "B": "y"}}}}}, {"A": "x", "B": "y"}),
    ({"EventData": {"A": {"B": "no"}, "a": "x"}}, {"a": "x"}),
    ({"EventData": {"A": "x", "a": {"B": "no"}}}, {"A": "x"}),
    ({"System": {"EventID": {"#text": 1, "@Qualifiers": 0}, "Execution": {"A": "no"}}}, {"EventID": "1"}),
    ({"Event": {"EventData": {"Data": ELEMENT}}}, {"A": "x", "B": None}),
    ({"Event": {"EventData": {"Data": {"#text": "x", "#attributes": {"Name": "A"}}}}}, {"A": "x"}),
    ({"Event": {"EventData": {"Data": {"#text": "x"}}}}, {"Data": "x"}),
    ({"Event": {"EventData": {"Data": ["x", "y"]}}}, {"Data": ["x", "y"]}),
    ({"EventData": {"A": ["x", ["y"]], "B": [{"a": 1}], "a": ["x", None]}}, {"a": ["x", None]}),
    ({"Event": {"System": {"A": "x"}, "EventData": {"A": "y"}, "A": "no"}}, {"A": "y"}),
    ({"Event": {"EventData": {"B": "y"}, "A": "no", "System": {"A": "x"}}}, {"A": "x", "B": "y"}),
    ({"A": "no", "Event": {"A": "x"}, "System": {"A": "no"}, "EventData": {"A": "no"}}, {"A": "x"}),
    ({"@timestamp": "x", "#x": "y", "A": "x"}, {"A": "x"}),
]


@pytest.mark.parametrize("number", range(len(SHAPES)), ids=[json.dumps(shape) for shape, _ in SHAPES])
def test_shapes(engine: tuple[Engine, int], number: int) -> None:
    shape, fields = SHAPES[number]
    assert compare(engine, json.dumps(shape).encode()) == fields


def value(random: Random, depth: int = 0) -> Any:
    kind = random.random()
    if depth > 4 or kind < 0.45:
        return random.choice(VALUES)
    if kind < 0.6:
        return [value(random, depth + 1) for _ in range(random.randint(0, 3))]
    return document(random, depth + 1)


def document(random: Random, depth: int = 0) -> dict[str, Any]:
    """Of the keys that shapes are made of, at any place."""
    return {random.choice(KEYS): value(random, depth) for _ in range(random.choice((0, 1, 1, 2, 2, 3, 5)))}


@pytest.mark.parametrize("seed", range(4))
def test_any_shape(engine: tuple[Engine, int], seed: int) -> None:
    random = Random(seed)
    for _ in range(250):
        compare(engine, json.dumps(document(random), ensure_ascii=random.random() < 0.5).encode())
