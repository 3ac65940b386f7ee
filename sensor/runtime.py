"""The folder of a running sensor's own files: one sensor a folder, and sockets that answer what it is asked.

The lock is the kernel's and ends with the process, so what a killed sensor leaves behind is no obstacle.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sensor.errors import LinsangError

_PATIENCE_S = 5.0
_BLOCK = 1 << 16


class NotRunning(LinsangError):
    """No sensor runs in that folder."""


class Runtime:
    """Holds `folder` until it is closed. LinsangError: another sensor does, or it cannot be written."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder)
        self._listening: dict[Path, socket.socket] = {}
        self._askers: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._ended = False
        try:
            self._path.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._lock = os.open(self._path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LinsangError(f"{folder}: {error.strerror}", "give another folder: --runtime-dir") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._lock, 20).decode(errors="replace").strip()
            os.close(self._lock)
            remedy = "stop that one, or give another folder: --runtime-dir"
            raise LinsangError(f"a sensor runs already in {folder} (pid {owner})", remedy) from None
        os.ftruncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())

    def serve(self, name: str, answer: Callable[[], Iterable[bytes]]) -> None:
        """Answers `ask` for `name` from a thread of its own from now on, one asker after another."""
        path = self._path / f"{name}.sock"
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening[path] = listening
        path.unlink(missing_ok=True)
        try:
            listening.bind(str(path))
            path.chmod(0o600)
        except OSError as error:
            raise LinsangError(f"{path}: {error}", "give another folder: --runtime-dir") from None
        listening.listen(4)
        thread = threading.Thread(target=self._serve, args=(listening, answer), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, listening: socket.socket, answer: Callable[[], Iterable[bytes]]) -> None:
        while True:
            try:
                asker = listening.accept()[0]
            except OSError:  # closed
                return
            with asker, suppress(OSError):
                self._askers.add(asker)
                asker.settimeout(_PATIENCE_S)
                for block in answer():
                    if self._ended:
                        break
                    asker.sendall(block)
            self._askers.discard(asker)

    def end_service(self) -> None:
        """Ends all answers, those under way too: from here on none of them asks the sensor for anything."""
        self._ended = True
        for path, listening in self._listening.items():
            path.unlink(missing_ok=True)
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()
        for asker in list(self._askers):
            with suppress(OSError):
                asker.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listening.clear()

    def close(self) -> None:
        """Ends the answers and gives the folder back."""
        self.end_service()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ask(folder: str, name: str = "status") -> Iterator[bytes]:
    """What the sensor of `folder` answers when asked for `name`, in blocks. LinsangError when none runs there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(_PATIENCE_S)
        try:
            asked.connect(str(Path(folder) / f"{name}.sock"))
            while block := asked.recv(_BLOCK):
                yield block
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotRunning(f"no sensor runs in {folder}", "start it: linsang run") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise LinsangError(f"the sensor in {folder} does not answer: {reason}", "run as its user") from None


def ask_status(folder: str) -> dict[str, Any]:
    """What the sensor of `folder` says of itself. LinsangError when none runs there."""
    return dict(json.loads(b"".join(ask(folder))))
