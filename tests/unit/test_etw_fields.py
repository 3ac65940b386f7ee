"""What rules see of sessions' events is what Sysmon writes: each row of its mapping, by events as Windows has them."""

from __future__ import annotations

import ipaddress
import struct
from typing import Any

import pytest
from engine_rules import Row
from etl_file import Event, classic_process, kernel_start, sid, wide
from test_etw_source import MS, alerts, answered, running

from sensor.coverage import replay_sources
from sensor.native import check, lib

WININIT, CMD, EVIL = (f"C:\\Windows\\System32\\{name}.exe" for name in ("wininit", "cmd", "evil"))
ANNA = sid(21, 1, 2, 3, 1001)
MINUTE = 60_000 * MS


def started(pid: int, parent: int, image: str, line: str, at: int, *, user: bytes = ANNA) -> list[Event]:
    name = image.rpartition("\\")[2]
    return [
        Event("process", 1, 3, kernel_start(pid, parent, image, level=8192), at=at),
        Event("classic process", 1, 4, classic_process(pid, parent, name, line, user), at=at),
    ]


def connection(pid: int, number: int, local: str, remote: str, ports: tuple[int, int], *, at: int = 20 * MS) -> Event:
    here, there = (ipaddress.ip_address(text).packed for text in (local, remote))
    data = struct.pack("<II", pid, 0) + there + here + struct.pack(">HH", ports[1], ports[0]) + bytes(24)
    return Event("network", number, 0, data, at=at)


CHAIN = [
    *started(8, 4, WININIT, "wininit.exe", MS, user=sid(18)),
    *started(12, 8, CMD, "cmd /c x", 2 * MS),
    *started(16, 12, EVIL, "evil -x", 3 * MS),
]
OUT = connection(16, 12, "10.0.0.5", "20.190.159.23", (50000, 443))
LOOKED_UP = answered(10 * MS, 16, "login.x.example", "type:  5 cdn.example;::ffff:20.190.159.23;2001:db8::5;")
BY_OTHERS = answered(11 * MS, 12, "other.example", "20.190.159.23;")
FILE = bytes(40)
SOURCES: list[tuple[str, str, list[Event], dict[str, Any]]] = [
    ("a start", "process_creation", CHAIN,
     {"Image": EVIL, "CommandLine": "evil -x", "ParentImage": CMD, "ParentCommandLine": "cmd /c x", "ProcessId": 16,
      "ParentProcessId": 12, "IntegrityLevel": "Medium", "User": "CORP\\anna", "ParentUser": "CORP\\anna",
      "GrandParentImage": WININIT, "TerminalSessionId": 1}),
    ("a connection", "network_connection", [*CHAIN, OUT],
     {"Image": EVIL, "User": "CORP\\anna", "CommandLine": "evil -x", "ParentImage": CMD,
      "ParentCommandLine": "cmd /c x", "Initiated": "true", "Protocol": "tcp", "SourceIp": "10.0.0.5",
      "SourcePort": 50000, "DestinationIp": "20.190.159.23", "DestinationPort": 443, "SourceIsIpv6": "false",
      "DestinationIsIpv6": "false", "DestinationHostname": None, "SourceHostname": None}),
    ("one that was accepted", "network_connection",
     [*CHAIN, connection(16, 31, "2001:db8::1", "2001:db8::5", (445, 50000))],
     {"Initiated": "false", "SourceIp": "2001:db8::5", "SourcePort": 50000, "DestinationIp": "2001:db8::1",
      "DestinationPort": 445, "SourceIsIpv6": "true", "DestinationIsIpv6": "true"}),
    ("one whose host the process looked up", "network_connection", [*CHAIN, LOOKED_UP, BY_OTHERS, OUT],
     {"DestinationHostname": "login.x.example", "SourceHostname": None}),
    ("one whose host another process looked up", "network_connection", [*CHAIN, BY_OTHERS, OUT],
     {"DestinationHostname": "other.example"}),
    ("one over IPv6", "network_connection",
     [*CHAIN, LOOKED_UP, connection(16, 28, "2001:db8::1", "2001:db8::5", (50000, 443))],
     {"DestinationHostname": "login.x.example", "DestinationIsIpv6": "true"}),
    ("one from a host that was looked up", "network_connection",
     [*CHAIN, LOOKED_UP, connection(16, 15, "10.0.0.5", "20.190.159.23", (445, 50000))],
     {"SourceHostname": "login.x.example", "DestinationHostname": None}),
    ("one long after", "network_connection",
     [*CHAIN, LOOKED_UP, connection(16, 12, "10.0.0.5", "20.190.159.23", (50000, 443), at=11 * MINUTE)],
     {"DestinationHostname": None}),
    ("a datagram", "network_connection", [*CHAIN, connection(16, 42, "10.0.0.5", "10.0.0.9", (50000, 53))],
     {"Protocol": "udp", "Initiated": None, "DestinationPort": 53}),
    ("a query without an answer", "dns_query", [*CHAIN, answered(20 * MS, 16, "x.example", "", 9003)],
     {"QueryName": "x.example", "QueryStatus": 9003, "QueryResults": "-", "Image": EVIL, "User": "CORP\\anna"}),
    ("a file that is made", "file_event", [*CHAIN, Event("file", 30, 1, bytes(32) + wide("\\a"), at=20 * MS, pid=16)],
     {"TargetFilename": "\\a", "Image": EVIL, "User": "CORP\\anna", "CommandLine": "evil -x", "ParentImage": CMD}),
    ("a further name", "file_event", [*CHAIN, Event("file", 28, 1, FILE + wide("\\a"), at=20 * MS, pid=16)],
     {"TargetFilename": "\\a", "Image": EVIL}),
    ("a file that is moved", "file_rename", [*CHAIN, Event("file", 27, 1, FILE + wide("\\a"), at=20 * MS, pid=16)],
     {"TargetFilename": "\\a", "Image": EVIL, "SourceFilename": None}),
    ("a file that is deleted", "file_delete", [*CHAIN, Event("file", 26, 1, FILE + wide("\\a"), at=20 * MS, pid=16)],
     {"TargetFilename": "\\a", "Image": EVIL}),
    ("what the kernel does", "file_event", [Event("file", 30, 1, bytes(32) + wide("\\a"), at=20 * MS, pid=4)],
     {"TargetFilename": "\\a", "Image": "System", "User": "NT AUTHORITY\\SYSTEM"}),
]  # fmt: skip


@pytest.mark.parametrize(("category", "given", "fields"), [row[1:] for row in SOURCES], ids=[row[0] for row in SOURCES])
def test_fields(category: str, given: list[Event], fields: dict[str, Any]) -> None:
    """Of the last event. A field of which nothing is known is absent (None)."""
    rows: list[Row] = [("windows", category, "EventID|re", ".")]
    told = {name: value for name, value in fields.items() if value is not None}
    rows += [("windows", category, f"{name}|re", f"^{_exactly(value)}$") for name, value in told.items()]
    rows += [("windows", category, f"{name}|exists", True) for name in fields.keys() - told.keys()]  # type: ignore[misc]
    with running(rows) as (engine, source, writer):
        check(lib.sn_engine__set_account(engine.pointer, b"S-1-5-21-1-2-3-1001", b"CORP\\anna"), "name an account")
        for event in given:
            source.deliver(event)
        found = alerts(engine, writer)
    last = max(str(alert["time"]) for alert in found)
    mine = [alert for alert in found if alert["time"] == last]
    assert {alert["rule"] for alert in mine} >= set(range(1 + len(told))), "rules see it"
    assert not {alert["rule"] for alert in mine} - set(range(1 + len(told))), "they see no more"
    shown = mine[0]["fields"]
    assert {name: shown.get(name) for name in fields} == fields


@pytest.mark.parametrize(("category", "fields"), [(row[1], row[3]) for row in SOURCES])
def test_the_table_names_them(category: str, fields: dict[str, Any]) -> None:
    """What rules are said to be able to read of sessions."""
    ours = [s for s in replay_sources("windows") if s.name.startswith(("kernel-", "dns")) and s.fields]
    named = set().union(*(s.fields or () for s in ours if s.logsource.category == category))
    assert {name for name, value in fields.items() if value is not None} <= named


def _exactly(value: Any) -> str:
    return str(value).replace("\\", "\\\\").replace(".", "\\.").replace("-", "\\-")
