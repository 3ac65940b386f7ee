"""A file as the kernel's records name it, and what is found out about it."""

from __future__ import annotations

import os
from typing import NamedTuple


class FileKey(NamedTuple):
    """A file with one content: another content has another time of change. Times in ns since the epoch."""

    dev: int  # super_block.s_dev as in struct sn_exec: major << 20 | minor
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class FileFacts(NamedTuple):
    """Facts of one content of one file. None (or no element) and not named in `late`: there is no such fact.

    `late` names the members that are not known; `again`: some of them may be known when they are asked for again.
    """

    key: FileKey
    trust: str | None = None  # packaged, modified, unpackaged: see trust.py
    package: str | None = None
    version: str | None = None
    owner: str | None = None  # name, else number
    writable: str | None = None  # no, group, world, folder: see writable.py
    filesystem: str | None = None  # see mounts.py
    mount_flags: tuple[str, ...] = ()  # nosuid, noexec, ro
    privilege: tuple[str, ...] = ()  # setuid, setgid, capabilities
    first_seen: bool | None = None
    identity: str | None = None  # name of the program that it is, if that has a grammar: see identity.py
    late: frozenset[str] = frozenset()
    again: bool = False

    @property
    def final(self) -> bool:
        """Nothing is late."""
        return not self.late


def key_of(status: os.stat_result, dev: int) -> FileKey:
    """The key of an open file; `dev` in the kernel's form."""
    return FileKey(dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
