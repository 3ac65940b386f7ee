"""The seeds of the fuzzers of unwinding: the rows of tests/rows, each with the grammars of the programs that it names,
as unwind_input.h has them."""

from __future__ import annotations

import re
import shlex
import struct
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sensor.compiler.grammar import compile_grammars
from sensor.paths import GRAMMARS

ROWS = Path(__file__).parents[1] / "rows"
FILES = {"unwind": ("unwind.tsv",), "unwind_windows": ("unwind_windows.tsv", "red_team_windows.tsv")}


@cache
def _specs(windows: bool) -> dict[str, dict[str, Any]]:
    """By each name of a program, what the shipped grammars say of it under its first."""
    named = {}
    for path in sorted(GRAMMARS.glob("*.grammar.yml")):
        if path.name.startswith("windows") == windows:
            for own, spec in yaml.load(path.read_bytes(), yaml.CSafeLoader).items():
                named |= {str(name): {own: spec} for name in (own, *spec.get("names", ()))}
    return named


@cache
def _grammars(programs: frozenset[str], windows: bool) -> bytes:
    specs = {own: spec for name in sorted(programs) for own, spec in _specs(windows)[name].items()}
    with tempfile.TemporaryDirectory() as folder:
        name = "windows.grammar.yml" if windows else "programs.grammar.yml"
        Path(folder, name).write_text(yaml.dump(specs, Dumper=yaml.CSafeDumper, allow_unicode=True), "utf-8")
        return compile_grammars(Path(folder), windows=windows)


def _texts(line: str, before: str, windows: bool) -> list[str]:
    """Of the start of a row's command; `before`: that of the row before, as its parent's."""
    if not windows:
        argv = shlex.split(line)
        return [f"/usr/bin/{argv[0].rpartition('/')[2]}", *argv]
    image, parent = (text.partition(" ")[0].strip('"') for text in (line, before))
    return [image, "", line, parent, before]


def seeds(name: str) -> Iterator[bytes]:
    """Of the fuzzer fuzz_NAME, a key of FILES."""
    windows, before = name == "unwind_windows", ""
    for file in FILES[name]:
        for row in (ROWS / file).read_text("utf-8").splitlines():
            if row.startswith("#"):
                continue
            line = row.partition("\t")[0]
            texts = _texts(line, before, windows)
            words = re.findall(r"[\w.+-]+", " ".join(texts).lower())
            programs = {part for word in words for part in (word, word.removesuffix(".exe"))} & _specs(windows).keys()
            grammars = _grammars(frozenset(programs), windows)
            yield struct.pack("<I", len(grammars)) + grammars + b"".join(f"{t}\0".encode() for t in texts)
            before = line
