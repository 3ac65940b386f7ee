"""Runs commands of Linsang one after the other in one process: a start of Python takes longer than most of them.

Standard input is a JSON list of [arguments, file for standard input or null]; standard output, a JSON list of what came
of each: exit code, and as base64 what it wrote to standard output and standard error.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
from pathlib import Path

from sensor.cli import main


def told(arguments: list[str], given: str | None) -> tuple[int, str, str]:
    """What one came to, its streams by descriptor: the core's and Python's own."""
    kept = [os.dup(fd) for fd in range(3)]
    with Path(given or os.devnull).open("rb") as read, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for fd, file in enumerate((read, out, err)):
            os.dup2(file.fileno(), fd)
        try:
            code = main(arguments)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, old in enumerate(kept):
                os.dup2(old, fd)
                os.close(old)
        wrote = []
        for file in (out, err):
            file.seek(0)
            wrote.append(base64.b64encode(file.read()).decode())
    return code, wrote[0], wrote[1]


if __name__ == "__main__":
    print(json.dumps([told(*command) for command in json.loads(sys.stdin.readline())]))
