"""Records of the Linux audit system, however they were written, to JSON lines with Sigma's names.

Each record is an event of the service auditd, as its rules are written; the records of one successful execve together
are one of process_creation besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensor.inputs.lines import event_line
from sensor.inputs.mapped import mapped

_EXEC = {"execve", "execveat"}
# Their numbers by audit's arch: x86_64, aarch64, i386 (Linux, arch/x86/entry/syscalls, uapi/asm-generic/unistd.h).
_EXEC_NUMBERS = {"c000003e": {"59", "322"}, "c00000b7": {"221", "281"}, "40000003": {"11", "358"}}


def record_line(kind: str, identity: str, fields: Mapping[str, Any]) -> bytes:
    """One record; `identity` as audit writes it, TIME:SERIAL."""
    return event_line({"type": kind, **fields, "msg": f"audit({identity})"}, "linux", "", "auditd")


def process_line(records: Mapping[str, Any]) -> bytes:
    """The process that an event's records, by type, say to have begun; b"" for any other event."""
    call = records.get("SYSCALL")
    if not isinstance(call, Mapping) or call.get("success") != "yes" or not _is_exec(call, records):
        return b""
    return event_line(mapped("auditd", "process_creation", records), "linux", "process_creation")


def _is_exec(call: Mapping[str, Any], records: Mapping[str, Any]) -> bool:
    name = call.get("SYSCALL", call.get("syscall"))
    if isinstance(name, str) and name in _EXEC:
        return True
    arch = str(call.get("arch", "")).removeprefix("0x")
    return "EXECVE" in records or str(call.get("syscall")) in _EXEC_NUMBERS.get(arch, ())
