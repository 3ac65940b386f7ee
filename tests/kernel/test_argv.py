"""argv, as the program got it: separate arguments, empty ones kept, bytes kept, long ones head and tail."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ring_reader import LIMITS, Record, Watch

ARGV_MAX, HEAD, TAIL = (LIMITS[f"SN_ARGV_{name}"] for name in ("MAX", "HEAD", "TAIL"))


@dataclass(frozen=True)
class Case:
    """An argv, handed to execve as it is."""

    name: str
    argv: list[bytes]


def block_of(size: int) -> list[bytes]:
    """Arguments whose block has exactly `size` bytes and no period."""
    text = b"".join(b"%d " % i for i in range(size // 4))[: size - 3]
    return [b"x", *(text[i : i + 99_999] for i in range(0, len(text), 100_000))]


CASES = (
    Case("one", [b"nothing"]),
    Case("plain", [b"nothing", b"0", b"b", b"c"]),
    Case("empty first", [b"", b"0"]),
    Case("empty ones", [b"nothing", b"", b"", b"x", b""]),
    Case("none", []),
    Case("not UTF-8", [b"nothing", b"0", b"\xff\xfe\x80", bytes(range(1, 256))]),
    Case("line ends", [b"nothing", b"0", b"a\nb\r\nc", b"\n"]),
    Case("one long", [b"nothing", b"0", b"y" * 120_000 + b"end"]),
    Case("1.9 MB", [b"nothing", b"0", *(b"%06d" % i + b"z" * 99_000 for i in range(19))]),
    Case("60,000", [b"nothing", *(b"%d" % i for i in range(60_000))]),
    *(Case(f"block of {n}", block_of(n)) for n in (HEAD, ARGV_MAX - 1, ARGV_MAX, ARGV_MAX + 1, ARGV_MAX + TAIL)),
)


def exec_of(records: list[Record], image: bytes) -> Record:
    """The only exec of `image` among them."""
    (found,) = (r for r in records if r.type == "SN_EXEC" and r.image == image)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_argv(watch: Watch, program: Callable[[str], Path], tmp_path: Path, case: Case) -> None:
    block = b"".join(argument + b"\0" for argument in case.argv)
    given = tmp_path / "argv"
    given.write_bytes(block)
    nothing = program("nothing")
    command = [str(program("execs")), "args", str(given), str(nothing)]
    record = exec_of(watch.events(lambda: subprocess.run(command, check=False)), watch.seen(nothing))

    got = block or b"\0"  # since Linux 5.18 a program without arguments gets one empty one
    assert record.argc == got.count(b"\0")
    assert record.argv_bytes == len(got)
    assert "argv_unreadable" not in record.flags
    if len(got) <= ARGV_MAX:
        assert record.argv == got
        assert record.argv_head == len(got)
        assert "argv_truncated" not in record.flags
    else:
        assert record.argv == got[:HEAD] + got[-TAIL:]
        assert record.argv_head == HEAD
        assert "argv_truncated" in record.flags


def test_a_thread_that_rewrites_argv_fools_nobody(watch: Watch, program: Callable[[str], Path]) -> None:
    """The record says what the program itself found, whichever text that was, torn ones included."""
    command = [str(program("execs")), "race", "/bin/echo", "a" * 4000, "b" * 4000]
    outputs: list[bytes] = []

    def action() -> None:
        outputs.extend(subprocess.run(command, check=True, capture_output=True).stdout for _ in range(60))

    records = watch.events(action)
    # /bin may be a link; the image is where it leads
    echoes = [r for r in records if r.type == "SN_EXEC" and r.image == watch.seen(os.path.realpath("/bin/echo"))]
    assert [r.argv for r in echoes] == [b"/bin/echo\0" + text.removesuffix(b"\n") + b"\0" for text in outputs]
    assert len(set(outputs)) > 1, "the race was not on"
