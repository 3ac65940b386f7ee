"""What a session lost, by cause, in sums that only grow."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Losses:
    """Of EVENT_TRACE_PROPERTIES, since the session was started."""

    events: int = 0  # EventsLost: the writer found no buffer
    real_time_buffers: int = 0  # RealTimeBuffersLost: nobody took them in time; of how many events is not said
    log_buffers: int = 0  # LogBuffersLost: could not be written where they wait for a consumer

    @property
    def total(self) -> int:
        """Events and buffers: at least so many events."""
        return self.events + self.real_time_buffers + self.log_buffers

    def as_dict(self) -> dict[str, int]:
        """By cause."""
        return asdict(self)


class LossSum:
    """The sum over all sessions of one name. `known`: the last question had an answer."""

    def __init__(self) -> None:
        self._sum = Losses()
        self._last = Losses()
        self.known = True

    def take(self, now: Losses) -> None:
        """What the session that runs has lost so far."""
        self.known = True
        grown = {}
        for each in fields(Losses):
            before, after = getattr(self._last, each.name), getattr(now, each.name)
            # less than before: of a session that was started since
            grown[each.name] = getattr(self._sum, each.name) + (after - before if after >= before else after)
        self._sum, self._last = Losses(**grown), now

    def restarted(self) -> None:
        """From here on the counts are those of a new session."""
        self._last = Losses()

    @property
    def sum(self) -> Losses:
        """Of all sessions until now."""
        return self._sum
