"""Gives seeds/unwind and seeds/unwind_windows the grammars of now: those of the programs that the seeds' texts name.

python tests/native/unwind_seeds.py
"""

from __future__ import annotations

import re
import struct
import tempfile
from pathlib import Path
from typing import Any

import yaml

from sensor.compiler.grammar import compile_grammars
from sensor.paths import GRAMMARS

SEEDS = Path(__file__).parent / "seeds"


def grammars_of(words: set[str], windows: bool) -> bytes:
    """Of the programs with one of these names. What a file's aliases stand for is written out."""
    named: dict[str, Any] = {}
    for path in sorted(GRAMMARS.glob("*.grammar.yml")):
        if path.name.startswith("windows") == windows:
            document = yaml.safe_load(path.read_bytes())
            named |= {own: spec for own, spec in document.items() if words & {own, *map(str, spec.get("names", ()))}}
    with tempfile.TemporaryDirectory() as folder:
        name = "windows.grammar.yml" if windows else "programs.grammar.yml"
        Path(folder, name).write_text(yaml.safe_dump(named, allow_unicode=True), "utf-8")
        return compile_grammars(Path(folder), windows=windows)


def main() -> None:
    """Writes each seed anew, its texts as they are."""
    for name, windows in (("unwind", False), ("unwind_windows", True)):
        texts = {}
        for path in sorted((SEEDS / name).iterdir()):
            content = path.read_bytes()
            texts[path] = content[4 + struct.unpack_from("<I", content)[0] :]
        words = set(re.findall(r"[\w.+-]+", b"\n".join(texts.values()).decode("utf-8", "replace").lower()))
        grammars = grammars_of(words | {word.rpartition(".")[0] for word in words}, windows)
        for path, text in texts.items():
            path.write_bytes(struct.pack("<I", len(grammars)) + grammars + text)


if __name__ == "__main__":
    main()
