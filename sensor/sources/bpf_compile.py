"""probes/*.bpf.c to a BpfObject, by bcc. Only in the loader child, and only when the cache has nothing: importing bcc
and compiling costs 150 MB.

bcc creates no maps and loads nothing here: the probes name their maps by number (probes/bcc.h).
"""

from __future__ import annotations

import ctypes
import os
import struct
import tempfile
from pathlib import Path

from sensor.errors import LinsangError, Unsupported
from sensor.sources import btf
from sensor.sources.bpf_object import KERNEL_BTF, NATIVE, PROBES, PROGRAMS, BpfObject, Program, ProgramSpec, parse_maps
from sensor.sources.kernel_headers import kernel_h, parse_wanted, write_headers

# BPF_STX | BPF_ATOMIC | BPF_DW (or BPF_W), and the flag that makes it return the old value.
_ATOMIC = frozenset({0xDB, 0xC3})
_ADD, _FETCH = 0x00, 0x01


def _with_fetch(code: bytes) -> bytes:
    """Makes every atomic add return the old value in its source register, as fetch_add in probes/bcc.h expects."""
    out = bytearray(code)
    for at in range(0, len(code), 8):
        if code[at] in _ATOMIC and struct.unpack_from("<i", code, at + 4)[0] == _ADD:
            struct.pack_into("<i", out, at + 4, _ADD | _FETCH)
    return bytes(out)


def main_text() -> str:
    """The only text that bcc rewrites: the entry points."""
    includes = "".join(f'#include "{path.name}"\n' for path in sorted(PROBES.glob("*.bpf.c")))
    return includes + "".join(f"int sn_{p.name}(void *ctx) {{ return on_{p.name}(ctx); }}\n" for p in PROGRAMS)


def compile_text(text: str, headers: Path) -> tuple[ctypes.CDLL, int]:
    """bcc's library and the module it made of `text`; both stay in memory. LinsangError when bcc refuses it: what
    it has to say is on stderr. Unsupported without bcc."""
    try:
        from bcc import lib  # type: ignore[import-not-found,import-untyped,unused-ignore]  # noqa: PLC0415
    except (ImportError, OSError):
        raise Unsupported("compiling the probes without bcc", "apt-get install python3-bpfcc") from None
    os.environ["BCC_KERNEL_SOURCE"] = str(headers)
    flags = [b"-I" + os.fsencode(p) for p in (headers / "include", PROBES, NATIVE)]
    module = lib.bpf_module_create_c_from_string(
        text.encode(), 0, (ctypes.c_char_p * len(flags))(*flags), len(flags), True, None
    )
    if not module:
        raise LinsangError("bcc does not compile the probes")
    return lib, module


def _target(types: btf.Btf, spec: ProgramSpec) -> int:
    """What the kernel attaches a program to, as a type of its BTF; 0 for those that need none."""
    if spec.kind == "iter":
        return types.find(f"bpf_iter_{spec.hook}", btf.FUNC)
    return 0 if spec.kind == "cgroup" else types.find(f"btf_trace_{spec.hook}", btf.TYPEDEF)


def compile_probes() -> BpfObject:
    """The probes for the running kernel. LinsangError, Unsupported."""
    if not KERNEL_BTF.exists():
        raise Unsupported("a kernel without type information (BTF)", "use a kernel built with CONFIG_DEBUG_INFO_BTF")
    types = btf.Btf()
    with tempfile.TemporaryDirectory(prefix="linsang-headers-") as folder:
        write_headers(Path(folder), kernel_h(types, parse_wanted((PROBES / "kernel.def").read_text())))
        lib, module = compile_text(main_text(), Path(folder))
    programs = []
    for spec in PROGRAMS:
        name = f"sn_{spec.name}".encode()
        code = ctypes.string_at(lib.bpf_function_start(module, name), lib.bpf_function_size(module, name))
        programs.append(Program(spec, _with_fetch(code), _target(types, spec)))
    return BpfObject(parse_maps((PROBES / "maps.def").read_text()), tuple(programs))
