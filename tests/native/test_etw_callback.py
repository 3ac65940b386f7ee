"""What the callback of Windows' sessions can come to: the functions that its machine code calls, and those that they
call by name. Nothing among them waits, allocates or is Python's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import harness
import pytest

# By compiler the prefix of its binutils, the files that the callback is made of, and what wakes the match thread.
MADE = {
    "gcc": ("", ("source_etw", "etw", "ring", "wait"), "syscall"),
    harness.WINDOWS_COMPILER: (
        "x86_64-w64-mingw32-",
        ("source_etw", "etw", "ring", "wait_windows"),
        "WakeByAddressSingle",
    ),
}
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O1", "-fno-inline", "-ffunction-sections", f"-I{harness.NATIVE}")


def lines(*command: str | Path) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def relocations(objdump: str, made: Path) -> dict[str, set[str]]:
    """By function, the names that its code needs."""
    needs: dict[str, set[str]] = {}
    section = ""
    for line in lines(objdump, "-r", made):
        if begun := re.match(r"RELOCATION RECORDS FOR \[(?:\.text[.$])?(.*)\]", line):
            section = begun[1]
        elif found := re.match(r"[0-9a-f]{8,}\s+\S+\s+(?:\.text[.$]|__imp_)?(\S+?)(?:[-+]0x[0-9a-f]+)?$", line):
            needs.setdefault(section, set()).add(found[1])
    return needs


@pytest.mark.parametrize("compiler", MADE)
def test_it_neither_waits_nor_allocates(compiler: str, tmp_path: Path) -> None:
    if not harness.compiler_version(compiler):
        pytest.skip(f"{compiler} is not installed")
    prefix, files, wake = MADE[compiler]
    needs: dict[str, set[str]] = {}
    own: set[str] = set()
    for name in files:
        made = tmp_path / f"{name}.o"
        subprocess.run([compiler, *FLAGS, "-c", harness.NATIVE / f"{name}.c", "-o", made], check=True)
        needs |= relocations(f"{prefix}objdump", made)
        own |= {line.split()[0] for line in lines(f"{prefix}nm", "--defined-only", "--format=posix", made)}
    come_to, new = set[str](), {"sn_etw_event_record"}
    while new:
        come_to |= new
        new = {name for of in new for name in needs.get(of, ()) if not name.startswith(".")} - come_to
    others = come_to - own - {"memset"}  # which a compiler may write out
    assert others == {"memcpy", wake, "sn_engine__ring", "sn_etw__filetime_ns"}  # the last two: a member, a sum
