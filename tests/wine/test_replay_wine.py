"""A replay gives the same alerts on Windows as on Linux, byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from windows_python import ROOT, Python

CORPUS = os.environ.get("LINSANG_CORPUS")
EVENT_LOGS = 12  # of the regression's, the first by path


def replayed_alike(folder: Path, files: list[Path], rules: list[Path], python: Python) -> bytes:
    """The alerts of both, with paths relative to `folder`: where the files lay is part of an alert."""
    for file in files:
        shutil.copy(file, folder)
    of_rules = [argument for folder in rules for argument in ("--rules", str(folder))]
    command = ["replay", *(file.name for file in files), *of_rules, "--cache-dir", "cache"]
    here = [sys.executable, "-m", "sensor", *command, "--output", "file:linux"]
    subprocess.run(here, cwd=folder, check=True, capture_output=True)
    there = python("-m", "sensor", *command, "--output", "file:windows", cwd=folder)
    assert there.returncode == 0, there.stderr
    alerts = (folder / "linux").read_bytes()
    assert (folder / "windows").read_bytes() == alerts
    return alerts


def test_recording(tmp_path: Path, python: Python) -> None:
    golden = ROOT / "tests" / "golden"
    alerts = replayed_alike(tmp_path, [golden / "demo.linsang"], [ROOT / "rules" / "linux"], python)
    assert alerts == (golden / "demo.alerts.ndjson").read_bytes()


def test_windows_events(tmp_path: Path, python: Python) -> None:
    """Sysmon as JSON, event logs, event trace logs."""
    if not CORPUS:
        pytest.skip("LINSANG_CORPUS is not set: no events of Windows")
    corpus = Path(CORPUS)
    logs = sorted((corpus / "regression" / "rules" / "windows" / "file").rglob("*.evtx"))[:EVENT_LOGS]
    traces = sorted((corpus / "etw" / "etl").glob("*.etl"))
    assert len(logs) == EVENT_LOGS
    assert traces
    files = [corpus / "events" / "windows_mixed_sysmon.ndjson.gz", *logs, *traces]
    rules = [ROOT / "rules" / "windows", corpus / "sigma" / "rules" / "windows" / "file"]
    assert len(replayed_alike(tmp_path, files, rules, python).splitlines()) >= EVENT_LOGS
