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

_SIZE = ffi.sizeof("struct sn_exec")


class Source(Protocol):
    """What is needed of kernel.KernelSource."""

    def iterate(self) -> bytes: ...


def processes(source: Source | None) -> Iterator[bytes]:
    """SN_PROCESS records, oldest process first. Without `source`, or where it has no iterator, all is from /proc: then
    start times are those of the process connector's records, and flagged reduced."""
    found = None
    if source is not None:
        with suppress(Unsupported):
            found = source.iterate()
    yield from _from_proc() if found is None else _from_iterator(found)


def _from_iterator(found: bytes) -> Iterator[bytes]:
    alive = [found[at : at + _SIZE] for at in range(0, len(found) - _SIZE + 1, _SIZE)]
    for raw in sorted(alive, key=_start):
        process = ffi.new("struct sn_exec *")
        ffi.memmove(process, raw, _SIZE)
        record = raw
        # of a kernel thread there is no more to know; of one that is gone, or whose pid was given away, this much stays
        if not process.h.flags & lib.SN_F_KERNEL_THREAD:
            with suppress(ProcessLookupError):
                whole = procfs.with_texts(process)
                record = whole if procfs.is_same(process.h.pid, process.h.start) else raw
        yield record


def _start(raw: bytes) -> int:
    return int(ffi.cast("struct sn_header *", ffi.from_buffer(raw)).start)


def _from_proc() -> Iterator[bytes]:
    described = []
    for pid in procfs.pids():
        with suppress(ProcessLookupError, KeyError):
            described.append(procfs.describe(pid, lib.SN_PROCESS))
    for process in sorted(described, key=lambda p: (p.h.start, p.h.pid)):
        with suppress(ProcessLookupError):
            yield procfs.with_texts(process)
