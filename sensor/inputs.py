"""Files that are replayed: what they are, by their first bytes, and JSON lines in blocks."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from sensor.errors import InputError
from sensor.event_json import parse_event

_BLOCK = 1 << 20
_LINE_MAX = 64 << 20
_MAGIC_BYTES = 16
_RECORDING, _GZIP, _BYTE_ORDER_MARK = b"LINSANG\n", b"\x1f\x8b", b"\xef\xbb\xbf"
_REFUSED = {
    b"ElfFile\0": ("EVTX is not read yet", "convert it: evtx_dump -o jsonl FILE"),
    b"\xff\xfe": ("UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    b"\xfe\xff": ("UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    b"(\xb5/\xfd": ("Zstandard is not read", "unpack it: unzstd"),
    b"BZh": ("bzip2 is not read", "unpack it: bunzip2"),
    b"\xfd7zXZ": ("xz is not read", "unpack it: unxz"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
}


@dataclass(frozen=True)
class Input:
    """One file. `recording`: the descriptor to read a recording from, None for JSON lines."""

    path: str
    recording: int | None
    file: BinaryIO
    packed: BinaryIO | None = None

    def position(self) -> int:
        """Bytes of the file read so far; 0 where that is not known."""
        file = self.packed or self.file
        return file.tell() if file.seekable() else 0

    def blocks(self) -> Iterator[bytes]:
        """JSON lines in blocks of whole lines, without the file's byte order mark. InputError: not what it should be;
        what stood before has been given out."""
        rest, first = b"", True
        while read := self._read():
            rest += read.removeprefix(_BYTE_ORDER_MARK) if first else read
            first = False
            end = rest.rfind(b"\n") + 1
            if end:
                yield rest[:end]
                rest = rest[end:]
            elif len(rest) > _LINE_MAX:
                raise InputError(self.path, -1, f"a line of more than {_LINE_MAX >> 20} MiB", "give it JSON lines")
        if rest:
            yield rest

    def _read(self) -> bytes:
        """What is there, so that a pipe's lines come as they are written."""
        try:
            return self.file.read1(_BLOCK)  # type: ignore[attr-defined,no-any-return]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(self.path, -1, f"gzip: {error}", "what stands before it was judged") from None


@contextmanager
def open_input(path: str) -> Iterator[Input]:
    """`path` ("-": standard input). InputError for what is not read; OSError."""
    with io.BufferedReader(io.FileIO(0 if path == "-" else path, closefd=path != "-"), _BLOCK) as file:
        start = file.peek(_MAGIC_BYTES)[:_MAGIC_BYTES]
        for magic, (reason, remedy) in _REFUSED.items():
            if start.startswith(magic):
                raise InputError(path, -1, reason, remedy)
        if path.lower().endswith(".etl"):
            raise InputError(path, -1, "ETL is not read yet", "convert it to JSON lines")
        if start.startswith(_RECORDING):
            if not file.seekable():
                raise InputError(path, -1, "a recording cannot be read from a pipe", "write it into a file first")
            os.lseek(file.fileno(), 0, os.SEEK_SET)  # its reader goes by the descriptor, which peek moved
            yield Input(path, file.fileno(), file)
        elif start.startswith(_GZIP):
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield Input(path, None, unpacked, file)  # type: ignore[arg-type]
        else:
            yield Input(path, None, file)


def after_lines(block: bytes, at: int, lines: int) -> int:
    """Where `lines` lines from `at` on end."""
    for _ in range(lines):
        at = block.find(b"\n", at) + 1
        if not at:
            return len(block)
    return at


def what_is_wrong(line: bytes) -> str:
    """Why a line is no event."""
    try:
        parse_event(line)
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return "no JSON object that the decoder takes"
