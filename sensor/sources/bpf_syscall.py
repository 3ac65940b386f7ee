"""bpf(2), as little of it as the sensor needs, for the loader and for the daemon. Layouts: union bpf_attr in
include/uapi/linux/bpf.h. Every function raises OSError with the kernel's errno.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from pathlib import Path
from typing import NamedTuple

_NUMBER = {"x86_64": 321, "aarch64": 280}
_MEMBARRIER = {"x86_64": 324, "aarch64": 283}
_MEMBARRIER_GLOBAL = 1  # include/uapi/linux/membarrier.h
_libc = ctypes.CDLL(None, use_errno=True)

MAP_TYPES = {"ARRAY": 2, "PERCPU_ARRAY": 6, "LRU_HASH": 9, "RINGBUF": 27}
MAP_FLAGS = {"MMAPABLE": 1 << 10}

CGROUP_SOCK_ADDR, TRACING = 18, 26
CGROUP_INET4_CONNECT, CGROUP_INET6_CONNECT, TRACE_RAW_TP, TRACE_ITER = 10, 11, 23, 28

_MAP_CREATE, _MAP_LOOKUP, _PROG_LOAD = 0, 1, 5
_INFO_BY_FD, _RAW_TRACEPOINT_OPEN, _BTF_GET_FD_BY_ID, _LINK_CREATE = 15, 17, 19, 28
_ENABLE_STATS, _ITER_CREATE = 32, 33
_LOG_BYTES = 1 << 20


def syscall(number: int, *args: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """The system call's result. OSError when it is negative."""
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _bpf(command: int, attr: bytes) -> int:
    try:
        number = _NUMBER[platform.machine()]
    except KeyError:
        raise OSError(errno.ENOSYS, f"bpf(2) on {platform.machine()}") from None
    return syscall(number, command, ctypes.create_string_buffer(attr, len(attr)), len(attr))


def _name(text: str) -> bytes:
    """BPF_OBJ_NAME_LEN: 15 characters and a NUL."""
    return text.encode()[:15]


def await_programs() -> None:
    """Returns when each program that was running has ended: the kernel's membarrier is a grace period of RCU, within
    which programs run, 8 to 40 ms. OSError where it has none (nohz_full); on a single CPU it does not wait."""
    syscall(_MEMBARRIER.get(platform.machine(), -1), _MEMBARRIER_GLOBAL, 0, 0)


def possible_cpus() -> int:
    """Highest possible CPU + 1: the length of per-CPU values."""
    last = Path("/sys/devices/system/cpu/possible").read_text().strip().split(",")[-1]
    return int(last.split("-")[-1]) + 1


def map_create(kind: int, name: str, *, key: int, value: int, entries: int, flags: int) -> int:
    """Descriptor of a new map."""
    return _bpf(_MAP_CREATE, struct.pack("<7I16s", kind, key, value, entries, flags, 0, 0, _name(name)))


def map_lookup(fd: int, key: int, size: int) -> bytes:
    """Value under a 32-bit key; `size` in bytes: of a per-CPU array its value, rounded up to 8, times possible CPUs."""
    where, value = ctypes.create_string_buffer(struct.pack("<I", key), 4), ctypes.create_string_buffer(size)
    _bpf(_MAP_LOOKUP, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(where), ctypes.addressof(value), 0))
    return value.raw


def prog_load(kind: int, name: str, instructions: bytes, *, licence: str, attach_type: int = 0, btf_id: int = 0) -> int:
    """Descriptor of a verified program. When it is refused, the OSError's text ends in the verifier's last line."""
    code = ctypes.create_string_buffer(instructions, len(instructions))
    gpl = ctypes.create_string_buffer(licence.encode())

    def load(log: ctypes.Array[ctypes.c_char] | None) -> int:
        attr = struct.pack("<IIQQ", kind, len(instructions) // 8, ctypes.addressof(code), ctypes.addressof(gpl))
        attr += struct.pack("<IIQ", *((1, _LOG_BYTES, ctypes.addressof(log)) if log else (0, 0, 0)))
        attr += struct.pack("<II16sIIII", 0, 0, _name(name), 0, attach_type, 0, 0)
        attr += struct.pack("<QIIQII", 0, 0, 0, 0, 0, btf_id)
        return _bpf(_PROG_LOAD, attr)

    try:
        return load(None)
    except OSError as e:
        if e.errno == errno.EPERM:
            raise
        refused = e
    log = ctypes.create_string_buffer(_LOG_BYTES)
    try:
        return load(log)
    except OSError:
        said = [line for line in log.value.decode(errors="replace").splitlines() if not line.startswith("processed ")]
        raise OSError(refused.errno, f"{refused.strerror}: {said[-1] if said else 'no reason given'}") from None


def raw_tracepoint_open(program: int) -> int:
    """Descriptor of the link of a TRACE_RAW_TP program to the tracepoint it was loaded for; closing it detaches."""
    return _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("<QII", 0, program, 0))


def link_create(program: int, target: int, attach_type: int) -> int:
    """Descriptor of the link to a cgroup (a folder's descriptor) or of an iterator (target 0)."""
    return _bpf(_LINK_CREATE, struct.pack("<IIIIQII", program, target, attach_type, 0, 0, 0, 0))


def iter_create(link: int) -> int:
    """Descriptor whose reading runs the iterator once."""
    return _bpf(_ITER_CREATE, struct.pack("<II", link, 0))


def enable_stats() -> int:
    """Descriptor: the kernel measures every BPF program as long as it is open."""
    return _bpf(_ENABLE_STATS, struct.pack("<I", 0))


def _info(fd: int, size: int) -> bytes:
    info = ctypes.create_string_buffer(size)
    _bpf(_INFO_BY_FD, struct.pack("<IIQ", fd, size, ctypes.addressof(info)))
    return info.raw


class ProgramInfo(NamedTuple):
    """Of struct bpf_prog_info. Times and counts grow only while statistics are on, `missed` always: runs that the
    kernel left out because the program was already running on that CPU (a softirq within it)."""

    id: int
    btf_id: int
    run_time_ns: int
    run_count: int
    missed: int
    verified_instructions: int


def prog_info(fd: int) -> ProgramInfo:
    """What the kernel says of a loaded program."""
    raw = _info(fd, 224)
    ident, btf = struct.unpack_from("<I", raw, 4)[0], struct.unpack_from("<I", raw, 128)[0]
    return ProgramInfo(ident, btf, *struct.unpack_from("<QQQI", raw, 192))


def btf_of(program: int) -> bytes:
    """Raw BTF that came with a loaded program. ValueError when none did."""
    ident = prog_info(program).btf_id
    if not ident:
        raise ValueError("the program was loaded without BTF")
    fd = _bpf(_BTF_GET_FD_BY_ID, struct.pack("<I", ident))
    try:
        # struct bpf_btf_info: btf (address), btf_size, id, name, name_len, kernel_btf
        size = struct.unpack_from("<I", _info(fd, 32), 8)[0]
        data = ctypes.create_string_buffer(size)
        info = ctypes.create_string_buffer(struct.pack("<QIIQII", ctypes.addressof(data), size, 0, 0, 0, 0), 32)
        _bpf(_INFO_BY_FD, struct.pack("<IIQ", fd, 32, ctypes.addressof(info)))
        return data.raw
    finally:
        os.close(fd)
