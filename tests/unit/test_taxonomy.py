"""taxonomy.def: what the C decoder makes of it, what Python reads of it, and what docs/taxonomy.md says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from engine_rules import Row, table

from sensor import taxonomy
from sensor.event_json import event_fields
from sensor.native import Engine, Rules, lib

ROOT = Path(__file__).resolve().parents[2]
PROCESS = {"NewProcessName": "C:\\cmd.exe", "NewProcessId": "0x1a2c", "ProcessId": "0x4", "CommandLine": "cmd /c dir"}
USER = {"SubjectUserName": "HOST$", "SubjectDomainName": "NT AUTHORITY"}
KEY = {"ObjectName": "\\REGISTRY\\machine\\Software\\Run", "ObjectValueName": "x", "NewValue": "evil.exe"}
NETWORK = {"Application": "\\device\\x.exe", "DestAddress": "192.0.2.1", "DestPort": "443", "ProcessID": "17"}
# event id, EventData, category of the rule, its field, the value that is looked for, whether it is there
MAPPED: list[tuple[int, dict[str, Any], str, str, str, bool]] = [
    (4688, PROCESS, "process_creation", "Image", "C:\\cmd.exe", True),
    (4688, PROCESS, "process_creation", "CommandLine", "cmd /c dir", True),
    (4688, PROCESS, "process_creation", "ProcessId", "6700", True),
    (4688, PROCESS, "process_creation", "ProcessId", "0x4", False),
    (4688, PROCESS, "process_creation", "ParentProcessId", "4", True),
    (4688, PROCESS, "process_creation", "NewProcessName", "C:\\cmd.exe", True),
    (4688, {"NewProcessId": "0xFFFFFFFFFFFFFFFF"}, "process_creation", "ProcessId", "18446744073709551615", True),
    (4688, {"NewProcessId": "0x10000000000000000"}, "process_creation", "ProcessId", "0x10000000000000000", True),
    (4688, {"NewProcessId": "0x1g"}, "process_creation", "ProcessId", "0x1g", True),
    (4688, {"NewProcessId": "6700"}, "process_creation", "ProcessId", "6700", True),
    (4688, {"NewProcessId": 6700}, "process_creation", "ProcessId", "6700", True),
    (4688, USER, "process_creation", "User", "NT AUTHORITY\\HOST$", True),
    (4688, {"SubjectUserName": "a"}, "process_creation", "User", "a", True),
    (4688, {"SubjectDomainName": "d"}, "process_creation", "User", "d", True),
    (4688, {"SubjectDomainName": "d", "SubjectUserName": None}, "process_creation", "User", "d", True),
    (4688, {"Image": "own", "NewProcessName": None}, "process_creation", "Image", "own", True),
    (4657, KEY, "registry_set", "TargetObject", "HKLM\\Software\\Run\\x", True),
    (4657, KEY, "registry_event", "TargetObject", "HKLM\\Software\\Run\\x", True),
    (4657, KEY, "registry_set", "Details", "evil.exe", True),
    (4657, {"ObjectName": "\\REGISTRY\\USER\\S-1-5"}, "registry_set", "TargetObject", "HKU\\S-1-5", True),
    (4657, {"ObjectName": "\\REGISTRY\\USERS"}, "registry_set", "TargetObject", "\\REGISTRY\\USERS", True),
    (5156, NETWORK, "network_connection", "Image", "\\device\\x.exe", True),
    (5156, NETWORK, "network_connection", "DestinationIp", "192.0.2.1", True),
    (5156, NETWORK, "network_connection", "DestinationPort", "443", True),
    (5156, NETWORK, "network_connection", "ProcessId", "17", True),
    (5156, {"Direction": "%%14593"}, "network_connection", "Initiated", "true", True),
    (5156, {"Direction": "%%14592"}, "network_connection", "Initiated", "false", True),
    (5156, {"Direction": "Outbound"}, "network_connection", "Initiated", "true", True),
    (5156, {"Direction": "%%1459"}, "network_connection", "Initiated", "%%1459", True),
    (5156, {"Direction": 14593}, "network_connection", "Initiated", "14593", True),
    (5157, NETWORK, "", "DestinationIp", "192.0.2.1", False),
]


def hits(rows: Sequence[Row], event: Any) -> list[int]:
    with Engine() as engine:
        engine.swap_rules(Rules(table(rows)))
        assert engine.feed_json(json.dumps(event).encode())
        return [frame.rule for frame in engine.take()]


@pytest.mark.parametrize("case", MAPPED)
def test_fields_made_from_others(case: tuple[int, dict[str, Any], str, str, str, bool]) -> None:
    number, data, category, field, value, there = case
    rows: list[Row] = [("windows", category, field, value)]
    system = {"Channel": "Security", "EventID": number}
    assert bool(hits(rows, {"Event": {"System": system, "EventData": data}})) == there
    assert bool(hits(rows, {"Event": {"EventData": data, "System": system}})) == there
    assert bool(hits(rows, {**data, **system})) == there


@pytest.mark.parametrize("case", MAPPED)
def test_the_readable_definition_agrees(case: tuple[int, dict[str, Any], str, str, str, bool]) -> None:
    number, data, _, field, value, there = case
    system = {"Channel": "Security", "EventID": number}
    for event in ({"Event": {"System": system, "EventData": data}}, {**data, **system}):
        assert (value in str(taxonomy.with_mapped(event_fields(event)).get(field))) == there


def test_another_channel_has_other_fields() -> None:
    row: Row = ("windows", "process_creation", "Image", "C:\\cmd.exe")
    event = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, **PROCESS}
    assert hits([row], event) == []


NAMED = [
    ({"_product": "macos", "_cat": "process_creation"}, [0]),
    ({"_product": "linux", "_cat": "process_creation", "_service": "auditd"}, [1, 2]),
    ({"_product": "linux", "_service": "auditd"}, [2]),
    ({"_product": "linux"}, []),
    ({"_product": "Linux", "_service": "auditd"}, []),
    ({"_product": "l" * 64, "_service": "auditd"}, []),
    ({"_product": "linux", "_service": "auditd\0"}, []),
]


@pytest.mark.parametrize(("named", "hit"), NAMED)
def test_a_line_may_name_its_logsource(named: dict[str, str], hit: list[int]) -> None:
    rows: list[Row] = [
        ("macos", "process_creation", "Image", "evil"),
        ("linux", "process_creation", "Image", "evil"),
        ("linux", "", "Image", "evil", "auditd"),
    ]
    assert sorted(hits(rows, {**named, "event": {"Image": "evil"}})) == hit


def test_rows_name_what_is_there() -> None:
    rows = taxonomy.rows()
    sources = {row.source for row in rows if row.kind == "source"}
    services = {row.source for row in rows if row.kind == "channel"}
    categories = {(row.source, row.category) for row in rows if row.kind == "event"}
    for row in rows:
        if row.kind in {"map", "fields"}:
            assert row.source in sources
            windows = row.source in services
            assert not windows or (row.source, row.category) in categories
        if row.kind == "map":
            assert row.how in {"COPY", "HEX", "PATH", "KEY", "ARGS", "ENTRY", "WAY"}
            assert len(row.origin.split()) == (2 if row.how in {"PATH", "KEY"} else 1)


def test_the_document_is_what_the_table_says() -> None:
    text = (ROOT / "docs" / "taxonomy.md").read_text("utf-8")
    assert text == taxonomy.markdown(), "python -m sensor.taxonomy > docs/taxonomy.md"


OTHERWISE = [
    ({"message": "evil"}, [0]),
    ({"event": {"message": "evil"}}, [0]),
    ({"_product": "macos", "event": {"message": "evil"}}, []),
    ({"_cat": "dns_query", "message": "evil"}, []),
    ({"Channel": "Security", "message": "evil"}, []),
    ({"Channel": "unknown", "message": "evil"}, [0]),
]


@pytest.mark.parametrize(("event", "hit"), OTHERWISE)
def test_a_route_for_lines_that_say_nothing(event: dict[str, Any], hit: list[int]) -> None:
    with Engine() as engine, Rules(table([("linux", "", "message", "evil")])) as rules:
        route = rules.route("linux")
        assert route is not None
        engine.swap_rules(rules)
        assert engine.feed_json(json.dumps(event).encode(), route=route | lib.SN_ROUTE_OTHERWISE)
        assert [frame.rule for frame in engine.take()] == hit
        engine.close()
