"""make bench: runs the definitions and writes bench/results/NAME.json.

    python -m bench.run [--quick] [NAME...]

Every figure is the median of the definition's repeats. A count that is not as expected, or a figure beyond its bar,
ends in exit code 1; what could not run is counted and says why.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import building, etw, floors, machine, matching, measures, replaying, starting, unwinding
from bench.builds import NoCorpus, Unavailable
from bench.measures import Definition, Figures, dumps
from sensor.progress import Progress

HERE = Path(__file__).parent
RESULTS = HERE / "results"
MEASURES: dict[str, Callable[[Definition], Figures]] = {
    "kernel_cost": measures.kernel_cost,
    "slowdown": measures.slowdown,
    "delivery": measures.delivery,
    "flood_cpu": measures.flood_cpu,
    "memory": measures.memory,
    "latency": measures.latency,
    "matching": matching.matching,
    "growth": matching.growth,
    "adversary": matching.adversary,
    "rule_load": matching.rule_load,
    "replay": replaying.replay,
    "unwinding": unwinding.unwinding,
    "unwinding_windows": unwinding.unwinding_windows,
    "etw_callback": etw.etw_callback,
    "etw_callback_windows": etw.etw_callback_windows,
    "etw_matching": etw.etw_matching,
    "build": building.build,
    "exec_load": starting.exec_load,
}
PEERS: dict[str, Callable[[Definition, Definition], Figures]] = {
    "delivery": measures.peer_delivery,
    "rsigma_matching": matching.rsigma_matching,
    "rsigma_load": matching.rsigma_load,
    "rsigma_replay": replaying.rsigma_replay,
    "reference": replaying.reference,
    "hyperscan": floors.hyperscan_floor,
    "ahocorasick": floors.ahocorasick_floor,
}


def definitions(names: list[str]) -> list[Definition]:
    """Those named, or all. UsageError by exit code 2 when there is none of a name."""
    found = {path.stem: tomllib.loads(path.read_text()) for path in sorted((HERE / "definitions").glob("*.toml"))}
    unknown = [name for name in names if name not in found]
    if unknown:
        sys.exit(f"bench: no definition {', '.join(unknown)}; there are {', '.join(found)}")
    return [{"name": name, **found[name]} for name in names or found]


def repeated(measure: Callable[[], Figures], repeats: int, step: Callable[[], None]) -> dict[str, Any]:
    """Median, least and most of each figure, and each run's; or why there is none. Calls `step` after each run."""
    runs: list[Figures] = []
    try:
        for _ in range(repeats):
            runs.append(measure())
            step()
    except (Unavailable, RuntimeError, subprocess.CalledProcessError) as reason:
        return {"skipped": str(reason), "excused": isinstance(reason, NoCorpus)}
    return {
        name: {
            "median": round(statistics.median(values), 3),
            "least": round(min(values), 3),
            "most": round(max(values), 3),
            "runs": values,
        }
        for name in runs[0]
        if (values := [run[name] for run in runs if name in run])
    }


def broken(definition: Definition, figures: dict[str, Any]) -> list[str]:
    """The bars that the sensor's own figures miss; counts are bars too. That it did not run is wrong as well, unless
    the rules and events of others are missing: else only a peer may be."""
    if "skipped" in figures:
        return [] if figures["excused"] else [f"did not run: {figures['skipped']}"]
    said = []
    for name, bar in definition.get("bars", {}).items():
        if name not in figures:
            said.append(f"{name} was not measured")
            continue
        median = figures[name]["median"]
        if not bar.get("at_least", float("-inf")) <= median <= bar.get("at_most", float("inf")):
            said.append(f"{name} is {median:g}, wanted {bar}")
    return said


def behind(peer: Definition, own: dict[str, Any], figures: dict[str, Any]) -> list[str]:
    """Where the sensor is not as many times better than a peer as wanted (`times`: of each figure, the peer's by our
    own), or has not the same figure (`equal`)."""
    if "skipped" in own or "skipped" in figures:
        return []
    said = [
        f"{name} is {own[name]['median']:g}, {peer['name']} has {figures[name]['median']:g}"
        for name in peer.get("equal", [])
        if own[name]["median"] != figures[name]["median"]
    ]
    for name, least in peer.get("times", {}).items():
        times = figures[name]["median"] / own[name]["median"]
        figures[f"{name} by ours"] = {"median": round(times, 2), "least": round(times, 2), "most": round(times, 2)}
        if times < least:
            said.append(f"{name}: {peer['name']} has {times:.1f} times ours, wanted at least {least}")
    return said


def _cell(figures: dict[str, Any], name: str) -> str:
    if name not in figures:
        return ""
    value = figures[name]
    median = f"{value['median']:,.10g}"
    return median if value["least"] == value["most"] else f"{median} ({value['least']:,.6g} .. {value['most']:,.6g})"


def show(result: dict[str, dict[str, Any]]) -> None:
    """A table: a line a figure, a column for each who has it; the median, least and most in brackets."""
    shown = {who: figures for who, figures in result.items() if "skipped" not in figures}
    names = list(dict.fromkeys(name for figures in shown.values() for name in figures))
    columns = [["", *names], *([who, *(_cell(figures, name) for name in names)] for who, figures in shown.items())]
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True) if shown else ():
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for who, figures in result.items():
        if "skipped" in figures:
            print(f"  {who} skipped: {figures['skipped']}")


def run(definition: Definition, repeats: int | None) -> tuple[dict[str, Any], list[str]]:
    """One definition with its peers: the result as it is kept, and what is wrong with it."""
    print(f"{definition['name']}: {definition['what']}", flush=True)
    begin, times = time.monotonic(), repeats or definition["repeats"]
    peers = definition.get("peers", [])
    done = itertools.count(1)
    with Progress(definition["name"], times * (1 + len(peers))) as progress:

        def measured(measure: Callable[[], Figures]) -> dict[str, Any]:
            return repeated(measure, times, lambda: progress.update(next(done)))

        progress.update(0)
        own = measured(partial(MEASURES[definition["measure"]], definition))
        others = {
            peer["name"]: measured(partial(PEERS[peer.get("measure", definition["measure"])], definition, peer))
            for peer in peers
        }
    wrong = broken(definition, own)
    for peer in peers:
        wrong += behind(peer, own, others[peer["name"]])
    result = {"linsang": own, **others}
    show(result)
    print(f"  {times} runs in {time.monotonic() - begin:.0f} s")
    for line in wrong:
        print(f"  WRONG {line}")
    kept = {
        "what": definition["what"],
        "repeats": times,
        "figures": result,
        "bars": definition.get("bars", {}),
        "wrong": wrong,
        "machine": machine.facts(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
    return kept, wrong


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="what the sensor costs, beside its peers")
    parser.add_argument("--quick", action="store_true", help="one run of each, results are not kept")
    parser.add_argument("names", nargs="*", help="definitions; default all")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench: needs root; the benches load probes")
    wrong = skipped = 0
    for definition in definitions(options.names):
        kept, said = run(definition, 1 if options.quick else None)
        wrong += len(said)
        skipped += sum("skipped" in figures for figures in kept["figures"].values())
        if not options.quick:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{definition['name']}.json").write_text(dumps(kept))
    print(f"{wrong} wrong, {skipped} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
