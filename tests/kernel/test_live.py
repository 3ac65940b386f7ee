"""The sensor as it is run: from a command to its alert, and to its end, however that comes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ring_reader import Watch
from sensor_process import PATIENCE_S, SensorProcess

from sensor.cli import main
from sensor.config import Config, Paths
from sensor.live import Live

CHAIN = "Inline Shell Behind a Chain of Wrapper Utilities"
LOST = "Sensor lost events"


@pytest.fixture(autouse=True)
def _bpf_works(watch: Watch) -> None:
    """Skips with its reason where there is no BPF."""


def run_chain(mark: str) -> int:
    """What the shipped rules are to see; its pid."""
    child = subprocess.Popen(["env", "nice", "timeout", "5", "bash", "-c", f"id | tee /dev/null # {mark}"], stdout=-3)
    child.wait()
    return child.pid


def is_chain(mark: str) -> Callable[[dict[str, Any]], bool]:
    return lambda alert: alert["rule"]["title"] == CHAIN and mark in alert["process"]["command_line"]


def test_from_a_command_to_its_alert(watch: Watch, tmp_path: Path) -> None:
    with SensorProcess(tmp_path, "run") as sensor:
        pid = run_chain("seen")
        # env's own: that of a program further down comes earlier when env's file has to be looked at first
        alert = sensor.wait_for_alert(lambda alert: is_chain("seen")(alert) and alert["process"]["argv"][0] == "env")
        assert sensor.end() == 0
    assert alert["verdict"] == "match"
    assert alert["process"]["pid"] == pid
    assert alert["process"]["argv"][:5] == ["env", "nice", "timeout", "5", "bash"]
    assert alert["process"]["cwd"] == watch.seen(os.getcwd()).decode()
    assert alert["lineage"][0]["pid"] == os.getpid()
    assert alert["evidence"]["lost"] == {"all": 0, "cpu": 0, "recent": 0}
    assert {"time", "host", "fields"} <= alert.keys()
    assert "0 events lost" in sensor.said
    assert "does not hold" not in sensor.said


@pytest.mark.parametrize("times", [1, 2])
def test_the_end_loses_nothing(tmp_path: Path, times: int) -> None:
    """Every command that ran before SIGTERM has its alert. make and timeout send it twice at once."""
    with SensorProcess(tmp_path, "run") as sensor:
        pids = [run_chain("last") for _ in range(23)]
        for _ in range(times - 1):
            sensor.child.send_signal(signal.SIGTERM)
        assert sensor.end() == 0
    found = [alert for alert in sensor.alerts() if is_chain("last")(alert)]
    # programs that are exec'd further down the chain have their own, timeout's in a process of its own
    assert set(pids) <= {alert["process"]["pid"] for alert in found}
    events = [alert["event"]["id"] for alert in found]
    assert len(set(events)) == len(events)


def test_the_end_comes_whatever_the_kernel_says(cache_dir: Path) -> None:
    live = Live(Config(paths=Paths(cache=str(cache_dir))))
    assert live.source.kernel
    with open(os.devnull) as no_map:
        os.dup2(no_map.fileno(), live.source.kernel.counters_fd)
    with pytest.raises(OSError, match="Invalid argument"), live:
        pass
    assert not live.running


def held_by(pid: int) -> set[tuple[str, str]]:
    """Kind and id of the BPF programs and maps that a process holds."""
    found: set[tuple[str, str]] = set()
    for info in Path(f"/proc/{pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # it looks at files, and closes them
            found.update(re.findall(r"^(prog|map)_id:\s+(\d+)", info.read_text(), re.M))
    return found


def lives(kind: str, number: str) -> bool:
    shown = subprocess.run(["bpftool", kind, "show", "id", number], capture_output=True, check=False)
    return shown.returncode == 0


def test_a_kill_leaves_nothing_and_is_no_obstacle(tmp_path: Path) -> None:
    with SensorProcess(tmp_path, "run") as sensor:
        held = held_by(sensor.pid)
        assert {"prog", "map"} == {kind for kind, number in held if lives(kind, number)}
        assert sensor.end(signal.SIGKILL) == -signal.SIGKILL
    end = time.monotonic() + PATIENCE_S  # the kernel frees them after a grace period
    while left := {one for one in held if lives(*one)}:
        assert time.monotonic() < end, left
    with SensorProcess(tmp_path, "run") as sensor:
        run_chain("again")
        sensor.wait_for_alert(is_chain("again"))
        assert sensor.end() == 0
    (gap,) = (alert["fields"] for alert in sensor.alerts() if alert["rule"]["title"] == "Sensor was killed")
    assert gap["unseen_s"] > 0


def test_one_sensor_a_runtime_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SensorProcess(tmp_path, "run") as sensor:
        runtime = ["--runtime-dir", str(tmp_path / "runtime")]
        assert main(["run", *runtime, "--output", f"file:{tmp_path / 'other'}"]) == 1
        assert f"(pid {sensor.pid})" in capsys.readouterr().err
        assert main(["run", *runtime, "--output", "kafka:x"]) == 2  # wrong usage is said first
        assert main(["status", "--format", "json", *runtime]) == 0
        status = json.loads(capsys.readouterr().out)
        assert main(["status", *runtime]) == 0
        assert capsys.readouterr().out.startswith("sensor ")
        assert sensor.end() == 0
    assert status["probes"]["exec"] == "attached"
    assert status["rules"]["loaded"] > 12
    assert status["account"]["lost"] == 0
    assert 0 < status["memory"]["own"] <= 30 << 20
    assert status["costs"]["every"] > 1
    assert status["outputs"][0]["url"].startswith("file:")


def test_what_is_lost_is_said_exactly(tmp_path: Path, program: Callable[[str], Path]) -> None:
    """A flood into a ring of 64 KiB: the alerts' numbers, the last lines' and the flood's make one sum."""
    with SensorProcess(tmp_path, "run", "--ring-bytes", "64KiB") as sensor:
        flood = subprocess.Popen([str(program("udp_flood")), "400000"])
        assert flood.wait() == 0
        assert sensor.end() == 0
    told = [alert["fields"] for alert in sensor.alerts() if alert["rule"]["title"] == LOST]
    assert told
    # what was lost is in the last alert as it was at the end; all else may have gone on after it
    last = told[-1]
    assert f"{last['total']} events lost" in sensor.said
    assert sum(fields["lost"] for fields in told) == last["total"]
    seen, received = (int(n) for n in re.findall(r"^linsang: (?:seen|received) (\d+) = ", sensor.said, re.M))
    lost = sum(last[cause] for cause in ("ring_full", "oversized", "busy", "ring_dropped"))
    others = sum(last[cause] for cause in ("missed", "malformed", "files_lost", "libraries_lost"))
    assert lost + others == last["total"]
    assert received + lost == seen
    assert lost > 0
    assert seen + last["missed"] >= 400_000
    assert "does not hold" not in sensor.said


def write_rule(folder: Path, title: str) -> None:
    """Fires on `TITLE-here` in a command line."""
    folder.mkdir(exist_ok=True)
    (folder / f"{title}.yml").write_text(
        f"title: {title}\nlevel: low\nlogsource: {{product: linux, category: process_creation}}\n"
        f"detection:\n  selection:\n    CommandLine|contains: {title}-here\n  condition: selection\n"
    )


def test_rules_are_read_again(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    write_rule(rules, "one")
    with SensorProcess(tmp_path, "run", "--rules", str(rules)) as sensor:
        write_rule(rules, "two")
        sensor.child.send_signal(signal.SIGHUP)
        sensor.wait_for("reloaded: ")
        (rules / "broken.yml").write_text("title: [")
        sensor.child.send_signal(signal.SIGHUP)
        sensor.wait_for("the rules stay as they were")
        assert "broken.yml" in sensor.said
        kept = sensor.wait_for_alert(lambda alert: alert["rule"]["title"] == "Sensor keeps its old rules")
        assert "1 rules are refused" in kept["fields"]["reason"]
        subprocess.run(["true", "one-here", "two-here"], check=True)
        for title in ("one", "two"):
            sensor.wait_for_alert(lambda alert, title=title: alert["rule"]["title"] == title)  # type: ignore[misc]
        assert sensor.end() == 0


def test_a_reload_that_comes_too_early_is_kept(tmp_path: Path) -> None:
    """Rules are read before anybody hears SIGHUP, which would end a sensor that starts."""
    write_rule(tmp_path / "rules", "one")
    lock = tmp_path / "runtime" / "lock"
    early = ["sh", "-c", f'while ! [ -s {lock} ]; do sleep 0.01; done; kill -HUP "$(cat {lock})"']
    with subprocess.Popen(early), SensorProcess(tmp_path, "run", "--rules", str(tmp_path / "rules")) as sensor:
        sensor.wait_for("reloaded: 1 rules")
        assert sensor.end() == 0


@pytest.mark.parametrize("flags", [[], ["--skip-broken-rules"]], ids=["refused", "allowed"])
def test_a_broken_rule(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "broken.yml").write_text("title: [")
    ready = "ready:" if flags else "--skip-broken-rules"
    with SensorProcess(tmp_path, "run", "--rules", str(tmp_path), *flags, ready=ready) as sensor:
        assert sensor.end(signal.SIGTERM if flags else 0) == (0 if flags else 1)
    assert ("left out: " if flags else "error: ") + str(tmp_path / "broken.yml") in sensor.said


def test_the_process_connector_says_that_it_sees_less(tmp_path: Path) -> None:
    write_rule(tmp_path / "rules", "slow")
    with SensorProcess(tmp_path, "run", "--source", "procconn", "--rules", str(tmp_path / "rules")) as sensor:
        # it stays until it has been looked up
        with subprocess.Popen(["cat", "-", "slow-here"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as waiting:
            # of programs of others that were gone before they were looked up, the rule is undecidable
            alert = sensor.wait_for_alert(lambda alert: (alert["rule"]["title"], alert["verdict"]) == ("slow", "match"))
        assert sensor.end() == 0
    assert alert["process"]["pid"] == waiting.pid
    assert alert["lineage"][0]["pid"] == os.getpid()
    assert alert["evidence"]["reduced"] is True
    assert "Sensor runs at lower fidelity" in [alert["rule"]["title"] for alert in sensor.alerts()]
    assert "lower fidelity" in sensor.said


# ---- record ----


def recorded(folder: Path, *arguments: str) -> tuple[int, Path]:
    """Records 23 programs and 23 connects by UDP and by TCP (accepted): pid of their parent, the file."""
    file = folder / "events"
    with SensorProcess(folder, "record", str(file), *arguments, ready="recording to") as recorder:
        with socket.create_server(("127.0.0.1", 0)) as server:
            for _ in range(23):
                subprocess.run(["true", "a b", "", b"\xff"], check=True)
                socket.create_connection(server.getsockname()).close()
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
                    sock.connect(("::1", 9))
        assert recorder.end(signal.SIGINT) == 0
        assert " 0 lost;" in recorder.said, recorder.said
    return os.getpid(), file


def check_events(events: list[dict[str, Any]], own: int) -> None:
    programs = {event["pid"] for event in events if event["type"] == "fork" and event["creator_pid"] == own}
    mine = [event for event in events if event["pid"] in programs]
    assert Counter(event["type"] for event in mine) == {"fork": 23, "exec": 23, "exit": 23}
    assert all(event["argv"] == ["true", "a b", "", "\udcff"] for event in mine if event["type"] == "exec")
    ours = [event for event in events if event["pid"] == own]
    connects = Counter((event["type"], event["protocol"], event["dst"]) for event in ours if "dst" in event)
    assert connects[("connect", "udp", "::1")] == 23
    assert connects[("connect", "tcp", "127.0.0.1")] == 23
    assert connects[("connect_result", "tcp", "127.0.0.1")] == 23
    # who was there before comes first, the recorder itself included
    assert events[0]["type"] == "process"
    assert own in {event["pid"] for event in events if event["type"] == "process"}


def test_record_as_lines(tmp_path: Path) -> None:
    own, file = recorded(tmp_path, "--format", "ndjson")
    *events, account = [json.loads(line) for line in file.read_text().splitlines()]
    check_events(events, own)
    assert account["type"] == "account"
    assert account["lost"] == 0
    assert account["seen"] == account["submitted"] == account["received"] == account["decoded"]
    kinds = ("received", "snapshot", "files", "libraries")
    assert account["recorded"] == len(events) == sum(account[kind] for kind in kinds)
    assert account["files"] == Counter(event["type"] for event in events)["file"]


def test_record_and_dump(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own, file = recorded(tmp_path)
    assert main(["dump", str(file)]) == 0
    check_events([json.loads(line) for line in capfd.readouterr().out.splitlines()], own)


def test_record_for_a_time_into_a_pipe(tmp_path: Path) -> None:
    command = ["record", "-", "--format", "ndjson", "--for", "0.5s"]
    with SensorProcess(tmp_path, *command, ready="events recorded") as recorder:
        assert recorder.end(0) == 0


def test_a_reader_that_does_not_read_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """More than its pipe holds is to be written: it ends at the second Ctrl-C."""
    command = [sys.executable, "-m", "sensor", "record", "-", "--format", "ndjson"]
    command += ["--cache-dir", str(tmp_path.parent / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096) as recorder:
        assert recorder.stderr
        assert any(b"recording to" in line for line in recorder.stderr)
        subprocess.run(["true", "x" * 8192], check=True)
        while recorder.poll() is None:
            recorder.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                recorder.wait(0.5)
    assert recorder.returncode == -signal.SIGINT


@pytest.mark.parametrize("form", ["native", "ndjson"])
def test_a_reader_of_a_recording_that_had_enough_is_no_error(tmp_path: Path, form: str) -> None:
    command = [sys.executable, "-m", "sensor", "record", "-", "--format", form]
    command += ["--cache-dir", str(tmp_path.parent / "cache")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout
        assert recorder.stderr
        recorder.stdout.buffer.read(1)
        recorder.stdout.close()
        while recorder.poll() is None:
            subprocess.run(["true", "x" * 8192], check=True)
        assert recorder.stderr.read() == "linsang: recording to standard output\n"
    assert recorder.returncode == 141


def test_open_sockets_are_in_the_snapshot(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        _, file = recorded(tmp_path, "--format", "ndjson")
        own_port, port = client.getsockname()[1], server.getsockname()[1]
    found = [json.loads(line) for line in file.read_text().splitlines() if '"type":"socket"' in line]
    ours = [event for event in found if event["pid"] == os.getpid()]
    assert [(e["src"], e["sport"], e["dst"], e["dport"]) for e in ours] == [("127.0.0.1", own_port, "127.0.0.1", port)]


def test_without_bpf_it_says_what_else_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensor.sources.kernel.LOADER_PYTHON", "/nowhere/python3")
    assert main(["run", "--runtime-dir", str(tmp_path), "--output", f"file:{tmp_path / 'a'}"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert "make demo" in said
    assert "--source procconn" in said
