"""How somebody tells a running sensor to stop, or to read its rules again: by signals; on Windows by its console, too.
A service is told by Windows (windows/service.py).
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Protocol

_MEANT_AFTER_S = 1.0


class Stop:
    """`asked`: somebody wants an end. It has no lock: a handler of signals runs in the middle of anything, also where
    its own thread holds one."""

    def __init__(self) -> None:
        self.asked = False
        self._impatient_at = float("inf")

    def hear(self, number: int, _frame: FrameType | None = None) -> None:
        """Handler of signals. A further one waits for nothing, if it is meant: `timeout make run` sends the first one
        twice."""
        now = time.monotonic()
        if now >= self._impatient_at:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.asked = True
        self._impatient_at = min(self._impatient_at, now + _MEANT_AFTER_S)


class Ordered(Protocol):
    """The daemon."""

    def ask_stop(self, number: int, frame: FrameType | None) -> None:
        """Handler of a signal to stop."""

    def ask_reload(self, number: int, frame: FrameType | None) -> None:
        """Handler of a signal to read the rules again."""

    def end(self) -> None:
        """To stop, from any thread."""


Orders = Callable[[Ordered], AbstractContextManager[None]]

if sys.platform == "win32":
    import ctypes
    import threading

    @contextmanager
    def reloads_held() -> Iterator[None]:
        """Nobody asks so here."""
        yield

    # CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT; the others are SIGINT and SIGBREAK
    _ENDS = frozenset({2, 5, 6})
    _PATIENCE_S = 4.5  # Windows ends the process 5 s after it told it

    @contextmanager
    def by_signals(ordered: Ordered) -> Iterator[None]:
        """Ctrl-C and Ctrl-Break stop it; so do closing the console, logging off and shutting down, which wait until
        this context is left: trace sessions outlive a process that is ended."""
        over = threading.Event()

        def hear(event: int) -> bool:
            if event not in _ENDS:
                return False
            ordered.end()
            over.wait(_PATIENCE_S)
            return True

        handler = ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_uint32)(hear)  # held until it is taken away below
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK):
            signal.signal(number, ordered.ask_stop)
        console = ctypes.WinDLL("kernel32").SetConsoleCtrlHandler
        console(handler, True)
        try:
            yield
        finally:
            over.set()
            console(handler, False)

else:

    @contextmanager
    def reloads_held() -> Iterator[None]:
        """SIGHUP waits for `by_signals`: it would end a sensor that is starting, and no service manager would take that
        for a failure."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    @contextmanager
    def by_signals(ordered: Ordered) -> Iterator[None]:
        """SIGINT and SIGTERM stop it, SIGHUP has it read its rules again."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ordered.ask_stop)
        signal.signal(signal.SIGHUP, ordered.ask_reload)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        yield
