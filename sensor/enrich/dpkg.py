"""dpkg's database: which packages are installed, which files are theirs, what was their content.

lock                   held while dpkg changes anything
status, updates/*      paragraphs, those of updates/ newer (a dpkg that was killed leaves some behind)
info/NAME[:ARCH].list  paths, folders before what is in them
info/*.md5sums         md5, two spaces, path without its first slash; not of configuration files: status has those
diversions             three lines each: path, where other packages' file of that path is put, whose it is then
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress

from sensor.enrich.database import Package, Record
from sensor.enrich.folders import Folders, lines_named
from sensor.enrich.locks import Lock

STATUS = "/var/lib/dpkg/status"
_PARAGRAPH = re.compile(rb"^(Package|Architecture|Version): (.*)$", re.M)
_CONFFILE = re.compile(rb"^ (/.*) ([0-9a-f]{32})(?: obsolete| remove-on-upgrade)*$", re.M)
_SCRIPTS = {b"preinst", b"postinst", b"prerm", b"postrm", b"config"}
_Diversions = dict[bytes, tuple[bytes, str]]  # path -> where others' files of that path are put, whose it is itself


def _name(key: str) -> str:
    return key.partition(":")[0]


def _placed(raw: bytes, key: str, diverted: _Diversions) -> bytes:
    """Where the package's file is put that its list calls `raw`."""
    elsewhere, by = diverted.get(raw, (raw, ""))
    return raw if by == _name(key) else elsewhere


class Dpkg:
    """The database below `root` (a folder, empty for the machine's own). OSError: there is none, or it is not
    readable."""

    name = "dpkg"

    def __init__(self, root: str = "") -> None:
        self._root = os.fsencode(root)
        self._admin = self._root + b"/var/lib/dpkg"
        self._info = self._admin + b"/info"
        self._lock = Lock(self._admin + b"/lock")
        os.stat(self._admin + b"/status")

    def close(self) -> None:
        """Gives the lock's descriptor back."""
        self._lock.close()

    def stamp(self) -> tuple[int, ...]:
        """Another one after every change of the database."""
        values: list[int] = []
        for name in (b"/status", b"/info", b"/updates", b"/diversions"):
            try:
                status = os.stat(self._admin + name)
            except OSError:
                values.append(0)
            else:
                values += (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        return tuple(values)

    def busy(self) -> bool:
        """Whether dpkg is at work, or was killed there: files and records need not fit one another."""
        return self._lock.held() or self._interrupted()

    def _interrupted(self) -> bool:
        try:
            with os.scandir(self._admin + b"/updates") as entries:
                return any(entry.name.isdigit() for entry in entries)
        except OSError:
            return False

    def packages(self) -> dict[str, Package]:
        """By the name of their files in info/."""
        versions = self._versions()
        found = {}
        with os.scandir(self._info) as entries:
            for entry in entries:
                if entry.name.endswith(b".list"):
                    key = os.fsdecode(entry.name[:-5])
                    with suppress(OSError):  # gone meanwhile
                        status = entry.stat(follow_symlinks=False)
                        stamp = f"{status.st_ino}.{status.st_mtime_ns}"
                        found[key] = Package(_name(key), versions.get(key), stamp)
        return found

    def _versions(self) -> dict[str, str]:
        versions: dict[str, str] = {}
        for paragraph in self._paragraphs():
            fields = {name: value.decode(errors="replace").strip() for name, value in _PARAGRAPH.findall(paragraph)}
            if b"Package" in fields and b"Version" in fields:
                name = fields[b"Package"]
                versions[name] = versions[f"{name}:{fields.get(b'Architecture', '')}"] = fields[b"Version"]
        return versions

    def _paragraphs(self) -> Iterator[bytes]:
        """Later ones replace earlier ones of the same package."""
        with suppress(FileNotFoundError):
            updates = [self._admin + b"/updates/" + name for name in sorted(os.listdir(self._admin + b"/updates"))]
            for path in [self._admin + b"/status", *(path for path in updates if path[-1:].isdigit())]:
                with open(path, "rb") as file:
                    lines: list[bytes] = []
                    for line in file:
                        lines.append(line)
                        if line == b"\n":
                            yield b"".join(lines)
                            lines.clear()
                    yield b"".join(lines)

    def paths(self, keys: Collection[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The files of each package, where they lie on this machine."""
        folders = Folders(self._root)
        diverted = self._diversions()
        for key in keys:
            yield key, self._files(key, folders, diverted)

    def _files(self, key: str, folders: Folders, diverted: _Diversions) -> Iterator[bytes]:
        lines = self._read(key, "list").splitlines()
        for path, following in zip(lines, [*lines[1:], b""], strict=True):
            if not following.startswith(path + b"/") and path != b"/.":  # no folder with something in it
                yield folders.real(_placed(path, key, diverted))

    def record(self, key: str, path: bytes) -> Record | None:
        """Where configuration files are concerned: of the content that the package last brought."""
        folders, diverted = Folders(self._root), self._diversions()
        names = {os.path.basename(path)}
        names |= {os.path.basename(raw) for raw, (to, _) in diverted.items() if os.path.basename(to) in names}
        listed = self._read(key, "list")
        for raw in (raw for name in names for raw in lines_named(listed, name)):
            if folders.real(_placed(raw, key, diverted)) == path:
                return Record("md5", self._digest(key, raw))
        return None

    def _digest(self, key: str, raw: bytes) -> str:
        digests = self._read(key, "md5sums")
        for form in (b"  %b\n", b"  ./%b\n"):
            at = digests.find(form % raw[1:])
            if at >= 32:
                return digests[at - 32 : at].decode(errors="replace")
        for paragraph in self._paragraphs():
            if b"\n " + raw + b" " in paragraph and b"Package: %b\n" % os.fsencode(_name(key)) in paragraph:
                return next((d.decode() for path, d in _CONFFILE.findall(paragraph) if path == raw), "")
        return ""

    def script_of(self, path: bytes) -> str | None:
        """The package whose maintainer script lies at `path`; empty: one that is being unpacked; None: it is none."""
        folder, _, name = path.rpartition(b"/")
        if folder == self._admin + b"/tmp.ci":
            return ""
        stem, _, kind = name.rpartition(b".")
        return _name(os.fsdecode(stem)) if folder == self._info and kind in _SCRIPTS else None

    def _diversions(self) -> _Diversions:
        try:
            with open(self._admin + b"/diversions", "rb") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            return {}
        return {lines[i]: (lines[i + 1], lines[i + 2].decode()) for i in range(0, len(lines) - 2, 3)}

    def _read(self, key: str, what: str) -> bytes:
        try:
            with open(b"%b/%b.%b" % (self._info, os.fsencode(key), what.encode()), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""
