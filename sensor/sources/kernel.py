"""The kernel as a source, from the daemon's side: starts the loader child and holds what it hands over. Needs no bcc.

Everything the kernel keeps for us hangs on these descriptors; when the daemon dies, by whatever cause, it is gone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from sensor.closing import Closing
from sensor.errors import LinsangError, Unsupported
from sensor.sources import bpf_syscall as bpf

# Debian's bcc is a module of the system's interpreter.
LOADER_PYTHON = "/usr/bin/python3"
DEFAULT_RING_BYTES = 16 << 20
_BOOT = """import sys
sys.path.append(sys.argv[1])
from sensor.sources.bpf_loader import main
main(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))"""
_PACKET = 1 << 16
_DESCRIPTORS = 64
# struct sn_counters (native/event.h): six counters, then one for each sn_type.
_COUNTERS = struct.Struct("<6Q16Q")


class Counters(NamedTuple):
    """struct sn_counters of one CPU. seen = submitted + ring_full + oversized + busy, once the probes are at rest."""

    seen: int
    submitted: int
    ring_full: int
    oversized: int
    busy: int
    next_seq: int
    by_type: tuple[int, ...]


class KernelSource(Closing):
    """Attached probes. `failed` says by probe why it is not attached (empty: all are), `programs` and `links` are
    descriptors by probe, `cached` whether the compiled probes were at hand, `cache_error` why they could not be kept,
    `seconds` what the start took. Closes everything with close(), or as a context."""

    def __init__(self, descriptors: dict[str, int], report: dict[str, Any], ring_bytes: int) -> None:
        self._descriptors = descriptors
        self.ring_bytes = ring_bytes
        self.failed: dict[str, str] = report["failed"]
        self.cached: bool = report["cached"]
        self.cache_error: str = report["cache_error"]
        self.seconds: dict[str, float] = report["seconds"]
        self.ring_fd = descriptors["map.ring"]
        self.control_fd = descriptors["map.control"]
        self.counters_fd = descriptors["map.counters"]
        self._cpus = bpf.possible_cpus()
        self.programs = self._kind("prog.")
        self.links = self._kind("link.")

    def _kind(self, prefix: str) -> dict[str, int]:
        return {name.removeprefix(prefix): fd for name, fd in self._descriptors.items() if name.startswith(prefix)}

    def counters(self) -> list[Counters]:
        """By CPU, all possible ones. They are read while probes count: a sum can be off by the events under way."""
        raw = bpf.map_lookup(self.counters_fd, 0, _COUNTERS.size * self._cpus)
        every = []
        for seen, submitted, ring_full, oversized, busy, next_seq, *by_type in _COUNTERS.iter_unpack(raw):
            every.append(Counters(seen, submitted, ring_full, oversized, busy, next_seq, tuple(by_type)))
        return every

    def iterate(self) -> bytes:
        """Every process that lives now: struct sn_exec one after another, as SN_PROCESS without texts. Unsupported when
        the kernel refused the iterator."""
        if "task" not in self.links:
            raise Unsupported(f"the BPF task iterator ({self.failed.get('task')})", "the snapshot falls back to /proc")
        with open(bpf.iter_create(self.links["task"]), "rb") as file:
            return file.read()

    def run_stats(self) -> dict[str, bpf.ProgramInfo]:
        """By probe; times and counts are of the periods in which `measured()` or kernel.bpf_stats_enabled was on."""
        return {name: bpf.prog_info(fd) for name, fd in self.programs.items()}

    @contextlib.contextmanager
    def measured(self) -> Iterator[None]:
        """The kernel measures every BPF program of the machine inside this context."""
        stats = bpf.enable_stats()
        try:
            yield
        finally:
            os.close(stats)

    def detach(self) -> None:
        """Ends the probes, those that run too where the kernel can wait for them; ring and counters can still be
        read."""
        for name in self.links:
            os.close(self._descriptors.pop(f"link.{name}"))
        self.links = {}
        with contextlib.suppress(OSError):
            bpf.await_programs()

    def close(self) -> None:
        """Detaches and frees everything in the kernel. May be called again."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])


def _receive(channel: socket.socket, progress: Callable[[str], None]) -> tuple[dict[str, Any], list[int]]:
    """The loader's last message, and its descriptors. Empty when it died before it."""
    while True:
        packet, fds, _, _ = socket.recv_fds(channel, _PACKET, _DESCRIPTORS)
        message: dict[str, Any] = json.loads(packet) if packet else {}
        if "progress" not in message:
            return message, fds
        progress(message["progress"])


def _failure(error: dict[str, str], said: bytes, log: Path, status: int) -> LinsangError:
    """What to raise. What the loader or bcc said on stderr is kept in `log`."""
    if "name" in error:
        return Unsupported(error["name"], error["remedy"])
    reason = error.get("reason", f"the probe loader ended with status {status}")
    lines = said.decode(errors="replace").splitlines()
    if not lines:
        return LinsangError(reason, error.get("remedy", ""))
    first = next((line for line in lines if "error" in line.lower()), lines[-1])
    remedy = ""
    with contextlib.suppress(OSError):
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.write_bytes(said)
        remedy = f"all that was said is in {log}"
    return LinsangError(f"{reason}: {first}", remedy)


def _run_loader(cache: Path, ring_bytes: int, stderr: IO[bytes], progress: Callable[[str], None]) -> KernelSource:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        root = str(Path(__file__).resolve().parents[2])
        with theirs:
            arguments = [root, str(theirs.fileno()), str(cache), str(ring_bytes)]
            child = subprocess.Popen(
                [LOADER_PYTHON, "-I", "-c", _BOOT, *arguments],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                process_group=0,  # Ctrl-C is for the command, which may have something to end well
            )
        message, fds = _receive(ours, progress)
        status = child.wait()
    if "loaded" not in message:
        stderr.seek(0)
        raise _failure(message.get("error", {}), stderr.read(), cache / "loader.log", status)
    report = message["loaded"]
    if len(fds) < len(report["names"]):  # the kernel hands over as many as there is room for
        for fd in fds:
            os.close(fd)
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    return KernelSource(dict(zip(report["names"], fds, strict=True)), report, ring_bytes)


def open_kernel_source(
    ring_bytes: int = DEFAULT_RING_BYTES,
    cache_dir: Path = Path("/var/cache/linsang"),
    progress: Callable[[str], None] = lambda text: None,
) -> KernelSource:
    """Loads and attaches the probes. `ring_bytes`: a power of two, at least a page. `cache_dir` keeps the compiled
    probes from one start to the next; `progress` hears what takes long.

    Unsupported when the kernel, the privileges or a package are not there; LinsangError for everything else.
    """
    if not Path(LOADER_PYTHON).exists():
        raise Unsupported(f"a machine without {LOADER_PYTHON}", "apt-get install python3 python3-bpfcc")
    with open(os.memfd_create("loader-stderr"), "w+b") as stderr:
        return _run_loader(cache_dir, ring_bytes, stderr, progress)
