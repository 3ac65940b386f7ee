"""Which packages may own a path, for all files of all packages, on disk: half a million files are 4 MiB,
of which a look-up reads some 20 words, and which are not the sensor's memory.

    crc32 of the rest | length of the head | head: JSON, padded | uint64[]: crc32 of a path << 32 | number of a package

The numbers are sorted, a package's number is its place in the head's list. crc32 only narrows down: whose a path is,
the package's own list says. Run as a program, it makes the index: `python -m sensor.enrich.package_index FILE [ROOT]`.
"""

from __future__ import annotations

import bisect
import json
import os
import sys
import zlib
from array import array
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Self

from sensor.enrich.database import Database, Package
from sensor.priority import lower_process
from sensor.terminal import say

FORMAT = 1
_HEAD = 8  # bytes before the head proper
_WORD = 8
_BLOCK = 1 << 18


def hash_of(path: bytes) -> int:
    """What the index sorts by."""
    return zlib.crc32(path)


class _Numbers:
    """The sorted numbers, in a file."""

    def __init__(self, fd: int, offset: int) -> None:
        self._fd = fd
        self._offset = offset
        self._count = (os.fstat(fd).st_size - offset) // _WORD

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> int:
        return int.from_bytes(os.pread(self._fd, _WORD, self._offset + at * _WORD), "little")


class PackageIndex:
    """An index that was made once. `packages` are those of that time, in the order of their numbers."""

    def __init__(self, fd: int, packages: list[tuple[str, Package]], offset: int) -> None:
        self.packages = packages
        self._fd = fd
        self._numbers = _Numbers(fd, offset)

    @classmethod
    def open(cls, path: Path, database: str) -> Self | None:
        """None: not there, damaged, of another form or database, or written by somebody else."""
        try:
            with path.open("rb") as file:
                status, folder = os.fstat(file.fileno()), path.parent.stat()
                if any(s.st_uid != os.geteuid() or s.st_mode & 0o022 for s in (status, folder)):
                    return None
                checksum, length = int.from_bytes(file.read(4), "little"), file.read(4)
                head = file.read(int.from_bytes(length, "little"))
                crc = zlib.crc32(head, zlib.crc32(length))
                while block := file.read(_BLOCK):
                    crc = zlib.crc32(block, crc)
                content = json.loads(head) if crc == checksum else {}
                if (content.get("format"), content.get("database")) != (FORMAT, database):
                    return None
                fd = os.dup(file.fileno())
        except (OSError, ValueError):
            return None
        packages = [(key, Package(*package)) for key, package in content["packages"]]
        return cls(fd, packages, _HEAD + len(head))

    def __len__(self) -> int:
        """Files."""
        return len(self._numbers)

    def keys_of(self, path: bytes) -> Iterator[str]:
        """Packages that may own `path`."""
        wanted = hash_of(path)
        for at in range(bisect.bisect_left(self._numbers, wanted << 32), len(self._numbers)):
            number = self._numbers[at]
            if number >> 32 != wanted:
                return
            yield self.packages[number & 0xFFFFFFFF][0]

    def close(self) -> None:
        """Gives the descriptor back."""
        os.close(self._fd)


def temporary_of(path: Path, pid: int) -> Path:
    """Where a process writes what becomes the index at `path`."""
    return path.with_name(f".{path.name}.{pid}")


def make(path: Path, database: Database) -> None:
    """Writes the index, whole or not at all. OSError."""
    packages = database.packages()
    number_of = {key: number for number, key in enumerate(packages)}
    numbers = array("Q")
    for key, paths in database.paths(packages):
        number = number_of[key]
        numbers.extend(hash_of(path) << 32 | number for path in paths)
    numbers = array("Q", sorted(numbers))
    head = json.dumps({"format": FORMAT, "database": database.name, "packages": list(packages.items())}).encode()
    head += b" " * (-len(head) % 8)
    content = len(head).to_bytes(4, "little") + head + numbers.tobytes()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = temporary_of(path, os.getpid())
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(zlib.crc32(content).to_bytes(4, "little") + content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def main(arguments: list[str]) -> int:
    """Makes the index of the machine, or of a root."""
    lower_process()
    from sensor.enrich.databases import open_database  # noqa: PLC0415 - it knows this module's users

    database = open_database(arguments[1] if len(arguments) > 1 else "")
    if database is None:
        return 1
    with closing(database):
        try:
            make(Path(arguments[0]), database)
        except OSError as error:
            reason = f"{error.filename or arguments[0]}: {error.strerror or error}"
            say(f"packages are not known: {reason}; --cache-dir names another folder")
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
