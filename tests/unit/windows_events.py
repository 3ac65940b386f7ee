"""Rows of tests/rows/events_windows.tsv, and command lines, as the sources of Windows tell of them."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Sequence
from typing import Any

from etl_file import Event, classic_process, kernel_start, sid, wide

SYSTEM32 = "C:\\Windows\\System32\\"
ANNA = sid(21, 1, 2, 3, 1001)
CMD = SYSTEM32 + "cmd.exe"
MS = 1_000_000
APART = 100 * MS  # between what one row tells and the next
KINDS = ("network", "dns", "image", "registry", "file", "script", "consumer")
_HOMES = {
    "powershell.exe": SYSTEM32 + "WindowsPowerShell\\v1.0\\powershell.exe",
    "explorer.exe": "C:\\Windows\\explorer.exe",
}


def program(name: str) -> str:
    """Where it lies: by itself in System32."""
    return name if "\\" in name else _HOMES.get(name, SYSTEM32 + name)


def image_of(line: str) -> str:
    """The program that a command line names."""
    match = re.match(r'"([^"]*)"|([A-Z]:\\.*?\.exe(?=\s|$)|\S*)', line, re.IGNORECASE)
    assert match
    name = (match[1] or match[2]).replace("%COMSPEC%", "cmd").split("/")[0]
    return program(name if name.lower().endswith(".exe") else f"{name}.exe")


# ---- Sysmon ----


def sysmon(kind: str, *given: str) -> dict[str, Any]:
    """A row as Sysmon has it; of PowerShell its own log."""
    a, b, c, d = (*given, "", "", "", "")[:4]
    user = {"Channel": "Microsoft-Windows-Sysmon/Operational", "User": "CORP\\anna"}
    match kind:
        case "network":
            to = {"DestinationIp": b, "DestinationPort": c} | ({"DestinationHostname": d} if d else {})
            return user | {"EventID": 3, "Image": program(a), "Initiated": "true", "SourceIp": "10.0.0.5"} | to
        case "dns":
            return user | {"EventID": 22, "Image": program(a), "QueryName": b, "QueryStatus": "0"}
        case "image":
            signed = {"Signed": c, "SignatureStatus": "Valid" if c == "true" else "Unavailable", "Signature": d or "-"}
            return user | {"EventID": 7, "Image": program(a), "ImageLoaded": b} | signed
        case "registry":
            return user | {"EventID": 13, "Image": program(a), "TargetObject": b, "Details": c, "EventType": "SetValue"}
        case "file":
            return user | {"EventID": 11, "Image": program(a), "TargetFilename": b}
        case "consumer":
            return user | {"EventID": 20, "EventType": "WmiConsumerEvent", "Type": a, "Destination": b}
    assert kind == "script"
    return {"Channel": "Microsoft-Windows-PowerShell/Operational", "EventID": 4104, "ScriptBlockText": a, "Path": ""}


def sysmon_start(line: str, parent: str = CMD) -> dict[str, Any]:
    return {
        "Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": image_of(line), "CommandLine": line,
        "ParentImage": parent, "ParentCommandLine": parent, "CurrentDirectory": "C:\\Users\\anna\\",
        "User": "CORP\\anna", "IntegrityLevel": "Medium",
    }  # fmt: skip


# ---- the audit log ----


def _audited(number: int, data: dict[str, str]) -> dict[str, Any]:
    return {"Event": {"System": {"Channel": "Security", "EventID": number}, "EventData": data}}


def audit(kind: str, *given: str) -> dict[str, Any] | None:
    """The row as the audit log has it: connections (5156) and values of the registry (4657)."""
    a, b, c, _ = (*given, "", "", "", "")[:4]
    if kind == "network":
        device = program(a).replace("C:", "\\device\\harddiskvolume3").lower()
        to = {"DestAddress": b, "DestPort": c, "SourceAddress": "10.0.0.5", "SourcePort": "50123"}
        return _audited(
            5156, {"Application": device, "ProcessID": "4242", "Direction": "%%14593", "Protocol": "6"} | to
        )
    if kind == "registry":
        key, _, name = _kernel_key(b).rpartition("\\")
        data = {"ObjectName": key, "ObjectValueName": name, "NewValue": c, "ProcessName": program(a)}
        return _audited(4657, data | {"ProcessId": "0x1092", "OperationType": "%%1904"})
    return None


def audit_start(line: str, parent: str = CMD) -> dict[str, Any]:
    """4688, version 2: no OriginalFileName, no parent's command line."""
    data = {"NewProcessId": "0x1092", "ProcessId": "0x1000", "NewProcessName": image_of(line), "CommandLine": line}
    user = {"SubjectUserName": "anna", "SubjectDomainName": "CORP", "MandatoryLabel": "S-1-16-8192"}
    return _audited(4688, data | user | {"ParentProcessName": parent})


# ---- sessions ----


def _kernel_key(path: str) -> str:
    for root, name in (("HKLM\\", "\\REGISTRY\\MACHINE\\"), ("HKU\\", "\\REGISTRY\\USER\\")):
        if path.startswith(root):
            return name + path.removeprefix(root)
    return path.replace("HKCR\\", "\\REGISTRY\\MACHINE\\SOFTWARE\\Classes\\")


def _device(path: str) -> str:
    return path.replace("C:", "\\Device\\HarddiskVolume3") if path.startswith("C:") else path


def _value(text: str) -> tuple[int, bytes]:
    """Type and data: a number, nothing that can be shown, or text."""
    if match := re.fullmatch(r"DWORD \((0x[0-9a-f]+)\)", text):
        return 4, struct.pack("<I", int(match[1], 16))
    return (3, b"\0\1") if text == "Binary Data" else (1, wide("" if text == "(Empty)" else text))


def session_start(line: str, pid: int, at: int, parent: int = 8, image: str = "") -> list[Event]:
    """Both events of a start, of whoever stands in its command line."""
    image = image or image_of(line)
    name = image.rpartition("\\")[2]
    return [
        Event("process", 1, 3, kernel_start(pid, parent, _device(image)), at=at),
        Event("classic process", 1, 4, classic_process(pid, parent, name, line, ANNA), at=at + 100_000),
    ]


def session(kind: str, given: Sequence[str], pid: int, at: int) -> list[Event]:
    """The row as sessions tell of it, by a process that has been started before; none where they do not."""
    a, b, c, _ = (*given, "", "", "", "")[:4]
    if kind == "script":
        data = struct.pack("<II", 1, 1) + wide(a) + wide("1") + wide("")
        return [Event("powershell", 4104, 1, data, at=at, pid=pid)]
    if kind == "consumer":
        return []
    told, later = session_start(program(a), pid, at, image=program(a)), at + 10 * MS
    match kind:
        case "network":
            address = ipaddress.ip_address(b)
            size = len(address.packed)
            data = struct.pack("<II", pid, 0) + address.packed + bytes(size) + struct.pack(">HH", int(c), 50123)
            return [*told, Event("network", 12 if size == 4 else 28, 0, data + bytes(24), at=later)]
        case "dns":
            data = wide(b) + struct.pack("<IQI", 1, 0, 0) + wide("203.0.113.9;")
            return [*told, Event("dns", 3008, 0, data, at=later, pid=pid)]
        case "image":
            data = struct.pack("<QQIIIQ", 0x10000, 0x1000, pid, 0, 0, 0x10000) + wide(_device(b))
            return [*told, Event("process", 5, 0, data, at=later, pid=pid)]
        case "file":
            return [*told, Event("file", 30, 1, bytes(32) + wide(_device(b)), at=later, pid=pid)]
    key, _, name = _kernel_key(b).rpartition("\\")
    kind_of, raw = _value(c)
    opened = struct.pack("<QQII", 0, pid, 0, 2) + wide("") + wide(key)
    put = struct.pack("<QIII", pid, 0, kind_of, len(raw)) + wide("") + wide("" if name == "(Default)" else name)
    put += struct.pack("<H", len(raw)) + raw + struct.pack("<IIH", 0, 0, 0)
    return [
        *told,
        Event("registry", 1, 0, opened, at=later, pid=pid),
        Event("registry", 5, 0, put, at=later + MS, pid=pid),
    ]
