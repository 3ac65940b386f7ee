"""Sigma's filter documents: a condition that is AND-ed to those of the rules that they name."""

import copy
from dataclasses import dataclass, field
from typing import Any

from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetection, SigmaDetections, SigmaLogSource, SigmaRule

from sensor.compiler.detection import parse_detections
from sensor.compiler.expand import Values
from sensor.compiler.ir import Logsource, RuleInfo
from sensor.compiler.refused import Refused

_RULES = "rules"


@dataclass
class Filter:
    """One filter. `rules`: ids and names; None: any. `unseen`: those of them that no rule had so far."""

    logsource: SigmaLogSource
    rules: tuple[str, ...] | None
    detections: dict[str, SigmaDetection]
    condition: str
    unseen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.unseen = set(self.rules or ())

    def applies(self, rule: RuleInfo, name: str) -> bool:
        """Whether the rule, which has this name, is one that the filter names, and of its log source."""
        if self.rules is not None:
            known = ({rule.id.lower(), name} & set(self.rules)) - {""}
            self.unseen -= known
            if not known:
                return False
        own = self.logsource
        return Logsource(own.product or "", own.category or "", own.service or "").applies(rule.logsource)

    def for_rule(self) -> SigmaDetections:
        """Its detection, to be a rule's own: pipelines change it in place, by what they know of the rule."""
        return SigmaDetections(copy.deepcopy(self.detections), [self.condition])

    def alone(self) -> SigmaRule:
        """It as a rule."""
        return SigmaRule(logsource=self.logsource, detection=self.for_rule())


def parse_filter(document: dict[Any, Any], values: Values) -> Filter:
    """The filter of a document. Refused, with the place."""
    if not isinstance(document.get("title"), str):
        raise Refused("a filter needs a title", "title")
    try:
        logsource = SigmaLogSource.from_dict(document["logsource"])
    except (KeyError, AttributeError):
        raise Refused("a filter needs a log source", "logsource") from None
    except SigmaError as error:
        raise Refused(str(error), "logsource") from None
    section = document["filter"]
    try:
        detections, conditions = parse_detections(section, frozenset({_RULES}), values)
        if len(conditions) > 1:
            raise Refused("a filter has one condition", "condition")
        return Filter(logsource, _rules(section), detections, conditions[0])
    except Refused as error:
        raise error.below("filter") from None


def _rules(section: dict[Any, Any]) -> tuple[str, ...] | None:
    named = section.get(_RULES)
    named = [named] if isinstance(named, str) else named
    if not isinstance(named, list) or not named or not all(isinstance(each, str) for each in named):
        raise Refused("which rules it filters is missing", _RULES, remedy="`any`, or a list of ids and names")
    if [each.lower() for each in named] == ["any"]:
        return None
    return tuple(each.lower() if each.count("-") == 4 else each for each in named)  # ids in any case
