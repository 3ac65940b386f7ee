"""What matching costs, events decoded beforehand, and what the hits are: by the C core, and by RSigma's crates."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import corpus, grown
from bench.builds import native_program, rsigma_match
from bench.corpus import Definition, Hits
from bench.literals import near_misses
from sensor.loaded_rules import load

Figures = dict[str, float]
TIMES = ("mean", "p50", "p99", "p99.9", "max", "longest")
ORDERS = {"flat": "", "shuffled": "shuffled."}


def run_program(command: Sequence[str | Path]) -> dict[str, Any]:
    """The JSON object that a program prints. RuntimeError with its last words when it fails."""
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {(result.stderr.strip().splitlines() or ['failed'])[-1]}")
    figures: dict[str, Any] = json.loads(result.stdout)
    return figures


def _rows(file: Path) -> list[list[str]]:
    return [line.split(" ") for line in file.read_text().splitlines()]


def _match(
    table: Path, events: Path, logsource: Sequence[str], order: str, seconds: float
) -> tuple[dict[str, Any], list[list[str]]]:
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        hits = Path(folder) / "hits"
        figures = run_program([native_program("match"), table, events, *logsource, order, str(seconds), hits])
        return figures, _rows(hits)


def _rsigma(
    definition: Definition, events: Path, logsource: Sequence[str], order: str, seconds: float
) -> tuple[dict[str, Any], list[list[str]]]:
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        rules, hits = Path(folder) / "rules", Path(folder) / "hits"
        rules.write_text("".join(f"{file}\n" for file in corpus.rule_files(definition)))
        figures = run_program([rsigma_match(), rules, events, *logsource, order, str(seconds), hits])
        return figures, _rows(hits)


def _named(figures: dict[str, Any], prefix: str) -> Figures:
    return {f"{prefix}{name}.us": figures[name] / 1000 for name in TIMES}


def _judged(hits: Hits, definition: Definition) -> Figures:
    figures: Figures = {"hits": len(hits), "hits.crc": corpus.crc(hits)}
    if name := definition.get("expected"):
        figures["hits.wrong"] = len(hits ^ corpus.expected(name))
    return figures


def _logsource(definition: Definition) -> list[str]:
    given: list[str] = definition.get("logsource", ["", "", ""])
    return given


def matching(definition: Definition) -> Figures:
    """us an event: mean, percentiles, most; in the file's order and in random order. The hits, and how many of them
    differ from the expected ones; candidates: rules judged one by one, an event, and of one rule over all events."""
    table, loaded = corpus.compiled(corpus.rule_folder(definition))
    events = corpus.events(definition["events"])
    figures: Figures = {}
    for order, prefix in ORDERS.items():
        found, rows = _match(table, events, _logsource(definition), order, definition["seconds"])
        figures |= _named(found, prefix)
    hits = {(int(event), loaded.rules[int(rule)].id) for event, rule, _ in rows}
    counts = {"rules": found["rules"], "refused": len(loaded.faults), "events": found["events"]}
    counts["candidates.an_event"] = found["candidates"]
    counts["candidates.a_rule"] = found["candidates"] * found["events"] / found["rules"]
    if "instructions" in found:  # not every machine counts them for its guests
        counts["instructions.an_event"] = found["instructions"]
    return {**counts, **figures, **_judged(hits, definition)}


def rsigma_matching(definition: Definition, _peer: Definition) -> Figures:
    """The same by RSigma's crates."""
    figures: Figures = {}
    events = corpus.events(definition["events"])
    for order, prefix in ORDERS.items():
        found, rows = _rsigma(definition, events, _logsource(definition), order, definition["seconds"])
        figures |= _named(found, prefix)
    hits = {(int(event), rule) for event, rule in rows}
    return {"rules": found["rules"], "events": found["events"], **figures, **_judged(hits, definition)}


def growth(definition: Definition) -> Figures:
    """us an event with the rules, and with them and `copies` renamed copies with other literals; how many times more.
    hits.wrong: the rules' own hits that the copies changed."""
    rules = corpus.rule_folder(definition)
    events, logsource, seconds = corpus.events(definition["events"]), _logsource(definition), definition["seconds"]
    figures: Figures = {}
    found: list[Hits] = []
    for name, folder in (("base", rules), ("grown", grown.folder(rules, definition["copies"]))):
        table, loaded = corpus.compiled(folder)
        measured, rows = _match(table, events, logsource, "flat", seconds)
        figures |= {f"{name}.rules": measured["rules"], f"{name}.refused": len(loaded.faults)}
        figures |= _named(measured, f"{name}.")
        figures[f"{name}.table.mib"] = table.stat().st_size / (1 << 20)
        hits = {(int(event), loaded.rules[int(rule)].id) for event, rule, _ in rows}
        found.append({hit for hit in hits if not grown.is_copy(hit[1])})
    figures["times"] = figures["grown.mean.us"] / figures["base.mean.us"]
    return {**figures, "hits": len(found[0]), "hits.wrong": len(found[0] ^ found[1])}


def adversary(definition: Definition) -> Figures:
    """us that an event with a text full of near-misses takes, by kind of near-miss, and the worst of them."""
    rules = corpus.rule_folder(definition)
    table, _ = corpus.compiled(rules)
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        for kind, text in near_misses(rules, definition["field"], definition["bytes"]).items():
            file = Path(folder) / kind
            file.write_text(json.dumps({**definition["event"], definition["field"]: text}) + "\n")
            found, _ = _match(table, file, _logsource(definition), "flat", definition["seconds"])
            figures[f"{kind}.us"] = found["p50"] / 1000
    return {**figures, "worst.us": max(figures.values())}


def rule_load(definition: Definition) -> Figures:
    """Rules from their files to a table in memory, without and with the cache; size of the table. In a child process,
    as every command does it."""
    rules = corpus.rule_folder(definition)
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        took = []
        for _ in range(1 + definition["cached"]):
            begin = time.monotonic()
            loaded = load([rules], Path(folder))
            took.append(time.monotonic() - begin)
    return {
        "rules": len(loaded.rules),
        "refused": len(loaded.faults),
        "cold.s": took[0],
        "cached.ms": statistics.median(took[1:]) * 1000,
        "table.mib": len(loaded.table) / (1 << 20),
    }


def rsigma_load(definition: Definition, _peer: Definition) -> Figures:
    """The same by RSigma's crates, which have no cache."""
    with tempfile.NamedTemporaryFile("w", prefix="linsang-bench-") as events:
        events.write("{}\n")
        events.flush()
        found, _ = _rsigma(definition, Path(events.name), ["", "", ""], "flat", 0.001)
    return {"rules": found["rules"], "cold.s": found["load_s"]}
