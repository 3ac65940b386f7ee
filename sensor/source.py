"""What a platform is to the sensor: where its events come from, on which threads, and where each of them is.

Two there are: sources/linux.py and windows/source.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from sensor.health import Health


class Task(NamedTuple):
    """A thread of a source: `run` returns after `stop`, which any thread may call, once what it had is handed over."""

    name: str
    run: Callable[[], None]
    stop: Callable[[], None]


class Trouble(NamedTuple):
    """What a health alert is to tell."""

    kind: Health
    details: Mapping[str, Any]


class Account(Protocol):
    """Where every event is, in counts since the start."""

    @property
    def lost(self) -> int:
        """Events that no rule judged."""

    def as_dict(self) -> dict[str, Any]:
        """All counts, and `lost`, `seen` and `missed`."""

    def equations(self) -> list[tuple[str, bool]]:
        """What must add up, with its numbers, and whether it does: exact once the source is stopped."""


class Source(Protocol):
    """An open source. `snapshot`: records of what was there already; `users`: names by number; `stats` are always the
    engine's."""

    snapshot: int
    users: dict[int, str]

    @property
    def writers(self) -> bool:
        """It says who wrote a file."""

    @property
    def tasks(self) -> list[Task]:
        """In the order in which they end."""

    def begin(self) -> None:
        """Events may come: the match thread runs. LinsangError: they cannot."""

    def detach(self) -> None:
        """No further events happen; what has happened is still handed over by the tasks."""

    def refresh(self) -> None:
        """Once a second."""

    def troubles(self) -> list[Trouble]:
        """What there is to tell since the last time; at first, what does not work."""

    def account(self, stats: Mapping[str, Any]) -> Account: ...
    def status(self, stats: Mapping[str, Any]) -> dict[str, Any]:
        """For `linsang status`: `source`, `probes` (state by name), and counters by part."""

    def __str__(self) -> str:
        """What it sees by, in a few words."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None
    ) -> None: ...
