"""`linsang doctor` on this kernel: it sees its own program, and the equations hold."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ring_reader import Watch

from sensor.cli import main
from sensor.sources.bpf_object import BpfObject, Cache, cache_key


def examine(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> list[dict[str, Any]]:
    """The checks."""
    assert main(["doctor", "--format", "json", *arguments]) == code
    checks: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return checks


@pytest.mark.parametrize("source", ["bpf", "procconn"])
def test_all_is_well(capsys: pytest.CaptureFixture[str], watch: Watch, cache_dir: Path, source: str) -> None:
    checks = examine(capsys, "--source", source, "--cache-dir", str(cache_dir), code=0)
    assert [check for check in checks if not check["ok"] or check["remedy"]] == []
    assert {"probes" if source == "bpf" else "source", "sees", "account", "lost"} <= {check["name"] for check in checks}


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
