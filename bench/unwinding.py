"""What it costs to see what an exec was made to run."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from bench.builds import native_program
from bench.corpus import Definition
from bench.matching import Figures, run_program
from sensor.compiler.grammar import shipped_grammars


def unwinding(definition: Definition) -> Figures:
    """ns, instructions (where the machine counts them for its guests) and names in the chain, of each command line of
    the definition."""
    commands = [shlex.split(command) for command in definition["commands"].values()]
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        grammars, lines = Path(folder) / "grammars", Path(folder) / "commands"
        grammars.write_bytes(shipped_grammars())
        lines.write_bytes(b"".join("\0".join([*command, "", ""]).encode() for command in commands))
        found = run_program([native_program("unwind"), grammars, lines, str(definition["seconds"])])
    figures: Figures = {}
    for name, (ns, instructions, depth) in zip(definition["commands"], found["execs"], strict=True):
        figures[f"{name}.ns"] = ns
        figures[f"{name}.chain"] = depth
        if instructions is not None:
            figures[f"{name}.instructions"] = instructions
    return figures
