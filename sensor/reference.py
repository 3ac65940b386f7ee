"""The meaning of a rule on an event, slow and readable; native/matcher.c must agree with it on everything.

An event is a dict: Sigma field -> value. A value is text, a number, a bool, None (null), a list of these (any of them
meets), a Truncated or LOST. A field that is not there is absent.

Verdicts are three-valued (Kleene): False < None (undecidable) < True, so And is the minimum, Or the maximum.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sensor.compiler.fold import fold
from sensor.compiler.ir import ANY_ONE, ANY_RUN, COMPARISONS, KEYWORD, And, Atom, Logsource, Node, Not, Op, Part, Rule

Verdict = bool | None  # None: undecidable


@dataclass(frozen=True)
class Truncated:
    """A text whose middle is missing."""

    head: str
    tail: str = ""


class Lost:
    """A value that should be there, but was lost or came late."""


LOST = Lost()
# What native/scalar.c reads, and nothing else.
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,9})?", re.ASCII)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[Tt ]([01]\d|2[0-3]):([0-5]\d).*)?", re.ASCII | re.DOTALL)
# A character that the cut tore apart.
_TORN_OFF = re.compile(rb"([\xc0-\xff]|[\xe0-\xff][\x80-\xbf]|[\xf0-\xff][\x80-\xbf]{2})\Z")
_TORN_REST = re.compile(rb"\A[\x80-\xbf]{1,3}")
_GAP = "\ud800"  # no text holds it


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
        return [value for name in event for value in _values(name, event)] or [_ABSENT]
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
    if atom.op is Op.FIELD:
        return any_of(_against(atom, value, other) for other in _values(atom.other, event))
    if value is LOST:
        return None
    if value is _ABSENT or value is None:
        return atom.op is Op.NULL
    if atom.op is Op.NULL:
        return False
    if isinstance(value, Truncated):
        return _truncated(atom, value)
    return _of_text(atom, text_of(value))


def _of_text(atom: Atom, text: str) -> bool:
    if atom.op is Op.REGEX:
        return re.search(atom.value, text, atom.flags) is not None
    if atom.op is Op.CIDR:
        return _in_network(text, atom.value)
    if atom.op is Op.TIME:
        part = _part(text, atom.part)
        return part is not None and _ordered(atom.form, Decimal(part), Decimal(atom.value))
    if atom.op in COMPARISONS:
        return _NUMBER.fullmatch(text) is not None and _ordered(atom.op, Decimal(text), Decimal(atom.value))
    return _compare(atom.op, text if atom.cased else fold(text), atom.value)


def _against(atom: Atom, value: Any, other: Any) -> Verdict:
    if value is _ABSENT or value is None or other is _ABSENT or other is None:
        return False
    if value is LOST or other is LOST or isinstance(value, Truncated) or isinstance(other, Truncated):
        return None
    own, theirs = text_of(value), text_of(other)
    return _compare(atom.form, own, theirs) if atom.cased else _compare(atom.form, fold(own), fold(theirs))


def _compare(op: Op, text: str, value: str) -> bool:
    if op is Op.EQUALS:
        return text == value
    if op is Op.CONTAINS:
        return value in text
    if op is Op.STARTSWITH:
        return text.startswith(value)
    if op is Op.ENDSWITH:
        return text.endswith(value)
    return _glob(value, text)


def _glob(pattern: str, text: str) -> bool:
    one = f"[^{_GAP}]"
    parts = (".*" if c == ANY_RUN else one if c == ANY_ONE else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


def _truncated(atom: Atom, value: Truncated) -> Verdict:
    """What both ends contradict is False, what they prove True, else undecidable."""
    if atom.op not in (Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH, Op.GLOB):
        return None
    head, tail = _TORN_OFF.sub(b"", _raw(value.head)), _TORN_REST.sub(b"", _raw(value.tail))
    ends = [end.decode("utf-8", "surrogateescape") for end in (head, tail)]
    if not atom.cased:
        ends = list(map(fold, ends))
    if atom.op is Op.GLOB:
        return True if _glob(atom.value, _GAP.join(ends)) else None if _could(atom.value, *ends) else False
    wanted, (head, tail) = _raw(atom.value), map(_raw, ends)
    if atom.op is Op.CONTAINS:
        return True if wanted in head or wanted in tail else None
    if atom.op is Op.STARTSWITH:
        return head.startswith(wanted) if len(wanted) <= len(head) else None if wanted.startswith(head) else False
    if atom.op is Op.ENDSWITH:
        return tail.endswith(wanted) if len(wanted) <= len(tail) else None if wanted.endswith(tail) else False
    if len(wanted) < len(head) + len(tail) or not wanted.startswith(head) or not wanted.endswith(tail):
        return False
    return None


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _could(pattern: str, head: str, tail: str) -> bool:
    """Whether some text between the ends could make the whole of it match."""
    first, run, rest = pattern.partition(ANY_RUN)
    if not run:
        room = len(pattern) - len(tail)
        return room >= len(head) and _glob(pattern[: len(head)], head) and _glob(pattern[room:], tail)
    last = rest.rpartition(ANY_RUN)[2]
    front, back = min(len(first), len(head)), min(len(last), len(tail))
    return _glob(first[:front], head[:front]) and _glob(last[len(last) - back :], tail[len(tail) - back :])


def _in_network(text: str, network: str) -> bool:
    try:
        address, within = ipaddress.ip_address(text), ipaddress.ip_network(network)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped and within.version == 4:
        return address.ipv4_mapped in within
    return address in within


def _part(text: str, part: Part) -> int | None:
    """Of YYYY-MM-DD, alone or followed by `T` or a space and HH:MM and anything. None: it has no such part."""
    if not (found := _TIME.fullmatch(text)):
        return None
    year, month, day, hour, minute = (None if digits is None else int(digits) for digits in found.groups())
    try:
        week = date(year or 0, month or 0, day or 0).isocalendar().week
    except ValueError:
        return None
    return (minute, hour, day, week, month, year)[part]


def _ordered(op: Op, number: Decimal, value: Decimal) -> bool:
    if op is Op.EQUALS:
        return number == value
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
