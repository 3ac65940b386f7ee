"""Alert lines of the core against the naive twin: real events in every shape, and made-up ones."""

from __future__ import annotations

import gzip
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_records as records
import pytest
from facts_twin import NEVER, SECOND, facts_block
from hypothesis import given
from hypothesis import strategies as st
from test_alert import Both, frame

from sensor.encode import from_json, json_text, to_line
from sensor.native import ffi, lib

BOTH = Both()
STRUCTURE = ["event", "Event", "winlog", "System", "EventData", "UserData", "event_data", "Data", "Provider"]
NAMES = ["Image", "CommandLine", "User", "ProcessId", "ParentImage", "ParentProcessId", "@Name", "Name", "#text"]
NAMES += ["#attributes", "EventID", "channel", "winlog.event_id", "winlog.event_data.Image", "", "ä", "\u2028", 'a"\\']

# No lone surrogates in names: of two that mean the same bytes one is enough.
NAME = st.sampled_from(STRUCTURE + NAMES) | st.text(st.characters(exclude_categories=("Cs",)), max_size=4)
SCALAR = (
    st.text(st.characters(), max_size=12)
    | st.integers(-(2**63), 2**64 - 1)
    | st.booleans()
    | st.none()
    | st.sampled_from(["0x1a4", "420", "0x", "99999999999", "0xfffffffff", "12g", "\ud800", "\udc80", "/\b\f\x7f\x85"])
)
VALUE = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAME, inner, max_size=6),
    max_leaves=12,
)
DOCUMENT = st.dictionaries(NAME, VALUE, max_size=6)


def compare(*lines: bytes) -> list[bytes]:
    """The alerts of these JSON events; the twin must make the same."""
    frames = [frame(line, payload=lib.SN_PAYLOAD_JSON, index=n) for n, line in enumerate(lines)]
    return BOTH.lines(*frames, live=False)


def compare_value(line: bytes) -> None:
    """The same but for the order of names with escapes, and how a number is written."""
    one = frame(line, payload=lib.SN_PAYLOAD_JSON)
    (written,) = BOTH.written(one, live=False)
    assert to_line(from_json(written)) == to_line(BOTH.twin.build(one, live=False))


@given(DOCUMENT, st.booleans())
def test_any_object(document: dict[str, Any], ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    compare_value(text.encode("utf-8", "backslashreplace"))


@given(st.lists(st.tuples(NAME, SCALAR), max_size=8))
def test_of_a_name_that_comes_twice_the_last_counts(members: list[tuple[str, Any]]) -> None:
    pairs = (f"{json.dumps(name)}:{json.dumps(value)}" for name, value in members)
    compare_value(f'{{ "event" : {{ {" , ".join(pairs)} }} }}'.encode())


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("0", "0"),
        ("-12", "-12"),
        ("123456789012345678", "123456789012345678"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", '"18446744073709551616"'),
        ("-9223372036854775808", "-9223372036854775808"),
        ("-9223372036854775809", '"-9223372036854775809"'),
        ("9" * 4400, f'"{"9" * 4400}"'),
        ("-1.50", "-1.50"),
        ("1E5", "1E5"),
        ("1e-99", "1e-99"),
        ("1e+100", '"1e+100"'),
        ("0." + "1" * 199, '"0.' + "1" * 199 + '"'),
    ],
)
def test_numbers_stay_as_they_were_or_become_text(number: str, shown: str) -> None:
    event = f'{{"N":{number}}}'.encode()
    (line,) = BOTH.written(frame(event, payload=lib.SN_PAYLOAD_JSON), live=False)
    assert f'"fields":{{"N":{shown}}}' in line.decode()
    compare_value(event)


AUDITED = [
    *("NewProcessName", "NewProcessId", "ProcessId", "SubjectUserName", "SubjectDomainName", "ObjectName", "Image"),
    *("ObjectValueName", "NewValue", "ProcessName", "Application", "DestAddress", "ProcessID"),
]
AUDITED_VALUE = st.sampled_from(
    ["0x1a2c", "0xffffffffffffffff", "0x", "0xg", "\\registry\\Machine\\a", "\\REGISTRY\\USER\\", "\\REGISTRY\\USERS"]
)


@given(
    st.sampled_from([4688, 4657, 5156, 4689, "4688", None]),
    st.sampled_from(["Security", "Microsoft-Windows-Security-Auditing", "System", None]),
    st.dictionaries(
        st.sampled_from(AUDITED), AUDITED_VALUE | st.text(max_size=6) | SCALAR | st.lists(SCALAR, max_size=2)
    ),
)
def test_fields_made_from_others(number: Any, channel: Any, data: dict[str, Any]) -> None:
    for name in ("Channel", "SourceName"):
        system = {"EventID": number, name: channel}
        compare_value(json_text({"Event": {"System": system, "EventData": data}}))
        compare_value(json_text(data | system))


def corpus() -> Path:
    if "LINSANG_CORPUS" not in os.environ:
        pytest.skip("LINSANG_CORPUS is not set: no events to compare with")
    return Path(os.environ["LINSANG_CORPUS"])


def shapes(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The event in every shape that native/ndjson.c reads."""
    system = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Provider": {"@Name": "Sysmon"}}
    yield {**system, **event}
    yield {"Event": {"System": {**system, "Provider": {"#attributes": {"Name": "Sysmon"}}}, "EventData": event}}
    yield {"Event": {"System": system, "EventData": {"Data": [{"@Name": k, "#text": v} for k, v in event.items()]}}}
    yield {"@timestamp": "t", "winlog": {"channel": "x", "event_id": 1, "provider_name": "P", "event_data": event}}
    yield {"winlog.event_id": 1, **{f"winlog.event_data.{name}": value for name, value in event.items()}}


def test_corpus_process_events() -> None:
    lines = (corpus() / "events" / "windows_process_creation.ndjson").read_bytes().splitlines()
    assert len(compare(*lines)) == 2499
    for line in lines[::25]:
        compare(*(json_text(shape) for shape in shapes(json.loads(line)["event"])))


def test_corpus_mixed_events() -> None:
    with gzip.open(corpus() / "events" / "windows_mixed_sysmon.ndjson.gz") as file:
        lines = [line.rstrip(b"\n") for line in itertools.islice(file, 0, None, 20)]
    assert len(compare(*lines)) == 2500


BYTES = st.binary(max_size=24) | st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass"))
FLAGS = st.sampled_from(["ARGV_TRUNCATED", "ARGV_UNREADABLE", "IMAGE_TRUNCATED", "CWD_TRUNCATED", "REDUCED", "SETUID"])
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "image": BYTES,
    "cwd": BYTES,
    "script": BYTES,
    "argv": st.lists(BYTES.map(lambda b: b.replace(b"\0", b"")), max_size=5) | BYTES,
    "uid": st.sampled_from([0, 7, 2**32 - 1]),
    "flags": st.sets(FLAGS).map(lambda names: sum(int(getattr(lib, f"SN_F_{name}")) for name in names)),
    "pid": st.integers(0, 2**32 - 1),
    "start": st.integers(0, 2**64 - 1),
    "ppid": st.integers(0, 2**32 - 1),
    "loginuid": st.sampled_from([1000, 2**32 - 1]),
    "cpu": st.sampled_from([0, 3, records.CPU_NONE]),
    "seq": st.integers(0, 2**64 - 1),
    "time": st.sampled_from([0, 5, 10**18, 1_700_000_000_999_999_999]),
}
EXEC = st.fixed_dictionaries({}, optional=MEMBERS)
CONNECT = st.fixed_dictionaries(
    {"family": st.sampled_from([2, 10]), "protocol": st.sampled_from([6, 17, 99])},
    optional={
        "daddr": st.binary(max_size=16),
        "saddr": st.binary(max_size=16),
        "sport": st.integers(0, 65535),
        **{name: MEMBERS[name] for name in ("uid", "flags", "pid", "start", "cpu", "seq", "time")},
    },
)


@given(
    EXEC.map(lambda members: records.exec_record(**members)) | CONNECT.map(lambda m: records.connect_record(**m)),
    st.none() | EXEC,
    st.lists(EXEC, max_size=3),
    st.sampled_from([None, 0, 1, 2]),
    st.booleans(),
)
def test_any_record(
    event: bytes, process: dict[str, Any] | None, lineage: list[dict[str, Any]], cause: int | None, live: bool
) -> None:
    one = frame(
        event,
        process=b"" if process is None else records.process_record(**process),
        lineage=tuple(records.process_record(**ancestor) for ancestor in lineage),
        lineage_complete=live,
        rule=len(lineage) % 3,
        verdict=lib.SN_UNDECIDABLE if process else lib.SN_MATCH,
        cause_field=cause,
        lost_any=len(event) % 2,
    )
    BOTH.lines(one, live=live)


# ---- facts of files ----

FACT_NAMES = [n.removeprefix("SN_FACT_") for n in ffi.typeof("enum sn_fact").relements if n != "SN_FACTS"]
FACT_TEXT = st.binary(max_size=6).map(lambda text: text.replace(b"\0", b"x"))
FACTS = st.builds(
    facts_block,
    st.sampled_from([lib.SN_FACTS_LATE, lib.SN_FACTS_LOST, lib.SN_FACTS_KNOWN, lib.SN_FACTS_KNOWN]),
    st.dictionaries(st.sampled_from([n for n in FACT_NAMES if n != "WRITER_PROCESS_ID"]), FACT_TEXT),
    st.sampled_from([b"", b"0", b"7", b"4194304"]),
    st.sampled_from([0, 0, 1, 1 << 9, (1 << 18) - 1, 1 << 18, 1 << 26]),
    st.tuples(*[st.sampled_from([NEVER, -SECOND, 0, 5, 10**18 - 3 * SECOND])] * 3, st.integers(0, 2**64 - 1)),
)


@given(FACTS | st.just(b""), FACTS | st.just(b""), st.integers(0, 2), st.sampled_from([None, 0]), st.booleans())
def test_any_facts(image: bytes, payload: bytes, renamed: int, cause: int | None, live: bool) -> None:
    event = records.exec_record(time=10**18)
    verdict = lib.SN_MATCH if cause is None else lib.SN_UNDECIDABLE
    facts = {"image_facts": image, "payload_facts": payload, "renamed": renamed}
    BOTH.lines(frame(event, process=event, verdict=verdict, cause_field=cause, **facts), live=live)
    line = b'{"Image": "C:\\\\x.exe", "EventID": 1}'
    json_frame = frame(line, payload=lib.SN_PAYLOAD_JSON, verdict=verdict, cause_field=cause, **facts)
    BOTH.lines(json_frame._replace(time=10**18), live=live)
