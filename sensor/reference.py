"""The meaning of a rule on an event, slow and readable; native/matcher.c must agree with it on everything.

An event is a dict: Sigma field -> value. A value is text, a number, a bool, None (null), a list of these (any of them
meets), a Truncated or LOST. A field that is not there is absent.

Verdicts are three-valued (Kleene): False < None (undecidable) < True, so And is the minimum, Or the maximum.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensor.compiler.fold import fold
from sensor.compiler.ir import ANY_ONE, ANY_RUN, KEYWORD, And, Atom, Logsource, Node, Not, Op, Rule

Verdict = bool | None  # None: undecidable


@dataclass(frozen=True)
class Truncated:
    """A text whose middle is missing."""

    head: str
    tail: str = ""


class Lost:
    """A value that should be there, but was lost or came late."""


LOST = Lost()
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z", re.ASCII)
_NUMBER_MAX = 63  # characters


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """And."""
    result: Verdict = True
    for verdict in verdicts:
        if verdict is False:
            return False
        result = None if verdict is None else result
    return result


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Or."""
    result: Verdict = False
    for verdict in verdicts:
        if verdict is True:
            return True
        result = None if verdict is None else result
    return result


def judge(node: Node, event: Mapping[str, Any]) -> Verdict:
    """Whether `event` meets the condition."""
    if isinstance(node, Atom):
        return any_of(_atom(node, value, event) for value in _values(node.field, event))
    if isinstance(node, Not):
        inner = judge(node.item, event)
        return None if inner is None else not inner
    if isinstance(node, And):
        return all_of(judge(item, event) for item in node.items)
    return any_of(judge(item, event) for item in node.items)


_ABSENT = object()


def _values(field: str, event: Mapping[str, Any]) -> Sequence[Any]:
    if field == KEYWORD:
        return [value for each in event.values() for value in (each if isinstance(each, list) else [each])]
    value = event.get(field, _ABSENT)
    if isinstance(value, list):
        return value or [None]
    return [value]


def text_of(value: object) -> str:
    """A value as rules see it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _atom(atom: Atom, value: Any, event: Mapping[str, Any]) -> Verdict:
    if atom.op is Op.EXISTS:
        return value is not _ABSENT
    if value is LOST:
        return None
    if value is _ABSENT or value is None:
        return atom.op is Op.NULL
    if atom.op is Op.NULL:
        return False
    if isinstance(value, Truncated):
        return _truncated(atom, value)
    text = text_of(value)
    if atom.op is Op.REGEX:
        return re.search(str(atom.value), text, atom.flags) is not None
    if atom.op is Op.CIDR:
        return _in_network(text, str(atom.value))
    if isinstance(atom.value, float):
        return _compared(atom.op, text, atom.value)
    text = text if atom.cased else fold(text)
    if atom.op is Op.FIELD:
        return any_of(_against(atom, text, other) for other in _values(atom.other, event))
    return _compare(atom.op, text, str(atom.value))


def _against(atom: Atom, text: str, other: Any) -> Verdict:
    if other is LOST or isinstance(other, Truncated):
        return None
    if other is _ABSENT or other is None:
        return False
    return _compare(atom.form, text, text_of(other) if atom.cased else fold(text_of(other)))


def _compare(op: Op, text: str, value: str) -> bool:
    if op is Op.EQUALS:
        return text == value
    if op is Op.CONTAINS:
        return value in text
    if op is Op.STARTSWITH:
        return text.startswith(value)
    if op is Op.ENDSWITH:
        return text.endswith(value)
    pattern = "".join(".*" if c == ANY_RUN else "." if c == ANY_ONE else re.escape(c) for c in value)
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def _truncated(atom: Atom, value: Truncated) -> Verdict:
    """What both ends contradict is False, what they prove True, else undecidable."""
    if atom.op not in (Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH):
        return None
    wanted = str(atom.value).encode("utf-8", "surrogateescape")
    ends = (value.head, value.tail) if atom.cased else (fold(value.head), fold(value.tail))
    head, tail = (part.encode("utf-8", "surrogateescape") for part in ends)
    if atom.op is Op.CONTAINS:
        return True if wanted in head or wanted in tail else None
    if atom.op is Op.STARTSWITH:
        return head.startswith(wanted) if len(wanted) <= len(head) else None if wanted.startswith(head) else False
    if atom.op is Op.ENDSWITH:
        return tail.endswith(wanted) if len(wanted) <= len(tail) else None if wanted.endswith(tail) else False
    if len(wanted) < len(head) + len(tail) or not wanted.startswith(head) or not wanted.endswith(tail):
        return False
    return None


def _in_network(text: str, network: str) -> bool:
    try:
        return ipaddress.ip_address(text) in ipaddress.ip_network(network)
    except ValueError:
        return False


def _compared(op: Op, text: str, value: float) -> bool:
    if len(text) > _NUMBER_MAX or not _NUMBER.match(text):
        return False
    number = float(text)
    return {Op.LT: number < value, Op.LTE: number <= value, Op.GT: number > value, Op.GTE: number >= value}[op]


class Reference:
    """The rules of a RuleSet, judged one after the other."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)

    def judge(self, event: Mapping[str, Any], logsource: Logsource) -> list[tuple[Rule, Verdict]]:
        """The rules that `event` meets (True) or that cannot be decided (None), in the order of the rules."""
        return [
            (rule, verdict)
            for rule in self._rules
            if rule.info.logsource.applies(logsource) and (verdict := judge(rule.condition, event)) is not False
        ]
