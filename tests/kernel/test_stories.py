"""Stories and trees against the sensor that runs: relatives and how they ended, connections around an alert."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest
from ring_reader import Watch
from sensor_process import PATIENCE_S, SensorProcess

from sensor.cli import main


@pytest.fixture(autouse=True)
def _bpf_works(watch: Watch) -> None:
    """Skips with its reason where there is no BPF."""


# It ends when its standard input does; before, it says that its children are there, one of them for the last time.
FAMILY = "sleep 60 & (exit 3); sh -c 'exit 7'; sh -c 'kill -9 $$'; echo ready; read x; kill %1"


def test_relatives_and_how_they_ended(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runtime = ["--runtime-dir", str(tmp_path / "runtime")]

    def shows(pid: int, *wanted: str) -> None:
        """`linsang tree` does, as soon as the sensor has heard of what happened."""
        end = time.monotonic() + PATIENCE_S
        shown = ""
        while not all(re.search(each, shown, re.M) for each in wanted):
            assert time.monotonic() < end, shown
            capfd.readouterr()
            assert main(["tree", str(pid), *runtime]) == 0
            shown = capfd.readouterr().out

    with SensorProcess(tmp_path, "run", "--process-table-exited-keep-ms", "600000") as sensor:
        with subprocess.Popen(["bash", "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as family:
            assert family.stdout
            assert family.stdout.readline() == b"ready\n"
            with subprocess.Popen(["sleep", "61"]) as sibling:
                shows(
                    family.pid,
                    rf"\({os.getpid()}\)",
                    rf"bash\({family.pid}\) bash -c 'sleep 60 &",
                    r"beside it .*sleep",
                    r"─ sleep\(\d+\) sleep 60$",
                    r"\) sh -c 'exit 7'  exited .* ago, code 7$",
                    r"\) sh -c 'kill -9 \$\$'  exited .* ago, signal 9$",
                )
                assert main(["tree", str(family.pid), "--at", "1h", *runtime]) == 1
                sibling.kill()
            family.communicate(b"\n")
        shows(family.pid, rf"({family.pid}\).*|^ .*)  exited .* ago, code ")
        assert sensor.end() == 0


def test_an_alert_and_its_tree(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with SensorProcess(tmp_path, "run") as sensor:
        command = ["env", "nice", "timeout", "5", "bash", "-c", "id | tee /dev/null # told"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        child.wait()
        alert = sensor.wait_for_alert(lambda alert: alert.get("process", {}).get("pid") == child.pid)
        assert sensor.end() == 0
    capfd.readouterr()
    assert main(["alerts", str(sensor.alerts_file), "--rule", alert["rule"]["id"]]) == 0
    told = capfd.readouterr().out
    assert f"({child.pid})" in told
    assert "id | tee /dev/null # told" in told
    assert alert["event"]["id"] in told
    assert main(["tree", alert["event"]["id"], str(sensor.alerts_file)]) == 0
    assert f"({child.pid}) env nice timeout" in capfd.readouterr().out


def test_connections_around_an_alert(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The end of the run does not wait for what may still come, but tells what there was."""
    with socket.create_server(("127.0.0.1", 0)) as server, SensorProcess(tmp_path, "run") as sensor:
        port = server.getsockname()[1]
        script = f"id | tee /dev/null; bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'"
        child = subprocess.Popen(["env", "nice", "timeout", "5", "bash", "-c", script], stdout=subprocess.DEVNULL)
        child.wait()
        alert = sensor.wait_for_alert(lambda alert: alert.get("process", {}).get("pid") == child.pid)
        assert sensor.end() == 0
    found = [each for each in sensor.alerts() if each["event"]["type"] == "context"]
    (context,) = [each for each in found if alert["event"]["id"] in each["of"]]
    (connection,) = context["connections"]
    assert (connection["dst"], connection["dport"], connection["error"]) == ("127.0.0.1", port, 0)
    assert connection["name"] == "bash"
    capfd.readouterr()
    assert main(["alerts", str(sensor.alerts_file), "--level", "medium"]) == 0
    assert f"to 127.0.0.1:{port} tcp, connected" in capfd.readouterr().out
