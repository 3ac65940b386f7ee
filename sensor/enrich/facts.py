"""All that is found out about one file: see model.FileFacts."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sensor.enrich import trust
from sensor.enrich.accounts import Accounts
from sensor.enrich.databases import open_database
from sensor.enrich.digests import Digests, Unreadable
from sensor.enrich.first_seen import FirstSeen
from sensor.enrich.identity import Identities
from sensor.enrich.model import FileFacts, FileKey
from sensor.enrich.mounts import Mounts, name_of
from sensor.enrich.opening import OpenFile, mode_of, open_key, open_path, same_namespace
from sensor.enrich.packages import Packages
from sensor.enrich.programs import Programs
from sensor.enrich.writable import writable

_TRUST = frozenset({"trust", "package", "version"})
_OF_FILE = frozenset({"owner", "writable", "filesystem", "mount_flags", "privilege", "identity"})
_FLAGS = ((os.ST_NOSUID, "nosuid"), (os.ST_NOEXEC, "noexec"), (os.ST_RDONLY, "ro"))
_CAPABILITIES = "security.capability"
_LOOK_S = 0.01
_NO_FILE = FileKey(0, 0, 0, 0, 0)
_PIPE = "fifo"  # in place of a file system: what comes out of it lies on none
_MAINS = ("__main__.py", "index.js")  # what Python and Node run of a folder
_READ_MAX = 16 << 20  # bytes of a file that nobody has asked about


class Facts:
    """Finds out facts of files. `cache_dir` keeps the index of the packages, `state_dir` what was seen (None: nobody
    asks for that); `programs` are those that have a grammar. One thread at a time. LinsangError: `state_dir` cannot be
    written.

    A call does a few ms of work; what takes longer is late, and goes on in `work` or the next call. Files on network
    file systems are read and may hold a caller up like any program.
    """

    def __init__(self, cache_dir: Path, state_dir: Path | None, programs: Programs) -> None:
        self._seen = FirstSeen.of(state_dir) if state_dir is not None else None
        self._mounts = Mounts()
        self._accounts = Accounts()
        self._digests = Digests()
        database = open_database()
        self._packages = Packages(database, cache_dir) if database is not None else None
        self._identities = Identities(programs, self._mounts, self._digests)
        self._asked = 0

    def refresh(self) -> bool:
        """To be called once a second, and before what was late is asked for again. True: packages changed, so all that
        was found out before may be otherwise now."""
        self._accounts.refresh()
        changed = self._packages is not None and self._packages.refresh()
        if changed:
            self._identities.refresh()
        return changed

    def work(self) -> bool:
        """To be called while nobody asks: a part of what is late; true while there is more."""
        return self._digests.work()

    def identities(self) -> Iterator[tuple[FileKey, str]]:
        """Each installed program that has a grammar, and its name."""
        return ((each.key, each.name) for each in self._identities)

    def installed(self) -> Iterator[str]:
        """Where they lie."""
        return iter([each.path for each in self._identities])

    def read(self, path: str) -> None:
        """Begins what `of` would have to read of the file at `path`, unless that is much, and does not count it as
        seen."""
        file = open_path(self._mounts, path, 0)
        if file is not None:
            if file.key.size <= _READ_MAX:
                self._trust_of_file(file, file.key)
            file.close()

    def await_packages(self, seconds: float) -> bool:
        """Waits for the index of the packages where there is none yet; false: it is not there after so long, or cannot
        be made now."""
        end = time.monotonic() + seconds
        while self._packages is not None and not self._packages.complete:
            if time.monotonic() > end or not self._packages.coming:
                return False
            time.sleep(_LOOK_S)
            self.refresh()
        return True

    def of(self, key: FileKey, path: str | bytes, pid: int = 0) -> FileFacts:
        """Of the file that a record names: `path` as the kernel knows it, `pid` the process that runs it."""
        self._asked += 1
        where = os.fsdecode(path)
        mount = self._mounts.of_dev(key.dev)
        if mount is not None and mount.by_a_user:
            return self._of_a_users(key, mount.filesystem, mount.flags)
        file = open_key(self._mounts, key, where, pid)
        if file is None:
            return self._gone(key, where)
        try:
            return self._of_file(file, key)
        finally:
            file.close()

    def of_path(self, path: str | bytes, pid: int = 0, mnt_ns: int = 0) -> FileFacts | None:
        """Of the file at an absolute path as the process `pid` sees it, whose mount namespace is `mnt_ns`; None: there
        is nothing. A folder stands for the file that an interpreter runs of it. What else is no file has no facts, and
        none is late; but a pipe, named or not, says that it is one."""
        self._asked += 1
        where = os.fsdecode(path)
        lives = pid and os.path.exists(f"/proc/{pid}/root/")
        if not lives and not same_namespace(mnt_ns):
            return FileFacts(_NO_FILE, late=_TRUST | _OF_FILE | {"first_seen"})
        mode = mode_of(self._mounts, where, pid if lives else 0)
        paths = [f"{where}/{name}" for name in _MAINS] if mode is not None and stat.S_ISDIR(mode) else [where]
        file = next((file for path in paths if (file := open_path(self._mounts, path, pid if lives else 0))), None)
        if file is None:
            if mode is None or stat.S_ISREG(mode):
                return None
            return FileFacts(_NO_FILE, filesystem=_PIPE if stat.S_ISFIFO(mode) else None)
        try:
            return self._of_file(file, file.key)
        finally:
            file.close()

    def is_a_users(self, path: bytes) -> bool:
        """Whether a user's program answers for what lies there, and may take its time: not to be touched."""
        return self._mounts.is_a_users(os.fsdecode(path))

    # ---- one file ----

    def _of_a_users(self, key: FileKey, filesystem: str, flags: tuple[str, ...]) -> FileFacts:
        """A user's program says what such a file is, so it says nothing; packages have none there."""
        return FileFacts(key, "unpackaged", filesystem=filesystem, mount_flags=flags, first_seen=self._is_first(key))

    def _gone(self, key: FileKey, path: str) -> FileFacts:
        original = self._identities.original(key)
        known: dict[str, Any] = {"identity": original.name if original else None}
        late = _OF_FILE - ({"identity"} if original else set())
        if path.startswith("/memfd:"):
            known["first_seen"] = self._is_first(key)
            return FileFacts(key, "unpackaged", filesystem="memfd", **known, late=late - {"filesystem"})
        found = self._trust_of_path(path, key)
        known["first_seen"] = self._is_first(key, again=found.again)
        return FileFacts(
            key, found.trust, found.package, found.version, **known, late=late | _late(found), again=found.again
        )

    def _is_first(self, key: FileKey, *, again: bool = False) -> bool | None:
        """A content that is asked for again stays new until then."""
        return None if self._seen is None else self._seen.ask(key, note=not again)

    def _trust_of_path(self, path: str, key: FileKey) -> trust.Trust:
        if self._packages is None:
            return trust.Trust()
        return trust.of_path(self._packages, path, key.ctime_ns)

    def _of_file(self, file: OpenFile, key: FileKey) -> FileFacts:
        found = self._trust_of_file(file, key)
        identity, known, identity_comes = self._identity_of_file(file)
        who_may, filesystem = self._writable(file), name_of(file.mount, file.path)
        unknown = {
            "identity": not known,
            "writable": who_may is None,
            "filesystem": filesystem is None,
            "privilege": file.fd < 0,
        }
        again = found.again or identity_comes
        return FileFacts(
            key,
            found.trust,
            found.package,
            found.version,
            self._accounts.name(file.status.st_uid),
            who_may,
            filesystem,
            _mount_flags(file),
            _privilege(file),
            self._is_first(key, again=again),
            identity,
            _late(found).union(name for name, is_unknown in unknown.items() if is_unknown),
            again,
        )

    def _trust_of_file(self, file: OpenFile, key: FileKey) -> trust.Trust:
        if self._packages is None:
            return trust.Trust()
        original = self._identities.original(key)
        try:
            return trust.of_file(self._packages, self._digests, file, original.path if original else "")
        except OSError:
            return trust.Trust(late=True)

    def _identity_of_file(self, file: OpenFile) -> tuple[str | None, bool, bool]:
        """The name, whether that is known, and whether it will be."""
        try:
            name, known = self._identities.of(file)
        except (OSError, Unreadable):
            return None, False, False
        return name, known, not known and file.fd >= 0

    def _writable(self, file: OpenFile) -> str | None:
        if file.deleted:  # nobody finds it
            return "no"
        try:
            return writable(self._accounts, file.fd, file.status, file.path, file.root)
        except OSError:
            return None

    # ----

    def counters(self) -> dict[str, int]:
        """Of the work since the start, and of what is kept."""
        packages = self._packages
        files, builds, failures = (0, 0, 0) if packages is None else (len(packages), packages.builds, packages.failures)
        return {
            "asked": self._asked,
            "hashed_bytes": self._digests.bytes,
            "unreadable": self._digests.unreadable,
            "first_seen_evicted": self._seen.evicted if self._seen else 0,
            "index_files": files,
            "index_builds": builds,
            "index_failures": failures,
        }

    def close(self) -> None:
        """Ends the child that makes an index, gives memory and descriptors back."""
        if self._packages is not None:
            self._packages.close()
        self._digests.close()
        self._mounts.close()
        if self._seen is not None:
            self._seen.close()


def _late(found: trust.Trust) -> frozenset[str]:
    if not found.late:
        return frozenset()
    return frozenset(name for name in _TRUST if getattr(found, name) is None)


def _mount_flags(file: OpenFile) -> tuple[str, ...]:
    if file.mount is not None:
        return file.mount.flags
    flags = os.statvfs(file.fd).f_flag if file.fd >= 0 else 0
    return tuple(name for flag, name in _FLAGS if flags & flag)


def _privilege(file: OpenFile) -> tuple[str, ...]:
    found = []
    if file.status.st_mode & stat.S_ISUID:
        found.append("setuid")
    if file.status.st_mode & stat.S_ISGID:
        found.append("setgid")
    with suppress(OSError):
        if os.getxattr(file.fd, _CAPABILITIES):
            found.append("capabilities")
    return tuple(found)
