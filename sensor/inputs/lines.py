"""Text in blocks of whole lines, and what turns such blocks into others."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from sensor.errors import InputError

LEFT_OUT = b"!"  # begins a line that stands for what could not be read; the reason follows
_BLOCK = 1 << 19  # a few of them would push what judges out of the processor's cache
_LINE_MAX = 64 << 20
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Content(Protocol):
    """A file's bytes, unpacked."""

    def read(self, size: int = -1, /) -> bytes:
        """So many, or all."""

    def read1(self, size: int = -1, /) -> bytes:
        """What is there, b"" at the end."""


class Decoder(Protocol):
    """Text of another form into JSON lines."""

    def feed(self, block: bytes) -> bytes:
        """The lines that `block`, which ends at the end of a line unless it is the last one, completes."""

    def end(self) -> bytes:
        """The lines that were still open."""

    @property
    def held(self) -> int:
        """Bytes that wait for their end."""


def line_blocks(path: str, file: Content, start: bytes) -> Iterator[bytes]:
    """`start` and what follows it in `file` in blocks of whole lines, without a byte order mark. InputError: not what
    it should be; what stood before has been given out."""
    rest: list[bytes | memoryview] = []  # of the last line
    held, read = 0, start.removeprefix(_BYTE_ORDER_MARK)
    while read:
        end = read.rfind(b"\n") + 1
        if end:
            yield b"".join((*rest, memoryview(read)[:end]))
            rest, held = [], 0
        rest.append(read[end:])
        held += len(rest[-1])
        if held > _LINE_MAX:
            raise InputError(path, -1, f"a line of more than {_LINE_MAX >> 20} MiB", "give it JSON lines")
        read = _read(path, file)
    if held:
        yield b"".join(rest)


def _read(path: str, file: Content) -> bytes:
    """What is there, so that a pipe's lines come as they are written."""
    try:
        return file.read1(_BLOCK)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(path, -1, f"gzip: {error}", "what stands before it was judged") from None


def decoded(path: str, blocks: Iterator[bytes], decoder: Decoder) -> Iterator[bytes]:
    """`blocks` through `decoder`."""
    failed: InputError | None = None
    while True:
        try:
            block = next(blocks)
        except StopIteration:
            break
        except InputError as error:
            failed = error
            break
        if made := decoder.feed(block):
            yield made
        if decoder.held > _LINE_MAX:
            raise InputError(path, -1, f"an event of more than {_LINE_MAX >> 20} MiB", "give it JSON lines")
    if made := decoder.end():
        yield made
    if failed:
        raise failed


def split_lines(block: bytes) -> list[bytes]:
    """The lines of a block, each with its newline."""
    return _LINE.findall(block)


def event_line(event: Mapping[str, Any], product: str, category: str = "", service: str = "") -> bytes:
    """One line that names its logsource (native/ndjson.c). Surrogates of bytes that are no UTF-8 are kept."""
    claim = {"_product": product}
    if category:
        claim["_cat"] = category
    if service:
        claim["_service"] = service
    return json.dumps(claim | {"event": event}, separators=(",", ":")).encode() + b"\n"


def left_out(reason: str) -> bytes:
    """The line that stands for what could not be read."""
    return LEFT_OUT + " ".join(reason.split()).encode("utf-8", "replace") + b"\n"
