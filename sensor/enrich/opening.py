"""Opening a file that somebody else chose, and knowing which one it is.

Nothing but regular files is opened for reading: opening a device does things, a FIFO waits. No file is touched that a
user's program answers for (FUSE).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from sensor.enrich.dpkg import STATUS
from sensor.enrich.model import FileKey, key_of
from sensor.enrich.mounts import Mount, Mounts
from sensor.enrich.rpm import FOLDERS
from sensor.mountinfo import kernel_dev

# Names that lead every process to something of its own, and where that is below /proc/PID.
_OWN = (("/dev/stdin", "fd/0"), ("/dev/fd/", "fd/"), ("/proc/self/", ""), ("/proc/thread-self/", ""))


class OpenFile(NamedTuple):
    """`fd` is open for reading until `close`, -1 where reading is not allowed; `path` is where the file lies below
    `root`, which is empty for our own root, else /proc/PID/root."""

    fd: int
    status: os.stat_result
    key: FileKey
    path: str
    root: str
    mount: Mount | None

    @property
    def deleted(self) -> bool:
        """Whether it has no name in any folder."""
        return self.status.st_nlink == 0

    def close(self) -> None:
        """Gives the descriptor back."""
        if self.fd >= 0:
            os.close(self.fd)


def open_key(mounts: Mounts, key: FileKey, path: str, pid: int) -> OpenFile | None:
    """The file of `key`: at `path`, there in the root of process `pid`, or as what that process runs. None: at none."""
    for root, way in [("", path), *(((f"/proc/{pid}/root", path), ("", f"/proc/{pid}/exe")) if pid else ())]:
        opened = _open(mounts, root, way, pid)
        if opened is not None:
            if _is(opened, key):
                return opened
            opened.close()
    return None


def open_path(mounts: Mounts, path: str, pid: int) -> OpenFile | None:
    """The regular file at `path` in the root of process `pid` (0: in ours). None: there is none."""
    return _open(mounts, *_place(path, pid), pid)


def mode_of(mounts: Mounts, path: str, pid: int) -> int | None:
    """Kind and rights of what lies at `path` in the root of process `pid` (0: in ours). None: nothing, or nobody may
    look."""
    root, path = _place(path, pid)
    with suppress(OSError, ValueError):
        return None if mounts.is_a_users(path, root) else os.stat(root + path).st_mode
    return None


def _place(path: str, pid: int) -> tuple[str, str]:
    """The root that `path` is looked up in, and the path there. What each process has of its own (/dev/fd/3) is that of
    `pid`, never ours."""
    for prefix, own in _OWN:
        if path.startswith(prefix):
            return "", f"/proc/{pid}/{own}{path.removeprefix(prefix)}"
    return f"/proc/{pid}/root" if pid else "", path


def _open(mounts: Mounts, root: str, path: str, pid: int) -> OpenFile | None:
    if mounts.is_a_users(path, root):
        return None
    with suppress(OSError, ValueError):
        handle = os.open(root + path, os.O_PATH | os.O_CLOEXEC)
        try:
            return _opened(mounts, handle, pid)
        finally:
            os.close(handle)
    return None


def _opened(mounts: Mounts, handle: int, pid: int) -> OpenFile | None:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        return None
    fd = -1
    with suppress(OSError):  # not allowed, or somebody holds a lease on it
        fd = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        own = fd if fd >= 0 else handle
        status = os.fstat(own)
        mount = mounts.of_fd(own, pid)
        where = os.readlink(f"/proc/self/fd/{own}").removesuffix(" (deleted)")
    except BaseException:
        if fd >= 0:
            os.close(fd)
        raise
    dev = mount.dev if mount is not None and mount.other_devices else kernel_dev(status.st_dev)
    root = f"/proc/{pid}/root" if pid and not _is_at(status, where) else ""
    return OpenFile(fd, status, key_of(status, dev), where, root, mount)


def _is_at(status: os.stat_result, path: str) -> bool:
    """Whether the file lies at `path` in our own root."""
    with suppress(OSError, ValueError):
        return os.path.samestat(os.lstat(path), status)
    return False


def _is(opened: OpenFile, key: FileKey) -> bool:
    """Nobody but the kernel sets a time of change, so device numbers need not be compared where they differ by
    nature."""
    mine = opened.key
    same = (mine.inode, mine.size, mine.mtime_ns, mine.ctime_ns) == (key.inode, key.size, key.mtime_ns, key.ctime_ns)
    return same and (mine.dev == key.dev or opened.mount is None or opened.mount.other_devices)


def other_system(opened: OpenFile, own_root: str) -> bool:
    """Whether the file lies in a root folder with a package database of its own, which is not that of `own_root`: a
    container's, or one that a system is being set up in. Root must have made it: else anybody could hide a file that
    way."""
    own = os.stat(own_root)
    for folder in _above(opened.path):
        with suppress(OSError):
            at = os.stat(opened.root + (folder or "/"))
            if os.path.samestat(at, own):
                return False
            for database in (STATUS, *FOLDERS):
                with suppress(OSError):
                    if os.stat(opened.root + folder + database).st_uid == 0:
                        return True
    return False


def _above(path: str) -> Iterator[str]:
    while path:
        path = path.rpartition("/")[0]
        yield path


def same_namespace(mnt_ns: int) -> bool:
    """Whether a mount namespace is ours; 0, not known, is taken for ours."""
    return mnt_ns in (0, os.stat("/proc/self/ns/mnt").st_ino)
