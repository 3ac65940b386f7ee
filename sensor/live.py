"""The live data plane, from the source to the alert ring: what `run`, `record` and `doctor` share.

    attach ─► snapshot, fed ─► capture thread ─► ring ─► match thread ─► alert ring ─► whoever takes

Events wait in the kernel's ring from attach on, until the snapshot is merged.
"""

from __future__ import annotations

import os
import platform
import pwd
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sensor.config import Config
from sensor.errors import LinsangError, Unsupported
from sensor.native import Capture, Engine, Rules, ffi, lib
from sensor.recording import RecordingWriter
from sensor.sources.files import FileSource
from sensor.sources.kernel import KernelSource, open_kernel_source
from sensor.sources.procconn import ProcConnector
from sensor.sources.snapshot import processes
from sensor.sources.sockets import OpenSockets

_USERS = Path("/etc/passwd")
_SETTLE_S = 0.2
_PRIORITY = -10  # of native/source_bpf.c
_KERNEL = ("seen", "submitted", "ring_full", "oversized", "busy")  # of struct sn_counters


@dataclass(frozen=True)
class Account:
    """Where every event is. Counts since the start, exact once the source is stopped."""

    seen: int  # by the probes
    submitted: int  # to the kernel's ring
    ring_full: int
    oversized: int
    busy: int
    missed: int  # not even seen: the kernel ran no probe within a probe
    captured: int  # taken out of the kernel's ring
    ring_dropped: int  # the ring between capture and match was full
    received: int  # by the match thread
    decoded: int
    malformed: int
    snapshot: int  # processes and sockets of the start, in none of the others
    files: int  # records of files, in none of the others
    files_lost: int  # times that the kernel had no room for events of files, and records that had none in our ring

    @property
    def lost(self) -> int:
        """Events that no rule judged."""
        in_kernel = self.ring_full + self.oversized + self.busy + self.missed
        return in_kernel + self.ring_dropped + self.malformed + self.files_lost

    def as_dict(self) -> dict[str, int]:
        """All counts and `lost`."""
        return {**asdict(self), "lost": self.lost}

    def equations(self) -> list[tuple[str, bool]]:
        """The three equations with their numbers, and whether they hold."""
        causes = self.ring_full + self.oversized + self.busy
        taken = self.received + self.ring_dropped
        return [
            (
                f"seen {self.seen} = submitted {self.submitted} + ring full {self.ring_full} + oversized "
                f"{self.oversized} + busy {self.busy}",
                self.seen == self.submitted + causes,
            ),
            (
                f"submitted {self.submitted} = captured {self.captured} = received {self.received} + dropped "
                f"{self.ring_dropped}",
                self.submitted == self.captured == taken,
            ),
            (
                f"received {self.received} = decoded {self.decoded} + malformed {self.malformed}",
                self.received == self.decoded + self.malformed,
            ),
        ]


def boot_to_epoch_ns() -> int:
    """What to add to CLOCK_BOOTTIME, ns: the middle of the tightest of a few readings."""
    best, offset = 1 << 62, 0
    for _ in range(5):
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        now = time.time_ns()
        after = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        if after - before < best:
            best, offset = after - before, now - (before + after) // 2
    return offset


def recording_header() -> dict[str, Any]:
    """What a recording says of itself."""
    return {
        "schema": int(lib.SN_SCHEMA),
        "host": socket.gethostname(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "boot_to_epoch_ns": boot_to_epoch_ns(),
        "created_ns": time.time_ns(),
        "users": {user.pw_uid: user.pw_name for user in reversed(pwd.getpwall())},
    }


class Live:
    """Engine, source and threads. `say` hears what takes long or is amiss. Use as a context: leaving it stops all.

    `rules` stay the engine's; `recording` gets every record and stays the caller's; `facts`: somebody answers questions
    of files. Raises at the start what the source raises: Unsupported where the kernel or the privileges are not there.
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
        self._config = config
        self._say = say
        self._threads: list[threading.Thread] = []
        self._failed: BaseException | None = None
        self._stopping = threading.Lock()
        self._stopped = False
        self.users: dict[int, str] = {}
        self._users_seen = 0
        self.snapshot = 0
        self.kernel: KernelSource | None = None
        self.connector: ProcConnector | None = None
        self._capture: Capture | None = None
        self.files: FileSource | None = None
        self.files_refused = ""
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
            self.refresh_users()
            self._attach(stack)
            self._feed_snapshot()
            self._start_threads()
            self._close = stack.pop_all()

    @property
    def reduced(self) -> bool:
        """The source is the process connector."""
        return self.connector is not None

    def _attach(self, stack: ExitStack) -> None:
        source = self._config.source
        if source.kind == "procconn":
            self.connector = stack.enter_context(ProcConnector(self.engine))
            return
        try:
            self.kernel = stack.enter_context(
                open_kernel_source(source.ring_bytes, Path(self._config.paths.cache), self._say)
            )
        except Unsupported as error:
            if source.kind == "bpf":
                raise
            remedy = f"{error.remedy}; `make demo` shows the sensor without BPF, `--source procconn` sees less"
            raise Unsupported(error.name, remedy) from error
        for probe, why in self.kernel.failed.items():
            self._say(f"probe {probe} is {why}")
        self._capture = stack.enter_context(
            Capture(self.kernel.ring_fd, source.ring_bytes, self.kernel.control_fd, self.engine)
        )
        self._attach_files(stack, self._capture)

    def _attach_files(self, stack: ExitStack, capture: Capture) -> None:
        if self._config.files.source == "off":
            self.files_refused = "switched off"
            return
        try:
            self.files = stack.enter_context(FileSource(self.engine, capture, self._config.files.places, self._say))
        except Unsupported as error:
            self.files_refused = str(error)
            self._say(f"who wrote a file will not be known: {error}")

    def _feed_snapshot(self) -> None:
        sockets = OpenSockets()
        starts: dict[int, int] = {}
        for record in processes(self.kernel):
            self.snapshot += self.engine.feed(record)
            header = ffi.cast("struct sn_header *", ffi.from_buffer(record))
            starts[header.pid] = header.start
        try:
            for record in sockets.records(starts):
                self.snapshot += self.engine.feed(record)
        except LinsangError as error:
            self._say(f"connections that are open already are not known: {error}")

    def _start_threads(self) -> None:
        source = self._capture or self.connector
        assert source is not None
        runs = [("match", self._match), ("capture", source.run)]
        if self.files is not None:
            runs.append(("files", self.files.run))
        for name, run in runs:
            thread = threading.Thread(target=self._guard, args=(run,), name=name)
            thread.start()
            self._threads.append(thread)

    def _match(self) -> None:
        """At the capture thread's priority: else, among several busy programs, the kernel's ring fills up behind it."""
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)
        self.engine.run()

    def _guard(self, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            self._failed = error

    def refresh_users(self) -> None:
        """Reads the names of users again when /etc/passwd has changed."""
        changed = _USERS.stat().st_mtime_ns if _USERS.exists() else 0
        if changed == self._users_seen:
            return
        self._users_seen = changed
        for user in reversed(pwd.getpwall()):  # the first name of a uid counts
            self.users[user.pw_uid] = user.pw_name
            self.engine.set_user(user.pw_uid, user.pw_name)

    def check(self) -> None:
        """Raises what ended a thread, if something did."""
        if self._failed is not None:
            raise LinsangError(f"a thread of the sensor failed: {self._failed!r}") from self._failed

    @property
    def running(self) -> bool:
        """The match thread may still bring alerts."""
        return self._threads[0].is_alive()

    def account(self) -> Account:
        """The counts now. A sum of a running source can be off by the events under way."""
        stats = self.engine.stats()
        files = stats["by_type"][lib.SN_FILE]
        lost = self.files.stats() if self.files is not None else {"overflows": 0, "dropped": 0}
        return Account(
            **self._source_counts(),
            ring_dropped=stats["ring_dropped"],
            received=stats["received"] - self.snapshot - files,
            decoded=stats["decoded"] - self.snapshot - files,
            malformed=stats["malformed"],
            snapshot=self.snapshot,
            files=files,
            files_lost=lost["overflows"] + lost["dropped"],
        )

    def equations(self) -> list[tuple[str, bool]]:
        """Where every event of each source is, in numbers, and whether they add up."""
        return self.account().equations() + ([self.files.equation()] if self.files is not None else [])

    def _source_counts(self) -> dict[str, int]:
        if self.connector is not None:
            made, lost = self.connector.made, self.connector.lost
            seen = {"seen": made + lost, "submitted": made, "ring_full": lost, "captured": made}
            return {**seen, "oversized": 0, "busy": 0, "missed": 0}
        assert self.kernel is not None
        assert self._capture is not None
        cpus = self.kernel.counters()
        counts = {name: sum(getattr(c, name) for c in cpus) for name in _KERNEL}
        capture = self._capture.stats()
        counts["missed"] = sum(info.missed for info in self.kernel.run_stats().values())
        counts["captured"] = capture["records"] + capture["oversized"]
        return counts

    def files_status(self) -> dict[str, Any]:
        """Counters of the file source and of what is made of it, what it watches and what it could not; `off`: why not
        at all."""
        if self.files is None:
            return {"off": self.files_refused or "no probes"}
        stats = self.engine.stats()
        own = {name: stats[name] for name in ("files_unsure", "writers_forgotten", "writers_nameless")}
        return self.files.stats() | own | {"watched": self.files.watched, "refused": self.files.refused}

    def capture_stats(self) -> dict[str, int]:
        """Counters of the capture thread; empty for the process connector."""
        return self._capture.stats() if self._capture else {}

    def stop(self) -> None:
        """Detaches, then lets everything that was captured be judged. Take alerts meanwhile. Any thread, any number of
        times."""
        with self._stopping:
            if self._stopped:
                return
            self._stopped = True
            try:
                if self.kernel is not None:
                    self.kernel.detach()
                    self._settle()
            finally:
                self._end_threads()

    def _end_threads(self) -> None:
        source = self._capture or self.connector
        assert source is not None
        if self.files is not None:
            self.files.stop()
            self._threads[2].join()
        source.stop()
        self._threads[1].join()
        self.engine.stop()
        self._threads[0].join()

    def _settle(self) -> None:
        """A probe that was running while it was detached may still be writing its record."""
        assert self.kernel is not None
        until = time.monotonic() + _SETTLE_S
        while time.monotonic() < until:
            cpus = self.kernel.counters()
            if all(c.seen == c.submitted + c.ring_full + c.oversized + c.busy for c in cpus):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        with self._close:
            self.stop()


def memory_bytes() -> dict[str, int]:
    """Resident memory of this process: `own`, and `kernel_ring`, which is the kernel's and mapped twice."""
    own = ring = 0
    mapped = ""
    for line in Path("/proc/self/smaps").read_text(errors="replace").splitlines():
        if line.startswith("Rss:"):
            size = int(line.split()[1]) << 10
            ring, own = (ring + size, own) if "bpf-map" in mapped else (ring, own + size)
        elif "-" in line.split(" ", 1)[0]:
            mapped = line
    return {"own": own, "kernel_ring": ring}
