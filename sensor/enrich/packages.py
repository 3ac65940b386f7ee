"""Which package a path belongs to, kept current while packages come and go.

    index (made by a child, on disk)  ─┐
    packages changed since it was made ┴─► candidates ─► the package's own list and record

That a file is no package's, or differs from its record, can be said only of a database that is the one that was read
and that nobody is changing: `settled`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sensor.enrich.database import Database, Package, Record
from sensor.enrich.package_index import PackageIndex, hash_of, temporary_of

_CHANGED_MAX = 16_384  # paths of changed packages that are kept in memory; beyond them the index is made anew
_RETRY_S = 60.0
_COARSE_NS = 50_000_000  # time stamps of files lag by up to a tick of the kernel


class Owner(NamedTuple):
    """A package, and what it says of a file that is its own."""

    package: Package
    record: Record


class Packages:
    """The packages of `database`, with the index in `folder`. A child process makes the index where there is none or an
    old one; meanwhile only what it had is known, and nothing is settled. One thread at a time."""

    def __init__(self, database: Database, folder: Path, root: str = "") -> None:
        self._database = database
        self.root = root or "/"
        self._below = [root] if root else []
        self._file = folder / "packages.bin"
        self._index = PackageIndex.open(self._file, database.name)
        self._packages: dict[str, Package] = {}
        self._changed: dict[int, list[str]] = {}  # hash of a path -> packages that are not as the index has them
        self._complete = False
        self._stamp: tuple[int, ...] = ()
        self._rest_ns = 0  # when packages were last seen at rest
        self._not_before = 0.0
        self._child = 0
        self.builds = 0
        self.failures = 0
        self.refresh()

    def __len__(self) -> int:
        """Files in the index."""
        return len(self._index or ())

    @property
    def complete(self) -> bool:
        """Whether the packages that there are were read, and are in the index or known to have changed since."""
        return self._complete

    def settled(self) -> bool:
        """Whether all packages are known as they are, and nobody is changing them. To be asked after a comparison: what
        was opened, read and compared before is then of one state."""
        return self._complete and not self._database.busy() and self._database.stamp() == self._stamp

    def is_new(self, ctime_ns: int) -> bool:
        """Whether a file may have come, or become another, after packages were last seen at rest."""
        return ctime_ns >= self._rest_ns

    def indexed(self, path: bytes) -> bool:
        """Whether the file at `path` is or was a package's, perhaps."""
        return hash_of(path) in self._changed or (
            self._index is not None and next(self._index.keys_of(path), None) is not None
        )

    def owners(self, path: bytes) -> Iterator[Owner]:
        """The packages that `path` belongs to, by their own lists. OSError."""
        keys = self._index.keys_of(path) if self._index is not None else ()
        for key in dict.fromkeys([*self._changed.get(hash_of(path), ()), *keys]):
            record = self._database.record(key, path)
            if record is not None and key in self._packages:
                yield Owner(self._packages[key], record)

    def script_of(self, path: bytes) -> str | None:
        """As the database's."""
        return self._database.script_of(path)

    # ---- following the database ----

    def refresh(self) -> bool:
        """Follows the database; true when packages changed, or became known. A few stats where nothing did."""
        was, complete = self._packages, self._complete
        made = self._collect()
        if made or self._database.stamp() != self._stamp:
            self._read()
        if not self._complete:
            self._build()
        now = time.time_ns()
        if self.settled():
            self._rest_ns = now - _COARSE_NS
        return made or self._packages is not was or self._complete is not complete

    def _read(self) -> None:
        stamp = self._database.stamp()
        self._complete = False
        try:
            packages = self._database.packages()
            if self._index is not None:
                self._complete = self._compare(packages, dict(self._index.packages))
        except OSError:
            self.failures += 1
            return
        self._stamp = stamp
        if packages != self._packages:
            self._packages = packages

    def _compare(self, packages: dict[str, Package], indexed: dict[str, Package]) -> bool:
        """Takes in what is not as the index has it; false when that is too much."""
        newer = [key for key, now in packages.items() if key not in indexed or indexed[key].stamp != now.stamp]
        self._changed = {}
        count = 0
        for key, paths in self._database.paths(newer):
            for path in paths:
                self._changed.setdefault(hash_of(path), []).append(key)
                count += 1
                if count > _CHANGED_MAX:
                    self._changed = {}
                    return False
        return True

    # ---- the child that makes the index ----

    def _build(self) -> None:
        if not self._child and time.monotonic() >= self._not_before:
            command = [sys.executable, "-P", "-m", "sensor.enrich.package_index", str(self._file), *self._below]
            self.builds += 1
            try:
                self._child = os.posix_spawn(sys.executable, command, os.environ)
            except OSError:  # no process or no memory to be had
                self._put_off()

    def _collect(self) -> bool:
        """True when the child has made an index."""
        if not self._child:
            return False
        status = 0
        with suppress(ChildProcessError):  # somebody else waited for it
            child, status = os.waitpid(self._child, os.WNOHANG)
            if child == 0:
                return False
        self._child = 0
        index = PackageIndex.open(self._file, self._database.name) if status == 0 else None
        if index is None:
            self._put_off()
            return False
        if self._index is not None:
            self._index.close()
        self._index = index
        return True

    def _put_off(self) -> None:
        self.failures += 1
        self._not_before = time.monotonic() + _RETRY_S

    @property
    def coming(self) -> bool:
        """An index is being made."""
        return self._child != 0

    def close(self) -> None:
        """Ends the child and gives memory and descriptors back."""
        if self._child:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._child, signal.SIGKILL)
                os.waitpid(self._child, 0)
            with suppress(OSError):
                temporary_of(self._file, self._child).unlink()
            self._child = 0
        if self._index is not None:
            self._index.close()
            self._index = None
        self._database.close()
