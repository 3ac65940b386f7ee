"""The shipped rules on the running kernel: harmless attack commands are seen, an ordinary day is not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from ring_reader import Watch
from sensor_process import PATIENCE_S, SensorProcess

CONTENT = Path(__file__).parents[1] / "rules"
ATTACKS = [
    tuple(line.split("\t"))
    for line in (CONTENT / "attacks.tsv").read_text().splitlines()
    if line and not line.startswith("#")
]
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
LOUD = {"medium", "high", "critical"}


@pytest.fixture(autouse=True)
def _bpf_works(watch: Watch) -> None:
    """Skips with its reason where there is no BPF."""


def run(sensor: SensorProcess, commands: list[list[str]], folder: Path) -> list[set[str]]:
    """Runs each in an empty folder of its own, ends the sensor; the titles of the alerts of medium level or above on
    the command itself or on what it started."""
    pids = []
    for number, command in enumerate(commands):
        (where := folder / str(number)).mkdir()
        # a session of its own: no command may reach the terminal of who runs the tests
        child = subprocess.Popen(
            command, cwd=where, stdin=-3, stdout=-3, stderr=-3, start_new_session=True, env={"PATH": PATH}
        )
        pids.append(child.pid)
        try:
            child.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            pytest.fail(f"it does not end: {command}")
    assert sensor.end() == 0
    assert "0 events lost" in sensor.said
    titles: dict[int, set[str]] = {pid: set() for pid in pids}
    for alert in sensor.alerts():
        if alert["verdict"] != "match" or alert["rule"]["level"] not in LOUD or "process" not in alert:
            continue  # one on an event whose process is not known cannot be told from the rest of this machine
        for pid in {alert["process"]["pid"], *(ancestor["pid"] for ancestor in alert["lineage"])} & titles.keys():
            titles[pid].add(alert["rule"]["title"])
    return [titles[pid] for pid in pids]


def lacks(command: str, watch: Watch) -> str:
    """What the command needs and this machine has not; empty: nothing."""
    if "/dev/shm" in command:
        return "" if watch.seen("/dev/shm") == b"/dev/shm" else "paths without a prefix (this is a chroot)"
    tool = command.split(maxsplit=1)[0]
    return "" if shutil.which(tool, path=PATH) else tool


def test_every_attack_is_seen(tmp_path: Path, watch: Watch) -> None:
    assert len(ATTACKS) >= 60
    lacking = sorted({lacks(command, watch) for command, _ in ATTACKS} - {""})
    attacks = [(command, title) for command, title in ATTACKS if not lacks(command, watch)]
    with SensorProcess(tmp_path, "run") as sensor:
        seen = run(sensor, [["sh", "-c", command] for command, _ in attacks], tmp_path)
    missed = [
        f"{command}: {title}" for (command, title), titles in zip(attacks, seen, strict=True) if title not in titles
    ]
    assert not missed, "\n".join(missed)
    if lacking:
        pytest.skip(f"{len(attacks)} of {len(ATTACKS)} were seen; not on this machine: {', '.join(lacking)}")


def test_an_ordinary_day_is_quiet(tmp_path: Path) -> None:
    """Backups, cron, log rotation, editors, git, make, keys: tests/rules/ordinary-session.sh."""
    with SensorProcess(tmp_path, "run") as sensor:
        session = [str(CONTENT / "ordinary-session.sh"), str(tmp_path / "session")]
        [titles] = run(sensor, [session], tmp_path)
    assert not titles
