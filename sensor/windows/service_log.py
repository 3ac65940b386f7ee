"""What the service says: events of the Application log, and lines of a file beside its settings, for where that log
cannot be had. Imports on Windows only.
"""

from __future__ import annotations

import io
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from sensor.windows.event_source import EventLog

assert sys.platform == "win32"

_MOST_BYTES = 1 << 20  # what is larger at a start is put aside as FILE.1


class ServiceLog(io.TextIOBase):
    """A stream for a process that has no terminal. Whole lines go out."""

    def __init__(self) -> None:
        self._events = EventLog()
        self._begun = ""
        self.file: TextIO | None = None

    def keep(self, path: Path) -> None:
        """Lines go to the file at `path`, too. OSError: it cannot be had."""
        with suppress(OSError):  # somebody reads it: it grows on
            if path.stat().st_size > _MOST_BYTES:
                os.replace(path, f"{path}.1")
        self.file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Never fails: there is nobody else to tell."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            self._events.write(line)
            if self.file is not None:
                with suppress(OSError):
                    self.file.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {line}\n")
        return len(text)

    def close(self) -> None:
        """What was begun goes out."""
        if not self.closed:
            self.write("\n")
            self._events.close()
            if self.file is not None:
                self.file.close()
        super().close()
