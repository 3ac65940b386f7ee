"""The shipped rules: their form, their cases, their page in the docs."""

import io
import os
import re
import uuid
from collections import Counter

import pytest
from shipped import LEVELS, PAGE, ROOT, Shipped, page, searches, shipped

from sensor import schema
from sensor.compiler import Logsource, load_rules
from sensor.coverage import CAN_FIRE, CANNOT_FIRE, live_sources, replay_sources, verdict_of
from sensor.reference import Reference
from sensor.rules_cli import run_cases

RULES = shipped()
DEFINED = (ROOT / "native" / "fields.def").read_text()
OPERATORS = {"contains", "startswith", "endswith", "all", "cidr", "expand", "re", "gte", "lt", "i", "windash"}
FIELDS = set(re.findall(r'^SN_(?:FIELD\([^"]*"[^"]*"|DERIVED\([^"]*), "([^"]+)"', DEFINED, re.M))
WINDOWS_FIELDS = set[str]().union(*(source.fields or () for source in replay_sources("windows")))
CATEGORIES = {
    "process_creation": "proc_creation",
    "network_connection": "net_connection",
    "process_access": "proc_access",
    "ps_script": "posh_ps",
}
SUFFIXES = {"linux": "lnx", "windows": "win"}
# The techniques that shipped rules are for: a rule carries one of them at least.
PROXY_EXECUTION = re.compile(r"attack\.t(1218|1216|1127|1202|1220)(\.\d{3})?")


def ident(item: Shipped) -> str:
    return item.path.stem


def fields_of(item: Shipped) -> set[str]:
    """What its events can have; what was really run is worked out from events of both products."""
    return FIELDS | WINDOWS_FIELDS if item.product == "windows" else FIELDS


@pytest.mark.parametrize("product", ["linux", "windows"])
def test_there_are_rules(product: str) -> None:
    assert sum(item.product == product for item in RULES) >= 60


@pytest.mark.parametrize("key", ["id", "title"])
def test_unique(key: str) -> None:
    assert [value for value, count in Counter(item.rule[key] for item in RULES).items() if count > 1] == []


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_form(item: Shipped) -> None:
    rule = item.rule
    assert uuid.UUID(rule["id"]).version == 4
    assert rule["level"] in LEVELS
    assert rule["author"] == "Linsang"
    assert any(PROXY_EXECUTION.fullmatch(tag) for tag in rule["tags"])
    assert rule["falsepositives"]
    for technique in item.techniques if item.product == "windows" else ["T1218"]:
        assert f"https://attack.mitre.org/techniques/{technique.replace('.', '/')}/" in rule["references"]
    assert rule["description"].startswith("Detects ")
    assert len(rule["title"]) <= 110  # SigmaHQ's limit
    category = rule["logsource"]["category"]
    assert item.path.name.startswith(f"{CATEGORIES.get(category, category)}_{SUFFIXES[item.product]}_")


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_fields_and_operators_are_known(item: Shipped) -> None:
    for name, detection in item.rule["detection"].items():
        if name != "condition":
            for search in searches(detection):
                field, *operators = search.split("|")
                assert field in fields_of(item)
                assert set(operators) <= OPERATORS


@pytest.mark.parametrize("item", RULES, ids=ident)
def test_has_cases(item: Shipped) -> None:
    assert set(item.cases) == {"positive", "negative"}
    assert len(item.cases["positive"]) >= 3
    assert len(item.cases["negative"]) >= 4
    names = [case["name"] for cases in item.cases.values() for case in cases]
    assert len(set(names)) == len(names)
    assert all(set(case) == {"name", "event"} for cases in item.cases.values() for case in cases)
    assert all(set(case["event"]) <= fields_of(item) for cases in item.cases.values() for case in cases)


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


def test_every_linux_rule_can_fire_here() -> None:
    for rule in load_rules([ROOT / "rules" / "linux"]).rules:
        assert verdict_of(rule, live_sources(product="linux")).kind == CAN_FIRE, rule.info.title


def test_every_windows_rule_can_fire_on_a_sensor_of_windows() -> None:
    for rule in load_rules([ROOT / "rules" / "windows"]).rules:
        assert verdict_of(rule, live_sources(product="windows")).kind != CANNOT_FIRE, rule.info.title


def test_every_windows_rule_can_fire_without_what_is_unwound() -> None:
    """On the fields that another maker's log has: a table for them alone must not be needed. But for those about files
    that only the sensor looks at."""
    found_out = {name for category in ("process_creation", "image_load") for name in schema.windows_facts(category)}
    for rule in load_rules([ROOT / "rules" / "windows"]).rules:
        missing = set(verdict_of(rule, replay_sources("windows")).missing)
        assert missing & found_out or verdict_of(rule, replay_sources("windows")).kind != CANNOT_FIRE, rule.info.title


def test_page_is_current() -> None:
    made = page()
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(made)
    assert PAGE.read_text() == made, "WRITE_GOLDEN=1 pytest tests/rules"
