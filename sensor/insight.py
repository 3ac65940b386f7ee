"""What the matcher tells about rules beside their alerts: why one was met or not, and what each costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from sensor.native import Engine, Rules, check, ffi, lib

_SHOWN_MAX = 1 << 14  # literals or tests of a rule; the largest known has 4,432 values


class RuleCost(NamedTuple):
    """Judgements of a rule while rules were timed; `ns` is of the `timed` ones."""

    candidates: int
    timed: int
    ns: int


class Named(Protocol):
    """What is known of a rule by name."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...


class Witness(NamedTuple):
    """A literal (folded) that finds a rule: `op` as compiler.ir.Op."""

    field: str
    op: int
    text: str
    occurs: bool


class Step(NamedTuple):
    """A test of a rule; truth None: undecidable. `op` as compiler.ir.Op, `values`: how many it compares with."""

    field: str
    op: int
    negated: bool
    truth: bool | None
    values: int


class Explanation(NamedTuple):
    """Why an event met a rule or not; all but `routed` empty when the event is not of the rule's logsource.

    `reach` is why the rule was judged: "witness" (a literal of `witness` occurs), "always" (it has none), "unknown"
    (something that rules of its logsource read is cut or lost), "" (it was not). `verdict` is 0 or enum sn_verdict,
    worked out even for a rule that was not judged.
    """

    routed: bool
    reach: str = ""
    verdict: int = 0
    witness: tuple[Witness, ...] = ()
    steps: tuple[Step, ...] = ()


_REACH = {
    lib.SN_REACH_NOT: "",
    lib.SN_REACH_WITNESS: "witness",
    lib.SN_REACH_ALWAYS: "always",
    lib.SN_REACH_UNKNOWN: "unknown",
}
_TRUTH = {0: False, 1: True, 2: None}


def time_rules(engine: Engine, every: int) -> None:
    """Times one of `every` judgements of a rule from now on; 0: none, and nothing is counted."""
    lib.sn_engine__time_rules(engine.pointer, every)


def rule_costs(engine: Engine, rules: Rules) -> list[RuleCost]:
    """By rule number, since `rules`, which are in use, were swapped in."""
    costs = ffi.new("struct sn_rule_cost[]", len(rules))
    count = lib.sn_engine__rule_costs(engine.pointer, costs, len(costs))
    return [RuleCost(cost.candidates, cost.timed, cost.ns) for cost in costs[0:count]]


def rows_of(rules: Sequence[Named], costs: Sequence[RuleCost]) -> list[dict[str, Any]]:
    """What the rules cost that were judged, dearest first, for humans and JSON: id, title, `candidates`, `timed`,
    `mean_ns` of a judgement, `total_ns` of all by that, `share` of the rules' sum (0 to 1)."""
    total = {n: cost.ns / cost.timed * cost.candidates for n, cost in enumerate(costs) if cost.timed}
    whole = sum(total.values()) or 1.0
    return [
        {
            "id": rules[n].id,
            "title": rules[n].title,
            "candidates": costs[n].candidates,
            "timed": costs[n].timed,
            "mean_ns": round(costs[n].ns / costs[n].timed, 1),
            "total_ns": round(total[n]),
            "share": round(total[n] / whole, 6),
        }
        for n in sorted(total, key=lambda n: (-total[n], n))
    ]


def explain(engine: Engine, rules: Rules, rule: int, feed: Callable[[], object]) -> Explanation:
    """Why the last event that `feed` feeds met rule number `rule` of `rules`, which the engine uses, or not."""
    out = ffi.new("struct sn_explanation *", {"rule": rule})
    witness = ffi.new("struct sn_explained_witness[]", _SHOWN_MAX)
    step = ffi.new("struct sn_explained_step[]", _SHOWN_MAX)
    out.witness, out.witness_max, out.step, out.step_max = witness, len(witness), step, len(step)
    check(lib.sn_engine__explain(engine.pointer, out), f"explain rule {rule}")
    try:
        feed()
    finally:
        lib.sn_engine__explain(engine.pointer, ffi.NULL)
    if not out.routed:
        return Explanation(False)
    witnesses = tuple(
        Witness(_field(rules, w.field), w.op, _text(w.text, w.len), bool(w.occurs))
        for w in witness[0 : min(out.witnesses, len(witness))]
    )
    steps = tuple(
        Step(_field(rules, s.field), s.op, bool(s.negated), _TRUTH[s.truth], s.values)
        for s in step[0 : min(out.steps, len(step))]
    )
    return Explanation(True, _REACH[out.reach], out.verdict, witnesses, steps)


def _field(rules: Rules, number: int) -> str:
    length = ffi.new("uint32_t *")
    return _text(lib.sn_rules__field_name(rules.pointer, number, length), length[0])


def _text(pointer: object, length: int) -> str:
    return bytes(ffi.buffer(pointer, length)).decode(errors="surrogateescape")
