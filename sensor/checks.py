"""What `linsang doctor` finds, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sensor.encode import json_page
from sensor.escape import escape


@dataclass(frozen=True)
class Check:
    """One thing that was tested; `remedy` when it failed."""

    name: str
    ok: bool
    found: str
    remedy: str = ""


def lines_of(check: Check) -> list[str]:
    """How it is shown."""
    line = f"{'ok  ' if check.ok else 'FAIL'}  {check.name:<12} {escape(check.found)}"
    return [line, f"      {'':<12} {escape(check.remedy)}"] if check.remedy else [line]


def report(checks: Sequence[Check], format: str) -> int:
    """Prints them as "text" or "json"; 1 when something failed, else 0."""
    if format == "json":
        print(json_page([asdict(check) for check in checks]))
    else:
        print("\n".join(line for check in checks for line in lines_of(check)))
    return 0 if all(check.ok for check in checks) else 1
