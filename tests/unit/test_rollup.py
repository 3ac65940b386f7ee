"""Undecidables: the first at once, the rest counted, none lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sensor.rollup import Rollup

INTERVAL = 100


def undecidable(rule: str = "r", cause: str = "CommandLine", **more: Any) -> dict[str, Any]:
    return {"rule": {"id": rule}, "verdict": "undecidable", "undecidable": {"cause": cause}, "fields": {"x": 1}, **more}


def test_matches_pass() -> None:
    rollup = Rollup(INTERVAL)
    for now in (1, 1, 2):
        assert rollup.passes({"rule": {"id": "r"}, "verdict": "match"}, now)
    assert rollup.flush(3) == []


def test_first_at_once_then_a_count() -> None:
    rollup = Rollup(INTERVAL)
    assert rollup.passes(undecidable(host="h"), 1000)
    assert not rollup.passes(undecidable(time=1010), 1010)
    assert not rollup.passes(undecidable(time=1020), 1020)
    assert rollup.due(1099) == []
    assert rollup.due(1100) == [
        {
            "rule": {"id": "r"},
            "verdict": "undecidable",
            "undecidable": {"cause": "CommandLine"},
            "host": "h",
            "time": 1100,
            "event": {"type": "rollup"},
            "fields": {},
            "rollup": {"count": 2, "first": 1010, "last": 1020},
        }
    ]
    assert not rollup.passes(undecidable(), 1150)  # the next interval runs
    assert [s["rollup"]["count"] for s in rollup.due(1200)] == [1]
    assert rollup.due(1300) == []  # a quiet interval: forgotten
    assert rollup.passes(undecidable(), 1301)


def test_rules_and_causes_are_counted_apart() -> None:
    rollup = Rollup(INTERVAL)
    for rule, cause in (("a", "x"), ("a", "y"), ("b", "x")):
        assert rollup.passes(undecidable(rule, cause), 1)
        assert not rollup.passes(undecidable(rule, cause), 2)
    assert [s["rollup"]["count"] for s in rollup.flush(3)] == [1, 1, 1]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 60))))
def test_in_is_out(steps: list[tuple[str, str, int]]) -> None:
    rollup = Rollup(INTERVAL)
    now = passed = counted = 0
    for rule, cause, pause in steps:
        now += pause
        counted += sum(s["rollup"]["count"] for s in rollup.due(now))
        passed += rollup.passes(undecidable(rule, cause), now)
    counted += sum(s["rollup"]["count"] for s in rollup.flush(now))
    assert passed + counted == len(steps)
