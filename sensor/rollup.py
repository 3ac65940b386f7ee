"""Undecidables of the live sensor: the first of a rule and cause goes out at once, the rest as one count.

Lost or truncated events make a rule undecidable over and over; without this, loss would become a flood of alerts.
"""

from collections.abc import Mapping
from typing import Any

# What a summary keeps of the last alert that it stands for.
_KEPT = ("rule", "verdict", "undecidable", "host")


class Rollup:
    """Holds one small entry for each (rule, cause) seen within the last interval, so their number is bounded by the
    rule table. Alerts in = alerts passed on + the counts of all summaries. Times are ns since the epoch."""

    def __init__(self, interval_ns: int) -> None:
        self._interval_ns = interval_ns
        self._open: dict[tuple[str, str], dict[str, Any]] = {}

    def passes(self, alert: Mapping[str, Any], now_ns: int) -> bool:
        """True: send it now. False: it was an undecidable that is only counted."""
        if alert["verdict"] != "undecidable":
            return True
        key = (alert["rule"]["id"], alert["undecidable"]["cause"])
        entry = self._open.get(key)
        if entry is None:
            kept = {name: alert[name] for name in _KEPT if name in alert}
            self._open[key] = {"alert": kept, "count": 0, "began": now_ns, "first": 0, "last": 0}
            return True
        when = alert.get("time", now_ns)
        entry["first"] = entry["first"] or when
        entry["last"] = when
        entry["count"] += 1
        return False

    def due(self, now_ns: int) -> list[dict[str, Any]]:
        """The summaries of intervals that are over. A rule and cause that stayed quiet for one is forgotten, so its
        next undecidable goes out at once again."""
        over = [key for key, entry in self._open.items() if now_ns - entry["began"] >= self._interval_ns]
        return self._summaries(over, now_ns)

    def flush(self, now_ns: int) -> list[dict[str, Any]]:
        """All summaries, at the end of the run."""
        summaries = self._summaries(list(self._open), now_ns)
        self._open.clear()
        return summaries

    def _summaries(self, keys: list[tuple[str, str]], now_ns: int) -> list[dict[str, Any]]:
        summaries = []
        for key in keys:
            entry = self._open[key]
            if not entry["count"]:
                del self._open[key]
                continue
            summaries.append(
                {
                    **entry["alert"],
                    "time": now_ns,
                    "event": {"type": "rollup"},
                    "fields": {},
                    "rollup": {name: entry[name] for name in ("count", "first", "last")},
                }
            )
            entry.update(count=0, first=0, last=0, began=now_ns)
        return summaries
