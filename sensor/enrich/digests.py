"""Digests of files: read in pieces, so that a large file holds nobody up, and kept while the file has the same
content."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

from sensor.enrich.model import FileKey

_PIECE = 1 << 18
_AT_ONCE = 1 << 20  # bytes a call: some 2 ms
_KEPT = 1024
_UNDER_WAY = 16
SIZE_MAX = 1 << 30  # a larger file's digest is never known

_This = tuple[FileKey, str]


class Unreadable(Exception):
    """The digest will not be known: too large, changed while it was read, or an error."""


class Digests:
    """Of open files, by the algorithms that packages use."""

    def __init__(self) -> None:
        self._known: dict[_This, str] = {}
        self._begun: dict[_This, tuple[int, Any, int]] = {}  # own descriptor, hash, bytes read
        self.bytes = 0
        self.unreadable = 0

    def of(self, key: FileKey, fd: int, algorithm: str = "md5") -> str | None:
        """Hexadecimal; None: more of it is to be read, by `work` or by asking again. `fd` is the file of `key`, open
        for reading. Unreadable: see there."""
        this = (key, algorithm)
        if this in self._known:
            return self._known[this]
        if key.size > SIZE_MAX:
            self.unreadable += 1
            raise Unreadable
        begun = self._begun.pop(this) if this in self._begun else (os.dup(fd), _hash(algorithm), 0)
        return self._go_on(this, *begun)

    def work(self) -> bool:
        """Reads on in one of the files that were begun, in turn; whether there is more to read."""
        if self._begun:
            this = next(iter(self._begun))
            with suppress(Unreadable):  # whoever asks again is told
                self._go_on(this, *self._begun.pop(this))
        return bool(self._begun)

    def _go_on(self, this: _This, own: int, digest: Any, done: int) -> str | None:
        size = this[0].size
        try:
            done += self._read(own, digest, done, min(size, done + _AT_ONCE) - done)
            if done < size:
                self._keep(this, (own, digest, done))
                own = -1
                return None
            return self._finish(this, own, digest)
        except OSError:
            self.unreadable += 1
            raise Unreadable from None
        finally:
            if own >= 0:
                os.close(own)

    def _read(self, fd: int, digest: Any, at: int, count: int) -> int:
        done = 0
        while done < count:
            piece = os.pread(fd, min(_PIECE, count - done), at + done)
            if not piece:
                raise OSError
            digest.update(piece)
            done += len(piece)
        self.bytes += done
        return done

    def _finish(self, this: _This, fd: int, digest: Any) -> str:
        """The digest, if the file is the same as when it was begun."""
        key, now = this[0], os.fstat(fd)
        if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (key.size, key.mtime_ns, key.ctime_ns):
            raise OSError
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        self._known[this] = digest.hexdigest()
        return self._known[this]

    def _keep(self, this: _This, state: tuple[int, Any, int]) -> None:
        if len(self._begun) >= _UNDER_WAY:  # the one that nobody asked for longest
            os.close(self._begun.pop(next(iter(self._begun)))[0])
        self._begun[this] = state

    def close(self) -> None:
        """Gives the descriptors back."""
        for fd, _, _ in self._begun.values():
            os.close(fd)
        self._begun.clear()


def _hash(algorithm: str) -> Any:
    if algorithm == "md5":
        import _md5  # type: ignore[import-not-found] # noqa: PLC0415 - hashlib: 3.6 MiB of the sensor's memory

        return _md5.md5(usedforsecurity=False)
    import hashlib  # noqa: PLC0415

    return hashlib.new(algorithm, usedforsecurity=False)
