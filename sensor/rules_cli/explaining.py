"""`linsang rules explain`: what a rule asks for, and why it fired on an event or not, by both engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sensor.compiler import Logsource, Rule, RuleInfo, RuleSet, compile_table, load_rules
from sensor.compiler.ir import Atom, Not, Op, Or
from sensor.compiler.normal import normal
from sensor.compiler.witness import Literal, witness_of
from sensor.coverage import Source, live_sources, replay_sources
from sensor.errors import InputError, UsageError
from sensor.insight import Explanation, Witness, rule_costs, time_rules
from sensor.insight import explain as explain_native
from sensor.native import Engine, Frame, Rules, lib
from sensor.progress import Update
from sensor.reference import Verdict, judge
from sensor.reference_events import event_of
from sensor.rule_files import Reading
from sensor.rules_cli.feeding import opened, route_of
from sensor.rules_cli.finding import find_rule
from sensor.rules_cli.tree import VERBS, Tree, fields_of, quoted, seen
from sensor.rules_cli.verdicts import judged
from sensor.rules_cli.wording import Page, counted

_ALERT_BYTES = 1 << 24
_BATCH = 1 << 16
_TIMES = 1000  # that the event is judged for its cost
_WITNESSES_MAX = 6
_WORDS = {True: "match", False: "no match", None: "undecidable"}
_NATIVE: dict[int, Verdict] = {0: False, lib.SN_MATCH: True, lib.SN_UNDECIDABLE: None}


@dataclass(frozen=True)
class Observed:
    """An event as both engines see it. `event`: Sigma field -> value; `sources`: the logsources that it is of."""

    index: int
    event: Mapping[str, Any]
    sources: tuple[Logsource, ...]
    native: Explanation
    cost_ns: float  # of one judgement; 0: it was not judged


class _Bench:
    """One rule in an engine, and beside it rules that are always true, one a logsource: they bring every event out."""

    def __init__(self, rule: Rule, logsource: tuple[str, str, str]) -> None:
        always = Atom("Image", Op.EXISTS)
        known = dict.fromkeys((Logsource(), rule.info.logsource, *(s.logsource for s in replay_sources())))
        marks = [Rule(RuleInfo("", str(s), "low", s, ""), Or((always, Not(always)))) for s in known]
        compiled = compile_table(RuleSet((rule, *marks), ()))
        self.own = rule.info.logsource
        self._sources = [info.logsource for info in compiled.rules]
        self.engine = Engine(alert_bytes=_ALERT_BYTES)
        self._rules = Rules(compiled.bytes)
        self.engine.swap_rules(self._rules)
        self._route = route_of(self._rules, logsource)

    def first(self, path: str) -> int:
        """The number of the first event that is of the rule's logsource; 0 when none is."""
        found: list[int] = []

        def take() -> None:
            found.extend(f.index for f in self.engine.take() if f.rule and self._sources[f.rule] == self.own)

        with opened(self.engine, path, self._route) as feed:
            while not found and feed.feed(_BATCH, take):
                pass
        return found[0] if found else 0

    def observe(self, path: str, number: int) -> Observed:
        """Event `number` of the file. UsageError: it has not so many. InputError: that one is none, or none for
        rules."""
        frames, native, users = self._at(path, number)
        if not frames and not self.engine.stats()["malformed"]:  # of no logsource that is known: as of any
            self._route = self._rules.route()
            frames, _, users = self._at(path, number)
            native = Explanation(False)
        if not frames and self.engine.stats()["malformed"]:
            raise InputError(path, -1, f"event {number} could not be read", "linsang replay says why")
        if not frames:
            raise InputError(path, -1, f"event {number} is of a kind that rules are not about", "linsang dump shows it")
        sources = {self._sources[f.rule] for f in frames if f.rule}
        exact = [s for s in sources if not any(s != other and s.applies(other) for other in sources)]
        cost_ns = self._cost(frames[0]) if native.reach else 0.0
        return Observed(number, event_of(frames[0], users), tuple(sorted(exact, key=str)), native, cost_ns)

    def _at(self, path: str, number: int) -> tuple[list[Frame], Explanation, dict[int, str]]:
        """The event's frames, what the native side says of the rule on it, and the names of users."""
        frames: list[Frame] = []
        last: list[int] = []
        with opened(self.engine, path, self._route) as feed:
            fed = 0
            while fed < number and (some := feed.feed(number - fed, self.engine.take_raw)):
                fed += some
            while self.engine.take_raw():
                pass
            native = explain_native(
                self.engine,
                self._rules,
                0,
                lambda: last.append(feed.feed(1, lambda: frames.extend(self.engine.take()))),
            )
        if fed < number or not last[0]:
            raise UsageError(f"{path} has {counted(fed, 'event')}, no event {number}", "the first has the number 0")
        return frames, native, feed.users

    def _cost(self, frame: Frame) -> float:
        time_rules(self.engine, 1)
        for _ in range(_TIMES):
            if frame.payload == lib.SN_PAYLOAD_JSON:
                self.engine.feed_json(frame.event, route=self._route)
            else:
                self.engine.feed(frame.event)
            self.engine.take_raw()
        cost = rule_costs(self.engine, self._rules)[0]
        return cost.ns / cost.timed if cost.timed else 0.0


@dataclass(frozen=True)
class Asked:
    """The rule that `name` means (an id, its beginning, a title, a file), on `event`: FILE or FILE:N (N from 0; none:
    the first of the rule's logsource), "" for none. `logsource`: product, category, service of JSON lines."""

    name: str
    event: str = ""
    logsource: tuple[str, str, str] = ("", "", "")
    verbose: bool = False


def explain(
    paths: Sequence[Path],
    asked: Asked,
    out: TextIO,
    progress: Update | None = None,
    *,
    reading: Reading | None = None,
    sources: Sequence[Source] | None = None,
) -> int:
    """Explains a rule of `paths`, or of the file that is asked for; `sources`: what the running sensor sees. 1 when the
    engines differ. UsageError: no such rule or event; RuleError: the file's is refused; InputError: the event's file
    cannot be read."""
    files = [Path(asked.name)] if Path(asked.name).is_file() else paths
    ruleset = load_rules(files, progress, reading)
    if not ruleset.rules and ruleset.faults:
        raise ruleset.faults[0]
    rule = find_rule(ruleset.rules, asked.name)
    page = Page(out)
    here = live_sources() if sources is None else sources
    if not asked.event:
        _about(rule, here, page)
        Tree(page, None, asked.verbose).write(rule.condition)
        page.line()
        page.line(f"index:  {_witness_text(witness_of(normal(rule.condition)))}")
        return 0
    bench = _Bench(rule, asked.logsource)
    with bench.engine:
        path, number = _event_place(asked.event)
        if number is None and path == "-":
            raise UsageError("which event of standard input?", "give its number: --event -:0")
        observed = bench.observe(path, bench.first(path) if number is None else number)
    _about(rule, here, page)
    return _on_event(rule, path, observed, page, asked.verbose)


def _event_place(text: str) -> tuple[str, int | None]:
    path, colon, number = text.rpartition(":")
    if not colon or Path(text).exists():
        return text, None
    if not number.isascii() or not number.isdecimal():
        raise UsageError(f"--event {text}: `{number}` is no number", "write FILE or FILE:N, the first event being 0")
    return path, int(number)


def _about(rule: Rule, here: Sequence[Source], page: Page) -> None:
    info = rule.info
    page.line(page.paint(info.title, "1"), " (", page.paint(info.level, info.level), ")")
    page.line(f"{info.id}, {info.path}:{info.line}")
    for where, sources in (("here", here), ("in replay", replay_sources())):
        verdict = judged(rule, sources)
        page.line(f"{info.logsource}: {verdict.kind} {where}{f': {verdict.reason}' if verdict.reason else ''}")
    page.line()


def _on_event(rule: Rule, path: str, observed: Observed, page: Page, verbose: bool) -> int:
    verdict = judge(rule.condition, observed.event)
    native = observed.native
    kinds = ", ".join(map(str, observed.sources))
    page.line(f"event {observed.index} of {path}, {'of no known logsource' if kinds == '*/*/*' else kinds}")
    for field in dict.fromkeys(fields_of(rule.condition)):
        page.line(f"  {field}: {seen(field, observed.event)}")
    page.line()
    Tree(page, observed.event, verbose).write(rule.condition)
    page.line()
    if not native.routed:
        page.line(f"index:  never looked at: the rule is for {rule.info.logsource}, the event is of {kinds}")
        if kinds == "*/*/*":
            page.line("        --product, --category and --service say what JSON lines are of")
        page.line("result: ", page.paint("does not fire", "1"), f"; its condition alone: {_WORDS[verdict]}")
        return 0
    page.line(f"index:  {_reached(native)}")
    by_native = _NATIVE[native.verdict]
    page.line(f"native: {_WORDS[by_native]}; reference: {_WORDS[verdict]}")
    if observed.cost_ns:
        page.line(f"cost:   {observed.cost_ns:,.0f} ns to judge, mean of {_TIMES:,}; the clock's own reading included")
    if by_native is not verdict or (by_native is not False and not native.reach):
        page.line(page.paint("the engines differ: this is a defect; please report rule and event", "1;31"))
        return 1
    meaning = {True: "fires", False: "does not fire", None: "undecidable: what it reads was cut or lost"}
    page.line("result: ", page.paint(meaning[verdict], "1"))
    return 0


def _reached(native: Explanation) -> str:
    if native.reach == "always":
        return "judged on every event of its logsource: no literal has to occur for it to fire"
    if native.reach == "unknown":
        return "judged because a field is cut or lost, as every rule of its logsource is"
    if not native.reach:
        return f"not judged: {_witness_text(native.witness)}; none occurs"
    found = [witness for witness in native.witness if witness.occurs]
    return f"judged, as {_literals(found)} occurs"


def _witness_text(witness: Sequence[Literal] | Sequence[Witness] | None) -> str:
    if not witness:
        return "judged on every event of its logsource: no literal has to occur for it to fire"
    return f"it can only fire where {_literals(witness)}"


def _literals(witness: Sequence[Literal] | Sequence[Witness]) -> str:
    texts = [f"{each.field} {VERBS[Op(each.op)]} {quoted(each.text)}" for each in witness]
    more = len(texts) - _WITNESSES_MAX
    return " or ".join(texts[:_WITNESSES_MAX]) + (f" or {more} more" if more > 0 else "")
