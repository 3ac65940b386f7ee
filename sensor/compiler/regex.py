"""Regular expressions to automata: the bytes that native/regex.c runs (layout in native/regex.h).

A pattern goes through Python's own parser, so that it means exactly what `re.search` means; then to an NFA whose
positions consume one character of a set; then to a DFA over classes of characters. A DFA that would have more than
`DFA_STATES` states stays an NFA, whose steps the matcher bounds. Look-around, back-references, atomic groups and
possessive repeats are no regular expressions and are refused by name.
"""

import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from re import DOTALL, IGNORECASE, MULTILINE
from typing import Any

from sensor.compiler.charset import TOP, Ranges, category, ignore_case, inverse, normal

DFA_STATES = 2000
POSITIONS = 4096  # SN_REGEX_POSITIONS_MAX
CLASSES = 250  # SN_REGEX_CLASSES_MAX
HEAD = struct.Struct("<IHHIIIIII")
DFA, NFA = 1, 2
START, END, LINE_START, LINE_END, WORD, NO_WORD, BEFORE_FINAL = 1, 2, 4, 8, 16, 32, 64
NEWLINE, IS_WORD, FINAL = 1, 2, 4
NO_CLASS = 0xFFFFFFFF
ACCEPT = 0
ANYTHING: Ranges = ((0, TOP),)
LF: Ranges = ((10, 10),)


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
            return self.sequence(inner, (flags | add) & ~remove)
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            low, high, inner = value
            return self.repeat(low, None if high is op.MAXREPEAT else high, lambda: self.sequence(inner, flags))
        if kind is op.AT:
            return self.condition(value, flags)
        raise Unsupported(_NAMES.get(kind, str(kind).lower()) + " cannot be matched in linear time")

    def condition(self, at: Any, flags: int) -> _Part:
        multiline = flags & MULTILINE
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
            parts.extend(category(str(arg)))
        else:
            raise Unsupported(f"{sub} in a character class")
    chars = normal(parts)
    if flags & IGNORECASE:
        chars = ignore_case(chars)
    return inverse(chars) if negate else chars


def parse(pattern: str, flags: int = 0) -> Nfa:
    """The NFA of `pattern`; flags as in `re`. Raises Unsupported, or re.error where `re` would."""
    tree = parser.parse(pattern, flags)
    builder = _Builder()
    try:
        part = builder.sequence(tree, tree.state.flags)
    except RecursionError:
        raise Unsupported("its groups are nested too deeply") from None
    builder.link(part.last, frozenset({(ACCEPT, 0)}))
    builder.nfa.edges[0] = set(part.first) | {(ACCEPT, need) for need in part.empty}
    return builder.nfa


@dataclass(frozen=True)
class Alphabet:
    """Classes of characters that a pattern cannot tell apart; `starts` sorted by first character.

    Where the pattern has a `$`, a newline that ends the text is a class of its own, `final`.
    """

    starts: tuple[tuple[int, int], ...]  # (first character, class)
    traits: tuple[int, ...]  # per class: NEWLINE, IS_WORD
    members: tuple[frozenset[int], ...]  # per NFA position: the classes of its set
    final: int = NO_CLASS

    @property
    def size(self) -> int:
        return len(self.traits)


def alphabet(nfa: Nfa) -> Alphabet:
    """The coarsest classes for `nfa`. Raises Unsupported beyond CLASSES."""
    needs = {need for edges in nfa.edges for _, need in edges}
    distinct = {s: i for i, s in enumerate(dict.fromkeys(nfa.sets))}
    traits: list[Ranges] = [LF if any(n & (LINE_START | LINE_END) for n in needs) else ()]
    traits.append(category("CATEGORY_WORD") if any(n & (WORD | NO_WORD) for n in needs) else ())
    every = [*distinct, *traits]
    toggles: dict[int, list[int]] = {0: []}
    for i, ranges in enumerate(every):
        for low, high in ranges:
            toggles.setdefault(low, []).append(i)
            toggles.setdefault(high + 1, []).append(i)
    classes: dict[frozenset[int], int] = {}
    starts: list[tuple[int, int]] = []
    inside: set[int] = set()
    for at in sorted(toggles):
        if at > TOP:
            break
        inside.symmetric_difference_update(toggles[at])
        number = classes.setdefault(frozenset(inside), len(classes))
        if not starts or starts[-1][1] != number:
            starts.append((at, number))
    if len(classes) > CLASSES:
        raise Unsupported(f"tells more than {CLASSES} classes of characters apart")
    newline, word = len(distinct), len(distinct) + 1
    flags = [(NEWLINE if newline in c else 0) | (IS_WORD if word in c else 0) for c in classes]
    by_set = [{number for sig, number in classes.items() if i in sig} for i in range(len(distinct))]
    final = NO_CLASS
    if any(n & BEFORE_FINAL for n in needs):
        final, like = len(flags), next(cls for at, cls in reversed(starts) if at <= LF[0][0])
        flags.append(flags[like] | FINAL)
        for members in by_set:
            if like in members:
                members.add(final)
    return Alphabet(tuple(starts), tuple(flags), tuple(frozenset(by_set[distinct[s]]) for s in nfa.sets), final)


def holds(before: int | None, after: int | None) -> int:
    """The needs that are met between two characters given by their traits; None = edge of the text."""
    met = (START | LINE_START) if before is None else LINE_START if before & NEWLINE else 0
    met |= (END | LINE_END) if after is None else LINE_END if after & NEWLINE else 0
    met |= BEFORE_FINAL if after is not None and after & FINAL else 0
    if before is None and after is None:  # `re` meets neither \b nor \B in an empty text
        return met
    boundary = bool((before or 0) & IS_WORD) != bool((after or 0) & IS_WORD)
    return met | (WORD if boundary else NO_WORD)


def _dfa(nfa: Nfa, alpha: Alphabet, most: int) -> list[list[int]] | None:
    """next[state][class or end]; 0 = matched, 1 = can never match, 2 = start. None: more than `most`."""
    restart = int(any(not need & START for _, need in nfa.edges[0]))
    takes = [0] * alpha.size  # class -> the positions, as bits, that consume it
    for position, members in enumerate(alpha.members):
        for cls in members:
            takes[cls] |= 1 << position
    follow = _Follow(nfa)
    # A state: the positions just consumed (0 always among them: a match may begin anywhere) and the traits before.
    numbers: dict[tuple[int, int | None], int] = {(1, None): 2}
    table: list[list[int]] = [[0] * (alpha.size + 1), [1] * (alpha.size + 1)]
    queue: list[tuple[int, int | None]] = [(1, None)]
    for current, before in queue:  # grows while it is walked
        targets = {after: follow.of(current, holds(before, after)) for after in {*alpha.traits, None}}
        row = []
        for take, after in zip(takes, alpha.traits, strict=True):
            if targets[after] & 1:
                row.append(0)
                continue
            live = targets[after] & take | restart
            if not live:
                row.append(1)
                continue
            key = (live, after)
            if key not in numbers:
                numbers[key] = len(numbers) + 2
                if len(numbers) > most:
                    return None
                queue.append(key)
            row.append(numbers[key])
        row.append(0 if targets[None] & 1 else 1)
        table.append(row)
    return table


class _Follow:
    """Which positions come after others, all as bits; bit 0 (ACCEPT) for a match."""

    def __init__(self, nfa: Nfa) -> None:
        self._edges = nfa.edges
        self._known: dict[tuple[int, int], int] = {}

    def of(self, positions: int, met: int) -> int:
        """After any of `positions`, where the needs `met` are met."""
        found = 0
        while positions:
            low = positions & -positions
            positions ^= low
            found |= self._after(low.bit_length() - 1, met)
        return found

    def _after(self, position: int, met: int) -> int:
        found = self._known.get((position, met))
        if found is None:
            found = 0
            for target, need in self._edges[position]:
                if need & met == need:
                    found |= 1 << target
            self._known[position, met] = found
        return found


def _smaller(table: list[list[int]]) -> list[list[int]]:
    """The same automaton with equal states merged; 0, 1 and the start keep their numbers.

    Groups are split until the states of each go to the same groups. Only states that go to one that changed its group
    are looked at again.
    """
    group = [0, 1] + [2] * (len(table) - 2)
    members = {2: list(range(2, len(table)))}
    sources: list[list[int]] = [[] for _ in table]
    for state in range(2, len(table)):
        for target in set(table[state]):
            sources[target].append(state)
    again = set(members[2])
    groups = 3
    while again:
        fresh: list[tuple[int, list[int]]] = []
        for number in {group[state] for state in again}:
            parts: dict[tuple[int, ...], list[int]] = {}
            rest = [state for state in members[number] if state not in again]  # these agree, and so stay together
            if rest:
                parts[tuple(map(group.__getitem__, table[rest[0]]))] = rest
            for state in members[number]:
                if state in again:
                    parts.setdefault(tuple(map(group.__getitem__, table[state])), []).append(state)
            stay, *leave = sorted(parts.values(), key=len, reverse=True)
            members[number] = stay
            for part in leave:
                fresh.append((groups, part))
                groups += 1
        again = set()
        for number, part in fresh:
            members[number] = part
            for state in part:
                group[state] = number
                again.update(sources[state])
    first: dict[int, int] = {}
    for state in range(2, len(table)):
        first.setdefault(group[state], state)
    renumber = {0: 0, 1: 1} | {g: i + 2 for i, g in enumerate(first)}
    return table[:2] + [[renumber[group[t]] for t in table[s]] for s in first.values()]


@lru_cache(maxsize=4096)
def compile_regex(pattern: str, flags: int = 0, dfa_states: int = DFA_STATES) -> bytes:
    """The blob for native/regex.c: whether `re.search(pattern, text, flags)` finds anything.

    flags: IGNORECASE, MULTILINE, DOTALL of `re`; dfa_states: more than these make it an NFA. Raises Unsupported (no
    regular expression, too large) and re.error (bad syntax).
    """
    nfa = parse(pattern, flags)
    alpha = alphabet(nfa)
    table = _dfa(nfa, alpha, dfa_states)
    ascii_ = bytes(_class_of(alpha, c) for c in range(128))
    wide = [(max(at, 128), cls) for i, (at, cls) in enumerate(alpha.starts) if _end(alpha, i) > 128]
    ranges = b"".join(struct.pack("<II", at, cls) for at, cls in wide)
    if table is not None:
        table = _smaller(table)
        body = b"".join(struct.pack(f"<{len(table)}H", *column) for column in zip(*table, strict=True))
        kind, states, edges = DFA, len(table), 0
    else:
        body, edges = _nfa_body(nfa, alpha)
        kind, states = NFA, len(nfa.sets)
    blob = ascii_ + ranges + body
    size = -(-(HEAD.size + len(blob)) // 8) * 8
    head = HEAD.pack(size, kind, alpha.size, states, 2 if kind == DFA else 0, len(wide), edges, alpha.final, 0)
    return (head + blob).ljust(size, b"\0")


def _end(alpha: Alphabet, i: int) -> int:
    return alpha.starts[i + 1][0] if i + 1 < len(alpha.starts) else TOP + 1


def _class_of(alpha: Alphabet, char: int) -> int:
    return next(cls for at, cls in reversed(alpha.starts) if at <= char)


def _nfa_body(nfa: Nfa, alpha: Alphabet) -> tuple[bytes, int]:
    traits = bytes(alpha.traits).ljust(256, b"\0")
    members = b"".join(sum(1 << c for c in m).to_bytes(32, "little") for m in alpha.members)
    first, edges = [0], list[bytes]()
    for out in nfa.edges:
        edges.extend(struct.pack("<HH", target, need) for target, need in sorted(out))
        first.append(len(edges))
    return traits + members + struct.pack(f"<{len(first)}I", *first) + b"".join(edges), len(edges)
