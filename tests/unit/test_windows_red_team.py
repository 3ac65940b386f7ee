"""Command lines as attackers write and hide them, and ordinary ones of administrators and developers, each as a process
that a user starts: the right payload or none, and what the shipped rules make of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from row_files import rows
from windows_events import CMD, image_of, program, sysmon_start

from sensor.compiler import compile_table, load_rules
from sensor.compiler.grammar import shipped_win_grammars
from sensor.native import Engine, Rules
from sensor.proxy import Start, unwind_windows

ATTACKS = rows("red_team_windows.tsv")
ROOT = Path(__file__).resolve().parents[2]
LOUD = {"medium", "high", "critical"}
PAYLOAD_UNKNOWN = {r"C:\PROGRA~1\..\Windows\System32\REGSVR~1.EXE /s C:\Temp\at.dll"}  # no file has this short name


@pytest.fixture(scope="module")
def loud() -> Iterator[tuple[Engine, set[int]]]:
    """An engine, and which of its rules count."""
    compiled = compile_table(load_rules([ROOT / "rules" / "windows"]))
    rules = Rules(compiled.bytes)
    with Engine(alert_bytes=1 << 22) as engine:
        engine.swap_rules(rules)
        yield engine, {number for number, rule in enumerate(compiled.rules) if rule.level in LOUD}


def alerts(loud: tuple[Engine, set[int]], line: str, parent: str = program("explorer.exe")) -> int:
    engine, counted = loud
    assert engine.feed_json(json.dumps(sysmon_start(line, parent)).encode())
    return sum(frame.rule in counted for frame in engine.take())


@pytest.mark.parametrize("row", ATTACKS, ids=lambda row: row[0])
def test_attack(row: list[str], loud: tuple[Engine, set[int]]) -> None:
    line, payload, heard = row
    proxy = unwind_windows(shipped_win_grammars(), Start(image_of(line), command_line=line))
    told = f"{proxy.path} {proxy.url} {proxy.text}" if proxy and proxy.kind != "unknown" else ""
    assert payload == "-" or payload in told or (line in PAYLOAD_UNKNOWN and not told)
    assert bool(alerts(loud, line)) == (heard == "alert")


@pytest.mark.parametrize("row", rows("payloads_windows.tsv"), ids=lambda row: "\t".join(row[3:]))
def test_heard(row: list[str], loud: tuple[Engine, set[int]]) -> None:
    """What is silent ordinary users write as well, or it names too little."""
    line = "\t".join(row[3:])
    assert bool(alerts(loud, line, CMD)) == (row[1] == "alert")


@pytest.mark.parametrize("row", rows("ordinary_windows.tsv"), ids=lambda row: row[0])
def test_ordinary(row: list[str], loud: tuple[Engine, set[int]]) -> None:
    assert not alerts(loud, *row)


def test_most_attacks_are_heard() -> None:
    assert sum(row[2] == "alert" for row in ATTACKS) >= len(ATTACKS) * 0.9
