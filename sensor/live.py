"""The live data plane, from the source to the alert ring: what `run`, `record` and `doctor` share.

source's threads ─► ring ─► match thread ─► alert ring ─► whoever takes
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from sensor.config import Config
from sensor.errors import LinsangError
from sensor.native import Engine, Rules
from sensor.priority import raise_thread
from sensor.recording import RecordingWriter
from sensor.source import Account, Source


def _open(config: Config, engine: Engine, say: Callable[[str], None]) -> Source:
    """This platform's source; one platform's modules cannot be imported on another."""
    if sys.platform == "win32":
        from sensor.windows.source import WindowsSource  # noqa: PLC0415

        return WindowsSource(config, engine, say)
    from sensor.sources.linux import LinuxSource  # noqa: PLC0415

    return LinuxSource(config, engine, say)


class Live:
    """Engine, source and threads. `say` hears what takes long or is amiss. Use as a context: leaving it stops all.

    `rules` stay the engine's; `recording` gets every record and stays the caller's; `facts`: somebody answers questions
    of files. Raises at the start what the source raises: Unsupported where the system or the privileges are not there.
    """

    def __init__(
        self,
        config: Config,
        *,
        say: Callable[[str], None] = lambda text: None,
        rules: Rules | None = None,
        recording: RecordingWriter | None = None,
        facts: bool = False,
    ) -> None:
        self._threads: list[tuple[threading.Thread, Callable[[], None]]] = []  # in the order in which they end
        self._failed: BaseException | None = None
        self._stopping = threading.Lock()
        self._stopped = False
        self._close = ExitStack()
        with ExitStack() as stack:
            table, engine = config.process_table, config.engine
            self.engine = stack.enter_context(
                Engine(
                    ring_bytes=engine.ring_bytes,
                    alert_bytes=engine.alert_bytes,
                    table_bytes=table.bytes,
                    table_entries=table.entries,
                    exited_keep_ms=table.exited_keep_ms,
                    lineage_max=engine.lineage_max,
                    fact_wait_ms=engine.fact_wait_ms if facts else -1,
                )
            )
            if rules is not None:
                self.engine.swap_rules(rules)
            self.engine.record_to(recording)
            self.source: Source = stack.enter_context(_open(config, self.engine, say))
            self._matching = self._thread("match", self._match)
            stack.callback(self._end_matching)
            self.source.begin()
            self._threads = [(self._thread(task.name, task.run), task.stop) for task in self.source.tasks]
            self._close = stack.pop_all()

    def _thread(self, name: str, run: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._guard, args=(run,), name=name)
        thread.start()
        return thread

    def _match(self) -> None:
        """At the capture thread's priority: else, among several busy programs, the kernel's ring fills up behind it."""
        raise_thread()
        self.engine.run()

    def _guard(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            self._failed = error

    def check(self) -> None:
        """Raises what ended a thread, if something did."""
        if self._failed is not None:
            raise LinsangError(f"a thread of the sensor failed: {self._failed!r}") from self._failed

    @property
    def running(self) -> bool:
        """The match thread may still bring alerts."""
        return self._matching.is_alive()

    def account(self) -> Account:
        """The counts now. A sum of a running source can be off by the events under way."""
        return self.source.account(self.engine.stats())

    def stop(self) -> None:
        """Detaches, then lets everything that was captured be judged. Take alerts meanwhile. Any thread, any number of
        times."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            try:
                self.source.detach()
            finally:
                for thread, stop in self._threads:
                    stop()
                    thread.join()
                self._end_matching()

    def _end_matching(self) -> None:
        self.engine.stop()
        self._matching.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        with self._close:
            self.stop()
