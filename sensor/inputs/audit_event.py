"""Records of the Linux audit system, however they were written, to JSON lines with Sigma's names.

Each record is an event of the service auditd, as its rules are written; the records of one successful execve together
are one of process_creation besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sensor.inputs.lines import event_line
from sensor.inputs.mapped import mapped

_EXEC = {"execve", "execveat"}
# An architecture a line, as audit writes it (AUDIT_ARCH_X86_64, _I386, _AARCH64), then its calls from number 0 on, as
# Linux 6.1 has them (asm/unistd_64.h, asm/unistd_32.h, asm-generic/unistd.h).
_CALLS = Path(__file__).with_name("syscalls.txt")


def record_line(kind: str, identity: str, fields: Mapping[str, Any]) -> bytes:
    """One record; `identity` as audit writes it, TIME:SERIAL."""
    name = {"SYSCALL": _call_name(fields)} if kind == "SYSCALL" else {}
    return event_line({"type": kind, **name, **fields, "msg": f"audit({identity})"}, "linux", "", "auditd")


def process_line(records: Mapping[str, Any]) -> bytes:
    """The process that an event's records, by type, say to have begun; b"" for any other event."""
    call = records.get("SYSCALL")
    if not isinstance(call, Mapping) or call.get("success") != "yes":
        return b""
    if "EXECVE" not in records and _call_name(call) not in _EXEC:
        return b""
    return event_line(mapped("auditd", "process_creation", records), "linux", "process_creation")


def _call_name(call: Mapping[str, Any]) -> str | None:
    """As auditd's log_format=ENRICHED has it, by the number where it has not."""
    name, number = call.get("SYSCALL"), str(call.get("syscall"))
    if isinstance(name, str):
        return name
    names = _names().get(str(call.get("arch")).removeprefix("0x"), ())
    if not number.isdecimal():
        return number if "syscall" in call else None  # ausearch -i
    return names[int(number)] if len(number) < 5 and int(number) < len(names) else None


@cache
def _names() -> dict[str, tuple[str, ...]]:
    rows = (line.split() for line in _CALLS.read_text("utf-8").splitlines())
    return {arch: tuple(names) for arch, *names in rows}
