"""Compiled rules without the compiler: from a cache, else from a child process that compiles and fills it.

pySigma and its parser stay out of the daemon: they would be most of its memory. The child is this module's main().

    file = sha256 of the rest | length of meta (8 bytes) | meta (JSON: rules, fields, faults) | rule table
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sensor.errors import LinsangError, RuleError, Unsupported
from sensor.progress import Progress

_KEPT = 4
_SUFFIXES = (".yml", ".yaml")
_DIGEST = 32
_INFO = ("id", "title", "level", "tags", "author", "description", "references", "falsepositives")


@dataclass(frozen=True)
class RuleText:
    """What an alert says of a rule."""

    id: str
    title: str
    level: str
    tags: tuple[str, ...]
    author: str
    description: str
    references: tuple[str, ...]
    falsepositives: tuple[str, ...]


@dataclass(frozen=True)
class LoadedRules:
    """`table` for native.Rules; `rules` and `fields` in its order; `faults`: what was refused. `cached`: no compiler
    ran."""

    table: bytes
    rules: tuple[RuleText, ...]
    fields: tuple[str, ...]
    faults: tuple[RuleError, ...]
    cached: bool = False


def _text(rule: Mapping[str, Any]) -> RuleText:
    values: list[Any] = [rule[n] if isinstance(rule[n], str) else tuple(rule[n]) for n in _INFO]
    return RuleText(*values)


def to_bytes(compiled: LoadedRules) -> bytes:
    """The content of a cache file."""
    faults = [
        {name: getattr(f, name) for name in ("path", "line", "rule_id", "reason", "remedy")} for f in compiled.faults
    ]
    meta = json.dumps(
        {"rules": [asdict(r) for r in compiled.rules], "fields": compiled.fields, "faults": faults}
    ).encode()
    rest = len(meta).to_bytes(8, "little") + meta + compiled.table
    return hashlib.sha256(rest).digest() + rest


def from_bytes(content: bytes) -> LoadedRules:
    """Reverses to_bytes. ValueError when it is damaged."""
    rest = content[_DIGEST:]
    if hashlib.sha256(rest).digest() != content[:_DIGEST]:
        raise ValueError("checksum")
    end = 8 + int.from_bytes(rest[:8], "little")
    meta = json.loads(rest[8:end])
    rules = tuple(_text(rule) for rule in meta["rules"])
    return LoadedRules(rest[end:], rules, tuple(meta["fields"]), tuple(RuleError(**f) for f in meta["faults"]), True)


def _files(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        if not path.exists():
            raise LinsangError(f"{path}: no such rule file or folder", "give --rules a folder of Sigma rules")
        inside = (
            sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES and p.is_file()) if path.is_dir() else [path]
        )
        found += inside
    return found


def _compiler_files() -> list[Path]:
    return [Path(__file__), *sorted((Path(__file__).parent / "compiler").glob("*.py"))]


def cache_key(paths: Sequence[Path]) -> str:
    """Hash of the rules' names and contents, the compiler and pySigma's age. LinsangError for a path that is not
    there."""
    digest = hashlib.blake2b(digest_size=16)
    parser = importlib.util.find_spec("sigma")
    stamp = os.stat(parser.origin).st_mtime_ns if parser and parser.origin else 0
    digest.update(f"{stamp} {sys.version}".encode())
    for file in [*_compiler_files(), *_files(paths)]:
        try:
            content = file.read_bytes()
        except OSError as error:
            content = (error.strerror or "").encode()  # the compiler says which file it cannot read
        digest.update(f"\0{file}\0{len(content)}\0".encode(errors="surrogateescape") + content)
    return digest.hexdigest()


def _load(file: Path) -> LoadedRules | None:
    """None when it is not there, damaged, or others than the user may write there: it decides what is seen."""
    try:
        with file.open("rb") as opened:
            for status in (os.fstat(opened.fileno()), file.parent.stat()):
                if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                    return None
            return from_bytes(opened.read())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _store(file: Path, content: bytes) -> None:
    """Whole or not at all; a cache that cannot be written is none."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=file.parent, prefix=".rules-", delete=False) as temporary:
            temporary.write(content)
        Path(temporary.name).rename(file)
        for old in sorted(file.parent.glob("rules-*.bin"), key=lambda p: p.stat().st_mtime)[:-_KEPT]:
            old.unlink(missing_ok=True)


def compiled_rules(paths: Sequence[Path], cache_dir: Path) -> LoadedRules:
    """The rules of files and folders, compiled. `cache_dir` keeps them from one start to the next.

    LinsangError for a path that is not there or a compiler that failed; refused rules are in `faults`.
    """
    file = cache_dir / f"rules-{cache_key(paths)}.bin"
    found = _load(file)
    if found is not None:
        return found
    child = subprocess.run(
        [sys.executable, "-P", "-m", "sensor.rule_cache", file, *paths], stdout=subprocess.PIPE, check=False
    )
    if child.returncode == 1:
        raise LinsangError(**json.loads(child.stdout))
    if child.returncode:
        raise LinsangError(f"the rule compiler ended with status {child.returncode}", "try `linsang rules check`")
    return from_bytes(child.stdout)


# ---- the child ----


def compile_rules(paths: Sequence[Path]) -> LoadedRules:
    """Compiles in this process. Unsupported without pySigma."""
    from sensor.compiler import compile_table, load_rules  # noqa: PLC0415 - what the daemon does without

    with Progress("compiling rules") as progress:
        ruleset = load_rules(paths, lambda done, total: progress.update(done, total=total))
        made = compile_table(ruleset)
    rules = tuple(_text(vars(rule)) for rule in made.rules)
    return LoadedRules(made.bytes, rules, tuple(made.fields), tuple(ruleset.faults))


def main(file: Path, paths: Sequence[Path]) -> int:
    """Compiles `paths` into the cache's `file` and onto standard output; 1 and an error there when it cannot."""
    try:
        try:
            content = to_bytes(compile_rules(paths))
        except ImportError as error:
            remedy = "pip install 'linsang[rules]'"
            raise Unsupported(f"compiling rules without {error.name}", remedy) from None
    except LinsangError as error:
        sys.stdout.write(json.dumps({"reason": str(error)}))
        return 1
    if file.stem == f"rules-{cache_key(paths)}":  # nobody changed the rules meanwhile
        _store(file, content)
    sys.stdout.buffer.write(content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), [Path(p) for p in sys.argv[2:]]))
