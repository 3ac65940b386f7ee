"""Event trace logs: their events as lines, what is joined, and what rules make of it."""

from __future__ import annotations

import json
import socket
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from engine_rules import Row, engine_with
from etl_file import Event, buffer, classic_image, classic_process, etl_file, header, kernel_start, sid, wide

from sensor.errors import InputError
from sensor.inputs import open_input
from sensor.native import Engine, Frame, ffi
from sensor.recording import Recorded
from sensor.taxonomy import with_mapped

SMALL = {"ring_bytes": 1 << 17, "alert_bytes": 1 << 20, "table_bytes": 1 << 16, "table_entries": 64}
MS = 1_000_000
VOLUME = "\\Device\\HarddiskVolume3\\Windows\\"


EVERY_EVENT: list[Row] = [("windows", "", "Provider_Name|re", ".")]


def read(path: Path, content: bytes) -> tuple[list[dict[str, Any]], Counter[str], str]:
    """Its events, its counts, and what could not be read."""
    path.write_bytes(content)
    found: list[Frame] = []
    error = ""
    with engine_with(EVERY_EVENT, **SMALL) as engine, open_input(str(path)) as source:
        assert source.recording
        try:
            play(engine, source.recording, found)
        except InputError as ended:
            error = ended.reason
        counts = Counter(dict(source.recording.counts()))
        stats = engine.stats()
        assert stats["decoded"] == counts["told"] + counts["described"] == len(found) + stats["alerts_again"]
        assert stats["malformed"] == counts["broken"] + counts["unknown_version"]
    return [json.loads(frame.event) for frame in found], counts, error


def play(engine: Engine, recorded: Recorded, found: list[Frame]) -> None:
    """All of it; `found` gets the alerts."""
    playback = ffi.new("struct sn_playback *", {"limit": 1 << 16, "until": (1 << 64) - 1})
    more = 1
    while more == 1:
        more = recorded.play(engine, playback)
        while frames := engine.take():
            found += frames
    recorded.ended(more, playback.offset)


def events(path: Path, *given: Event) -> list[dict[str, Any]]:
    """As Sigma has them."""
    return [with_mapped(event) for event in read(path / "x.etl", etl_file(given))[0]]


CLASSIC = Event("classic process", 1, 4, classic_process(20, 10, "cmd.exe", "cmd /c dir", sid(18)), at=10 * MS)
KERNEL = Event("process", 1, 3, kernel_start(20, 10, VOLUME + "System32\\cmd.exe"), at=10 * MS + 300_000)
PARENT = Event("classic process", 3, 4, classic_process(10, 1, "explorer.exe", "C:\\Windows\\Explorer.EXE"))
PARENT_IMAGE = Event("classic image", 3, 3, classic_image(10, VOLUME + "explorer.exe"), at=MS)
IMAGE = Event("classic image", 10, 3, classic_image(20, VOLUME + "System32\\cmd.exe"), at=11 * MS)
WHOLE = {"Image": VOLUME + "System32\\cmd.exe", "CommandLine": "cmd /c dir", "UserSID": "S-1-5-18", "ProcessId": 20}
UP = {"ParentProcessId": 10, "ParentImage": VOLUME + "explorer.exe", "ParentCommandLine": "C:\\Windows\\Explorer.EXE"}
REUSED = Event("classic process", 1, 4, classic_process(20, 10, "other.exe", "other"), at=2_000 * MS)


def late(event: Event, at: int) -> Event:
    return Event(event.provider, event.id, event.version, event.data, at, event.pid)


# the events of a start; what its one event has, and what it has not
STARTS: list[tuple[str, list[Event], dict[str, Any], set[str]]] = [
    ("both", [CLASSIC, KERNEL], WHOLE | {"IntegrityLevel": "High", "ParentProcessId": 10}, {"ParentImage"}),
    ("both, the other first", [KERNEL, late(CLASSIC, 10 * MS + 800_000)], WHOLE | {"IntegrityLevel": "High"}, set()),
    ("both, and the parent", [PARENT, PARENT_IMAGE, CLASSIC, KERNEL], WHOLE | UP, set()),
    ("the parent listed later", [late(PARENT, 50 * MS), late(PARENT_IMAGE, 51 * MS), CLASSIC, KERNEL], UP, set()),
    ("one", [KERNEL], {"Image": WHOLE["Image"], "IntegrityLevel": "High"}, {"CommandLine", "UserSID"}),
    ("the logger's and its image", [CLASSIC, IMAGE], WHOLE, {"IntegrityLevel"}),
    ("the logger's alone", [CLASSIC], {"CommandLine": "cmd /c dir"}, {"Image"}),
    ("another's image", [CLASSIC, late(IMAGE, 2_000 * MS), REUSED], {"CommandLine": "cmd /c dir"}, {"Image"}),
    ("an image of another name", [CLASSIC, Event("classic image", 10, 3, classic_image(20, "\\ntdll.dll"), 11 * MS)],
     {"CommandLine": "cmd /c dir"}, {"Image"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "has", "lacks"), [row[1:] for row in STARTS], ids=[row[0] for row in STARTS])
def test_a_start_is_one_event(tmp_path: Path, given: list[Event], has: dict[str, Any], lacks: set[str]) -> None:
    start = [e for e in events(tmp_path, *given) if e["EventID"] == 1 and e["ProcessId"] == 20][:1]
    assert len(start) == 1
    assert {name: start[0].get(name) for name in has} == has
    assert not lacks & start[0].keys()


def test_starts_too_far_apart_are_two(tmp_path: Path) -> None:
    for at, told in ((12, 2), (11, 1)):
        assert read(tmp_path / "x", etl_file([CLASSIC, late(KERNEL, at * MS)]))[1]["told"] == told


def test_a_thousand_starts_in_a_row_come_out_each(tmp_path: Path) -> None:
    rows = [Event("classic process", 1, 4, classic_process(4 * n, 0, "a.exe", str(n)), at=n * 100) for n in range(1000)]
    found, counts, _ = read(tmp_path / "x.etl", etl_file(rows))
    assert [event["CommandLine"] for event in found] == [str(n) for n in range(1000)]
    assert counts["forgotten"] == 0


def test_an_id_that_is_used_again_is_another_process(tmp_path: Path) -> None:
    stop = Event("classic process", 2, 4, classic_process(20, 10, "cmd.exe", "cmd /c dir"), at=20 * MS)
    load = Event("classic image", 10, 3, classic_image(20, "\\x\\some.dll"), at=3_000 * MS)
    found = events(tmp_path, CLASSIC, IMAGE, stop, load)
    assert found[-1]["ImageLoaded"] == "\\x\\some.dll"
    assert "Image" not in found[-1]
    assert events(tmp_path, CLASSIC, IMAGE, stop, late(load, 1_000 * MS))[-1]["Image"] == WHOLE["Image"]
    assert "Image" not in events(tmp_path, CLASSIC, IMAGE, stop, late(REUSED, 500 * MS), late(load, 600 * MS))[-1]


# ---- the network ----

V4 = bytes.fromhex("e1100000 00000000 14be9f17 c0a8011c 01bb c313") + bytes(24)  # recorded on Windows 11
V6 = struct.pack("<II", 20, 0) + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
V6 += socket.inet_pton(socket.AF_INET6, "fe80::2") + struct.pack(">HH", 443, 5000)
OUT = {"ProcessId": 4321, "DestinationIp": "20.190.159.23", "DestinationPort": 443, "Initiated": "true"}
OUT |= {"SourceIp": "192.168.1.28", "SourcePort": 49939, "Protocol": "tcp"}
IN = {"SourceIp": "20.190.159.23", "SourcePort": 443, "DestinationIp": "192.168.1.28", "Initiated": "false"}
NETWORK: list[tuple[int, bytes, dict[str, Any], set[str]]] = [
    (12, V4, OUT, {"Image"}),
    (15, V4, IN, set()),
    (42, V4[:28], {"DestinationIp": "20.190.159.23", "Protocol": "udp"}, {"Initiated"}),
    (28, V6 + bytes(24), {"DestinationIp": "2001:db8::1", "SourceIp": "fe80::2", "DestinationPort": 443}, set()),
    (31, V6 + bytes(24), {"SourceIp": "2001:db8::1", "DestinationIp": "fe80::2", "SourcePort": 443}, set()),
    (58, V6 + bytes(8), {"DestinationIp": "2001:db8::1", "SourcePort": 5000}, {"Initiated"}),
]


CLASSIC_NETWORK: list[tuple[Event, dict[str, Any], set[str]]] = [
    (Event("classic tcp", 12, 2, V4 + bytes(4)), OUT, {"Image"}),
    (Event("classic tcp", 15, 2, V4 + bytes(4)), IN, set()),
    (Event("classic tcp", 28, 2, V6 + bytes(28)), {"DestinationIp": "2001:db8::1", "Initiated": "true"}, set()),
    (Event("classic tcp", 31, 2, V6 + bytes(28)), {"SourceIp": "2001:db8::1", "Initiated": "false"}, set()),
    (Event("classic udp", 10, 2, V4[:20] + bytes(12)), {"DestinationPort": 443, "Protocol": "udp"}, {"Initiated"}),
    (Event("classic udp", 26, 2, V6 + bytes(12)), {"DestinationIp": "2001:db8::1", "Protocol": "udp"}, {"Initiated"}),
]


@pytest.mark.parametrize(("event", "has", "lacks"), CLASSIC_NETWORK)
def test_connections_of_the_kernel_logger(tmp_path: Path, event: Event, has: dict[str, Any], lacks: set[str]) -> None:
    found = events(tmp_path, CLASSIC, IMAGE, late(event, 20 * MS))[-1]
    assert {name: found.get(name) for name in has} == has
    assert not lacks & found.keys()
    cut = [Event(event.provider, event.id, event.version, event.data[:n]) for n in range(len(event.data))]
    assert read(tmp_path / "cut.etl", etl_file(cut))[1]["broken"] == len(cut)


def test_a_file_that_is_opened_is_not_made(tmp_path: Path) -> None:
    def opened_file(disposition: int, version: int) -> Event:
        head = struct.pack("<QQI", 1, 2, 3) if version else struct.pack("<QQQ", 1, 2, 3)
        return Event("file", 12, version, head + struct.pack("<III", disposition << 24, 0, 0) + wide("\\x"))

    found = events(tmp_path, *(opened_file(n, version) for n in range(6) for version in (0, 1)))
    assert [event["CreateOptions"] >> 24 for event in found] == [0, 0, 2, 2, 3, 3, 4, 4, 5, 5]
    assert {event["TargetFilename"] for event in found} == {"\\x"}


@pytest.mark.parametrize(("number", "data", "has", "lacks"), NETWORK)
def test_connections(tmp_path: Path, number: int, data: bytes, has: dict[str, Any], lacks: set[str]) -> None:
    found = events(tmp_path, CLASSIC, IMAGE, Event("network", number, 0, data, at=20 * MS))[-1]
    assert {name: found.get(name) for name in has} == has
    assert not lacks & found.keys()
    assert (found.get("Image") == WHOLE["Image"]) == (found["ProcessId"] == 20)


# ---- the registry ----

RUN = "\\REGISTRY\\MACHINE\\Software\\Run"


def opened(number: int, key: int, base: str, name: str, *, below: int = 0, status: int = 0, made: int = 0) -> bytes:
    return struct.pack("<QQII", below, key, status, made) + wide(base) + wide(name)


def value(key: int, name: str, kind: int, data: bytes, *, size: int | None = None, status: int = 0) -> bytes:
    head = struct.pack("<QIII", key, status, kind, len(data) if size is None else size) + wide("") + wide(name)
    return head + struct.pack("<H", len(data)) + data + struct.pack("<IIH", 0, 0, 0)


def registry(*rows: tuple[int, bytes]) -> list[Event]:
    return [Event("registry", number, 0, data, at=n * MS, pid=20) for n, (number, data) in enumerate(rows)]


OPEN = (2, opened(2, 7, "\\REGISTRY\\MACHINE", "Software\\Run"))
CLOSE = (13, struct.pack("<QI", 7, 0) + wide(""))
DELETE = struct.pack("<QI", 7, 0) + wide("") + wide("x")
REGISTRY: list[tuple[list[tuple[int, bytes]], list[dict[str, Any]]]] = [
    ([OPEN, (5, value(7, "x", 1, wide("a.exe")))], [{"TargetObject": "HKLM\\Software\\Run\\x", "Details": "a.exe"}]),
    ([OPEN, CLOSE, (5, value(7, "x", 1, wide("a")))], [{"TargetObject": "HKLM\\Software\\Run\\x"}]),
    ([(5, value(7, "x", 1, wide("a")))], [{"TargetObject": None, "Details": "a"}]),
    ([OPEN, (5, value(7, "", 4, b"\1\0\0\0"))], [{"TargetObject": "HKLM\\Software\\Run\\(Default)",
                                                "Details": "DWORD (0x00000001)", "EventType": "SetValue"}]),
    ([OPEN, (5, value(7, "x", 11, bytes(range(8))))], [{"Details": "QWORD (0x07060504-0x03020100)"}]),
    ([OPEN, (5, value(7, "x", 3, b"ab"))], [{"Details": "Binary Data"}]),
    ([OPEN, (5, value(7, "x", 2, wide("")))], [{"Details": "(Empty)"}]),
    ([OPEN, (5, value(7, "x", 1, b"", size=20))], [{"Details": None}]),
    ([OPEN, (5, value(7, "x", 4, b"", size=4))], [{"Details": None}]),
    ([OPEN, (5, value(7, "x", 4, b"ab"))], [{"Details": "Binary Data"}]),  # no number of 32 bits
    ([OPEN, (5, value(7, "x", 0, b""))], [{"Details": "Binary Data"}]),
    ([OPEN, (5, value(7, "x", 7, wide("a") + wide("b") + wide("")))], [{"Details": "Binary Data"}]),
    ([OPEN, (5, value(7, "x", 0x20001, b"abc"))], [{"Details": "Binary Data"}]),  # of an application's own hive
    ([OPEN, (5, value(7, "x", 1, wide("a"), status=0xC0000022))], []),
    ([OPEN, (6, DELETE)], [{"TargetObject": "HKLM\\Software\\Run\\x", "EventType": "DeleteValue"}]),
    ([OPEN, (3, struct.pack("<QI", 7, 0) + wide(""))], [{"TargetObject": "HKLM\\Software\\Run"}]),
    ([(1, opened(1, 7, "", RUN, made=1))], [{"TargetObject": "HKLM\\Software\\Run", "EventType": "CreateKey"}]),
    ([(1, opened(1, 7, "", RUN, made=2))], []),
    ([(1, opened(1, 0, "", RUN, made=1, status=0xC0000022))], []),
    ([OPEN, (1, opened(1, 9, "", "Sub", below=7, made=1))], [{"TargetObject": "HKLM\\Software\\Run\\Sub"}]),
    ([(1, opened(1, 9, "", "Sub", below=7, made=1))], [{"TargetObject": None}]),
    ([OPEN, (2, opened(2, 7, "", "x", below=99)), (6, DELETE)], [{"TargetObject": None}]),
    ([(2, opened(2, 0, "\\REGISTRY\\MACHINE", "x")), (6, bytes(8) + DELETE[8:])], [{"TargetObject": None}]),
    ([(2, opened(2, 7, "\\" + "k" * 400, "l" * 400)), (6, DELETE)], [{"TargetObject": None}]),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), REGISTRY)
def test_registry(tmp_path: Path, rows: list[tuple[int, bytes]], expected: list[dict[str, Any]]) -> None:
    found = events(tmp_path, *registry(*rows))
    assert [{name: event.get(name) for name in want} for event, want in zip(found, expected, strict=True)] == expected


def test_what_is_not_resolved_is_counted(tmp_path: Path) -> None:
    """Whose an event is, who made it, which key: each that is not known, and no other."""
    known = [
        PARENT,
        CLASSIC,
        KERNEL,
        *(late(event, 30 * MS + n) for n, event in enumerate(registry(OPEN, (6, DELETE)))),
    ]
    counts = read(tmp_path / "known", etl_file(known))[1]
    names = ("process_unknown", "parent_unknown", "key_unknown")
    assert [counts[name] for name in names] == [0, 0, 0]
    unknown = [
        CLASSIC,
        *(late(event, 30 * MS) for event in registry((6, DELETE), (3, struct.pack("<QI", 8, 0) + wide("")))),
    ]
    unknown += [Event("network", 12, 0, V4, at=40 * MS), Event("dns", 3008, 0, wide("a.b") + bytes(16) + wide(""))]
    counts = read(tmp_path / "unknown", etl_file(unknown))[1]
    assert [counts[name] for name in names] == [2, 1, 2]


# ---- texts, and what cannot be read ----

TEXTS = [
    "",
    "a\u00e9\u20ac\U0001f600",
    "\ud800x",
    "x\udc00",
    "\udc00\ud800",
    "a" * 61 + "\U0001f600",
    '"\\\n\x01',
    "\u202e",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_is_what_it_was(tmp_path: Path, text: str) -> None:
    data = struct.pack("<II", 1, 1) + wide(text) + wide("id") + wide("")
    (found,) = events(tmp_path, Event("powershell", 4104, 1, data))
    assert found["ScriptBlockText"] == text


def test_what_cannot_be_known_is_counted(tmp_path: Path) -> None:
    given = [CLASSIC, Event("process", 2, 9, b""), Event("process", 99, 0, b""), Event("dns", 3008, 0, b"\0")]
    content = etl_file(given, events_lost=7, buffers_lost=2)
    found, counts, error = read(tmp_path / "x", content)
    assert len(found) == 1
    assert error == "not all of it could be read: unknown_version 1, broken 1 (the first: event 2 of version 9)"
    want = {"not_decoded": 2, "unknown_version": 1, "broken": 1, "events_lost": 7, "buffers_lost": 2, "damaged": 0}
    assert {name: counts[name] for name in want} == want  # not_decoded: the log's header is an event as well


DAMAGES = {
    "damaged 1": etl_file([CLASSIC]) + buffer(b"\0" * 64, 1 << 10),
    "compressed 1": etl_file([CLASSIC]) + buffer(b"", 1 << 10, flags=0x40),
    "cut_off 100": etl_file([CLASSIC]) + header(1 << 10)[:100],
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_said_after_all_else(tmp_path: Path, what: str) -> None:
    found, _, error = read(tmp_path / "x", DAMAGES[what])
    assert found[0]["CommandLine"] == "cmd /c dir"
    assert what in error


@pytest.mark.parametrize("mode", [1, 2])
def test_a_file_that_ends_with_a_buffer_is_known_by_its_header(tmp_path: Path, mode: int) -> None:
    """One of a fixed size (mode 2) writes its buffers over one another: it has had more than there are."""
    whole = header(1 << 10, mode=mode, written=4) + buffer(CLASSIC.packed(), 1 << 10) * 3
    assert read(tmp_path / "whole", whole)[2] == ""
    found, counts, error = read(tmp_path / "cut", whole[: -(1 << 11)])
    assert len(found) == 1
    assert counts["cut_off"] == (2048 if mode == 1 else 0)
    assert ("cut_off 2048" in error) == (mode == 1)


ANSWER = Event("dns", 3008, 0, wide("a.b") + bytes(16) + wide(""), 5 * MS)
MADE = Event("file", 30, 1, bytes(32) + wide("\\x"), 9 * MS)
SCATTERED = [late(CLASSIC, MS), late(KERNEL, MS + 1000), ANSWER, MADE]
ORDERS = {
    "backwards in a buffer": SCATTERED[::-1],
    "a processor's buffer after another's": SCATTERED[::2] + SCATTERED[1::2],
    "the last first": SCATTERED[-1:] + SCATTERED[:-1],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("size", [1 << 9, 1 << 16])
def test_events_are_told_by_their_times_wherever_they_stand(tmp_path: Path, order: str, size: int) -> None:
    """In buffers of one event, and in one."""
    told = [row["EventID"] for row in read(tmp_path / "x", etl_file(ORDERS[order], size=size))[0]]
    assert told == [1, 3008, 30]


def test_events_of_64_kib(tmp_path: Path) -> None:
    line = "x" * 32_000
    given = [Event("classic process", 1, 4, classic_process(20, 10, "a.exe", line), MS),
             Event("process", 1, 3, kernel_start(20, 10, "\\" + "p" * 32_000 + "\\a.exe"), MS)]  # fmt: skip
    (found,) = events(tmp_path, *given)
    assert (found["CommandLine"], len(found["Image"])) == (line, 32_007)


def test_no_trace(tmp_path: Path) -> None:
    (tmp_path / "x.etl").write_bytes(bytes(100))
    with pytest.raises(InputError, match="no event trace log"), open_input(str(tmp_path / "x.etl")):
        pass


# ---- rules ----

RULES: list[tuple[str, str, str, Event]] = [
    ("process_creation", "CommandLine", "cmd /c dir", CLASSIC),
    ("process_creation", "Image", VOLUME + "System32\\cmd.exe", KERNEL),
    ("network_connection", "DestinationIp", "20.190.159.23", Event("network", 12, 0, V4)),
    ("registry_add", "TargetObject", "HKLM\\Software\\Run", registry((1, opened(1, 7, "", RUN, made=1)))[0]),
    ("registry_event", "EventType", "CreateKey", registry((1, opened(1, 7, "", RUN, made=1)))[0]),
    ("file_event", "TargetFilename", "\\x", Event("file", 30, 1, bytes(32) + wide("\\x"))),
    ("file_delete", "TargetFilename", "\\x", Event("file", 26, 1, bytes(40) + wide("\\x"))),
    ("dns_query", "QueryResults", "-", Event("dns", 3008, 0, wide("a.b") + bytes(16) + wide(""))),
    ("ps_script", "ScriptBlockText", "dir", Event("powershell", 4104, 1, bytes(8) + wide("dir") + wide("") * 2)),
    ("image_load", "ImageLoaded", "\\x.dll", Event("classic image", 10, 3, classic_image(1, "\\x.dll"))),
]


@pytest.mark.parametrize(("category", "field", "wanted", "event"), RULES)
def test_rules_find_it(tmp_path: Path, category: str, field: str, wanted: str, event: Event) -> None:
    path = tmp_path / "x.etl"
    path.write_bytes(etl_file([event]))
    found: list[Frame] = []
    with engine_with([("windows", category, field, wanted)], **SMALL) as engine, open_input(str(path)) as source:
        assert source.recording
        play(engine, source.recording, found)
    assert len(found) == 1
