"""Text in blocks of whole lines, and what turns such blocks into others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from sensor.errors import InputError

Block = bytes | memoryview
JUDGED = "what stands before it was judged"
LEFT_OUT = b"!"  # begins a line that stands for what could not be read; the reason follows
_BLOCK = 1 << 19  # a few of them would push what judges out of the processor's cache
_LINE_MAX = 64 << 20


class Damaged(Exception):
    """What is packed cannot be unpacked any further; str() says why."""


class Content(Protocol):
    """A file's bytes, unpacked. Damaged: there are no more, and should be."""

    def read1(self, size: int = -1, /) -> bytes:
        """What is there, b"" at the end."""

    def readinto1(self, room: memoryview, /) -> int | None:
        """The same into `room`: how many bytes they are."""


class Decoder(Protocol):
    """Text of another form into JSON lines."""

    def feed(self, block: bytes) -> bytes:
        """The lines that `block`, which ends at the end of a line unless it is the last one, completes."""

    def end(self) -> bytes:
        """The lines that were still open."""

    @property
    def held(self) -> int:
        """Bytes that wait for their end."""


def line_blocks(path: str, file: Content, start: bytes) -> Iterator[memoryview]:
    """`start` and what follows it in `file` in blocks of whole lines, each valid until the next one is asked for.
    InputError: not what it should be; what stood before has been given out."""
    room = bytearray(max(_BLOCK, len(start)))  # one for all: fresh memory for each block would cost as much as reading
    room[: len(start)] = start
    seen, used = 0, len(start)
    while used > seen:
        if end := room.rfind(b"\n", seen, used) + 1:
            yield memoryview(room)[:end]
            room[: used - end] = room[end:used]
            used -= end
        if used > _LINE_MAX:
            raise InputError(path, -1, f"a line of more than {_LINE_MAX >> 20} MiB", "give it JSON lines")
        if used > len(room) // 2:
            room = room + bytes(len(room))  # another one: the old one may still be looked at
        seen, used = used, used + _read(path, file, memoryview(room)[used:])
    if used:
        yield memoryview(room)[:used]


def _read(path: str, file: Content, room: memoryview) -> int:
    """What is there, so that a pipe's lines come as they are written."""
    try:
        return file.readinto1(room) or 0  # None: a descriptor that does not wait has nothing
    except Damaged as error:
        raise InputError(path, -1, str(error), JUDGED) from None


def decoded(path: str, blocks: Iterator[Block], decoder: Decoder) -> Iterator[Block]:
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
        if made := decoder.feed(bytes(block)):
            yield made
        if decoder.held > _LINE_MAX:
            raise InputError(path, -1, f"an event of more than {_LINE_MAX >> 20} MiB", "give it JSON lines")
    if made := decoder.end():
        yield made
    if failed:
        raise failed


def split_lines(block: bytes) -> list[bytes]:
    """The lines of a block, each with its newline."""
    return re.findall(rb"[^\n]*\n|[^\n]+", block)


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
