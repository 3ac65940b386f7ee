"""Facts of files on the running kernel: programs under other names, payloads of nobody's package, facts that do not
come in time, and what it costs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ring_reader import Watch
from sensor_process import PATIENCE_S, PATIENT, SensorProcess

from sensor.alert import AlertWriter, rule_lines
from sensor.compiler import compile_table, load_rules
from sensor.config import Config, Engine, Paths
from sensor.live import Live
from sensor.native import Rules

RULES: dict[str, dict[str, Any]] = {
    "renamed": {"RenamedProxy": "true", "ProxyIdentity": "env"},
    "payload of nobody": {"PayloadTrust": "unpackaged", "ProxyDepth|gte": 1},
    "payload of a package": {"PayloadTrust": "packaged", "PayloadPath|endswith": "/id"},
    "written by cp": {"ImageWriterImage|endswith": "/cp"},
}
FLOOD = 1500
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _bpf_works(watch: Watch, names_are_ours: None) -> None:
    """Skips with its reason where there is no BPF, or in a chroot."""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RULES as files."""
    folder = tmp_path_factory.mktemp("rules")
    for number, (title, selection) in enumerate(RULES.items()):
        rule = {
            "title": title,
            "id": str(uuid.UUID(int=number + 1)),
            "status": "test",
            "level": "medium",
            "logsource": {"product": "linux", "category": "process_creation"},
            "detection": {"selection": selection, "condition": "selection"},
        }
        (folder / f"{number}.yml").write_text(yaml.safe_dump(rule))
    return folder


@pytest.fixture(scope="module")
def sensor(watch: Watch, tmp_path_factory: pytest.TempPathFactory, rules: Path) -> Iterator[SensorProcess]:
    """With RULES, once it knows of a program whose it is: until then the packages' index is in the making."""
    folder = tmp_path_factory.mktemp("sensor")
    state = ["--state-dir", str(folder / "state")]
    with SensorProcess(folder, "run", "--rules", str(rules), *state, *PATIENT) as running:
        end = time.monotonic() + PATIENCE_S
        while not any(named(running, "payload of a package", "match")):
            subprocess.run(["env", "/usr/bin/id"], check=True, stdout=-3)
            assert time.monotonic() < end, running.alerts()
        yield running
        assert running.end() == 0
        assert "0 events lost" in running.said


def named(sensor: SensorProcess, title: str, verdict: str) -> Iterator[dict[str, Any]]:
    return (a for a in sensor.alerts() if a["rule"]["title"] == title and a["verdict"] == verdict)


def of_process(title: str, pid: int, image: Path | None = None) -> Callable[[dict[str, Any]], bool]:
    def is_it(alert: dict[str, Any]) -> bool:
        known = alert.get("process", {})
        return (
            alert["rule"]["title"] == title
            and known.get("pid") == pid
            and (image is None or known["image"] == str(image))
        )

    return is_it


def test_a_copy_of_env_under_another_name(sensor: SensorProcess, tmp_path: Path) -> None:
    env, script = shutil.which("env"), tmp_path / "script"
    assert env
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    copy = tmp_path / "something"
    subprocess.run(["cp", env, str(copy)], check=True)
    child = subprocess.Popen([str(copy), "A=1", str(script)])
    child.wait()
    alert = sensor.wait_for_alert(of_process("renamed", child.pid, copy))
    payload = sensor.wait_for_alert(of_process("payload of nobody", child.pid, copy))
    assert (alert["verdict"], alert["fields"]["ProxyIdentity"], alert["proxy"]["chain"]) == ("match", "env", ["env"])
    assert alert["proxy"]["payload"]["path"] == str(script)
    assert alert["facts"]["image"]["trust"] == alert["facts"]["payload"]["trust"] == "unpackaged"
    assert alert["facts"]["image"]["first_seen"] is True
    assert payload["event"]["id"] == alert["event"]["id"]
    if sensor.wait_for_alert(of_process("written by cp", child.pid, copy))["verdict"] == "match":
        assert alert["facts"]["image"]["writer"]["command_line"] == f"cp {env} {copy}"


def test_the_payload_and_not_its_proxy(sensor: SensorProcess, tmp_path: Path) -> None:
    copy = Path(shutil.copy("/usr/bin/id", tmp_path / "mine"))
    pids = []
    for command in (["env", "/usr/bin/id"], ["nice", "/usr/bin/id"], ["env", str(copy)]):
        child = subprocess.Popen(command, stdout=-3)
        child.wait()
        pids.append(child.pid)
    sensor.wait_for_alert(of_process("payload of nobody", pids[2]))
    assert not any(of_process("payload of nobody", pid)(a) for a in sensor.alerts() for pid in pids[:2])


def test_what_does_not_come_in_time_is_undecidable(tmp_path: Path, cache_dir: Path, rules: Path) -> None:
    """Nobody answers: what the match thread asks stays where it is."""
    ruleset = load_rules([rules])
    compiled = compile_table(ruleset)
    config = Config(paths=Paths(cache=str(cache_dir)), engine=Engine(fact_wait_ms=200))
    with Live(config, rules=Rules(compiled.bytes), facts=True) as live:
        copy = Path(shutil.copy("/usr/bin/env", tmp_path / "unknown"))
        began = time.monotonic()
        child = subprocess.Popen([str(copy), "true"])
        child.wait()
        writer = AlertWriter(live.engine, rule_lines(compiled.rules), compiled.fields, host="h")
        alerts: list[dict[str, Any]] = []
        while not alerts:
            live.engine.wait(PATIENCE_S)
            for lines in writer.write(live.engine.take_raw()):
                alerts += [a for _, a in lines if of_process("renamed", child.pid)(a)]
        waited = time.monotonic() - began
        live.stop()
        stats = live.engine.stats()
    assert alerts[0]["undecidable"]["reason"] == "late"
    assert alerts[0]["undecidable"]["cause"] in RULES["renamed"]
    assert waited >= 0.2
    assert stats["held"] == stats["held_late"] > 0
    assert stats["held_now"] == 0


def test_a_flood_loses_nothing(sensor: SensorProcess, program: Callable[[str], Path]) -> None:
    """As many programs as this machine starts, every one behind a proxy."""
    subprocess.run([str(program("spawn")), str(FLOOD), shutil.which("env") or "", str(program("nothing"))], check=True)
    command = [sys.executable, "-m", "sensor", "status", "--runtime-dir", str(sensor.folder / "runtime")]
    said = subprocess.run([*command, "--format", "json"], check=True, capture_output=True, text=True)
    status = json.loads(said.stdout)
    assert status["account"]["lost"] == 0
    assert status["memory"]["own"] <= 45 * MIB
    assert status["facts"]["questions_dropped"] == status["facts"]["held_refused"] == 0
