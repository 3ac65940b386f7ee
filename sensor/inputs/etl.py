"""Event trace logs of Windows (.etl), by native/trace.c: judged as what a session delivers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

from sensor.errors import InputError
from sensor.native import Engine, Handle, check, counters, ffi, lib

# TRACE_LOGFILE_HEADER is the first event of every log: marker SYSTEM32 or SYSTEM64 with TRACE_HEADER_FLAG and
# TRACE_HEADER_EVENT_TRACE, opcode and group 0, behind a WMI_BUFFER_HEADER of 72 bytes.
_MARKERS = (b"\x01\xc0", b"\x02\xc0")
_MARKER_AT, _TYPE_AT = 74, 78
_FIRST = {"unread_id", "unread_version"}
_EVENTS = ("unknown_version", "broken")
_DAMAGE = ("damaged", "compressed", "cut_off", *_EVENTS)


def is_etl(start: bytes) -> bool:
    """Whether a file that begins so is an event trace log."""
    return start[_MARKER_AT : _MARKER_AT + 2] in _MARKERS and start[_TYPE_AT : _TYPE_AT + 2] == b"\0\0"


class Trace(Handle):
    """One log, held in memory as a whole: its events are not in the order of their times. As RecordingReader for
    whoever plays it; `header` says nothing of its host."""

    header: Mapping[str, Any] = {}

    def __init__(self, file: BinaryIO, path: str) -> None:
        """Reads `file` from where it is. InputError: it is no event trace log."""
        self._path = path
        self._bytes = file.read()
        out = ffi.new("struct sn_trace **")
        if lib.sn_trace__open(ffi.from_buffer(self._bytes), len(self._bytes), out):
            raise InputError(path, -1, "no event trace log", "give it an .etl file that a session has closed")
        super().__init__(out[0], lib.sn_trace__close)

    def play(self, engine: Engine, playback: Any) -> int:
        """Its next events, as sn_engine__play has them: 1 call again, 0 the end."""
        return int(check(lib.sn_engine__play_trace(engine.pointer, self.pointer, playback), f"read {self._path}"))

    def counts(self) -> Mapping[str, int]:
        """struct sn_trace_stats, but for what was not read first; while the engine that it was played to is open."""
        return {name: count for name, count in self._stats().items() if name not in _FIRST}

    def _stats(self) -> dict[str, int]:
        return counters("sn_trace_stats", lib.sn_trace__stats, self.pointer)

    def ended(self, rc: int, offset: int) -> None:
        """InputError when some of it could not be read."""
        counts = self._stats()
        left = [f"{name} {counts[name]}" for name in _DAMAGE if counts[name]]
        if any(counts[name] for name in _EVENTS):
            left[-1] += f" (the first: event {counts['unread_id']} of version {counts['unread_version']})"
        if left:
            raise InputError(self._path, -1, f"not all of it could be read: {', '.join(left)}", "all else was judged")
