"""The command with standard streams that are closed, full, or of another locale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.streams import open_streams

if sys.platform == "win32":
    pytest.skip("of POSIX' shells", allow_module_level=True)

ROOT = Path(__file__).parents[2]
DUMP = "linsang dump tests/golden/demo.linsang"
FULL = "linsang: error: standard output: No space left on device\n"


def shell(line: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a line of shell in which `linsang` is the command."""
    command = ["/bin/sh", "-c", line.replace("linsang", f"{sys.executable} -m sensor", 1)]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    made = subprocess.run(
        command, capture_output=True, env={**inherited, **environ}, cwd=ROOT, timeout=240, check=False
    )
    return made.returncode, made.stdout.decode(), made.stderr.decode()


# what is run, what it ends with, what it says on standard error
ROWS = [
    ("linsang --version >/dev/full", 1, FULL),
    (f"{DUMP} >/dev/full", 1, FULL),
    ("linsang unwind -- env id >/dev/full", 1, FULL),
    ("linsang --version >&-", 0, ""),
    (f"{DUMP} >&-", 0, ""),
    ("linsang unwind -- env id >&- <&-", 0, ""),
    (f"{DUMP} | true", 0, ""),
    ("linsang dump - <tests/golden/demo.linsang >&-", 0, ""),
    (
        "linsang dump - </dev/null",
        1,
        "linsang: error: standard input at byte 0: not a recording, or its header is damaged\n",
    ),
    # print() to a standard error that is not there writes to standard output
    ("linsang dump nothing 2>&-", 1, ""),
]


@pytest.mark.parametrize(("line", "code", "said"), ROWS, ids=[row[0] for row in ROWS])
def test_streams_that_cannot_be_written(line: str, code: int, said: str) -> None:
    assert shell(line) == (code, "", said)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1:strict", ""])
def test_output_is_utf_8_whatever_the_locale(encoding: str) -> None:
    environ = {"LC_ALL": "C", "PYTHONIOENCODING": encoding, "PYTHONCOERCECLOCALE": "0"}
    code, out, said = shell("linsang unwind --format json -- env café", **environ)
    assert (code, said) == (0, "")
    assert json.loads(out)["command"] == ["env", "café"]


def test_streams_that_are_there_stay() -> None:
    before = sys.stdout, sys.stderr
    open_streams()
    assert (sys.stdout, sys.stderr) == before
