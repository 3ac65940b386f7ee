"""The build id of an ELF file: linkers give each program another one, and a copy keeps it."""

from __future__ import annotations

import os
import struct

_HEAD = 4096  # the program headers, and nearly always the notes too, are in the first page
_NOTES_MAX = 1 << 16
_PT_NOTE = 4
_NT_GNU_BUILD_ID = 3
_HEADERS_MAX = 128
_HEADER_MAX = 256  # bytes


def build_id(fd: int) -> bytes | None:
    """None: no ELF file, damaged, or without one. OSError."""
    head = os.pread(fd, _HEAD, 0)
    if len(head) < 64 or head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order, wide = "<>"[head[5] - 1], head[4] == 2
    offset = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)[0]
    size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    if not (56 if wide else 32) <= size <= _HEADER_MAX or count > _HEADERS_MAX:
        return None
    headers = _at(fd, head, offset, size * count)
    for start in range(0, len(headers) - size + 1, size):
        if struct.unpack_from(order + "I", headers, start)[0] == _PT_NOTE:
            place, length = struct.unpack_from(
                order + ("Q16xQ" if wide else "I8xI"), headers, start + (8 if wide else 4)
            )
            found = _in_notes(_at(fd, head, place, min(length, _NOTES_MAX)), order)
            if found:
                return found
    return None


def _at(fd: int, head: bytes, offset: int, length: int) -> bytes:
    if offset + length <= len(head):
        return head[offset : offset + length]
    return os.pread(fd, length, offset) if offset < 1 << 62 else b""


def _in_notes(notes: bytes, order: str) -> bytes | None:
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(order + "III", notes, at)
        name = at + 12
        content = name + -(-name_size // 4) * 4
        if kind == _NT_GNU_BUILD_ID and notes[name : name + name_size] == b"GNU\0" and content + size <= len(notes):
            return notes[content : content + size] or None
        at = content + -(-size // 4) * 4
    return None
