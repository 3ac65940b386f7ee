"""Conditions without NOT: it moves down to the tests, where a step of the rule table can hold it. Literals that look at
one field in one way become one test of a set.

    Not(Or(a, b)) -> All(not a, not b)        Or(Image ends in x, Image ends in y) -> Image ends in any of {x, y}
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from sensor.compiler.ir import And, Atom, Node, Not, Op, Part
from sensor.compiler.required import required

_SETS = frozenset({Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH, Op.GLOB, Op.CIDR})


class Check(NamedTuple):
    """An atom with any number of values, of which one has to be met; as Atom otherwise."""

    field: str
    op: Op
    values: tuple[str, ...]
    cased: bool
    flags: int
    part: Part
    other: str
    form: Op


class Leaf(NamedTuple):
    """The test, or its opposite."""

    check: Check
    negated: bool


@dataclass(frozen=True)
class All:
    """Every one of `items` (at least two)."""

    items: "tuple[Tree, ...]"


@dataclass(frozen=True)
class Some:
    """One of `items` (at least two)."""

    items: "tuple[Tree, ...]"


Tree = Leaf | All | Some


def checks_of(tree: Tree) -> Iterable[Check]:
    """The tests of a condition, some of them more than once."""
    if isinstance(tree, Leaf):
        return (tree.check,)
    return chain.from_iterable(map(checks_of, tree.items))


def normal(node: Node, negated: bool = False) -> Tree:
    """The tree that means the same as `node`, or with `negated` the opposite."""
    if isinstance(node, Not):
        return normal(node.item, not negated)
    if isinstance(node, Atom):
        values = () if node.op in (Op.NULL, Op.EXISTS, Op.FIELD) else (node.value,)
        check = Check(node.field, node.op, values, node.cased, node.flags, node.part, node.other, node.form)
        return _searched(check, negated) if node.op is Op.REGEX else Leaf(check, negated)
    kind = All if isinstance(node, And) is not negated else Some
    flat: list[Tree] = []
    for item in node.items:
        tree = normal(item, negated)
        flat.extend(tree.items if isinstance(tree, (All, Some)) and isinstance(tree, kind) else (tree,))
    items = tuple(_joined(flat, negated=kind is All))
    return items[0] if len(items) == 1 else kind(items)


def _searched(check: Check, negated: bool) -> Tree:
    """A regular expression, behind a look for the literals that it cannot do without."""
    found = required(check.values[0], check.flags)
    if found is None:
        return Leaf(check, negated)
    look = Check(check.field, Op.CONTAINS, found, False, 0, Part.MINUTE, "", Op.EQUALS)
    items = (Leaf(look, negated), Leaf(check, negated))
    return Some(items) if negated else All(items)


def _joined(items: Iterable[Tree], negated: bool) -> Iterable[Tree]:
    """Joins the sets: one of two holds, or (`negated`) neither."""
    sets: dict[tuple[str, Op, bool, int, Part, str, Op], dict[str, None]] = {}  # by all of a check but its values
    others: dict[Tree, None] = {}
    for item in items:
        if isinstance(item, Leaf) and item.negated is negated and item.check.op in _SETS:
            known = sets.setdefault(item.check[:2] + item.check[3:], {})
            for value in item.check.values:
                known[value] = None
        else:
            others[item] = None
    for (field, op, cased, flags, part, other, form), values in sets.items():
        yield Leaf(Check(field, op, tuple(values), cased, flags, part, other, form), negated)
    yield from others
