"""A file of events from its lines to the alerts in another file, whole commands on one core: Linsang's and RSigma's."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Sequence
from compileall import compile_dir
from pathlib import Path

from bench import corpus
from bench.builds import BUILT, ROOT, rsigma_command
from bench.corpus import Definition
from bench.processes import LINSANG

Figures = dict[str, float]


def _on_one_core() -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def _timed(command: Sequence[str], alerts: Path, events: int) -> Figures:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    result = subprocess.run(command, preexec_fn=_on_one_core, capture_output=True, text=True, check=False)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode:
        raise RuntimeError(f"{Path(command[0]).name}: {(result.stderr.strip().splitlines() or ['failed'])[-1]}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    with alerts.open("rb") as lines:
        found = sum(1 for _ in lines)
    return {
        "alerts": found,
        "events": events,
        "wall.us_an_event": wall * 1e6 / events,
        "cpu.us_an_event": cpu * 1e6 / events,
        "total.s": wall,
    }


def _input(definition: Definition) -> tuple[Path, int]:
    file = corpus.flat_events(definition["events"], definition["times"])
    with file.open("rb") as lines:
        return file, sum(1 for _ in lines)


def replay(definition: Definition) -> Figures:
    """us an event of `linsang replay`, start and (cached) rules included; the alerts it wrote."""
    file, events = _input(definition)
    rules = corpus.rule_folder(definition)
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        alerts = Path(folder) / "alerts"
        command = [str(LINSANG), "replay", str(file), "--rules", str(rules), "--output", f"file:{alerts}?format=json"]
        command += ["--cache-dir", str(BUILT / "cache" / rules.name), "--skip-broken-rules"]
        names = ("--product", "--category", "--service")
        for name, value in zip(names, definition.get("logsource", []), strict=False):
            command += [name, value]
        corpus.compiled(rules)  # not what is measured here, nor
        compile_dir(ROOT / "sensor", quiet=1)  # bytecode, which PYTHONDONTWRITEBYTECODE would have each start make anew
        return _timed(command, alerts, events)


def rsigma_replay(definition: Definition, _peer: Definition) -> Figures:
    """The same of `rsigma engine eval`, whose alerts hold the matched fields only."""
    file, events = _input(definition)
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        alerts = Path(folder) / "alerts"
        command = [str(rsigma_command()), "--quiet", "engine", "eval", "--rules", str(corpus.rule_folder(definition))]
        command += ["--event", f"@{file}", "--input-format", "json", "--output", str(alerts)]
        if "logsource" not in definition:  # rules and events of one logsource need no routing, which slows it
            command += ["--logsource-routing", "--logsource-field-map", "category=_cat"]
            command += ["--event-logsource", "product=windows,service=sysmon"]
        return _timed(command, alerts, events)


def reference(definition: Definition, _peer: Definition) -> Figures:
    """The hits of `linsang replay --engine reference`, which defines what a rule means."""
    rules = corpus.rule_folder(definition)
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        alerts = Path(folder) / "alerts"
        command = [str(LINSANG), "replay", str(corpus.events(definition["events"])), "--engine", "reference"]
        command += ["--rules", str(rules), "--output", f"file:{alerts}?format=json", "--cache-dir", folder]
        subprocess.run(command, check=True, capture_output=True)
        found = [json.loads(line) for line in alerts.read_text().splitlines()]
    hits = {(alert["event"]["index"], alert["rule"]["id"]) for alert in found}
    return {"hits": len(hits), "hits.crc": corpus.crc(hits)}
