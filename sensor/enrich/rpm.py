"""rpm's database, by the command `rpm`: there are several forms of it, and rpm knows them.

A question costs a child process (some 30 ms), so the records of the packages that were asked for last are kept.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress

from sensor.enrich.database import Package, Record
from sensor.enrich.folders import Folders
from sensor.enrich.locks import Lock

FOLDERS = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")
_FILES = (b"rpmdb.sqlite", b"rpmdb.sqlite-wal", b"Packages", b"Packages.db")
_PROGRAM = "/usr/bin/rpm"
_ALGORITHMS = {"1": "md5", "2": "sha1", "8": "sha256", "9": "sha384", "10": "sha512", "11": "sha224"}
_PATIENCE_S = 60
_BY_NAME_MAX = 64  # packages that are named one by one
_KEPT = 32  # packages


class Rpm:
    """The database below `root` (a folder, empty for the machine's own). OSError: there is none, or no rpm."""

    name = "rpm"

    def __init__(self, root: str = "") -> None:
        self._root = root
        found = (f for f in FOLDERS if any(os.path.exists(f"{root}{f}/{os.fsdecode(name)}") for name in _FILES))
        self._folder = next(found, "")
        if not self._folder or not os.path.exists(_PROGRAM):
            raise FileNotFoundError
        self._path = os.fsencode(root + self._folder)
        self._lock = Lock(self._path + b"/.rpm.lock")
        self._records: dict[str, dict[bytes, Record]] = {}
        self._records_stamp: tuple[int, ...] = ()

    def close(self) -> None:
        """Gives the lock's descriptor back."""
        self._lock.close()

    def stamp(self) -> tuple[int, ...]:
        """Another one after every change; a reader makes and removes an empty journal, so one is as good as none."""
        values: list[int] = []
        for name in _FILES:
            with suppress(OSError):
                status = os.stat(b"%b/%b" % (self._path, name))
                if status.st_size:
                    values += (status.st_ino, status.st_size, status.st_mtime_ns)
        return tuple(values)

    def busy(self) -> bool:
        """Whether rpm is at work."""
        return self._lock.held()

    def packages(self) -> dict[str, Package]:
        """By name, version and architecture."""
        rows = self._ask("-qa", "--qf", r"%{NEVRA}\t%{NAME}\t%{EVR}\t%{INSTALLTID}.%{DBINSTANCE}\n")
        fields = (row.decode(errors="surrogateescape").split("\t") for row in rows)
        return {key: Package(name, version, stamp) for key, name, version, stamp in fields}

    def paths(self, keys: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The files of each package, where they lie on this machine."""
        if not keys:
            return
        which = ["-qa"] if len(keys) > _BY_NAME_MAX else ["-q", *keys]
        folders = Folders(os.fsencode(self._root))
        files: dict[str, list[bytes]] = {key: [] for key in keys}
        for row in self._ask(*which, "--qf", r"[%{=NEVRA}\t%{FILEMODES:perms}\t%{FILENAMES}\n]"):
            owner, mode, path = row.split(b"\t", 2)
            if not mode.startswith(b"d"):
                files.get(os.fsdecode(owner), []).append(path)
        for key, paths in files.items():
            yield key, map(folders.real, paths)

    def record(self, key: str, path: bytes) -> Record | None:
        """As database.Database's; of a configuration file: of the content that the package brought."""
        stamp = self.stamp()
        if stamp != self._records_stamp:
            self._records, self._records_stamp = {}, stamp
        if key not in self._records:
            if len(self._records) >= _KEPT:
                del self._records[next(iter(self._records))]
            self._records[key] = self._records_of(key)
        return self._records[key].get(path)

    def _records_of(self, key: str) -> dict[bytes, Record]:
        folders = Folders(os.fsencode(self._root))
        rows = self._ask("-q", key, "--qf", r"%{FILEDIGESTALGO}\n[%{FILEDIGESTS}\t%{FILENAMES}\n]")
        algorithm = _ALGORITHMS.get(next(rows, b"").decode(), "md5")  # rpm before 4.6 wrote none
        pairs = (row.partition(b"\t") for row in rows)
        return {folders.real(path): Record(algorithm, digest.decode()) for digest, _, path in pairs}

    def script_of(self, path: bytes) -> str | None:
        """None: rpm keeps its scripts in the database, and puts them into temporary files like anybody."""
        return None

    def _ask(self, *arguments: str) -> Iterator[bytes]:
        """The lines that rpm answers. OSError: it failed."""
        import subprocess  # noqa: PLC0415 - most machines have dpkg

        where = ["--root", self._root] if self._root else []
        command = [_PROGRAM, *where, "--dbpath", self._folder, *arguments]
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=_PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OSError(str(error)) from None
        return iter(done.stdout.splitlines())
