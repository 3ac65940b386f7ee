"""Compiled rules without the compiler: a child process brings them, from its cache or by compiling.

Neither pySigma and its parser nor what the cache needs stays in the daemon: it would be most of its memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensor.errors import LinsangError, RuleError

INFO = ("id", "title", "level", "tags", "author", "description", "references", "falsepositives")
FAULT = ("path", "line", "rule_id", "reason", "remedy")
FAILED = 3  # the child's exit code when it says why


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
    """`table` for native.Rules; `rules` and `fields` in its order; `faults`: what was refused."""

    table: bytes
    rules: tuple[RuleText, ...]
    fields: tuple[str, ...]
    faults: tuple[RuleError, ...]


def _text(rule: Mapping[str, Any]) -> RuleText:
    values: list[Any] = [rule[n] if isinstance(rule[n], str) else tuple(rule[n]) for n in INFO]
    return RuleText(*values)


def load(paths: Sequence[Path], cache_dir: Path) -> LoadedRules:
    """The rules of files and folders, compiled. `cache_dir` keeps them from one start to the next.

    LinsangError for a path that is not there or a compiler that failed; refused rules are in `faults`.
    """
    command = [sys.executable, "-P", "-m", "sensor.rule_compiler", str(cache_dir), *map(str, paths)]
    child = subprocess.run(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, check=False)
    if child.returncode == FAILED:
        raise LinsangError(json.loads(child.stdout)["reason"])
    if child.returncode:
        raise LinsangError(f"the rule compiler ended with status {child.returncode}", "try `linsang rules check`")
    head, _, table = child.stdout.partition(b"\n")
    meta = json.loads(head)
    return LoadedRules(
        table,
        tuple(_text(rule) for rule in meta["rules"]),
        tuple(meta["fields"]),
        tuple(RuleError(**fault) for fault in meta["faults"]),
    )
