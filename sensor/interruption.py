"""SIGINT and SIGTERM for a work that is to end well: what it has done is kept and told."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_TICK_S = 0.2
_TICKS = hasattr(signal, "setitimer")  # not on Windows
_HOLDS = hasattr(signal, "pthread_sigmask")  # nor this


def _tick(every_s: float) -> None:
    """Makes each system call end and be begun anew so often. A signal that comes when Python has looked for signals and
    is about to enter one would be heard only when that ends by itself: of a quiet pipe, never."""
    if _TICKS:
        signal.setitimer(signal.ITIMER_REAL, every_s, every_s)


@contextmanager
def held() -> Iterator[None]:
    """To begin a child in: SIGINT waits for its `take_up`. Until then Python would answer one with a traceback."""
    if not _HOLDS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def take_up() -> None:
    """In such a child: from here on SIGINT is a KeyboardInterrupt, also one that came before."""
    if _HOLDS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def end_with_reader() -> None:
    """In a child: where nobody is left to read what it writes, it ends without a word."""
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


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
        if _TICKS:
            signal.signal(signal.SIGALRM, lambda *_: None)
        try:
            yield
        finally:
            for number, handler in zip(_SIGNALS, before, strict=True):
                signal.signal(number, handler)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For what may take for ever and holds nothing that could be lost. Interrupted: a signal came."""
        self._waits = True
        _tick(_TICK_S)
        try:
            if self.signal:
                raise Interrupted
            yield
        finally:
            self._waits = False
            _tick(0)

    def _heard(self, number: int, _frame: FrameType | None) -> None:
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number
        if self._waits:
            raise Interrupted
