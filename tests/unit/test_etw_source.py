"""Events as Windows' sessions deliver them: what the callback takes, what the match thread makes of it, and what a
recording of it is."""

from __future__ import annotations

import json
import struct
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from engine_rules import Row, table
from etl_file import (
    BEGIN,
    GROUPS,
    PROVIDERS,
    Event,
    classic_guid,
    classic_image,
    classic_process,
    kernel_start,
    sid,
    wide,
)

from sensor.alert import AlertWriter
from sensor.dump import dump
from sensor.native import Engine, Rules, check, counters, ffi, lib, parse_record, record_json, record_json_text
from sensor.recording import RecordingReader, RecordingWriter

MS = 1_000_000
EPOCH = 116_444_736_000_000_000
RECORD = struct.Struct("<4H2IQ16sH4BHQQ16sI2HQQQ")  # EVENT_RECORD
CMD = "\\Device\\HarddiskVolume3\\Windows\\System32\\cmd.exe"
KERNEL = Event("process", 1, 3, kernel_start(20, 10, CMD), at=10 * MS)
CLASSIC = Event(
    "classic process", 1, 4, classic_process(20, 10, "cmd.exe", "cmd /c dir", sid(18)), at=10 * MS + 300_000
)
CONNECT = Event("network", 12, 0, struct.pack("<I", 20) + bytes(40), at=11 * MS)
IMAGES: list[Row] = [
    ("windows", "process_creation", "Image", "cmd.exe"),
    ("windows", "network_connection", "Image", "cmd.exe"),
    ("windows", "process_creation", "CommandLine", "/c dir"),
]
TIME = "2019-04-17T18:40:00."


class Source:
    """A struct sn_etw_source, its lanes, and events through them as EVENT_RECORDs."""

    def __init__(self, engine: Engine, patience_ms: Sequence[int] = (0,)) -> None:
        out = ffi.new("struct sn_etw_source **")
        check(lib.sn_etw_source__new(engine.pointer, out), "make a source")
        self.pointer = out[0]
        self.lanes = [lib.sn_etw_source__lane(self.pointer, ms) for ms in patience_ms]

    def deliver(self, event: Event, lane: int = 0, *, flags: int = 0x40) -> None:
        classic = event.provider in GROUPS
        guid = classic_guid(event.provider) if classic else PROVIDERS[event.provider]
        data = ffi.new("uint8_t[]", event.data or b"\0")
        number, opcode = (0, event.id) if classic else (event.id, 0)
        where = (0, int(ffi.cast("uintptr_t", data)), int(ffi.cast("uintptr_t", self.lanes[lane])))
        raw = RECORD.pack(
            *(0, 0, flags | (0x100 if classic else 0), 0, 7, event.pid, BEGIN + event.at // 100, guid.bytes_le),
            *(number, event.version, 0, 0, opcode, 0, 0, 0, bytes(16), 0, 0, len(event.data), *where),
        )
        lib.sn_etw_event_record(ffi.from_buffer(raw))

    @property
    def stats(self) -> dict[str, int]:
        return counters("sn_etw_source_stats", lib.sn_etw_source__stats, self.pointer)


@contextmanager
def running(rows: Sequence[Row], *patience_ms: int) -> Iterator[tuple[Engine, Source, AlertWriter]]:
    with Engine(alert_bytes=1 << 20, table_bytes=1 << 16, table_entries=64) as engine:
        rules = Rules(table(rows))
        engine.swap_rules(rules)
        text = tuple(b"".join(b"%d\n" % n for n in range(len(rows))) for _ in range(2))
        names = [""] * lib.sn_rules__field_count(rules.pointer)  # only undecidable alerts have them
        source = Source(engine, patience_ms or (0,))
        yield engine, source, AlertWriter(engine, (text[0], text[1]), names, host="h", run="r")
        engine.stop()
        lib.sn_etw_source__free(source.pointer)


def alerts(engine: Engine, writer: AlertWriter) -> list[dict[str, Any]]:
    """Of what is in the rings: the match thread takes all of it before it ends."""
    engine.stop()
    engine.run()
    return [json.loads(line) for block in writer.write(engine.take_raw()) for line in bytes(block.data).splitlines()]


def test_a_start_from_two_sessions_is_one_event() -> None:
    with running(IMAGES, 0, 0) as (engine, source, writer):
        source.deliver(CLASSIC, 1)
        source.deliver(CONNECT, 1)
        source.deliver(KERNEL, 0)
        found = sorted(alerts(engine, writer), key=lambda alert: str(alert["time"]))
        assert [(a["rule"], a["time"]) for a in found] == [
            (0, TIME + "010000000Z"),
            (2, TIME + "010000000Z"),
            (1, TIME + "011000000Z"),
        ]
        assert {a["fields"]["Image"] for a in found} == {CMD}
        assert found[0]["fields"]["User"] == "NT AUTHORITY\\SYSTEM"
        assert source.stats | {"received": 3, "recorded": 3} == source.stats


def test_what_nobody_reads_is_filtered_by_numbers() -> None:
    lost = (Event("lost", 32, 0, b""), Event("lost", 33, 0, b""))
    with running(IMAGES) as (engine, source, writer):
        for event in (Event("process", 99, 0, b""), Event("file", 1, 0, b""), *lost, CLASSIC):
            source.deliver(event)
        assert source.stats == {
            "received": 5, "filtered": 4, "recorded": 1, "dropped": 0, "oversized": 0, "lines": 0,
            "lost_events": 1, "lost_buffers": 1,
        }  # fmt: skip
        assert len(alerts(engine, writer)) == 1


def test_what_has_no_room_is_counted_by_provider() -> None:
    big, whole = Event("file", 30, 1, bytes(65_500)), Event("powershell", 4104, 1, bytes(60_000))
    with running(IMAGES) as (engine, source, writer):
        source.deliver(big)
        for _ in range(200):
            source.deliver(whole)
        stats = source.stats
        assert stats["received"] == sum(stats[n] for n in ("filtered", "recorded", "dropped", "oversized")) == 201
        assert (stats["oversized"], stats["recorded"]) == (1, lib.SN_ETW_LANE_BYTES // (60_000 + 88))
        found = {}
        out = ffi.new("struct sn_etw_provider_stats *")
        while name := lib.sn_etw_source__provider(source.pointer, len(found), out):
            found[ffi.string(name).decode()] = (out.recorded, out.dropped, out.oversized)
        assert found["Microsoft-Windows-PowerShell"] == (stats["recorded"], stats["dropped"], 0)
        assert found["Microsoft-Windows-Kernel-File"] == (0, 0, 1)
        alerts(engine, writer)
        assert engine.stats()["decoded"] == stats["recorded"]


def test_a_pointer_of_32_bits() -> None:
    data = struct.pack("<IIII", 1, 2, 3, 2 << 24) + bytes(8) + wide("\\Device\\Mup\\h\\x.exe")
    row: Row = ("windows", "file_event", "TargetFilename", "x.exe")
    with running([row]) as (engine, source, writer):
        source.deliver(Event("file", 30, 1, data), flags=0x20)
        assert [a["fields"]["TargetFilename"] for a in alerts(engine, writer)] == ["\\\\h\\x.exe"]


PATHS = [
    ("\\Device\\HarddiskVolume3\\Windows\\a.exe", "C:\\Windows\\a.exe"),
    ("\\device\\HARDDISKVOLUME3\\a", "C:\\a"),
    ("\\Device\\HarddiskVolume33\\a", "\\Device\\HarddiskVolume33\\a"),
    ("\\Device\\HarddiskVolume3", "C:"),
    ("\\SystemRoot\\System32\\a.sys", "C:\\Windows\\System32\\a.sys"),
    ("\\Device\\Mup\\server\\share\\a", "\\\\server\\share\\a"),
    ("\\??\\UNC\\server\\share\\a", "\\\\server\\share\\a"),
    ("\\??\\D:\\a", "D:\\a"),
    ("\\??\\Volume{1}\\a", "\\??\\Volume{1}\\a"),
    ("C:\\a \u00e9\ud800", "C:\\a \u00e9\ud800"),
    ("", ""),
]


def test_paths_are_what_users_call_them() -> None:
    with running([("windows", "file_event", "TargetFilename|re", "")]) as (engine, source, writer):
        for name, to in ((b"\\Device\\HarddiskVolume3", b"D:"), (b"\\Device\\HarddiskVolume3", b"C:")):
            check(lib.sn_engine__set_path(engine.pointer, name, to), "name a volume")
        check(lib.sn_engine__set_path(engine.pointer, b"\\SystemRoot", b"C:\\Windows"), "name the root")
        for n, (given, _) in enumerate(PATHS):
            source.deliver(Event("file", 30, 1, bytes(32) + wide(given), at=n * MS))
        found = alerts(engine, writer)
        assert [a["fields"]["TargetFilename"] for a in found] == [want for _, want in PATHS]


def test_accounts_are_asked_for_once() -> None:
    user = sid(21, 1, 2, 3, 1001)
    starts = [Event("classic process", 1, 4, classic_process(4 * n, 1, "a", "a", user), n * MS) for n in range(1, 5)]
    buffer = ffi.new("char[]", 256)
    with running([("windows", "process_creation", "User", "CORP")]) as (engine, source, writer):
        source.deliver(starts[0])
        source.deliver(starts[1])
        assert alerts(engine, writer) == []
        assert lib.sn_engine__unknown_account(engine.pointer, buffer, 8) < 0
        assert lib.sn_engine__unknown_account(engine.pointer, buffer, 256) == len("S-1-5-21-1-2-3-1001") + 1
        assert lib.sn_engine__unknown_account(engine.pointer, buffer, 256) == 0
        check(lib.sn_engine__set_account(engine.pointer, buffer, b"CORP\\anna"), "name an account")
        source.deliver(starts[2])
        assert [a["fields"]["User"] for a in alerts(engine, writer)] == ["CORP\\anna"]


# ---- sessions among one another ----


def test_the_other_event_of_a_start_is_not_waited_for_where_there_is_none() -> None:
    starts = [Event("process", 1, 3, kernel_start(4 * n, 1, CMD), at=n * MS) for n in range(1, 6)]
    with running(IMAGES) as (engine, source, _writer):
        for event in starts:
            source.deliver(event)
        engine.stop()
        engine.run()
        found = [frame.index for frame in engine.take()]
        assert found == [0, 1, 2, 3, 4]


def late(event: Event, at: int) -> Event:
    return Event(event.provider, event.id, event.version, event.data, at, event.pid)


def test_events_of_sessions_go_by_their_times() -> None:
    """The bulk session's connection comes first, the start of its process behind it."""
    with running(IMAGES, 0, 100) as (engine, source, writer):
        source.deliver(CONNECT, 1)
        source.deliver(late(CONNECT, 30 * MS), 1)
        source.deliver(KERNEL, 0)
        source.deliver(late(KERNEL, 12 * MS), 0)
        found = alerts(engine, writer)
        assert [a["rule"] for a in found].count(1) == 2


def test_one_that_waits_for_another_session_is_not_forgotten() -> None:
    """The match thread finds a start whose other event never comes, and an event that no other session overtakes."""
    with running(IMAGES, 0, 30) as (engine, source, writer):
        thread = threading.Thread(target=engine.run)
        thread.start()
        source.deliver(late(CLASSIC, 5 * MS), 0)
        source.deliver(Event("classic image", 10, 3, classic_image(20, CMD), at=6 * MS), 0)
        source.deliver(KERNEL, 0)
        source.deliver(CONNECT, 1)
        found: list[dict[str, Any]] = []
        while len(found) < 3 and engine.wait(60):
            found += [json.loads(x) for b in writer.write(engine.take_raw()) for x in bytes(b.data).splitlines()]
        assert {a["rule"] for a in found} >= {0, 1, 2}
        engine.stop()
        thread.join()


def test_none_waits_for_a_clock_that_was_set_back() -> None:
    """A session's clock goes on: its events come an hour ahead, and the other session brings none."""
    hour = 3600 * 1000 * MS
    ahead = late(CONNECT, time.time_ns() + hour - (BEGIN - EPOCH) * 100)
    with running([("windows", "network_connection", "DestinationPort", "0")], 0, 30) as (engine, source, _):
        thread = threading.Thread(target=engine.run)
        thread.start()
        source.deliver(ahead, 1)
        taken = engine.wait(60)
        engine.stop()
        thread.join()
        assert taken


def test_what_cannot_be_read_is_malformed() -> None:
    """Data that end too soon, and a version that is not known."""
    short = Event("process", 1, 3, KERNEL.data[:20], at=MS)
    unknown = Event("classic image", 10, 1, b"", at=2 * MS)
    with running(IMAGES) as (engine, source, writer):
        for event in (short, unknown, KERNEL):
            source.deliver(event)
        assert len(alerts(engine, writer)) == 1
        counts = engine.stats()
        assert (counts["received"], counts["decoded"], counts["malformed"]) == (3, 1, 2)


# ---- lines ----


def test_lines_of_channels() -> None:
    sysmon = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\cmd.exe"}
    with running(IMAGES) as (engine, source, writer):
        for line in (json.dumps(sysmon).encode(), b"{", b""):
            assert lib.sn_etw_source__line(source.pointer, line, len(line)) == 0
        assert lib.sn_etw_source__line(source.pointer, b" " * 70_000, 70_000) < 0
        assert [a["rule"] for a in alerts(engine, writer)] == [0]
        counts = engine.stats()
        assert (counts["received"], counts["decoded"], counts["malformed"]) == (3, 1, 2)
        assert (source.stats["lines"], source.stats["oversized"], source.stats["received"]) == (3, 1, 1)


def test_a_line_does_not_wait_until_the_sessions_have_nothing() -> None:
    sysmon = json.dumps({"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "cmd.exe"}).encode()
    later = late(CONNECT, time.time_ns() + 3600 * 1000 * MS - (BEGIN - EPOCH) * 100)
    rows: list[Row] = [("windows", "network_connection", "DestinationPort", "0"), IMAGES[0]]
    with running(rows) as (engine, source, writer):
        source.deliver(CONNECT)
        source.deliver(later)
        assert lib.sn_etw_source__line(source.pointer, sysmon, len(sysmon)) == 0
        assert [alert["rule"] for alert in alerts(engine, writer)] == [0, 1, 0]


def test_what_the_events_came_to_is_counted() -> None:
    given = (KERNEL, CLASSIC, CONNECT, Event("process", 1, 3, b"", at=12 * MS), Event("classic image", 10, 1, b""))
    with running(IMAGES) as (engine, source, writer):
        for event in given:
            source.deliver(event)
        alerts(engine, writer)
        counted = counters("sn_etw_decoding", lib.sn_engine__etw_decoding, engine.pointer)
    assert counted == {
        "told": 2, "joined": 1, "unknown_version": 1, "broken": 1, "process_unknown": 0, "parent_unknown": 1,
        **dict.fromkeys(("key_unknown", "forgotten", "too_long", "starts_hurried"), 0),
        **dict.fromkeys(("keys_forgotten", "names_refused", "hosts_forgotten"), 0),
    }  # fmt: skip


def opened_key(key: int, path: str) -> Event:
    return Event("registry", 2, 0, struct.pack("<QQII", 0, key, 0, 0) + wide(path) + wide(""), at=key)


def answered(at: int, pid: int, name: str, results: str, status: int = 0) -> Event:
    return Event("dns", 3008, 0, wide(name) + struct.pack("<IQI", 1, 0, status) + wide(results), at=at, pid=pid)


AHEAD = time.time_ns() - (BEGIN - EPOCH) * 100 + 3_600_000 * MS  # what has just begun may wait
FORGOTTEN: list[tuple[str, list[Event], int]] = [
    ("starts_hurried", [Event("classic process", 1, 4, classic_process(4 * n, 1, "a", "a"), AHEAD + n * 100)
                        for n in range(1, 301)], 300 - 256),
    ("keys_forgotten", [opened_key(n, "\\k") for n in range(1, 5001)], 5000 - 4096),
    ("too_long", [opened_key(1, "\\" + "k" * 600)], 1),
    ("hosts_forgotten", [answered(n, n + 1, f"h{n}", f"10.0.{n // 250}.{n % 250};") for n in range(4000)], 4000 - 2048),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "least"), FORGOTTEN, ids=[row[0] for row in FORGOTTEN])
def test_what_is_forgotten_is_counted(name: str, given: list[Event], least: int) -> None:
    with running(IMAGES) as (engine, source, writer):
        for event in given:
            source.deliver(event)
        alerts(engine, writer)
        counted = counters("sn_etw_decoding", lib.sn_engine__etw_decoding, engine.pointer)
    assert counted[name] >= least
    assert not any(counted[other] for other, *_ in FORGOTTEN if other != name)


def test_names_without_room_are_counted() -> None:
    with running(IMAGES) as (engine, _, _writer):
        refused = sum(lib.sn_engine__set_path(engine.pointer, b"\\d%d" % n, b"C:") != 0 for n in range(130))
        assert refused == 130 - 128
        assert counters("sn_etw_decoding", lib.sn_engine__etw_decoding, engine.pointer)["names_refused"] == refused


# ---- recordings ----


def test_a_recording_is_replayed_to_the_same_alerts(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    line = json.dumps(
        {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\cmd.exe"}
    ).encode()
    path = tmp_path / "r.lrec"
    with path.open("wb") as file, RecordingWriter(file.fileno(), {}) as recording, running(IMAGES) as live:
        engine, source, writer = live
        engine.record_to(recording)
        for event in (KERNEL, CLASSIC, CONNECT):
            source.deliver(event)
        lib.sn_etw_source__line(source.pointer, line, len(line))
        first = [(a["rule"], a["fields"]) for a in alerts(engine, writer)]
        assert len(first) == 4
        recording.flush()
        engine.record_to(None)
    dump(str(path))
    dumped = capfdbinary.readouterr().out.splitlines()
    with path.open("rb") as file, RecordingReader(file.fileno(), "r") as reader:
        records = list(reader)
    assert [parse_record(text) for text in dumped] == records
    shown = record_json(records[0])
    assert shown["provider"] == str(PROVIDERS["process"])
    assert (shown["type"], shown["id"], shown["version"], shown["pid"]) == ("etw", 1, 3, 4)
    assert bytes.fromhex(shown["data"]) == KERNEL.data
    with running(IMAGES) as (engine, _, writer):
        for record in records:
            engine.feed(record)
        again = [(a["rule"], a["fields"]) for a in alerts(engine, writer)]
    assert sorted(first, key=str) == sorted(again, key=str)


def test_records_that_are_not_sound() -> None:
    data = bytes(38) + b"abc"
    sound = parse_record(record_json_text(made_record(data)).encode())
    assert bytes.fromhex(record_json(sound)["data"]) == data
    with running(IMAGES) as (engine, _, _writer):
        for at, value in ((66, 3), (68, 8), (72, 200)):  # pointer, where the data begin, how many they are
            bad = bytearray(sound)
            struct.pack_into("<H" if at == 66 else "<I", bad, at, value)
            assert not engine.feed(bytes(bad))
        assert engine.feed(sound)


def made_record(data: bytes) -> bytes:
    """As the callback makes it."""
    with tempfile.TemporaryFile() as file, running(IMAGES) as (engine, source, writer):
        with RecordingWriter(file.fileno(), {}) as recording:
            engine.record_to(recording)
            source.deliver(Event("process", 5, 0, data))
            alerts(engine, writer)
            engine.record_to(None)
        file.seek(0)
        with RecordingReader(file.fileno(), "r") as reader:
            return next(iter(reader))
