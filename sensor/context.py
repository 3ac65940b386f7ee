"""Connections around an alert: those of its process and of what that started, from 5 s before its event to 5 s after.

What comes after cannot be in the alert. So 5 s later, if there is anything to tell, one more line is written: it has
the shape of every alert, `event.type` is `context`, `of` names the events that it belongs to.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from sensor.native import Engine, ffi, lib
from sensor.terminal import LEVELS

AROUND_NS = 5_000_000_000
_GRAVE = LEVELS.index("medium")  # what is below is not worth a second line
_PROCESSES_MOST = 256  # that are waited for; further ones are counted
_EVENTS_MOST = 16  # of one process
_CONNECTIONS_MOST = 64  # of one process; the newest
_PROTOCOLS = {socket.IPPROTO_TCP: "tcp", socket.IPPROTO_UDP: "udp"}
_ALERT_SIZE = ffi.sizeof("struct sn_alert")
RULE = {
    "id": "0c7e5b42-4d0e-4f52-9c3a-6d5b8a6f3e11",
    "title": "Connections around an alert",
    "level": "informational",
    "tags": ["linsang.context"],
    "author": "Linsang",
    "description": "Of the process of the alert and of what that started, from 5 s before its event to 5 s after.",
}


class _Waiting:
    """A process that was alerted on: when first, by which events."""

    def __init__(self, time: int) -> None:
        self.time = time
        self.events: list[str] = []


def grave(levels: Iterable[str]) -> bytes:
    """By rule number: 1 where its alerts get a context."""
    return bytes(level in LEVELS and LEVELS.index(level) >= _GRAVE for level in levels)


class Contexts:
    """What is still to be told. `run` begins the ids of events, as in alerts. One thread."""

    def __init__(self, engine: Engine, *, host: str, run: str) -> None:
        self._engine = engine
        self._head = {"rule": RULE, "verdict": "match", "host": host}
        self._run = run
        self._waiting: dict[tuple[int, int], _Waiting] = {}
        self._out = ffi.new("struct sn_connection[]", _CONNECTIONS_MOST)
        self.left_out = 0  # events, for want of room

    def note(self, frames: memoryview, wanted: bytes) -> None:
        """Alerts, as the engine gives them; `wanted` (of grave) is of their rule table."""
        at = 0
        while at < len(frames):
            alert = ffi.cast("struct sn_alert *", ffi.from_buffer(frames[at:]))
            if wanted[alert.rule] and alert.verdict == lib.SN_MATCH and alert.payload == lib.SN_PAYLOAD_RECORD:
                event = ffi.cast("struct sn_header *", ffi.from_buffer(frames[at + _ALERT_SIZE :]))
                self._add(event, f"{self._run}-{alert.index}")
            at += alert.size

    def _add(self, event: Any, name: str) -> None:
        who = int(event.pid), int(event.start)
        if who not in self._waiting:
            if len(self._waiting) >= _PROCESSES_MOST:
                self.left_out += 1
                return
            self._waiting[who] = _Waiting(int(event.time))
        events = self._waiting[who].events
        if name in events:
            return
        if len(events) < _EVENTS_MOST:
            events.append(name)
        else:
            self.left_out += 1

    def due(self, now: int, boot_to_epoch_ns: int) -> list[dict[str, Any]]:
        """The contexts of what was 5 s ago at `now` (CLOCK_BOOTTIME, ns), where there is anything to tell; one for all
        that have the same connections: a process and the one that it was forked from."""
        over = [who for who, waiting in self._waiting.items() if now - waiting.time >= AROUND_NS]
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for who in over:
            context = self._context(who, self._waiting.pop(who), boot_to_epoch_ns)
            same = tuple((each["pid"], each["start"], each["dst"], each["dport"]) for each in context["connections"])
            if same in found:
                found[same]["of"] += context["of"]
            elif same or not context["connections_complete"]:
                found[same] = context
        return list(found.values())

    def flush(self, boot_to_epoch_ns: int) -> list[dict[str, Any]]:
        """Of everything that is waited for, as far as it is known: at the end of the run."""
        return self.due(1 << 63, boot_to_epoch_ns)

    def _context(self, who: tuple[int, int], waiting: _Waiting, boot_to_epoch_ns: int) -> dict[str, Any]:
        begin, end = max(waiting.time - AROUND_NS, 0), waiting.time + AROUND_NS
        known = lib.sn_engine__connections(self._engine.pointer)
        count = lib.sn_connections__of(known, *who, begin, end, self._out, _CONNECTIONS_MOST)
        complete = lib.sn_connections__forgotten(known) <= begin and count < _CONNECTIONS_MOST
        return {
            **self._head,
            "time": waiting.time + boot_to_epoch_ns,
            "event": {"id": waiting.events[0], "type": "context"},
            "of": waiting.events,
            "fields": {"ProcessId": who[0]},
            "connections": [_connection(each, waiting.time) for each in self._out[0:count]],
            "connections_complete": complete,
        }


def _connection(one: Any, time: int) -> dict[str, Any]:
    """`offset_s`: seconds from the event to the first attempt; `error` left out while it is not known."""
    version, size = (socket.AF_INET, 4) if one.family == socket.AF_INET else (socket.AF_INET6, 16)
    return {
        "offset_s": round((int(one.time) - time) / 1e9, 3),
        "pid": int(one.pid),
        "start": int(one.start),
        "name": ffi.string(one.name, len(one.name)).decode(errors="surrogateescape"),
        "protocol": _PROTOCOLS.get(one.protocol, str(one.protocol)),
        "dst": socket.inet_ntop(version, bytes(one.daddr)[:size]),
        "dport": int(one.dport),
        "count": int(one.count),
        **({} if one.error < 0 else {"error": int(one.error)}),
    }
