"""What `linsang doctor` on Windows says of what the events came to, by the core's own counts."""

from __future__ import annotations

import pytest
from engine_rules import engine_with

from sensor.doctor_windows import decoding_checks
from sensor.native import counters, lib

CASES: list[tuple[dict[str, int], list[tuple[bool, str]]]] = [
    ({}, [(True, "0 events, 0 joined with others"), (True, "all that had to be")]),
    ({"told": 9, "joined": 3}, [(True, "9 events, 3 joined with others"), (True, "all that had to be")]),
    ({"told": 1, "broken": 2}, [(False, "1 events, 0 joined with others, broken 2"), (True, "all that had to be")]),
    ({"unknown_version": 1},
     [(False, "0 events, 0 joined with others, unknown version 1"), (True, "all that had to be")]),
    ({"keys_forgotten": 4, "names_refused": 1},
     [(True, "0 events, 0 joined with others"), (True, "keys forgotten 4, names refused 1")]),
    ({"starts_hurried": 4, "forgotten": 1, "too_long": 2},
     [(True, "0 events, 0 joined with others"), (True, "forgotten 1, too long 2, starts hurried 4")]),
    ({"process_unknown": 7}, [(True, "0 events, 0 joined with others"), (True, "all that had to be")]),
]  # fmt: skip


@pytest.mark.parametrize(("counts", "expected"), CASES)
def test_what_is_shown(counts: dict[str, int], expected: list[tuple[bool, str]]) -> None:
    with engine_with([("windows", "process_creation", "Image", "x")]) as engine:
        none = counters("sn_etw_decoding", lib.sn_engine__etw_decoding, engine.pointer)
    assert not any(none.values())
    found = decoding_checks(none | counts)
    assert [(check.ok, check.found) for check in found] == expected
    assert all(check.ok or check.remedy for check in found)
