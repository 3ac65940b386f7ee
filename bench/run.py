"""make bench: runs the definitions and writes bench/results/NAME.json.

    python -m bench.run [--quick] [NAME...]

Every figure is the median of the definition's repeats. A count that is not as expected, or a figure beyond its bar,
ends in exit code 1; what could not run is counted and says why.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from bench import machine
from bench.measures import MEASURES, Definition, Figures, dumps, peer_delivery
from bench.processes import Unavailable

HERE = Path(__file__).parent
RESULTS = HERE / "results"


def definitions(names: list[str]) -> list[Definition]:
    """Those named, or all. UsageError by exit code 2 when there is none of a name."""
    found = {path.stem: tomllib.loads(path.read_text()) for path in sorted((HERE / "definitions").glob("*.toml"))}
    unknown = [name for name in names if name not in found]
    if unknown:
        sys.exit(f"bench: no definition {', '.join(unknown)}; there are {', '.join(found)}")
    return [{"name": name, **found[name]} for name in names or found]


def repeated(measure: Callable[[], Figures], repeats: int) -> dict[str, Any]:
    """Median, least and most of each figure; or why there is none."""
    runs: list[Figures] = []
    try:
        runs.extend(measure() for _ in range(repeats))
    except Unavailable as reason:
        return {"skipped": str(reason)}
    return {
        name: {
            "median": round(statistics.median(values), 3),
            "least": round(min(values), 3),
            "most": round(max(values), 3),
        }
        for name in runs[0]
        if (values := [run[name] for run in runs if name in run])
    }


def broken(definition: Definition, figures: dict[str, Any]) -> list[str]:
    """The bars that the sensor's own figures miss; counts are bars too. That it did not run is wrong as well: only a
    peer may be missing."""
    if "skipped" in figures:
        return [f"did not run: {figures['skipped']}"]
    said = []
    for name, bar in definition.get("bars", {}).items():
        if name not in figures:
            said.append(f"{name} was not measured")
            continue
        median = figures[name]["median"]
        if not bar.get("at_least", float("-inf")) <= median <= bar.get("at_most", float("inf")):
            said.append(f"{name} is {median:g}, wanted {bar}")
    return said


def show(who: str, figures: dict[str, Any]) -> None:
    if "skipped" in figures:
        print(f"  {who:24} skipped: {figures['skipped']}")
        return
    for name, value in figures.items():
        print(f"  {who:24} {name:24} {value['median']:>12,.2f}  ({value['least']:,.2f} .. {value['most']:,.2f})")


def run(definition: Definition, repeats: int | None) -> tuple[dict[str, Any], list[str]]:
    """One definition with its peers: the result as it is kept, and what is wrong with it."""
    print(f"{definition['name']}: {definition['what']}", flush=True)
    times = repeats or definition["repeats"]
    result = {"linsang": repeated(partial(MEASURES[definition["measure"]], definition), times)}
    show("linsang", result["linsang"])
    for peer in definition.get("peers", []):
        result[peer["name"]] = repeated(partial(peer_delivery, definition, peer), times)
        show(peer["name"], result[peer["name"]])
    wrong = broken(definition, result["linsang"])
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
