"""`linsang tree`: who started whom, around a process that lives or in an alert that was written."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sensor.alert_files import Found, read
from sensor.clock import boot_to_epoch_ns, now_ns
from sensor.encode import rfc3339
from sensor.errors import LinsangError, Unsupported, UsageError
from sensor.live_processes import Table, ask_processes
from sensor.native import lib, record_json
from sensor.render import Renderer
from sensor.render.parts import Paper
from sensor.render.process_tree import Family, Shown, tree_of
from sensor.runtime import NotRunning
from sensor.terminal import LEAST_WIDTH, say, terminal_width, wants_colour

_ID_LEAST = 6  # characters of an event's id that may stand for it


def tree(asked: str, files: Sequence[str], folder: str, *, at_ns: int | None = None, color: str = "auto") -> int:
    """Shows the tree around `asked`: a pid, of the sensor whose runtime folder that is, or without one of /proc, at
    `at_ns` (since the epoch; now); FILE:LINE or an event's id, of an alert in `files`. The exit code. UsageError,
    InputError: there is no such alert; LinsangError: no such process; Unsupported: of Windows' nobody is asked."""
    if asked.isdecimal() and asked.isascii():
        if sys.platform == "win32":
            raise Unsupported("the tree of a process of Windows", "an alert's is: linsang tree EVENT FILE")
        return _of_pid(int(asked), folder, at_ns, color)
    if at_ns is not None:
        raise UsageError("--at is for a PID", "an alert has the moment of its event")
    story = _alerts_of(asked, files)
    colour, width = _look(color)
    sys.stdout.buffer.write(Renderer(colour=colour, width=width).tree(story))
    return 0


def _look(color: str) -> tuple[bool, int]:
    terminal = sys.stdout.isatty()
    width = terminal_width(sys.stdout.fileno() if terminal else -1)
    return wants_colour(terminal, os.environ, color), max(width, LEAST_WIDTH)


# ---- an alert ----
def _alerts_of(asked: str, files: Sequence[str]) -> list[dict[str, Any]]:
    path, _, line = asked.rpartition(":")
    if path and line.isdecimal() and Path(path).exists():
        for found in read(path):
            if found.path == path and found.number == int(line):
                if found.fault:
                    raise LinsangError(f"{asked} is no alert: {found.fault}")
                return [found.alert]
        raise UsageError(f"{path} has no alert on line {line}", "the first has the number 1")
    if not files:
        remedy = "give a PID, FILE:LINE, or an event's id and the FILE to look in"
        raise UsageError(f"`{asked}` is no pid, and there is no file of alerts to look in", remedy)
    return _by_id(asked, [found for file in files for found in read(file)])


def _by_id(asked: str, alerts: Iterable[Found]) -> list[dict[str, Any]]:
    story: dict[str, list[dict[str, Any]]] = {}
    for found in alerts:
        event = found.alert.get("event")
        name = str(event.get("id", "")) if isinstance(event, dict) and event.get("type") != "context" else ""
        if name == asked or (len(asked) >= _ID_LEAST and name.startswith(asked)):
            story.setdefault(name, []).append(found.alert)
    if asked in story:
        return story[asked]
    if len(story) != 1:
        what = f"`{asked}` begins the ids of {len(story)} events" if story else f"no alert of an event `{asked}`"
        raise UsageError(what, "`linsang alerts FILE` shows the id of each in its last line")
    return next(iter(story.values()))


# ---- a process ----
def _of_pid(pid: int, folder: str, at_ns: int | None, color: str) -> int:
    table, reduced = _table(folder)
    now = now_ns()
    at = now if at_ns is None else at_ns - table.boot_to_epoch_ns
    family = Family(table.processes, at)
    process = family.find(pid)
    moment = rfc3339(at + table.boot_to_epoch_ns, 3)
    if process is None:
        remedy = "what ended is known for a moment only; `linsang alerts` has what was alerted on"
        raise LinsangError(f"no process {pid} is known at {moment}", remedy)
    if at_ns is not None:
        gone = "/proc knows none that has" if reduced else "most that have are forgotten"
        say(f"as of {moment}, without what ended since: {gone}")
    colour, width = _look(color)
    shown = Shown(family, table.users, table.boot_to_epoch_ns, Paper(width, colour))
    for line in tree_of(process, shown):
        print(line)
    return 0


def _table(folder: str) -> tuple[Table, bool]:
    """What is known, and whether it is from /proc."""
    try:
        return ask_processes(folder), False
    except NotRunning as error:
        say(f"{error.reason}: from /proc, which names the parent that a process has now, and none that ended")
    import pwd  # noqa: PLC0415 - these two are not on Windows

    from sensor.sources import procfs  # noqa: PLC0415

    processes = []
    for pid in sorted(procfs.pids()):
        with suppress(ProcessLookupError, KeyError):
            processes.append(record_json(procfs.with_texts(procfs.describe(pid, lib.SN_PROCESS))))
    users = {user.pw_uid: user.pw_name for user in reversed(pwd.getpwall())}
    return Table(processes, os.uname().nodename, boot_to_epoch_ns(), users), True
