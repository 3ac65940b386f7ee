"""Whether somebody holds a lock on a file, without taking it: package managers lock their databases so."""

from __future__ import annotations

import fcntl
import os
import struct

_FLOCK = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux


class Lock:
    """The file at `path`, which need not be there yet. `close` ends the locks that this process has on it: none."""

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._fd = -1

    def held(self) -> bool:
        """Whether another process holds it; true where we may not ask."""
        if self._fd < 0:
            try:
                self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                return False
            except PermissionError:
                return True
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind: int = _FLOCK.unpack(fcntl.fcntl(self._fd, fcntl.F_GETLK, asked))[0]
        return kind != fcntl.F_UNLCK

    def close(self) -> None:
        """Gives the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
