"""Literals of which one stands in every text that a regular expression finds anything in."""

import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from functools import cache
from re import IGNORECASE
from typing import Any

from sensor.compiler.charset import ignore_case
from sensor.compiler.fold import fold, fold_char

Literals = tuple[str, ...]


_SPELLINGS_MAX = 8  # of a part whose literals are joined with those before it


def required(pattern: str, flags: int) -> Literals | None:
    """Folded literals, of which the folded text has one; None: there are none. The longest alternative is chosen."""
    tree = parser.parse(pattern, flags)
    return _sequence(tree, tree.state.flags)


def _worth(found: Literals) -> tuple[int, int]:
    return min(len(text) for text in found), -len(found)


def _sequence(items: Any, flags: int) -> Literals | None:
    """Of a sequence every part is required: the part whose shortest literal is the longest."""
    found: list[Literals] = []
    run: Literals = ("",)
    for kind, value in [*items, (None, None)]:
        spelled = _spellings(kind, value, flags)
        if spelled is not None and len(run) * len(spelled) <= _SPELLINGS_MAX:
            run = tuple(dict.fromkeys(before + text for before in run for text in spelled))
            continue
        found.append(run)
        run = spelled if spelled is not None else ("",)
        part = _part(kind, value, flags)
        if part is not None:
            found.append(part)
    found.append(run)
    return max((texts for texts in found if all(texts)), key=_worth, default=None)


def _spellings(kind: Any, value: Any, flags: int) -> Literals | None:
    """All that the part can be, folded; None: too much."""
    spelled: Literals | None = None
    if kind is op.LITERAL and _folds(value, flags):
        spelled = (fold(chr(value)),)
    elif kind is op.IN and all(inner is op.LITERAL and _folds(char, flags) for inner, char in value):
        spelled = tuple(fold(chr(char)) for _, char in value)
    elif kind is op.SUBPATTERN:
        _, add, remove, inner = value
        spelled = _spelled(inner, (flags | add) & ~remove)
    elif kind is op.BRANCH:
        branches = [_spelled(branch, flags) for branch in value[1]]
        if all(branch is not None for branch in branches):
            spelled = tuple(text for branch in branches for text in branch or ())
    elif kind in (op.MAX_REPEAT, op.MIN_REPEAT) and value[0] == value[1] == 1:
        spelled = _spelled(value[2], flags)
    return spelled if spelled is not None and len(set(spelled)) <= _SPELLINGS_MAX else None


def _spelled(items: Any, flags: int) -> Literals | None:
    """The same of a sequence."""
    whole: Literals = ("",)
    for kind, value in items:
        spelled = _spellings(kind, value, flags)
        if spelled is None or len(whole) * len(spelled) > _SPELLINGS_MAX:
            return None
        whole = tuple(before + text for before in whole for text in spelled)
    return whole


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
