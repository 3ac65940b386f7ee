"""The detection of a rule -> pySigma's objects, which pipelines can change and lower.py reads.

Built here and not by pySigma: the place of a fault is known, whole numbers stay exact, and the modifiers are those of
modifiers.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sigma.conditions import ConditionAND, ConditionOR
from sigma.exceptions import SigmaError, SigmaTypeError
from sigma.modifiers import SigmaCompareModifier, SigmaListModifier, SigmaModifier, SigmaTimestampModifier
from sigma.rule import SigmaDetection, SigmaDetectionItem
from sigma.types import SigmaBool, SigmaExpansion, SigmaNull, SigmaNumber, SigmaString, SigmaType

from sensor.compiler.expand import Values, expanded, text_value
from sensor.compiler.modifiers import MODIFIERS
from sensor.compiler.refused import Refused
from sensor.errors import nearest

FORMS_MAX = 500_000  # values of a rule, after its modifiers
_AS_TEXT = frozenset({"contains", "startswith", "endswith", "cased", "windash", "base64", "base64offset", "re"})
_OPENING = frozenset({"contains", "startswith", "endswith"})
_ONE_OF = ({"contains", "startswith", "endswith"}, {"lt", "lte", "gt", "gte"}, {"re", "cidr", "exists", "fieldref"})
_LAST = {"cased": 1, "all": 2, "neq": 3}  # they say how the values are compared or linked, wherever they stand
_OLD = {"timeframe": "a time frame is part of correlations, which a rule of Sigma 2 does not hold"}


def parse_detections(
    section: Any, reserved: frozenset[str], values: Values
) -> tuple[dict[str, SigmaDetection], list[str]]:
    """(search identifier -> detection, the conditions) of the section `detection` of a rule or `filter` of a filter.

    `reserved`: its keys that are no search identifiers. Refused, with the place below the section.
    """
    if not isinstance(section, Mapping):
        raise Refused("it is not a mapping of search identifiers and a condition")
    conditions = section.get("condition")
    conditions = conditions if isinstance(conditions, list) else [conditions]
    if not conditions or not all(isinstance(text, str) and text.strip() for text in conditions):
        raise Refused("the condition is missing, empty or no text", "condition")
    for name in section:
        if not isinstance(name, str):
            raise Refused(f"the search identifier {name} is no text: put it in quotes")
        if name in _OLD:
            raise Refused(_OLD[name], name)
    named = {name: value for name, value in section.items() if name not in reserved | {"condition"}}
    if not named:
        raise Refused("it defines no search identifier")
    make = _Maker(values).detection
    return {name: _placed(name, make, value) for name, value in named.items()}, conditions


def _placed(key: str | int, make: Any, *arguments: Any) -> Any:
    try:
        return make(*arguments)
    except Refused as error:
        raise error.below(key) from None


class _Maker:
    """Makes the detections of one rule, of which modifiers may make very many values."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._made = 0

    def detection(self, definition: Any) -> SigmaDetection:
        if isinstance(definition, Mapping):
            if not definition:
                raise Refused("an empty mapping")
            items = [_placed(key, self._item, key, value) for key, value in definition.items()]
            return SigmaDetection(items, item_linking=ConditionAND)
        if not isinstance(definition, list):
            return SigmaDetection([self._item("", definition)], item_linking=ConditionAND)
        if not definition:
            raise Refused("an empty list")
        if not any(isinstance(each, Mapping | list) for each in definition):
            return SigmaDetection([self._item("", definition)], item_linking=ConditionAND)
        parts = [_placed(n, self.detection, each) for n, each in enumerate(definition)]
        return SigmaDetection(parts, item_linking=ConditionOR)

    def _item(self, key: Any, content: Any) -> SigmaDetectionItem:
        if not isinstance(key, str):
            raise Refused(f"the field name {key} is no text: put it in quotes")
        field, *names = key.split("|")
        names = _checked(names)
        plain = content if isinstance(content, list) else [content]
        if not plain:
            raise Refused("an empty list of values")
        if not field and None in plain:
            raise Refused("null is no keyword: it needs a field")
        ways = [MODIFIERS[name] for name in names if name != "expand"]
        made = self._bounded(_value(value, names, ways, self._values) for value in plain)
        item = SigmaDetectionItem(field or None, ways, made, auto_modifiers=False)
        applied: list[type[SigmaModifier[Any, Any]]] = []
        for name, way in zip([name for name in names if name != "expand"], ways, strict=True):
            self._apply(name, way(item, applied), item)
            applied.append(way)
        self._made += sum(map(_forms, item.value))
        return item

    def _bounded(self, values: Iterable[SigmaType]) -> list[SigmaType]:
        """These of an item, unless they are too many with those of the items before."""
        made, forms = [], self._made
        for value in values:
            forms += _forms(value)
            if forms > FORMS_MAX:
                raise Refused(f"its modifiers make more than {FORMS_MAX:,} values of it", remedy="split it")
            made.append(value)
        return made

    def _apply(self, name: str, way: SigmaModifier[Any, Any], item: SigmaDetectionItem) -> None:
        try:
            if isinstance(way, SigmaListModifier):
                item.value = way.apply(item.value)
            elif name in _OPENING and all(isinstance(value, SigmaString) for value in item.value):
                item.value = [way.modify(value) for value in item.value]  # nothing to check, or to take apart
            else:
                item.value = self._bounded(made for value in item.value for made in way.apply(value))
        except SigmaTypeError as error:
            wants = " (it takes numbers)" if isinstance(way, SigmaCompareModifier | SigmaTimestampModifier) else ""
            cause = str(error)
            if "incompatible to value type" in cause:
                cause = f"the modifier `{name}` does not take such a value{wants}"
            raise Refused(cause) from None
        except SigmaError as error:
            raise Refused(str(error)) from None


def _forms(value: SigmaType) -> int:
    """Values in an expansion, which may hold others."""
    return sum(map(_forms, value.values)) if isinstance(value, SigmaExpansion) else 1


def _checked(names: list[str]) -> list[str]:
    """The modifiers in the order in which they work. Refused: unknown, twice, or against one another."""
    for name in names:
        if name not in MODIFIERS:
            raise Refused(f"the modifier `{name}` is not known", remedy=nearest(name, MODIFIERS))
        if names.count(name) > 1:
            raise Refused(f"the modifier `{name}` stands twice")
    for group in _ONE_OF:
        if len(both := [name for name in names if name in group]) > 1:
            raise Refused(f"the modifiers {' and '.join(both)} exclude one another")
    return sorted(names, key=lambda name: _LAST.get(name, 0))


def _value(value: Any, names: list[str], ways: list[type[SigmaModifier[Any, Any]]], values: Values) -> SigmaType:
    if isinstance(value, str):
        if "expand" in names:
            return expanded(value, values, "re" in names)
        return SigmaString.from_str(value) if "re" in names else text_value(value)
    if value is None:
        return SigmaNull()
    if isinstance(value, bool | int | float):
        if _AS_TEXT.intersection(names):
            return SigmaString.from_str(str(value).lower() if isinstance(value, bool) else str(_number(value)))
        if isinstance(value, bool):
            return SigmaBool(value)
        number = _number(value)
        if any(issubclass(way, SigmaTimestampModifier) for way in ways) and not isinstance(number.number, int):
            raise Refused(f"{value}: a part of a time is a whole number")
        return number
    if isinstance(value, list | dict):
        raise Refused(f"a {'list' if isinstance(value, list) else 'mapping'} as a value")
    raise Refused(f"a value of the kind {type(value).__name__}", remedy="put it in quotes")


def _number(value: float) -> SigmaNumber:
    """pySigma's number, which rounds what a float cannot hold, set exactly."""
    if value in (float("inf"), float("-inf")) or value != value:  # noqa: PLR0124 - not a number
        raise Refused(f"{value} is no number that an event can have")
    number = SigmaNumber(0)
    number.number = int(value) if isinstance(value, int) or value.is_integer() else value
    return number
