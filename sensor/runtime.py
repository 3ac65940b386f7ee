"""The folder of a running sensor's own files: one sensor a folder, and doors where it answers what it is asked.

The lock is the system's and ends with the process, so what a killed sensor leaves behind is no obstacle.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sensor.closing import Closing
from sensor.doors import Door, Visitor, visit
from sensor.errors import LinsangError
from sensor.system import OPEN_FLAGS, is_administrator, lock

_PATIENCE_S = 5.0
_HELD_UP = "linsang service status" if sys.platform == "win32" else "`ps -o stat,wchan -p $(cat {}/lock)`"


class NotRunning(LinsangError):
    """No sensor runs in that folder."""


class Runtime(Closing):
    """Holds `folder` until it is closed. LinsangError: another sensor does, or it cannot be written."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder)
        self._doors: list[Door] = []
        self._visitors: set[Visitor] = set()
        self._threads: list[threading.Thread] = []
        self._ended = False
        self._watching: Path | None = None
        try:
            self._path.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT | OPEN_FLAGS, 0o644)
        except OSError as error:
            raise LinsangError(f"{folder}: {error.strerror}", "give another folder: --runtime-dir") from None
        try:
            lock(self._lock)
        except OSError:
            owner = os.read(self._lock, 20).decode(errors="replace").strip()
            os.close(self._lock)
            remedy = "stop that one, or give another folder: --runtime-dir"
            raise LinsangError(f"a sensor runs already in {folder} (pid {owner})", remedy) from None
        try:
            os.ftruncate(self._lock, 0)
            os.write(self._lock, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.close(self._lock)
            raise LinsangError(f"{folder}: {error.strerror}", "give another folder: --runtime-dir") from None

    def begin_watch(self) -> float | None:
        """The sensor sees from now on. When the one before was last known to (since the epoch), if it was ended without
        a word; else None."""
        self._watching = self._path / "watching"
        try:
            last = self._watching.stat().st_mtime
        except OSError:
            last = None
        self.still_watching()
        return last

    def still_watching(self) -> None:
        """It is this that is left behind by a sensor that is killed."""
        if self._watching is not None:
            with suppress(OSError):  # somebody took the folder away
                self._watching.touch()

    def serve(self, name: str, answer: Callable[[], Iterable[bytes]]) -> None:
        """Answers `ask` for `name` from a thread of its own from now on, one asker after another."""
        path = self._path / f"{name}.sock"
        try:
            door = Door(path)
        except OSError as error:
            raise LinsangError(f"{path}: {error}", "give another folder: --runtime-dir") from None
        self._doors.append(door)
        thread = threading.Thread(target=self._serve, args=(door, answer), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, door: Door, answer: Callable[[], Iterable[bytes]]) -> None:
        while True:
            try:
                visitor = door.accept()
            except OSError:  # closed
                return
            self._visitors.add(visitor)
            with closing(visitor), suppress(OSError):
                for block in answer():
                    if self._ended:
                        break
                    visitor.send(block)
            self._visitors.discard(visitor)

    def end_service(self) -> None:
        """Ends all answers, those under way too: from here on none of them asks the sensor for anything."""
        self._ended = True
        for door in self._doors:
            door.close()
        for visitor in list(self._visitors):
            visitor.end()
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self._doors.clear()

    def close(self) -> None:
        """Ends the answers and gives the folder back."""
        self.end_service()
        if self._watching is not None:
            with suppress(OSError):
                self._watching.unlink()
        os.close(self._lock)


def ask(folder: str, name: str = "status") -> Iterator[bytes]:
    """What the sensor of `folder` answers when asked for `name`, in blocks. LinsangError when none runs there."""
    try:
        yield from visit(Path(folder) / f"{name}.sock")
    except (FileNotFoundError, ConnectionRefusedError):
        remedy = "start it: linsang run" + ("" if is_administrator() else "; a service answers administrators")
        raise NotRunning(f"no sensor runs in {folder}", remedy) from None
    except TimeoutError:
        remedy = f"it is stopped or held up: see {_HELD_UP.format(folder)}"
        raise LinsangError(f"the sensor in {folder} does not answer", remedy) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise LinsangError(f"the sensor in {folder} does not answer: {reason}", "run as its user") from None


def ask_status(folder: str) -> dict[str, Any]:
    """What the sensor of `folder` says of itself. LinsangError when none runs there, or it broke off."""
    answer = b"".join(ask(folder))
    try:
        return dict(json.loads(answer))
    except ValueError:
        raise LinsangError(f"the sensor in {folder} ended while it answered", "ask again") from None
