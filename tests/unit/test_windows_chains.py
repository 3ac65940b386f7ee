"""Chains of Windows that go back as far as each process in them was told of: by Sysmon, the audit log, or a session."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
from engine_rules import Row, engine_with, table
from etl_file import BEGIN, Event, classic_process, kernel_start
from test_actors import SYSMON, replayed
from test_etw_source import MS, alerts, running

from sensor.native import Engine, Rules, lib
from sensor.proxy import proxy_of

ANY: Row = ("windows", "process_creation", "CommandLine", "e")
READ: Row = ("windows", "process_creation", "ProxyChain", "no such program")
C = "C:\\Windows\\System32\\"
FORFILES = 'forfiles /c "cmd /c rundll32 url.dll,OpenURL http://e/x.hta"'


def program(line: str) -> str:
    return line.partition(" ")[0]


def start(pid: int, parent: int, line: str, *, guid: int = 0, second: int = 1, **more: Any) -> dict[str, Any]:
    """Sysmon's event 1, which says nothing of its parent but who it was."""
    return SYSMON | {
        "EventID": 1, "UtcTime": f"2020-03-21 12:10:{second:02}.500", "ProcessId": pid, "CommandLine": line,
        "ProcessGuid": f"{{11111111-0000-0000-0000-{guid or pid:012x}}}", "Image": f"{C}{program(line)}.exe",
        "ParentProcessGuid": f"{{11111111-0000-0000-0000-{parent:012x}}}", "ParentProcessId": parent,
    } | more  # fmt: skip


def audit(pid: int, parent: int, line: str, image: str = "", second: int = 1) -> dict[str, Any]:
    """Security 4688, which has no parent's command line."""
    return {"Event": {
        "System": {"Channel": "Security", "EventID": 4688,
                   "TimeCreated": {"#attributes": {"SystemTime": f"2020-03-21T12:10:{second:02}.5000001Z"}}},
        "EventData": {"NewProcessId": hex(pid), "ProcessId": hex(parent), "CommandLine": line,
                      "NewProcessName": f"{C}{image or line.split(maxsplit=1)[0]}.exe"},
    }}  # fmt: skip


def audit_end(pid: int, second: int) -> dict[str, Any]:
    return {"Event": {
        "System": {"Channel": "Security", "EventID": 4689,
                   "TimeCreated": {"#attributes": {"SystemTime": f"2020-03-21T12:10:{second:02}.5000001Z"}}},
        "EventData": {"ProcessId": hex(pid), "ProcessName": "x", "Status": "0x0"},
    }}  # fmt: skip


def sysmon_end(pid: int, second: int) -> dict[str, Any]:
    return SYSMON | {"EventID": 5, "UtcTime": f"2020-03-21 12:10:{second:02}.500", "ProcessId": pid,
                     "ProcessGuid": f"{{11111111-0000-0000-0000-{pid:012x}}}"}  # fmt: skip


def chains(engine: Engine, lines: list[dict[str, Any]]) -> list[str]:
    return [",".join(a.get("proxy", {}).get("chain", [])) for a in replayed(engine, lines)]


CASES: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    ("each process of a chain",
     [start(20, 8, FORFILES), start(24, 20, "cmd /c rundll32 url.dll,OpenURL http://e/x.hta"),
      start(28, 24, "rundll32 url.dll,OpenURL http://e/x.hta"), start(32, 28, "mshta http://e/x.hta"),
      start(36, 32, "powershell -c iex(1)")],
     ["forfiles,cmd,rundll32,url.dll", "forfiles,cmd,rundll32,url.dll", "forfiles,cmd,rundll32,url.dll",
      "forfiles,cmd,rundll32,url.dll,mshta", "forfiles,cmd,rundll32,url.dll,mshta,powershell"]),
    ("the audit log's, which tells no parent's command line",
     [audit(20, 8, FORFILES), audit(24, 20, "cmd /c rundll32 url.dll,OpenURL http://e/x.hta"),
      audit(28, 24, "rundll32 url.dll,OpenURL http://e/x.hta")],
     ["forfiles,cmd,rundll32,url.dll"] * 3),
    ("a program between that is no proxy", [start(20, 8, 'forfiles /c tree.exe'), start(24, 20, "tree e"),
                                            start(28, 24, "cmd /c mshta http://e/")],
     ["forfiles", "forfiles", "cmd,mshta"]),
    ("its child has ended already, its own child begins late",
     [start(20, 8, FORFILES), start(24, 20, "cmd /c x & e"), sysmon_end(20, 2), start(28, 24, "mshta http://e/")],
     ["forfiles,cmd,rundll32,url.dll", "forfiles,cmd", "forfiles,cmd,mshta"]),
    ("a pid that was used again", [start(20, 8, FORFILES), sysmon_end(20, 2), start(20, 8, "tree e", guid=99, second=3),
                                   start(24, 99, "cmd /c mshta http://e/", ParentProcessId=20, second=4)],
     ["forfiles,cmd,rundll32,url.dll", "", "cmd,mshta"]),
    ("the same by the audit log",
     [audit(20, 8, FORFILES), audit_end(20, 2), audit(24, 20, "cmd /c mshta http://e/", second=6)],
     ["forfiles,cmd,rundll32,url.dll", "cmd,mshta"]),
    ("where the end was not seen, the parent's name tells",
     [audit(20, 8, FORFILES),
      start(24, 77, "cmd /c mshta http://e/", ParentProcessId=20, ParentImage="C:\\tree.exe", second=2)],
     ["forfiles,cmd,rundll32,url.dll", "cmd,mshta"]),
    ("one that was renamed", [start(20, 8, 'e /c "cmd /c mshta http://e/"', OriginalFileName="forfiles.exe"),
                              start(24, 20, "cmd /c mshta http://e/")],
     ["forfiles,cmd,mshta"] * 2),
    ("what was heard of before", [start(20, 8, FORFILES), start(20, 8, FORFILES),
                                  start(24, 20, "cmd /c rundll32 url.dll,OpenURL http://e/x.hta")],
     ["forfiles,cmd,rundll32,url.dll"] * 3),
]  # fmt: skip


@pytest.mark.parametrize("rows", [[ANY], [ANY, READ]], ids=["for alerts", "for rules"])
@pytest.mark.parametrize(("lines", "want"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_chain(lines: list[dict[str, Any]], want: list[str], rows: list[Row]) -> None:
    with engine_with(rows) as engine:
        assert chains(engine, lines) == want


def test_what_lived_before_the_rules_did() -> None:
    """Nobody reads what is unwound until then."""
    lines = [start(20, 8, FORFILES), start(24, 20, "cmd /c rundll32 url.dll,OpenURL http://e/x.hta")]
    with engine_with([ANY]) as engine:
        chains(engine, lines)
        rules = Rules(table([ANY, READ]))
        engine.swap_rules(rules)
        assert engine.feed_json(json.dumps(start(28, 24, "rundll32 url.dll,OpenURL http://e/")).encode())
        proxy = proxy_of(engine.take()[0].proxy)
        assert proxy is not None
        assert ",".join(proxy.chain) == "forfiles,cmd,rundll32,url.dll"


def test_alerts_on_few_starts_know_all_of_the_chain() -> None:
    """Those between bring no rule out, so nobody has looked at them."""
    lines = [
        start(20, 8, FORFILES),
        start(24, 20, 'cmd /c "rundll32 url.dll,OpenURL http://e/x.hta"'),
        start(28, 24, "rundll32 url.dll,OpenURL http://e/x.hta"),
        start(32, 28, "mshta http://e/here.hta"),
    ]
    with engine_with([("windows", "process_creation", "CommandLine", "here.hta")]) as engine:
        assert chains(engine, lines) == ["forfiles,cmd,rundll32,url.dll,mshta"]


def test_a_chain_without_an_end_keeps_its_last_names() -> None:
    lines = [start(4 * n, 4 * n - 4, "cmd /c cmd /c e", second=n % 60) for n in range(2, 40)]
    with engine_with([ANY]) as engine:
        found = [chain.split(",") for chain in chains(engine, lines)]
    assert {name for chain in found for name in chain} == {"cmd"}
    depths = [len(chain) for chain in found]
    assert max(depths) > 30
    assert min(depths) == 2


def test_two_inputs_are_two_hosts() -> None:
    with engine_with([ANY]) as engine:
        chains(engine, [start(20, 8, FORFILES)])
        lib.sn_engine__forget(engine.pointer)
        assert chains(engine, [start(24, 20, "cmd /c mshta http://e/")]) == ["cmd,mshta"]


# ---- lineages that are complete ----


def complete(engine: Engine, lines: list[dict[str, Any]]) -> list[bool | None]:
    return [a.get("lineage_complete") for a in replayed(engine, lines)]


ROOTS: list[tuple[str, list[dict[str, Any]], list[bool | None]]] = [
    ("of Windows' own", [start(20, 8, "e", ParentImage=C + "services.exe")], [True]),
    ("by the system's own name for it", [start(20, 8, "e", ParentImage="\\SystemRoot\\System32\\SMSS.exe")], [True]),
    ("of System", [start(20, 4, "e", ParentImage="System")], [True]),
    ("through one that was seen",
     [start(20, 8, "a", ParentImage=C + "wininit.exe"), start(24, 20, "e", second=2)], [True]),
    ("of one whose parent is not known", [start(20, 8, "e", ParentImage="C:\\Windows\\explorer.exe")], [False]),
    ("by the name alone", [start(20, 8, "e", ParentImage="C:\\Users\\a\\services.exe")], [False]),
    ("in a folder of that name", [start(20, 8, "e", ParentImage="C:\\x\\System32\\services.exe")], [False]),
    ("that is told to have a parent",
     [start(20, 8, "a", ParentImage="C:\\e.exe"), start(24, 20, "e", Image=C + "services.exe"), start(28, 24, "e")],
     [False, False]),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "want"), [row[1:] for row in ROOTS], ids=[row[0] for row in ROOTS])
def test_complete(lines: list[dict[str, Any]], want: list[bool | None]) -> None:
    with engine_with([ANY]) as engine:
        assert complete(engine, lines) == want


# ---- sessions ----


def told_twice(pid: int, parent: int, line: str, at: int) -> list[Event]:
    """By Kernel-Process, whose CreateTime is its own, and by the kernel logger; `at`: ms."""
    name = f"{program(line)}.exe"
    data = bytearray(kernel_start(pid, parent, f"\\x\\{name}"))
    struct.pack_into("<Q", data, 12, BEGIN + at * 10_000)
    return [
        Event("process", 1, 3, bytes(data), at=at * MS),
        Event("classic process", 1, 4, classic_process(pid, parent, name, line), at=at * MS + 100_000),
    ]


def test_of_a_session() -> None:
    stop = Event("process", 2, 0, struct.pack("<IQQIIIQQ", 20, *[0] * 7) + b"x\0", at=40 * MS)
    told = [
        *told_twice(20, 10, FORFILES, 10),
        *told_twice(24, 20, "cmd /c mshta http://e/", 20),
        *told_twice(28, 24, "mshta http://e/", 30),
        stop,
        *told_twice(32, 20, "cmd /c mshta http://e/", 5000),
    ]
    with running([ANY]) as (engine, source, writer):
        for event in told:
            source.deliver(event)
        found = alerts(engine, writer)
    assert [",".join(a["proxy"]["chain"]) for a in found] == [
        "forfiles,cmd,rundll32,url.dll", "forfiles,cmd,mshta", "forfiles,cmd,mshta", "cmd,mshta"]  # fmt: skip
