"""`linsang doctor` on this kernel: it sees its own program, and the equations hold."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ring_reader import Watch

from sensor.cli import main
from sensor.sources.bpf_object import BpfObject, Cache, cache_key

ROOT = Path(__file__).resolve().parents[2]
RULE = ROOT / "rules/linux/proc_creation_lnx_command_valued_option.yml"


def examine(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> list[dict[str, Any]]:
    """The checks."""
    assert main(["doctor", "--format", "json", "--rules", str(RULE), *arguments]) == code
    checks: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return checks


@pytest.mark.parametrize("source", ["bpf", "procconn"])
def test_all_is_well(capsys: pytest.CaptureFixture[str], watch: Watch, cache_dir: Path, source: str) -> None:
    checks = examine(capsys, "--source", source, "--cache-dir", str(cache_dir), code=0)
    assert [check for check in checks if not check["ok"] or check["remedy"]] == []
    found = {check["name"]: check["found"] for check in checks}
    assert {"probes" if source == "bpf" else "source", "sees", "account", "lost", "packages", "state"} <= found.keys()
    if source == "bpf":
        assert re.match(r"asked [1-9]\d*, answered \d+, failed 0, late \d+, dropped 0; cache \d", found["facts"])


def test_a_refused_probe_is_named(
    capsys: pytest.CaptureFixture[str], watch: Watch, cache_dir: Path, tmp_path: Path
) -> None:
    cache = Cache(Path(shutil.copytree(cache_dir, tmp_path / "cache")), cache_key())
    made = cache.load()
    assert made
    broken = [replace(p, instructions=b"\0" * 8) if p.spec.name == "connect4" else p for p in made.programs]
    cache.store(BpfObject(made.maps, tuple(broken)))
    failed = [check for check in examine(capsys, "--cache-dir", str(tmp_path / "cache"), code=1) if not check["ok"]]
    assert [check["name"] for check in failed] == ["probe", "sees"]
    assert "connect4 is not loaded" in failed[0]["found"]
    assert failed[1]["found"].endswith("no connect")
    assert failed[1]["remedy"] == "attach the probes named above"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--pid", "--mount-proc"], "a pid namespace of its own is not supported here"),
        (["--time", "--boottime", "86400"], "a time namespace with a clock of its own is not supported here"),
    ],
    ids=["pids", "clocks"],
)
def test_records_have_the_hosts_pids_and_times(watch: Watch, cache_dir: Path, flags: list[str], said: str) -> None:
    """In a container with pids or clocks of its own it would take one process for another."""
    command = [sys.executable, "-m", "sensor", "doctor", "--rules", str(RULE), "--cache-dir", str(cache_dir)]
    shown = subprocess.run(["unshare", "--fork", *flags, *command], capture_output=True, text=True, check=False)
    assert shown.returncode == 1
    assert said in " ".join(shown.stdout.split()), shown


UNIT = ROOT / "packaging/linsang.service"
# Those that give a service mounts of its own, from which a file that a process named cannot be told (systemd.exec(5)).
MOUNTS_OF_ITS_OWN = re.compile(
    r"^(Protect(System|Home|Proc|ControlGroups|Kernel\w+)|Private(Tmp|Devices|Mounts|Users)|ProcSubset|Root\w+|"
    r"TemporaryFileSystem|DynamicUser|\w+Paths|MountFlags)=",
    re.M,
)


def test_the_services_capabilities_are_enough(watch: Watch, cache_dir: Path, tmp_path: Path) -> None:
    unit = UNIT.read_text()
    assert not MOUNTS_OF_ITS_OWN.search(unit)
    listed = re.findall(r"^CapabilityBoundingSet=(.*)$", unit, re.M)[0].lower().replace("cap_", "+").split()
    folders = ["--cache-dir", str(cache_dir), "--state-dir", str(tmp_path), "--rules", str(RULE)]
    command = [sys.executable, "-m", "sensor", "doctor", "--format", "json", *folders]
    limits = ["setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all", *listed])]
    shown = subprocess.run([*limits, *command], capture_output=True, text=True, check=False)
    assert [check for check in json.loads(shown.stdout) if not check["ok"]] == []
    assert not [check for check in json.loads(shown.stdout) if check["found"].startswith("not watched")]
