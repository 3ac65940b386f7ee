"""`linsang doctor` on Windows: what the sensor needs, whether its sessions bring events, where every one of them is."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sensor
from sensor.checks import Check, report
from sensor.config import Config
from sensor.errors import LinsangError
from sensor.host import memory_bytes
from sensor.live import Live
from sensor.loaded_rules import LoadedRules, load
from sensor.native import Rules
from sensor.paths import default_rules
from sensor.runtime import NotRunning, ask_status
from sensor.system import is_administrator, system_program

_PATIENCE_S = 5.0
_LOOK_S = 0.05
_FINE = ("attached", "there is no such channel")
_UNREADABLE = ("unknown_version", "broken")
_FORGOTTEN = ("forgotten", "too_long", "starts_hurried", "keys_forgotten", "names_refused", "hosts_forgotten")
_NOTHING = "the sessions run but bring nothing: report it with the version of Windows"


def doctor(config: Config, *, format: str = "text") -> int:
    """Tests and prints; 1 when something failed. Needs to be elevated for everything but the first checks.

    While a sensor runs, that one is asked: its sessions have the names that these would have.
    """
    try:
        return report([*_host(), *_running(ask_status(config.paths.runtime))], format)
    except NotRunning:
        return report([*_host(), *_live(config)], format)


def _host() -> list[Check]:
    elevated = is_administrator()
    return [
        Check("version", True, f"linsang {sensor.__version__}, Python {platform.python_version()}"),
        Check("system", True, f"{platform.system()} {platform.version()}"),
        Check("elevated", elevated, "yes" if elevated else "no", "" if elevated else "Run as administrator"),
    ]


def _running(status: dict[str, Any]) -> list[Check]:
    """By what `linsang status` says."""
    account = status["account"]
    seen = account["recorded"]
    return [
        Check("running", True, f"for {status['uptime_s']} s; what follows is what it says"),
        *_probes(status),
        Check("sees", seen > 0, f"{seen} events", "" if seen else _NOTHING),
        *decoding_checks(status["decoding"]),
        Check("lost", account["lost"] == 0, f"{account['lost']} events or buffers"),
        Check("memory", True, f"{status['memory']['own'] / 2**20:.1f} MiB"),
    ]


def _probes(status: dict[str, Any]) -> list[Check]:
    reduced = [session["reduced"] for session in status["sessions"].values() if session["reduced"]]
    return [
        *(
            Check("session", state in _FINE, f"{name}: {state}", "" if state in _FINE else "its events are not seen")
            for name, state in status["probes"].items()
        ),
        *(Check("reduced", False, found, "the rest of the session is seen") for found in reduced),
    ]


def decoding_checks(decoding: Mapping[str, int]) -> list[Check]:
    """What the events came to, by struct sn_etw_decoding: what nobody could read, and what was forgotten of others."""
    unreadable, forgotten = (
        [f"{name.replace('_', ' ')} {decoding[name]}" for name in names if decoding[name]]
        for names in (_UNREADABLE, _FORGOTTEN)
    )
    read = f"{decoding['told']} events, {decoding['joined']} joined with others"
    remedy = "events that cannot be read are not judged: report it with the version of Windows"
    return [
        Check("decoded", not unreadable, ", ".join([read, *unreadable]), remedy if unreadable else ""),
        Check("remembered", True, ", ".join(forgotten) or "all that had to be"),
    ]


def _live(config: Config) -> list[Check]:
    """Starts the sessions and a program, and looks what comes."""
    try:
        paths = [Path(p) for p in config.rules.paths] or default_rules()
        loaded = load(paths, Path(config.paths.cache), config.rules.reading)
    except LinsangError as error:
        return [Check("rules", False, error.reason, error.remedy)]
    try:
        with Live(config, rules=Rules(loaded.table)) as live:
            subprocess.run([system_program("cmd.exe"), "/c", "exit"], check=False)
            end = time.monotonic() + _PATIENCE_S
            while not live.account().as_dict()["recorded"] and time.monotonic() < end:
                time.sleep(_LOOK_S)
            status = live.source.status(live.engine.stats())
            memory = memory_bytes()["own"]
            live.stop()
            live.check()
            account = live.account()
    except LinsangError as error:
        return [Check("source", False, error.reason, error.remedy), _rules(loaded)]
    recorded = account.as_dict()["recorded"]
    return [
        *_probes(status),
        Check("sees", recorded > 0, f"{recorded} events", "" if recorded else _NOTHING),
        *decoding_checks(status["decoding"]),
        *(Check("account", holds, text, "" if holds else "report it") for text, holds in account.equations()),
        _rules(loaded),
        Check("lost", account.lost == 0, f"{account.lost} events or buffers"),
        Check("memory", True, f"{memory / 2**20:.1f} MiB"),
    ]


def _rules(loaded: LoadedRules) -> Check:
    found = f"{len(loaded.rules)} loaded, {len(loaded.faults)} refused"
    return Check("rules", not loaded.faults, found, "linsang rules check says why" if loaded.faults else "")
