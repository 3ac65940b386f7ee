"""How somebody tells a running sensor to stop, or to read its rules again: by signals; on Windows by its console, too.
A service is told by Windows (windows/service.py).
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Protocol


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
    def by_signals(ordered: Ordered) -> Iterator[None]:
        """SIGINT and SIGTERM stop it, SIGHUP has it read its rules again."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, ordered.ask_stop)
        signal.signal(signal.SIGHUP, ordered.ask_reload)
        yield
