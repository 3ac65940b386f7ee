"""The native core as Python objects: the only module that imports the extension.

Every object owns one C object and frees it in `close()`, which `with` calls. A closed object raises ValueError. Nothing
is freed while a thread sits in `Engine.run` or `Capture.run`: their `close()` stops the run and waits for its end.
"""

from __future__ import annotations

import errno
import json
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from sensor import _native
from sensor.closing import Closing
from sensor.errors import InputError, LinsangError, NativeError

ffi = _native.ffi
lib = _native.lib

NO_ROUTE = 0xFFFFFFFF
RECORD_MAX: int = lib.SN_RECORD_MAX

_ARRAYS = ("by_type", "match_hist")  # of sn_stats


def check(rc: int, what: str) -> int:
    """`rc` when it is not negative; else NativeError(-rc) that says `what` was tried."""
    if rc < 0:
        raise NativeError(-rc, what)
    return rc


def counters(struct: str, read: Any, of: Any) -> dict[str, int]:
    """All members of `struct`, which `read` fills in for the C object `of`, by name."""
    out = ffi.new(f"struct {struct} *")
    read(of, out)
    return {name: int(getattr(out, name)) for name, _ in ffi.typeof(out).item.fields}


class Handle(Closing):
    """One C object and the function that frees it: what the classes below and in recording.py are."""

    def __init__(self, pointer: Any, free: Any) -> None:
        self._pointer = pointer
        self._free = free

    @property
    def pointer(self) -> Any:
        """The C object. ValueError once it is closed."""
        if self._pointer is None:
            raise ValueError(f"{type(self).__name__} is closed")
        return self._pointer

    def close(self) -> None:
        """Frees the C object; a second call does nothing."""
        pointer, self._pointer = self._pointer, None
        if pointer is not None:
            self._free(pointer)

    def leave(self) -> None:
        """Closes it without freeing: a thread that cannot be ended still uses the C object."""
        self._pointer = None


class Rules(Handle):
    """A verified rule table, from the bytes that the compiler made. LinsangError says what is wrong with them."""

    def __init__(self, table: bytes | memoryview) -> None:
        out = ffi.new("struct sn_rules **")
        why = ffi.new("char[256]")
        rc = lib.sn_rules__open(ffi.from_buffer(table), len(table), out, why, len(why))
        if rc == -errno.EINVAL:
            raise LinsangError(f"rule table refused: {ffi.string(why).decode(errors='replace')}", "compile it again")
        check(rc, "open rule table")
        super().__init__(out[0], lib.sn_rules__close)

    def __len__(self) -> int:
        return int(lib.sn_rules__count(self.pointer))

    def field(self, name: str) -> int | None:
        """Number of a Sigma field in this table, None when no rule uses it."""
        number = int(lib.sn_rules__field(self.pointer, raw := name.encode(), len(raw)))
        return None if number == NO_ROUTE else number

    def route(self, product: str = "", category: str = "", service: str = "") -> int | None:
        """Route of a logsource ("" = not given), None when no rule applies to it."""
        route = int(lib.sn_rules__route(self.pointer, product.encode(), category.encode(), service.encode()))
        return None if route == NO_ROUTE else route


class Frame(NamedTuple):
    """One alert as it left the match thread. Records are bytes for `record_json`; `process` is empty when unknown.
    Of an event that came as JSON, `process` and `lineage` are struct sn_actor_block."""

    rule: int
    generation: int
    verdict: int  # lib.SN_MATCH or lib.SN_UNDECIDABLE
    cause_field: int | None  # the table's field that was missing
    file: int
    index: int  # type: ignore[assignment]  # hides a method of tuples
    payload: int  # lib.SN_PAYLOAD_RECORD or lib.SN_PAYLOAD_JSON
    event: bytes
    process: bytes
    lineage: tuple[bytes, ...]  # parent first
    lineage_complete: bool
    lost_total: int
    lost_recent: int
    lost_any: int
    proxy: bytes = b""  # see sensor.proxy
    image_facts: bytes = b""  # struct sn_facts
    payload_facts: bytes = b""
    renamed: int = 0  # enum sn_renamed
    time: int = 0  # of an event of Windows that a session gave: ns since 1970


_ALERT_SIZE = ffi.sizeof("struct sn_alert")
# Of Frame as of struct sn_alert.
FRAME_NUMBERS = (
    *(
        "rule",
        "generation",
        "verdict",
        "file",
        "index",
        "payload",
        "lost_total",
        "lost_recent",
        "lost_any",
        "renamed",
        "time",
    ),
)
# Behind the lineage, and the members that hold their sizes.
FRAME_PARTS = {"proxy": "proxy_size", "image_facts": "image_facts", "payload_facts": "payload_facts"}


def _record_at(view: memoryview, at: int) -> bytes:
    return bytes(view[at : at + int.from_bytes(view[at : at + 4], "little")])


def parse_frames(frames: memoryview) -> Iterator[Frame]:
    """The alerts in what `sn_engine__take` copied."""
    at = 0
    while at < len(frames):
        alert = ffi.cast("struct sn_alert *", ffi.from_buffer(frames[at:]))
        body = frames[at : at + alert.size]
        where = _ALERT_SIZE
        event = bytes(body[where : where + alert.event_size])
        where += (alert.event_size + 7) & ~7
        process = bytes(body[where : where + alert.process_size])
        where += alert.process_size
        lineage = []
        for _ in range(alert.lineage):
            lineage.append(_record_at(body, where))
            where += len(lineage[-1])
        parts: dict[str, Any] = {}
        for name, size in FRAME_PARTS.items():
            parts[name] = bytes(body[where : where + getattr(alert, size)])
            where += len(parts[name])
        yield Frame(
            **{name: getattr(alert, name) for name in FRAME_NUMBERS},
            **parts,
            cause_field=None if alert.cause_field == NO_ROUTE else alert.cause_field,
            event=event,
            process=process,
            lineage=tuple(lineage),
            lineage_complete=bool(alert.lineage_complete),
        )
        at += alert.size


class _Runner(Handle):
    """A handle with a function that some thread stays in until another stops it."""

    def __init__(self, pointer: Any, free: Any, run: Any, stop: Any) -> None:
        super().__init__(pointer, free)
        self._functions = (run, stop)
        self._running = threading.Lock()

    def run(self) -> None:
        """Stays in the core until stop(). What was handed over before is then done."""
        with self._running:
            check(self._functions[0](self.pointer), f"run the {type(self).__name__.lower()}")

    def stop(self) -> None:
        """Ends run(), or the next one; any thread may call it."""
        self._functions[1](self.pointer)

    def close(self) -> None:
        """Stops the run if there is one, waits for its end, frees."""
        if self._pointer is None:
            return
        if self._running.locked():
            self.stop()
        with self._running:
            super().close()


class Engine(_Runner):
    """Ring, process table, matcher and alert ring. `run` is the match thread.

    Sizes in bytes: `ring_bytes` and `alert_bytes` are powers of two, the latter from 256 KiB up. `timing` keeps the
    histogram of match times. `fact_wait_ms`: so long an event waits for facts of files; below 0: nobody looks, they are
    absent. NativeError for sizes that the core refuses.
    """

    def __init__(
        self,
        *,
        ring_bytes: int = 1 << 20,
        alert_bytes: int = 1 << 22,
        table_bytes: int = 8 << 20,
        table_entries: int = 8192,
        exited_keep_ms: int = 1000,
        lineage_max: int = 16,
        timing: bool = False,
        fact_wait_ms: int = -1,
    ) -> None:
        options = ffi.new(
            "struct sn_engine_options *",
            {
                "ring_bytes": ring_bytes,
                "alert_bytes": alert_bytes,
                "table_bytes": table_bytes,
                "table_entries": table_entries,
                "exited_keep_ms": exited_keep_ms,
                "lineage_max": lineage_max,
                "timing": int(timing),
                "facts": int(fact_wait_ms >= 0),
                "fact_wait_ms": max(0, fact_wait_ms),
            },
        )
        out = ffi.new("struct sn_engine **")
        check(lib.sn_engine__new(options, out), "make the engine")
        super().__init__(out[0], lib.sn_engine__free, lib.sn_engine__run, lib.sn_engine__stop)
        self._rules: Rules | None = None
        self._recording: Handle | None = None
        self._buffer = ffi.new_allocator(should_clear_after_alloc=False)("uint8_t[]", alert_bytes // 2)

    def swap_rules(self, rules: Rules) -> None:
        """Judges by `rules` from the next event on. The engine takes them over and closes them after the next swap."""
        check(lib.sn_engine__swap_rules(self.pointer, rules.pointer), "swap the rules")
        old, self._rules = self._rules, rules
        if old is not None and old is not rules:
            old.close()

    def set_user(self, uid: int, name: str) -> None:
        """Name of a uid for the field User."""
        check(lib.sn_engine__set_user(self.pointer, uid, name.encode(errors="surrogateescape")), f"name of uid {uid}")

    def push(self, record: bytes) -> bool:
        """One record into the ring; False when it is full (counted)."""
        rc = lib.sn_engine__push(self.pointer, record, len(record))
        return rc != -errno.ENOBUFS and check(rc, "push a record") == 0

    def feed(self, record: bytes, *, file: int = 0, index: int = 0) -> bool:
        """One record straight through, on this thread; False when it is malformed (counted)."""
        rc = lib.sn_engine__feed(self.pointer, record, len(record), file, index)
        return rc != -errno.EBADMSG and check(rc, "feed a record") == 0

    def feed_json(self, line: bytes, *, route: int | None = None, file: int = 0, index: int = 0) -> bool:
        """One JSON line straight through; False when it is no JSON object (counted)."""
        where = NO_ROUTE if route is None else route
        rc = lib.sn_engine__feed_json(self.pointer, line, len(line), where, file, index)
        return rc != -errno.EBADMSG and check(rc, "feed a line") == 0

    def feed_lines(
        self, lines: bytes | memoryview, *, route: int | None = None, file: int = 0, index: int = 0
    ) -> tuple[int, int]:
        """Whole JSON lines: (bytes consumed, index of the next line). Take the alerts, then go on with the rest."""
        at = ffi.new("uint64_t *", index)
        where = NO_ROUTE if route is None else route
        buffer = ffi.from_buffer("char[]", lines)
        used = lib.sn_engine__feed_lines(self.pointer, buffer, len(lines), where, file, at)
        return check(used, "feed lines"), int(at[0])

    def wait(self, timeout: float) -> bool:
        """Waits up to `timeout` seconds for alerts: True when there are some."""
        return check(lib.sn_engine__wait(self.pointer, int(timeout * 1000)), "wait for alerts") > 0

    def take_raw(self) -> memoryview:
        """The alerts that are there as the core's frames, as many as one buffer holds; valid until the next take."""
        size = check(lib.sn_engine__take(self.pointer, self._buffer, len(self._buffer)), "take alerts")
        return memoryview(ffi.buffer(self._buffer, size))

    def take(self) -> list[Frame]:
        """`take_raw` taken apart and copied; [] when there is none."""
        return list(parse_frames(self.take_raw()))

    def stats(self) -> dict[str, Any]:
        """All counters of struct sn_stats by name; `by_type` and `match_hist` are lists."""
        out = ffi.new("struct sn_stats *")
        lib.sn_engine__stats(self.pointer, out)
        names = (name for name, _ in ffi.typeof("struct sn_stats").fields)
        return {name: list(getattr(out, name)) if name in _ARRAYS else getattr(out, name) for name in names}

    def match_quantile(self, q: float) -> int:
        """ns at quantile `q` of the match times, to 6 %; 0 without `timing`."""
        return int(lib.sn_engine__match_quantile(self.pointer, q))

    def export(self, *, size: int = 2 * RECORD_MAX) -> Iterator[bytes]:
        """The process table as SN_PROCESS records, oldest first, in parts of `size` bytes; also while the engine runs:
        events wait for each part, and what changes between two parts is seen as it is then. One thread at a time."""
        cursor = ffi.new("uint64_t *")
        buffer = ffi.new("uint64_t[]", size // 8)
        while True:
            used = check(lib.sn_engine__processes(self.pointer, cursor, buffer, size), "read the process table")
            view, at = memoryview(ffi.buffer(buffer, used)), 0
            while at < used:
                yield (record := _record_at(view, at))
                at += len(record)
            if not cursor[0]:
                return

    def record_to(self, recording: Handle | None) -> None:
        """Every record from now on to that RecordingWriter, which stays the caller's; None ends it. Before the run."""
        pointer = ffi.NULL if recording is None else recording.pointer
        check(lib.sn_engine__record_to(self.pointer, pointer), "record")
        self._recording = recording

    def close(self) -> None:
        """Stops and frees the engine, then closes the rules it was given."""
        super().close()
        if self._rules is not None:
            self._rules.close()


class Capture(_Runner):
    """The kernel's ring; `run` is the capture thread. The descriptors stay the caller's; close before `engine`."""

    def __init__(self, ring_fd: int, ring_bytes: int, control_fd: int, engine: Engine) -> None:
        out = ffi.new("struct sn_capture **")
        check(lib.sn_capture__open(ring_fd, ring_bytes, control_fd, engine.pointer, out), "map the kernel's ring")
        super().__init__(out[0], lib.sn_capture__close, lib.sn_capture__run, lib.sn_capture__stop)
        self._engine = engine

    def stats(self) -> dict[str, int]:
        """All counters of struct sn_capture_stats by name."""
        return counters("sn_capture_stats", lib.sn_capture__stats, self.pointer)


_json_buffer = threading.local()  # a byte takes at most six characters


def record_json_text(record: bytes, boot_to_epoch_ns: int = 0) -> str:
    """A record as one JSON object in text; bytes that are no UTF-8 as lone surrogates, escaped. InputError: malformed.

    `boot_to_epoch_ns` is what to add to CLOCK_BOOTTIME; with 0 `time` stays an integer, else it is RFC 3339.
    """
    buffer = getattr(_json_buffer, "buffer", None)
    if buffer is None:
        buffer = _json_buffer.buffer = ffi.new("char[]", 8 * RECORD_MAX)
    size = lib.sn_record__json(record, len(record), boot_to_epoch_ns, buffer, len(buffer))
    if size == -errno.EBADMSG:
        raise InputError("record", -1, "malformed")
    return bytes(ffi.buffer(buffer, check(size, "decode a record"))).decode()


def record_json(record: bytes, boot_to_epoch_ns: int = 0) -> dict[str, Any]:
    """`record_json_text` as a dict; strings hold undecodable bytes by surrogateescape."""
    return dict(json.loads(record_json_text(record, boot_to_epoch_ns)))


def parse_record(text: bytes) -> bytes:
    """The record that `record_json_text` wrote as `text`. InputError when it is something else."""
    buffer = ffi.new("uint64_t[]", RECORD_MAX // 8)
    size = lib.sn_record__parse(text, len(text), buffer, RECORD_MAX)
    if size < 0:
        raise InputError("record", -1, "not a line of a dump")
    return bytes(ffi.buffer(buffer, size))
