"""What `linsang rules check`, `list` and `test` do; each returns the exit code."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from sensor.compiler import Rule, RuleInfo, RuleSet, compile_table, load_rules
from sensor.compiler.cases import Case, cases_of
from sensor.compiler.load import Progress
from sensor.errors import RuleError
from sensor.native import Engine, Rules, lib
from sensor.reference import Reference

LEVELS = ("informational", "low", "medium", "high", "critical")


def check(paths: Sequence[Path], out: TextIO, progress: Progress | None = None) -> int:
    """Compiles and verifies; a line a fault, then the count. 1 when a rule was refused."""
    ruleset = load_rules(paths, progress)
    compiled = compile_table(ruleset)
    Rules(compiled.bytes).close()
    for fault in ruleset.faults:
        print(fault, file=out)
    print(f"{len(ruleset.rules)} rules loaded, {len(ruleset.faults)} refused", file=out)
    return 1 if ruleset.faults else 0


@dataclass(frozen=True)
class Filter:
    """Which rules `list` shows; an empty part lets all through. `level` is the lowest that is shown."""

    tag: str = ""
    level: str = ""
    logsource: str = ""

    def passes(self, info: RuleInfo) -> bool:
        """Whether the rule is shown."""
        if self.tag and not any(self.tag.lower() in tag.lower() for tag in info.tags):
            return False
        if self.level and _rank(info.level) < _rank(self.level):
            return False
        return not self.logsource or self.logsource in str(info.logsource)


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def list_rules(paths: Sequence[Path], which: Filter, form: str, out: TextIO, progress: Progress | None = None) -> int:
    """The rules that pass `which`, as a table or as JSON lines (`form`: table, json)."""
    infos = [rule.info for rule in load_rules(paths, progress).rules if which.passes(rule.info)]
    for info in infos:
        if form == "json":
            print(json.dumps({**asdict(info), "logsource": asdict(info.logsource)}), file=out)
        else:
            print(f"{info.level:<13} {info.logsource!s:<34} {info.id:<36} {info.title}", file=out)
    if form != "json":
        print(f"{len(infos)} rules", file=out)
    return 0


# ---- rules test ----


def run_cases(paths: Sequence[Path], out: TextIO, progress: Progress | None = None) -> int:
    """Runs every rule's cases through both engines; a line a failure, then the count. 1 when one failed."""
    ruleset = load_rules(paths, progress)
    failures: list[str] = [str(fault) for fault in ruleset.faults]
    ran = 0
    for rule in ruleset.rules:
        try:
            cases = cases_of(rule)
        except RuleError as error:
            failures.append(str(error))
            continue
        ran += len(cases)
        failures.extend(failed_cases(rule, cases))
    for line in failures:
        print(line, file=out)
    print(f"{len(ruleset.rules)} rules, {ran} cases, {len(failures)} failed", file=out)
    return 1 if failures else 0


def failed_cases(rule: Rule, cases: Iterable[Case]) -> list[str]:
    """A line for each case on which an engine says the wrong thing."""
    alone = RuleSet((rule,), ())
    compiled = compile_table(alone)
    reference = Reference([rule])
    failures = []
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 18, table_entries=64, table_bytes=1 << 16) as engine:
        rules = Rules(compiled.bytes)
        engine.swap_rules(rules)
        for case in cases:
            source = case.logsource
            by_reference = any(verdict is True for _, verdict in reference.judge(case.event, source))
            route = rules.route(source.product, source.category, source.service)
            if route is not None:
                engine.feed_json(json.dumps(case.event).encode(), route=route)
            by_native = any(frame.verdict == lib.SN_MATCH for frame in engine.take())
            wrong = [n for n, got in (("native", by_native), ("reference", by_reference)) if got is not case.fires]
            if wrong:
                verb = "does not fire" if case.fires else "fires"
                failures.append(f"{rule.info.path}: {case.name}: {verb} ({', '.join(wrong)})")
    return failures
