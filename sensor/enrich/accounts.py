"""Users and groups of this machine's own files; those of a directory service are not asked for: it may be slow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

_USERS, _GROUPS = "/etc/passwd", "/etc/group"


class Accounts:
    """Follows the files: `refresh` once a second."""

    def __init__(self, users: str = _USERS, groups: str = _GROUPS) -> None:
        self._files = (users, groups)
        self._status: tuple[object, ...] = ()
        self._names: dict[int, str] = {}
        self._members: dict[int, frozenset[int]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Reads the files again when they changed."""
        status = tuple(map(_status, self._files))
        if status != self._status:
            self._status = status
            self._read()

    def _read(self) -> None:
        self._names, numbers, members = {}, {}, dict[int, set[int]]()
        for name, _, uid, gid, *_ in _rows(self._files[0], 4):
            number = int(uid)
            self._names.setdefault(number, name)
            numbers[name] = number
            members.setdefault(int(gid), set()).add(number)
        for _, _, gid, names, *_ in _rows(self._files[1], 4):
            group = members.setdefault(int(gid), set())
            group.update(numbers[name] for name in names.split(",") if name in numbers)
        self._members = {gid: frozenset(group) for gid, group in members.items()}

    def name(self, uid: int) -> str:
        """The user's name, else its number."""
        return self._names.get(uid, str(uid))

    def others_in(self, gid: int, owner: int) -> bool:
        """Whether the group has members beside root and `owner`; a group that the files do not know may have."""
        return gid not in self._members or bool(self._members[gid] - {0, owner})


def _status(path: str) -> object:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _rows(path: str, least: int) -> Iterator[list[str]]:
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            row = line.rstrip("\n").split(":")
            if len(row) >= least and row[2].isdecimal() and (len(row) == least or row[3].isdecimal()):
                yield row
