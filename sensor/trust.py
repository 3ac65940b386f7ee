"""`linsang trust`: what the sensor would know of a file if it were run or used as a payload."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sensor import paths
from sensor.config import Config
from sensor.encode import json_page
from sensor.enrich.facts import Facts
from sensor.enrich.model import FileFacts
from sensor.enrich.programs import grammar_names
from sensor.escape import escape
from sensor.loaded_rules import load
from sensor.render.trust import speaks_against, speaks_for
from sensor.terminal import say

_PATIENCE_S = 60.0  # for the index of the packages, and for large files
_PAUSE_S = 0.01
_MEMBERS = ("trust", "package", "version", "owner", "writable", "filesystem", "mount_flags", "privilege", "identity")


def trust(files: Sequence[str], config: Config, *, format: str = "text") -> int:
    """Prints the facts of each file; 1 when one of them is no regular file. LinsangError: as load."""
    where = [Path(path) for path in config.rules.paths] or paths.default_rules()
    table = load(where, Path(config.paths.cache), config.rules.reading).table
    facts = Facts(Path(config.paths.cache), None, grammar_names(table))
    missing = 0
    try:
        for path in files:
            found = _patiently(facts, os.path.abspath(path))
            if found is None:
                say(f"{path}: no regular file")
                missing = 1
            elif format == "json":
                print(json_page({"path": path, **_as_map(found)}))
            else:
                print("\n".join(_lines(path, found)))
    finally:
        facts.close()
    return missing


def _patiently(facts: Facts, path: str) -> FileFacts | None:
    """Asks until what can be known is."""
    end = time.monotonic() + _PATIENCE_S
    found = facts.of_path(path)
    while found is not None and found.again and time.monotonic() < end:
        time.sleep(_PAUSE_S)
        facts.refresh()
        found = facts.of_path(path)
    return found


def _as_map(found: FileFacts) -> dict[str, Any]:
    """As in an alert; `unknown` names what could not be found out."""
    changed = max(found.key.mtime_ns, found.key.ctime_ns)
    facts = {name: getattr(found, name) for name in _MEMBERS}
    facts["age_s"] = max(time.time_ns() - changed, 0) // 1_000_000_000
    return {**{name: value for name, value in facts.items() if value}, "unknown": sorted(found.late)}


def _lines(path: str, found: FileFacts) -> list[str]:
    facts = _as_map(found)
    mount = ", ".join([found.filesystem or "", *found.mount_flags]).strip(", ")
    rows = [("is", found.identity or ""), ("on", mount), ("not known", ", ".join(facts["unknown"]))]
    return [
        escape(path),
        *(f"  - {escape(phrase)}" for phrase in speaks_against(facts)),
        *(f"  + {escape(phrase)}" for phrase in speaks_for(facts)),
        *(f"    {name} {escape(value)}" for name, value in rows if value),
    ]
