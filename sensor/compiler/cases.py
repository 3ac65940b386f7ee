"""The cases beside a rule: NAME.cases.yml with lists `positive` and `negative` of {name, event, logsource?}."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sensor.compiler.ir import Logsource, Rule
from sensor.errors import RuleError
from sensor.rule_files import CASES


@dataclass(frozen=True)
class Case:
    """One event from a rule's case file, and whether the rule must fire on it."""

    name: str
    fires: bool
    event: dict[str, Any]
    logsource: Logsource


def cases_of(rule: Rule) -> list[Case]:
    """The cases beside the rule. RuleError when there is not at least one positive and one negative."""
    path = Path(rule.info.path)
    beside = path.with_name(path.name.removesuffix(path.suffix) + CASES)
    if not beside.exists():
        raise RuleError(str(path), rule.info.line, rule.info.id, "no cases beside it", f"write {beside.name}")
    try:
        document = yaml.safe_load(beside.read_text("utf-8"))
        cases = [
            Case(str(item["name"]), fires, dict(item["event"]), Logsource(**item.get("logsource", {})))
            for key, fires in (("positive", True), ("negative", False))
            for item in document[key]
        ]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        why = f"unreadable cases: {' '.join(str(error).split()) or type(error).__name__}"
        raise RuleError(str(beside), 1, rule.info.id, why, "lists `positive` and `negative` of {name, event}") from None
    if len({case.fires for case in cases}) < 2:
        raise RuleError(str(beside), 1, rule.info.id, "needs at least one positive and one negative case", "")
    own = rule.info.logsource
    return [case if case.logsource != Logsource() else Case(case.name, case.fires, case.event, own) for case in cases]
