"""taxonomy.def: what the C decoder makes of it, what Python reads of it, and what docs/taxonomy.md says of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from engine_rules import Row, table

from sensor import taxonomy
from sensor.alert import AlertWriter
from sensor.event_json import event_fields
from sensor.native import Engine, Rules, lib

ROOT = Path(__file__).resolve().parents[2]
PROCESS = {"NewProcessName": "C:\\cmd.exe", "NewProcessId": "0x1a2c", "ProcessId": "0x4", "CommandLine": "cmd /c dir"}
USER = {"SubjectUserName": "HOST$", "SubjectDomainName": "NT AUTHORITY"}
KEY = {"ObjectName": "\\REGISTRY\\machine\\Software\\Run", "ObjectValueName": "x", "NewValue": "evil.exe"}
NETWORK = {"Application": "\\device\\x.exe", "DestAddress": "192.0.2.1", "DestPort": "443", "ProcessID": "17"}
RUN_AS = {"SubjectUserSid": "S-1-5-21-1-2-3-1001", "SubjectUserName": "anna", "SubjectDomainName": "CORP"}
RUN_AS |= {"TargetUserSid": "S-1-5-21-1-2-3-1002", "TargetUserName": "bob", "TargetDomainName": "CORP"}
RUN_AS |= {"SubjectLogonId": "0x3e8", "TargetLogonId": "0x5f00"}
NOBODY = {"TargetUserSid": "S-1-0-0", "TargetUserName": "-", "TargetDomainName": "-", "TargetLogonId": "0x0"}
SYSTEM = {"SubjectUserSid": "S-1-5-18", "SubjectUserName": "HOST$", "SubjectDomainName": "CORP"}
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
    (5156, {"Protocol": "6"}, "network_connection", "Protocol", "tcp", True),
    (5156, {"Protocol": 17}, "network_connection", "Protocol", "udp", True),
    (5156, {"Protocol": "1"}, "network_connection", "Protocol", "1", True),
    (4688, {"MandatoryLabel": "S-1-16-12288"}, "process_creation", "IntegrityLevel", "High", True),
    (4688, {"MandatoryLabel": "S-1-16-8448"}, "process_creation", "IntegrityLevel", "S-1-16-8448", True),
    (4688, RUN_AS, "process_creation", "User", "CORP\\bob", True),
    (4688, RUN_AS, "process_creation", "LogonId", "0x5f00", True),
    (4688, RUN_AS | NOBODY, "process_creation", "User", "CORP\\anna", True),
    (4688, RUN_AS | NOBODY, "process_creation", "LogonId", "0x3e8", True),
    (4688, RUN_AS | NOBODY | SYSTEM, "process_creation", "User", "NT AUTHORITY\\SYSTEM", True),
    (4688, RUN_AS | {"TargetUserSid": "S-1-5-20"}, "process_creation", "User", "NT AUTHORITY\\NETWORK SERVICE", True),
    (4657, KEY | SYSTEM, "registry_set", "User", "NT AUTHORITY\\SYSTEM", True),
    (4657, KEY | {"OperationType": "%%1904"}, "registry_set", "EventType", "SetValue", True),
    (4657, KEY | {"OperationType": "%%1906"}, "registry_event", "EventType", "DeleteValue", True),
    (4657, KEY | {"ObjectValueName": ""}, "registry_set", "TargetObject", "HKLM\\Software\\Run\\(Default)", True),
    (4657, KEY | {"ObjectValueName": "-"}, "registry_set", "TargetObject", "HKLM\\Software\\Run\\-", True),
]
# A value's type and data in the audit log, Details.
DATA = [
    ("%%1873", "evil.exe", "evil.exe"), ("REG_SZ", "evil", "evil"), ("%%1873", "", "(Empty)"),
    ("%%1874", "", "(Empty)"), ("%%1876", "1", "DWORD (0x00000001)"), ("REG_DWORD", "0xFFFFFFFF", "DWORD (0xffffffff)"),
    ("%%1876", "4294967296", "4294967296"), ("%%1876", "0x", "0x"), ("%%1876", "one", "one"),
    ("%%1876", "1\u0664", "1\u0664"), ("%%1883", "4294967298", "QWORD (0x00000001-0x00000002)"),
    ("%%1883", str(1 << 64), str(1 << 64)), ("%%1872", "", "Binary Data"), ("%%1875", "00 01", "Binary Data"),
    ("%%1879", "a*b", "Binary Data"), ("%%1882", "x", "Binary Data"), ("REG_MULTI_SZ", "a*b", "Binary Data"),
    ("%%1884", "x", "x"), ("", "x", "x"), ("REG_", "x", "x"),
]  # fmt: skip
# A key as the kernel names it, and as Sysmon does.
CLASSES = "\\SOFTWARE\\Classes\\ms-settings"
KEYS = [
    ("\\REGISTRY\\MACHINE\\SOFTWARE\\a", "HKLM\\SOFTWARE\\a"),
    ("\\Registry\\Machine", "HKLM"),
    ("\\REGISTRY\\MACHINES", "\\REGISTRY\\MACHINES"),
    ("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\a", "HKLM\\System\\CurrentControlSet\\Services\\a"),
    ("\\REGISTRY\\MACHINE\\System\\controlset017", "HKLM\\System\\CurrentControlSet"),
    ("\\REGISTRY\\MACHINE\\SYSTEM\\CurrentControlSet\\a", "HKLM\\System\\CurrentControlSet\\a"),
    ("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001x\\a", "HKLM\\SYSTEM\\ControlSet001x\\a"),
    ("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet", "HKLM\\SYSTEM\\ControlSet"),
    ("\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet0\u0661\u0661\\a", "HKLM\\SYSTEM\\ControlSet0\u0661\u0661\\a"),
    ("\\REGISTRY\\MACHINE\\SYSTEM\\WPA", "HKLM\\SYSTEM\\WPA"),
    ("\\REGISTRY\\MACHINE" + CLASSES, "HKCR\\ms-settings"),
    ("\\REGISTRY\\MACHINE\\SOFTWARE\\Classes", "HKCR"),
    ("\\REGISTRY\\MACHINE\\SOFTWARE\\ClassesX", "HKLM\\SOFTWARE\\ClassesX"),
    ("\\REGISTRY\\MACHINE\\SOFTWARE\\WOW6432Node\\Classes\\a", "HKLM\\SOFTWARE\\WOW6432Node\\Classes\\a"),
    ("\\REGISTRY\\USER\\S-1-5-21-1-2-3-1001\\Software\\a", "HKU\\S-1-5-21-1-2-3-1001\\Software\\a"),
    ("\\REGISTRY\\USER\\S-1-5-21-1-2-3-1001" + CLASSES, "HKU\\S-1-5-21-1-2-3-1001_Classes\\ms-settings"),
    ("\\REGISTRY\\USER\\S-1-5-21-1-2-3-1001_Classes\\a", "HKU\\S-1-5-21-1-2-3-1001_Classes\\a"),
    ("\\REGISTRY\\USER\\S-1-5-18\\Software\\ClassesX", "HKU\\S-1-5-18\\Software\\ClassesX"),
    ("\\REGISTRY\\USER\\.DEFAULT\\Software\\Classes", "HKU\\.DEFAULT_Classes"),
    ("\\REGISTRY\\USER", "HKU"),
    ("\\REGISTRY\\USER\\", "HKU\\"),
    ("\\REGISTRY\\A\\{0cd6200d}\\LocalState", "\\REGISTRY\\A\\{0cd6200d}\\LocalState"),
    ("HKLM\\Software", "HKLM\\Software"),
    ("", ""),
    ("\\", "\\"),
]
MAPPED += [
    (4657, {"NewValueType": kind, "NewValue": data}, "registry_set", "Details", told, True) for kind, data, told in DATA
]
MAPPED += [(4657, {"ObjectName": name}, "registry_set", "TargetObject", told, True) for name, told in KEYS]


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


def test_all_members_have_room_in_one_table() -> None:
    """What fields are made of and no rule reads is kept behind the table's own fields."""
    rows: list[Row] = [("windows", category, field, value) for _, _, category, field, value, _ in MAPPED]
    with Engine() as engine:
        engine.swap_rules(Rules(table(rows)))
        for n, (number, data, _, field, _, there) in enumerate(MAPPED):
            assert engine.feed_json(json.dumps({"Channel": "Security", "EventID": number, **data}).encode())
            assert (n in {frame.rule for frame in engine.take()}) == there, (number, field)


@pytest.mark.parametrize("case", MAPPED)
def test_the_readable_definition_agrees(case: tuple[int, dict[str, Any], str, str, str, bool]) -> None:
    number, data, _, field, value, there = case
    system = {"Channel": "Security", "EventID": number}
    for event in ({"Event": {"System": system, "EventData": data}}, {**data, **system}):
        assert (value in str(taxonomy.with_mapped(event_fields(event)).get(field))) == there


def test_alerts_show_what_rules_see() -> None:
    """native/event_mapped.c makes of the line what native/mapping.c makes of values."""
    rows: list[Row] = [("windows", "", "Channel", "Security", "security")]
    rows += [("windows", name, "Channel", "Security") for name in dict.fromkeys(case[2] for case in MAPPED) if name]
    with Engine() as engine:
        engine.swap_rules(rules := Rules(table(rows)))
        texts = b"0\n" * len(rows)
        names = [""] * lib.sn_rules__field_count(rules.pointer)
        writer = AlertWriter(engine, (texts, texts), names, files=["x"])
        for number, data, category, field, value, there in MAPPED:
            event = {"Event": {"System": {"Channel": "Security", "EventID": number}, "EventData": data}}
            assert engine.feed_json(json.dumps(event).encode())
            blocks = [bytes(block.data) for block in writer.write(engine.take_raw())]
            shown = json.loads(blocks[0].splitlines()[0])["fields"]
            assert shown == taxonomy.with_mapped(event_fields(event)), (number, category)
            assert not there or value in str(shown[field])


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
            assert row.how in {"COPY", "HEX", "PATH", "KEY", "ARGS", "ENTRY", "WORD", "KNOWN", "DATA"}
            assert len(row.origin.split()) == (2 if row.how in {"PATH", "KEY", "DATA"} else 1)


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
