"""Regular expressions to automata: the bytes that native/regex.c runs (layout in native/regex.h).

A pattern goes through Python's own parser, so that it means exactly what `re.search` means; then to an NFA whose
positions consume one character of a set; then to a DFA over classes of characters. A DFA that would have more than
`DFA_STATES` states stays an NFA, whose steps the matcher bounds.
"""

import struct
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping

from sensor.compiler.charset import TOP
from sensor.compiler.dfa import NO_CLASS, Alphabet, alphabet, smaller, states_of
from sensor.compiler.nfa import ACCEPT, Nfa, Unsupported, parse

__all__ = ["DFA_STATES", "Unsupported", "compile_regex"]

DFA_STATES = 2000
HEAD = struct.Struct("<IHHIIIIIIII")
DFA, NFA = 1, 2
Key = tuple[str, int, int]  # the arguments of compile_regex
_KNOWN_MAX = 4096
_known: dict[Key, bytes] = {}


def compile_regex(pattern: str, flags: int = 0, dfa_states: int = DFA_STATES) -> bytes:
    """The blob for native/regex.c: whether `re.search(pattern, text, flags)` finds anything.

    flags: IGNORECASE, MULTILINE, DOTALL of `re`; dfa_states: more than these make it an NFA. Raises Unsupported (no
    regular expression, too large) and re.error (bad syntax).
    """
    key = pattern, flags, dfa_states
    if key not in _known:
        know({key: _compiled(*key)})
    return _known[key]


def known() -> dict[Key, bytes]:
    """What was compiled so far."""
    return dict(_known)


def know(regexes: Mapping[Key, bytes]) -> None:
    """Notes what was compiled, here or by another process."""
    if len(_known) + len(regexes) > _KNOWN_MAX:
        _known.clear()
    _known.update(regexes)


def _compiled(pattern: str, flags: int, dfa_states: int) -> bytes:
    nfa = parse(pattern, flags)
    alpha = alphabet(nfa)
    table = states_of(nfa, alpha, dfa_states)
    ascii_ = bytes(_class_of(alpha, c) for c in range(128))
    wide = [(max(at, 128), cls) for i, (at, cls) in enumerate(alpha.starts) if _end(alpha, i) > 128]
    ranges = b"".join(struct.pack("<II", at, cls) for at, cls in wide)
    home, sets = 0, bytes(32)
    if table is not None:
        table = smaller(table)
        home, sets = _home(table, ascii_)
        body = b"".join(struct.pack(f"<{len(table)}H", *column) for column in zip(*table, strict=True))
        kind, states, edges = DFA, len(table), 0
    else:
        body, edges = _nfa_body(nfa, alpha)
        kind, states = NFA, len(nfa.sets)
    blob = ascii_ + sets + ranges + body
    size = -(-(HEAD.size + len(blob)) // 8) * 8
    start = 2 if kind == DFA else 0
    head = HEAD.pack(size, kind, alpha.size, states, start, len(wide), edges, alpha.final, _shortest(nfa), home, 0)
    return (head + blob).ljust(size, b"\0")


def _home(table: list[list[int]], ascii_: bytes) -> tuple[int, bytes]:
    """The state in which most characters leave it as it is; the set of those that do not, and the set of what has to
    follow one of them, else it might as well not be there."""

    times = Counter(ascii_).items()

    def stay(state: int) -> int:
        row = table[state]
        return sum(count for cls, count in times if row[cls] == state)

    home = max(range(2, len(table)), key=stay)
    leave = {cls for cls in ascii_ if table[home][cls] != home}
    gone = [table[table[home][cls]] for cls in leave]
    go_on = {cls for cls in ascii_ if any(row[cls] != table[home][cls] for row in gone)}
    return home, _set(ascii_, leave) + _set(ascii_, go_on)


def _set(ascii_: bytes, classes: Collection[int]) -> bytes:
    """The characters of these classes."""
    members = bytearray(16)
    for char, cls in enumerate(ascii_):
        members[char & 15] |= (cls in classes) << (char >> 4)
    return bytes(members)


def _shortest(nfa: Nfa) -> int:
    """Characters of the shortest text that is met."""
    seen, last, length = {0}, {0}, 0
    while last:
        targets = {target for position in last for target, _ in nfa.edges[position]}
        if ACCEPT in targets:
            break
        last = targets - seen
        seen |= last
        length += 1
    return length


def _end(alpha: Alphabet, i: int) -> int:
    return alpha.starts[i + 1][0] if i + 1 < len(alpha.starts) else TOP + 1


def _class_of(alpha: Alphabet, char: int) -> int:
    return alpha.starts[bisect_right(alpha.starts, (char, NO_CLASS)) - 1][1]


def _nfa_body(nfa: Nfa, alpha: Alphabet) -> tuple[bytes, int]:
    traits = bytes(alpha.traits).ljust(256, b"\0")
    members = b"".join(sum(1 << c for c in m).to_bytes(32, "little") for m in alpha.members)
    first, edges = [0], list[bytes]()
    for out in nfa.edges:
        edges.extend(struct.pack("<HH", target, need) for target, need in sorted(out))
        first.append(len(edges))
    return traits + members + struct.pack(f"<{len(first)}I", *first) + b"".join(edges), len(edges)
