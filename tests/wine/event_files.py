"""Events of every kind that is replayed, in files: what programs of other makers write, made anew."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from etl_file import etl_file
from evtx_file import Tree, evtx_file
from row_files import rows
from test_auditd import EVENT, INTERPRETED, LAUREL
from test_eslogger import CHILD, START, executed, token
from windows_events import APART, KINDS, audit_start, session, session_start, sysmon, sysmon_start

STARTS = 60  # of the rows, the first
SYSTEM = {"Channel": "Microsoft-Windows-Sysmon/Operational", "Provider": {"@Name": "Microsoft-Windows-Sysmon"}}


def lines(events: list[Any]) -> bytes:
    return "".join(
        json.dumps(event, ensure_ascii=number % 2 == 0) + "\n" for number, event in enumerate(events)
    ).encode()


def shapes(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One of Sysmon as its own tools, Winlogbeat, NXLog and others have it."""
    fields = {name: value for name, value in event.items() if name not in {"Channel", "EventID"}}
    system = {**SYSTEM, "EventID": event["EventID"]}
    named = [{"@Name": name, "#text": value} for name, value in fields.items()]
    yield event
    yield {"Event": {"System": system, "EventData": fields}}
    yield {"Event": {"System": system, "EventData": {"Data": named}}}
    yield {"winlog": {"channel": event["Channel"], "event_id": event["EventID"], "event_data": fields}}
    yield {"src": "somebody", "file": "a.evtx", "event": event}


def tree(event: dict[str, Any]) -> Tree:
    """For an event log, which has but texts."""
    return {name: tree(inner) if isinstance(inner, dict) else str(inner) for name, inner in event.items()}


def trace(commands: list[str], others: list[list[str]]) -> bytes:
    """An event trace log of those starts, and of what else processes did."""
    events = []
    for number, line in enumerate(commands):
        events += session_start(line, 5000 + 4 * number, number * APART)
    for number, (kind, *given) in enumerate(others, start=len(commands)):
        events += session(kind, given, 5000 + 4 * number, number * APART)
    return etl_file(events, events_lost=3)


def write(folder: Path) -> list[str]:
    """All of them, each as it is and packed; their names."""
    commands = [row[0] for row in rows("red_team_windows.tsv")[:STARTS]] + [
        'cmd /c "echo é 🦊 \\u00e9"',
        "C:\\ä\\ö.exe 'ß'",
    ]
    others = [row[1:] for row in rows("events_windows.tsv")]
    assert {kind for kind, *_ in others} == set(KINDS)
    starts = [sysmon_start(line) for line in commands]
    told = starts + [sysmon(*row) for row in others]
    shell = executed((token(30, 10), "/bin/sh"), token(30, 11), CHILD, "/usr/bin/osascript", "osascript", "-e", "é")
    files = {
        "sysmon.ndjson": lines(told),
        "shapes.ndjson": lines([shape for event in starts for shape in shapes(event)]),
        "array.json": b"\xef\xbb\xbf" + json.dumps(told, indent=2).replace("\n", "\r\n").encode(),
        "damaged.ndjson": b"no json\n" + lines(told)[:-40] + b"\n\n\xff\xfe{}\n" + lines(starts[:1]),
        "audit.ndjson": lines([audit_start(line) for line in commands]),
        "audit.evtx": evtx_file([[tree(audit_start(line))] for line in commands[:8]]),
        "sessions.etl": trace(commands, others),
        "audit.log": (EVENT + EVENT.replace(":42)", ":43)").replace("cat", "wget") + INTERPRETED).encode(),
        "laurel.log": lines([LAUREL, LAUREL]),
        "eslogger.ndjson": lines([START, shell]),
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, mtime=0))
    return [*files, *(f"{name}.gz" for name in files)]


def write_refused(folder: Path, recording: bytes) -> list[str]:
    """What is not read, or not to its end; their names. One is a folder, one is not there."""
    log = evtx_file([[tree(audit_start("cmd /c ver"))]])
    files = {
        "cut.linsang": recording[:-3],
        "flipped.linsang": recording[:5000] + b"\xff" + recording[5001:],
        "damaged.evtx": log[:4096] + bytes(100) + log[4196:],
        "cut.evtx": log[:-1000],
        "nothing.etl": bytes(100),
        "cut.etl": trace(["cmd /c ver"], [])[:70000],
        "packed.zst": b"(\xb5/\xfd" + bytes(100),
        "packed.zip": b"PK\x03\x04" + bytes(100),
        "cut.gz": gzip.compress(b'{"EventID": 1}\n' * 9, mtime=0)[:-9],
        "wide.json": '{"a":1}'.encode("utf-16"),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "empty.ndjson").write_bytes(b"")
    (folder / "folder").mkdir()
    return [*files, "folder", "nowhere.ndjson"]
