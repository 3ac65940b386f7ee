"""What watching files costs somebody else's work: a package is built with it and without, in turn."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
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


def _build() -> tuple[float, float]:
    """Seconds on the clock, and of CPU, that the package takes: the sensor's own C core, from nothing."""
    script = _BUILD.format(sources=" ".join(str(ROOT / file) for file in sources(sys.platform)), native=ROOT / "native")
    with tempfile.TemporaryDirectory(prefix="linsang-bench-", dir=Path.home()) as folder:
        before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(["bash", "-c", script], cwd=folder, check=True)
        wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def build(definition: Definition) -> Figures:
    """Beside the sensor, seconds of a build with files watched and not, and the difference in per cent: on the clock,
    and in CPU of the build itself. The least of all runs, which others disturb least, in turn, so that a change of the
    machine's speed meets both."""
    off: list[tuple[float, float]] = []
    on: list[tuple[float, float]] = []
    _build()  # the sources and the compiler are in the caches then
    for pair in range(definition["pairs"]):
        for files, runs in (("off", off), ("auto", on))[:: 1 if pair % 2 else -1]:
            with sensor(SHIPPED, "file:/dev/null", "--files", files):
                runs.append(_build())
    figures: Figures = {}
    for name, which in (("wall", 0), ("cpu", 1)):
        least_off, least_on = (min(run[which] for run in runs) for runs in (off, on))
        figures |= {f"off.{name}_s": least_off, f"on.{name}_s": least_on}
        figures[f"slower.{name}.percent"] = (least_on / least_off - 1) * 100
    return figures
