"""One definition, one layout: every compiler that reads native/event.h, and cffi, which reads it without a compiler."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cffi import FFI

from sensor import native
from sensor._build import NATIVE, declarations

# what the probes' own headers give event.h in place of stdint.h
BPF_TYPES = """
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef int int32_t;
typedef unsigned long long uint64_t;
"""
PARSED = FFI()
PARSED.cdef(declarations("event.h"))
STRUCTS = re.findall(r"^struct (sn_\w+) \{", (NATIVE / "event.h").read_text(), re.M)


def members(ffi: FFI, struct: str) -> list[tuple[str, int, int]]:
    """Name, offset and size of each member."""
    fields = ffi.typeof(f"struct {struct}").fields
    return [(name, field.offset, ffi.sizeof(field.type)) for name, field in fields]


def assertions() -> str:
    """C that compiles only where the layout is cffi's."""
    lines = []
    for struct in STRUCTS:
        size = PARSED.sizeof(f"struct {struct}")
        lines.append(f'_Static_assert(sizeof(struct {struct}) == {size}, "{struct}");')
        for name, offset, length in members(PARSED, struct):
            place = f"__builtin_offsetof(struct {struct}, {name}) == {offset}"
            lines.append(f'_Static_assert({place}, "offset of {struct}.{name}");')
            lines.append(f'_Static_assert(sizeof(((struct {struct} *)0)->{name}) == {length}, "{struct}.{name}");')
    return "\n".join(lines)


def test_every_struct_is_looked_at() -> None:
    assert {"sn_header", "sn_span", "sn_exec", "sn_fork", "sn_exit", "sn_connect", "sn_loss"} <= set(STRUCTS)


@pytest.mark.parametrize("struct", STRUCTS)
def test_extension(struct: str) -> None:
    assert members(native.ffi, struct) == members(PARSED, struct)
    assert native.ffi.sizeof(f"struct {struct}") == PARSED.sizeof(f"struct {struct}")


@pytest.mark.parametrize("struct", STRUCTS)
def test_no_hidden_padding(struct: str) -> None:
    begin = end = 0
    for name, offset, length in members(PARSED, struct):
        if (begin, end) == (offset, offset + length):
            continue  # a union's further name
        assert offset == end, f"padding before {struct}.{name}"
        begin, end = offset, offset + length
    assert end == PARSED.sizeof(f"struct {struct}")


@pytest.mark.parametrize("command", ["gcc", "clang", "clang -target bpf -DSN_BPF"])
def test_compiler(command: str, tmp_path: Path) -> None:
    compiler = command.split(maxsplit=1)[0]
    if not shutil.which(compiler):
        pytest.skip(f"{compiler} is not installed")
    source = tmp_path / "layout.c"
    types = BPF_TYPES if "SN_BPF" in command else ""
    source.write_text(f'{types}#include "event.h"\n{assertions()}\n')
    result = subprocess.run(
        [*command.split(), "-std=c11", f"-I{NATIVE}", "-fsyntax-only", str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
