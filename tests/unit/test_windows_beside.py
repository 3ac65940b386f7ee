"""SigmaHQ's rules for proxy execution on the rows of attacks that we wrote: what they hear and ours do not, and why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from row_files import rows
from windows_events import sysmon, sysmon_start

from sensor.compiler import compile_table, load_rules
from sensor.native import Engine, Rules

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("rules/windows", "rules-emerging-threats", "rules-threat-hunting/windows")
TAGS = ("attack.t1218", "attack.t1216", "attack.t1127", "attack.t1202", "attack.t1220")
LOUD = {"medium", "high", "critical"}
# Theirs that fire where ours are silent or low -> what ordinary users do so as well.
WHY = {
    "Arbitrary DLL or Csproj Code Execution Via Dotnet.EXE": "developers run and build by dotnet all day",
    "C# IL Code Compilation Via Ilasm.EXE": "a compiler given a source of the working folder",
    "HH.EXE Execution": "low there, too: each help file",
    "JScript Compiler Execution": "low there, too: a compiler given a source of the working folder",
    "Msiexec Quiet Installation": "how each agent is installed; ours ask where the package lies",
    "Process Proxy Execution Via Squirrel.EXE": "how Teams, Slack and Discord start; ours ask what is started",
    "Scripting/CommandLine Process Spawned Regsvr32": "installers' scripts; ours ask where the library lies",
}


def attacks() -> list[dict[str, Any]]:
    """All rows but ordinary ones, as Sysmon tells of them."""
    told = [sysmon(*row[1:]) for row in rows("events_windows.tsv") if row[0] != "ordinary"]
    told += [sysmon_start("\t".join(row[3:])) for row in rows("payloads_windows.tsv")]
    return told + [sysmon_start(row[0]) for row in rows("red_team_windows.tsv")]


def judged(paths: list[Path], told: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """Of each event the rules that it met: title, level."""
    compiled = compile_table(load_rules(paths))
    found = []
    with Engine(alert_bytes=1 << 22) as engine:
        engine.swap_rules(Rules(compiled.bytes))
        for event in told:
            assert engine.feed_json(json.dumps(event).encode())
            met = [compiled.rules[frame.rule] for frame in engine.take()]
            found.append([(rule.title, rule.level) for rule in met])
    return found


def test_what_theirs_hear_is_heard_or_explained() -> None:
    if not (corpus := os.environ.get("LINSANG_CORPUS")):
        pytest.skip("LINSANG_CORPUS is not set: SigmaHQ's rules")
    files = [path for folder in FOLDERS for path in (Path(corpus) / "sigma" / folder).rglob("*.yml")]
    theirs = judged([path for path in files if any(tag in path.read_text() for tag in TAGS)], told := attacks())
    ours = judged([ROOT / "rules" / "windows"], told)
    assert sum(map(bool, theirs)) >= 300
    silent = {
        title
        for heard, met in zip(theirs, ours, strict=True)
        if not any(level in LOUD for _, level in met)
        for title, _ in heard
    }
    assert silent == set(WHY)
