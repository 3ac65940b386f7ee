"""The processes that live at the start, as SN_PROCESS records: who they are from the kernel's task iterator, with exact
start times, their paths and arguments from /proc.

To be taken after the probes are attached and fed before their events are judged: what changes meanwhile has an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from sensor.errors import Unsupported
from sensor.native import ffi, lib
from sensor.sources import procfs
from sensor.sources.procfs import Exec

_SIZE = ffi.sizeof("struct sn_exec")


class Source(Protocol):
    """What is needed of kernel.KernelSource."""

    def iterate(self) -> bytes: ...


def processes(source: Source | None) -> Iterator[bytes]:
    """SN_PROCESS records, oldest process first. What the iterator leaves out (on some kernels the first process), and
    without `source`, or where it has no iterator, all, is from /proc: flagged reduced, its start known to the tick."""
    # listed first: whatever starts from here on has a fork record
    listed, until = set(procfs.pids()), procfs.boottime_ns()
    found: list[Exec] = []
    if source is not None:
        with suppress(Unsupported):
            found = _parsed(source.iterate())
    records = [(process.h.start, _with_texts(process)) for process in found]
    # a child knows exactly when its parent started
    exact = {(p.ppid, procfs.tick(p.parent_start)): int(p.parent_start) for p in found}
    for pid in listed - {process.h.pid for process in found}:
        with suppress(ProcessLookupError, KeyError):
            process = procfs.describe(pid, lib.SN_PROCESS)
            if process.h.start <= until:  # else the pid was given away
                process.h.start = exact.get((pid, procfs.tick(process.h.start)), process.h.start)
                records.append((process.h.start, procfs.with_texts(process)))
    for _, record in sorted(records):
        yield record


def _parsed(content: bytes) -> list[Exec]:
    found = []
    for at in range(0, len(content) - _SIZE + 1, _SIZE):
        process = ffi.new("struct sn_exec *")
        ffi.memmove(process, content[at : at + _SIZE], _SIZE)
        found.append(process)
    return found


def _with_texts(process: Exec) -> bytes:
    """Of a kernel thread there is no more to know; of one that is gone, or whose pid was given away, this much stays:
    its exit record is yet to come."""
    bare = bytes(ffi.buffer(process))
    if process.h.flags & lib.SN_F_KERNEL_THREAD:
        return bare
    with suppress(ProcessLookupError):
        whole = procfs.with_texts(process)
        if procfs.is_same(process.h.pid, process.h.start):
            return whole
    return bare
