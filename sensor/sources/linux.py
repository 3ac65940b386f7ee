"""Linux as a source: the kernel's probes, or the process connector where they do not work, and events of
files and libraries.

    attach ─► snapshot, fed ─► capture thread ─► ring

Events wait in the kernel's ring from attach on, until the snapshot is merged.
"""

from __future__ import annotations

import pwd
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from sensor import health
from sensor.closing import Closing
from sensor.config import Config
from sensor.errors import LinsangError, Unsupported
from sensor.native import Capture, Engine, ffi, lib
from sensor.source import Task, Trouble
from sensor.sources.files import FileSource
from sensor.sources.kernel import KernelSource, open_kernel_source
from sensor.sources.libraries import LibrarySource
from sensor.sources.procconn import ProcConnector
from sensor.sources.snapshot import processes
from sensor.sources.sockets import OpenSockets

_USERS = Path("/etc/passwd")
_PID_NAMESPACE = Path("/proc/self/ns/pid")
_HOSTS = 0xEFFFFFFC  # PROC_PID_INIT_INO of the kernel's proc_ns.h
_CLOCKS = Path("/proc/self/timens_offsets")
_SETTLE_S = 0.2
_KERNEL = ("seen", "submitted", "ring_full", "oversized", "busy")  # of struct sn_counters


def _be_at_home() -> None:
    """Unsupported where pids or times are others than the kernel's own, which are in the records: another process would
    be taken for the one that was meant."""
    if _PID_NAMESPACE.exists() and _PID_NAMESPACE.stat().st_ino != _HOSTS:
        raise Unsupported("a pid namespace of its own", "give it the host's, as `docker run --pid=host` does")
    if _CLOCKS.exists() and any(line.split()[1:] != ["0", "0"] for line in _CLOCKS.read_text().splitlines()):
        raise Unsupported("a time namespace with a clock of its own", "start it in the host's")


class LinuxAccount(NamedTuple):
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
    libraries: int  # and of libraries
    files_lost: int  # times that the kernel had no room for events of files, and records that had none in our ring
    libraries_lost: int  # mappings that the kernel, or our ring, had no room for
    further: tuple[tuple[str, bool], ...]  # equations of FileSource and LibrarySource

    @property
    def lost(self) -> int:
        """Events that no rule judged."""
        in_kernel = self.ring_full + self.oversized + self.busy + self.missed
        return in_kernel + self.ring_dropped + self.malformed + self.files_lost + self.libraries_lost

    def as_dict(self) -> dict[str, int]:
        """All counts and `lost`."""
        counts = self._asdict()
        del counts["further"]
        return {**counts, "lost": self.lost}

    def equations(self) -> list[tuple[str, bool]]:
        """Of probes, and of files and libraries where they are watched."""
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
            *self.further,
        ]


class LinuxSource(Closing):
    """Attaches, and tells `engine` what is there already. `kernel`: the probes, or None; `connector`: what stands in
    for them; `files`, `libraries`: events of those, None for the reason in `files_refused`, `libraries_refused`. `say`
    hears what takes long or is amiss.

    Unsupported where the kernel or the privileges are not there.
    """

    def __init__(self, config: Config, engine: Engine, say: Callable[[str], None]) -> None:
        self._config = config
        self._engine = engine
        self._say = say
        self.users: dict[int, str] = {}
        self._users_seen = 0
        self.snapshot = 0
        self.kernel: KernelSource | None = None
        self.connector: ProcConnector | None = None
        self._capture: Capture | None = None
        self.files: FileSource | None = None
        self.files_refused = ""
        self.libraries: LibrarySource | None = None
        self.libraries_refused = ""
        self._troubles: list[Trouble] = []
        self._close = ExitStack()
        _be_at_home()
        with ExitStack() as stack:
            self.refresh()
            self._attach(stack)
            with self.libraries.looked_at() if self.libraries is not None else nullcontext():
                self._feed_snapshot()
            self._close = stack.pop_all()

    def _attach(self, stack: ExitStack) -> None:
        source = self._config.source
        if source.kind == "procconn":
            self.connector = stack.enter_context(ProcConnector(self._engine))
            self._say("the process connector is a source of lower fidelity: short processes and connections are missed")
            self._troubles.append(Trouble(health.SOURCE_REDUCED, {"source": "procconn"}))
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
            self._troubles.append(Trouble(health.PROBE_REFUSED, {"probe": probe, "reason": why}))
        self._capture = stack.enter_context(
            Capture(self.kernel.ring_fd, source.ring_bytes, self.kernel.control_fd, self._engine)
        )
        self._attach_files(stack, self._capture)
        self._attach_libraries(stack, self._capture)

    def _attach_files(self, stack: ExitStack, capture: Capture) -> None:
        if self._config.files.source == "off":
            self.files_refused = "switched off"
            return
        try:
            self.files = stack.enter_context(FileSource(self._engine, capture, self._config.files.places, self._say))
        except Unsupported as error:
            self.files_refused = str(error)
            self._say(f"who wrote a file will not be known: {error}")

    def _attach_libraries(self, stack: ExitStack, capture: Capture) -> None:
        if self._config.files.libraries == "off":
            self.libraries_refused = "switched off"
            return
        try:
            trees = self._config.files.trees
            self.libraries = stack.enter_context(LibrarySource(self._engine, capture, trees, self._say))
        except Unsupported as error:
            self.libraries_refused = str(error)
            self._say(f"which libraries are loaded will not be known: {error}")

    def _feed_snapshot(self) -> None:
        sockets = OpenSockets()
        starts: dict[int, int] = {}
        for record in processes(self.kernel):
            self.snapshot += self._engine.feed(record)
            header = ffi.cast("struct sn_header *", ffi.from_buffer(record))
            starts[header.pid] = header.start
        try:
            for record in sockets.records(starts):
                self.snapshot += self._engine.feed(record)
        except LinsangError as error:
            self._say(f"connections that are open already are not known: {error}")

    @property
    def writers(self) -> bool:
        """Who wrote a file is known."""
        return self.files is not None

    @property
    def tasks(self) -> list[Task]:
        """The thread of files, whose events wait for those of probes, then that of probes."""
        source = self._capture or self.connector
        assert source is not None
        files = [Task("files", self.files.run, self.files.stop)] if self.files is not None else []
        return [*files, Task("capture", source.run, source.stop)]

    def begin(self) -> None:
        """Nothing: events wait in the kernel's ring."""

    def detach(self) -> None:
        """Ends the probes, and waits for those that run."""
        if self.kernel is not None:
            self.kernel.detach()
            self._settle(self.kernel)

    @staticmethod
    def _settle(kernel: KernelSource) -> None:
        """Where the kernel cannot wait for them (one CPU, nohz_full), a probe that was running while it was detached
        may still be writing its record."""
        until = time.monotonic() + _SETTLE_S
        while time.monotonic() < until:
            if all(c.seen == c.submitted + c.ring_full + c.oversized + c.busy for c in kernel.counters()):
                return

    def refresh(self) -> None:
        """Reads the names of users again when /etc/passwd has changed."""
        changed = _USERS.stat().st_mtime_ns if _USERS.exists() else 0
        if changed == self._users_seen:
            return
        self._users_seen = changed
        for user in reversed(pwd.getpwall()):  # the first name of a uid counts
            self.users[user.pw_uid] = user.pw_name
            self._engine.set_user(user.pw_uid, user.pw_name)

    def troubles(self) -> list[Trouble]:
        """What did not work at the start, once."""
        found, self._troubles = self._troubles, []
        return found

    def account(self, stats: Mapping[str, Any]) -> LinuxAccount:
        """The counts now. A sum of a running source can be off by the events under way."""
        files, libraries = (stats["by_type"][kind] for kind in (lib.SN_FILE, lib.SN_LOAD))
        lost = self.files.stats() if self.files is not None else {"overflows": 0, "dropped": 0}
        missed = self.libraries.stats() if self.libraries is not None else {"lost": 0, "dropped": 0}
        return LinuxAccount(
            **self._source_counts(),
            ring_dropped=stats["ring_dropped"],
            received=stats["received"] - self.snapshot - files - libraries,
            decoded=stats["decoded"] - self.snapshot - files - libraries,
            malformed=stats["malformed"],
            snapshot=self.snapshot,
            files=files,
            libraries=libraries,
            files_lost=lost["overflows"] + lost["dropped"],
            libraries_lost=missed["lost"] + missed["dropped"],
            further=tuple(source.equation() for source in (self.files, self.libraries) if source is not None),
        )

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

    def status(self, stats: Mapping[str, Any]) -> dict[str, Any]:
        """`probes`; `capture`: counters of what hands over records; `files`: counters of the file source and of what is
        made of it, what it watches and what it could not; `libraries`: counters of that source; `off`: why not at all.
        """
        kernel, capture = self.kernel, self._capture or self.connector
        return {
            "source": "bpf" if kernel else "procconn",
            "probes": dict.fromkeys(kernel.links, "attached") | kernel.failed if kernel else {},
            "capture": capture.stats() if capture else {},
            "files": self._files_status(stats),
            "libraries": self._libraries_status(stats),
        }

    def _files_status(self, stats: Mapping[str, Any]) -> dict[str, Any]:
        if self.files is None:
            return {"off": self.files_refused or "no probes"}
        own = {name: stats[name] for name in ("files_unsure", "writers_forgotten", "writers_nameless")}
        return self.files.stats() | own | {"watched": self.files.watched, "refused": self.files.refused}

    def _libraries_status(self, stats: Mapping[str, Any]) -> dict[str, Any]:
        if self.libraries is None:
            return {"off": self.libraries_refused or "no probes"}
        return self.libraries.stats() | {"own": stats["loads_own"]}

    def __str__(self) -> str:
        return f"{len(self.kernel.links)} probes" if self.kernel else "process connector"

    def close(self) -> None:
        """Frees everything, after the tasks have returned."""
        self._close.close()
