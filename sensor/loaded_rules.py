"""Compiled rules without the compiler: from the cache, else from a child process that compiles them.

Neither pySigma nor its parser comes into the daemon: it would be most of its memory.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, overload

from sensor.errors import LinsangError, RuleError
from sensor.interruption import held
from sensor.rule_cache import Buffer, Compiled, RuleCache, unpack
from sensor.rule_files import Reading
from sensor.system import child_flags

INFO = ("id", "title", "level", "tags", "author", "description", "references", "falsepositives")
FAULT = ("path", "line", "rule_id", "reason", "remedy")
FAILED = 3  # the child's exit code when it says why


class RuleText(NamedTuple):
    """What an alert says of a rule."""

    id: str
    title: str
    level: str
    tags: tuple[str, ...]
    author: str
    description: str
    references: tuple[str, ...]
    falsepositives: tuple[str, ...]


class RuleTexts(Sequence[RuleText]):
    """What alerts say of rules, in the table's order: `count` lines, kept as they are stored since few rules fire."""

    def __init__(self, count: int, lines: Buffer) -> None:
        self._count = count
        self._stored = lines

    def __len__(self) -> int:
        return self._count

    @cached_property
    def _lines(self) -> list[bytes]:
        return bytes(self._stored).splitlines()

    @overload
    def __getitem__(self, number: int) -> RuleText: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[RuleText]: ...
    def __getitem__(self, number: int | slice) -> RuleText | Sequence[RuleText]:
        if isinstance(number, slice):
            return [self[each] for each in range(self._count)[number]]
        values: list[Any] = [tuple(v) if isinstance(v, list) else v for v in json.loads(self._lines[number])]
        return RuleText(*values)


class LoadedRules(NamedTuple):
    """`table` for native.Rules; `rules`, `fields` and `lines` (those of alert.rule_lines) in its order; `faults`: what
    was refused."""

    table: Buffer
    lines: tuple[bytes, bytes]
    rules: Sequence[RuleText]
    fields: tuple[str, ...]
    faults: tuple[RuleError, ...]


def load(paths: Sequence[Path], cache_dir: Path, reading: Reading | None = None) -> LoadedRules:
    """The rules of files and folders, compiled. `cache_dir` keeps them from one start to the next.

    LinsangError for a path that is not there, a pipeline that cannot be used or a compiler that failed; refused rules
    are in `faults`.
    """
    reading = reading or Reading()
    made = RuleCache(cache_dir, paths, reading).by_status() or _from_child(paths, cache_dir, reading)
    faults = tuple(RuleError(**fault) for fault in made.meta["faults"])
    return LoadedRules(made.table, made.lines, RuleTexts(made.count, made.rules), tuple(made.meta["fields"]), faults)


def _from_child(paths: Sequence[Path], cache_dir: Path, reading: Reading) -> Compiled:
    import subprocess  # noqa: PLC0415 - slow, and not needed where the cache has them

    asked = {
        "cache": str(cache_dir),
        "paths": list(map(str, paths)),
        "pipelines": list(reading.pipelines),
        "expand": {name: list(values) for name, values in reading.expand.items()},
    }
    command = [sys.executable, "-P", "-m", "sensor.rule_compiler"]
    with held():
        flags = child_flags()
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags)
    with child:
        try:
            content, _ = child.communicate(json.dumps(asked).encode())
        except BaseException:
            child.kill()
            raise
    if child.returncode == FAILED:
        raise LinsangError(**json.loads(content))
    made = unpack(content) if child.returncode == 0 else None
    if made is None:
        raise LinsangError(f"the rule compiler ended with status {child.returncode}", "try `linsang rules check`")
    return made
