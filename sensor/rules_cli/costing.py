"""`linsang rules cost`: what each rule costs, over recorded events or in the sensor that runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from sensor.encode import json_page
from sensor.errors import LinsangError, UsageError
from sensor.inputs import no_events
from sensor.insight import rows_of, rule_costs, time_rules
from sensor.loaded_rules import LoadedRules
from sensor.native import Engine, Rules
from sensor.progress import Progress
from sensor.rules_cli.feeding import opened, route_of
from sensor.rules_cli.wording import Page, counted
from sensor.runtime import ask_status
from sensor.terminal import say

_ALERT_BYTES = 1 << 24
_BATCH = 1 << 16


@dataclass(frozen=True)
class Costing:
    """How it is shown: `form` is table or json, `top` how many rules (0: all). `logsource`: product, category and
    service of all JSON lines, "" not given."""

    form: str = "table"
    top: int = 20
    logsource: tuple[str, str, str] = ("", "", "")


def cost(files: Sequence[str], loaded: LoadedRules, how: Costing, out: TextIO) -> int:
    """Replays `files` twice: for the whole, and with every judgement timed, which takes time itself. 1 when a file
    could not be read to its end or a rule was refused. InputError: there is no event."""
    if "-" in files:
        raise UsageError("events are read twice, which standard input cannot be", "give a file")
    for fault in loaded.faults:
        say(f"error: {fault}")
    with ExitStack() as stack:
        engines = [stack.enter_context(Engine(alert_bytes=_ALERT_BYTES, timing=timing)) for timing in (True, False)]
        tables = [Rules(loaded.table) for _ in engines]
        for engine, rules in zip(engines, tables, strict=True):
            engine.swap_rules(rules)
        time_rules(engines[1], 1)
        failed = _replayed(engines, files, route_of(tables[0], how.logsource))
        stats, costs = engines[0].stats(), rule_costs(engines[1], tables[1])
    if not stats["decoded"]:
        if failed:
            return 1
        raise no_events(", ".join(files))
    rows = rows_of(loaded.rules, costs)
    if how.form == "json":
        whole = {"events": stats["judged"], "total_ns": stats["match_ns_sum"], "candidates": stats["candidates"]}
        print(json_page({**whole, "rules": len(loaded.rules), "costs": _top(rows, how)}), file=out)
    else:
        page = Page(out)
        _table(rows, how, page)
        _whole(rows, stats, len(loaded.rules), page)
    return int(failed or bool(loaded.faults))


def _whole(rows: Sequence[Mapping[str, Any]], stats: Mapping[str, Any], rules: int, page: Page) -> None:
    events = max(stats["judged"], 1)
    total, judging = stats["match_ns_sum"], sum(row["total_ns"] for row in rows)
    page.line(
        f"{counted(stats['judged'], 'event')}, {total / events:,.0f} ns each: judging {judging / events:,.0f} ns, "
        f"index and the rest {max(total - judging, 0) / events:,.0f} ns"
    )
    page.line(
        f"{stats['candidates'] / events:,.2f} candidates an event; {len(rows):,} of {counted(rules, 'rule')} "
        "were judged at all"
    )


def _replayed(engines: Sequence[Engine], files: Sequence[str], route: int | None) -> bool:
    """Whether something was wrong with a file, which has been said."""
    failed = False
    for path in files:
        size = Path(path).stat().st_size if Path(path).is_file() else 0
        for number, engine in enumerate(engines):
            with Progress("judging", size * len(engines)) as progress:
                try:
                    with opened(engine, path, route) as feed:
                        while feed.feed(_BATCH, engine.take_raw):
                            progress.update(number * size + feed.position(), path)
                except LinsangError as error:
                    failed = True
                    if not number:
                        say(f"error: {error}")
    return failed


def cost_live(folder: str, how: Costing, out: TextIO) -> int:
    """What the sensor of the runtime folder has sampled since its rules were read. LinsangError: none runs there."""
    answer = ask_status(folder)["costs"]
    if how.form == "json":
        print(json_page({**answer, "costs": _top(answer["costs"], how)}), file=out)
        return 0
    page = Page(out)
    _table(answer["costs"], how, page)
    page.line(f"one of {answer['every']:,} judgements timed, of the {counted(len(answer['costs']), 'dearest rule')}")
    return 0


def _top(rows: Sequence[Mapping[str, Any]], how: Costing) -> Sequence[Mapping[str, Any]]:
    return rows[: how.top] if how.top else rows


def _table(rows: Sequence[Mapping[str, Any]], how: Costing, page: Page) -> None:
    shown = _top(rows, how)
    cells = [
        (
            f"{row['share']:.1%}",
            f"{row['total_ns'] / 1e3:,.1f}",
            f"{row['candidates']:,}",
            f"{row['mean_ns']:,.0f}",
            row["id"][:8],
            row["title"],
        )
        for row in shown
    ]
    if cells:
        page.table(("share", "total us", "judged", "ns each", "id", "rule"), cells, right=4)
    if len(rows) > len(shown):
        page.line(f"and {counted(len(rows) - len(shown), 'cheaper rule')}; --top 0 shows all")
