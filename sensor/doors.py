"""How others on this machine ask a running sensor: by a Unix socket in its folder; on Windows by a named pipe, for
whoever can read the key that lies in its folder.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

_PATIENCE_S = 5.0
_BLOCK = 1 << 16

if sys.platform == "win32":
    import ctypes
    import hashlib
    from multiprocessing import AuthenticationError
    from multiprocessing.connection import Client, Listener

    class Visitor:
        """One that asks."""

        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def send(self, block: bytes) -> None:
            """OSError: it went away, or was ended."""
            self._connection.send_bytes(block)

        def close(self) -> None:
            """It has its answer."""
            self._connection.close()

        def end(self) -> None:
            """From another thread: it gets no more. The handle stays open until close(): a thread that waits in
            send() would go on with a number that is closed, or somebody else's by then."""
            with suppress(OSError):  # it has its answer
                ctypes.windll.kernel32.DisconnectNamedPipe(ctypes.c_void_p(self._connection.fileno()))

    class Door:
        """Lets visitors in, one after another. OSError: another process has the pipe, or the key cannot be written."""

        def __init__(self, path: Path) -> None:
            self._key_file = _key_of(path)
            self._key = os.urandom(32)
            self._address = _pipe_of(self._key)
            self._key_file.write_bytes(self._key)
            self._listener = Listener(self._address, "AF_PIPE", authkey=self._key)
            self._closed = False

        def accept(self) -> Visitor:
            """OSError: it is closed."""
            while not self._closed:
                with suppress(AuthenticationError, EOFError, OSError):
                    connection = self._listener.accept()
                    if not self._closed:
                        return Visitor(connection)
                    connection.close()
            raise OSError("closed")

        def close(self) -> None:
            """Any thread: ends the wait of accept()."""
            self._closed = True
            self._key_file.unlink(missing_ok=True)
            with suppress(OSError), open(self._address, "r+b", buffering=0):  # no visitor, but it ends the wait
                self._listener.close()

    def visit(path: Path) -> Iterator[bytes]:
        """What is answered there, in blocks. FileNotFoundError: nobody answers; OSError: not to us, or not in time."""
        try:
            key = _key_of(path).read_bytes()
            with Client(_pipe_of(key), "AF_PIPE", authkey=key) as connection:
                while True:
                    try:
                        if not connection.poll(_PATIENCE_S):
                            raise TimeoutError
                        yield connection.recv_bytes()
                    except (EOFError, BrokenPipeError):
                        return
        except AuthenticationError:
            raise PermissionError(13, "it does not take the key") from None

    def _key_of(path: Path) -> Path:
        return path.with_suffix(".key")

    def _pipe_of(key: bytes) -> str:
        """Nobody knows it who cannot read the key: who makes a pipe first keeps others from one of that name."""
        name = hashlib.sha256(key).hexdigest()[:32]
        return rf"\\.\pipe\linsang-{name}"

else:

    class Visitor:
        """One that asks."""

        def __init__(self, connection: socket.socket) -> None:
            self._connection = connection
            connection.settimeout(_PATIENCE_S)

        def send(self, block: bytes) -> None:
            """OSError: it went away, or does not read."""
            self._connection.sendall(block)

        def close(self) -> None:
            """It has its answer."""
            self._connection.close()

        def end(self) -> None:
            """From another thread: it gets no more."""
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    class Door:
        """Lets visitors in, one after another; for this user and root alone. OSError: there is no such folder."""

        def __init__(self, path: Path) -> None:
            self._path = path
            self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            path.unlink(missing_ok=True)
            try:
                self._listening.bind(str(path))
                path.chmod(0o600)
            except OSError:
                self._listening.close()
                raise
            self._listening.listen(4)

        def accept(self) -> Visitor:
            """OSError: it is closed."""
            return Visitor(self._listening.accept()[0])

        def close(self) -> None:
            """Any thread: ends the wait of accept()."""
            self._path.unlink(missing_ok=True)
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()

    def visit(path: Path) -> Iterator[bytes]:
        """What is answered there, in blocks. FileNotFoundError or ConnectionRefusedError: nobody answers; OSError: not
        to us."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            asked.settimeout(_PATIENCE_S)
            asked.connect(str(path))
            while block := asked.recv(_BLOCK):
                yield block
