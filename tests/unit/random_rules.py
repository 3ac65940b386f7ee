"""Random conditions and events for the matcher, dense in near-misses: few letters, all operators, texts that fold,
that are cut, that are no UTF-8."""

from __future__ import annotations

from random import Random
from typing import Any

from sensor.compiler.fold import fold
from sensor.compiler.ir import ANY_ONE, ANY_RUN, COMPARISONS, KEYWORD, And, Atom, Node, Not, Op, Or, Part

FIELDS = ("A", "B", "C")
_LETTERS = "abAB\\/ .-1\u212aéÉßẞİ😀🦆\u0441\n"
_WORDS = (
    "\\cmd.exe",
    "\\CMD.EXE",
    "powershell",
    "PowerShell",
    " -enc ",
    "System32",
    "c:\\windows\\",
    "abcabcabd",
    "",
    "-f",
)
_SCALARS = ("10.1.2.3", "fe80::1", "::ffff:10.9.9.9", "9.5", "1e1", "-0", "2024-02-29T11:59", "2026-01-01", "x" * 300)
_PATTERNS = (r"a+b", r"^\w?$", r"(?:a|é){2}", r"\\", r"b$", r"(?s:a.b)", r"power.{0,9}ell", r"\bcmd\b", r"(?i)\.EXE$")
_NETWORKS = ("10.0.0.0/8", "10.1.0.0/17", "::/0", "fe80::/9", "1.2.3.4/32")


def text(random: Random, most: int = 4) -> str:
    """Words and letters, one after the other."""
    parts = (random.choice(_WORDS) if random.random() < 0.5 else random.choice(_LETTERS) for _ in range(most))
    return "".join(part for part in parts if random.random() < 0.8)


def atom(random: Random, fields: tuple[str, ...]) -> Atom:
    """Of any operator."""
    field, op, cased = random.choice(fields), random.choice(list(Op)), random.random() < 0.2
    if op in (Op.NULL, Op.EXISTS):
        return Atom(field, op)
    if op in COMPARISONS:
        return Atom(field, op, str(random.randint(-4, 40) / 4))
    if op is Op.TIME:
        form = random.choice((Op.EQUALS, Op.LT, Op.LTE, Op.GT, Op.GTE))
        return Atom(field, op, str(random.randint(0, 60)), part=random.choice(list(Part)), form=form)
    if op is Op.CIDR:
        return Atom(field, op, random.choice(_NETWORKS))
    if op is Op.REGEX:
        return Atom(field, op, random.choice(_PATTERNS), cased=True, flags=random.choice((0, 2)))
    if op is Op.FIELD:
        form = random.choice((Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH))
        return Atom(field, op, cased=cased, other=random.choice(fields), form=form)
    value = text(random)
    if op is Op.GLOB:
        value = "".join(random.choice((c, c, c, ANY_RUN, ANY_ONE)) for c in value)
    return Atom(field, op, value if cased else fold(value), cased=cased)


def values(random: Random, fields: tuple[str, ...]) -> Node:
    """A list of values of one field, as most rules have; some long enough to be looked up together."""
    first = atom(random, fields)
    if first.op not in (Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH):
        return first
    more = (text(random) for _ in range(random.choice((0, 2, 12))))
    same = tuple(Atom(first.field, first.op, v if first.cased else fold(v), first.cased) for v in more)
    return Or((first, *same))


def condition(random: Random, fields: tuple[str, ...] = (*FIELDS, KEYWORD), depth: int = 3) -> Node:
    """Nested at most `depth` deep."""
    kind = random.random()
    if depth == 0 or kind < 0.3:
        return values(random, fields)
    if kind < 0.45:
        return Not(condition(random, fields, depth - 1))
    items = tuple(condition(random, fields, depth - 1) for _ in range(random.randint(1, 3)))
    return And(items) if kind < 0.8 else Or(items)


def event(random: Random) -> dict[str, Any]:
    """A JSON object: texts, numbers, null, lists, absent fields."""

    def value() -> Any:
        kind = random.random()
        if kind < 0.7:
            return text(random, random.choice((2, 6, 40)))
        return random.choice((None, True, random.randint(-3, 12), *_SCALARS))

    made = {name: value() for name in FIELDS if random.random() < 0.85}
    return {n: [v, value()] if random.random() < 0.15 else v for n, v in made.items()}
