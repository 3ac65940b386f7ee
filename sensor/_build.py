"""Builds sensor._native from native/*.c; cffi reads event.h and sensor.h as they are."""

import re
import sys
from pathlib import Path

from cffi import FFI

NATIVE = Path(__file__).resolve().parent.parent / "native"
# One operating system's sources; every other file builds everywhere.
ONLY = dict.fromkeys(
    (
        "source_bpf.c",
        "source_fanotify.c",
        "source_perf.c",
        "file_handles.c",
        "clock.c",
        "etw_system.c",
        "wait.c",
        "woken.c",
    ),
    "linux",
)
ONLY.update(dict.fromkeys(("clock_windows.c", "etw_system_windows.c", "wait_windows.c"), "win32"))

# Hidden: else each function could be another library's, and so none is inlined or called directly.
_FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2", "-flto=auto", "-fvisibility=hidden", "-g", "-Wall", "-Wextra")


def declarations(header: str) -> str:
    """The header's text without preprocessor lines and comments: what cffi can parse."""
    text = re.sub(r"/\*.*?\*/", " ", (NATIVE / header).read_text("utf-8"), flags=re.S)
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def sources(platform: str) -> list[str]:
    """The C files that the extension is made of on `platform`, from the root folder."""
    names = sorted(p.name for p in NATIVE.glob("*.c"))
    return [f"native/{n}" for n in names if ONLY.get(n, platform) == platform]


def headers(platform: str) -> tuple[str, ...]:
    """Those of what Python may call, in the order of what they need of one another."""
    common = ("event.h", "provenance.h", "questions.h", "etw_source.h", "sensor.h")
    return (*common, "sources_linux.h") if platform == "linux" else common


def builder(platform: str) -> FFI:
    """cffi's description of the extension for `platform` (as sys.platform says), which need not be this one."""
    made = FFI()
    made.cdef("".join(map(declarations, headers(platform))))
    made.set_source(
        "sensor._native",
        "".join(f'#include "{name}"\n' for name in headers(platform)),
        sources=sources(platform),
        include_dirs=["native"],
        depends=sorted(f"native/{p.name}" for p in NATIVE.iterdir() if p.suffix in {".h", ".def"}),
        extra_compile_args=list(_FLAGS) if platform != "win32" else [],
    )
    return made


ffibuilder = builder(sys.platform)
