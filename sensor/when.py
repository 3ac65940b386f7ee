"""Moments as people write them: `2h`, `10:30`, `yesterday`, `2026-11-21T10:00`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sensor.errors import UsageError

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])(?:\s*ago)?\Z")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?\Z")
_EPOCH = re.compile(r"@(\d+)\Z")
FORMS = "write 30s, 10m, 2h, 3d, 10:30, today, yesterday, 2026-11-21, 2026-11-21T10:00 or 2026-11-21T10:00:00Z"


def moment_ns(text: str, now: datetime) -> int:
    """ns since the epoch of what `text` means at `now`, which has a time zone: the zone of what names none. A time of
    day is the last one that has been. UsageError: it means nothing."""
    try:
        return int(_moment(text.strip(), now).timestamp() * 1_000_000) * 1000
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"`{text}` is no time", FORMS) from None


def _moment(text: str, now: datetime) -> datetime:
    if ago := _AGO.match(text):
        return now - timedelta(seconds=float(ago[1]) * _UNITS[ago[2]])
    if epoch := _EPOCH.match(text):
        return datetime.fromtimestamp(int(epoch[1]), now.tzinfo)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text in {"today", "yesterday"}:
        return midnight - timedelta(days=text == "yesterday")
    if clock := _CLOCK.match(text):
        found = midnight.replace(hour=int(clock[1]), minute=int(clock[2]), second=int(clock[3] or 0))
        return found if found <= now else found - timedelta(days=1)
    given = datetime.fromisoformat(text)
    return given if given.tzinfo else given.replace(tzinfo=now.tzinfo)
