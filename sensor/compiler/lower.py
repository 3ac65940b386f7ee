"""pySigma's syntax tree -> IR. What has no place in the IR raises Refused, by name."""

from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

from sensor.compiler.fold import fold
from sensor.compiler.ir import ANY_ONE, ANY_RUN, KEYWORD, And, Atom, Node, Not, Op, Or, Part

MANY, ONE = SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE
DEPTH_MAX = 60  # of a condition tree: the compiler and the reference recurse


class Refused(ValueError):
    """A part of the rule cannot be matched; str() names it."""


def lower(parsed: Any) -> Node:
    """The condition that pySigma parsed. Raises Refused."""
    node = _condition(parsed)
    if _depth(node) > DEPTH_MAX:
        raise Refused(f"its condition is nested more than {DEPTH_MAX} levels deep")
    return node


def _depth(node: Node) -> int:
    if isinstance(node, Atom):
        return 1
    items = (node.item,) if isinstance(node, Not) else node.items
    return 1 + max(map(_depth, items))


def _condition(item: Any) -> Node:
    if isinstance(item, ConditionAND):
        return _joined(And, tuple(map(_condition, item.args)))
    if isinstance(item, ConditionOR):
        return _joined(Or, tuple(map(_condition, item.args)))
    if isinstance(item, ConditionNOT):
        return Not(_condition(item.args[0]))
    if isinstance(item, ConditionFieldEqualsValueExpression):
        return _value(item.value, item.field)
    if isinstance(item, ConditionValueExpression):
        return _value(item.value, KEYWORD)
    raise Refused(f"the condition holds {type(item).__name__}")


def _joined(kind: Callable[[tuple[Node, ...]], And | Or], items: tuple[Node, ...]) -> Node:
    """Flattens And in And and Or in Or."""
    flat: list[Node] = []
    for item in items:
        flat.extend(item.items if isinstance(item, And | Or) and type(item) is kind else (item,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


@singledispatch
def _value(value: Any, field: str) -> Node:
    raise Refused(f"a value of the kind {type(value).__name__}")


@_value.register
def _(value: SigmaString, field: str) -> Node:
    return _string(value.s, field, isinstance(value, SigmaCasedString))


def _string(parts: Sequence[Any], field: str, cased: bool) -> Node:
    for part in parts:
        if isinstance(part, Placeholder):
            raise Refused(f"the modifier expand: no value is known for %{part.name}%")
    shape = tuple(part if isinstance(part, SpecialChars) else str for part in parts)
    text = "".join(part for part in parts if isinstance(part, str))
    text = text if cased else fold(text)
    if field == KEYWORD and shape == (str,):
        return Atom(field, Op.CONTAINS, text, cased)
    plain = {
        (): Op.EQUALS,
        (str,): Op.EQUALS,
        (MANY, str, MANY): Op.CONTAINS,
        (str, MANY): Op.STARTSWITH,
        (MANY, str): Op.ENDSWITH,
        (MANY,): Op.CONTAINS,
    }
    if shape in plain:
        return Atom(field, plain[shape], text, cased)
    glob = "".join(
        ANY_RUN if part is MANY else ANY_ONE if part is ONE else part if cased else fold(part) for part in parts
    )
    return Atom(field, Op.GLOB, glob, cased)


@_value.register
def _(value: SigmaNumber, field: str) -> Node:
    return Atom(field, Op.EQUALS, str(value))


@_value.register
def _(value: SigmaTimestampPart, field: str) -> Node:
    return Atom(field, Op.TIME, str(value.number), part=Part[value.timestamp_part.name])


@_value.register
def _(value: SigmaBool, field: str) -> Node:
    return Atom(field, Op.EQUALS, "true" if value.boolean else "false")


@_value.register
def _(value: SigmaNull, field: str) -> Node:
    return Atom(field, Op.NULL)


@_value.register
def _(value: SigmaExists, field: str) -> Node:
    atom = Atom(field, Op.EXISTS)
    return atom if value.exists else Not(atom)


@_value.register
def _(value: SigmaCIDRExpression, field: str) -> Node:
    return Atom(field, Op.CIDR, str(value.network))


@_value.register
def _(value: SigmaRegularExpression, field: str) -> Node:
    flags = 0
    for flag in value.flags:
        flags |= int(value.sigma_to_python_flags[flag])
    return Atom(field, Op.REGEX, value.regexp.to_plain(), cased=True, flags=flags)


@_value.register
def _(value: SigmaCompareExpression, field: str) -> Node:
    names = value.CompareOperators
    if value.op.name == "NEQ":
        return Not(Atom(field, Op.EQUALS, str(value.number)))
    op = {names.LT: Op.LT, names.LTE: Op.LTE, names.GT: Op.GT, names.GTE: Op.GTE}[value.op]
    if isinstance(value.number, SigmaTimestampPart):
        part = Part[value.number.timestamp_part.name]
        return Atom(field, Op.TIME, str(value.number), part=part, form=op)
    return Atom(field, op, str(value.number))


@_value.register
def _(value: SigmaFieldReference, field: str) -> Node:
    both = value.starts_with and value.ends_with
    form = (
        Op.CONTAINS if both else Op.STARTSWITH if value.starts_with else Op.ENDSWITH if value.ends_with else Op.EQUALS
    )
    return Atom(field, Op.FIELD, other=value.field, form=form)


@_value.register
def _(value: SigmaExpansion, field: str) -> Node:
    return _joined(Or, tuple(_value(inner, field) for inner in value.values))
