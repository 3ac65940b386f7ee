"""What an exec was really made to run, as it goes with a frame: struct sn_proxy_block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensor.escape import bytes_of
from sensor.native import check, ffi, lib

DEEPEST = 16  # SN_UNWIND_DEPTH


@dataclass(frozen=True)
class Proxy:
    """The chain of proxies, outermost first, and its payload; empty texts are not known. Texts that are no UTF-8 have
    surrogates. `kind`: one of fields.def's PayloadKind, or unknown, by `doubt`: an option that may take for its value
    what looks like the payload. `chain` empty: it cannot be told."""

    chain: tuple[str, ...]
    function: str
    kind: str
    argv: tuple[str, ...]
    text: str
    path: str
    url: str
    truncated: bool
    doubt: str

    @property
    def command_line(self) -> str:
        """Of an inline script or a pipe the text, else the arguments joined by single spaces."""
        if self.kind in {"inline script", "pipe"} or not self.argv:
            return self.text
        return " ".join(self.argv)


def proxy_of(block: bytes) -> Proxy | None:
    """None where there is no block."""
    if not block:
        return None
    head = ffi.cast("struct sn_proxy_block *", ffi.from_buffer(block))

    def text(name: str) -> str:
        span = getattr(head, name)
        return block[span.off : span.off + span.len].decode("utf-8", "surrogateescape")

    def texts(name: str) -> tuple[str, ...]:
        whole = text(name)
        return tuple(whole.removesuffix("\0").split("\0")) if whole else ()

    one = {name: text(name) for name in ("function", "text", "path", "url", "doubt")}
    return Proxy(
        chain=texts("chain"), argv=texts("argv"), kind=text("kind_name"), truncated=bool(head.truncated), **one
    )


@dataclass(frozen=True)
class Start:
    """A process creation of Windows as its source tells it; empty texts are not told."""

    image: str = ""
    original_name: str = ""
    command_line: str = ""
    parent_image: str = ""
    parent_command_line: str = ""


def unwind_windows(grammars: bytes, start: Start, limit: int = DEEPEST) -> Proxy | None:
    """As `unwind`, of a process of Windows. Texts end at a NUL."""
    texts = (start.image, start.original_name, start.command_line, start.parent_image, start.parent_command_line)
    raw = b"".join(bytes_of(text.partition("\0")[0]) + b"\0" for text in texts)
    room = ffi.new("uint64_t[]", 1024 + len(raw))
    size = lib.sn_unwind__windows(grammars, len(grammars), raw, len(raw), limit, room, ffi.sizeof(room))
    return proxy_of(bytes(ffi.buffer(room, check(size, "unwind a command line"))))


def unwind(grammars: bytes, argv: Sequence[str], limit: int = DEEPEST) -> Proxy | None:
    """What a command line is made to run by those grammars (compiler/grammar.py), through its first `limit` proxies;
    None: it is no proxy, or names nothing. `argv`: the program first."""
    line = b"".join(argument.encode("utf-8", "surrogateescape") + b"\0" for argument in argv)
    room = ffi.new("uint64_t[]", 1024 + len(line))  # the texts of a block are parts of the line, or joined from them
    size = lib.sn_unwind__block(grammars, len(grammars), line, len(line), limit, room, ffi.sizeof(room))
    return proxy_of(bytes(ffi.buffer(room, check(size, "unwind a command line"))))
