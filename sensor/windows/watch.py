"""Sessions while they run: emptied before their buffers are full, asked each second what they lost, started again when
they are gone, each with its own delay.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any, Protocol

from sensor import health
from sensor.source import Trouble
from sensor.windows.codes import INSTANCE_NOT_FOUND, SessionError
from sensor.windows.losses import Losses, LossSum
from sensor.windows.providers import SessionPlan

_QUERY_S = 1.0
_SETTLE_S = 0.1  # a consumer that cannot work has ended by then
_BACKOFF_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # before each further start of one that does not last
_LASTS_S = 60.0
_TROUBLES_MAX = 256
_NAP_S = 0.05  # how late the thread may hear of its end
# Before Python 3.13, Windows' time.monotonic goes in steps of 15.6 ms, and so do all waits but sleep's.
_now, _sleep = time.perf_counter, time.sleep


class Watchable(Protocol):
    """What is watched: session.Session."""

    plan: SessionPlan
    stuck: bool

    def start(self) -> None: ...
    def stop(self) -> Losses | None: ...
    def query(self) -> Losses: ...
    def changed(self) -> str: ...
    def flush(self) -> None: ...
    def settled(self, patience: float) -> bool: ...
    @property
    def ended(self) -> str: ...
    @property
    def reduced(self) -> str: ...
    @property
    def refused(self) -> Mapping[str, str]: ...


class Watched:
    """One session. Times are of one steady clock, s."""

    def __init__(self, session: Watchable) -> None:
        self._session = session
        self._flush_s = session.plan.flush_ms / 1000
        self._losses = LossSum()
        self._down_since: float | None = None  # None: it runs
        self._tries = 0  # starts since it last lasted
        self._started_at = 0.0
        self._flush_at = self._query_at = self._retry_at = 0.0
        self.restarts = 0
        self.cause = ""  # why it does not run
        self.flushes_failed = 0
        self._told: Mapping[str, str] = {}  # providers whose refusal is known

    @property
    def name(self) -> str:
        return self._session.plan.name

    @property
    def stuck(self) -> bool:
        """A thread of Windows still calls the core."""
        return self._session.stuck

    @property
    def lost(self) -> Losses:
        """Of all sessions of this name, as far as it is known."""
        return self._losses.sum

    def status(self) -> dict[str, Any]:
        """For `linsang status`; `lost`: None when Windows did not say."""
        return {
            "state": "runs" if self._down_since is None else self.cause,
            "lost": self.lost.as_dict() if self._losses.known else None,
            "restarts": self.restarts,
            "flushes_failed": self.flushes_failed,
            "reduced": self._session.reduced,
        }

    def start(self, now: float) -> None:
        """SessionError: it does not run."""
        self._started_at = now
        self._flush_at, self._query_at = now + self._flush_s, now + _QUERY_S
        self._tries += 1
        self._session.start()
        self._down_since = None
        self.cause = ""

    def refused(self, now: float, error: SessionError) -> Trouble:
        """`start` did not succeed, and the sensor goes on without it for now."""
        self._down_since, self.cause = now, str(error)
        self._delay(now)
        return Trouble(health.SESSION_REFUSED, {"session": self.name, "reason": self.cause})

    def missing(self) -> list[Trouble]:
        """Its providers that Windows refused, each once for a reason; to be asked after a start."""
        told, self._told = self._told, dict(self._session.refused)
        return [
            Trouble(health.PROBE_REFUSED, {"session": self.name, "probe": provider, "reason": reason})
            for provider, reason in self._told.items()
            if told.get(provider) != reason
        ]

    def settle(self, patience: float) -> None:
        """SessionError: its consumer has already ended."""
        if not self._session.settled(patience):
            cause = self._session.ended
            self._session.stop()
            raise SessionError(self.name, cause or "consume", 0)

    def _delay(self, now: float) -> None:
        self._retry_at = now + _BACKOFF_S[min(self._tries, len(_BACKOFF_S) - 1)]

    @property
    def due(self) -> float:
        """When `turn` has something to do."""
        return min(self._flush_at, self._query_at) if self._down_since is None else self._retry_at

    def turn(self, now: float) -> list[Trouble]:
        """Does what is due; what there is to tell."""
        if self._down_since is not None:
            return self._restart(now, self._down_since) if now >= self._retry_at else []
        cause, found = self._session.ended, []
        try:
            if not cause and now >= self._flush_at:
                self._flush_at = now + self._flush_s
                self._flush()
            if not cause and now >= self._query_at:
                self._query_at = now + _QUERY_S
                found = self._query()
                changed = self._session.changed()
                cause = changed and f"somebody has changed {changed} in it"
        except SessionError as error:  # it is not there
            cause = str(error)
        return [*found, *self._gone(now, cause)] if cause else found

    def _flush(self) -> None:
        try:
            self._session.flush()
        except SessionError as error:
            if error.code == INSTANCE_NOT_FOUND:
                raise
            self.flushes_failed += 1  # Windows does it once a second

    def _query(self) -> list[Trouble]:
        known = self._losses.known
        try:
            self._losses.take(self._session.query())
        except SessionError as error:
            if error.code == INSTANCE_NOT_FOUND:
                raise
            self._losses.known = False
            if known:
                return [Trouble(health.LOSSES_UNKNOWN, {"session": self.name, "reason": str(error)})]
        return []

    def _gone(self, now: float, cause: str) -> list[Trouble]:
        if now - self._started_at >= _LASTS_S:
            self._tries = 0
        self._down_since, self.cause = now, cause
        problem = self.stop()
        self._losses.restarted()
        self._delay(now)
        stopped = Trouble(health.SESSION_STOPPED, {"session": self.name, "cause": cause, "restarts": self.restarts})
        if self._session.stuck:  # a second consumer would write where the first one does
            self._retry_at, self.cause = inf, problem
            return [stopped, Trouble(health.SESSION_REFUSED, {"session": self.name, "reason": problem})]
        return [stopped, *(self._restart(now, now) if now >= self._retry_at else [])]

    def _restart(self, now: float, since: float) -> list[Trouble]:
        try:
            self.start(now)
        except SessionError as error:
            self._delay(now)
            if str(error) == self.cause:
                return []
            return [self.refused(now, error)]
        self.restarts += 1
        restored = Trouble(health.SESSION_RESTORED, {"session": self.name, "unseen_s": round(now - since, 3)})
        return [restored, *self.missing()]

    def stop(self) -> str:
        """Stops it and takes the final counts; what went wrong, or ""."""
        try:
            final = self._session.stop()
        except SessionError as error:
            return str(error)
        if final is not None:
            self._losses.take(final)
        return ""


class Watch:
    """All sessions of a run: `required` of them must start, the others may be refused for now."""

    def __init__(self, sessions: Sequence[Watchable], required: Iterable[str]) -> None:
        self.watched = [Watched(session) for session in sessions]
        self._required = set(required)
        self._ended = threading.Event()
        self._turning = threading.Lock()
        self._troubles: deque[Trouble] = deque(maxlen=_TROUBLES_MAX)

    def start(self) -> None:
        """SessionError: one that is required does not start; then none runs."""
        with self._turning:
            try:
                for one in self.watched:
                    self._begin(one)
            except SessionError:
                self._stop_all()
                raise

    def _begin(self, one: Watched) -> None:
        now = _now()
        try:
            one.start(now)
            one.settle(_SETTLE_S)
            self._troubles.extend(one.missing())
        except SessionError as error:
            if one.name in self._required:
                raise
            self._troubles.append(one.refused(now, error))

    def run(self) -> None:
        """On a thread of its own, until `stop`."""
        while not self._ended.is_set():
            with self._turning:
                if not self._ended.is_set():
                    for one in self.watched:
                        self._troubles.extend(one.turn(_now()))
            _sleep(min(_NAP_S, max(0.0, min(one.due for one in self.watched) - _now())))

    def stop(self) -> list[str]:
        """Ends `run` and stops all sessions; what went wrong. Any thread, any number of times."""
        self._ended.set()
        with self._turning:
            return self._stop_all()

    def _stop_all(self) -> list[str]:
        return [problem for one in self.watched if (problem := one.stop())]

    def troubles(self) -> list[Trouble]:
        """What happened since the last time. Any thread, one at a time."""
        found = []
        while self._troubles:
            found.append(self._troubles.popleft())
        return found
