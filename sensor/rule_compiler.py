"""The child of sensor/loaded_rules.py: compiled rules onto standard output, from a cache or by compiling.

cache file = sha256 of the rest | meta: one line of JSON (rules, fields, faults) | rule table
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sensor.errors import LinsangError, Unsupported
from sensor.loaded_rules import FAILED, FAULT, INFO
from sensor.progress import Progress

_KEPT = 4
_SUFFIXES = (".yml", ".yaml")
_DIGEST = 32


def _files(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        if not path.exists():
            raise LinsangError(f"{path}: no such rule file or folder", "give --rules a folder of Sigma rules")
        found += sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES) if path.is_dir() else [path]
    return found


def cache_key(paths: Sequence[Path]) -> str:
    """Hash of the rules' names and contents, the compiler and pySigma's age. LinsangError for a path that is not
    there."""
    digest = hashlib.blake2b(digest_size=16)
    parser = importlib.util.find_spec("sigma")
    stamp = os.stat(parser.origin).st_mtime_ns if parser and parser.origin else 0
    digest.update(f"{stamp} {sys.version}".encode())
    here = Path(__file__)
    for file in [here, *sorted((here.parent / "compiler").glob("*.py")), *_files(paths)]:
        try:
            content = file.read_bytes()
        except OSError as error:
            content = (error.strerror or "").encode()  # the compiler says which file it cannot read
        digest.update(f"\0{file}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return digest.hexdigest()


def from_cache(file: Path) -> bytes | None:
    """Meta and table. None when it is not there, damaged, or others than the user may write there: it decides what is
    seen."""
    try:
        with file.open("rb") as opened:
            for status in (os.fstat(opened.fileno()), file.parent.stat()):
                if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                    return None
            content = opened.read()
    except OSError:
        return None
    return content[_DIGEST:] if hashlib.sha256(content[_DIGEST:]).digest() == content[:_DIGEST] else None


def to_cache(file: Path, content: bytes) -> None:
    """Whole or not at all; a cache that cannot be written is none."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=file.parent, prefix=".rules-", delete=False) as temporary:
            temporary.write(hashlib.sha256(content).digest() + content)
        Path(temporary.name).rename(file)
        for old in sorted(file.parent.glob("rules-*.bin"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)


def compiled(paths: Sequence[Path]) -> bytes:
    """Meta and table, by compiling. Unsupported without pySigma."""
    try:
        from sensor.compiler import compile_table, load_rules  # noqa: PLC0415 - not needed when the cache has it
    except ImportError as error:
        raise Unsupported(f"compiling rules without {error.name}", "pip install 'linsang[rules]'") from None
    with Progress("compiling rules") as progress:
        ruleset = load_rules(paths, lambda done, total: progress.update(done, total=total))
        made = compile_table(ruleset)
    meta = {
        "rules": [{name: getattr(rule, name) for name in INFO} for rule in made.rules],
        "fields": made.fields,
        "faults": [{name: getattr(fault, name) for name in FAULT} for fault in ruleset.faults],
    }
    return json.dumps(meta).encode() + b"\n" + made.bytes


def main(cache_dir: Path, paths: Sequence[Path]) -> int:
    """Writes meta and table to standard output; FAILED and the reason as JSON when there are none."""
    try:
        key = cache_key(paths)
        file = cache_dir / f"rules-{key}.bin"
        content = from_cache(file)
        if content is None:
            content = compiled(paths)
            if cache_key(paths) == key:  # nobody changed the rules meanwhile
                to_cache(file, content)
    except LinsangError as error:
        sys.stdout.write(json.dumps({"reason": str(error)}))
        return FAILED
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), [Path(p) for p in sys.argv[2:]]))
