"""The unit as it is shipped, under a real systemd: its sandbox leaves the sensor what it needs, what one tells the
other arrives, and a sensor that hangs is started again."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from own_systemd import PATIENCE_S, OwnSystemd

from sensor.errors import Unsupported

ROOT = Path(__file__).resolve().parents[2]
# A sensor refuses a pid namespace that is not the host's, and a systemd of one's own has no other.
AT_HOME = """import os, sys
if sys.orig_argv[-1] == "run":
    from sensor.sources import linux
    linux._HOSTS = os.stat("/proc/self/ns/pid").st_ino
"""
COMMAND = ["env", "nice", "timeout", "5", "bash", "-c", "id | tee /dev/null # served"]


@pytest.fixture(autouse=True)
def _kernel_tells_our_names(names_are_ours: None) -> None:
    """Skips with its reason where there is no BPF, and in a chroot."""


def until(what: Callable[[], bool], said: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < end, said.read_text()
        time.sleep(0.02)


@pytest.mark.skipif(not (ROOT / ".venv/bin/linsang").exists(), reason="what the unit starts: make build")
def test_the_unit_under_systemd(tmp_path: Path) -> None:
    said, alerts = tmp_path / "said", tmp_path / "alerts"
    (tmp_path / "linsang.service").write_text((ROOT / "packaging" / "linsang.service").read_text())
    (tmp_path / "linsang.service.d").mkdir()
    (tmp_path / "linsang.service.d" / "test.conf").write_text(
        f"[Service]\nStandardOutput=append:{alerts}\nStandardError=append:{said}\n"  # there is no journal
        f"Environment=PYTHONPATH={tmp_path / 'python'}\nWatchdogSec=8\nLimitCORE=0\n"
    )
    (tmp_path / "python").mkdir()
    (tmp_path / "python" / "sitecustomize.py").write_text(AT_HOME)
    try:
        with OwnSystemd(tmp_path, ROOT) as systemd:

            def shown(name: str) -> str:
                return systemd.systemctl("show", "--property", name, "--value", "linsang").strip()

            try:
                systemd.systemctl("start", "linsang")
            except subprocess.CalledProcessError as error:
                pytest.fail(f"{error.stderr}{said.read_text() if said.exists() else ''}")
            until(lambda: "ready: " in said.read_text(), said)  # systemd hears it first
            assert "7 probes" in said.read_text()
            assert shown("SubState") == "running"
            first = shown("WatchdogTimestampMonotonic")
            subprocess.run(COMMAND, check=True, stdout=subprocess.DEVNULL)
            until(lambda: any(map(is_ours, whole(alerts))), said)
            systemd.systemctl("reload", "linsang")
            until(lambda: "reloaded: " in said.read_text(), said)
            until(lambda: shown("WatchdogTimestampMonotonic") != first, said)
            assert shown("NRestarts") == "0"
            systemd.systemctl("kill", "--kill-whom=main", "--signal=STOP", "linsang")  # as if it hung
            until(lambda: shown("NRestarts") == "1" and said.read_text().count("ready: ") == 2, said)
            until(lambda: "Sensor was killed" in titles(alerts), said)  # by the watchdog: nobody watched for a while
            before = len(titles(alerts))
            subprocess.run(COMMAND, check=True, stdout=subprocess.DEVNULL)
            until(lambda: any(map(is_ours, whole(alerts)[before:])), said)
            systemd.systemctl("stop", "linsang")
            assert (shown("Result"), shown("ExecMainStatus")) == ("success", "0")
    except Unsupported as error:
        pytest.skip(str(error))
    told = said.read_text()
    assert re.search(r"^linsang: stopped; .*^linsang: files: .*^linsang: libraries: ", told, re.M | re.S)
    assert not re.search("does not hold|refused|not be known", told)


def whole(alerts: Path) -> list[str]:
    """The lines that are there as a whole."""
    return alerts.read_text().split("\n")[:-1]


def titles(alerts: Path) -> list[str]:
    return [json.loads(line)["rule"]["title"] for line in whole(alerts)]


def is_ours(line: str) -> bool:
    alert = json.loads(line)
    return "# served" in alert.get("process", {}).get("command_line", "") and alert["verdict"] == "match"
