"""Recorded events into an engine, a few at a time: what `explain` and `cost` look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sensor.errors import InputError, LinsangError
from sensor.inputs import Input, after_lines, open_input
from sensor.native import Engine, Rules, check, ffi, lib
from sensor.recording import Recorded

_NO_LIMIT = (1 << 64) - 1
_BATCH = 1 << 16
Take = Callable[[], object]  # empties the engine's alert ring


class Feed(ABC):
    """The events of one file. `users`: names that the recording has for uids; `position`: bytes of it read."""

    users: dict[int, str]

    @abstractmethod
    def feed(self, limit: int, take: Take) -> int:
        """Feeds at most `limit` events, alerts taken whenever there may be many; how many it were, 0 at the end."""

    @abstractmethod
    def position(self) -> int:
        """How far into the file it is."""


class _Recording(Feed):
    def __init__(self, engine: Engine, recorded: Recorded) -> None:
        self._engine, self._recorded = engine, recorded
        self._playback: Any = ffi.new("struct sn_playback *", {"until": _NO_LIMIT})
        self.users = {int(uid): name for uid, name in recorded.header.get("users", {}).items()}
        for uid, name in self.users.items():
            engine.set_user(uid, name)

    def feed(self, limit: int, take: Take) -> int:
        begin, more = self._playback.index, 1
        while more == 1 and (fed := self._playback.index - begin) < limit:
            self._playback.limit = limit - fed
            more = self._recorded.play(self._engine, self._playback)
            take()
        if more != 1:
            self._recorded.ended(more, self._playback.offset)
        return int(self._playback.index - begin)

    def position(self) -> int:
        return int(self._playback.offset)


class _Lines(Feed):
    def __init__(self, engine: Engine, source: Input, route: int | None) -> None:
        self._engine, self._source, self._route = engine, source, route
        self._block, self._at, self._index = b"", 0, 0
        self.users = {}

    def feed(self, limit: int, take: Take) -> int:
        begin = self._index
        while (fed := self._index - begin) < limit:
            if self._at == len(self._block):
                block = next(self._source.blocks, None)
                if block is None:
                    break
                self._block, self._at = bytes(block), 0
            end = after_lines(self._block, self._at, limit - fed) if limit < _BATCH else len(self._block)
            lines = memoryview(self._block)[self._at : end]
            used, self._index = self._engine.feed_lines(lines, route=self._route, index=self._index)
            self._at += used
            take()
        return self._index - begin

    def position(self) -> int:
        return self._source.position()


@contextmanager
def opened(engine: Engine, path: str, route: int | None) -> Iterator[Feed]:
    """The events of `path` for `engine`, whose process table begins anew; `route`: of all JSON lines, None: each tells.
    InputError: it cannot be read, then or while it is fed."""
    check(lib.sn_engine__forget(engine.pointer), "begin a file")
    try:
        with open_input(path) as source:
            if source.recording is None:
                yield _Lines(engine, source, route)
            else:
                yield _Recording(engine, source.recording)
    except OSError as error:
        raise InputError(path, -1, error.strerror or str(error)) from None


def route_of(rules: Rules, logsource: tuple[str, str, str]) -> int | None:
    """The route of (product, category, service), None when none of them is given. LinsangError: no rule's."""
    route = rules.route(*logsource) if any(logsource) else None
    if any(logsource) and route is None:
        shown = "/".join(part or "*" for part in logsource)
        raise LinsangError(f"no rule looks at events of {shown}", "see `linsang rules list` for what they look at")
    return route
