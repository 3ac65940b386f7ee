"""Alerts as JSON lines: frames from the match thread, put together with what is known of the rules.

The core writes the lines (native/alert_json.c); here it gets the texts that are the same in every alert. An alert is

    {rule, verdict, event, fields, process?, lineage?, lineage_complete?, undecidable?, time?, host?, evidence?}

and what is not known is left out.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from sensor.encode import Lines, json_text
from sensor.native import FRAME_NUMBERS, FRAME_PARTS, NO_ROUTE, Engine, Frame, check, ffi, lib

_FIRST_ROOM = 1 << 16  # what the alerts of a quiet machine need
_MOST_ROOM = 1 << 20  # for many: fewer pieces to hand over; a longer line has what it needs


RuleLines = tuple[bytes, bytes]


class Rule(Protocol):
    """What an alert says of its rule: compiler's RuleInfo."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def author(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def references(self) -> Sequence[str]: ...
    @property
    def falsepositives(self) -> Sequence[str]: ...


class AlertWriter:
    """Makes JSON lines of the frames of one rule table.

    `lines` (of rule_lines) and `field_names` are in the table's order. With `host` alerts are live: they name the host
    and what was lost, and the event by an id that begins with `run`, this run's name; without it the event is named by
    its place in `files`, a replay's inputs. Names of users are the engine's.
    """

    def __init__(
        self,
        engine: Engine,
        lines: RuleLines,
        field_names: Iterable[str],
        *,
        host: str | None = None,
        run: str = "",
        files: Iterable[str] = (),
    ) -> None:
        listed = dict(
            zip(("rules", "levels", "fields", "files"), (*lines, _lines(field_names), _lines(files)), strict=True)
        )
        said = {"host": b"" if host is None else json_text(host), "run": run.encode("ascii")}
        self._held = {name: ffi.from_buffer("char[]", text) for name, text in listed.items()}  # borrowed by the core
        self._held |= {name: ffi.new("char[]", text) for name, text in said.items()}
        out = ffi.new("struct sn_alerts **")
        options = ffi.new("struct sn_alert_texts *", self._held | {n: (self._held[n], len(listed[n])) for n in listed})
        check(lib.sn_alerts__new(engine.pointer, options, out), "prepare the alerts' texts")
        self._pointer = ffi.gc(out[0], lib.sn_alerts__free)
        self._engine = engine  # must live as long: it knows the users
        self._room = ffi.new("char[]", _FIRST_ROOM)

    def set_clock(self, boot_to_epoch_ns: int) -> None:
        """What to add to a record's time from now on to get ns since the epoch; 0, as at first, when it is not known:
        `time` is then left out."""
        lib.sn_alerts__set_clock(self._pointer, boot_to_epoch_ns)

    def write(self, frames: bytes | memoryview) -> Iterator[Lines]:
        """`frames` (as Engine.take_raw has them, all of one generation) as blocks of whole lines, in order; each is
        valid until the next one is asked for."""
        progress = ffi.new("struct sn_alert_progress *")
        raw = ffi.from_buffer(frames)
        while progress.used < len(frames):
            before = progress.lines
            size = lib.sn_alerts__json(self._pointer, raw, len(frames), progress, self._room, len(self._room))
            if size != -errno.ENOSPC:
                view = memoryview(ffi.buffer(self._room, check(size, "write an alert")))
                yield Lines(view, progress.lines - before)
            if progress.used < len(frames) and (size < 0 or len(self._room) < _MOST_ROOM):
                self._room = ffi.new("char[]", 2 * len(self._room))


def by_generation(frames: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Runs of frames of one rule table: (its generation, the frames)."""
    begin = at = generation = 0
    while at < len(frames):
        alert = ffi.cast("struct sn_alert *", ffi.from_buffer(frames[at:]))
        if alert.generation != generation and at > begin:
            yield generation, frames[begin:at]
            begin = at
        generation = alert.generation
        at += alert.size
    if at > begin:
        yield generation, frames[begin:at]


def frame_bytes(frame: Frame) -> bytes:
    """A frame as Engine.take_raw has it: the way back of Engine.take."""
    event = frame.event + b"\0" * (-len(frame.event) % 8)
    parts = b"".join(getattr(frame, name) for name in FRAME_PARTS)
    body = event + frame.process + b"".join(frame.lineage) + parts
    alert = ffi.new(
        "struct sn_alert *",
        {
            **{name: getattr(frame, name) for name in FRAME_NUMBERS},
            "size": ffi.sizeof("struct sn_alert") + len(body),
            "cause_field": NO_ROUTE if frame.cause_field is None else frame.cause_field,
            "event_size": len(frame.event),
            "process_size": len(frame.process),
            "lineage": len(frame.lineage),
            "lineage_complete": frame.lineage_complete,
            **{size: len(getattr(frame, name)) for name, size in FRAME_PARTS.items()},
        },
    )
    return bytes(ffi.buffer(alert)) + body


def _lines(values: Iterable[Any]) -> bytes:
    return b"".join(json_text(value) + b"\n" for value in values)


def rule_lines(rules: Iterable[Rule]) -> RuleLines:
    """What alerts say of each rule, as JSON: a line a rule, and its level."""
    maps = [rule_map(rule) for rule in rules]
    return _lines(maps), _lines(rule["level"] for rule in maps)


def rule_map(rule: Rule) -> dict[str, Any]:
    """A rule without a level counts as informational: somebody has to say that it is more."""
    described = {
        "author": rule.author,
        "description": rule.description,
        "references": list(rule.references),
        "falsepositives": list(rule.falsepositives),
    }
    needed = {"id": rule.id, "title": rule.title, "level": rule.level or "informational", "tags": list(rule.tags)}
    return needed | {name: value for name, value in described.items() if value}
