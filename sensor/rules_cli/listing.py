"""`linsang rules list`: what is loaded, as a table or as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from sensor.compiler import Rule, RuleInfo, load_rules
from sensor.coverage import Source, Verdict, live_sources
from sensor.progress import Update
from sensor.rule_files import Reading
from sensor.rules_cli.verdicts import KINDS, judged
from sensor.rules_cli.wording import Page, counted
from sensor.terminal import LEVELS


@dataclass(frozen=True)
class Filter:
    """Which rules are shown; an empty part lets all through. `level` is the lowest that is shown, `verdict` a key of
    verdicts.KINDS; the others are text to be found, whatever its case."""

    tag: str = ""
    level: str = ""
    logsource: str = ""
    author: str = ""
    verdict: str = ""

    def passes(self, info: RuleInfo, verdict: Verdict) -> bool:
        """Whether the rule is shown."""
        if self.level and _rank(info.level) < _rank(self.level):
            return False
        if self.verdict and verdict.kind != KINDS[self.verdict]:
            return False
        searched = ((self.tag, "\n".join(info.tags)), (self.logsource, str(info.logsource)), (self.author, info.author))
        return all(wanted.lower() in text.lower() for wanted, text in searched)


@dataclass(frozen=True)
class Listing:
    """What is shown and how: `form` is table or json (a line a rule)."""

    which: Filter = Filter()
    form: str = "table"


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def list_rules(
    paths: Sequence[Path],
    listing: Listing,
    out: TextIO,
    progress: Update | None = None,
    *,
    reading: Reading | None = None,
    sources: Sequence[Source] | None = None,
) -> int:
    """The rules that pass, gravest first, then by title, with what they can do on `sources` (what the running sensor
    sees). 1 when a rule was refused: `check` says why."""
    ruleset = load_rules(paths, progress, reading)
    seen = live_sources() if sources is None else sources
    found = [
        (rule, verdict) for rule in ruleset.rules if listing.which.passes(rule.info, verdict := judged(rule, seen))
    ]
    found.sort(key=lambda each: (-_rank(each[0].info.level), each[0].info.title.lower(), each[0].info.id))
    page = Page(out)
    if listing.form == "json":
        for rule, verdict in found:
            page.line(_json(rule, verdict))
    else:
        rows = [(r.info.level, v.kind, str(r.info.logsource), r.info.id[:8], r.info.title) for r, v in found]
        if rows:
            page.table(("level", "verdict", "logsource", "id", "title"), rows)
        refused = f"; {len(ruleset.faults)} refused: linsang rules check" if ruleset.faults else ""
        page.line(f"{counted(len(found), 'rule')}{refused}")
    return 1 if ruleset.faults else 0


def _json(rule: Rule, verdict: Verdict) -> str:
    asked = {"kind": verdict.kind, "reason": verdict.reason, "missing": verdict.missing, "source": verdict.source}
    return json.dumps({**asdict(rule.info), "logsource": asdict(rule.info.logsource), "verdict": asked})
