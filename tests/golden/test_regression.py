"""SigmaHQ's own positive cases: each fires its rule, from the event log and from JSON. Read from LINSANG_CORPUS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = os.environ.get("LINSANG_CORPUS")
CORPUS = Path(FOLDER or "/nonexistent")
CASES = sorted((CORPUS / "regression").rglob("info.yml"))


def case_id(path: Path) -> str:
    return path.parent.name


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Event file -> ids of the rules that fired on it, by one replay of all."""
    if not FOLDER:
        pytest.skip("LINSANG_CORPUS is not set: no cases of SigmaHQ's")
    out, summary = (tmp_path_factory.mktemp("regression") / name for name in ("alerts", "summary"))
    files = sorted(str(f) for case in CASES for f in case.parent.iterdir() if f.suffix in {".evtx", ".json"})
    command = [
        sys.executable,
        "-m",
        "sensor",
        "replay",
        *files,
        "--rules",
        str(CORPUS / "sigma"),
        "--skip-broken-rules",
    ]
    subprocess.run([*command, "--output", f"file:{out}", "--summary", str(summary)], check=True)
    found: dict[str, set[str]] = {file: set() for file in files}
    for alert in map(json.loads, out.read_text().splitlines()):
        found[alert["event"]["file"]].add(alert["rule"]["id"])
    counts: dict[str, Any] = json.loads(summary.read_text())
    assert (counts["malformed"], counts["lost"]) == (0, {"events": 0, "alerts": 0})
    return found


def test_there_are_cases(fired: dict[str, set[str]]) -> None:
    assert len(CASES) >= 90
    assert len(fired) == 2 * len(CASES)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_its_rule_fires(case: Path, fired: dict[str, set[str]]) -> None:
    wanted = {rule["id"] for rule in yaml.safe_load(case.read_text())["rule_metadata"]}
    for file in case.parent.iterdir():
        if file.suffix in {".evtx", ".json"}:
            assert wanted <= fired[str(file)], file.name
