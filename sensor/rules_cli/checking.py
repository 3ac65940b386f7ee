"""`linsang rules check`: compiles, and says what became of every rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from sensor.compiler import compile_table, load_rules
from sensor.coverage import CAN_FIRE, CANNOT_FIRE, DEGRADED, Source, live_sources
from sensor.native import Rules
from sensor.progress import Update, halves
from sensor.rule_files import Reading
from sensor.rules_cli.verdicts import judged
from sensor.rules_cli.wording import Page, counted

_REASONS_MAX = 12  # without --verbose
_NAMES_MAX = 4


def check(
    paths: Sequence[Path],
    out: TextIO,
    progress: Update | None = None,
    *,
    reading: Reading | None = None,
    sources: Sequence[Source] | None = None,
    verbose: bool = False,
) -> int:
    """Compiles and verifies; a line a fault, then the counts, then how many rules can fire on `sources` (what the
    running sensor sees) and why the others cannot; `verbose`: of every one. 1 when a rule was refused."""
    loading, compiling = halves(progress) if progress is not None else (None, None)
    ruleset = load_rules(paths, loading, reading)
    Rules(compile_table(ruleset, compiling).bytes).close()
    page = Page(out)
    for fault in ruleset.faults:
        page.line(str(fault))
    page.line(f"{counted(len(ruleset.rules), 'rule')} loaded, {len(ruleset.faults)} refused")
    seen = live_sources() if sources is None else sources
    verdicts = [(rule, judged(rule, seen)) for rule in ruleset.rules]
    names = list(dict.fromkeys(source.name for source in seen))
    where = ", ".join(names) if len(names) <= _NAMES_MAX else counted(len(names), "source")
    kinds = Counter(verdict.kind for _, verdict in verdicts)
    for kind in (CAN_FIRE, DEGRADED, CANNOT_FIRE):
        page.line(f"{kinds[kind]:>7,} {kind}{f' on: {where}' if kind == CAN_FIRE else ''}")
        reasons = Counter(verdict.reason for _, verdict in verdicts if verdict.kind == kind and verdict.reason)
        if verbose:
            continue
        shown = reasons.most_common(_REASONS_MAX)
        for reason, count in shown:
            page.line(f"{'':7} {count:>7,} {reason}")
        if len(reasons) > len(shown):
            rest = sum(reasons.values()) - sum(count for _, count in shown)
            page.line(
                f"{'':7} {rest:>7,} for {counted(len(reasons) - len(shown), 'other reason')}; --verbose shows all"
            )
    if verbose:
        for rule, verdict in verdicts:
            reason = f": {verdict.reason}" if verdict.reason else ""
            page.line(f"{rule.info.path}:{rule.info.line}: {rule.info.id}: {verdict.kind}{reason}")
    return 1 if ruleset.faults else 0
