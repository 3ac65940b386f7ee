"""What the machine is, and what a process costs it: read from /proc, nothing else."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any


def facts() -> dict[str, Any]:
    """What a figure depends on. No name and no address of the machine."""
    cpu = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(), re.M)
    release = re.search(r'^PRETTY_NAME="(.*)"$', Path("/etc/os-release").read_text(), re.M)
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cpu": cpu[1] if cpu else platform.machine(),
        "cpus": os.cpu_count(),
        "memory_mib": int(memory[1]) // 1024 if memory else None,
        "kernel": platform.release(),
        "system": release[1] if release else platform.system(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
    }


def cpu_ns(pid: int) -> int:
    """CPU time of a process's threads, ns, from schedstat: exact, where stat counts in ticks of 10 ms."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def rss_bytes(pid: int) -> int:
    """Resident memory of a process without the mapped BPF maps (the kernel's ring, which it only looks at)."""
    total, counted = 0, True
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            counted = "bpf-map" not in line and "bpf_map" not in line
        elif counted and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def bpf_programs(pid: int) -> dict[str, tuple[int, int]]:
    """Of every BPF program that a process holds a descriptor of: its name, ns run and runs, since statistics are on."""
    held = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if found := re.search(r"^prog_id:\s*(\d+)", info.read_text(), re.M):
                held.add(int(found[1]))
    shown = subprocess.run(["bpftool", "-j", "prog", "show"], capture_output=True, text=True, check=True)
    return {
        program["name"]: (program.get("run_time_ns", 0), program.get("run_cnt", 0))
        for program in json.loads(shown.stdout)
        if program["id"] in held
    }
