"""Events of Windows that an attacker and that ordinary programs cause: what the shipped rules make of them, and that it
is the same by whichever source they are told: Sysmon, the audit log, sessions, traces and logs as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from etl_file import Event, etl_file
from evtx_file import Tree, evtx_file
from row_files import rows
from test_etl import play
from test_etw_source import Source
from windows_events import (
    APART,
    CMD,
    MS,
    audit,
    audit_start,
    program,
    session,
    session_start,
    sysmon,
    sysmon_start,
)

from sensor.compiler import compile_table, load_rules
from sensor.inputs import open_input
from sensor.native import Engine, Frame, Rules, check, lib

ROOT = Path(__file__).resolve().parents[2]
LOUD = {"medium", "high", "critical"}
ROWS = rows("events_windows.tsv")
# Command line, and what started it.
LINES = [("\t".join(row[3:]), CMD) for row in rows("payloads_windows.tsv")]
LINES += [(row[0], CMD) for row in rows("red_team_windows.tsv")]
LINES += [(row[0], row[1] if len(row) > 1 else program("explorer.exe")) for row in rows("ordinary_windows.tsv")]


@cache
def compiled() -> tuple[bytes, dict[int, str]]:
    """The shipped rules, and those that call for somebody by their numbers."""
    made = compile_table(load_rules([ROOT / "rules" / "windows"]))
    return made.bytes, {n: rule.title for n, rule in enumerate(made.rules) if rule.level in LOUD}


def loud(frames: list[Frame]) -> set[str]:
    return {compiled()[1][frame.rule] for frame in frames if frame.rule in compiled()[1]}


class Judge:
    """An engine with the shipped rules."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def document(self, told: dict[str, Any]) -> set[str]:
        """Of an event as another maker's JSON."""
        assert self.engine.feed_json(json.dumps(told).encode())
        return loud(self.engine.take())

    def events(self, source: Source, told: list[Event]) -> set[str]:
        """Of events that a session delivers."""
        for event in told:
            source.deliver(event)
        self.engine.stop()
        self.engine.run()
        return loud(self.engine.take())


@contextmanager
def judge() -> Iterator[Judge]:
    with Engine(alert_bytes=1 << 22) as engine:
        engine.swap_rules(Rules(compiled()[0]))
        check(lib.sn_engine__set_path(engine.pointer, b"\\Device\\HarddiskVolume3", b"C:"), "name a volume")
        check(lib.sn_engine__set_account(engine.pointer, b"S-1-5-21-1-2-3-1001", b"CORP\\anna"), "name an account")
        yield Judge(engine)


@pytest.fixture(scope="module")
def reference() -> Iterator[Judge]:
    with judge() as made:
        yield made


@pytest.mark.parametrize("row", ROWS, ids="\t".join)
def test_heard(row: list[str], reference: Judge) -> None:
    """What is silent ordinary programs do as well, or it tells too little."""
    assert bool(reference.document(sysmon(*row[1:]))) == (row[0] == "alert")


def test_most_attacks_are_heard() -> None:
    attacks = [row for row in ROWS if row[0] != "ordinary"]
    assert len(attacks) >= 300
    assert sum(row[0] == "alert" for row in attacks) >= len(attacks) * 0.9


# ---- other sources ----


def start(line: str, parent: str) -> dict[str, Any]:
    """Sysmon's, without the working folder, which it alone tells."""
    told = sysmon_start(line, parent)
    del told["CurrentDirectory"]
    return told


def lost(row: list[str], source: str) -> bool:
    """Whether rules read of Sysmon's event what the source does not tell: a signature, the name of an address."""
    return (row[1] == "image" and source != "audit") or (row[1] == "network" and len(row) > 5)


def test_the_audit_log_brings_out_the_same(reference: Judge) -> None:
    with judge() as other:
        for row in ROWS:
            told = audit(*row[1:])
            if told and not lost(row, "audit"):
                assert other.document(told) == reference.document(sysmon(*row[1:])), row


def test_sessions_bring_out_the_same(reference: Judge) -> None:
    """By who did it, whom the match thread knows from its start. What a library lacks is its signature, which the
    sensor looks up where it runs: the rules that do not read it are the same."""
    with judge() as other:
        source = Source(other.engine)
        for number, row in enumerate(ROWS, 1):
            told = session(row[1], row[2:], 1000 + 4 * number, number * APART)
            begun = [event for event in told if event.at == number * APART or event.provider == "classic process"]
            other.events(source, begun if len(told) > 1 else [])
            found = other.events(source, told[len(begun) :] if len(told) > 1 else told)
            if told and not lost(row, "session"):
                assert found == reference.document(sysmon(*row[1:])), row
            elif row[1] == "image":
                assert found <= reference.document(sysmon(*row[1:])), row
        other.engine.stop()
        lib.sn_etw_source__free(source.pointer)


def test_starts_are_judged_alike(reference: Judge) -> None:
    """Sysmon's event 1; the audit log's 4688, which has neither OriginalFileName nor the parent's command line; the two
    events of sessions, and their parent's before."""
    with judge() as audited, judge() as live:
        source = Source(live.engine)
        for number, (line, parent) in enumerate(LINES, 1):
            expected = reference.document(start(line, parent))
            assert audited.document(audit_start(line, parent)) == expected, line
            pid, at = 1000 + 8 * number, number * APART
            live.events(source, session_start(parent, pid, at, image=parent))
            told = session_start(line, pid + 4, at + 20 * MS, parent=pid)
            assert live.events(source, told) == expected, line
        live.engine.stop()
        lib.sn_etw_source__free(source.pointer)


# ---- files ----

SOME = LINES[::7]


def test_a_trace_file_brings_out_the_same(reference: Judge, tmp_path: Path) -> None:
    """Volumes have their letters here, which a replay does not know."""
    told: list[Event] = []
    for number, (line, parent) in enumerate(SOME, 1):
        pid, at = 1000 + 8 * number, number * APART
        told += session_start(parent, pid, at, image=parent)
        told += session_start(line, pid + 4, at + 20 * MS, parent=pid)
    (tmp_path / "x.etl").write_bytes(etl_file(told))
    frames: list[Frame] = []
    with judge() as made, open_input(str(tmp_path / "x.etl")) as file:
        assert file.recording
        play(made.engine, file.recording, frames)
    found: dict[int, set[str]] = {}
    for frame in frames:
        found.setdefault(json.loads(frame.event)["ProcessID"], set()).update(loud([frame]))
    for number, (line, parent) in enumerate(SOME, 1):
        assert found.get(1004 + 8 * number, set()) == reference.document(start(line, parent)), line


def test_a_log_file_brings_out_the_same(reference: Judge, tmp_path: Path) -> None:
    def tree(told: Any) -> Tree | str:
        return {name: tree(inner) for name, inner in told.items()} if isinstance(told, dict) else str(told)

    def of_sysmon(told: dict[str, Any]) -> dict[str, Any]:
        system = {name: told.pop(name) for name in ("Channel", "EventID")}
        return {"Event": {"System": system, "EventData": told}}

    given = [of_sysmon(start(*row)) for row in SOME] + [audit_start(*row) for row in SOME]
    trees = [tree(event) for event in given]
    chunks = [trees[i : i + 8] for i in range(0, len(trees), 8)]
    (tmp_path / "x.evtx").write_bytes(evtx_file(chunks))  # type: ignore[arg-type]
    with judge() as made, open_input(str(tmp_path / "x.evtx")) as file:
        found = [made.document(json.loads(line)) for block in file.blocks for line in bytes(block).splitlines()]
    expected = [reference.document(start(*row)) for row in SOME]
    assert found == expected * 2
