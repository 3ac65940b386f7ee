"""Builds sensor._native from native/*.c; cffi reads event.h and sensor.h as they are."""

import re
import sys
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent.parent / "native"
# One operating system's sources; every other file builds everywhere.
ONLY = dict.fromkeys(("source_bpf.c", "source_fanotify.c", "file_handles.c", "wait.c", "woken.c"), "linux")
ONLY["wait_windows.c"] = "win32"


def declarations(header: str) -> str:
    """The header's text without preprocessor lines and comments: what cffi can parse."""
    text = re.sub(r"/\*.*?\*/", " ", (NATIVE / header).read_text(), flags=re.S)
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def sources() -> list[str]:
    names = sorted(p.name for p in NATIVE.glob("*.c"))
    return [f"native/{n}" for n in names if ONLY.get(n, sys.platform) == sys.platform]


ffibuilder = FFI()
ffibuilder.cdef("".join(map(declarations, ("event.h", "provenance.h", "questions.h", "sensor.h"))))
ffibuilder.set_source(
    "sensor._native",
    '#include "sensor.h"',
    sources=sources(),
    include_dirs=["native"],
    depends=sorted(f"native/{p.name}" for p in NATIVE.iterdir() if p.suffix in {".h", ".def"}),
    extra_compile_args=["-std=c11", "-O2", "-flto=auto", "-g", "-Wall", "-Wextra", "-D_GNU_SOURCE"]
    if sys.platform != "win32"
    else [],
)
