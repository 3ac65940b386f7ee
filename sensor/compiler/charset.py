"""Sets of Unicode characters as sorted ranges, and the character classes of Python's `re` as such sets.

The meaning of every class and of case-insensitivity is that of Python's `re` on str (the reference matcher uses it);
the constants come from the interpreter's own tables (`_sre`, `re._casefix`), never from a list of ours.
"""

import _sre
import re
import re._casefix as casefix  # type: ignore[import-not-found]
import sys
from array import array
from collections.abc import Iterable
from functools import cache

Ranges = tuple[tuple[int, int], ...]
TOP = 0x10FFFF
CASED_TOP = 0x1FFFF  # no character beyond has case


def normal(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Sorted, disjoint, not adjacent."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return tuple(out)


def inverse(ranges: Ranges) -> Ranges:
    """All characters that are not in `ranges`."""
    out, at = [], 0
    for low, high in ranges:
        if at < low:
            out.append((at, low - 1))
        at = high + 1
    if at <= TOP:
        out.append((at, TOP))
    return tuple(out)


@cache
def category(name: str) -> Ranges:
    """\\d, \\s, \\w and their complements by the names of `re._constants` (CATEGORY_...)."""
    if "_NOT_" in name:
        return inverse(category(name.replace("_NOT_", "_")))
    runs = {"CATEGORY_DIGIT": r"\d+", "CATEGORY_SPACE": r"\s+", "CATEGORY_WORD": r"\w+"}[name]
    return tuple((run.start(), run.end() - 1) for run in re.finditer(runs, _every_char()))


@cache
def ascii_category(name: str) -> Ranges:
    """The same under the flag ASCII."""
    if "_NOT_" in name:
        return inverse(ascii_category(name.replace("_NOT_", "_")))
    return tuple((low, min(high, 127)) for low, high in category(name) if low < 128)


@cache
def _every_char() -> str:
    return array("I", range(TOP + 1)).tobytes().decode(f"utf-32-{sys.byteorder[0]}e", "surrogatepass")


@cache
def _lowered() -> dict[int, tuple[int, ...]]:
    """Lower-case character -> all characters that `re` lowers to it, for characters that have case."""
    out: dict[int, list[int]] = {}
    for c in range(CASED_TOP + 1):
        if _sre.unicode_iscased(c):
            out.setdefault(_sre.unicode_tolower(c), []).append(c)
    return {low: tuple(all_) for low, all_ in out.items()}


@cache
def ignore_case(ranges: Ranges) -> Ranges:
    """What `re.IGNORECASE` makes of a set: the characters whose lower case is that of a member."""
    lowered, extra = _lowered(), casefix._EXTRA_CASES
    low: set[int] = set()
    plain: list[tuple[int, int]] = []
    for first, last in ranges:
        if last - first > 0x3000:  # a range this wide is closed under case but for its edges
            plain.append((first, last))
        for c in range(first, min(last, CASED_TOP) + 1):
            key = _sre.unicode_tolower(c)
            low.add(key)
            low.update(extra.get(key, ()))
    members = [(x, x) for c in low for x in lowered.get(c, (c,))]
    return normal([*members, *plain])


def ascii_ignore_case(ranges: Ranges) -> Ranges:
    """The same under the flag ASCII."""
    letters = [c for c in range(128) if chr(c).isalpha() and any(low <= c <= high for low, high in ranges)]
    return normal([*ranges, *((c ^ 32, c ^ 32) for c in letters)])
