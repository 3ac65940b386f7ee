"""A stand-in for Windows' event log: channels, subscriptions, events that come.

FAKE, and named so: wine's EvtSubscribe returns NULL. Handles, events and waiting are wine's own. Answers as MSDN has
them: 15007 for a channel that is not there, 5 for one that may not be read, 259 when there is nothing more, 122 for
a buffer that is too small, 15011 when what was to be read has been overwritten.
"""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections import deque
from typing import Any

import pytest

from sensor.windows import event_log_api as api

_CALLS = ("EvtSubscribe", "EvtNext", "EvtRender", "EvtClose")


class FakeEventLog:
    """`channels`: those that are there, and the code with which one refuses (0: it does not)."""

    def __init__(self, **channels: int) -> None:
        self.channels = dict(channels)
        self.queries: dict[str, str] = {}
        self.open: set[int] = set()
        self.stale = ""  # the channel whose subscription cannot go on
        self._numbers = itertools.count(0x100)
        self._subscribed: dict[int, tuple[str, int]] = {}
        self._waiting: dict[str, deque[str]] = {}
        self._rendered: dict[int, str] = {}
        self._lock = threading.Lock()
        self.subscribed = threading.Event()

    def put_in(self, patch: pytest.MonkeyPatch) -> None:
        """In the place of Windows' calls."""
        for call in _CALLS:
            patch.setattr(api, call, getattr(self, call))

    def write(self, channel: str, *events: str) -> None:
        with self._lock:
            self._waiting[channel].extend(events)
        for name, signal in list(self._subscribed.values()):
            if name == channel:
                api.SetEvent(signal)

    def _handle(self) -> int:
        self.open.add(handle := next(self._numbers))
        return handle

    # ---- the calls ----

    def EvtSubscribe(self, *asked: Any) -> int:
        _, signal, channel, query, _, _, _, flags = asked
        code = self.channels.get(channel, 15007)
        if code or flags != 1:
            ctypes.set_last_error(code or 87)  # type: ignore[attr-defined]
            return 0
        self.queries[channel] = query
        with self._lock:
            self._waiting[channel] = deque()
        self._subscribed[handle := self._handle()] = (channel, signal)
        self.subscribed.set()
        return handle

    def EvtNext(self, subscription: int, size: int, batch: Any, *asked: Any) -> int:
        channel, _ = self._subscribed[subscription]
        count = asked[2]._obj
        with self._lock:
            waiting = self._waiting[channel]
            if self.stale == channel or not waiting:
                ctypes.set_last_error(15011 if self.stale == channel else 259)  # type: ignore[attr-defined]
                self.stale = ""
                return 0
            count.value = min(size, len(waiting))
            for number in range(count.value):
                batch[number] = self._handle()
                self._rendered[batch[number]] = waiting.popleft()
        return 1

    def EvtRender(self, *asked: Any) -> int:
        _, event, as_what, room, buffer, used, _ = asked
        content = (self._rendered[event] + "\0").encode("utf-16-le")
        used._obj.value = len(content)
        if as_what != 1 or len(content) > room:
            ctypes.set_last_error(122)  # type: ignore[attr-defined]
            return 0
        ctypes.memmove(buffer, content, len(content))
        return 1

    def EvtClose(self, handle: int) -> int:
        self.open.remove(handle)
        self._subscribed.pop(handle, None)
        return 1
