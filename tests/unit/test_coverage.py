"""Whether a rule can fire on a source: by its logsource, and by the fields that its condition needs."""

from __future__ import annotations

import pytest

from sensor.compiler import Logsource, Rule, RuleInfo
from sensor.compiler.ir import KEYWORD, And, Atom, Node, Not, Op, Or
from sensor.coverage import (
    CAN_FIRE,
    CANNOT_FIRE,
    DEGRADED,
    Source,
    Verdict,
    live_sources,
    replay_sources,
    verdict_of,
)

PROCESS = Logsource("linux", "process_creation")
HERE = Source("here", PROCESS, frozenset(("Image", "CommandLine")))
THERE = Source("there", PROCESS, frozenset(("Image", "User")))
IMAGE, LINE, USER = (Atom(field, Op.CONTAINS, "x") for field in ("Image", "CommandLine", "User"))
HASH = Atom("Hashes", Op.CONTAINS, "x")
NO_HASH, HAS_HASH = Atom("Hashes", Op.NULL), Atom("Hashes", Op.EXISTS)


def rule(condition: Node, logsource: Logsource = PROCESS) -> Rule:
    return Rule(RuleInfo("", "", "low", logsource, ""), condition)


# condition, on a source with Image and CommandLine: kind, missing fields
CONDITIONS: list[tuple[Node, str, tuple[str, ...]]] = [
    (IMAGE, CAN_FIRE, ()),
    (And((IMAGE, LINE)), CAN_FIRE, ()),
    (HASH, CANNOT_FIRE, ("Hashes",)),
    (And((IMAGE, HASH)), CANNOT_FIRE, ("Hashes",)),
    (Or((IMAGE, HASH)), DEGRADED, ("Hashes",)),
    (Or((And((IMAGE, HASH)), And((LINE, USER)))), CANNOT_FIRE, ("Hashes", "User")),
    (And((IMAGE, Not(HASH))), DEGRADED, ("Hashes",)),
    (Not(Not(HASH)), CANNOT_FIRE, ("Hashes",)),
    (Not(Or((IMAGE, HASH))), DEGRADED, ("Hashes",)),
    (Not(And((IMAGE, HASH))), DEGRADED, ("Hashes",)),
    (NO_HASH, DEGRADED, ("Hashes",)),
    (Not(NO_HASH), CANNOT_FIRE, ("Hashes",)),
    (HAS_HASH, CANNOT_FIRE, ("Hashes",)),
    (And((IMAGE, Not(HAS_HASH))), DEGRADED, ("Hashes",)),
    (Atom(KEYWORD, Op.CONTAINS, "x"), CAN_FIRE, ()),
    (Atom("Image", Op.FIELD, other="CommandLine"), CAN_FIRE, ()),
    (Atom("Image", Op.FIELD, other="User"), CANNOT_FIRE, ("User",)),
    (Not(Atom("Image", Op.FIELD, other="User")), DEGRADED, ("User",)),
]


@pytest.mark.parametrize(("condition", "kind", "missing"), CONDITIONS)
def test_conditions(condition: Node, kind: str, missing: tuple[str, ...]) -> None:
    reason = f"here has no {', '.join(missing)}" if missing else ""
    assert verdict_of(rule(condition), [HERE]) == Verdict(kind, reason, missing, "here")


def test_the_best_source_counts() -> None:
    assert verdict_of(rule(USER), [HERE, THERE]) == Verdict(CAN_FIRE, source="there")
    assert verdict_of(rule(Or((USER, LINE))), [HERE, THERE]) == Verdict(DEGRADED, "here has no User", ("User",), "here")
    anything = Source("log", PROCESS, None)
    assert verdict_of(rule(HASH), [HERE, anything]) == Verdict(CAN_FIRE, source="log")


# logsource of a rule, whether some source of the product has it
LOGSOURCES = [
    (Logsource("windows", "process_creation"), "windows", True),
    (Logsource("windows", "", "security"), "windows", True),
    (Logsource("windows", "ps_script"), "windows", True),
    (Logsource("windows", "file_access"), "windows", False),
    (Logsource("windows", "process_creation"), "linux", False),
    (Logsource("linux", "", "auditd"), "linux", True),
    (Logsource("linux", "", "sshd"), "", False),
    (Logsource("macos", "file_event"), "macos", True),
    (Logsource("", "process_creation"), "macos", True),
    (Logsource("linux"), "linux", True),
    (Logsource("", "webserver"), "", False),
]


@pytest.mark.parametrize(("logsource", "product", "there"), LOGSOURCES)
def test_logsources(logsource: Logsource, product: str, there: bool) -> None:
    verdict = verdict_of(rule(Atom(KEYWORD, Op.CONTAINS, "x"), logsource), replay_sources(product))
    assert (verdict.kind != CANNOT_FIRE) == there
    assert there or verdict.reason == f"no source for {logsource}"


def test_what_the_sensor_sees() -> None:
    assert verdict_of(rule(USER), live_sources()).kind == CAN_FIRE
    assert verdict_of(rule(HASH), live_sources()) == Verdict(CANNOT_FIRE, "live has no Hashes", ("Hashes",), "live")
    assert verdict_of(rule(IMAGE, Logsource("linux", "file_event")), live_sources()).kind == CAN_FIRE
    assert verdict_of(rule(IMAGE, Logsource("linux", "file_delete")), live_sources()).kind == CANNOT_FIRE


def test_windows_own_audit_log_lacks_what_sysmon_has() -> None:
    security = [source for source in replay_sources("windows") if source.name == "security"]
    wanted = rule(Or((IMAGE, Atom("OriginalFileName", Op.EQUALS, "x"))), Logsource("windows", "process_creation"))
    assert verdict_of(wanted, security).missing == ("OriginalFileName",)
    assert verdict_of(wanted, replay_sources("windows")) == Verdict(CAN_FIRE, source="sysmon")
