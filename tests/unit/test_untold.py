"""What a source does not tell: no rule is met because of it, and none says no because of it."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
import yaml
from etl_file import Event, classic_process, kernel_start, sid, wide
from test_etw_source import Source

from sensor.compiler import compile_table, load_rules
from sensor.native import Engine, Rules, lib

CMD = "\\Device\\HarddiskVolume3\\Windows\\System32\\cmd.exe"
MS = 1_000_000
AUDIT = {"Channel": "Security", "EventID": 4688, "NewProcessName": "C:\\Windows\\System32\\cmd.exe"}
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "C:\\Windows\\System32\\cmd.exe"}
OURS = {"Image|endswith": "\\cmd.exe"}
# detection, verdict on a start of cmd.exe: by the audit log without a command line or a parent, by Sysmon without them
STARTS: list[tuple[dict[str, Any], str, str]] = [
    ({"a": OURS, "condition": "a"}, "match", "match"),
    ({"a": {**OURS, "CommandLine|contains": "x"}, "condition": "a"}, "no", "no"),
    ({"a": OURS, "b": {"CommandLine|contains": "x"}, "condition": "a and not b"}, "undecidable", "match"),
    ({"a": OURS, "b": {"ParentImage|endswith": "\\x.exe"}, "condition": "a and not b"}, "undecidable", "match"),
    ({"a": OURS, "b": {"OriginalFileName": "x"}, "condition": "a and not b"}, "undecidable", "match"),
    ({"a": OURS, "b": {"OriginalFileName": "x"}, "condition": "a or b"}, "match", "match"),
    ({"a": {"OriginalFileName": "x"}, "condition": "a"}, "no", "no"),
    ({"a": OURS, "b": {"CurrentDirectory": None}, "condition": "a and b"}, "undecidable", "match"),
    ({"a": OURS, "b": {"CurrentDirectory": None}, "condition": "a and not b"}, "no", "no"),
    ({"a": OURS, "b": {"Hashes|exists": True}, "condition": "a and not b"}, "undecidable", "match"),
    ({"a": OURS, "b": {"Hashes|exists": True}, "condition": "a and b"}, "no", "no"),
    ({"a": OURS, "b": {"ParentCommandLine|re": "x"}, "condition": "a and not b"}, "undecidable", "match"),
    ({"a": OURS, "b": {"Device": "x"}, "condition": "a and not b"}, "match", "match"),  # no field of a start
    ({"a": OURS, "b": {"ParentUser|fieldref": "User"}, "condition": "a and not b"}, "match", "match"),  # nor is User
    ({"a": ["nowhere"], "condition": "not a"}, "match", "match"),  # keywords
    ({"a": OURS, "b": {"User": "x"}, "c": {"ParentUser": "x"}, "condition": "a and not (b and c)"}, "match", "match"),
    ({"a": OURS, "b": {"ParentUser": "x"}, "c": {"CommandLine": "y"}, "condition": "a and not (b and c)"},
     "undecidable", "match"),
]  # fmt: skip


def compiled(detections: list[dict[str, Any]], category: str, folder: Any) -> Rules:
    for number, detection in enumerate(detections):
        source = {"product": "windows", "category": category}
        rule = {"title": f"{number:04}", "level": "low", "logsource": source, "detection": detection}
        (folder / f"{number:04}.yml").write_text(yaml.safe_dump(rule), "utf-8")
    made = compile_table(load_rules([folder]))
    assert [info.title for info in made.rules] == [f"{n:04}" for n in range(len(detections))]
    return Rules(made.bytes)


def verdicts(engine: Engine, count: int) -> list[str]:
    found = {f.rule: "match" if f.verdict == lib.SN_MATCH else "undecidable" for f in engine.take()}
    return [found.get(number, "no") for number in range(count)]


@pytest.mark.parametrize(("event", "column"), [(AUDIT, 1), (SYSMON, 2)], ids=["audit", "sysmon"])
def test_starts(event: dict[str, Any], column: int, tmp_path: Any) -> None:
    with Engine() as engine:
        engine.swap_rules(compiled([row[0] for row in STARTS], "process_creation", tmp_path))
        assert engine.feed_json(json.dumps(event).encode())
        assert verdicts(engine, len(STARTS)) == [row[column] for row in STARTS]


CONNECTION = struct.pack("<II", 20, 0) + bytes([20, 190, 159, 23, 10, 0, 0, 5]) + struct.pack(">HH", 443, 50000)
SET = struct.pack("<QIII", 7, 0, 1, 40) + wide("") + wide("x") + struct.pack("<H", 0) + struct.pack("<IIH", 0, 0, 0)
# A session's events with nobody known, category, a field of which it is not known what it is
BARE: list[tuple[Event, str, str]] = [
    (Event("process", 1, 3, kernel_start(20, 10, CMD)), "process_creation", field)
    for field in ("CommandLine", "User", "ParentImage", "ParentCommandLine", "ParentUser", "GrandParentImage",
                  "CurrentDirectory", "LogonId", "OriginalFileName", "Hashes", "Company")
]  # fmt: skip
BARE += [
    (Event("process", 5, 0, struct.pack("<QQIIIQ", 1, 1, 20, 0, 0, 1) + wide("\\a.dll")), "image_load", field)
    for field in ("Image", "User", "Signed", "SignatureStatus", "CommandLine", "OriginalFileName")
]
BARE += [
    (Event("network", 12, 0, CONNECTION + bytes(24)), "network_connection", field)
    for field in ("Image", "User", "CommandLine", "ParentImage", "DestinationHostname", "SourceHostname")
]
BARE += [(Event("network", 42, 0, CONNECTION + bytes(8)), "network_connection", "Initiated")]
BARE += [
    (Event("file", 27, 1, bytes(40) + wide("\\x"), pid=20), "file_rename", field)
    for field in ("Image", "SourceFilename")
]
BARE += [(Event("file", 26, 1, bytes(40) + wide("\\x"), pid=20), "file_delete", field) for field in ("Image", "Hashes")]
BARE += [
    (Event("registry", 5, 0, SET, pid=20), "registry_set", field) for field in ("Image", "TargetObject", "Details")
]
BARE += [(Event("dns", 3008, 0, wide("a") + bytes(16) + wide(""), pid=20), "dns_query", "Image")]


@pytest.mark.parametrize("row", BARE, ids=lambda row: f"{row[1]}-{row[2]}")
def test_sessions(row: tuple[Event, str, str], tmp_path: Any) -> None:
    event, category, field = row
    anything = {"EventID": event.id}
    detections = [
        {"a": anything, "condition": "a"},
        {"a": anything, "b": {field: "x"}, "condition": "a and not b"},
        {"a": {**anything, field: "x"}, "condition": "a"},
    ]
    with Engine() as engine:
        engine.swap_rules(compiled(detections, category, tmp_path))
        source = Source(engine)
        source.deliver(event)
        engine.stop()
        engine.run()
        lib.sn_etw_source__free(source.pointer)
        assert verdicts(engine, 3) == ["match", "undecidable", "no"]


def test_what_is_told_is_known(tmp_path: Any) -> None:
    detections = [{"a": {"EventID": 1}, "b": {"CommandLine": "x"}, "condition": "a and not b"}]
    start = [
        Event("process", 1, 3, kernel_start(20, 10, CMD), at=MS),
        Event("classic process", 1, 4, classic_process(20, 10, "cmd.exe", "cmd", sid(18)), at=MS),
    ]
    with Engine() as engine:
        engine.swap_rules(compiled(detections, "process_creation", tmp_path))
        source = Source(engine)
        for event in start:
            source.deliver(event)
        engine.stop()
        engine.run()
        lib.sn_etw_source__free(source.pointer)
        assert verdicts(engine, 1) == ["match"]
