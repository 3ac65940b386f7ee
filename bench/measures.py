"""What can be measured. Each function makes one run of a definition and gives its figures by name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import machine
from bench.builds import ROOT, Unavailable
from bench.processes import LINSANG, recorder, run_load, sensor, started, tracefs
from sensor.sources.bpf_syscall import enable_stats

Definition = dict[str, Any]
Figures = dict[str, float]
SHIPPED = tuple(str(ROOT / "rules" / name) for name in ("linux", "common"))  # as `linsang run` has them here
MARKER = (str(ROOT / "bench" / "rules"),)
SETTLE = 1.0  # s that the sensor gets to drain what the load left


@contextmanager
def bpf_statistics() -> Iterator[None]:
    """The kernel times BPF programs inside this context only: the timing itself costs."""
    try:
        descriptor = enable_stats()
    except OSError as error:
        raise Unavailable(f"BPF_ENABLE_STATS: {error.strerror}") from None
    try:
        yield
    finally:
        os.close(descriptor)


def load_of(definition: Definition, which: str = "load") -> tuple[float, list[str]]:
    load = definition[which]
    return run_load(load["program"], load["args"], load.get("processes", 1))


def kernel_cost(definition: Definition) -> Figures:
    """PROGRAM.ns and PROGRAM.runs of the definition's probes under the load, by the kernel's own clock."""
    with sensor(SHIPPED, "file:/dev/null") as running, bpf_statistics():
        before = machine.bpf_programs(running.pid)
        load_of(definition)
        after = machine.bpf_programs(running.pid)
    figures: Figures = {}
    for name in definition["programs"]:
        ns, runs = (late - early for early, late in zip(before[name], after[name], strict=True))
        figures[f"{name}.ns"] = ns / runs if runs else 0.0
        figures[f"{name}.runs"] = runs
    return figures


def slowdown(definition: Definition) -> Figures:
    """ns a call of an unrelated system call, alone and beside the sensor, and the difference in per cent. In turn, so
    that a change of the machine's speed meets both, and the least of many short runs, which others disturb least."""
    alone, beside = [], []
    for _ in range(definition["rounds"]):
        alone += [float(load_of(definition)[1][0]) for _ in range(definition["runs"])]
        with sensor(SHIPPED, "file:/dev/null"):
            beside += [float(load_of(definition)[1][0]) for _ in range(definition["runs"])]
    best_alone, best_beside = min(alone), min(beside)
    return {"alone.ns": best_alone, "beside.ns": best_beside, "slower.percent": (best_beside / best_alone - 1) * 100}


def delivery(definition: Definition) -> Figures:
    """Of the events that the load made: per cent recorded, and CPU of the recorder an event."""
    pattern = re.compile(definition["counts"].encode())
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        file = Path(folder) / "recording"
        with recorder(file, Path(folder) / "output") as running:
            before = machine.cpu_ns(running.pid)
            seconds, _ = load_of(definition)
            time.sleep(SETTLE)
            cpu = machine.cpu_ns(running.pid) - before
        with subprocess.Popen([str(LINSANG), "dump", str(file)], stdout=subprocess.PIPE) as dump:
            assert dump.stdout
            seen = sum(1 for line in dump.stdout if pattern.search(line))
        if dump.returncode:
            raise RuntimeError("the recording is damaged")
    return _delivered(definition["expect"], seen, cpu, seconds)


def _delivered(made: int, seen: int, cpu: int, seconds: float) -> Figures:
    return {
        "seen": seen,
        "delivered.percent": 100 * seen / made,
        "cpu.us_an_event": cpu / made / 1000,
        "made.per_s": made / seconds,
    }


def peer_delivery(definition: Definition, peer: dict[str, Any]) -> Figures:
    """The same of another program, by the lines it printed. Unavailable where the kernel has not what it `needs`."""
    if "needs" in peer and not Path(peer["needs"]).exists():
        raise Unavailable(f"this kernel has no {Path(peer['needs']).name}s")
    pattern = re.compile(peer["counts"].encode())
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder, tracefs():
        output = Path(folder) / "output"
        with started(peer["command"], peer["ready"]) as running:
            before = machine.cpu_ns(running.pid)
            seconds, _ = load_of(definition)
            time.sleep(SETTLE)
            cpu = machine.cpu_ns(running.pid) - before
            running.stop()
            output.write_bytes(running.log.read_bytes())
        seen = sum(1 for line in output.read_bytes().splitlines() if pattern.search(line))
    return _delivered(definition["expect"], seen, cpu, seconds)


def flood_cpu(definition: Definition) -> Figures:
    """CPU of the running sensor an event, no rule firing: capture, process table, matching of no rule's category."""
    with sensor(MARKER, "file:/dev/null") as running:
        before = machine.cpu_ns(running.pid)
        seconds, _ = load_of(definition)
        time.sleep(SETTLE)
        cpu = machine.cpu_ns(running.pid) - before
    return {"cpu.ns_an_event": cpu / definition["expect"], "made.per_s": definition["expect"] / seconds}


def memory(definition: Definition) -> Figures:
    """Resident memory of the daemon without the kernel's ring: idle, after a first load that fills its tables, and its
    growth over the other."""
    with sensor(SHIPPED, "file:/dev/null") as running:
        time.sleep(SETTLE)
        idle = machine.rss_bytes(running.pid)
        load_of(definition, "warm")
        time.sleep(SETTLE)
        first = machine.rss_bytes(running.pid)
        load_of(definition)
        time.sleep(SETTLE)
        second = machine.rss_bytes(running.pid)
    mib = 1 << 20
    return {"idle.mib": idle / mib, "after.mib": first / mib, "growth.mib": (second - first) / mib}


def _follow(file: Path, ended: threading.Event, latencies: list[float]) -> None:
    """Appends, for each alert line of `file`, ms from the start that its mark names to the line's arrival here."""
    mark = re.compile(rb"linsang-bench=(\d+)")
    rest = b""
    with file.open("rb") as alerts:
        while True:
            last = ended.is_set()
            chunk = alerts.read()
            now = time.time_ns()
            *lines, rest = (rest + chunk).split(b"\n")
            marks = (mark.search(line) for line in lines)
            latencies.extend((now - int(found[1])) / 1e6 for found in marks if found)
            if last and not chunk:
                return
            if not chunk:
                time.sleep(0.0002)


def latency(definition: Definition) -> Figures:
    """ms from just before posix_spawn to the alert's line in a file, while starts come at the load's rate."""
    latencies: list[float] = []
    ended = threading.Event()
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        file = Path(folder) / "alerts"
        file.touch()
        follower = threading.Thread(target=_follow, args=(file, ended, latencies))
        with sensor(MARKER, f"file:{file}?format=json"):
            follower.start()
            seconds, _ = load_of(definition)
            time.sleep(SETTLE)
        ended.set()
        follower.join()
    latencies.sort()
    figures = {"alerts": float(len(latencies)), "starts.per_s": definition["load_count"] / seconds}
    for percent in (50, 99, 99.9):
        at = min(len(latencies) - 1, int(len(latencies) * percent / 100))
        figures[f"p{percent:g}.ms"] = latencies[at] if latencies else float("nan")
    return figures


def dumps(value: Any) -> str:
    """JSON as the results are kept: readable, stable in a diff."""
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
