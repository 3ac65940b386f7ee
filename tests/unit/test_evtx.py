"""Windows event logs: whole, damaged and cut off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evtx_file import CHUNK, FIRST_RECORD, HEADER, Tree, evtx_file

from sensor.errors import InputError
from sensor.inputs import open_input, what_is_wrong


def event(number: int) -> Tree:
    system: Tree = {"Channel": "Security", "EventID": "4688"}
    return {"Event": {"System": system, "EventData": {"NewProcessName": f"C:\\{number}\n\u00e9.exe"}}}


CHUNKS = [[event(n) for n in range(c * 3, c * 3 + 3)] for c in range(3)]
WHOLE = evtx_file(CHUNKS)


def read(path: Path, content: bytes) -> list[bytes]:
    path.write_bytes(content)
    lines: list[bytes] = []
    with open_input(str(path)) as source:
        for block in source.blocks:
            lines += block.split(b"\n")[:-1]
    return lines


def test_every_record_is_a_line(tmp_path: Path) -> None:
    lines = read(tmp_path / "x", WHOLE)
    assert [json.loads(line) for line in lines] == [event(n) for n in range(9)]


# where a byte is turned, the events that are left, the lines that stand for what is not
DAMAGES = [
    (HEADER + CHUNK, [0, 1, 2, 6, 7, 8], 1),  # magic of the second chunk
    (HEADER + CHUNK + FIRST_RECORD, [0, 1, 2, 6, 7, 8], 1),  # magic of its first record: the next cannot be found
]


@pytest.mark.parametrize(("at", "left", "lost"), DAMAGES)
def test_damage_loses_no_other_chunk(tmp_path: Path, at: int, left: list[int], lost: int) -> None:
    content = bytearray(WHOLE)
    content[at] ^= 0xFF
    lines = read(tmp_path / "x", bytes(content))
    damaged = [line for line in lines if line.startswith(b"!")]
    assert [json.loads(line) for line in lines if line not in damaged] == [event(n) for n in left]
    assert len(damaged) == lost
    assert "magic" in what_is_wrong(damaged[0])


@pytest.mark.parametrize("size", [HEADER + 2 * CHUNK + 700, HEADER + CHUNK, HEADER + 5, HEADER])
def test_a_cut_log_gives_what_is_there_and_says_so(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(WHOLE[:size])
    lines: list[bytes] = []
    with open_input(str(path)) as source, pytest.raises(InputError, match=r"cut off in chunk \d of 3"):
        lines.extend(line for block in source.blocks for line in block.split(b"\n")[:-1])
    found = [json.loads(line) for line in lines if not line.startswith(b"!")]
    assert found == [event(n) for n in range((size - HEADER) // CHUNK * 3)][: len(found)]
    assert len(found) >= (size - HEADER) // CHUNK * 3


def test_no_log_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no EVTX"):
        read(tmp_path / "x", b"ElfFile\0" + bytes(50))
