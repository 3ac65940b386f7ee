"""Deterministic automata over classes of characters, made of nfa.py's."""

from dataclasses import dataclass

from sensor.compiler.charset import TOP, Ranges, category
from sensor.compiler.nfa import BEFORE_FINAL, END, LF, LINE_END, LINE_START, NO_WORD, START, WORD, Nfa, Unsupported

CLASSES = 250  # SN_REGEX_CLASSES_MAX
NEWLINE, IS_WORD, FINAL = 1, 2, 4
NO_CLASS = 0xFFFFFFFF


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


def states_of(nfa: Nfa, alpha: Alphabet, most: int) -> list[list[int]] | None:
    """next[state][class or end]; 0 = matched, 1 = can never match, 2 = start. None: more than `most`."""
    restart = int(any(not need & START for _, need in nfa.edges[0]))
    takes = [0] * alpha.size  # class -> the positions, as bits, that consume it
    for position, members in enumerate(alpha.members):
        for cls in members:
            takes[cls] |= 1 << position
    follow = _Follow(nfa)
    traits, columns = [*dict.fromkeys(alpha.traits), None], list(zip(takes, alpha.traits, strict=True))
    # A state: the positions just consumed (0 always among them: a match may begin anywhere) and the traits before.
    numbers: dict[tuple[int, int | None], int] = {(1, None): 2}
    table: list[list[int]] = [[0] * (alpha.size + 1), [1] * (alpha.size + 1)]
    queue: list[tuple[int, int | None]] = [(1, None)]
    rows: dict[tuple[int, ...], list[int]] = {}  # by what follows, which is the same for many states
    for current, before in queue:  # grows while it is walked
        targets = {after: follow.of(current, holds(before, after)) for after in traits}
        row = rows.setdefault(tuple(targets.values()), [])
        table.append(row)
        if row:
            continue
        for take, after in columns:
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
    return table


class _Follow:
    """Which positions come after others, all as bits; bit 0 (ACCEPT) for a match."""

    def __init__(self, nfa: Nfa) -> None:
        self._edges = nfa.edges
        self._bytes = (len(nfa.edges) + 7) // 8
        self._asked = 0  # the needs that any edge has
        for edges in nfa.edges:
            for _, need in edges:
                self._asked |= need
        self._known: dict[int, dict[tuple[int, int], int]] = {}

    def of(self, positions: int, met: int) -> int:
        """After any of `positions`, where the needs `met` are met."""
        met &= self._asked
        known = self._known.setdefault(met, {})
        found = 0
        # eight positions at once: the same ones stand together in many states
        for part in enumerate(positions.to_bytes(self._bytes, "little")):
            if part[1]:
                after = known.get(part)
                if after is None:
                    after = known[part] = self._after(*part, met)
                found |= after
        return found

    def _after(self, first: int, some: int, met: int) -> int:
        found = 0
        for bit in range(8):
            if some >> bit & 1:
                for target, need in self._edges[first * 8 + bit]:
                    if need & met == need:
                        found |= 1 << target
        return found


def smaller(table: list[list[int]]) -> list[list[int]]:
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
