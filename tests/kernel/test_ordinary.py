"""The shipped rules on the running kernel: harmless attack commands are seen, with what they were made to run; an
ordinary day is not."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ring_reader import Watch
from sensor_process import PATIENCE_S, PATIENT, SensorProcess

CONTENT = Path(__file__).parents[1] / "rules"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
LOUD = frozenset({"medium", "high", "critical"})
ANY = LOUD | {"low"}
END_OF_THE_DAY = "the end of the day"
AT_A_TIME = 4


@dataclass(frozen=True)
class Attack:
    """A row of attacks.tsv. `chain` behind the shell of the test's own, `payload`; `-`: is not asked for."""

    command: str
    title: str
    chain: str
    payload: str

    def is_seen(self, alert: dict[str, Any]) -> bool:
        """By its rule, with the right chain and payload."""
        proxy = alert.get("proxy", {})
        payload = proxy.get("payload", {})
        texts = {payload.get(name, "").replace("\n", "\\n") for name in ("command_line", "path", "url")}
        chain = () if self.chain == "-" else tuple(self.chain.split(","))
        return (
            alert["rule"]["title"] == self.title
            and tuple(proxy.get("chain", ()))[-len(chain) or len(proxy.get("chain", ())) :] == chain
            and (self.payload == "-" or self.payload in texts)
        )

    def lacks(self, watch: Watch) -> str:
        """What it needs and this machine has not; empty: nothing."""
        if "/dev/shm" in self.command:
            return "" if watch.seen("/dev/shm") == b"/dev/shm" else "paths without a prefix (this is a chroot)"
        tool = next(word for word in shlex.split(self.command) if "=" not in word)
        return "" if shutil.which(tool, path=PATH) else tool


def attacks() -> list[Attack]:
    lines = (CONTENT / "attacks.tsv").read_text().splitlines()
    return [Attack(*line.split("\t")) for line in lines if line and not line.startswith("#")]


@pytest.fixture(autouse=True)
def _bpf_works(watch: Watch) -> None:
    """Skips with its reason where there is no BPF."""


def run_one(command: list[str], where: Path) -> int:
    """Runs it in an empty folder of its own; its pid."""
    where.mkdir()
    # a session of its own: no command may reach the terminal of who runs the tests
    child = subprocess.Popen(
        command, cwd=where, stdin=-3, stdout=-3, stderr=-3, start_new_session=True, env={"PATH": PATH}
    )
    try:
        child.wait(timeout=2 * PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        pytest.fail(f"it does not end: {command}")
    return child.pid


def run(
    sensor: SensorProcess, commands: list[list[str]], folder: Path, levels: frozenset[str]
) -> list[list[dict[str, Any]]]:
    """Runs them, some at the same time (most of them wait), ends the sensor; for each the alerts of `levels` on the
    command itself or on what it started."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        pids = list(pool.map(run_one, commands, [folder / str(number) for number in range(len(commands))]))
    assert sensor.end() == 0
    assert "0 events lost" in sensor.said
    alerts: dict[int, list[dict[str, Any]]] = {pid: [] for pid in pids}
    for alert in sensor.alerts():
        if alert["verdict"] != "match" or alert["rule"]["level"] not in levels or "process" not in alert:
            continue  # one on an event whose process is not known cannot be told from the rest of this machine
        for pid in {alert["process"]["pid"], *(ancestor["pid"] for ancestor in alert["lineage"])} & alerts.keys():
            alerts[pid].append(alert)
    return [alerts[pid] for pid in pids]


@pytest.mark.usefixtures("names_are_ours")
def test_every_attack_is_seen_with_its_payload(tmp_path: Path, watch: Watch) -> None:
    rows = attacks()
    assert len(rows) >= 130
    here = [row for row in rows if not row.lacks(watch)]
    with SensorProcess(tmp_path, "run", *PATIENT) as sensor:
        seen = run(sensor, [["sh", "-c", row.command] for row in here], tmp_path, ANY)
    missed = [
        f"{row.command}: {row.title}: {row.chain}: {row.payload}; seen: "
        + "; ".join(sorted({f"{a['rule']['title']}: {a.get('proxy')}" for a in alerts}))
        for row, alerts in zip(here, seen, strict=True)
        if not any(map(row.is_seen, alerts))
    ]
    assert not missed, "\n".join(missed)
    if len(here) < len(rows):
        lacking = sorted({row.lacks(watch) for row in rows} - {""})
        pytest.skip(f"{len(here)} of {len(rows)} were seen; not on this machine: {', '.join(lacking)}")


def test_an_ordinary_day_is_quiet(tmp_path: Path) -> None:
    """Backups, cron, log rotation, editors, git, make, keys, packages: tests/rules/ordinary-session.sh."""
    with SensorProcess(tmp_path, "run") as sensor:
        session = [str(CONTENT / "ordinary-session.sh"), str(tmp_path / "session")]
        [alerts] = run(sensor, [session], tmp_path, LOUD)
    assert END_OF_THE_DAY in (tmp_path / "session" / "session.log").read_text(errors="replace")
    assert not [f"{alert['rule']['title']}: {alert['process']['command_line']}" for alert in alerts]
