"""`linsang alerts`: files of alerts as stories, or as JSON lines; all there is, or as they are written."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sensor.alert_files import Found, read
from sensor.alert_follow import Follower
from sensor.encode import Alert, rfc3339, to_line
from sensor.errors import InputError, UsageError
from sensor.escape import escape
from sensor.render import Renderer, level_of, story_of
from sensor.terminal import LEAST_WIDTH, LEVELS, clip, say, terminal_width, wants_colour

_FAULTS_SHOWN = 5
_RULES_SHOWN = 5
_BEFORE_TITLE = 19  # columns of a count and an id
_CONTEXT_WAIT_NS = 15_000_000_000  # an event's context comes 5 s after it, at most so much later in the file
_HELD_MOST = 1000
_LOOK_S = 0.2


@dataclass(frozen=True)
class Filter:
    """Which alerts are shown. `rules`: ids, beginnings of ids, parts of titles, whatever the case; one has to fit.
    `since_ns`: since the epoch. `level`: the lowest that is shown."""

    rules: tuple[str, ...] = ()
    since_ns: int | None = None
    level: str = LEVELS[0]

    def passes(self, alert: Alert) -> bool:
        """Whether the alert is shown; one without a time is not since any."""
        if self.since_ns is not None and alert.get("time", -1) < self.since_ns:
            return False
        if LEVELS.index(level_of(alert)) < LEVELS.index(self.level):
            return False
        name, title = (str(alert["rule"].get(key, "")).lower() for key in ("id", "title"))
        return not self.rules or any(name.startswith(r.lower()) or r.lower() in title for r in self.rules)

    def __str__(self) -> str:
        parts = [f"of a rule {' or '.join(f'`{r}`' for r in self.rules)}"] if self.rules else []
        parts += [f"of level {self.level} or above"] if self.level != LEVELS[0] else []
        parts += [f"since {rfc3339(self.since_ns, 3)}"] if self.since_ns is not None else []
        return " ".join(parts)


@dataclass
class Counts:
    """What was read and shown."""

    read: int = 0
    shown: int = 0
    stories: int = 0
    faults: int = 0
    timeless: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: int = 0
    last: int = 0

    def add(self, alert: Alert) -> None:
        """One that is shown."""
        self.shown += 1
        self.levels[level_of(alert)] += 1
        self.rules[(str(alert["rule"].get("id", "")), str(alert["rule"].get("title", "")))] += 1
        if when := alert.get("time", 0):
            self.first = min(self.first or when, when)
            self.last = max(self.last, when)

    def lines(self, what: str, width: int) -> list[str]:
        """The closing words. `what`: the filter in words; `width`: columns that a title's line may take."""
        left_out = f"; {self.faults:,} lines are none" if self.faults else ""
        left_out += f"; {self.timeless:,} have no time" if self.timeless else ""
        if not self.shown:
            return [f"no alert{f' {what}' if what else ''}, of {self.read:,} that were read{left_out}"]
        levels = ", ".join(f"{self.levels[level]:,} {level}" for level in reversed(LEVELS) if self.levels[level])
        between = f", {rfc3339(self.first, 3)} to {rfc3339(self.last, 3)}" if self.first else ""
        of = f" of {self.read:,}" if self.read > self.shown else ""
        lines = [f"{self.shown:,} alerts{of}, {self.stories:,} events{between}: {levels}{left_out}"]
        most = self.rules.most_common(_RULES_SHOWN)
        lines += [f"{count:>7,}  {rule[:8]:<8}  {clip(title, width - _BEFORE_TITLE)}" for (rule, title), count in most]
        if len(self.rules) > len(most):
            rest = self.shown - sum(count for _, count in most)
            lines.append(f"{rest:>7,}  of {len(self.rules) - len(most):,} other rules")
        return lines


def is_context(alert: Alert) -> bool:
    """It is no alert of its own, but what happened around one."""
    event = alert.get("event")
    return isinstance(event, dict) and event.get("type") == "context"


def keys_of(context: Alert) -> set[object]:
    """The stories that a context is of, as story_of names them."""
    names = context.get("of")
    events = names if isinstance(names, list) else []
    return {story_of({**context, "event": {"id": name}}) for name in events} | {story_of(context)}


class Stories:
    """Alerts in order to stories: those of one event together, and with them the context that was written later. A
    story is held back only as long as its context may still come."""

    def __init__(self) -> None:
        self._held: deque[list[Alert]] = deque()

    def add(self, alert: Alert) -> Iterator[list[Alert]]:
        """The stories that are complete now."""
        if is_context(alert):
            yield from self._join(alert)
            return
        if self._held and story_of(self._held[-1][0]) == story_of(alert):
            self._held[-1].append(alert)
            return
        self._held.append([alert])
        while len(self._held) > 1 and (len(self._held) > _HELD_MOST or not self._may_come(alert)):
            yield self._held.popleft()

    def _join(self, context: Alert) -> Iterator[list[Alert]]:
        """Gives it to the stories that it is of; told by itself where they are told already."""
        told = {name: context[name] for name in ("connections", "connections_complete") if name in context}
        of = keys_of(context)
        theirs = [story for story in self._held if story_of(story[0]) in of]
        for story in theirs:
            story[0] = {**story[0], **told}
        if not theirs:
            yield from self.flush()
            yield [context]

    def _may_come(self, alert: Alert) -> bool:
        oldest = self._held[0][0]
        event = oldest.get("event")
        named = isinstance(event, dict) and "id" in event
        return named and alert.get("time", 0) - oldest.get("time", 0) < _CONTEXT_WAIT_NS

    def flush(self) -> Iterator[list[Alert]]:
        """All that are held."""
        while self._held:
            yield self._held.popleft()


class _Output:
    """Where stories go: standard output, in one of both forms."""

    def __init__(self, form: str, color: str) -> None:
        self._json = form == "json"
        self._begun = False
        terminal = sys.stdout.isatty()
        self._fd = sys.stdout.fileno() if terminal else -1
        self._renderer = Renderer(colour=wants_colour(terminal, os.environ, color), width=terminal_width(self._fd))

    def story(self, story: Sequence[Alert]) -> None:
        if self._json:
            data = b"".join(map(to_line, story))
        else:
            self._renderer.width = terminal_width(self._fd)
            self._begun = True
            data = self._renderer.story(story)
        sys.stdout.buffer.write(data)

    @property
    def width(self) -> int:
        """Columns, LEAST_WIDTH at least."""
        return max(self._renderer.width, LEAST_WIDTH)

    def close(self, lines: Iterable[str]) -> None:
        if self._begun:
            sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()
        for line in lines:
            if self._json:
                say(line)
            else:
                print(escape(line))


@dataclass(frozen=True)
class Showing:
    """How they are shown: `form` is pretty or json, `color` one of terminal.COLOUR_CHOICES."""

    which: Filter = Filter()
    follow: bool = False
    form: str = "pretty"
    color: str = "auto"


def alerts(paths: Sequence[str], showing: Showing) -> int:
    """Shows the alerts of `paths`; 0 is the exit code, also where there is none. InputError: a file cannot be read, or
    nothing in it is an alert. UsageError: several files, or standard input, are to be followed."""
    counts, out = Counts(), _Output(showing.form, showing.color)
    if showing.follow and (len(paths) != 1 or paths[0] == "-"):
        raise UsageError("one file at a time can be followed", "give one FILE")
    with suppress(KeyboardInterrupt):
        found = _followed(paths[0]) if showing.follow else (each for path in paths for each in read(path))
        for story in _stories(found, showing, counts):
            out.story(story)
            counts.stories += not is_context(story[0])
            if showing.follow:
                sys.stdout.buffer.flush()
    if counts.faults and not counts.read:
        raise InputError(paths[0], -1, f"none of {counts.faults:,} lines is an alert", "give what `file:` wrote")
    out.close(counts.lines(str(showing.which), out.width))
    return 0


def _followed(path: str) -> Iterator[Found | None]:
    if not Path(path).exists():
        say(f"{path} is not there yet: waiting for it")

    def wait() -> bool:
        time.sleep(_LOOK_S)
        return True

    return iter(Follower(path, wait, say))


def _stories(found: Iterable[Found | None], showing: Showing, counts: Counts) -> Iterator[list[Alert]]:
    stories, which = Stories(), showing.which
    shown: set[object] = set()
    for each in found:
        if each is None:
            yield from stories.flush()
        elif each.fault:
            _tell(each, counts)
        elif is_context(each.alert):
            if keys_of(each.alert) & shown:
                yield from stories.add(each.alert)
        else:
            counts.read += 1
            counts.timeless += which.since_ns is not None and "time" not in each.alert
            if which.passes(each.alert) and _can_be_shown(each, showing, counts):
                counts.add(each.alert)
                shown = shown if len(shown) < _HELD_MOST else set()
                shown.add(story_of(each.alert))
                yield from stories.add(each.alert)
            if showing.form == "json":  # each line stays one
                yield from stories.flush()
    yield from stories.flush()


def _can_be_shown(found: Found, showing: Showing, counts: Counts) -> bool:
    """msgpack can hold what JSON cannot: bytes, other types."""
    if showing.form != "json":
        return True
    try:
        to_line(found.alert)
    except (TypeError, ValueError) as error:
        _tell(Found(found.path, found.number, fault=f"cannot be written as JSON: {error}"), counts)
        return False
    return True


def _tell(found: Found, counts: Counts) -> None:
    counts.faults += 1
    if counts.faults <= _FAULTS_SHOWN:
        say(f"{found.path}:{found.number}: left out: {found.fault}")
    if counts.faults == _FAULTS_SHOWN:
        say("further ones are counted only")
