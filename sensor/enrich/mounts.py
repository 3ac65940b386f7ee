"""Mounted file systems: what a file lies on, and with which restrictions.

A file system goes by the kernel's name (ext4, tmpfs, overlay, fuse.sshfs, ...), but
memfd           a file that only memory has, with no name in any folder
overlay-upper   an overlay's file that is in its writable layer; `overlay`: it is in a lower one, or that cannot be seen
"""

from __future__ import annotations

import os
import select
import stat
from contextlib import suppress
from typing import NamedTuple

from sensor.mountinfo import mount_lines

_FLAGS = ("nosuid", "noexec", "ro")
_INIT = 1
_LINKS_MAX = 40  # the kernel's own, MAXSYMLINKS


class Mount(NamedTuple):
    """A line of mountinfo. `dev` in the kernel's form, `root`: the folder of the file system that is mounted."""

    dev: int
    root: str
    point: str
    filesystem: str
    flags: tuple[str, ...]
    options: tuple[str, ...]  # of the file system

    @property
    def other_devices(self) -> bool:
        """Whether stat gives its files other device numbers than the kernel's inodes have."""
        return self.filesystem in {"btrfs", "overlay", "bcachefs"}

    @property
    def by_a_user(self) -> bool:
        """Whether a program of a user's answers for its files, and when it likes."""
        return self.filesystem.partition(".")[0] in {"fuse", "fuseblk"} and "user_id=0" not in self.options

    def upper(self) -> str | None:
        """An overlay's writable layer."""
        found = (option[9:] for option in self.options if option.startswith("upperdir="))
        return next(found, None)


def parse(content: bytes) -> dict[int, Mount]:
    """The mounts of a mountinfo by their ids."""
    found = {}
    for line in mount_lines(content):
        given = {*line.own, *line.options}
        flags = tuple(flag for flag in _FLAGS if flag in given)
        found[line.number] = Mount(line.dev, line.root, line.point, line.filesystem, flags, line.options)
    return found


class Mounts:
    """Those of our mount namespace, read again when the kernel says that they changed."""

    def __init__(self) -> None:
        self._file = open("/proc/self/mountinfo", "rb")  # noqa: SIM115
        self._changes = select.poll()
        self._changes.register(self._file, select.POLLERR | select.POLLPRI)
        self._by_id: dict[int, Mount] = {}
        self._by_dev: dict[int, Mount] = {}
        self._users: list[str] = []
        self._read()

    def _read(self) -> None:
        self._file.seek(0)
        self._by_id = parse(self._file.read())
        self._by_dev = {mount.dev: mount for mount in self._by_id.values()}
        self._users = [mount.point for mount in self._by_id.values() if mount.by_a_user]

    def _follow(self) -> None:
        if self._changes.poll(0):
            self._read()

    def of_dev(self, dev: int) -> Mount | None:
        """A mount of the file system with that number, in the kernel's form."""
        self._follow()
        return self._by_dev.get(dev)

    def of_fd(self, fd: int, pid: int = 0) -> Mount | None:
        """The mount of an open file: one of ours, else of those that `pid` sees, else init: in a chroot our own table
        lacks what is mounted outside of it. None: nobody's."""
        self._follow()
        with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
            number = int(file.read().partition(b"mnt_id:\t")[2].partition(b"\n")[0])
        if number in self._by_id:
            return self._by_id[number]
        for owner in dict.fromkeys((pid or _INIT, _INIT)):
            with suppress(OSError), open(f"/proc/{owner}/mountinfo", "rb") as table:
                if found := parse(table.read()).get(number):
                    return found
        return None

    def is_a_users(self, path: str, root: str = "") -> bool:
        """Whether `path` below the folder `root` leads into a file system that a program of a user's answers for, links
        followed: of such a one not even a name is looked up."""
        self._follow()
        if not self._users:
            return False
        at, left, links = "", path.split("/")[::-1], 0
        while left and links < _LINKS_MAX:
            part = left.pop()
            if part == "..":
                at = at.rpartition("/")[0]
            if part in {"", ".", ".."}:
                continue
            here = f"{at}/{part}"
            if any(here == point or here.startswith(f"{point}/") for point in self._users):
                return True
            try:
                target = os.readlink(root + here)
            except (OSError, ValueError):
                at = here
                continue
            at, links = "" if target.startswith("/") else at, links + 1
            left += target.split("/")[::-1]
        return False

    def close(self) -> None:
        """Gives the descriptor back."""
        self._file.close()


def name_of(mount: Mount | None, path: str) -> str | None:
    """What the file at `path` lies on: see the module."""
    if mount is None:
        return "memfd" if path.startswith("/memfd:") else None
    upper = mount.upper() if mount.filesystem == "overlay" else None
    if upper is None or not (path == mount.point or path.startswith(mount.point.rstrip("/") + "/")):
        return mount.filesystem
    below = path[len(mount.point.rstrip("/")) :]
    try:
        upper_mode = os.lstat(upper + mount.root.rstrip("/") + below).st_mode
        return "overlay-upper" if stat.S_ISREG(upper_mode) else "overlay"
    except OSError:
        return "overlay"
