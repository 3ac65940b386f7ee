"""A recording as JSON lines, in blocks: what `record --format ndjson` and `dump` write. The lines are made in C."""

from __future__ import annotations

import os
from collections.abc import Iterator

from sensor.native import ffi, lib
from sensor.recording import RecordingReader

_BLOCK = 2 * lib.SN_JSON_MAX


class RecordLines:
    """Iterating gives blocks of whole lines, each valid until the next, as they come (a pipe is not waited for to fill
    a block), then ends or raises as `reader`. `records`: how many lines there were."""

    def __init__(self, reader: RecordingReader) -> None:
        self._reader = reader
        self._count = ffi.new("uint64_t *")

    @property
    def records(self) -> int:
        """Lines so far."""
        return int(self._count[0])

    def __iter__(self) -> Iterator[memoryview]:
        block = ffi.new("char[]", _BLOCK)
        offset = ffi.new("uint64_t *")
        epoch = int(self._reader.header.get("boot_to_epoch_ns", 0))
        while True:
            size = lib.sn_recording__json(self._reader.pointer, epoch, block, _BLOCK, self._count, offset)
            if size <= 0:
                return self._reader.ended(size, offset[0])
            yield memoryview(ffi.buffer(block, size))


def write_all(fd: int, block: memoryview) -> None:
    """All of `block`. OSError."""
    while block:
        block = block[os.write(fd, block) :]
