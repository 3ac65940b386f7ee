"""`linsang selftest --windows`: does harmless things that a sensor must see, and counts what it saw.

For a user on a real machine. Rules of its own look for what bears the mark; nothing is left behind.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sensor.checks import Check, report
from sensor.config import Config
from sensor.encode import json_page
from sensor.errors import Unsupported
from sensor.live import Live
from sensor.loaded_rules import load
from sensor.native import Rules, lib
from sensor.system import system_program

_MARK = "linsang-selftest"
_BURST = 50  # processes, all started before the first is waited for
_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
_PATIENCE_S = 10.0
_LOOK_S = 0.05
_RULE = """\
title: Self-test, {name}
id: 5e1f7e57-0000-4000-8000-00000000000{number}
status: test
level: informational
logsource: {{product: windows, category: {category}}}
detection: {{mark: {{{detection}}}, condition: mark}}
"""


@dataclass(frozen=True)
class Step:
    """One thing that is done: `detection` finds its events, of which there are `expected` at least."""

    name: str
    says: str
    category: str
    detection: str
    expected: int
    do: Callable[[], None]


def _processes() -> None:
    command = [system_program("cmd.exe"), "/c", "rem", _MARK]
    for process in [subprocess.Popen(command) for _ in range(_BURST)]:
        process.wait()


def _run_value() -> None:
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - Windows'

        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY, access=winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, _MARK, 0, winreg.REG_SZ, "cmd.exe /c rem")
            winreg.DeleteValue(key, _MARK)


def _file() -> None:
    with tempfile.NamedTemporaryFile(prefix=_MARK, suffix=".exe"):
        pass


def _name() -> None:
    with suppress(OSError):
        socket.getaddrinfo(f"{_MARK}.invalid", 443)  # RFC 6761: no such name is ever there


@contextmanager
def _steps() -> Iterator[tuple[Step, ...]]:
    """All of them, while there is something to connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()

        def connect() -> None:
            socket.create_connection(address).close()

        port = f"DestinationIp: 127.0.0.1, DestinationPort: {address[1]}"
        marked = f"|contains: {_MARK}"
        yield (
            Step(
                "processes",
                f"{_BURST} times at once: cmd.exe /c rem {_MARK}",
                "process_creation",
                f"CommandLine{marked}",
                _BURST,
                _processes,
            ),
            Step(
                "run key",
                rf"write HKCU\{_RUN_KEY}\{_MARK} and delete it",
                "registry_set",
                f"TargetObject{marked}",
                1,
                _run_value,
            ),
            Step(
                "file",
                f"create {_MARK}*.exe in {tempfile.gettempdir()} and delete it",
                "file_event",
                f"TargetFilename{marked}",
                1,
                _file,
            ),
            Step("connection", "connect to 127.0.0.1 by TCP", "network_connection", port, 1, connect),
            Step("DNS", f"ask for the address of {_MARK}.invalid", "dns_query", f"QueryName{marked}", 1, _name),
        )


def selftest(config: Config, *, dry: bool = False, format: str = "text") -> int:
    """Does it and prints seen against expected, and what was lost; 1 when something was not seen. `dry`: says what it
    would do. Unsupported: not on Windows. LinsangError: what the source or the rules raise."""
    with _steps() as steps:
        if dry:
            return _listed(steps, format)
        if sys.platform != "win32":
            raise Unsupported("the self-test of Windows", "run it on Windows; --list says what it would do")
        return report(_tried(config, steps), format)


def _listed(steps: tuple[Step, ...], format: str) -> int:
    if format == "json":
        print(json_page([{"name": step.name, "does": step.says, "expected": step.expected} for step in steps]))
    else:
        print("\n".join(f"{step.name:<12} {step.says}" for step in steps))
    return 0


def _tried(config: Config, steps: tuple[Step, ...]) -> list[Check]:
    checks = []
    with tempfile.TemporaryDirectory(prefix=_MARK) as folder:
        for number, step in enumerate(steps):
            rule = _RULE.format(name=step.name, number=number, category=step.category, detection=step.detection)
            Path(folder, f"{number}.yml").write_text(rule, "utf-8")
        loaded = load([Path(folder)], Path(folder, "cache"))
    with Live(config, rules=Rules(loaded.table)) as live:
        for step in steps:
            try:
                step.do()
            except OSError as error:
                checks.append(Check(step.name, False, f"could not be done: {error}"))
        seen = _seen(live, steps)
        live.stop()
        live.check()
        seen += _taken(live)
        account = live.account()
    for number, step in enumerate(steps):
        found = f"{seen[number]} seen, {step.expected} expected"
        fine = seen[number] >= step.expected
        checks.append(Check(step.name, fine, found, "" if fine else f"it did: {step.says}"))
    equations = (Check("account", holds, text, "" if holds else "report it") for text, holds in account.equations())
    return [*checks, *equations, Check("lost", account.lost == 0, f"{account.lost} events or buffers")]


def _seen(live: Live, steps: tuple[Step, ...]) -> Counter[int]:
    """Events by step, until all were seen or patience ends."""
    seen, end = Counter[int](), time.monotonic() + _PATIENCE_S
    while any(seen[number] < step.expected for number, step in enumerate(steps)) and time.monotonic() < end:
        live.check()
        live.engine.wait(_LOOK_S)
        seen += _taken(live)
    return seen


def _taken(live: Live) -> Counter[int]:
    taken = Counter[int]()
    while frames := live.engine.take():
        taken.update(frame.rule for frame in frames if frame.verdict == lib.SN_MATCH)
    return taken
