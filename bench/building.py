"""What watching files costs somebody else's work: a package is built with it and without, in turn."""

from __future__ import annotations

import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.builds import ROOT
from bench.measures import SHIPPED, Definition, Figures
from bench.processes import sensor
from sensor._build import sources

# One source after another, as `make` does, each by a compiler, an assembler and temporary files; then an archive.
_BUILD = """set -e
for source in {sources}; do
gcc -std=c11 -D_GNU_SOURCE -O1 -fPIC -I{native} -c "$source" -o "$(basename "$source").o"
done
ar rcs libbuilt.a *.o
gcc -shared -o libbuilt.so *.o"""
_WITHOUT = ("--files", "off", "--libraries", "off")
_DOUBT = 0.05


def _build() -> tuple[float, float]:
    """Seconds on the clock, and of CPU, that the package takes: half of the sensor's own C core, from nothing."""
    half = sources(sys.platform)[::2]  # short, so that a change of the machine's speed meets both of a pair
    script = _BUILD.format(sources=" ".join(str(ROOT / file) for file in half), native=ROOT / "native")
    with tempfile.TemporaryDirectory(prefix="linsang-bench-", dir=Path.home()) as folder:
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(["bash", "-c", script], cwd=folder, check=True)
        wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Of the median, with 95 % confidence and however the values are spread: by their order alone (the sign test).
    Fewer than 6 values have none: then it is all of them."""
    ordered, count = sorted(values), len(values)
    rank, below = 0, 1 / 2**count
    while below <= _DOUBT / 2:
        rank += 1
        below += math.comb(count, rank) / 2**count
    return ordered[max(rank - 1, 0)], ordered[count - max(rank, 1)]


def build(definition: Definition) -> Figures:
    """Beside the sensor, seconds of a build with files and libraries watched and not, and by how many per cent the one
    takes longer than the other beside it: on the clock, and in CPU of the build itself.

    A sensor of one kind follows one of the other, and has a build at its end and the next at its beginning: these two
    are a pair, and every second pair has them the other way round. The median of the pairs, and its interval.
    """
    runs: tuple[list[tuple[float, float]], ...] = ([], [])
    _build()  # the sources and the compiler are in the caches then
    for turn in range(definition["pairs"] + 1):
        with sensor(SHIPPED, "file:/dev/null", *(() if turn % 2 else _WITHOUT)):
            runs[turn % 2].extend(_build() for _ in range(1 if turn in {0, definition["pairs"]} else 2))
    figures: Figures = {}
    for name, which in (("wall", 0), ("cpu", 1)):
        off, on = ([run[which] for run in kind] for kind in runs)
        slower = [(beside / alone - 1) * 100 for beside, alone in zip(on, off, strict=True)]
        low, high = interval(slower)
        figures |= {f"off.{name}_s": statistics.median(off), f"on.{name}_s": statistics.median(on)}
        figures |= {f"slower.{name}.percent": statistics.median(slower)}
        figures |= {f"slower.{name}.percent.low": low, f"slower.{name}.percent.high": high}
    return figures
