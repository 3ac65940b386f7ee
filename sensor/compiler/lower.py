"""pySigma's detections -> IR. What has no place in the IR raises Refused, by name."""

import re
from collections.abc import Sequence
from functools import singledispatchmethod
from typing import Any

from sigma.conditions import ConditionAND
from sigma.modifiers import (
    SigmaCaseSensitiveModifier,
    SigmaEndswithModifier,
    SigmaRegularExpressionModifier,
    SigmaStartswithModifier,
)
from sigma.rule import SigmaDetection, SigmaDetectionItem
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
from sensor.compiler.ir import ANY_ONE, ANY_RUN, KEYWORD, And, Atom, Node, Op, Or, Part
from sensor.compiler.logic import NEVER, join, negate
from sensor.compiler.refused import Refused
from sensor.compiler.regex import Unsupported, compile_regex

MANY, ONE = SpecialChars.WILDCARD_MULTI, SpecialChars.WILDCARD_SINGLE
_OPEN = {  # by whether anything may stand in front of a text, and behind it
    (False, False): Op.EQUALS,
    (False, True): Op.STARTSWITH,
    (True, False): Op.ENDSWITH,
    (True, True): Op.CONTAINS,
}
_PLAIN: dict[tuple[Any, ...], Op] = {
    (): Op.EQUALS,
    (str,): Op.EQUALS,
    (MANY, str, MANY): Op.CONTAINS,
    (str, MANY): Op.STARTSWITH,
    (MANY, str): Op.ENDSWITH,
    (MANY,): Op.CONTAINS,
}
_COMPARISONS = {"LT": Op.LT, "LTE": Op.LTE, "GT": Op.GT, "GTE": Op.GTE}
_PLAINER = "say it by several values and `not` in the condition"
_GLOBAL_FLAGS = re.compile(r"\(\?[a-zA-Z]+\)")  # allowed only where a pattern begins


def lower(detection: SigmaDetection, unfilled: set[str]) -> Node | None:
    """The condition of a search identifier; None when a pipeline left nothing of it. Refused: cannot be matched.

    A placeholder for which no value is known stands for no value at all; its name is added to `unfilled`.
    """
    kind = And if detection.item_linking is ConditionAND else Or
    return join(
        kind,
        [
            lower(part, unfilled) if isinstance(part, SigmaDetection) else _Item(part, unfilled).condition()
            for part in detection.detection_items
        ],
    )


class _Item:
    """One field with its modifiers and values."""

    def __init__(self, item: SigmaDetectionItem, unfilled: set[str]) -> None:
        self._item = item
        self._field = item.field or KEYWORD
        self._unfilled = unfilled

    def condition(self) -> Node | None:
        item = self._item
        nodes = [self._text(v) if isinstance(v, SigmaString) else self._value(v) for v in item.value]
        node = join(And if item.value_linking is ConditionAND else Or, nodes)
        return negate(node) if item.negated and node is not None else node

    def _has(self, modifier: type[Any]) -> bool:
        return any(issubclass(each, modifier) for each in self._item.modifiers)

    def _never(self, parts: Sequence[Any]) -> bool:
        """Whether a value holds placeholders that nobody filled; notes their names."""
        names = {part.name for part in parts if isinstance(part, Placeholder)}
        self._unfilled |= names
        return bool(names)

    @singledispatchmethod
    def _value(self, value: Any) -> Node:
        raise Refused(f"a value of the kind {type(value).__name__}")

    @_value.register
    def _(self, value: SigmaString) -> Node:
        return self._text(value)

    def _text(self, value: SigmaString) -> Node:
        cased = type(value) is not SigmaString and isinstance(value, SigmaCasedString)
        front, behind = value.s[:1] == [MANY], value.s[1:] != [] and value.s[-1] is MANY
        inner = value.s[front : len(value.s) - behind]
        if len(inner) == 1 and isinstance(inner[0], str) and self._field != KEYWORD:  # nearly all are so
            return Atom(self._field, _OPEN[front, behind], inner[0] if cased else fold(inner[0]), cased)
        if self._never(value.s):
            return NEVER
        parts: list[Any] = [fold(part) if isinstance(part, str) and not cased else part for part in value.s]
        if self._field == KEYWORD and not self._has(SigmaStartswithModifier) and not self._has(SigmaEndswithModifier):
            parts = [MANY, *parts, MANY]  # a keyword is looked for anywhere in the event
        parts = [part for n, part in enumerate(parts) if part is not MANY or n == 0 or parts[n - 1] is not MANY]
        op = _PLAIN.get(tuple(part if isinstance(part, SpecialChars) else str for part in parts), Op.GLOB)
        if op is not Op.GLOB:
            return Atom(self._field, op, "".join(part for part in parts if isinstance(part, str)), cased)
        if any(ANY_RUN in part or ANY_ONE in part for part in parts if isinstance(part, str)):
            raise Refused("wildcards in a text of bytes that are no characters")
        glob = "".join(ANY_RUN if part is MANY else ANY_ONE if part is ONE else part for part in parts)
        return Atom(self._field, Op.GLOB, glob, cased)

    @_value.register
    def _(self, value: SigmaNumber) -> Node:
        return self._plain(str(value))

    @_value.register
    def _(self, value: SigmaBool) -> Node:
        return self._plain("true" if value.boolean else "false")

    def _plain(self, text: str) -> Node:
        return Atom(self._field, Op.EQUALS, text)  # of keywords too: a 0 is in nearly every event

    @_value.register
    def _(self, value: SigmaTimestampPart) -> Node:
        return self._part(value, Op.EQUALS)

    def _part(self, value: SigmaTimestampPart, form: Op) -> Node:
        return Atom(self._field, Op.TIME, str(value), part=Part[value.timestamp_part.name], form=form)

    @_value.register
    def _(self, value: SigmaNull) -> Node:
        return Atom(self._field, Op.NULL)

    @_value.register
    def _(self, value: SigmaExists) -> Node:
        atom = Atom(self._field, Op.EXISTS)
        return atom if value.exists else negate(atom)

    @_value.register
    def _(self, value: SigmaCIDRExpression) -> Node:
        return Atom(self._field, Op.CIDR, str(value.network))

    @_value.register
    def _(self, value: SigmaRegularExpression) -> Node:
        if self._never(value.regexp.s):
            return NEVER
        flags = 0
        for flag in value.flags:
            flags |= int(value.sigma_to_python_flags[flag])
        text = value.regexp.to_plain()
        if self._has(SigmaRegularExpressionModifier):  # not one that a pipeline made of a text
            head = match[0] if (match := _GLOBAL_FLAGS.match(text)) else ""
            if self._has(SigmaStartswithModifier):
                text = rf"{head}\A(?:{text[len(head) :]})"
            elif self._has(SigmaEndswithModifier):
                text = rf"{head}(?:{text[len(head) :]})\Z"
        try:
            compile_regex(text, flags)
        except (Unsupported, re.error) as error:
            remedy = _PLAINER if isinstance(error, Unsupported) else ""
            raise Refused(f"the regular expression `{text}`: {error}", remedy=remedy) from None
        return Atom(self._field, Op.REGEX, text, cased=True, flags=flags)

    @_value.register
    def _(self, value: SigmaCompareExpression) -> Node:
        number = value.number
        if value.op.name == "NEQ":
            return negate(self._value(number))
        op = _COMPARISONS[value.op.name]
        return self._part(number, op) if isinstance(number, SigmaTimestampPart) else Atom(self._field, op, str(number))

    @_value.register
    def _(self, value: SigmaFieldReference) -> Node:
        form = Op.STARTSWITH if value.starts_with else Op.ENDSWITH if value.ends_with else Op.EQUALS
        if value.starts_with and value.ends_with:
            form = Op.CONTAINS
        cased = self._has(SigmaCaseSensitiveModifier)
        return Atom(self._field, Op.FIELD, cased=cased, other=value.field, form=form)

    @_value.register
    def _(self, value: SigmaExpansion) -> Node:
        node = join(Or, map(self._value, value.values))
        return NEVER if node is None else node
