"""How fast a replay goes: as fast as it can, as it was recorded, or so many events a second."""

from __future__ import annotations

import re
import time

from sensor.errors import UsageError

_BATCH = 1 << 16  # records between two looks at the clock
_NO_LIMIT = (1 << 64) - 1
_TICK_S = 0.02


class Pace:
    """How many events may be fed by now, and up to which time of theirs."""

    def __init__(self, speed: str) -> None:
        """`speed`: max, 1x or N/s. UsageError: it is none of these."""
        match = None if speed in {"max", "1x"} else re.fullmatch(r"(\d+(?:\.\d+)?)/s", speed)
        if speed not in {"max", "1x"} and not (match and float(match[1]) > 0):
            raise UsageError(f"--speed {speed}", "write max, 1x or a number of events a second such as 1000/s")
        self.rate = float(match[1]) if match else 0.0
        self.as_recorded = speed == "1x"
        self._begin = time.monotonic()
        self._fed = 0
        self._file_begin = self._begin
        self._first: int | None = None

    def next_file(self) -> None:
        """Times of records begin anew."""
        self._first, self._file_begin = None, time.monotonic()

    def wait(self, at: int = 0) -> tuple[int, int]:
        """(events, time of an event in ns) that may be fed now; waits until it is at least one. `at`: the time of the
        event that is next."""
        if self.as_recorded:
            self._first = at if self._first is None else self._first
            while (until := self._first + int((time.monotonic() - self._file_begin) * 1e9)) < at:
                time.sleep(min((at - until) / 1e9, _TICK_S))
            return _BATCH, until
        if not self.rate:
            return _BATCH, _NO_LIMIT
        while (due := int((time.monotonic() - self._begin) * self.rate) - self._fed) < 1:
            time.sleep(min(1 / self.rate, _TICK_S))
        return min(due, _BATCH), _NO_LIMIT

    def fed(self, events: int) -> None:
        """So many were."""
        self._fed += events
