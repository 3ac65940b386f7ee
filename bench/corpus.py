"""The rules and events that nobody here wrote, from the folder LINSANG_CORPUS, as a definition names them.

rules      folders of the corpus; `tagged` keeps the rules with one of these tags, `product` those of that product
events     JSON lines of the corpus, plain or .gz, or package_build.NAME
logsource  product, category, service of all events; without it each line says its own
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench import package_build
from bench.builds import BUILT, ROOT, NoCorpus
from sensor.loaded_rules import LoadedRules, load

CACHE = BUILT / "cache"
Definition = dict[str, Any]
Hits = set[tuple[int, str]]  # (event, rule id)


def folder() -> Path:
    """The corpus, or where a checkout beside it has it. NoCorpus without one."""
    named = os.environ.get("LINSANG_CORPUS")
    found = Path(named) if named else ROOT.parent / "shared" / "corpus"
    if not found.is_dir():
        raise NoCorpus("LINSANG_CORPUS is not set to a folder with rules and events")
    return found


def _has(text: str, key: str, values: Iterable[str]) -> bool:
    return any(re.search(rf"^\s*{key}\s*{re.escape(value)}\b", text, re.M | re.I) for value in values)


def rule_files(definition: Definition) -> list[Path]:
    """The definition's rules, by name."""
    files = [file for part in definition["rules"] for file in sorted((folder() / part).rglob("*.yml"))]
    if tags := definition.get("tagged"):
        files = [file for file in files if _has(file.read_text(), "-", tags)]
    if product := definition.get("product"):
        files = [file for file in files if _has(file.read_text(), "product:", [product])]
    return files


def rule_folder(definition: Definition) -> Path:
    """A folder with a copy of each of them, for programs that take folders; the same files for all."""
    files = rule_files(definition)
    state = repr([(str(file), file.stat().st_mtime_ns) for file in files])
    name = f"{len(files)}-{zlib.crc32(state.encode()):08x}"
    made = BUILT / "rules" / name
    if not made.exists():
        partial = made.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for number, file in enumerate(files):
            shutil.copyfile(file, partial / f"{number:05}-{file.name}")
        partial.rename(made)
    return made


def compiled(rules: Path) -> tuple[Path, LoadedRules]:
    """A folder of rules as table file and as loaded."""
    loaded = load([rules], CACHE / rules.name)
    table = BUILT / f"{rules.name}.table"
    table.write_bytes(loaded.table)
    return table, loaded


@functools.cache
def events(name: str) -> Path:
    """JSON lines or a recording, unpacked."""
    if name == package_build.NAME:
        return package_build.recording()
    packed = folder() / name
    if packed.suffix != ".gz":
        return packed
    BUILT.mkdir(parents=True, exist_ok=True)
    plain = BUILT / packed.stem
    with gzip.open(packed) as source, plain.open("wb") as target:
        shutil.copyfileobj(source, target)
    return plain


@functools.cache
def flat_events(name: str, times: int) -> Path:
    """The events themselves one a line, without what is around them, so many times over: what every engine reads."""
    flat = BUILT / f"{Path(name).name}.{times}.flat"
    lines = []
    with events(name).open(encoding="utf-8") as source:
        for line in source:
            event = json.loads(line)
            lines.append(json.dumps(event.get("event", event), ensure_ascii=False) + "\n")
    flat.write_text("".join(lines) * times, encoding="utf-8")
    return flat


def crc(hits: Hits) -> int:
    """One number that differs when the hits do."""
    return zlib.crc32("".join(f"{event} {rule}\n" for event, rule in sorted(hits)).encode())


def expected(name: str) -> Hits:
    """The hits of a file of the corpus: event, tab, rule id."""
    rows = (line.split("\t") for line in (folder() / name).read_text().splitlines())
    return {(int(event), rule) for event, rule in rows}
