"""Whether a rule can fire on a source: by its logsource, and by the fields that its condition needs."""

from __future__ import annotations

import pytest

from sensor.compiler import Logsource, Rule, RuleInfo
from sensor.compiler.ir import KEYWORD, And, Atom, Node, Not, Op, Or
from sensor.config import Windows
from sensor.coverage import (
    CAN_FIRE,
    CANNOT_FIRE,
    DEGRADED,
    HOST,
    Source,
    Verdict,
    live_sources,
    replay_sources,
    verdict_of,
)

PROCESS = Logsource("linux", "process_creation")
STARTS = Logsource("windows", "process_creation")
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
    live = live_sources(product="linux")
    assert verdict_of(rule(USER), live).kind == CAN_FIRE
    assert verdict_of(rule(HASH), live) == Verdict(CANNOT_FIRE, "live has no Hashes", ("Hashes",), "live")
    assert verdict_of(rule(IMAGE, Logsource("linux", "file_event")), live).kind == CAN_FIRE
    assert verdict_of(rule(IMAGE, Logsource("linux", "file_delete")), live).kind == CANNOT_FIRE
    assert live_sources(product="macos") == ()
    assert live_sources() == live_sources(product=HOST)


# the settings, a logsource, and whether a sensor on Windows sees it
ALL = Windows()
SEEN = [
    (ALL, Logsource("windows", "process_creation"), True),
    (ALL, Logsource("windows", "registry_set"), True),
    (ALL, Logsource("windows", "ps_script"), True),
    (ALL, Logsource("windows", "process_access"), True),
    (ALL, Logsource("windows", "", "sysmon"), True),
    (ALL, Logsource("windows", "", "security"), True),
    (ALL, Logsource("windows", "network_connection", "security"), False),  # of Security 4688 alone is asked for
    (ALL, Logsource("windows", "", "taskscheduler"), False),
    (ALL, Logsource("windows", "ps_classic_start"), False),
    (ALL, Logsource("linux", "process_creation"), False),
    (ALL.but(channels=()), Logsource("windows", "process_access"), False),
    (ALL.but(channels=(), providers=()), Logsource("windows", "process_creation"), True),
    (ALL.but(channels=(), providers=()), Logsource("windows", "image_load"), False),
    (ALL.but(channels=(), providers=("dns",)), Logsource("windows", "dns_query"), True),
    (ALL.but(channels=("System",)), Logsource("windows", "", "system"), True),
    (ALL.but(channels=("Nobody/Knows",)), Logsource("windows", "", "taskscheduler"), False),
]


@pytest.mark.parametrize(("settings", "logsource", "seen"), SEEN)
def test_what_the_sensor_sees_on_windows(settings: Windows, logsource: Logsource, seen: bool) -> None:
    verdict = verdict_of(rule(Atom(KEYWORD, Op.CONTAINS, "x"), logsource), live_sources(settings, "windows"))
    assert (verdict.kind == CAN_FIRE) == seen


def test_what_is_unwound_is_there_live() -> None:
    alone = live_sources(ALL.but(channels=()), "windows")
    chain, renamed = (rule(Atom(n, Op.EQUALS, "x"), STARTS) for n in ("ProxyChain", "RenamedProxy"))
    assert verdict_of(chain, alone).kind == CAN_FIRE
    assert verdict_of(renamed, alone).kind == CAN_FIRE


@pytest.mark.parametrize(
    ("field", "category", "seen"),
    [
        ("OriginalFileName", "process_creation", True),
        ("Hashes", "image_load", True),
        ("PayloadSigned", "process_creation", True),
        ("PayloadSigned", "image_load", False),
        ("ImageSigned", "image_load", True),
        ("ImageSigned", "process_creation", False),
        ("Signed", "network_connection", False),
    ],
)
def test_what_is_known_of_files_is_there_live(field: str, category: str, seen: bool) -> None:
    alone = live_sources(ALL.but(channels=()), "windows")
    verdict = verdict_of(rule(Atom(field, Op.EQUALS, "x"), Logsource("windows", category)), alone)
    assert (verdict.kind == CAN_FIRE) == seen
    assert (
        verdict_of(rule(Atom("PayloadSigned", Op.EQUALS, "x"), STARTS), replay_sources("windows")).kind == CANNOT_FIRE
    )


def test_each_provider_of_the_settings_is_known() -> None:
    for name in ALL.providers:
        alone = live_sources(Windows(providers=(name,), channels=()), "windows")
        assert set(alone) - set(live_sources(Windows(providers=(), channels=()), "windows")), name


def test_windows_own_audit_log_lacks_what_sysmon_has() -> None:
    security = [source for source in replay_sources("windows") if source.name == "security"]
    wanted = rule(Or((IMAGE, Atom("OriginalFileName", Op.EQUALS, "x"))), Logsource("windows", "process_creation"))
    assert verdict_of(wanted, security).missing == ("OriginalFileName",)
    assert verdict_of(wanted, replay_sources("windows")) == Verdict(CAN_FIRE, source="sysmon")
