"""Recordings in the core's own format (native/recording.h): written record by record, read the same way."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from sensor.errors import InputError
from sensor.native import Engine, Handle, check, ffi, lib


class Recorded(Protocol):
    """A file whose events an engine takes as the sources gave them. `header`: what it says of its host."""

    @property
    def header(self) -> Mapping[str, Any]: ...

    def play(self, engine: Engine, playback: Any) -> int:
        """Into `engine`, as sn_engine__play does with that struct sn_playback: 1 call again, else what ended it."""

    def ended(self, rc: int, offset: int) -> None:
        """Raises InputError for what ended it, unless that was the end of a whole file."""

    def counts(self) -> Mapping[str, int]:
        """What the summary says of it under `traces`."""


class RecordingWriter(Handle):
    """Writes a native recording to a descriptor, which stays the caller's. `header` is a JSON object."""

    def __init__(self, fd: int, header: dict[str, Any]) -> None:
        out = ffi.new("struct sn_recording **")
        raw = json.dumps(header).encode()
        check(lib.sn_recording__create(fd, raw, len(raw), out), "begin the recording")
        super().__init__(out[0], lib.sn_recording__close)

    def append(self, record: bytes) -> None:
        """One record. NativeError once the file could not be written, from then on always."""
        check(lib.sn_recording__append(self.pointer, record, len(record)), "write the recording")

    def flush(self) -> None:
        """Writes what is buffered. Not while an engine that records here runs. NativeError: the first failure."""
        check(lib.sn_recording__flush(self.pointer), "write the recording")


class RecordingReader(Handle):
    """Reads a native recording from a descriptor, which stays the caller's. `path` is for messages.

    Iterating gives every whole record as bytes, then ends, or raises InputError with the offset where it is damaged or
    cut off. `header` is the JSON object of its head.
    """

    def __init__(self, fd: int, path: str) -> None:
        out = ffi.new("struct sn_recording **")
        rc = lib.sn_recording__open(fd, out)
        if rc == -errno.EINVAL:
            raise InputError(path, 0, "not a recording, or its header is damaged")
        check(rc, f"read {path}")
        super().__init__(out[0], lib.sn_recording__close)
        self._path = path
        self.header = self._read_header()

    def _read_header(self) -> dict[str, Any]:
        buffer = ffi.new("char[]", 1 << 20)
        size = check(lib.sn_recording__header(self.pointer, buffer, len(buffer)), f"read the header of {self._path}")
        try:
            return dict(json.loads(bytes(ffi.buffer(buffer, size))))
        except (ValueError, TypeError) as error:
            raise InputError(self._path, 16, f"the header is no JSON object: {error}") from None

    def __iter__(self) -> Iterator[bytes]:
        record = ffi.new("void **")
        offset = ffi.new("uint64_t *")
        while (rc := lib.sn_recording__next(self.pointer, record, offset)) == 1:
            yield bytes(ffi.buffer(record[0], ffi.cast("uint32_t *", record[0])[0]))
        self.ended(rc, offset[0])

    def play(self, engine: Engine, playback: Any) -> int:
        """Its next records, by sn_engine__play."""
        return int(lib.sn_engine__play(engine.pointer, self.pointer, playback))

    def counts(self) -> Mapping[str, int]:
        """Nothing that the engine does not count."""
        return {}

    def ended(self, rc: int, offset: int) -> None:
        """Raises what ended the reading (the result of a function on it), unless it was the end of the file."""
        damage = {-errno.ENODATA: "cut off: the last record is incomplete", -errno.EBADMSG: "damaged: a bad checksum"}
        if rc in damage:
            raise InputError(self._path, offset, damage[rc], "what stands before it is whole")
        check(rc, f"read {self._path}")
