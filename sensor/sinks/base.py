"""What every output shares: the URL taken apart, the bounded queue, the thread that empties it, the counters.

    put(alert), put_lines(lines) ─► encode ─► queue (alerts and bytes bounded) ─► thread ─► Transport.send(frames)

Both encode on the caller's thread, so that the queue's bound in bytes is exact, and never wait unless asked to. What
finds no room is counted and gone: a slow output costs its own alerts and nobody else's. A frame is one alert, or for an
output of JSON lines a piece of them. All counts are alerts.

Who waits for an output that waits for nobody (a file) writes by itself, and no thread is woken for each piece, until a
write fails: then a thread tries again.
"""

import os
import stat
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sensor.encode import Alert, Lines, to_line
from sensor.errors import UsageError, nearest
from sensor.priority import raise_thread

Frame = bytes | memoryview
# Alerts in order as frames, and how many alerts each is.
Together = Callable[[Sequence[Alert]], Iterator[tuple[bytes, int]]]

BATCH_FRAMES = 256
BATCH_BYTES = 1 << 20
PIECE_BYTES = 1 << 20
BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 10.0
_LOOK_S = 0.2  # so often whoever waits for the output looks whether it still wants to
_HURRIED_S = 5.0  # to close in, once it does not


class SinkEnded(Exception):
    """The output is gone for good; str() says why."""


class ReaderLeft(SinkEnded):
    """The reader of a pipe went away: it had enough."""


class Transport(ABC):
    """Where frames go. Used by one thread, the sink's once there is one, but for `interrupt`. A frame of several lines
    has at most `piece_bytes`."""

    piece_bytes = PIECE_BYTES

    @abstractmethod
    def send(self, frames: Sequence[bytes]) -> int:
        """Sends from the front; returns how many frames are done with, at least 1. It may stop early to see what comes
        next. OSError: none can go now, try the same frames again later. SinkEnded: none ever can."""

    def idle(self) -> None:  # noqa: B027 - not every transport has something to do
        """Called when the queue has run dry and at least each second while it stays so. May raise OSError."""

    def interrupt(self) -> None:  # noqa: B027 - not every transport has something to do
        """Another thread wants `send` to give up soon with an OSError if it cannot get on: the sink is closing."""

    def close(self) -> None:  # noqa: B027 - not every transport has something to do
        """Lets go of the descriptor; what was sent is flushed."""

    def counters(self) -> dict[str, int]:
        """Counters of the transport's own, beside those of the sink."""
        return {}


class Writer(Transport):
    """One that is done with its frames when `send` returns."""

    def __init__(self, fd: int) -> None:
        self.at_once = stat.S_ISREG(os.fstat(fd).st_mode)  # no reader is waited for

    @abstractmethod
    def send(self, frames: Sequence[Frame]) -> int:
        """As of any transport."""


class Limits(NamedTuple):
    """Bounds of a sink's queue. An empty one takes a piece of lines even if that is more `entries` alone."""

    entries: int = 8192
    bytes: int = 4 << 20


class Sink:
    """One output. `put` and `close` belong to one thread; `counters` to any. `together` makes frames of several alerts
    where that is more than `encode` of each. `hurried` is asked while that thread waits for the output: True ends a
    put's wait, and closing takes no longer than 5 s more."""

    def __init__(
        self,
        url: str,
        transport: Transport,
        encode: Callable[[Alert], bytes],
        limits: Limits,
        together: Together | None = None,
    ) -> None:
        self.url = url
        self.hurried: Callable[[], bool] = lambda: False
        self._transport = transport
        self._encode = encode
        self._together = together
        self._limits = limits
        self._queue: deque[tuple[bytes, int]] = deque()  # frames, and how many alerts each is
        self._queue_bytes = 0
        self._waiting = 0
        self._change = threading.Condition()  # guards everything below and above that is not the transport
        self._closing_at: float | None = None
        self._ended = ""
        self.left = False  # its reader had enough
        self._abandoned = False
        self._last_error = ""
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._thread: threading.Thread | None = None
        self._at_once = transport if isinstance(transport, Writer) and transport.at_once else None
        if not self._at_once:
            self._begin()

    def _begin(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"sink {self.url}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> str:
        """Why the output takes nothing any more; empty while it does."""
        return self._ended

    def put(self, alert: Alert, *, wait: bool = False) -> bool:
        """Queues `alert`; False when it was dropped (counted by cause). With `wait` (replay) it waits for room."""
        return self._put(self._encode(alert), 1, wait)

    def put_lines(self, lines: Lines, *, wait: bool = False) -> None:
        """As `put` for each of `lines`."""
        if self._together is not None:
            for frame, alerts in self._together(lines.maps):
                self._put(frame, alerts, wait)
            return
        if self._encode is not to_line:
            for alert in lines.maps:
                self.put(alert, wait=wait)
            return
        for piece, alerts in _pieces(lines, min(self._transport.piece_bytes, self._limits.bytes)):
            self._put(piece, alerts, wait)

    def _put(self, frame: Frame, alerts: int, wait: bool) -> bool:
        with self._change:
            if len(frame) > self._limits.bytes:
                return self._drop("oversized", alerts)
            if wait and self._sent(frame, alerts):
                return True
            while wait and not (self._ended or self._closing_at is not None or self._has_room(frame, alerts)):
                self._change.wait(_LOOK_S)
                wait = not self.hurried()
            if self._ended or self._closing_at is not None:
                return self._drop("ended", alerts)
            if not self._has_room(frame, alerts):
                return self._drop("queue_full", alerts)
            self._queue.append((bytes(frame), alerts))
            self._queue_bytes += len(frame)
            self._waiting += alerts
            self._counts["queued"] += alerts
            if self._thread is None:
                self._begin()
            self._change.notify_all()
        return True

    def _sent(self, frame: Frame, alerts: int) -> bool:
        """Sends on the caller's thread, as long as the sink has none. False: it cannot go so."""
        if not self._at_once or self._thread or self._ended:
            return False
        try:
            self._at_once.send([frame])
        except OSError as error:
            self._failed(error)
            return False
        except SinkEnded as end:
            self._abandon("ended", str(end), left=isinstance(end, ReaderLeft))
            return False
        self._counts["queued"] += alerts
        self._counts["sent"] += alerts
        return True

    def close(self, timeout: float = 5.0) -> bool:
        """Sends what is queued within `timeout` seconds, then ends the thread. True when all of it went out; the rest
        is counted as dropped."""
        with self._change:
            if self._closing_at is None:
                self._closing_at = time.monotonic() + timeout
            end = self._closing_at
            self._change.notify_all()
        if self._thread is None:
            self._end()
            return True
        self._transport.interrupt()
        while self._thread.is_alive() and time.monotonic() < end + 1:
            self._thread.join(_LOOK_S)
            if self._thread.is_alive() and self.hurried():
                self._closing_at = end = min(end, time.monotonic() + _HURRIED_S)
        with self._change:
            if self._queue:  # the thread hangs in a write that never returns
                self._abandon("unsent_at_close", "closed")
            return not self._abandoned

    def counters(self) -> dict[str, object]:
        """{queued, sent, errors, waiting, waiting_bytes, dropped: {cause: n}, ended, last_error} and the
        transport's own. queued = sent + waiting + the dropped that had been queued."""
        with self._change:
            return {
                **{name: self._counts[name] for name in ("queued", "sent", "errors")},
                **self._transport.counters(),
                "dropped": dict(self._dropped),
                "waiting": self._waiting,
                "waiting_bytes": self._queue_bytes,
                "ended": self._ended,
                "last_error": self._last_error,
            }

    def _has_room(self, frame: Frame, alerts: int) -> bool:
        if self._waiting and self._waiting + alerts > self._limits.entries:
            return False
        return self._queue_bytes + len(frame) <= self._limits.bytes

    def _drop(self, cause: str, alerts: int) -> bool:
        self._dropped[cause] += alerts
        return False

    # ---- the thread ----

    def _run(self) -> None:
        raise_thread()
        backoff = BACKOFF_FIRST_S
        try:
            while (batch := self._next()) is not None:
                try:
                    if batch:
                        self._done(self._transport.send(batch))
                        backoff = BACKOFF_FIRST_S
                    else:
                        self._transport.idle()
                except OSError as error:
                    self._failed(error)
                    if not self._pause(backoff):
                        break
                    backoff = min(backoff * 2, BACKOFF_MOST_S)
        except SinkEnded as end:
            with self._change:
                self._abandon("ended", str(end), left=isinstance(end, ReaderLeft))
        finally:
            self._end()

    def _end(self) -> None:
        with self._change:
            self._abandon("unsent_at_close", "closed")
        try:
            self._transport.close()
        except OSError as error:
            self._failed(error)

    def _next(self) -> list[bytes] | None:
        """Frames from the front of the queue, which keeps them until they are sent; [] each second while there are
        none; None when the sink is closing and all is sent."""
        with self._change:
            if not self._queue and self._closing_at is None:
                self._change.wait(1.0)
            if not self._queue:
                return None if self._closing_at is not None else []
            batch: list[bytes] = []
            size = 0
            for frame, _ in self._queue:
                if batch and (len(batch) == BATCH_FRAMES or size + len(frame) > BATCH_BYTES):
                    break
                batch.append(frame)
                size += len(frame)
            return batch

    def _done(self, frames: int) -> None:
        with self._change:
            for _ in range(frames):
                if self._queue:  # empty only after close gave up on it
                    frame, alerts = self._queue.popleft()
                    self._queue_bytes -= len(frame)
                    self._waiting -= alerts
                    self._counts["sent"] += alerts
            self._change.notify_all()

    def _failed(self, error: OSError) -> None:
        with self._change:
            self._counts["errors"] += 1
            self._last_error = error.strerror or str(error)

    def _pause(self, seconds: float) -> bool:
        """Waits before the next try, shorter when closing; False when the time to close is over."""
        with self._change:
            self._change.wait_for(lambda: self._closing_at is not None, seconds)
            if self._closing_at is None:
                return True
            left = self._closing_at - time.monotonic()
            if left > 0:
                self._change.wait(min(BACKOFF_FIRST_S, left))
            return left > 0

    def _abandon(self, cause: str, why: str, *, left: bool = False) -> None:
        """Ends the sink: what still waits is counted as dropped by `cause`, and nothing more is taken."""
        self.left = self.left or left
        if self._queue:
            self._dropped[cause] += self._waiting
            self._abandoned = True
        self._queue.clear()
        self._queue_bytes = self._waiting = 0
        self._ended = self._ended or why
        self._change.notify_all()


def _pieces(lines: Lines, most: int) -> Iterator[tuple[Frame, int]]:
    """Pieces of whole lines of at most `most` bytes, or of one longer line, and how many lines each is."""
    if len(lines.view) <= most or lines.count == 1:
        yield lines.view, lines.count
        return
    data, left, begin = lines.data, lines.count, 0
    while len(data) - begin > most and left > 1:
        end = data.rfind(b"\n", begin, begin + most) + 1 or data.index(b"\n", begin) + 1
        count = data.count(b"\n", begin, end)
        yield data[begin:end], count
        begin, left = end, left - count
    yield data[begin:], left


# ---- URLs ----


def _unquoted(text: str) -> str:
    """`text` without its percent-encoding."""
    if "%" not in text:
        return text
    from urllib.parse import unquote  # noqa: PLC0415 - slow, for what is seldom there

    return unquote(text, errors="surrogateescape")


class Target(NamedTuple):
    """An output's URL taken apart: `path` is what stands between the scheme and the ?, percent-decoded."""

    url: str
    scheme: str
    path: str
    options: dict[str, str]

    @classmethod
    def parse(cls, url: str) -> "Target":
        scheme, colon, rest = url.partition(":")
        if not colon:
            raise UsageError(f"output {url}: no scheme", "write stdout:, file:PATH or syslog+udp://HOST:PORT")
        path, _, query = rest.partition("?")
        pairs = [part.replace("+", " ").partition("=") for part in query.split("&") if part]
        options = {_unquoted(name): _unquoted(value) for name, _, value in pairs}
        return cls(url, scheme.lower(), _unquoted(path), options)

    def fail(self, reason: str, remedy: str = "") -> UsageError:
        """The error for this output."""
        return UsageError(f"output {self.url}: {reason}", remedy)

    def take(self, name: str, default: str, choices: Sequence[str] = ()) -> str:
        """An option's value, taken out; UsageError unless it is one of `choices` (if there are any)."""
        value = self.options.pop(name, default)
        if choices and value not in choices:
            raise self.fail(f"{name}={value} is unknown", f"known are {', '.join(choices)}")
        return value

    def take_number(self, name: str, default: int, least: int = 0) -> int:
        """An option that is a whole number of at least `least`, taken out."""
        value = self.options.pop(name, str(default))
        if not value.isascii() or not value.isdecimal() or int(value) < least:
            raise self.fail(f"{name}={value} is wrong", f"give a whole number, {least} or more")
        return int(value)

    def take_limits(self) -> Limits:
        """The options queue (entries) and queue_bytes."""
        entries = self.take_number("queue", Limits().entries, 1)
        return Limits(entries, self.take_number("queue_bytes", Limits().bytes, 1024))

    def nothing_left(self, known: Sequence[str]) -> None:
        """UsageError when an option is left that nobody took."""
        for name in self.options:
            raise self.fail(f"unknown option `{name}`", nearest(name, known))
