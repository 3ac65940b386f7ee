"""How far a long work is, on a terminal; nothing in a pipe, nothing for what is over within a second."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

from sensor.closing import Closing
from sensor.escape import escape

Update = Callable[[int, int], None]  # hears (done, of how many)
_AFTER_S = 1.0
_EVERY_S = 0.1
_BAR = 30


class Progress(Closing):
    """One line that is written over and over and wiped at the end. `total` None: how much there is, is not known."""

    def __init__(
        self,
        what: str,
        total: int | None = None,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = what
        self._clock = clock
        self.total = total
        self._stream = sys.stderr if stream is None else stream
        self._shown = False
        self._next = clock() + _AFTER_S if self._stream.isatty() else float("inf")

    def update(self, done: int, note: str = "", *, total: int | None = None) -> None:
        """`done` of `total` (as given here or at first); `note` is put behind it; all done wipes it."""
        self.total = total or self.total
        if self.total and done >= self.total:
            self._wipe()
            return
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _EVERY_S
        self._shown = True
        if self.total:
            part = min(done / self.total, 1.0)
            bar = "#" * round(part * _BAR)
            shown = f"[{bar:<{_BAR}}] {part:4.0%}"
        else:
            shown = f"{done}"
        self._stream.write(f"\r\x1b[K{self._what} {shown} {escape(note)}")
        self._stream.flush()

    def close(self) -> None:
        """Wipes the line, for good."""
        self._wipe()
        self._next = float("inf")

    def _wipe(self) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
        self._shown = False


def halves(update: Update) -> tuple[Update, Update]:
    """What two works that take about as long tell, as one."""
    return (
        lambda done, total: update(done, 2 * total),
        lambda done, total: update(total + done, 2 * total),
    )
