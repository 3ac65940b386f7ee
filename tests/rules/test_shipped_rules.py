"""The shipped rules: their form, their cases, their page in the docs."""

import io
import os
import re
import uuid
from collections import Counter

import pytest
from shipped import LEVELS, PAGE, ROOT, Shipped, page, searches, shipped

from sensor.compiler import Logsource, load_rules
from sensor.coverage import CAN_FIRE, live_sources, verdict_of
from sensor.reference import Reference
from sensor.rules_cli import run_cases

RULES = shipped()
DEFINED = (ROOT / "native" / "fields.def").read_text()
OPERATORS = {"contains", "startswith", "endswith", "all", "cidr", "expand", "re", "gte", "lt"}
FIELDS = set(re.findall(r'^SN_(?:FIELD\([^"]*"[^"]*"|DERIVED\([^"]*), "([^"]+)"', DEFINED, re.M))


def ident(item: Shipped) -> str:
    return item.path.stem


def test_there_are_rules() -> None:
    assert len(RULES) >= 60


@pytest.mark.parametrize("key", ["id", "title"])
def test_unique(key: str) -> None:
    assert [value for value, count in Counter(item.rule[key] for item in RULES).items() if count > 1] == []


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_form(item: Shipped) -> None:
    rule = item.rule
    assert uuid.UUID(rule["id"]).version == 4
    assert rule["level"] in LEVELS
    assert rule["author"] == "Linsang"
    assert "attack.t1218" in rule["tags"]
    assert rule["falsepositives"]
    assert "https://attack.mitre.org/techniques/T1218/" in rule["references"]
    assert rule["description"].startswith("Detects ")
    assert len(rule["title"]) <= 110  # SigmaHQ's limit
    prefix = {"process_creation": "proc_creation", "network_connection": "net_connection", "file_event": "file_event"}
    assert item.path.name.startswith(f"{prefix[rule['logsource']['category']]}_lnx_")


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_fields_and_operators_are_known(item: Shipped) -> None:
    for name, detection in item.rule["detection"].items():
        if name != "condition":
            for search in searches(detection):
                field, *operators = search.split("|")
                assert field in FIELDS
                assert set(operators) <= OPERATORS


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_has_cases(item: Shipped) -> None:
    assert set(item.cases) == {"positive", "negative"}
    assert len(item.cases["positive"]) >= 3
    assert len(item.cases["negative"]) >= 4
    names = [case["name"] for cases in item.cases.values() for case in cases]
    assert len(set(names)) == len(names)
    assert all(set(case) == {"name", "event"} for cases in item.cases.values() for case in cases)
    assert all(set(case["event"]) <= FIELDS for cases in item.cases.values() for case in cases)


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_every_case_comes_out_as_written(item: Shipped) -> None:
    out = io.StringIO()
    assert run_cases([item.path], out) == 0, out.getvalue()


def test_no_benign_case_fires_any_other_rule_loudly() -> None:
    """The look-alikes of one rule must not be alerts of high level by another."""
    rules = load_rules([ROOT / "rules"]).rules
    reference = Reference([rule for rule in rules if rule.info.level in {"high", "critical"}])
    for item in RULES:
        source = Logsource(**item.rule["logsource"])
        for case in item.cases["negative"]:
            fired = [rule.info.title for rule, verdict in reference.judge(case["event"], source) if verdict is True]
            assert not fired, f"{item.path.name}: {case['name']}: {fired}"


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_leans_on_something(item: Shipped) -> None:
    assert item.leans_on


def test_most_lean_on_behaviour() -> None:
    names_alone = [item for item in RULES if set(item.leans_on) <= {"program", "arguments"}]
    assert len(names_alone) * 10 <= len(RULES), [ident(item) for item in names_alone]


def test_every_rule_can_fire_here() -> None:
    for rule in load_rules([ROOT / "rules"]).rules:
        assert verdict_of(rule, live_sources()).kind == CAN_FIRE, rule.info.title


def test_page_is_current() -> None:
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(page())
    assert PAGE.read_text() == page(), "WRITE_GOLDEN=1 pytest tests/rules"
