"""Files that are replayed: what they are, by their content. All but recordings and event trace logs become blocks of
JSON lines.

What a decoder cannot read becomes a line of LEFT_OUT and the reason: no JSON, so the core counts it as malformed where
it stands, and the numbers of the events behind it stay right.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, NamedTuple, NoReturn

from sensor.errors import InputError
from sensor.inputs.documents import Documents, one_a_line
from sensor.inputs.etl import Trace, is_etl
from sensor.inputs.lines import JUDGED, LEFT_OUT, Block, Content, Damaged, Decoder, decoded, line_blocks
from sensor.recording import Recorded, RecordingReader

__all__ = ["Block", "Input", "after_lines", "no_events", "open_input", "what_is_wrong"]

_BLOCK = 1 << 20
_JUDGED_MAX = 1 << 20  # bytes of a line: SN_LINE_MAX of native/values.h
_START = 1 << 16  # as much as a reader of lines holds: larger reads go past it
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_RECORDING, _GZIP, _EVTX = b"LINSANG\n", b"\x1f\x8b", b"ElfFile\0"
_REFUSED = {
    b"\xff\xfe": ("UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    b"\xfe\xff": ("UTF-16", "convert it: iconv -f UTF-16 -t UTF-8"),
    b"(\xb5/\xfd": ("Zstandard is not read", "unpack it: unzstd"),
    b"BZh": ("bzip2 is not read", "unpack it: bunzip2"),
    b"\xfd7zXZ": ("xz is not read", "unpack it: unxz"),
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
}
_AUDITD, _LAUREL = rb"(?m)^[^{\n]*\btype=\S+ msg=audit\(", rb'\s*\{\s*"ID"\s*:\s*"\d+\.\d+:\d+"'
_ESLOGGER = (b'"mach_time"', b'"event_type"', b'"process"')


class Input(NamedTuple):
    """One file. `recording`: what is played, as recordings and event trace logs are; None for anything else, whose
    events `blocks` gives as JSON lines, each valid until the next is asked for. Valid as long as the file is open."""

    path: str
    recording: Recorded | None
    file: BinaryIO
    blocks: Iterator[Block]

    def position(self) -> int:
        """Bytes of the file read so far; 0 where that is not known."""
        return self.file.tell() if self.file.seekable() else 0


@contextmanager
def open_input(path: str) -> Iterator[Input]:
    """`path` ("-": standard input). InputError for what is not read, then or while its blocks are; OSError."""
    try:
        raw = io.FileIO(0 if path == "-" else path, closefd=path != "-")
    except OSError:
        if not os.path.isdir(path):
            raise
        raise InputError(path, -1, "a folder", f"give its files: {os.path.join(path, '*')}") from None
    with io.BufferedReader(raw, _START) as file, ExitStack() as more:
        content: Content = file
        if file.peek(2).startswith(_GZIP):
            from sensor.inputs.packed import Packed  # noqa: PLC0415 - few are

            content = more.enter_context(Packed(fileobj=file))
        yield _opened(path, file, content, more)


def _opened(path: str, file: BinaryIO, content: Content, more: ExitStack) -> Input:
    """`content`: what stands in `file`, unpacked. `more`: ends with the file."""
    start = _start(path, file, content)
    for magic, (reason, remedy) in _REFUSED.items():
        if start.startswith(magic):
            raise InputError(path, -1, reason, remedy)
    if is_etl(start):
        trace = more.enter_context(Trace(_seekable(path, file, content, start, more), path))
        return Input(path, trace, file, iter(()))
    if path.lower().endswith(".etl"):
        raise InputError(path, -1, "no event trace log", "give it an .etl file that a session has closed")
    if start.startswith((_RECORDING, _EVTX)):
        whole = _seekable(path, file, content, start, more)
        if start.startswith(_EVTX):
            from sensor.inputs.evtx import evtx_lines  # noqa: PLC0415 - each form loads its own

            return Input(path, None, file, evtx_lines(path, whole))
        return Input(path, more.enter_context(RecordingReader(whole.fileno(), path)), file, iter(()))
    start = start.removeprefix(_BYTE_ORDER_MARK)
    blocks: Iterator[Block] = line_blocks(path, content, start)
    for decoder in _decoders(start):
        blocks = decoded(path, blocks, decoder)
    return Input(path, None, file, blocks)


def _start(path: str, file: BinaryIO, content: Content) -> bytes:
    """Its first bytes; of a pipe not more than its first lines, as the next may be long in coming."""
    start, live = b"", not file.seekable()
    try:
        while len(start) < _START and (not live or b"\n" not in start) and (read := content.read1(_START)):
            start += read
    except Damaged as error:
        if not start:
            raise InputError(path, -1, str(error)) from None
    return start


def _seekable(path: str, file: BinaryIO, content: Content, start: bytes, more: ExitStack) -> BinaryIO:
    """The same content with a descriptor at its first byte: a copy of what is packed or comes from a pipe. What is
    damaged there is told when `more` ends."""
    if not isinstance(content, io.BufferedReader) or not file.seekable():
        import tempfile  # noqa: PLC0415

        file = more.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - `more` closes it
        file.write(start)
        try:
            while part := content.read1(_BLOCK):
                file.write(part)
        except Damaged as error:
            more.callback(_fail, InputError(path, -1, str(error), JUDGED))
        file.flush()
    os.lseek(file.fileno(), 0, os.SEEK_SET)  # recordings are read by descriptor
    return file


def _fail(error: InputError) -> NoReturn:
    raise error


def _decoders(start: bytes) -> list[Decoder]:
    """Of the text that begins so, in the order in which they are to be used."""
    if b" msg=audit(" in start and re.search(_AUDITD, start):  # to make either automaton takes 0.3 ms
        from sensor.inputs.auditd import AuditLines  # noqa: PLC0415

        return [AuditLines()]
    found: list[Decoder] = [] if one_a_line(start) else [Documents()]
    if b'"ID"' in start and re.match(_LAUREL, start):
        from sensor.inputs.laurel import LaurelLines  # noqa: PLC0415

        found.append(LaurelLines())
    elif all(key in start for key in _ESLOGGER):
        from sensor.inputs.eslogger import EsloggerLines  # noqa: PLC0415

        found.append(EsloggerLines())
    return found


def no_events(path: str) -> InputError:
    """Of a file that was read to its end."""
    return InputError(path, -1, "nothing in it is an event", "give it one of the forms in `linsang replay --help`")


def after_lines(block: bytes, at: int, lines: int) -> int:
    """Where `lines` lines from `at` on end."""
    for _ in range(lines):
        at = block.find(b"\n", at) + 1
        if not at:
            return len(block)
    return at


def what_is_wrong(line: bytes) -> str:
    """Why a line is no event."""
    if line.startswith(LEFT_OUT):
        return line.removeprefix(LEFT_OUT).decode("utf-8", "replace")
    if len(line) > _JUDGED_MAX:
        return f"longer than {_JUDGED_MAX >> 20} MiB"
    from sensor.event_json import parse_event  # noqa: PLC0415 - most files have no such line

    try:
        line.decode()
        parse_event(line)
    except json.JSONDecodeError as error:
        return f"{error.msg} at column {error.colno}"
    except UnicodeDecodeError as error:
        return f"no UTF-8 at column {error.start + 1}"
    except (ValueError, RecursionError) as error:
        return str(error)
    return "no JSON object that the decoder takes"
