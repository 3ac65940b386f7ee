"""SIGINT and SIGTERM for a work that is to end well: what it has done is kept and told."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(Exception):
    """Raised from `Interruption.waiting` alone."""


class Interruption:
    """While it is entered (in the main thread), the first signal is kept in `signal` (0: none), for the work to look at
    between two steps; it ends a wait. A second one is a KeyboardInterrupt, wherever the work is."""

    def __init__(self) -> None:
        self.signal = 0
        self._waits = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Takes the signals, and gives them back."""
        before = [signal.signal(number, self._heard) for number in _SIGNALS]
        try:
            yield
        finally:
            for number, handler in zip(_SIGNALS, before, strict=True):
                signal.signal(number, handler)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For what may take for ever and holds nothing that could be lost. Interrupted: a signal came."""
        self._waits = True
        try:
            if self.signal:
                raise Interrupted
            yield
        finally:
            self._waits = False

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number
        if self._waits:
            raise Interrupted
