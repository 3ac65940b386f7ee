"""Files of alerts, as `file:` writes them: JSON lines or msgpack, packed with gzip or not, with what was rotated away.

bytes in any pieces ─► Decoder (what they are, by content) ─► alerts, and what is none with its number and why
"""

from __future__ import annotations

import json
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import FileIO
from typing import Any

from sensor.encode import from_json
from sensor.errors import InputError
from sensor.system import open_beside

_GZIP = b"\x1f\x8b"
_BLOCK = 1 << 20
_LONGEST = 64 << 20  # bytes of one alert; what is longer is none
_ROTATED = re.compile(r"\.(\d{1,4})(?:\.gz)?\Z")


@dataclass(frozen=True)
class Found:
    """One line or map of a file, `number` from 1: an alert, or why it is none."""

    path: str
    number: int
    alert: dict[str, Any] = field(default_factory=dict)
    fault: str = ""


class Decoder:
    """The alerts in the bytes of one file, which may come in any pieces."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._number = 0
        self._rest = b""
        self._skipping = False  # a line that is too long, up to its end
        self._form: Callable[[bytes], Iterator[Found]] | None = None
        self._inner: Callable[[bytes], Iterator[Found]] | None = None  # the form of what gzip holds
        self._gzip: Any = None
        self._unpacker: Any = None
        self._fed = self._whole = 0  # bytes, to the unpacker; of whole maps

    def feed(self, data: bytes) -> Iterator[Found]:
        """What is whole by now."""
        if self._form is None:
            self._rest += data
            if len(self._rest) < len(_GZIP):
                return
            data, self._rest = self._rest, b""
            self._form = self._unpacked if data.startswith(_GZIP) else self._form_of(data)
        yield from self._form(data)

    def end(self) -> Iterator[Found]:
        """What a last line without newline holds, or why there can be none."""
        if self._form is None:
            self._form = self._lines
            yield from self.feed(b"")
        if self._gzip is not None and not self._gzip.eof:
            yield self._fault("the gzip file is cut off")
            self._rest = b""
        if self._unpacker is not None:
            if self._whole < self._fed:
                yield self._fault("the last map is cut off")
        elif self._rest.strip():
            yield self._line(self._rest)
        self._rest = b""

    def _form_of(self, data: bytes) -> Callable[[bytes], Iterator[Found]]:
        first = data[0]
        return self._maps if 0x80 <= first <= 0x8F or first in {0xDE, 0xDF} else self._lines  # msgpack's maps

    def _unpacked(self, data: bytes) -> Iterator[Found]:
        """gzip, perhaps of several members one after another."""
        while data:
            if self._gzip is None or self._gzip.eof:
                self._gzip = zlib.decompressobj(wbits=31)
            try:
                plain = self._gzip.decompress(data)
            except zlib.error as error:
                yield self._fault(f"the gzip file is damaged: {error}")
                self._form = self._nothing
                self._gzip = None
                return
            data = self._gzip.unused_data
            if plain:
                self._inner = self._inner or self._form_of(plain)
                yield from self._inner(plain)

    def _lines(self, data: bytes) -> Iterator[Found]:
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = self._rest + whole[0]
            self._rest = b""
        for line in whole:
            if self._skipping:
                self._skipping = False
                continue
            found = self._line(line)
            if found.alert or found.fault:
                yield found
        self._rest += b"" if self._skipping else rest
        if len(self._rest) > _LONGEST:
            self._rest, self._skipping = b"", True
            self._number += 1
            yield self._fault(f"longer than {_LONGEST >> 20} MiB")

    def _line(self, line: bytes) -> Found:
        self._number += 1
        if not line.strip():
            return Found(self._path, self._number)
        try:
            alert = from_json(line)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            return self._fault(_json_fault(line, error))
        return self._checked(alert)

    def _maps(self, data: bytes) -> Iterator[Found]:
        import msgpack  # noqa: PLC0415 - few files are

        if self._unpacker is None:
            self._unpacker = msgpack.Unpacker(max_buffer_size=_LONGEST, unicode_errors="surrogateescape")
        try:
            self._unpacker.feed(data)
            self._fed += len(data)
            for value in self._unpacker:
                self._whole = self._unpacker.tell()
                self._number += 1
                yield self._checked(value)
        except (ValueError, msgpack.UnpackException, RecursionError) as error:
            self._number += 1
            yield self._fault(f"no msgpack from here on: {error}")
            self._form = self._inner = self._nothing
            self._unpacker = None

    def _nothing(self, data: bytes) -> Iterator[Found]:
        """Behind damage that hides where the next one begins."""
        yield from ()

    def _checked(self, value: Any) -> Found:
        fault = _what_is_wrong(value)
        return self._fault(fault) if fault else Found(self._path, self._number, value)

    def _fault(self, why: str) -> Found:
        return Found(self._path, self._number, fault=why)


def _what_is_wrong(value: Any) -> str:
    if not isinstance(value, dict):
        return f"no alert but {type(value).__name__}"
    if not isinstance(value.get("rule"), dict) or "verdict" not in value:
        return "no alert: it names no rule and verdict"
    when = value.get("time", 0)
    return "" if isinstance(when, int) and abs(when) < 1 << 62 else "its time is none"


def _json_fault(line: bytes, error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg} at column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"no UTF-8 at byte {error.start}"
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as again:
        return f"no JSON: {again or type(again).__name__}"
    return "its time is none" if isinstance(value, dict) else f"no alert but {type(value).__name__}"


# ---- whole files ----


def rotations(path: str) -> list[str]:
    """The files that `path` was written to, oldest first: PATH.2, PATH.1 (or .gz), PATH."""
    folder, name = os.path.split(path)
    with os.scandir(folder or ".") as entries:
        names = [entry.name for entry in entries if entry.name.startswith(name)]
    tails = [(_ROTATED.fullmatch(each[len(name) :]), os.path.join(folder, each)) for each in names]
    found = [(int(number[1]), each) for number, each in tails if number]
    return [*(each for _, each in sorted(found, reverse=True)), path]


def opened(path: str) -> list[tuple[str, FileIO]]:
    """The files of `rotations`, open, each once: newest first, so that one that is rotated meanwhile is still met.
    InputError when `path` is not there."""
    files: list[tuple[str, FileIO]] = []
    known = set()
    try:
        for each in reversed(rotations(path)):
            file = open(each, "rb", buffering=0, opener=open_beside)  # noqa: SIM115 - the caller's
            state = os.fstat(file.fileno())
            if (state.st_dev, state.st_ino) in known:
                file.close()
                continue
            known.add((state.st_dev, state.st_ino))
            files.append((each, file))
    except OSError as error:
        for _, file in files:
            file.close()
        raise InputError(path, -1, error.strerror or str(error), "give a file that `--output file:` wrote") from None
    return files[::-1]


def _refuse_device(file: FileIO, path: str) -> None:
    """InputError: it may have no end. A terminal has one, the null device nothing else."""
    state = os.fstat(file.fileno())
    is_device = stat.S_ISCHR(state.st_mode) or stat.S_ISBLK(state.st_mode)
    if is_device and not file.isatty() and not os.path.samestat(state, os.stat(os.devnull)):
        raise InputError(path, -1, "a device, not a file of alerts", "give a file that `--output file:` wrote")


def blocks(file: FileIO, path: str) -> Iterator[bytes]:
    """What is left of an open file. InputError when it cannot be read, or may have no end."""
    _refuse_device(file, path)
    try:
        while block := os.read(file.fileno(), _BLOCK):
            yield block
    except OSError as error:
        raise InputError(path, -1, error.strerror or str(error)) from None


def read(path: str) -> Iterator[Found]:
    """All that is in `path` and its rotations, oldest first; `-` is standard input."""
    files = [("-", open(0, "rb", buffering=0, closefd=False))] if path == "-" else opened(path)  # noqa: SIM115
    for name, file in files:
        with file:
            shown = "standard input" if name == "-" else name
            decoder = Decoder(shown)
            for block in blocks(file, shown):
                yield from decoder.feed(block)
            yield from decoder.end()
