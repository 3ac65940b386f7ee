"""What the callback of Windows' sessions can come to: the functions that its machine code calls, and those that they
call by name. Nothing among them waits, allocates or is Python's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import harness
import pytest

from sensor import _build

# By compiler the prefix of its binutils, the system, and what wakes the match thread there.
MADE = {
    "gcc": ("", "linux", "syscall"),
    harness.WINDOWS_COMPILER: ("x86_64-w64-mingw32-", "win32", "WakeByAddressSingle"),
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
    prefix, system, wake = MADE[compiler]
    sources = {path: (harness.ROOT / path).read_text() for path in _build.sources(system)}
    needs: dict[str, set[str]] = {}
    own: set[str] = set()

    def is_ours(name: str) -> bool:
        """After its file has been compiled, if it has one."""
        if name in own:
            return True
        path = next(
            (path for path, text in sources.items() if re.search(rf"^\w[^;]*\b{name}\([^;]*\)\n{{", text, re.M)), ""
        )
        if path:
            made = tmp_path / f"{Path(path).stem}.o"
            subprocess.run([compiler, *FLAGS, "-c", harness.ROOT / path, "-o", made], check=True)
            needs.update(relocations(f"{prefix}objdump", made))
            own.update(line.split()[0] for line in lines(f"{prefix}nm", "--defined-only", "--format=posix", made))
        return name in own

    come_to, new = set[str](), {"sn_etw_event_record"}
    others = set[str]()
    while new:
        come_to |= new
        others |= {name for name in new if not is_ours(name)}
        new = {name for of in new for name in needs.get(of, ()) if not name.startswith(".")} - come_to
    assert others - {"memcmp", "memset"} == {"memcpy", wake}  # a compiler may write those two out
