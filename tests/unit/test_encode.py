"""The three forms of an alert map: valid, stable, and within a limit."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.encode import Lines, from_json, json_within, rfc3339, to_json, to_line, to_msgpack

TEXT = st.text(st.characters())  # surrogates and controls included
VALUE = st.recursive(
    TEXT | st.integers(-(2**63), 2**64 - 1) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)
RULE = st.fixed_dictionaries({"id": TEXT, "level": TEXT, "title": TEXT, "tags": st.lists(TEXT, max_size=3)})
ALERT = st.fixed_dictionaries(
    {"rule": RULE, "verdict": st.just("match")},
    optional={
        "fields": st.dictionaries(TEXT, VALUE, max_size=6),
        "lineage": st.lists(st.dictionaries(TEXT, TEXT, max_size=3), max_size=5),
        "process": st.dictionaries(TEXT, VALUE, max_size=4),
        "host": TEXT,
    },
)


def written(value: Any) -> Any:
    """A lone surrogate becomes the text \\udcXX in msgpack."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {written(k): written(v) for k, v in value.items()}
    return [written(v) for v in value] if isinstance(value, list) else value


@given(ALERT)
def test_json_is_one_printable_line_with_the_same_value(alert: dict[str, Any]) -> None:
    line = to_json(alert)
    text = line.decode("utf-8")
    assert len(text.splitlines()) == 1
    assert not any(0x7F <= ord(c) < 0xA0 or ord(c) < 0x20 for c in text)
    # Two lone halves side by side are one character in JSON's own escapes.
    assert json.loads(text) == json.loads(json.dumps(alert))
    assert to_json(json.loads(text)) == line


@given(ALERT)
def test_msgpack_is_valid_utf8_with_the_same_value(alert: dict[str, Any]) -> None:
    assert msgpack.unpackb(to_msgpack(alert), strict_map_key=False) == written(alert)


@given(ALERT, st.integers(0, 5000))
def test_within_a_limit(alert: dict[str, Any], length: int) -> None:
    alert["fields"] = {"CommandLine": "\x85" * length}
    before = json.dumps(alert)
    line = json_within(alert, 2048)
    body = json.loads(line)
    assert len(line) <= 2048
    assert ("cut" in body) == (len(to_json(alert)) > 2048)
    assert body["verdict"] == "match"
    assert json.dumps(alert) == before


def test_the_last_resort_keeps_what_names_the_alert() -> None:
    rule = {"id": "i" * 9000, "level": "high", "title": "t" * 9000, "tags": ["\x85" * 9000] * 50}
    fields = {f"{n:05}" * 10: "x" for n in range(5000)}
    alert = {"rule": rule, "verdict": "match", "host": "\x85" * 255, "time": 1, "fields": fields, "event": {"seq": 4}}
    line = json_within(alert, 2048)
    body = json.loads(line)
    assert len(line) <= 2048
    assert (body["event"], body["rule"]["level"], body["verdict"]) == ({"seq": 4}, "high", "match")
    assert body["cut"]["dropped"] == ["fields", "rule.*"]


@pytest.mark.parametrize(
    ("time_ns", "digits", "text"),
    [
        (0, 9, "1970-01-01T00:00:00.000000000Z"),
        (1_700_000_000_000_000_001, 9, "2023-11-14T22:13:20.000000001Z"),
        (1_700_000_000_999_999_999, 6, "2023-11-14T22:13:20.999999Z"),
    ],
)
def test_time(time_ns: int, digits: int, text: str) -> None:
    assert rfc3339(time_ns, digits) == text
    if digits == 9:
        assert json.loads(to_json({"time": time_ns}))["time"] == text
    assert msgpack.unpackb(to_msgpack({"time": time_ns})) == {"time": time_ns}


@given(ALERT, st.none() | st.integers(0, 2**63))
def test_the_way_back(alert: dict[str, Any], time_ns: int | None) -> None:
    if time_ns is not None:
        alert["time"] = time_ns
    again = from_json(to_line(alert))
    assert again.get("time") == time_ns
    assert to_line(again) == to_line(alert)


def test_lines_are_maps_for_who_asks() -> None:
    maps = [{"verdict": "match", "time": 5}, {"verdict": "undecidable"}]
    lines = Lines(b"".join(map(to_line, maps)), 2)
    assert lines.maps == maps
    assert [(line, one) for line, one in lines] == [(to_line(one), one) for one in maps]
    assert lines.undecidable
    assert not Lines(to_line(maps[0]), 1).undecidable
    quoted = {"fields": {"x": '"verdict":"undecidable"}\n'}, "verdict": "match"}
    assert not Lines(to_line(quoted), 1).undecidable
