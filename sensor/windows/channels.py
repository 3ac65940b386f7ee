"""Channels of the event log: what Security and Sysmon write, as lines for the core, from one thread.

An event of a channel is text that Windows has made, so Python reads it: some 10,000 a second is the end. What has to
keep up with the machine comes by trace sessions.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable, Sequence
from ctypes import wintypes
from dataclasses import dataclass
from typing import Any

from sensor import health
from sensor.source import Trouble
from sensor.windows import event_log_api as api
from sensor.windows.event_xml import event_line

_FUTURE_EVENTS = 1  # EvtSubscribeToFutureEvents
_AS_XML = 1  # EvtRenderEventXml
_BATCH = 64
_INFINITE = 0xFFFFFFFF
_MORE_ROOM = 122  # ERROR_INSUFFICIENT_BUFFER
_NO_MORE = 259  # ERROR_NO_MORE_ITEMS
_NOT_THERE = 15007  # ERROR_EVT_CHANNEL_NOT_FOUND
_TIMEOUT = 258  # WAIT_TIMEOUT
_RETRY_MS = 60_000
_UNREADABLE = b"an event of the event log that is no XML\n"  # no JSON: the core counts it as malformed
# What is asked of a channel; of others everything.
QUERIES = {"Security": "*[System[(EventID=4688)]]"}


@dataclass
class _Channel:
    name: str
    signal: int  # an event that is set while there is something to take
    subscription: int = 0
    state: str = ""
    events: int = 0
    unreadable: int = 0
    interrupted: int = 0


class Channels:
    """Subscribes to the channels `names` and hands each event from now on to `take` as a line, on the thread of `run`.
    One that is not there is looked for again each minute."""

    def __init__(self, names: Sequence[str], take: Callable[[bytes], None]) -> None:
        self._take = take
        self._ended = _event()
        self._channels = [_Channel(name, _event()) for name in names]
        self._troubles: deque[Trouble] = deque(maxlen=64)
        self._room = ctypes.create_unicode_buffer(1 << 15)

    def run(self) -> None:
        """Until `stop`; closes everything."""
        handles = (wintypes.HANDLE * (len(self._channels) + 1))(
            self._ended, *(channel.signal for channel in self._channels)
        )
        while True:
            for channel in self._channels:
                if not channel.subscription:
                    self._subscribe(channel)
            missing = any(not channel.subscription for channel in self._channels)
            rc = api.WaitForMultipleObjects(len(handles), handles, False, _RETRY_MS if missing else _INFINITE)
            if rc == 0:
                break
            for channel in self._channels if rc != _TIMEOUT else ():
                self._drain(channel)
        for channel in self._channels:
            self._unsubscribe(channel)
        for handle in handles:
            api.CloseHandle(handle)

    def stop(self) -> None:
        """Ends `run`."""
        api.SetEvent(self._ended)

    def _subscribe(self, channel: _Channel) -> None:
        query = QUERIES.get(channel.name, "*")
        handle = api.EvtSubscribe(None, channel.signal, channel.name, query, None, None, None, _FUTURE_EVENTS)
        channel.subscription = handle or 0
        before, channel.state = channel.state, "" if handle else _meaning(ctypes.get_last_error())
        # that nobody installed Sysmon is no trouble
        if channel.state and channel.state not in {before, _meaning(_NOT_THERE)}:
            self._troubles.append(Trouble(health.PROBE_REFUSED, {"probe": channel.name, "reason": channel.state}))

    def _unsubscribe(self, channel: _Channel) -> None:
        if channel.subscription:
            api.EvtClose(channel.subscription)
            channel.subscription = 0

    def _drain(self, channel: _Channel) -> None:
        """All that is there. When Windows cannot go on (what was not read yet has been overwritten, say), from now on
        again: how much was in between nobody knows."""
        if not channel.subscription:
            return
        batch, count = (wintypes.HANDLE * _BATCH)(), wintypes.DWORD()
        api.ResetEvent(channel.signal)  # before the last look: what comes behind that sets it again
        while api.EvtNext(channel.subscription, _BATCH, batch, 0, 0, ctypes.byref(count)):
            for handle in batch[: count.value]:
                self._event(channel, handle)
                api.EvtClose(handle)
        code = ctypes.get_last_error()
        if code != _NO_MORE:
            channel.interrupted += 1
            reason = f"interrupted: {_meaning(code)}"
            self._troubles.append(Trouble(health.EVENTS_LOST, {"probe": channel.name, "reason": reason}))
            self._unsubscribe(channel)

    def _event(self, channel: _Channel, handle: Any) -> None:
        channel.events += 1
        try:
            self._take(event_line(self._rendered(handle)))
        except (OSError, ValueError):
            channel.unreadable += 1
            self._take(_UNREADABLE)

    def _rendered(self, handle: Any) -> str:
        used, properties = wintypes.DWORD(), wintypes.DWORD()
        counts = ctypes.byref(used), ctypes.byref(properties)
        while not api.EvtRender(None, handle, _AS_XML, ctypes.sizeof(self._room), self._room, *counts):
            code = ctypes.get_last_error()
            if code != _MORE_ROOM or used.value <= ctypes.sizeof(self._room):
                raise OSError(code, "EvtRender")
            self._room = ctypes.create_unicode_buffer(used.value)
        return self._room.value

    def troubles(self) -> list[Trouble]:
        """What happened since the last time. Any thread, one at a time."""
        found = []
        while self._troubles:
            found.append(self._troubles.popleft())
        return found

    def status(self) -> dict[str, str]:
        """By channel `attached`, or why not."""
        return {channel.name: channel.state or "attached" for channel in self._channels}

    def counts(self) -> dict[str, dict[str, int]]:
        """By channel."""
        names = ("events", "unreadable", "interrupted")
        return {channel.name: {name: getattr(channel, name) for name in names} for channel in self._channels}


def _event() -> int:
    handle = api.CreateEventW(None, True, False, None)
    if not handle:
        raise ctypes.WinError(ctypes.get_last_error())
    return int(handle)


def _meaning(code: int) -> str:
    if code == _NOT_THERE:
        return "there is no such channel"
    return f"{ctypes.FormatError(code).strip().rstrip('.')} (error {code})"
