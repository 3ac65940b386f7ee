"""The thread that answers the match thread's questions about files, whatever it looks at."""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

from sensor.enrich.exchange import Exchange
from sensor.native import Engine
from sensor.priority import raise_thread

SECOND = 1.0
_FULL_S = 0.001
_STUCK_S = 30.0  # no question takes so long but of a file whose file system does not answer
_END_S = 2.0


class Answerer(ABC):
    """Use as a context, within that of `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._exchange = Exchange(engine)
        self._ending = False
        self._ended_by = ""
        self._under_way: tuple[float, bytes] | None = None  # when a question was taken up, and what it names
        # a daemon: one that a file system holds up for ever does not keep the sensor from ending
        self._thread = threading.Thread(target=self._guard, name="facts", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._exchange.end()
        self.join(_END_S)

    def join(self, seconds: float | None = None) -> None:
        """Waits for the end of the thread, once it was told to end."""
        self._thread.join(seconds)

    @property
    def failure(self) -> str:
        """Why nobody answers: what ended the thread, or the file that has held it up for long; else empty. Any
        thread."""
        under_way = self._under_way
        if under_way is not None and time.monotonic() - under_way[0] > _STUCK_S:
            return f"held up by {os.fsdecode(under_way[1])}"
        return self._ended_by

    def _guard(self) -> None:
        try:
            raise_thread()
            self._run()
        except Exception as error:  # the sensor goes on without facts, and says so
            self._ended_by = repr(error)

    @abstractmethod
    def _run(self) -> None:
        """Takes questions and answers them, and returns once `_ending` is set."""

    def _tell(self, tell: Callable[[], bool]) -> None:
        """Until the match thread has room for it."""
        while not self._ending and not tell():
            time.sleep(_FULL_S)
