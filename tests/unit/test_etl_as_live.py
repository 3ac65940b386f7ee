"""What a trace file is judged as: what sessions would have delivered of the same events, with who did it and who made
whom."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from engine_rules import Row
from etl_file import Event, classic_image, classic_process, etl_file, kernel_start, sid, wide
from test_etl import V4, play
from test_etw_source import alerts, running

from sensor.alert import frame_bytes
from sensor.inputs import open_input
from sensor.native import Frame

MS = 1_000_000
SYSTEM32 = "\\SystemRoot\\System32\\"
ROWS: list[Row] = [
    ("windows", "process_creation", "CommandLine", "evil"),
    ("windows", "process_creation", "ProxyChain", "rundll32"),
    ("windows", "network_connection", "DestinationIp", "20.190"),
    ("windows", "image_load", "ImageLoaded", "evil.dll"),
    ("windows", "registry_set", "Details", "evil"),
    ("windows", "file_event", "TargetFilename", "evil"),
    ("windows", "process_creation", "ParentCommandLine", "evil"),
]


def listed(pid: int, parent: int, name: str, line: str, at: int = 0) -> list[Event]:
    """One that lived when the trace began, and its image."""
    return [
        Event("classic process", 3, 4, classic_process(pid, parent, name, line, sid(18)), at=at),
        Event("classic image", 3, 3, classic_image(pid, SYSTEM32 + name), at=at),
    ]


def started(pid: int, parent: int, name: str, line: str, at: int) -> list[Event]:
    """Both of its events."""
    return [
        Event("process", 1, 3, kernel_start(pid, parent, SYSTEM32 + name), at=at),
        Event("classic process", 1, 4, classic_process(pid, parent, name, line, sid(18)), at=at + 100_000),
    ]


LIVED = [
    *listed(8, 4, "smss.exe", "smss"), *listed(12, 8, "wininit.exe", "wininit"), *listed(16, 12, "services.exe", "s"),
    *listed(20, 16, "svchost.exe", 'svchost "a" \\ \u00e9\u202e'),
]  # fmt: skip
CASES: list[tuple[str, list[Event], list[int]]] = [
    ("a chain that is whole", [*LIVED, *started(24, 20, "cmd.exe", "cmd evil", 5 * MS)], [0]),
    ("a proxy and its child",
     [*LIVED, *started(24, 20, "rundll32.exe", "rundll32 shell32.dll,ShellExec_RunDLL calc.exe", 5 * MS),
      *started(28, 24, "calc.exe", "evil", 9 * MS)], [0, 1, 1]),
    ("what a parent said",
     [*LIVED, *started(24, 20, "cmd.exe", 'evil \ud800\udc00\ud800 "x"\\', 5 * MS),
      *started(28, 24, "b.exe", "b", 9 * MS)],
     [0, 6]),
    ("a connection, a load, a file",
     [*LIVED, *started(24, 20, "cmd.exe", "cmd", 5 * MS),
      Event("network", 12, 0, struct.pack("<I", 24) + V4[4:], at=20 * MS),
      Event("process", 5, 0, bytes(16) + (24).to_bytes(4, "little") + bytes(16) + wide("\\evil.dll"), at=21 * MS),
      Event("file", 30, 1, bytes(32) + wide("\\evil"), at=22 * MS, pid=24)], [2, 3, 5]),
    ("a pid that is used again",
     [*LIVED, *started(24, 20, "cmd.exe", "cmd", 5 * MS),
      Event("classic process", 2, 4, classic_process(24, 20, "cmd.exe", "cmd"), at=10 * MS),
      *started(24, 16, "b.exe", "evil", 5000 * MS)], [0]),
    ("one event of a start", [Event("process", 1, 3, kernel_start(24, 20, SYSTEM32 + "a.exe"), at=MS)], []),
]  # fmt: skip


def essence(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What does not depend on where the event lies, in the order of rules."""
    for alert in found:
        alert["fields"].pop("ExecutionThreadID")  # the stand-in for a session has its own
    return sorted(({k: v for k, v in a.items() if k not in {"event", "evidence", "host"}} for a in found), key=str)


@pytest.mark.parametrize(("given", "rules"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_a_trace_gives_the_alerts_of_sessions(tmp_path: Path, given: list[Event], rules: list[int]) -> None:
    with running(ROWS) as (engine, source, writer):
        for event in sorted(given, key=lambda event: event.at):
            source.deliver(event)
        live = alerts(engine, writer)
    (tmp_path / "x.etl").write_bytes(etl_file(given))
    replayed: list[Frame] = []
    with running(ROWS) as (engine, _, writer), open_input(str(tmp_path / "x.etl")) as file:
        assert file.recording
        play(engine, file.recording, replayed)
        lines = b"".join(bytes(block.data) for frame in replayed for block in writer.write(frame_bytes(frame)))
    found = [json.loads(line) for line in lines.splitlines()]
    assert sorted(alert["rule"] for alert in found) == rules
    assert essence(found) == essence(live)
