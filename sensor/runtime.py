"""The folder of a running sensor's own files: one sensor a folder, and a socket that answers how it is.

The lock is the kernel's and ends with the process, so what a killed sensor leaves behind is no obstacle.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sensor.errors import LinsangError

_PATIENCE_S = 5.0
_BLOCK = 1 << 16


class Runtime:
    """Holds `folder` until it is closed. LinsangError: another sensor does, or it cannot be written."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder)
        self._socket: socket.socket | None = None
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

    def serve(self, answer: Callable[[], dict[str, Any]]) -> None:
        """Answers `ask` from a thread of its own from now on."""
        path = self._path / "status.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        try:
            self._socket.bind(str(path))
            path.chmod(0o600)
        except OSError as error:
            raise LinsangError(f"{path}: {error}", "give another folder: --runtime-dir") from None
        self._socket.listen(4)
        threading.Thread(target=self._serve, args=(self._socket, answer), name="status", daemon=True).start()

    def _serve(self, listening: socket.socket, answer: Callable[[], dict[str, Any]]) -> None:
        while True:
            try:
                asker = listening.accept()[0]
            except OSError:  # closed
                return
            with asker, suppress(OSError):
                asker.settimeout(_PATIENCE_S)
                asker.sendall(json.dumps(answer()).encode())

    def close(self) -> None:
        """Ends the answers and gives the folder back."""
        if self._socket is not None:
            self._path.joinpath("status.sock").unlink(missing_ok=True)
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ask(folder: str) -> dict[str, Any]:
    """What the sensor of `folder` says of itself. LinsangError when none runs there."""
    content = b""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(_PATIENCE_S)
        try:
            asked.connect(str(Path(folder) / "status.sock"))
            while block := asked.recv(_BLOCK):
                content += block
        except (FileNotFoundError, ConnectionRefusedError):
            raise LinsangError(f"no sensor runs in {folder}", "start it: linsang run") from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise LinsangError(f"the sensor in {folder} does not answer: {reason}", "run as its user") from None
    return dict(json.loads(content))
