"""What happens to files, from fanotify: which file systems are watched, and the thread that reads.

The core marks file systems as wholes and says who wrote what (native/source_fanotify.c). Here stands which: all that
are mounted where the sensor sees them, and those that are mounted later. Left out are file systems of the kernel
itself, which hold no programs, and those of a network or of a process (FUSE), which another machine or a program may
keep from answering for as long as it likes.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sensor.closing import Closing
from sensor.errors import NativeError, Unsupported
from sensor.mountinfo import MountLine, kernel_dev, mount_lines
from sensor.native import Capture, Engine, check, counters, ffi, lib

_MOUNTS = Path("/proc/self/mountinfo")
_KERNELS_OWN = frozenset(
    [
        "autofs",
        "binfmt_misc",
        "bpf",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "devpts",
        "efivarfs",
        "fusectl",
        "hugetlbfs",
        "mqueue",
        "nsfs",
        "proc",
        "pstore",
        "rpc_pipefs",
        "securityfs",
        "selinuxfs",
        "sysfs",
        "tracefs",
    ]
)
_FOREIGN_REASON = "may not answer"
_FOREIGN = frozenset(["9p", "afs", "ceph", "cifs", "coda", "ncpfs", "nfs", "nfs4", "smb3", "smbfs", "virtiofs"])


class Mount(NamedTuple):
    """One line of mountinfo. `dev`: as in struct sn_exec; `upper`: upper layer of an overlay, else ""."""

    place: str
    dev: int
    root: str
    kind: str
    upper: str

    @property
    def left_out(self) -> str:
        """Why it is not watched; "" when it is."""
        if self.kind in _KERNELS_OWN:
            return "no programs lie there"
        if self.kind in _FOREIGN or self.kind.startswith("fuse"):
            return _FOREIGN_REASON
        return ""


def mounts(content: bytes) -> list[Mount]:
    """The mounts of a mountinfo that can be reached: not those below a folder on which another was mounted later."""
    lines = list(mount_lines(content))
    parents = {line.number: line for line in lines}
    covers = {(line.parent, line.point) for line in lines}

    def is_reached(line: MountLine) -> bool:
        for _ in lines:
            folder = line.point.rpartition("/")[0]
            while folder:
                if (line.parent, folder) in covers:
                    return False
                folder = folder.rpartition("/")[0]
            if line.parent not in parents:
                break
            line = parents[line.parent]
        return True

    return [Mount(m.point, m.dev, m.root, m.filesystem, _upper(m)) for m in lines if is_reached(m)]


def _upper(line: MountLine) -> str:
    options = dict(option.partition("=")[::2] for option in line.options)
    return options.get("upperdir", "") if line.filesystem == "overlay" else ""


def to_watch(content: bytes) -> list[Mount]:
    """Those to watch, mounts of a file system's root first: paths below them are whole. A place that another mount has
    covered shows that one only; the way to one below a file system that may not answer may block for good."""
    covered = {mount.place: mount for mount in mounts(content)}
    foreign = tuple(
        f"{m.place.rstrip('/')}/" for m in covered.values() if m.left_out == _FOREIGN_REASON and m.place != "/"
    )
    wanted = (m for m in covered.values() if not m.left_out and not m.place.startswith(foreign))
    return sorted(wanted, key=lambda m: (m.root != "/", len(m.place)))


class FileSource(Closing):
    """`run` reads events until `stop`; so does a thread of its own that looks for new mounts. `refused`: file systems
    that could not be marked, by place, and why. Close it before `engine` and `capture`.

    Unsupported where fanotify is not permitted or not built in.
    """

    def __init__(
        self, engine: Engine, capture: Capture, places: Sequence[str], say: Callable[[str], None] = lambda text: None
    ) -> None:
        out = ffi.new("struct sn_files **")
        try:
            check(lib.sn_files__open(engine.pointer, capture.pointer, out), "open fanotify")
        except NativeError as error:
            raise Unsupported(
                f"watching files ({error.reason})", "root, and a kernel with fanotify from 5.17 on"
            ) from None
        self._files = out[0]
        self._engine = engine
        self._say = say
        self.watched: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self._ended, self._end = os.pipe2(os.O_CLOEXEC)
        self._file = _MOUNTS.open("rb")
        for place in places:
            if lib.sn_files__place(self._files, os.fsencode(place)):
                self._say(f"the place {place} is too long, or one too many: files there count when they are executable")
        self._follower = threading.Thread(target=self._follow, name="mounts")
        try:
            self.look()
        except BaseException:
            self._free()
            raise
        self._follower.start()

    def look(self) -> None:
        """Watches what is mounted now and was not yet."""
        self._file.seek(0)
        for mount in to_watch(self._file.read()):
            rc = lib.sn_files__watch(self._files, os.fsencode(mount.place), mount.dev)
            if rc == 0:
                self.watched[mount.place] = mount.kind
            if mount.upper and not self._overlay(mount):
                rc = -errno.ENOENT
            elif mount.upper:
                continue  # seen by its upper layer
            if rc in {0, -errno.EEXIST}:
                self.refused.pop(mount.place, None)
            elif mount.place not in self.refused:
                self.refused[mount.place] = f"{mount.kind}: {os.strerror(-rc)}"

    def _overlay(self, mount: Mount) -> bool:
        try:
            status = os.stat(mount.upper)
        except OSError:
            return False
        return bool(lib.sn_engine__alias(self._engine.pointer, mount.dev, kernel_dev(status.st_dev)) == 0)

    def _follow(self) -> None:
        poll = select.poll()
        poll.register(self._file.fileno(), select.POLLPRI | select.POLLERR)
        poll.register(self._ended, select.POLLIN)
        try:
            while all(fd != self._ended for fd, _ in poll.poll()):
                self.look()
        except Exception as error:  # what was mounted until now is watched on
            self.refused["what is mounted from now on"] = repr(error)
            self._say(f"file systems that are mounted from now on are not watched: {error!r}")

    def run(self) -> None:
        """Stays in the core until stop()."""
        check(lib.sn_files__run(self._files), "watch files")

    def stop(self) -> None:
        """Ends run(), or the next one; any thread may call it."""
        lib.sn_files__stop(self._files)

    def stats(self) -> dict[str, int]:
        """All counters of struct sn_files_stats by name."""
        return counters("sn_files_stats", lib.sn_files__stats, self._files)

    def equation(self) -> tuple[str, bool]:
        """Where every event is, with its numbers, and whether that adds up."""
        s = self.stats()
        causes = ("filtered", "gone", "unresolved", "recorded", "dropped", "overflows")
        text = " + ".join(f"{name} {s[name]}" for name in causes)
        return f"files: events {s['events']} = {text}", s["events"] == sum(s[name] for name in causes)

    def close(self) -> None:
        """Frees everything, after run() has returned."""
        os.write(self._end, b"x")
        self._follower.join()
        self._free()

    def _free(self) -> None:
        for fd in (self._end, self._ended):
            os.close(fd)
        self._file.close()
        lib.sn_files__close(self._files)
