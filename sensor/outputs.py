"""All outputs of a running sensor as one."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from sensor.encode import Lines
from sensor.sinks.base import Sink

_CLOSE_S = 5.0


class Outputs:
    """All sinks. What one of them drops, the others are told."""

    def __init__(self, sinks: list[Sink], interval_s: int) -> None:
        self.sinks = sinks
        self._interval_s = interval_s
        self._told = dict.fromkeys(range(len(sinks)), (0, -float(interval_s)))

    def put(self, alert: Mapping[str, Any]) -> None:
        for sink in self.sinks:
            sink.put(alert)

    def put_lines(self, lines: Lines) -> None:
        for sink in self.sinks:
            sink.put_lines(lines)

    def dropped(self) -> list[dict[str, Any]]:
        """Details of what sinks have dropped since the last time; of each at most once an interval."""
        news = []
        now = time.monotonic()
        for number, sink in enumerate(self.sinks):
            counters: dict[str, Any] = sink.counters()
            total = sum(counters["dropped"].values())
            known, when = self._told[number]
            if total > known and now - when >= self._interval_s:
                self._told[number] = (total, now)
                why = counters["ended"] or counters["last_error"]
                causes = {"causes": counters["dropped"], **({"reason": why} if why else {})}
                news.append({"output": sink.url, "dropped": total - known, "total": total, **causes})
        return news

    @property
    def ended(self) -> str:
        """Why no sink takes anything any more; empty while one does."""
        return "" if any(not sink.ended for sink in self.sinks) else self.sinks[-1].ended

    def close(self) -> None:
        """All at once, so that none waits for another."""
        closing = [threading.Thread(target=sink.close, args=(_CLOSE_S,)) for sink in self.sinks]
        for thread in closing:
            thread.start()
        for thread in closing:
            thread.join()
