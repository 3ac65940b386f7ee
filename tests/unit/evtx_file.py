"""Event log files to test with, written from libevtx's description of the format: one record is one plain BinXML tree
without templates."""

from __future__ import annotations

import struct
from zlib import crc32

HEADER, CHUNK, FIRST_RECORD = 4096, 65536, 512
Tree = dict[str, "Tree | str"]


class _Chunk:
    def __init__(self) -> None:
        self.data = bytearray(FIRST_RECORD)

    def record(self, number: int, event: Tree) -> None:
        begin = len(self.data)
        self.data += struct.pack("<4sIQQ", b"**\0\0", 0, number, 133_000_000_000_000_000 + number)
        self.data += b"\x0f\x01\x01\x00"
        for name, inner in event.items():
            self._element(name, inner)
        self.data += b"\x00"
        size = len(self.data) - begin + 4
        self.data += struct.pack("<I", size)
        struct.pack_into("<I", self.data, begin + 4, size)

    def _element(self, name: str, inner: Tree | str) -> None:
        self.data += struct.pack("<BI", 0x01, 0)
        size_at = len(self.data) - 4
        self.data += struct.pack("<I", len(self.data) + 4)  # its name follows
        self.data += struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + b"\0\0"
        self.data += b"\x02"
        if isinstance(inner, str):
            self.data += struct.pack("<BBH", 0x05, 0x01, len(inner)) + inner.encode("utf-16-le")
        else:
            for child, content in inner.items():
                self._element(child, content)
        self.data += b"\x04"
        struct.pack_into("<I", self.data, size_at, len(self.data) - size_at - 4)

    def whole(self, first: int, last: int) -> bytes:
        end = len(self.data)
        head = struct.pack("<8sQQQQIIII", b"ElfChnk\0", first, last, first, last, 128, end, end, crc32(self.data[512:]))
        self.data[: len(head)] = head
        sums = crc32(bytes(self.data[:120]) + bytes(self.data[128:512]))
        struct.pack_into("<I", self.data, 124, sums)
        return bytes(self.data).ljust(CHUNK, b"\0")


def evtx_file(chunks: list[list[Tree]]) -> bytes:
    """A file of those chunks, each of those events."""
    body, number = b"", 1
    for events in chunks:
        chunk, first = _Chunk(), number
        for event in events:
            chunk.record(number, event)
            number += 1
        body += chunk.whole(first, number - 1)
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, len(chunks) - 1, number, 128, 1, 3, HEADER, len(chunks))
    return (head.ljust(120, b"\0") + struct.pack("<II", 0, crc32(head.ljust(120, b"\0")))).ljust(HEADER, b"\0") + body
