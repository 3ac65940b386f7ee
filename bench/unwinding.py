"""What it costs to see what an exec was made to run."""

from __future__ import annotations

import shlex
import tempfile
from pathlib import Path

from bench.builds import native_program
from bench.corpus import Definition
from bench.matching import Figures, run_program
from sensor.compiler.grammar import shipped_grammars, shipped_win_grammars


def _figures(definition: Definition, program: str, grammars: bytes, starts: bytes) -> Figures:
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        paths = Path(folder) / "grammars", Path(folder) / "starts"
        for path, content in zip(paths, (grammars, starts), strict=True):
            path.write_bytes(content)
        found = run_program([native_program(program), *paths, str(definition["seconds"])])
    figures: Figures = {}
    for name, (ns, instructions, depth) in zip(definition["commands"], found["execs"], strict=True):
        figures[f"{name}.ns"] = ns
        figures[f"{name}.chain"] = depth
        if instructions is not None:
            figures[f"{name}.instructions"] = instructions
    return figures


def unwinding(definition: Definition) -> Figures:
    """ns, instructions (where the machine counts them for its guests) and names in the chain, of each command line of
    the definition."""
    commands = [shlex.split(command) for command in definition["commands"].values()]
    starts = b"".join("\0".join([*command, "", ""]).encode() for command in commands)
    return _figures(definition, "unwind", shipped_grammars(), starts)


def unwinding_windows(definition: Definition) -> Figures:
    """The same of processes of Windows: [image's name, command line, parent's name, parent's command line]."""
    starts = b"".join(
        "\0".join([f"C:\\Windows\\{image}", image, line, f"C:\\Windows\\{parent}", parent_line, ""]).encode()
        for image, line, parent, parent_line in definition["commands"].values()
    )
    return _figures(definition, "unwind_windows", shipped_win_grammars(), starts)
