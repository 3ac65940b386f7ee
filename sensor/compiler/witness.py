"""Which literals have to occur for a rule to be met, and how likely tests are.

A rule's witness is a set of literals of which at least one stands in its field whenever the rule is met: the index
(index.py) shows the matcher only rules whose witness is there. Of a conjunction any one part is a witness, so the
rarest is taken; of a disjunction all are needed.
"""

import math
from functools import cache
from typing import NamedTuple

from sensor import schema
from sensor.compiler.fold import fold
from sensor.compiler.ir import ANY_ONE, ANY_RUN, KEYWORD, Op
from sensor.compiler.normal import All, Check, Leaf, Tree
from sensor.compiler.required import required
from sensor.compiler.sample import lines, whole

_UNUSUAL = (1.0, 0.5, 0.2, 0.04, 0.01, 0.005)  # of literals by length that the sample does not have; then:
_RARE = 0.002
_OFTEN = 0.5  # literals that are worth looking for because a rule is not met where they are
EXACT = (Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH)
_SHORT, _SHORT_PRICE = 3, 0.05  # literals that few bytes tell from other text, and what that costs in likelihood


class Literal(NamedTuple):
    """Folded text that a field equals, contains, starts or ends with."""

    field: str
    op: Op
    text: str


@cache
def likelihood(literal: Literal) -> float:
    """How often an ordinary event has the literal, 0 to 1."""
    text, have = literal.text, lines(literal.field)
    if text not in whole(literal.field):
        met = 0
    elif literal.op is Op.EQUALS:
        met = sum(line == text for line in have)
    elif literal.op is Op.STARTSWITH:
        met = sum(line.startswith(text) for line in have)
    elif literal.op is Op.ENDSWITH:
        met = sum(line.endswith(text) for line in have)
    else:
        met = sum(text in line for line in have)
    size = len(text.encode("utf-8", "surrogateescape"))
    unusual = _RARE if literal.op is Op.EQUALS or size >= len(_UNUSUAL) else _UNUSUAL[size]
    return min(1.0, met / len(have) + unusual)


def _rarest(field: str, parts: list[str]) -> str:
    return min(parts, key=lambda part: (likelihood(Literal(field, Op.CONTAINS, part)), -len(part)))


@cache
def _late() -> frozenset[str]:
    return frozenset(field.sigma for field in schema.fields() if field.late)


@cache
def literals(check: Check) -> tuple[Literal, ...] | None:
    """A witness of the check alone; None: it has none. A fact of a file can come late, so it is none."""
    if check.field in _late():
        return None
    found: list[Literal] = []
    for value in check.values:
        text = value if check.op is Op.REGEX else fold(value)
        if check.op in EXACT:
            parts: tuple[str, ...] | None = (text,)
        elif check.op is Op.GLOB:
            parts = (_rarest(check.field, text.replace(ANY_ONE, ANY_RUN).split(ANY_RUN)),)
        elif check.op is Op.REGEX:
            parts = required(value, check.flags)
        else:
            parts = None
        exact = check.op in (Op.EQUALS, Op.STARTSWITH, Op.ENDSWITH) and check.field != KEYWORD
        op = check.op if exact else Op.CONTAINS
        if parts is None or not all(part or op is Op.EQUALS for part in parts):
            return None
        found.extend(Literal(check.field, op, part) for part in parts)
    return tuple(dict.fromkeys(found)) or None


def expected(witness: tuple[Literal, ...]) -> float:
    """How many of the literals an ordinary event has, and what it costs to look for them."""
    short = sum(
        literal.op is Op.CONTAINS and len(literal.text) < _SHORT and literal.text.isascii() for literal in witness
    )
    return sum(map(likelihood, witness)) + short * _SHORT_PRICE


def witness_of(tree: Tree) -> tuple[Literal, ...] | None:
    """The rarest witness of the condition; None: it can be met without any literal."""
    if isinstance(tree, Leaf):
        return None if tree.negated else literals(tree.check)
    witnesses = [witness_of(item) for item in tree.items]
    if isinstance(tree, All):
        return min((w for w in witnesses if w is not None), key=expected, default=None)
    together: dict[Literal, None] = {}
    for witness in witnesses:
        if witness is None:
            return None
        together.update(dict.fromkeys(witness))
    return tuple(together)


def veto_of(tree: Tree) -> tuple[Literal, ...]:
    """Of a condition that can be met without any literal: literals of which none may stand in its field. Only those
    that most events have."""
    likely: list[Literal] = []
    for item in tree.items if isinstance(tree, All) else (tree,):
        if not isinstance(item, Leaf) or not item.negated or item.check.cased or item.check.op not in EXACT:
            continue
        if item.check.field != KEYWORD:
            found = literals(item.check) or ()
            likely.extend(literal for literal in found if literal.text and likelihood(literal) >= _OFTEN)
    return tuple(likely)


# ---- the order of tests ----

_COST = {
    Op.EQUALS: 1.0,
    Op.STARTSWITH: 1.0,
    Op.ENDSWITH: 1.0,
    Op.NULL: 1.0,
    Op.EXISTS: 1.0,
    Op.CONTAINS: 5.0,
    Op.GLOB: 10.0,
    Op.FIELD: 5.0,
    Op.REGEX: 100.0,
}
# values that a longer list costs no more than, since a scan looks for all of them (index.list_scan)
_LISTED = {Op.EQUALS: 3, Op.ENDSWITH: 3, Op.STARTSWITH: 7, Op.CONTAINS: 7}


@cache
def _of_check(check: Check) -> tuple[float, float]:
    """(cost, likelihood) of a check."""
    values = max(1, min(len(check.values), _LISTED.get(check.op, len(check.values))))
    cost = (2.0 + _COST.get(check.op, 10.0) * values) * (10.0 if check.field == KEYWORD else 1.0)
    have = literals(check)
    return cost, min(0.95, expected(have)) if have is not None else 0.3


def _estimate(tree: Tree) -> tuple[float, float]:
    if isinstance(tree, Leaf):
        cost, likely = _of_check(tree.check)
        return cost, 1 - likely if tree.negated else likely
    cost, reached = 0.0, 1.0  # the way to an item is gone when the ones before did not settle it
    for item in tree.items:
        own, likely = _estimate(item)
        cost += reached * own
        reached *= likely if isinstance(tree, All) else 1 - likely
    return cost, reached if isinstance(tree, All) else 1 - reached


def ordered(tree: Tree) -> Tree:
    """The same condition, what settles it soonest for the least cost first."""
    if isinstance(tree, Leaf):
        return tree
    items = [ordered(item) for item in tree.items]

    def rank(item: Tree) -> float:
        cost, likely = _estimate(item)
        settles = 1 - likely if isinstance(tree, All) else likely
        return cost / settles if settles else math.inf

    return type(tree)(tuple(sorted(items, key=rank)))
