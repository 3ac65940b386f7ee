"""Windows event log files (EVTX) to JSON lines, by the package evtx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sensor.errors import InputError, Unsupported
from sensor.inputs.lines import left_out

# [MS-EVEN6] and libevtx's description of the format: a file header of 4 KiB, whose last-but-six bytes count the chunks
# of 64 KiB that follow.
_HEADER, _CHUNK, _COUNT_AT = 4096, 65536, 42
_BATCH = 256


def evtx_lines(path: str, file: BinaryIO) -> Iterator[bytes]:
    """The records as lines `{"Event": {...}}`; what cannot be read is left out by chunk or by record. InputError: no
    log, or one that is cut off, after all that is there. Unsupported without the package."""
    try:
        from evtx import PyEvtxParser  # noqa: PLC0415 - an extra, and only these files need it
    except ImportError:
        raise Unsupported("reading EVTX without the package evtx", "pip install 'linsang[evtx]'") from None
    file.seek(0)
    header = file.read(_HEADER)
    size = file.seek(0, 2)
    file.seek(0)
    try:
        records = PyEvtxParser(file, number_of_threads=1, indent=False).records_json()
    except (OSError, RuntimeError) as error:
        raise InputError(path, -1, f"no EVTX: {_one_line(error)}") from None
    lines: list[bytes] = []
    while True:
        try:
            if record := next(records):
                lines.append(record["data"].encode() + b"\n")
        except StopIteration:
            break
        except (RuntimeError, OSError) as error:
            lines.append(left_out(_one_line(error)))
        if len(lines) == _BATCH:
            yield b"".join(lines)
            lines = []
    yield b"".join(lines)
    chunks = int.from_bytes(header[_COUNT_AT : _COUNT_AT + 2], "little")
    whole, part = divmod(size - _HEADER, _CHUNK)
    if part or whole < chunks:
        raise InputError(
            path, size, f"cut off in chunk {whole} of {max(chunks, whole + 1)}", "all before it was judged"
        )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
