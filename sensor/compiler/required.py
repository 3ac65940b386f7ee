"""Literals of which one stands in every text that a regular expression finds anything in."""

import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from functools import cache
from re import IGNORECASE
from typing import Any

from sensor.compiler.charset import ignore_case
from sensor.compiler.fold import fold, fold_char

Literals = tuple[str, ...]


def required(pattern: str, flags: int) -> Literals | None:
    """Folded literals, of which the folded text has one; None: there are none. The longest alternative is chosen."""
    tree = parser.parse(pattern, flags)
    return _sequence(tree, tree.state.flags)


def _worth(found: Literals) -> int:
    return min(len(text) for text in found)


def _sequence(items: Any, flags: int) -> Literals | None:
    """Of a sequence every part is required: the part whose shortest literal is the longest."""
    found: list[Literals] = []
    run = ""
    for kind, value in [*items, (None, None)]:
        if kind is op.LITERAL and _folds(value, flags):
            run += fold(chr(value))
            continue
        if run:
            found.append((run,))
            run = ""
        part = _part(kind, value, flags)
        if part is not None:
            found.append(part)
    return max(found, key=_worth, default=None)


def _part(kind: Any, value: Any, flags: int) -> Literals | None:
    if kind is op.SUBPATTERN:
        _, add, remove, inner = value
        return _sequence(inner, (flags | add) & ~remove)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        low, _, inner = value
        return _sequence(inner, flags) if low else None
    if kind is op.BRANCH:
        branches = [_sequence(branch, flags) for branch in value[1]]
        if all(branch is not None for branch in branches):
            return tuple(dict.fromkeys(text for branch in branches if branch for text in branch))
    return None


@cache
def _folds(code: int, flags: int) -> bool:
    """Whether all characters that the literal stands for fold to one."""
    if not flags & IGNORECASE:
        return True
    folded = fold_char(chr(code))
    alike = (c for low, high in ignore_case(((code, code),)) for c in range(low, high + 1))
    return all(fold_char(chr(c)) == folded for c in alike)
