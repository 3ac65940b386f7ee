"""`linsang rules test`: the cases beside the rules, through both engines."""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from sensor.compiler import Rule, RuleSet, compile_table, load_rules
from sensor.compiler.cases import Case, cases_of
from sensor.errors import RuleError
from sensor.native import Engine, Rules, lib
from sensor.progress import Update
from sensor.reference import Reference
from sensor.rule_files import Reading
from sensor.rules_cli.wording import Page, counted


def run_cases(
    paths: Sequence[Path],
    out: TextIO,
    progress: Update | None = None,
    *,
    reading: Reading | None = None,
    verbose: bool = False,
) -> int:
    """Runs every rule's cases through both engines; a line a failure (`verbose`: a rule), then the count. 1 when one
    failed."""
    began = time.perf_counter()
    ruleset = load_rules(paths, progress, reading)
    page = Page(out)
    failures: list[str] = [str(fault) for fault in ruleset.faults]
    ran = 0
    for number, rule in enumerate(ruleset.rules):
        if progress is not None:
            progress(number, len(ruleset.rules))
        try:
            cases = cases_of(rule)
        except RuleError as error:
            failures.append(str(error))
            continue
        ran += len(cases)
        failed = failed_cases(rule, cases)
        failures.extend(failed)
        if verbose:
            fires = sum(case.fires for case in cases)
            state = f"{len(failed)} failed" if failed else "passed"
            page.line(f"{state:<9} {fires:>2} fire, {len(cases) - fires:>2} do not: {rule.info.title}")
    for line in failures:
        page.line(page.paint(line, "31"))
    took = time.perf_counter() - began
    counts = f"{counted(len(ruleset.rules), 'rule')}, {counted(ran, 'case')}, {len(failures)} failed"
    page.line(f"{counts} (native and reference, {took:.1f} s)")
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
