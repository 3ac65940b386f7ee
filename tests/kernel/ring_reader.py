"""A second, slow reader of the BPF ring, and a decoder of records that shares nothing with native/*.c but event.h: what
the probes are judged by.
"""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cffi import FFI

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT))
from sensor._build import declarations  # noqa: E402
from sensor.sources.kernel import Counters, KernelSource  # noqa: E402

PAGE = mmap.PAGESIZE
BUSY, DISCARDED = 1 << 31, 1 << 30  # BPF_RINGBUF_BUSY_BIT, BPF_RINGBUF_DISCARD_BIT

ffi = FFI()
ffi.cdef(declarations("event.h"))
LIMITS = {name: value for value, name in ffi.typeof("enum sn_limits").elements.items()}
TYPES = dict(ffi.typeof("enum sn_type").elements)
FLAGS = {value: name.removeprefix("SN_F_").lower() for value, name in ffi.typeof("enum sn_flag").elements.items()}
BODIES = {
    "SN_EXEC": "struct sn_exec",
    "SN_FORK": "struct sn_fork",
    "SN_EXIT": "struct sn_exit",
    "SN_CONNECT": "struct sn_connect",
    "SN_CONNECT_RESULT": "struct sn_connect",
    "SN_PROCESS": "struct sn_exec",
}


@dataclass
class Record:
    """One record: header, then the body's members, spans as bytes."""

    type: str
    size: int
    cpu: int
    seq: int
    time: int
    pid: int
    start: int
    flags: frozenset[str]
    body: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["body"][name]
        except KeyError:
            raise AttributeError(name) from None


def decode(raw: bytes) -> Record:
    """One record. AssertionError when it breaks event.h."""
    h = ffi.from_buffer("struct sn_header *", raw, require_writable=False)
    name = TYPES[h.type]
    kind = BODIES[name]
    assert h.size == len(raw)
    assert h.size % 8 == 0
    assert h.size >= ffi.sizeof(kind)
    body = ffi.from_buffer(f"{kind} *", raw)
    values: dict[str, Any] = {}
    for member, info in ffi.typeof(kind).fields:
        if member == "h":
            continue
        value = getattr(body, member)
        if info.type.cname == "struct sn_span":
            assert value.off + value.len <= h.size
            values[member] = raw[value.off : value.off + value.len]
        elif info.type.kind == "array":
            values[member] = bytes(ffi.buffer(value))
        else:
            values[member] = value
    flags = frozenset(text for bit, text in FLAGS.items() if h.flags & bit)
    return Record(name, h.size, h.cpu, h.seq, h.time, h.pid, h.start, flags, values)


class RingReader:
    """Drains the ring of a KernelSource. One reader a ring."""

    def __init__(self, source: KernelSource) -> None:
        self._size = source.ring_bytes
        self._consumer = mmap.mmap(source.ring_fd, PAGE)
        # Native words: struct's "<Q" stores byte by byte, and the kernel would see positions that never were.
        self._position = memoryview(self._consumer).cast("Q")
        self._rest = mmap.mmap(source.ring_fd, PAGE + 2 * self._size, prot=mmap.PROT_READ, offset=PAGE)
        self._produced = memoryview(self._rest).cast("Q")

    def drain(self) -> list[bytes]:
        """Every record that is committed, oldest first."""
        at, end = self._position[0], self._produced[0]
        out = []
        while at < end:
            where = PAGE + (at & (self._size - 1))
            word = struct.unpack_from("I", self._rest, where)[0]
            if word & BUSY:
                break
            length = word & ~(BUSY | DISCARDED)
            if not word & DISCARDED:
                out.append(self._rest[where + 8 : where + 8 + length])
            at += 8 + (length + 7 & ~7)
        self._position[0] = at
        return out

    def close(self) -> None:
        """Unmaps."""
        for view in (self._position, self._produced, self._consumer, self._rest):
            view.release() if isinstance(view, memoryview) else view.close()


class Watch:
    """An attached source and its reader, for tests."""

    def __init__(self, source: KernelSource) -> None:
        self.source = source
        self.reader = RingReader(source)
        self._prefix = b""

    def learn_prefix(self) -> None:
        """The kernel names paths from the mount namespace's root: in a chroot they begin with its folder."""
        program = os.path.realpath("/bin/true")
        (image,) = (r.image for r in self.events(lambda: subprocess.run([program], check=True)) if r.type == "SN_EXEC")
        assert image.endswith(os.fsencode(program))
        self._prefix = image.removesuffix(os.fsencode(program))

    def seen(self, path: str | Path) -> bytes:
        """An absolute path as records have it."""
        return self._prefix + os.fsencode(path) if str(path) != "/" else self._prefix or b"/"

    def events(self, action: Callable[[], Any], *, root: int | None = None) -> list[Record]:
        """The records of what `action` did: of the processes below this one, or below `root`, begun during it."""
        self.reader.drain()
        action()
        return below(os.getpid() if root is None else root, map(decode, self.reader.drain()))

    def counters(self) -> Counters:
        """Summed over the CPUs."""
        every = self.source.counters()
        return Counters(
            *(sum(getattr(c, name) for c in every) for name in ("seen", "submitted", "ring_full", "oversized", "busy")),
            sum(c.next_seq for c in every),
            tuple(map(sum, zip(*(c.by_type for c in every), strict=True))),
        )

    def close(self) -> None:
        """Detaches."""
        self.reader.close()
        self.source.close()


def below(root: int, records: Iterable[Record]) -> list[Record]:
    """Of `records` in order of time: those of `root` and of processes forked below it meanwhile."""
    ours, out = {root}, []
    for record in sorted(records, key=lambda r: r.time):
        if record.type == "SN_FORK" and record.creator_pid in ours:
            ours.add(record.pid)
        if record.pid in ours:
            out.append(record)
    return out
