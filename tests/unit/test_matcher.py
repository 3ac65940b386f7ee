"""The C matcher against the reference: rows of what each operator means, then random rules on random events."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.compiler import Logsource, Rule, RuleInfo, RuleSet, compile_table
from sensor.compiler.fold import fold
from sensor.compiler.ir import ANY_ONE, ANY_RUN, And, Atom, Node, Not, Op, Or, Part
from sensor.insight import Explanation, Step, Witness, explain, rule_costs, time_rules
from sensor.native import Engine, Rules, lib
from sensor.reference import judge

SOURCE = Logsource("windows", "process_creation")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 20, table_entries=64, table_bytes=1 << 16) as made:
        yield made


def table(conditions: list[Node]) -> bytes:
    """Rules of these conditions, numbered as they are."""
    infos = [RuleInfo(str(n), f"rule {n}", "low", SOURCE, "x.yml") for n in range(len(conditions))]
    ruleset = RuleSet(tuple(Rule(info, c) for info, c in zip(infos, conditions, strict=True)), ())
    return compile_table(ruleset).bytes


def native(engine: Engine, conditions: list[Node], event: dict[str, Any]) -> list[bool | None]:
    """The verdict of each condition on `event`."""
    rules = Rules(table(conditions))
    engine.swap_rules(rules)
    assert engine.feed_json(json.dumps(event).encode(), route=rules.route("windows", "process_creation"))
    verdicts: list[bool | None] = [False] * len(conditions)
    for frame in engine.take():
        verdicts[frame.rule] = True if frame.verdict == lib.SN_MATCH else None
    return verdicts


ROWS: list[tuple[Atom, dict[str, Any], bool]] = [
    (Atom("A", Op.EQUALS, "x"), {"A": "X"}, True),
    (Atom("A", Op.EQUALS, "X", cased=True), {"A": "x"}, False),
    (Atom("A", Op.EQUALS, ""), {"A": ""}, True),
    (Atom("A", Op.EQUALS, ""), {}, False),
    (Atom("A", Op.NULL), {}, True),
    (Atom("A", Op.NULL), {"A": None}, True),
    (Atom("A", Op.NULL), {"A": ""}, False),
    (Atom("A", Op.EXISTS), {"A": None}, True),
    (Atom("A", Op.EXISTS), {}, False),
    (Atom("A", Op.CONTAINS, ""), {"A": ""}, True),
    (Atom("A", Op.CONTAINS, "ß"), {"A": "STRAẞE"}, True),
    (Atom("A", Op.STARTSWITH, "k"), {"A": "\u212aelvin"}, True),
    (Atom("A", Op.GLOB, f"a{ANY_ONE}c"), {"A": "aéc"}, True),
    (Atom("A", Op.GLOB, f"a{ANY_ONE}c"), {"A": "ac"}, False),
    (Atom("A", Op.GLOB, f"{ANY_RUN}b{ANY_RUN}c"), {"A": "xxbbyyc"}, True),
    (Atom("A", Op.EQUALS, "1"), {"A": 1}, True),
    (Atom("A", Op.EQUALS, "true"), {"A": True}, True),
    (Atom("A", Op.EQUALS, "b"), {"A": ["a", "b"]}, True),
    (Atom("A", Op.CIDR, "10.0.0.0/9"), {"A": "10.127.255.255"}, True),
    (Atom("A", Op.CIDR, "10.0.0.0/9"), {"A": "10.128.0.0"}, False),
    (Atom("A", Op.CIDR, "10.0.0.0/9"), {"A": "ten"}, False),
    (Atom("A", Op.CIDR, "fe80::/10"), {"A": "FE80:0::1"}, True),
    (Atom("A", Op.GT, "9.0"), {"A": "10"}, True),
    (Atom("A", Op.LT, "9.0"), {"A": "ten"}, False),
    (Atom("A", Op.LTE, "9.5"), {"A": "9.5"}, True),
    (Atom("A", Op.LT, "9007199254740993"), {"A": "9007199254740992"}, True),
    (Atom("A", Op.GTE, "-1e3"), {"A": "-1000.000"}, True),
    (Atom("A", Op.GT, "0"), {"A": ".5"}, False),
    (Atom("A", Op.CIDR, "10.0.0.0/8"), {"A": "::ffff:10.1.2.3"}, True),
    (Atom("A", Op.TIME, "7", part=Part.HOUR), {"A": "2026-08-05 07:59:12.001"}, True),
    (Atom("A", Op.TIME, "53", part=Part.WEEK), {"A": "2021-01-03"}, True),
    (Atom("A", Op.TIME, "30", part=Part.MINUTE, form=Op.GTE), {"A": "2026-08-05T07:30:00Z"}, True),
    (Atom("A", Op.TIME, "29", part=Part.DAY), {"A": "2025-02-29T07:30:00Z"}, False),
    (Atom("A", Op.TIME, "0", part=Part.MINUTE, form=Op.GTE), {"A": "2025-02-28"}, False),
    (Atom("A", Op.REGEX, r"^a\d+$", cased=True), {"A": "a12"}, True),
    (Atom("A", Op.REGEX, r"^a\d+$", cased=True), {"A": "A12"}, False),
    (Atom("A", Op.FIELD, other="B"), {"A": "x", "B": "X"}, True),
    (Atom("A", Op.FIELD, other="B", form=Op.ENDSWITH), {"A": "axy", "B": "XY"}, True),
    (Atom("A", Op.FIELD, other="B"), {"A": "x"}, False),
    (Atom("*", Op.CONTAINS, "needle"), {"A": "x", "B": ["y", "a Needle"]}, True),
]


@pytest.mark.parametrize(("atom", "event", "expected"), ROWS)
def test_what_an_operator_means(engine: Engine, atom: Atom, event: dict[str, Any], expected: bool) -> None:
    assert judge(atom, event) is expected
    assert native(engine, [atom, Not(atom)], event) == [expected, not expected]


LETTERS = st.text(alphabet="abAB\u212aéÉßẞ\\*?. -/1İ😀\n", max_size=6)
FIELDS = st.sampled_from(["A", "B", "C"])


@st.composite
def atoms(draw: st.DrawFn) -> Atom:
    field, op = draw(FIELDS), draw(st.sampled_from(Op))
    cased = draw(st.booleans())
    if op in (Op.NULL, Op.EXISTS):
        return Atom(field, op)
    if op in (Op.LT, Op.LTE, Op.GT, Op.GTE):
        return Atom(field, op, str(draw(st.integers(-2, 20)) / 2))
    if op is Op.TIME:
        form = draw(st.sampled_from([Op.EQUALS, Op.LT, Op.GTE]))
        return Atom(field, op, str(draw(st.integers(0, 60))), part=draw(st.sampled_from(Part)), form=form)
    if op is Op.CIDR:
        return Atom(field, op, draw(st.sampled_from(["10.0.0.0/8", "10.1.0.0/17", "::/0", "fe80::/9", "1.2.3.4/32"])))
    if op is Op.REGEX:
        pattern = draw(st.sampled_from([r"a+b", r"^\w?$", r"(?:a|é){2}", r"\\", r"b$", r"(?s:a.b)"]))
        return Atom(field, op, pattern, cased=True, flags=draw(st.sampled_from([0, 2])))
    if op is Op.FIELD:
        form = draw(st.sampled_from([Op.EQUALS, Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH]))
        return Atom(field, op, cased=cased, other=draw(FIELDS), form=form)
    text = draw(LETTERS)
    if op is Op.GLOB:
        text = "".join(draw(st.sampled_from([c, ANY_RUN, ANY_ONE])) for c in text)
    return Atom(field, op, text if cased else fold(text), cased=cased)


CONDITIONS: st.SearchStrategy[Node] = st.recursive(
    atoms(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
SCALARS = st.one_of(
    LETTERS,
    st.none(),
    st.booleans(),
    st.integers(-3, 12),
    st.sampled_from(["10.1.2.3", "fe80::1", "9.5", "1e1", "1.2.3.4", "2024-02-29T11:59"]),
)
EVENTS = st.dictionaries(FIELDS, st.one_of(SCALARS, st.lists(SCALARS, min_size=1, max_size=3)))


@given(conditions=st.lists(CONDITIONS, min_size=1, max_size=8), event=EVENTS)
def test_agrees_with_the_reference(engine: Engine, conditions: list[Node], event: dict[str, Any]) -> None:
    assert native(engine, conditions, event) == [judge(condition, event) for condition in conditions]


# ---- explain and cost ----
def test_explains_why_a_rule_fired_or_not(engine: Engine) -> None:
    condition = And((Atom("A", Op.ENDSWITH, "\\x.exe"), Not(Atom("B", Op.CONTAINS, "safe"))))
    rules = Rules(table([condition, Not(Atom("B", Op.EQUALS, "x"))]))
    engine.swap_rules(rules)
    route = rules.route("windows", "process_creation")

    def why(rule: int, event: dict[str, Any]) -> Explanation:
        return explain(engine, rules, rule, lambda: engine.feed_json(json.dumps(event).encode(), route=route))

    met = why(0, {"A": r"C:\X.EXE", "B": "y"})
    assert (met.routed, met.reach, met.verdict) == (True, "witness", lib.SN_MATCH)
    assert met.witness == (Witness("A", Op.ENDSWITH, "\\x.exe", True),)
    assert set(met.steps) == {
        Step("A", Op.ENDSWITH, False, True, 1),
        Step("B", Op.CONTAINS, True, False, 1),
    }
    missed = why(0, {"A": r"C:\Y.EXE", "B": "safe"})
    assert (missed.reach, missed.verdict, missed.witness[0].occurs) == ("", 0, False)
    assert why(1, {}).reach == "always"
    assert why(1, {}).verdict == lib.SN_MATCH
    assert explain(engine, rules, 0, lambda: engine.feed_json(b"{}")) == Explanation(False)
    engine.take()


def test_counts_and_times_what_is_judged(engine: Engine) -> None:
    rules = Rules(table([Atom("A", Op.EQUALS, "x"), Atom("A", Op.EQUALS, "y")]))
    engine.swap_rules(rules)
    time_rules(engine, 2)
    before = engine.stats()["candidates"]
    for _ in range(10):
        engine.feed_json(b'{"A": "x"}', route=rules.route("windows", "process_creation"))
    time_rules(engine, 0)
    engine.feed_json(b'{"A": "y"}', route=rules.route("windows", "process_creation"))
    costs = rule_costs(engine, rules)
    assert [(cost.candidates, cost.timed) for cost in costs] == [(10, 5), (0, 0)]
    assert costs[0].ns > 0
    assert engine.stats()["candidates"] - before == 11
    engine.take()
