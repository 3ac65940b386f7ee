"""Compiled rules, kept from one start to the next.

rules-CONTENT.bin   adler32 of the rest | meta: a line of JSON | a line of JSON a rule | lines for alerts | rule table
seen-STATUS         CONTENT, of files that have this status: spares reading thousands of files to find out that
                    nothing changed

A cache decides what is seen: what others may write there, or what is damaged, is as good as not there.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.util
import itertools
import json
import marshal
import os
import stat
import sys
import time
import zlib
from _blake2 import blake2b  # hashlib is this and OpenSSL: 3.6 MiB of the sensor's memory
from collections.abc import Sequence
from functools import cached_property
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, NamedTuple

from sensor.paths import GRAMMARS
from sensor.rule_files import Found, Reading, found_files
from sensor.system import OPEN_FLAGS, is_ours

Buffer = bytes | memoryview
_KEPT = 4  # of each kind
_SUM = 4
_BYTES_ALONE = 2  # marshal's version without references, which would tell equal lists apart
_WRITTEN_S = 600  # in which any file is written
_SETTLED_NS = 3_000_000_000  # coarser than the time stamps of any file system
_HERE = os.path.dirname(__file__)


def _ending(folder: str, suffix: str) -> list[str]:
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(suffix)]


# What makes that which is kept: another version makes it anew.
_MAKERS = [
    os.path.join(_HERE, f"{name}.py") for name in ("alert", "encode", "loaded_rules", "rule_cache", "rule_compiler")
]
_MAKERS += _ending(os.path.join(_HERE, "compiler"), ".py") + _ending(str(GRAMMARS), ".yml")
_EXTENSIONS = [os.path.join(_HERE, f"_native{end}") for end in EXTENSION_SUFFIXES]
_MAKERS += filter(os.path.exists, _EXTENSIONS)  # fields have numbers


class Compiled(NamedTuple):
    """What a compiler made: `meta` of all, `count` rules as lines of JSON in the table's order, alert.rule_lines of
    them, and the table."""

    meta: dict[str, Any]
    count: int  # type: ignore[assignment]  # hides a method of tuples
    rules: Buffer
    lines: tuple[bytes, bytes]
    table: Buffer

    def pack(self) -> bytes:
        """As bytes; `unpack` takes them."""
        parts = [self.rules, *self.lines, self.table]
        head = {"count": self.count, "parts": [len(each) for each in parts], **self.meta}
        body = b"".join([json.dumps(head).encode(), b"\n", *parts])
        return zlib.adler32(body).to_bytes(_SUM, "little") + body


def unpack(content: bytes) -> Compiled | None:
    """The other way, the largest parts where they lie; None for bytes that are damaged."""
    if int.from_bytes(content[:_SUM], "little") != zlib.adler32(memoryview(content)[_SUM:]):
        return None
    try:
        end = content.index(b"\n", _SUM)
        meta = json.loads(content[_SUM:end])
        count, sizes = meta.pop("count"), meta.pop("parts")
        at = itertools.accumulate(sizes, initial=end + 1)
        rules, lines, levels, table = (memoryview(content)[a:b] for a, b in itertools.pairwise(at))
    except (ValueError, KeyError, TypeError):  # an empty or foreign file
        return None
    return Compiled(meta, count, rules, (bytes(lines), bytes(levels)), table)


class RuleCache:
    """The cache in `folder` for the rules of `paths`, read by `reading`. InputError: as found_files."""

    def __init__(self, folder: Path, paths: Sequence[Path], reading: Reading) -> None:
        self._folder = folder
        self._paths = paths
        self._reading = reading
        self._looked = time.time_ns()
        self._files = [*found_files(paths), *_pipeline_files(reading)]

    def _status_key(self) -> str:
        digest = blake2b(digest_size=16)
        parser = importlib.util.find_spec("sigma.rule")
        own = [*_MAKERS, *([parser.origin] if parser and parser.origin else [])]
        seen = [
            (path, status and (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
            for path, status in [*self._files, *_statuses(own)]
        ]
        digest.update(marshal.dumps(seen, _BYTES_ALONE))
        digest.update(f"{sys.version}\0{_shown(self._reading)}".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def content_key(self) -> str:
        """Hash of all that decides what the rules are compiled to: names and contents, settings, compiler, pySigma."""
        digest = blake2b(digest_size=16)
        for path, status in [*_statuses(_MAKERS), *self._files]:
            content = b""
            if status and stat.S_ISREG(status.st_mode):
                try:
                    with open(path, "rb", buffering=0) as file:
                        content = file.read()
                except OSError as error:
                    content = (error.strerror or "").encode()  # the compiler says which file it cannot read
            digest.update(f"\0{path}\0{len(content)}\0".encode(errors="surrogateescape") + content)
        versions = _versions_of_sigma()
        digest.update(f"{sys.version}\0{versions}\0{_shown(self._reading)}".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def by_status(self) -> Compiled | None:
        """What was compiled of files that have the status of these."""
        key = _read(self._folder / f"seen-{self._status_key()}")
        return self.by_content(key.decode("ascii", "replace")) if key else None

    def by_content(self, key: str) -> Compiled | None:
        """What was compiled of the same content."""
        content = _read(self._folder / f"rules-{key}.bin")
        return unpack(content) if content else None

    def keep(self, key: str, content: bytes) -> None:
        """Writes what was compiled, unless the files are others by now. OSError: it cannot be kept there."""
        if self._at_rest or self.content_key() == key:
            _write(self._folder / f"rules-{key}.bin", content)

    def remember(self, key: str) -> None:
        """Notes the content that belongs to the files' status, unless their time stamps might not show a change.
        OSError: it cannot be kept there."""
        if self._at_rest and not self._by_name():
            _write(self._folder / f"seen-{self._status_key()}", key.encode())

    @cached_property
    def _at_rest(self) -> bool:
        """Whether the files were not changed lately, nor since they were looked at first."""
        latest = max((max(s.st_mtime_ns, s.st_ctime_ns) for _, s in self._files if s), default=0)
        if latest >= self._looked - _SETTLED_NS:
            return False
        return RuleCache(self._folder, self._paths, self._reading)._status_key() == self._status_key()

    def _by_name(self) -> bool:
        """Whether a pipeline is one of those that are installed: which has no file of its own to look at."""
        return any(not os.path.exists(spec) for spec in self._reading.pipelines)


def _shown(reading: Reading) -> str:
    expand = {name: list(values) for name, values in sorted(reading.expand.items())}
    return json.dumps([list(reading.pipelines), expand])


def _pipeline_files(reading: Reading) -> list[Found]:
    files: list[str] = []
    for spec in reading.pipelines:
        files += sorted(map(str, Path(spec).rglob("*.yml"))) if os.path.isdir(spec) else [spec]
    return _statuses(files)


def _versions_of_sigma() -> list[str]:
    """pySigma, and what is installed of its backends and pipelines."""
    from importlib.metadata import distributions  # noqa: PLC0415 - slow, and not needed where nothing changed

    return sorted(f"{d.name} {d.version}" for d in distributions() if (d.name or "").lower().startswith("pysigma"))


def _statuses(paths: Sequence[str]) -> list[Found]:
    found: list[Found] = []
    for path in paths:
        try:
            found.append((path, os.stat(path)))
        except OSError:
            found.append((path, None))
    return found


def _read(file: Path) -> bytes | None:
    """None: not there, or others than this user may have written it."""
    try:
        with file.open("rb") as opened:
            for status in (os.fstat(opened.fileno()), os.stat(file.parent)):
                if not is_ours(status):
                    return None
            return opened.read()
    except OSError:
        return None


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all. OSError: it cannot be written, or would not be trusted there."""
    folder = file.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_ours(folder.stat()):
        raise PermissionError(errno.EPERM, "others may write there", str(folder))
    temporary = folder / f".{file.name}.{os.getpid()}"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OPEN_FLAGS, 0o600), "wb") as opened:
            opened.write(content)
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _throw_away(folder, file.name.partition("-")[0])


def _throw_away(folder: Path, kind: str) -> None:
    """All of a kind but the latest, and what a writer that was killed left behind."""
    with contextlib.suppress(OSError):  # another process may do the same
        for old in sorted(folder.glob(f"{kind}-*"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)
        for left in folder.glob(f".{kind}-*"):
            if left.stat().st_mtime < time.time() - _WRITTEN_S:
                left.unlink(missing_ok=True)
