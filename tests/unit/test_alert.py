"""Frames to alert lines: the contracts of replay and live, field by field. Each is compared with its naive twin's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import native_records as records
import pytest
from alert_twin import AlertTwin

from sensor import schema
from sensor.alert import AlertWriter, frame_bytes, rule_lines
from sensor.encode import from_json, to_line
from sensor.health import EVENTS_LOST, health_alert
from sensor.native import Engine, Frame, ffi, lib

EPOCH = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class Rule:
    id: str = "r-1"
    title: str = "A chain"
    level: str = "high"
    tags: tuple[str, ...] = ("attack.t1218",)
    author: str = "somebody"
    description: str = ""
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ("backup",)


class Both:
    """The writer and its twin: what they make of a frame must be the same bytes."""

    def __init__(self, **more: Any) -> None:
        known = {
            "host": "web1",
            "run": "7f3a9c21",
            "boot_to_epoch_ns": EPOCH,
            "files": ("a.lrec", "b.ndjson"),
            "users": {0: "root"},
        } | more
        rules = [Rule(), Rule("r-2", level="informational"), Rule("r-3", level="")]
        rules += [Rule("r-4", description='"level":"high" is none here, nor is "level":', title="level")]
        names = ["Image", "CommandLine", "ParentCommandLine"]
        self.twin = AlertTwin(rules, names, **known)
        self.engine = Engine(ring_bytes=1 << 16, alert_bytes=1 << 18, table_bytes=1 << 16, table_entries=64)
        for uid, name in known.pop("users").items():
            self.engine.set_user(uid, name)
        self._writers = {
            True: AlertWriter(self.engine, rule_lines(rules), names, host=known["host"], run=known["run"]),
            False: AlertWriter(self.engine, rule_lines(rules), names, files=known["files"]),
        }
        for writer in self._writers.values():
            writer.set_clock(known["boot_to_epoch_ns"])

    def written(self, *frames: Frame, live: bool) -> list[bytes]:
        """By the writer alone."""
        blocks = self._writers[live].write(b"".join(map(frame_bytes, frames)))
        return [line for block in blocks for line in block.data.splitlines(keepends=True)]

    def lines(self, *frames: Frame, live: bool) -> list[bytes]:
        lines = self.written(*frames, live=live)
        assert lines == [to_line(self.twin.build(one, live=live)) for one in frames]
        return lines

    def build(self, one: Frame, *, live: bool) -> dict[str, Any]:
        (line,) = self.lines(one, live=live)
        return from_json(line)


def frame(event: bytes, **more: Any) -> Frame:
    values: dict[str, Any] = {
        "rule": 0,
        "generation": 1,
        "verdict": lib.SN_MATCH,
        "cause_field": None,
        "file": 0,
        "index": 7,
        "payload": lib.SN_PAYLOAD_RECORD,
        "event": event,
        "process": b"",
        "lineage": (),
        "lineage_complete": False,
        "lost_total": 0,
        "lost_recent": 0,
        "lost_any": 0,
    }
    return Frame(**{**values, **more})


SHELL = {"pid": 42, "start": 420, "image": b"/usr/bin/bash", "argv": [b"bash", b"-c", b"", b"id\xff"], "cwd": b"/root"}
EXEC = records.exec_record(time=5, cpu=1, seq=9, ppid=3, loginuid=0xFFFFFFFF, **SHELL)
SSHD = records.process_record(pid=3, start=30, image=b"/usr/sbin/sshd", argv=[b"sshd:", b"root"], uid=12)
INIT = records.process_record(pid=1, start=10, image=b"/sbin/init", argv=b"")


def test_live_alert_is_the_whole_contract() -> None:
    process = records.process_record(**SHELL)
    one = frame(EXEC, process=process, lineage=(SSHD, INIT), lineage_complete=True, lost_recent=2, lost_any=3)
    alert = Both().build(one, live=True)
    fields = alert.pop("fields")
    assert alert == {
        "rule": {
            "id": "r-1",
            "title": "A chain",
            "level": "high",
            "tags": ["attack.t1218"],
            "author": "somebody",
            "falsepositives": ["backup"],
        },
        "verdict": "match",
        "time": EPOCH + 5,
        "host": "web1",
        "event": {"type": "exec", "cpu": 1, "seq": 9, "id": "7f3a9c21-7"},
        "evidence": {"lost": {"cpu": 0, "recent": 2, "all": 3}},
        "process": {
            "pid": 42,
            "start": 420,
            "image": "/usr/bin/bash",
            "argv": ["bash", "-c", "", "id\udcff"],
            "command_line": "bash -c  id\udcff",
            "cwd": "/root",
            "user": "root",
            "uid": 0,
        },
        "lineage": [
            {"pid": 3, "start": 30, "image": "/usr/sbin/sshd", "command_line": "sshd: root"},
            {"pid": 1, "start": 10, "image": "/sbin/init"},
        ],
        "lineage_complete": True,
    }
    expected = {
        "Image": "/usr/bin/bash",
        "CommandLine": "bash -c  id\udcff",
        "ProcessId": 42,
        "ParentProcessId": 3,
        "ParentImage": "/usr/sbin/sshd",
        "ParentCommandLine": "sshd: root",
        "ParentUser": "12",
        "User": "root",
    }
    assert {name: fields.get(name) for name in expected} == expected
    assert "LogonId" not in fields
    assert set(fields) <= set(schema.sigma_fields("process_creation"))


def test_replay_names_the_event_by_file_and_index() -> None:
    alert = Both().build(frame(EXEC, file=1), live=False)
    assert alert["event"] == {"file": "b.ndjson", "index": 7, "type": "exec", "cpu": 1, "seq": 9}
    assert "host" not in alert
    assert "evidence" not in alert
    assert alert["process"]["image"] == "/usr/bin/bash"  # the event itself, where the table has nothing
    assert alert["lineage"] == []
    assert not alert["lineage_complete"]
    assert "ParentImage" not in alert["fields"]


@pytest.mark.parametrize(("time", "boot", "expected"), [(5, 0, None), (5, EPOCH, EPOCH + 5), (EPOCH, 0, EPOCH)])
def test_time_is_left_out_where_the_clocks_are_not_known(time: int, boot: int, expected: int | None) -> None:
    event = records.exec_record(time=time)
    assert Both(boot_to_epoch_ns=boot).build(frame(event), live=False).get("time") == expected


def connect(**more: Any) -> bytes:
    header = {"type": lib.SN_CONNECT, "cpu": 0, "seq": 4, "pid": 42, "start": 420, "time": 1}
    members = {"family": 2, "protocol": 6, "dport": 443, "daddr": bytes([127, 0, 0, 1]) + bytes(12), **more}
    struct = ffi.new("struct sn_connect *", {"h": header, **members})
    struct.h.size = ffi.sizeof("struct sn_connect")
    return bytes(ffi.buffer(struct))


def test_a_connection_carries_its_process() -> None:
    one = frame(connect(uid=7), process=records.process_record(**SHELL), lineage=(SSHD,))
    assert Both().build(one, live=True)["fields"] == {
        "Protocol": "tcp",
        "DestinationIp": "127.0.0.1",
        "DestinationPort": 443,
        "UserId": 7,
        "User": "7",
        "ProcessId": 42,
        "Image": "/usr/bin/bash",
        "CommandLine": "bash -c  id\udcff",
        "CurrentDirectory": "/root",
        "ParentImage": "/usr/sbin/sshd",
        "ParentCommandLine": "sshd: root",
        "Initiated": "true",
    }


def test_a_connection_of_an_unknown_process_guesses_nothing() -> None:
    alert = Both().build(frame(connect()), live=True)
    assert not {"process", "lineage", "lineage_complete"} & set(alert)
    assert not {"Image", "CommandLine", "ParentImage"} & set(alert["fields"])


TRUNCATED = records.exec_record(flags=lib.SN_F_ARGV_TRUNCATED, **SHELL)
UNREADABLE = records.process_record(pid=3, start=30, flags=lib.SN_F_ARGV_UNREADABLE)


@pytest.mark.parametrize(
    ("rule", "event", "lineage", "cause", "level", "expected"),
    [
        (0, TRUNCATED, (), 1, "low", {"cause": "CommandLine", "reason": "truncated", "level": "high"}),
        (0, TRUNCATED, (), 0, "low", {"cause": "Image", "reason": "not known", "level": "high"}),
        (0, EXEC, (UNREADABLE,), 2, "low", {"cause": "ParentCommandLine", "reason": "unreadable", "level": "high"}),
        (0, EXEC, (), None, "low", {"cause": "unknown", "reason": "not known", "level": "high"}),
        (0, EXEC, (), 3, "low", {"cause": "unknown", "reason": "not known", "level": "high"}),
        (3, EXEC, (), 3, "low", {"cause": "unknown", "reason": "not known", "level": "high"}),
        (1, EXEC, (), 1, "informational", {"cause": "CommandLine", "reason": "not known", "level": "informational"}),
    ],
)
def test_an_undecidable_is_low_and_names_its_cause(  # noqa: PLR0917
    rule: int, event: bytes, lineage: tuple[bytes, ...], cause: int | None, level: str, expected: dict[str, str]
) -> None:
    one = frame(event, rule=rule, lineage=lineage, verdict=lib.SN_UNDECIDABLE, cause_field=cause)
    build = Both()
    alert = build.build(one, live=True)
    assert (alert["verdict"], alert["rule"]["level"], alert["undecidable"]) == ("undecidable", level, expected)
    again = build.build(frame(event, rule=rule), live=True)
    assert again["verdict"] == "match"
    assert again["rule"]["level"] == expected["level"]
    assert "undecidable" not in again


def test_truncated_arguments_say_so() -> None:
    process = Both().build(frame(TRUNCATED), live=True)["process"]
    assert (process["argv_truncated"], process["argv_bytes"]) == (True, 13)


def test_reduced_source_says_so_on_every_alert() -> None:
    event = records.exec_record(flags=lib.SN_F_REDUCED, cpu=records.CPU_NONE)
    for live in (True, False):
        alert = Both().build(frame(event), live=live)
        assert alert["evidence"]["reduced"] is True
        assert "seq" not in alert["event"]


def test_rule_without_a_level_is_informational() -> None:
    assert Both().build(frame(EXEC, rule=2), live=True)["rule"]["level"] == "informational"


def test_alerts_of_one_event_share_it_and_others_do_not() -> None:
    other = records.exec_record(pid=1, image=b"/other")
    steps: list[dict[str, Any]] = [
        {},
        {"rule": 1},
        {"index": 8},
        {"index": 8, "file": 1},
        {"index": 8, "file": 1, "lost_any": 1},
    ]
    frames = [*(frame(EXEC, **step) for step in steps), frame(other), frame(other, process=SSHD)]
    for live in (True, False):
        assert len(Both().lines(*frames, live=live)) == len(frames)


SYSMON = b"""{"src": "x", "file": "y", "event": {"Image": "C:\\\\a.exe", "CommandLine": "a.exe /x", "User": "S",
 "ProcessId": "0x1a4", "ParentProcessId": 7, "ParentImage": "C:\\\\p.exe", "Inf": 1e999,
 "Big": 123456789012345678901234567890}}"""


def test_json_event() -> None:
    alert = Both().build(frame(SYSMON, file=1, payload=lib.SN_PAYLOAD_JSON), live=False)
    assert alert["event"] == {"file": "b.ndjson", "index": 7}
    assert alert["fields"]["Big"] == "123456789012345678901234567890"
    assert alert["fields"]["Inf"] == "1e999"
    assert alert["process"] == {"pid": 420, "image": "C:\\a.exe", "command_line": "a.exe /x", "user": "S"}
    assert alert["lineage"] == [{"pid": 7, "image": "C:\\p.exe"}]


def test_health_alert_has_the_same_shape() -> None:
    alert = health_alert(EVENTS_LOST, host="web1", time_ns=EPOCH, lost=23, by_cause={"ring_full": 23})
    assert (alert["rule"]["id"], alert["verdict"]) == (EVENTS_LOST.id, "match")
    assert alert["fields"] == {"lost": 23, "by_cause": {"ring_full": 23}}
