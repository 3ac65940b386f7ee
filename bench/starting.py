"""What it costs to watch short commands start, all of it: user and kernel."""

from __future__ import annotations

import json
import resource
import subprocess
import time
from typing import Any

from bench import machine
from bench.builds import BUILT
from bench.corpus import folder
from bench.measures import SETTLE, SHIPPED, Definition, Figures, bpf_statistics, load_of
from bench.processes import LINSANG, sensor


def exec_load(definition: Definition) -> Figures:
    """Per cent of one core that the sensor and its probes take under the load, by the clocks of the kernel; what was
    lost; and how much more CPU a start of the load itself takes than alone (by `alone`, where that is another load)."""
    alone = _cpu_of_a_start(definition, "alone" if "alone" in definition else "load")
    rules = [*SHIPPED, *(str(folder() / part) for part in definition["rules"])]
    with sensor(rules, "file:/dev/null") as running, bpf_statistics():
        time.sleep(SETTLE)
        before, user = _probes_ns(running.pid), machine.cpu_ns(running.pid)
        begin = time.monotonic()
        beside = _cpu_of_a_start(definition, "load")
        seconds = time.monotonic() - begin
        time.sleep(SETTLE)
        after, user = _probes_ns(running.pid), machine.cpu_ns(running.pid) - user
        said, memory = _status(), machine.rss_bytes(running.pid)
    user_percent, kernel_percent = (100 * ns / 1e9 / seconds for ns in (user, after - before))
    execs = said["events"]["exec"]
    return {
        "cpu.percent": user_percent + kernel_percent,
        "user.percent": user_percent,
        "probes.percent": kernel_percent,
        "lost": said["account"]["lost"],
        "undecidable.per_1000": 1000 * said["alerts"]["undecidable"] / execs,
        "execs.per_s": execs / seconds,
        "slower.cpu.percent": (beside / alone - 1) * 100,
        "after.mib": memory / (1 << 20),
    }


def _cpu_of_a_start(definition: Definition, which: str) -> float:
    """Seconds of CPU that the load's processes take for each start."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    load_of(definition, which)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    starts: int = int(definition[which]["args"][0]) * definition[which]["processes"]
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / starts


def _probes_ns(pid: int) -> int:
    return sum(ns for ns, _ in machine.bpf_programs(pid).values())


def _status() -> dict[str, Any]:
    command = [str(LINSANG), "status", "--format", "json", "--runtime-dir", str(BUILT / "run")]
    answer: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return answer
