"""Windows as a source: trace sessions whose events the core takes on their own threads, and channels of the event log.

session ─► ProcessTrace thread ─► sn_etw_event_record ─► ring          no Python on this way
channel ─► subscription's thread ─► JSON line ─► ring
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from typing import Any

from sensor.closing import Closing
from sensor.config import Config
from sensor.native import Engine, check, counters, ffi, lib
from sensor.source import Task, Trouble
from sensor.windows.account import WindowsAccount
from sensor.windows.alone import Alone
from sensor.windows.channels import Channels
from sensor.windows.naming import Naming
from sensor.windows.providers import PROCESSES, SessionPlan, plans
from sensor.windows.session import Session
from sensor.windows.watch import Watch


class WindowsSource(Closing):
    """The sessions and channels of `config`. `say` hears what is amiss.

    SessionError from `begin`: the process session cannot be had; without the others it goes on, and tries again.
    """

    def __init__(self, config: Config, engine: Engine, say: Callable[[str], None]) -> None:
        self._say = say
        self._engine = engine
        self.snapshot = 0
        self.users: dict[int, str] = {}
        out = ffi.new("struct sn_etw_source **")
        check(lib.sn_etw_source__new(engine.pointer, out), "make the callback's context")
        self._core = out[0]
        callback = int(lib.sn_etw_source__callback())
        sessions = [Session(plan, callback, self._lane(plan)) for plan in plans(config.windows.providers)]
        self._watch = Watch(sessions, [PROCESSES.name])
        self._channels = Channels(config.windows.channels, self._line)
        self._naming = Naming(engine)
        self._naming.look()
        self._closed = False
        self._alone: Alone | None = None

    def _lane(self, plan: SessionPlan) -> int:
        """The core's own for that session: each has a thread."""
        lane = lib.sn_etw_source__lane(self._core, plan.patience_ms)
        assert lane, "more sessions than SN_ETW_LANES_MAX"
        return int(ffi.cast("uintptr_t", lane))

    def _line(self, line: bytes) -> None:
        lib.sn_etw_source__line(self._core, line, len(line))  # what has no room is counted

    @property
    def writers(self) -> bool:
        """Who wrote a file is not known."""
        return False

    @property
    def tasks(self) -> list[Task]:
        """The sessions' own threads are Windows' matter."""
        return [
            Task("channels", self._channels.run, self._channels.stop),
            Task("names", self._naming.run, self._naming.stop),
            Task("watch", self._watch.run, self.detach),
        ]

    def begin(self) -> None:
        """Starts the sessions. What ends the process without `detach` still stops them: an orphan costs memory.
        LinsangError: another sensor on this machine has them."""
        self._alone = Alone()
        atexit.register(self.detach)
        self._watch.start()

    def detach(self) -> None:
        """Stops the sessions once their last events are in the ring. Any thread, any number of times."""
        for problem in self._watch.stop():
            self._say(problem)

    def refresh(self) -> None:
        """Nothing: names have a task of their own."""

    def troubles(self) -> list[Trouble]:
        """Of sessions and channels."""
        return [*self._watch.troubles(), *self._channels.troubles()]

    def _core_stats(self) -> dict[str, int]:
        return counters("sn_etw_source_stats", lib.sn_etw_source__stats, self._core)

    def _providers(self) -> dict[str, dict[str, int]]:
        out, found = ffi.new("struct sn_etw_provider_stats *"), dict[str, dict[str, int]]()
        while name := lib.sn_etw_source__provider(self._core, len(found), out):
            counts = {member: int(getattr(out, member)) for member, _ in ffi.typeof(out).item.fields}
            found[ffi.string(name).decode()] = counts
        return found

    def account(self, stats: Mapping[str, Any]) -> WindowsAccount:
        """The counts now."""
        return WindowsAccount(
            sessions={one.name: one.lost for one in self._watch.watched},
            core=self._core_stats(),
            providers=self._providers(),
            received=stats["received"],
            decoded=stats["decoded"],
            malformed=stats["malformed"],
        )

    def status(self, stats: Mapping[str, Any]) -> dict[str, Any]:
        """`probes`: the sessions and channels; `sessions`: each with what it lost, None where Windows does not say;
        `providers`: what came of each into the core."""
        sessions = {one.name: one.status() for one in self._watch.watched}
        return {
            "source": "etw",
            "probes": {name: "attached" if one["state"] == "runs" else one["state"] for name, one in sessions.items()}
            | self._channels.status(),
            "sessions": sessions,
            "channels": self._channels.counts(),
            "providers": self._providers(),
            "capture": self._core_stats(),
            "decoding": counters("sn_etw_decoding", lib.sn_engine__etw_decoding, self._engine.pointer),
            "files": {"off": "who wrote a file is not known on Windows"},
        }

    def __str__(self) -> str:
        return f"{len(self._watch.watched)} trace sessions"

    def close(self) -> None:
        """Frees the callback's context, after the tasks have returned. Where a consumer does not end, that and the
        engine are left to it."""
        self.detach()
        atexit.unregister(self.detach)
        if any(one.stuck for one in self._watch.watched):
            self._engine.leave()  # the callback wakes its match thread
        elif not self._closed:
            lib.sn_etw_source__free(self._core)
        if self._alone is not None:
            self._alone.close()
        self._closed = True
