"""Contents that were run or used on this host before: a set of fixed size on disk, which a restart keeps.

    magic | evictions: uint64 | buckets of 8 uint64: hashes of contents, the newest first; 0: free

A full bucket loses its oldest. A slot is one aligned word of a mapped file, so a process that is killed leaves a sound
set; a machine that goes down may lose the last ones, which are then first seen twice.
"""

from __future__ import annotations

import mmap
import os
from _blake2 import blake2b  # hashlib is this and OpenSSL: 3.6 MiB of the sensor's memory
from pathlib import Path
from typing import Self

from sensor.enrich.model import FileKey
from sensor.errors import LinsangError

_MAGIC = b"LNSGSEEN"
_WAYS = 8
_BUCKETS = 1 << 13
_HEAD = 16  # bytes
_SIZE = _HEAD + _BUCKETS * _WAYS * 8


class FirstSeen:
    """The set in `path`: 65,536 contents in 512 KiB. What is damaged or somebody else's begins anew.

    LinsangError: it cannot be kept there.
    """

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(descriptor, "r+b", buffering=0) as file:
                status = os.fstat(descriptor)
                trusted = status.st_uid == os.geteuid() and not status.st_mode & 0o022
                if not trusted or status.st_size != _SIZE or file.read(len(_MAGIC)) != _MAGIC:
                    file.truncate(0)
                    os.fchmod(descriptor, 0o600)
                    os.posix_fallocate(descriptor, 0, _SIZE)  # else a full disk kills whoever writes to the map
                    os.pwrite(descriptor, _MAGIC, 0)
                self._mapped = mmap.mmap(descriptor, _SIZE)
        except OSError as error:
            raise LinsangError(f"{path}: {error.strerror}", "give another folder: --state-dir") from None
        self._words = memoryview(self._mapped).cast("Q")

    @classmethod
    def of(cls, folder: Path) -> Self:
        """The set in the folder of what was seen."""
        return cls(folder / "first-seen.bin")

    def ask(self, key: FileKey, *, note: bool = True) -> bool:
        """Whether this content is new here; with `note` it is not, from now on.

        A content is (inode, size, time of change): device numbers are others after each start of the machine.
        """
        text = b"%d %d %d" % (key.inode, key.size, key.ctime_ns)
        number = int.from_bytes(blake2b(text, digest_size=8).digest(), "little") or 1
        first = _HEAD // 8 + number % _BUCKETS * _WAYS
        bucket = self._words[first : first + _WAYS].tolist()
        if number in bucket:
            return False
        if not note:
            return True
        self._words[1] += bucket[-1] != 0
        for place in range(_WAYS - 1, 0, -1):  # a content may be there twice for a moment, never not at all
            self._words[first + place] = bucket[place - 1]
        self._words[first] = number
        return True

    @property
    def evicted(self) -> int:
        """Contents that were forgotten."""
        return self._words[1]

    def close(self) -> None:
        """Gives the memory back; the kernel writes it to disk."""
        self._words.release()
        self._mapped.close()
