"""Who did it, of events of Windows: processes that other events of the same input told of, in alerts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from engine_rules import Row, engine_with
from etl_file import Event, kernel_start, wide
from test_etw_source import CMD, MS, alerts, running

from sensor.alert import AlertWriter
from sensor.native import Engine, lib

ROWS: list[Row] = [
    ("windows", "process_creation", "CommandLine", "evil"),
    ("windows", "network_connection", "DestinationIp", "10.0.0.1"),
]
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational"}
GUID = "{{11111111-0000-0000-0000-{:012x}}}"


def started(pid: int, parent: int, line: str, *, guid: int = 0, second: int = 1, **more: Any) -> dict[str, Any]:
    """Sysmon's event 1. `guid`: where the pid is one that was used before."""
    return SYSMON | {
        "EventID": 1, "UtcTime": f"2020-03-21 12:10:{second:02}.500", "ProcessGuid": GUID.format(guid or pid),
        "ProcessId": pid, "Image": f"C:\\{pid}.exe", "CommandLine": line, "User": "CORP\\anna",
        "ParentProcessGuid": GUID.format(parent), "ParentProcessId": parent, "ParentImage": f"C:\\{parent}.exe",
        "ParentCommandLine": f"{parent} \"a\" \u00e9",
    } | more  # fmt: skip


def connected(pid: int, guid: int = 0) -> dict[str, Any]:
    return SYSMON | {"EventID": 3, "ProcessGuid": GUID.format(guid or pid), "ProcessId": pid,
                     "Image": "as it says", "DestinationIp": "10.0.0.1"}  # fmt: skip


AUDIT = {"Channel": "Security", "EventID": 4688, "NewProcessId": "0x28", "ProcessId": "0x14",
         "NewProcessName": "C:\\b.exe", "CommandLine": "evil b", "ParentProcessName": "C:\\a.exe"}  # fmt: skip
START = 1_584_792_601_500_000_000  # of started(second=1)
# the lines, and of each alert who did it: (pid, image, start), and its ancestors' (pid, image, command line)
Who = tuple[int, str, int | None]
CASES: list[tuple[str, list[dict[str, Any]], list[tuple[Who, list[tuple[int | None, str, str | None]]]]]] = [
    ("its own event and parent", [started(40, 20, "evil")],
     [((40, "C:\\40.exe", START), [(20, "C:\\20.exe", '20 "a" \u00e9')])]),
    ("a chain", [started(20, 10, "b"), started(30, 20, "c", second=2), started(40, 30, "evil", second=3)],
     [((40, "C:\\40.exe", START + 2 * 10**9), [(30, "C:\\30.exe", '30 "a" \u00e9'), (20, "C:\\20.exe", "b"),
                                             (10, "C:\\10.exe", '10 "a" \u00e9')])]),
    ("another kind of event", [started(20, 10, "b"), connected(20)],
     [((20, "as it says", START), [(10, "C:\\10.exe", '10 "a" \u00e9')])]),
    ("nobody told of it", [connected(20)], [((20, "as it says", None), [])]),
    ("an id that was used again",
     [started(20, 10, "b"), started(20, 12, "c", guid=77, second=5), connected(20), connected(20, 77)],
     [((20, "as it says", START), [(10, "C:\\10.exe", '10 "a" \u00e9')]),
      ((20, "as it says", START + 4 * 10**9), [(12, "C:\\12.exe", '12 "a" \u00e9')])]),
    ("a GUID that is another's", [started(20, 10, "b"), connected(20, 99)], [((20, "as it says", None), [])]),
    ("a GUID without braces", [started(20, 10, "b"), started(20, 12, "c", guid=77, second=5),
                               connected(20) | {"ProcessGuid": GUID.format(20)[1:-1]}],
     [((20, "as it says", START), [(10, "C:\\10.exe", '10 "a" \u00e9')])]),
    ("no GUID", [started(20, 10, "b"), *(connected(20) | {"ProcessGuid": text} for text in (
        GUID.format(99).replace("6", "`"), GUID.format(99).replace("6", "g"), GUID.format(99).replace("-", " "),
        GUID.format(99)[:-1], "{}", "-" * 36, "{" + "\u00ff" * 18 + "}"))],
     [((20, "as it says", START), [(10, "C:\\10.exe", '10 "a" \u00e9')])] * 7),
    ("the audit log", [AUDIT, AUDIT | {"NewProcessId": "0x30", "ProcessId": "0x28", "NewProcessName": "C:\\c.exe",
                                      "ParentProcessName": "C:\\b.exe"}],
     [((40, "C:\\b.exe", None), [(20, "C:\\a.exe", None)]),
      ((48, "C:\\c.exe", None), [(40, "C:\\b.exe", "evil b"), (20, "C:\\a.exe", None)])]),
    ("its own parent", [started(20, 20, "evil")],
     [((20, "C:\\20.exe", START), [(20, "C:\\20.exe", '20 "a" \u00e9')])]),
]  # fmt: skip


def replayed(engine: Engine, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for line in lines:
        assert engine.feed_json(json.dumps(line).encode())
    text = b"1\n" * len(ROWS)
    writer = AlertWriter(engine, (text, text), [""] * 100, files=["f"])
    return [json.loads(one) for block in writer.write(engine.take_raw()) for one in bytes(block.data).splitlines()]


@pytest.mark.parametrize(("lines", "want"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_who_it_was(lines: list[dict[str, Any]], want: list[tuple[Who, list[Any]]]) -> None:
    with engine_with(ROWS) as engine:
        found = replayed(engine, lines)
        who = [(a["process"]["pid"], a["process"]["image"], a["process"].get("start")) for a in found]
        ancestors = [[(p.get("pid"), p["image"], p.get("command_line")) for p in a.get("lineage", [])] for a in found]
        assert list(zip(who, ancestors, strict=True)) == want


def test_two_inputs_are_two_hosts() -> None:
    with engine_with(ROWS) as engine:
        replayed(engine, [started(20, 10, "b")])
        lib.sn_engine__forget(engine.pointer)
        (alert,) = replayed(engine, [connected(20)])
        assert "lineage" not in alert
        assert "start" not in alert["process"]


def test_ten_thousand_processes_do_not_last_for_ever() -> None:
    long = "x" * 4000
    with engine_with(ROWS) as engine:
        replayed(engine, [started(4 * n, 4, long) for n in range(2, 10_000)])
        (alert,) = replayed(engine, [started(44_000, 4 * 9_999, "evil")])
        assert [p["pid"] for p in alert["lineage"]] == [4 * 9_999, 4]
        assert alert["lineage"][0]["image"] == f"C:\\{4 * 9_999}.exe"
        assert "start" in alert["lineage"][0]


def test_of_a_session_too() -> None:
    parent = Event("process", 15, 1, kernel_start(10, 4, "\\x\\explorer.exe"), at=MS)
    start = Event("process", 1, 3, kernel_start(20, 10, CMD), at=10 * MS)
    line = Event("powershell", 4104, 1, bytes(8) + wide("evil") + wide("") * 2, at=20 * MS, pid=20)
    rows: list[Row] = [("windows", "ps_script", "ScriptBlockText", "evil")]
    with running(rows) as (engine, source, writer):
        for event in (parent, start, line):
            source.deliver(event)
        (alert,) = alerts(engine, writer)
        assert (alert["process"]["pid"], alert["process"]["image"]) == (20, CMD)
        assert alert["process"]["start"] == 1_555_526_400_000_000_000
        assert [(p["pid"], p["image"]) for p in alert["lineage"]] == [(10, "\\x\\explorer.exe")]
