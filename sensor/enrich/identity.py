"""Which program a file is, whatever its name: one of those that have a grammar and are installed here, or a copy of
one.

    by (device, inode)   the installed program itself, hard links and new names of it
    by build id          a copy of an ELF program
    by digest            a copy of anything else: scripts, programs without a build id

An installed program is found by a name that has a grammar, in the system's folders of programs, where only root may
have put it. A link from such a name to a file of another name (awk to mawk, vim to vim.basic) names that file, too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from sensor.enrich.digests import Digests, Unreadable
from sensor.enrich.elf import build_id
from sensor.enrich.model import FileKey, key_of
from sensor.enrich.mounts import Mounts
from sensor.enrich.opening import OpenFile
from sensor.enrich.programs import Programs
from sensor.mountinfo import kernel_dev

FOLDERS = (
    *("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/games"),
    *("/lib", "/lib32", "/lib64", "/libx32"),  # the dynamic linker
)


class Original(NamedTuple):
    """An installed program. `path`: with links followed."""

    name: str
    path: str
    key: FileKey
    build_id: bytes | None


class Identities:
    """The originals in `folders`, looked for again by `refresh`."""

    def __init__(
        self, programs: Programs, mounts: Mounts, digests: Digests, folders: tuple[str, ...] = FOLDERS
    ) -> None:
        self._programs = programs
        self._mounts = mounts
        self._digests = digests
        self._folders = folders
        self._by_inode: dict[tuple[int, int], Original] = {}
        self._by_size: dict[int, list[Original]] = {}
        self._by_build_id: dict[bytes, str] = {}
        self.refresh()

    def refresh(self) -> None:
        """Looks for the installed programs, of which those that were known before are not read again."""
        known = {original.key: original for original in self}
        names: dict[FileKey, set[str]] = {}
        paths: dict[FileKey, str] = {}
        devices: dict[str, int] = {}
        for path, links in self._found().items():
            with suppress(OSError):
                status = os.stat(path)
                if stat.S_ISREG(status.st_mode) and status.st_uid == 0 and not status.st_mode & 0o022:
                    key = key_of(status, self._device(path, devices))
                    names.setdefault(key, set()).update(self._own_name(path) or links)
                    paths.setdefault(key, path)
        self._by_inode, self._by_size, self._by_build_id = {}, {}, {}
        for key, path in paths.items():
            name = self._name(names[key])
            if name is not None:
                self._take(Original(name, path, key, known[key].build_id if key in known else _build_id_at(path)))

    def _take(self, original: Original) -> None:
        self._by_inode[original.key.dev, original.key.inode] = original
        if original.build_id is None:
            self._by_size.setdefault(original.key.size, []).append(original)
        else:
            self._by_build_id[original.build_id] = original.name

    def _found(self) -> dict[str, set[str]]:
        """Files that names with a grammar lead to, and those names."""
        found: dict[str, set[str]] = {}
        for folder in dict.fromkeys(map(os.path.realpath, self._folders)):
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if self._programs.number(entry.name) is not None:
                        found.setdefault(os.path.realpath(entry.path), set()).add(entry.name)
        return found

    def _own_name(self, path: str) -> set[str]:
        name = os.path.basename(path)
        return {name} if self._programs.number(name) is not None else set()

    def _name(self, names: set[str]) -> str | None:
        """The best of a file's names; None: it is several programs, and nothing but its name says which."""
        if len({self._programs.number(name) for name in names}) > 1:
            names = {name for name in names if self._programs.number(name) in self._programs.applets}
        exact = {name for name in names if name in self._programs.numbers}
        return min(exact or names, key=lambda name: (len(name), name), default=None)

    def _device(self, path: str, known: dict[str, int]) -> int:
        """The kernel's number of the file system that `path` lies on, which is that of its folder. OSError."""
        folder = os.path.dirname(path)
        if folder not in known:
            handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                mount = self._mounts.of_fd(handle)
                known[folder] = mount.dev if mount else kernel_dev(os.fstat(handle).st_dev)
            finally:
                os.close(handle)
        return known[folder]

    def __iter__(self) -> Iterator[Original]:
        return iter(self._by_inode.values())

    def original(self, key: FileKey) -> Original | None:
        """The installed program that is this very file; a new name of it is a change of its status."""
        found = self._by_inode.get((key.dev, key.inode))
        return found if found and (found.key.size, found.key.mtime_ns) == (key.size, key.mtime_ns) else None

    def of(self, file: OpenFile) -> tuple[str | None, bool]:
        """The name of the program that `file` is, or None; and whether that is known yet. OSError, Unreadable."""
        original = self.original(file.key)
        if original is not None:
            return original.name, True
        if file.fd < 0:
            return None, False
        own = build_id(file.fd)
        if own is not None:
            return self._by_build_id.get(own), True
        for other in self._by_size.get(file.key.size, ()):
            mine = self._digests.of(file.key, file.fd)
            theirs = self._digest_of(other)
            if mine is None or theirs is None:
                return None, False
            if mine == theirs:
                return other.name, True
        return None, True

    def _digest_of(self, original: Original) -> str | None:
        """None: not yet; empty: it is not there any more."""
        try:
            fd = os.open(original.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return ""
        try:
            return self._digests.of(original.key, fd)
        except Unreadable:
            return ""
        finally:
            os.close(fd)


def _build_id_at(path: str) -> bytes | None:
    """Of an installed program. OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return build_id(fd)
    finally:
        os.close(fd)
