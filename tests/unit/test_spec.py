"""What Sigma's specification 2.1.0 says of single events, in rows, by both engines."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from spec_rows import CONDITIONS, EXPAND, IDENTIFIERS, PARTS, Event

from sensor.compiler import Logsource, Rule, RuleSet, compile_table, load_rules
from sensor.native import Engine, Rules, lib
from sensor.reference import Reference
from sensor.rule_files import Reading

SOURCE = Logsource("windows", "process_creation", "")


def rule(number: int, detection: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": f"row {number}",
        "id": f"00000000-0000-4000-8000-{number:012}",
        "logsource": {"product": SOURCE.product, "category": SOURCE.category},
        "detection": detection,
    }


def of_condition(condition: Any, met: set[str]) -> tuple[dict[str, Any], Event]:
    detection = {name: {f"F{n}": "x"} for n, name in enumerate(IDENTIFIERS)}
    return {**detection, "condition": condition}, {f"F{n}": "x" for n, name in enumerate(IDENTIFIERS) if name in met}


CASES: list[tuple[str, dict[str, Any], Event, bool]] = [
    *((text, {"s": yaml.safe_load(text), "condition": "s"}, event, met) for rows in PARTS for text, event, met in rows),
    *((text, *of_condition(text, met), wanted) for text, met, wanted in CONDITIONS),
    ("[a, b and c]", *of_condition(["a", "b and c"], {"a"}), True),
    ("[a, b and c]", *of_condition(["a", "b and c"], {"b"}), False),
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rule, ...]:
    path = tmp_path_factory.mktemp("rules") / "rows.yml"
    documents = [rule(n, detection) for n, (_, detection, _, _) in enumerate(CASES)]
    path.write_text(yaml.safe_dump_all(documents, allow_unicode=True), encoding="utf-8")
    ruleset = load_rules([path], reading=Reading(expand=EXPAND))
    assert [str(fault) for fault in ruleset.faults] == []
    return ruleset.rules


@pytest.fixture(scope="module")
def engine(rules: tuple[Rule, ...]) -> Iterator[tuple[Engine, int]]:
    """With the table of all rows, and the route of their events."""
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 20, table_entries=64, table_bytes=1 << 16) as made:
        table = Rules(compile_table(RuleSet(rules, ())).bytes)
        made.swap_rules(table)
        route = table.route(SOURCE.product, SOURCE.category)
        assert route is not None
        yield made, route


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{c[0]} {json.dumps(c[2])}" for c in CASES])
def test_the_specification(rules: tuple[Rule, ...], engine: tuple[Engine, int], number: int) -> None:
    _, _, event, wanted = CASES[number]
    by_reference = [verdict for _, verdict in Reference([rules[number]]).judge(event, SOURCE)]
    assert by_reference == ([True] if wanted else [])
    native, route = engine
    native.feed_json(json.dumps(event).encode(), route=route)
    found = [frame for frame in native.take() if frame.rule == number]
    assert [frame.verdict for frame in found] == ([lib.SN_MATCH] if wanted else [])
