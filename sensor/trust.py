"""`linsang trust`: what the sensor would know of a file if it were run or used as a payload."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensor import paths
from sensor.config import Config
from sensor.encode import json_page
from sensor.enrich.inspector import SIGNED_NAMES, ImageFacts, Inspector
from sensor.enrich.model import FileFacts
from sensor.escape import escape
from sensor.loaded_rules import load
from sensor.render.parts import texts
from sensor.render.trust import speaks_against, speaks_for
from sensor.terminal import say

if TYPE_CHECKING:
    from sensor.enrich.facts import Facts

_PATIENCE_S = 60.0  # for the index of the packages, and for large files
_PAUSE_S = 0.01
_MEMBERS = ("trust", "package", "version", "owner", "writable", "filesystem", "mount_flags", "privilege", "identity")


def trust(files: Sequence[str], config: Config, *, format: str = "text") -> int:
    """Prints the facts of each file; 1 when one of them is no regular file. LinsangError: as load."""
    missing = 0
    with Inspector() as inspector, _facts(config) as facts:
        for path in files:
            if not os.path.isfile(path):
                say(f"error: {path}: {'no regular file' if os.path.lexists(path) else os.strerror(errno.ENOENT)}")
                missing = 1
                continue
            found = _patiently(facts, os.path.abspath(path)) if facts is not None else None
            image = inspector.of(path)
            if format == "json":
                print(json_page({"path": path, **_as_map(found, image)}))
            else:
                print("\n".join(lines_of(path, found, image)))
    return missing


@contextmanager
def _facts(config: Config) -> Iterator[Facts | None]:
    """What packages and the kernel know of files, on Linux."""
    if sys.platform != "linux":
        yield None
        return
    from sensor.enrich.facts import Facts  # noqa: PLC0415 - of Linux only
    from sensor.enrich.programs import grammar_names  # noqa: PLC0415

    where = [Path(path) for path in config.rules.paths] or paths.default_rules()
    table = load(where, Path(config.paths.cache), config.rules.reading).table
    facts = Facts(Path(config.paths.cache), None, grammar_names(table))
    try:
        yield facts
    finally:
        facts.close()


def _patiently(facts: Facts, path: str) -> FileFacts | None:
    """Asks until what can be known is: what the packages say of it, if their index can be made."""
    end = time.monotonic() + _PATIENCE_S
    found = facts.of_path(path, os.getpid())
    while found is not None and found.again and time.monotonic() < end and not facts.counters()["index_failures"]:
        time.sleep(_PAUSE_S)
        facts.refresh()
        found = facts.of_path(path, os.getpid())
    return found


def _as_map(found: FileFacts | None, image: ImageFacts | None) -> dict[str, Any]:
    """As in an alert; `image` under Sysmon's names; `unknown` names what could not be found out."""
    facts: dict[str, Any] = {"unknown": []}
    if found is not None:
        changed = max(found.key.mtime_ns, found.key.ctime_ns)
        known = {name: getattr(found, name) for name in _MEMBERS}
        known["age_s"] = max(time.time_ns() - changed, 0) // 1_000_000_000
        facts = {**{name: value for name, value in known.items() if value}, "unknown": sorted(found.late)}
    if image is not None:
        facts["image"] = {name: image.fields[name] for name in sorted(image.fields)}
        facts["unknown"] += sorted(image.unknown)
        if image.why:
            facts["why"] = image.why
    return facts


def lines_of(path: str, found: FileFacts | None, image: ImageFacts | None) -> list[str]:
    """For people: what speaks against it, what for it, then what it says of itself."""
    facts = _as_map(found, image)
    mount = ", ".join([*texts(facts, "filesystem"), *texts(facts, "mount_flags")])
    unknown = ", ".join(facts["unknown"]) + (f" ({facts['why']})" if facts["unknown"] and image and image.why else "")
    own = [(name, value) for name, value in facts.get("image", {}).items() if name not in SIGNED_NAMES]
    rows = [("is", facts.get("identity", "")), ("on", mount), *own, ("not known", unknown)]
    return [
        escape(path),
        *(f"  - {escape(phrase)}" for phrase in [*_against(image), *speaks_against(facts)]),
        *(f"  + {escape(phrase)}" for phrase in [*_for(image), *speaks_for(facts)]),
        *(f"    {name} {escape(value)}" for name, value in rows if value),
    ]


def _for(image: ImageFacts | None) -> Iterator[str]:
    if image is not None and image.fields.get("Signed") == "true":
        yield f"signed by {image.fields.get('Signature', 'somebody without a name')}"


def _against(image: ImageFacts | None) -> Iterator[str]:
    if image is not None and image.fields.get("Signed") == "false":
        status = image.fields.get("SignatureStatus")
        yield "not signed" if status == "Unavailable" else f"its signature does not hold: {status}, {image.why}"
