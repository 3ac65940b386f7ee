"""The loader child: gets the compiled probes (from the cache, else by bcc), loads and attaches them, hands every
descriptor to the daemon, exits. Nothing is pinned: programs and maps live as long as the daemon holds them.

Runs under the interpreter that has Debian's bcc; uses the standard library and, to compile, bcc and libbpf.
The daemon's side is kernel.py. Messages are JSON, one a packet:
    {"progress": text}*  then  {"error": {...}}  or  {"loaded": {...}} with the descriptors that it names.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sensor.errors import LinsangError, Unsupported
from sensor.mountinfo import kernel_dev, mount_lines
from sensor.sources import bpf_syscall as bpf
from sensor.sources.bpf_object import KERNEL_BTF, LICENCE, BpfObject, Cache, Program, cache_key

# The same numbers on every architecture (include/uapi/asm-generic/unistd.h, include/uapi/linux/mount.h).
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_FSOPEN_CLOEXEC, _FSCONFIG_CMD_CREATE, _FSMOUNT_CLOEXEC = 1, 6, 1
_ROOT_INODE = 1  # of a kernfs: fs/kernfs/dir.c
_LD_IMM64, _PSEUDO_MAP_FD = 0x18, 1
_CGROUP_TYPES = {"inet4_connect": bpf.CGROUP_INET4_CONNECT, "inet6_connect": bpf.CGROUP_INET6_CONNECT}
_AS_ROOT = "run as root, with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN"


@dataclass
class Loaded:
    """What goes to the daemon: descriptors by name, why a hook is not attached by its name, times in seconds."""

    descriptors: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    cached: bool = False
    cache_error: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


def cgroup_root() -> int:
    """Descriptor of the root folder of the unified hierarchy: where it is mounted, else on a mount of our own, which
    takes CAP_SYS_ADMIN."""
    for line in mount_lines(Path("/proc/self/mountinfo").read_bytes()):
        if line.filesystem != "cgroup2" or line.root != "/":
            continue
        with contextlib.suppress(OSError):
            found = os.open(line.point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            folder = os.fstat(found)
            # not another one mounted above it, and not the root of a cgroup namespace, which is shown as "/" too
            if kernel_dev(folder.st_dev) == line.dev and folder.st_ino == _ROOT_INODE:
                return found
            os.close(found)
    return _own_cgroup_root()


def _own_cgroup_root() -> int:
    context = bpf.syscall(_FSOPEN, b"cgroup2", _FSOPEN_CLOEXEC)
    try:
        bpf.syscall(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, 0, 0, 0)
        mount = bpf.syscall(_FSMOUNT, context, _FSMOUNT_CLOEXEC, 0)
    finally:
        os.close(context)
    try:
        return os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
    finally:
        os.close(mount)


def relocate(code: bytes, maps: list[int]) -> bytes:
    """The instructions with descriptors in place of map numbers."""
    out, at = bytearray(code), 0
    while at < len(out):
        if out[at] == _LD_IMM64:
            if out[at + 1] >> 4 == _PSEUDO_MAP_FD:
                struct.pack_into("<I", out, at + 4, maps[struct.unpack_from("<I", out, at + 4)[0]])
            at += 8
        at += 8
    return bytes(out)


def _require_bpf() -> None:
    """Before bcc is started for nothing."""
    try:
        os.close(bpf.map_create(bpf.MAP_TYPES["ARRAY"], "sn_may_i", key=4, value=4, entries=1, flags=0))
    except OSError as e:
        raise Unsupported(f"BPF (the kernel refuses it to this process: {e.strerror})", _AS_ROOT) from None


def _get_object(folder: Path, loaded: Loaded, progress: Callable[[str], None]) -> BpfObject:
    if not KERNEL_BTF.exists():
        raise Unsupported("a kernel without type information (BTF)", "use a kernel built with CONFIG_DEBUG_INFO_BTF")
    cache = Cache(folder, cache_key())
    found = cache.load()
    if found:
        loaded.cached = True
        return found
    progress("compiling the probes for this kernel")
    from sensor.sources.bpf_compile import compile_probes  # noqa: PLC0415 - 76 MB that a warm start does without

    made = compile_probes()
    try:
        cache.store(made)
    except OSError as e:
        loaded.cache_error = str(e)
    return made


def _create_maps(made: BpfObject, ring_bytes: int, loaded: Loaded) -> list[int]:
    sizes = {"ring": ring_bytes, "scratch": bpf.possible_cpus()}
    fds = []
    for spec in made.maps:
        flags = bpf.MAP_FLAGS[spec.flags] if spec.flags else 0
        entries = spec.entries or sizes[spec.name]
        try:
            fd = bpf.map_create(
                bpf.MAP_TYPES[spec.kind],
                f"sn_{spec.name}",
                key=spec.key,
                value=spec.value,
                entries=entries,
                flags=flags,
            )
        except OSError as e:
            raise LinsangError(f"BPF map {spec.name} of {entries} entries: {e.strerror}", "see `linsang doctor`") from e
        loaded.descriptors[f"map.{spec.name}"] = fd
        fds.append(fd)
    return fds


def _load(program: Program, maps: list[int]) -> int:
    spec = program.spec
    kind, attach_type = {
        "tp_btf": (bpf.TRACING, bpf.TRACE_RAW_TP),
        "cgroup": (bpf.CGROUP_SOCK_ADDR, _CGROUP_TYPES.get(spec.hook, 0)),
        "iter": (bpf.TRACING, bpf.TRACE_ITER),
    }[spec.kind]
    return bpf.prog_load(
        kind,
        f"sn_{spec.name}",
        relocate(program.instructions, maps),
        licence=LICENCE,
        attach_type=attach_type,
        btf_id=program.btf_id,
    )


def _attach(program: Program, fd: int, loaded: Loaded) -> None:
    spec = program.spec
    if spec.kind == "tp_btf":
        loaded.descriptors[f"link.{spec.name}"] = bpf.raw_tracepoint_open(fd)
    elif spec.kind == "iter":
        loaded.descriptors[f"link.{spec.name}"] = bpf.link_create(fd, 0, bpf.TRACE_ITER)
    else:
        root = cgroup_root()
        try:
            loaded.descriptors[f"link.{spec.name}"] = bpf.link_create(fd, root, _CGROUP_TYPES[spec.hook])
        finally:
            os.close(root)


def load(folder: Path, ring_bytes: int, progress: Callable[[str], None]) -> Loaded:
    """Everything loaded and attached that this kernel lets us; all programs are loaded before the first is attached.
    Unsupported or LinsangError when nothing is."""
    loaded, marks = Loaded(), [time.monotonic()]
    _require_bpf()
    made = _get_object(folder, loaded, progress)
    marks.append(time.monotonic())
    maps = _create_maps(made, ring_bytes, loaded)
    ready = []
    for program in made.programs:
        name = program.spec.name
        try:
            fd = _load(program, maps)
        except OSError as e:
            loaded.failed[name] = f"not loaded: {e.strerror}"
            continue
        loaded.descriptors[f"prog.{name}"] = fd
        ready.append((program, fd))
    marks.append(time.monotonic())
    for program, fd in ready:
        try:
            _attach(program, fd, loaded)
        except OSError as e:
            loaded.failed[program.spec.name] = f"not attached: {e.strerror}"
    marks.append(time.monotonic())
    if not any(name.startswith("link.") for name in loaded.descriptors):
        raise Unsupported(f"every probe ({next(iter(loaded.failed.values()))})", _AS_ROOT)
    steps = ("object", "load", "attach")
    loaded.seconds = {step: round(b - a, 4) for step, a, b in zip(steps, marks, marks[1:], strict=False)}
    return loaded


def _error(e: Exception) -> dict[str, str]:
    if isinstance(e, Unsupported):
        return {"name": e.name, "remedy": e.remedy}
    if isinstance(e, LinsangError):
        return {"reason": e.reason, "remedy": e.remedy}
    return {"reason": f"the probe loader failed: {e!r}", "remedy": ""}


def main(descriptor: int, folder: str, ring_bytes: int) -> None:
    """The child's life. `descriptor` is its end of the daemon's SOCK_SEQPACKET pair."""
    with socket.socket(fileno=descriptor) as channel:

        def send(message: dict[str, object], fds: list[int] | None = None) -> None:
            socket.send_fds(channel, [json.dumps(message).encode()], fds or [])

        try:
            loaded = load(Path(folder), ring_bytes, lambda text: send({"progress": text}))
        except (LinsangError, OSError, ValueError, KeyError) as e:
            send({"error": _error(e)})
            return
        names = list(loaded.descriptors)
        report = {
            "names": names,
            "failed": loaded.failed,
            "cached": loaded.cached,
            "cache_error": loaded.cache_error,
            "seconds": loaded.seconds,
        }
        try:
            send({"loaded": report}, list(loaded.descriptors.values()))
        except OSError as e:
            if e.errno != errno.EPIPE:  # the daemon is gone: so is everything
                raise
