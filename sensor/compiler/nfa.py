"""Regular expressions as automata whose positions consume one character of a set, by Python's own parser.

Look-around, back-references, atomic groups and possessive repeats are no regular expressions and are refused by name.
"""

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from dataclasses import dataclass, field
from re import ASCII, DOTALL, IGNORECASE, MULTILINE
from typing import Any

from sensor.compiler.charset import (
    TOP,
    Ranges,
    ascii_category,
    ascii_ignore_case,
    category,
    ignore_case,
    inverse,
    normal,
)

POSITIONS = 4096  # SN_REGEX_POSITIONS_MAX
START, END, LINE_START, LINE_END, WORD, NO_WORD, BEFORE_FINAL = 1, 2, 4, 8, 16, 32, 64
ACCEPT = 0
ANYTHING: Ranges = ((0, TOP),)
LF: Ranges = ((10, 10),)


_POSIX = re.compile(
    r"\[(?:\\.|[^]\\])*(\[:\^?(?:alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit):])"
)
# Of `[[`, `--`, `&&` and the like within a set Python says that they may come to mean something else.
warnings.filterwarnings("ignore", "Possible ", FutureWarning)


class Unsupported(ValueError):
    """The pattern is no regular expression, or too large; str() says which construct."""


@dataclass
class Nfa:
    """Positions 1.. consume one character of `sets[p]`; `edges[p]` are (target, need) pairs, target 0 = accept.

    Position 0 is the start; its edges are followed between any two characters (a search is not anchored).
    """

    sets: list[Ranges] = field(default_factory=lambda: [()])
    edges: list[set[tuple[int, int]]] = field(default_factory=lambda: [set()])


# A fragment under construction: what may come first (position, need), which positions may come last and what must
# hold after them, and the needs under which it may match nothing.
@dataclass(frozen=True)
class _Part:
    first: frozenset[tuple[int, int]]
    last: frozenset[tuple[int, int]]
    empty: frozenset[int]


_NOTHING = _Part(frozenset(), frozenset(), frozenset())
_EMPTY = _Part(frozenset(), frozenset(), frozenset({0}))


class _Builder:
    """Glushkov's construction with conditions (`need`) on the edges."""

    def __init__(self) -> None:
        self.nfa = Nfa()

    def position(self, chars: Ranges) -> _Part:
        if len(self.nfa.sets) >= POSITIONS:
            raise Unsupported(f"needs more than {POSITIONS} positions: shorten its counted repeats")
        self.nfa.sets.append(chars)
        self.nfa.edges.append(set())
        at = frozenset({(len(self.nfa.sets) - 1, 0)})
        return _Part(at, at, frozenset())

    def link(self, last: frozenset[tuple[int, int]], first: frozenset[tuple[int, int]]) -> None:
        for source, after in last:
            self.nfa.edges[source].update((target, after | before) for target, before in first)

    def join(self, a: _Part, b: _Part) -> _Part:
        self.link(a.last, b.first)
        first = a.first | {(p, n | e) for p, n in b.first for e in a.empty}
        last = b.last | {(p, n | e) for p, n in a.last for e in b.empty}
        return _Part(first, last, frozenset(x | y for x in a.empty for y in b.empty))

    def either(self, a: _Part, b: _Part) -> _Part:
        return _Part(a.first | b.first, a.last | b.last, a.empty | b.empty)

    def repeat(self, low: int, high: int | None, make: Any) -> _Part:
        whole = _EMPTY
        for _ in range(low):
            whole = self.join(whole, make())
        if high is None:
            more = make()
            self.link(more.last, more.first)
            return self.join(whole, _Part(more.first, more.last, more.empty | {0}))
        tail = _EMPTY
        for _ in range(high - low):
            tail = self.either(self.join(make(), tail), _EMPTY)
        return self.join(whole, tail)

    def sequence(self, items: Any, flags: int) -> _Part:
        whole = _EMPTY
        for item in items:
            whole = self.join(whole, self.node(item, flags))
        return whole

    def node(self, item: Any, flags: int) -> _Part:
        kind, value = item
        if kind in (op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN):
            return self.position(_chars(kind, value, flags))
        if kind is op.BRANCH:
            whole = _NOTHING
            for branch in value[1]:
                whole = self.either(whole, self.sequence(branch, flags))
            return whole
        if kind is op.SUBPATTERN:
            _, add, remove, inner = value
            kept = flags & ~parser.TYPE_FLAGS if add & parser.TYPE_FLAGS else flags
            return self.sequence(inner, (kept | add) & ~remove)
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, inner = value
            return self.repeat(low, None if high is op.MAXREPEAT else high, lambda: self.sequence(inner, flags))
        if kind is op.AT:
            return self.condition(value, flags)
        raise Unsupported(_NAMES.get(kind, str(kind).lower()) + " cannot be matched in linear time")

    def condition(self, at: Any, flags: int) -> _Part:
        multiline = flags & MULTILINE
        if flags & ASCII and at in (op.AT_BOUNDARY, op.AT_NON_BOUNDARY):
            raise Unsupported("word boundaries are those of Unicode: leave out the flag a")
        if at is op.AT_END and not multiline:
            return _Part(frozenset(), frozenset(), frozenset({END, BEFORE_FINAL}))
        need = {
            op.AT_BEGINNING: LINE_START if multiline else START,
            op.AT_BEGINNING_STRING: START,
            op.AT_END: LINE_END,
            op.AT_END_STRING: END,
            op.AT_BOUNDARY: WORD,
            op.AT_NON_BOUNDARY: NO_WORD,
        }[at]
        return _Part(frozenset(), frozenset(), frozenset({need}))


_NAMES = {
    op.ASSERT: "look-around",
    op.ASSERT_NOT: "look-around",
    op.GROUPREF: "a back-reference",
    op.GROUPREF_EXISTS: "a conditional group",
    op.ATOMIC_GROUP: "an atomic group",
    op.POSSESSIVE_REPEAT: "a possessive repeat",
}


def _chars(kind: Any, value: Any, flags: int) -> Ranges:
    """The characters that one consuming node of the parse tree accepts."""
    if kind is op.ANY:
        return ANYTHING if flags & DOTALL else inverse(LF)
    negate = kind is op.NOT_LITERAL
    parts: list[tuple[int, int]] = []
    for sub, arg in value if kind is op.IN else [(op.LITERAL, value)]:
        if sub is op.NEGATE:
            negate = True
        elif sub is op.LITERAL:
            parts.append((arg, arg))
        elif sub is op.RANGE:
            parts.append(arg)
        elif sub is op.CATEGORY:
            parts.extend((ascii_category if flags & ASCII else category)(str(arg)))
        else:
            raise Unsupported(f"{sub} in a character class")
    chars = normal(parts)
    if flags & IGNORECASE:
        chars = (ascii_ignore_case if flags & ASCII else ignore_case)(chars)
    return inverse(chars) if negate else chars


def parse(pattern: str, flags: int = 0) -> Nfa:
    """The NFA of `pattern`; flags as in `re`. Raises Unsupported, or re.error where `re` would."""
    if found := _POSIX.search(pattern):
        raise Unsupported(f"`{found[1]}` is a class of POSIX, which has another meaning here: write it out, as a-z")
    tree = parser.parse(pattern, flags)
    builder = _Builder()
    try:
        part = builder.sequence(tree, tree.state.flags)
    except RecursionError:
        raise Unsupported("its groups are nested too deeply") from None
    builder.link(part.last, frozenset({(ACCEPT, 0)}))
    builder.nfa.edges[0] = set(part.first) | {(ACCEPT, need) for need in part.empty}
    return builder.nfa
