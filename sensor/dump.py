"""`linsang dump`: a recording as JSON lines."""

from __future__ import annotations

import sys

from sensor.errors import InputError
from sensor.record_lines import RecordLines, write_all
from sensor.recording import RecordingReader


def dump(path: str) -> int:
    """Writes the recording at `path` ("-": standard input) to standard output, and to standard error what is wrong with
    it: InputError after everything that is whole. 0 is the exit code."""
    try:
        file = open(0 if path == "-" else path, "rb", closefd=path != "-")  # noqa: SIM115 - closed below
    except OSError as error:
        raise InputError(path, -1, error.strerror or str(error)) from None
    with file, RecordingReader(file.fileno(), "standard input" if path == "-" else path) as reader:
        for block in RecordLines(reader):
            write_all(sys.stdout.fileno(), block)
    return 0
