"""Event trace logs of Windows (.etl) to JSON lines, by native/trace.c."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from sensor.errors import InputError
from sensor.native import check, counters, ffi, lib

# TRACE_LOGFILE_HEADER is the first event of every log: marker SYSTEM32 or SYSTEM64 with TRACE_HEADER_FLAG and
# TRACE_HEADER_EVENT_TRACE, opcode and group 0, behind a WMI_BUFFER_HEADER of 72 bytes.
_MARKERS = (b"\x01\xc0", b"\x02\xc0")
_MARKER_AT, _TYPE_AT = 74, 78
_BUFFER = lib.SN_TRACE_ROOM + (1 << 20)


def is_etl(start: bytes) -> bool:
    """Whether a file that begins so is an event trace log."""
    return start[_MARKER_AT : _MARKER_AT + 2] in _MARKERS and start[_TYPE_AT : _TYPE_AT + 2] == b"\0\0"


class Trace:
    """One log, which is held in memory as a whole: its events are not in the order of their times."""

    def __init__(self, path: str, file: BinaryIO) -> None:
        """Reads `file` from where it is. InputError: it is no event trace log."""
        self._path = path
        self._bytes = file.read()
        self.stats: Mapping[str, int] = {}

    def lines(self) -> Iterator[bytes]:
        """Its events as blocks of lines, in the order of their times. InputError, at the end, when some of it could not
        be read."""
        out = ffi.new("struct sn_trace **")
        content = ffi.from_buffer(self._bytes)
        if lib.sn_trace__open(content, len(self._bytes), out):
            raise InputError(self._path, -1, "no event trace log", "give it an .etl file that a session has closed")
        trace = ffi.gc(out[0], lib.sn_trace__close)
        buffer = ffi.new("char[]", _BUFFER)
        while size := check(lib.sn_trace__lines(trace, buffer, _BUFFER), "read a trace"):
            self._count(trace)
            yield bytes(ffi.buffer(buffer, size))
        self._count(trace)
        if left := {name: self.stats[name] for name in ("damaged", "compressed", "cut_off") if self.stats[name]}:
            text = ", ".join(f"{name} {number}" for name, number in left.items())
            raise InputError(self._path, -1, f"not all of it could be read: {text}", "all else was judged")

    def _count(self, trace: object) -> None:
        self.stats = counters("sn_trace_stats", lib.sn_trace__stats, trace)
