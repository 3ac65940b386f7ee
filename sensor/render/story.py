"""An alert for human eyes, as a small story: how bad, what happened, who started whom, what was really run, what speaks
for and against it, and what is not known.

    HIGH       Title of the rule                                        2026-11-21T13:26:06.869Z  web1
               alice made env run inline bash code through nice and timeout, from an ssh session.
      tree     systemd(1)
               └─ sshd(811) ...
      chain    sshd → bash → env → nice → timeout → bash
      payload  inline script
               │ id | tee /tmp/x
      ...

The alerts of one event are one story: the rules are listed, the rest is told once. Everything in an alert may have been
chosen by an attacker, and may be anybody's JSON: nothing of it reaches the terminal but through sensor.escape, and what
has another shape than expected is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sensor.encode import Alert, rfc3339
from sensor.escape import escape
from sensor.render.command import name_of
from sensor.render.lineage import chain_line, path_of, payload_lines, tree_lines
from sensor.render.network import network_lines
from sensor.render.parts import BOLD, DIM, WARN, Paper, is_true, mapping, mappings, number, text, texts
from sensor.render.sentence import sentence
from sensor.render.trust import trust_lines, written_lines
from sensor.terminal import LEAST_WIDTH, LEVELS, clip, columns, folded

_Part = Callable[[Sequence[Alert], Paper], list[str]]

_TITLE_LINES = 3
_MARGIN = 11  # where the text begins; the labels and the level stand left of it
_SAID_BY_STORY = ("Destination", "Source", "Protocol", "Query", "Target")


def story_of(alert: Alert) -> object:
    """What is the same for all alerts of one event, and for no others."""
    event = mapping(alert, "event")
    if "id" in event:
        return text(alert, "host"), text(event, "id")
    if "index" in event:
        return text(event, "file"), text(event, "index")
    return id(alert)


def by_story(alerts: Iterable[Alert]) -> Iterator[list[Alert]]:
    """Runs of alerts of one event."""
    group: list[Alert] = []
    for alert in alerts:
        if group and story_of(group[-1]) != story_of(alert):
            yield group
            group = []
        group.append(alert)
    if group:
        yield group


def level_of(alert: Alert) -> str:
    """One of LEVELS; what a rule does not say is informational."""
    level = text(alert, "rule", "level")
    return level if level in LEVELS else LEVELS[0]


def _gravity(alert: Alert) -> tuple[int, bool]:
    return LEVELS.index(level_of(alert)), alert.get("verdict") != "undecidable"


@dataclass(frozen=True)
class _Sameness:
    """What two stories have in common that tell one thing: the rules, the payload; and whose they are."""

    what: tuple[object, ...]
    process: tuple[object, ...]
    parent: tuple[object, ...]
    family: frozenset[tuple[object, ...]]  # the processes of all stories that carry on one another

    @classmethod
    def of(cls, alerts: Sequence[Alert]) -> _Sameness | None:
        """None: nothing can carry it on."""
        payload, process = mapping(alerts[0], "proxy", "payload"), mapping(alerts[0], "process")
        if not payload or not process or mapping(alerts[0], "undecidable"):
            return None
        rules = frozenset(text(alert, "rule", "id") for alert in alerts)
        what = (text(alerts[0], "host"), rules, *(text(payload, name) for name in ("kind", "command_line", "path")))
        parent = next(iter(mappings(alerts[0], "lineage")), {})
        own = _identity(process)
        return cls(what, own, _identity(parent), frozenset({own}))

    def continues(self, before: _Sameness) -> bool:
        """A further exec of the same process, or of one that it forked."""
        return self.what == before.what and bool({self.process, self.parent} & before.family)


def _identity(process: object) -> tuple[object, ...]:
    return text(process, "pid"), text(process, "start")


def _again(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    process = mapping(alerts[0], "process")
    name, pid = clip(name_of(process), 24), clip(text(process, "pid"), 7)
    told = f"and again as {name}({pid}), with the same rules and payload; event {clip(_event_name(alerts[0]), 40)}"
    return [" " * _MARGIN + paper.paint(line, DIM) for line in folded(told, paper.width - _MARGIN, 3)]


class Renderer:
    """Renders stories for one output. `colour` decides on ANSI colours, `width` (columns) on the layout. `unit_of`
    names the unit of a cgroup, "" where it has none."""

    def __init__(self, *, colour: bool, width: int, unit_of: Callable[[int], str] = lambda cgroup_id: "") -> None:
        self._colour = colour
        self._unit_of = unit_of
        self.width = width
        self._before: _Sameness | None = None
        self._begun = False

    def render(self, alert: Alert) -> bytes:
        """The story of one alert."""
        return self.story([alert])

    def story(self, alerts: Sequence[Alert]) -> bytes:
        """Of the alerts of one event: lines of at most `width` columns (LEAST_WIDTH at least), an empty one before all
        but the first story; valid UTF-8. What only carries on the story before, each exec of a chain of wrappers, is
        told in a line below it."""
        before, self._before = self._before, _Sameness.of(alerts)
        if before and self._before and self._before.continues(before):
            self._before = replace(self._before, family=self._before.family | before.family)
            return _encoded(_again(alerts, self._paper()))
        gap, self._begun = [""] if self._begun else [], True
        return _encoded([*gap, *self._lines(alerts, _PARTS)])

    def tree(self, alerts: Sequence[Alert]) -> bytes:
        """As `story`, but of who started whom and what was run only."""
        return _encoded(self._lines(alerts, [(label, part) for label, part in _PARTS if label in _TREE]))

    def _paper(self) -> Paper:
        return Paper(max(self.width, LEAST_WIDTH), self._colour)

    def _lines(self, alerts: Sequence[Alert], parts: Sequence[tuple[str, _Part]]) -> list[str]:
        paper = self._paper()
        ranked = sorted(alerts, key=_gravity, reverse=True)
        cgroup = number(ranked[0], "fields", "CgroupId")
        is_live = "id" in mapping(ranked[0], "event")  # what is replayed has cgroups of another boot
        if is_live and isinstance(cgroup, int) and (unit := self._unit_of(cgroup)):
            ranked[0] = {**ranked[0], "unit": unit}
        lines = _headlines(ranked, paper)
        body = paper.narrower(_MARGIN)
        lines += [" " * _MARGIN + line for line in folded(sentence(ranked[0]), body.width, 3)]
        for label, part in parts:
            lines += _labelled(label, part(ranked, body), paper)
        return lines


def _encoded(lines: Sequence[str]) -> bytes:
    return "".join(f"{line.rstrip()}\n" for line in lines).encode("utf-8", "backslashreplace")


def _labelled(label: str, lines: Sequence[str], paper: Paper) -> list[str]:
    shown = [" " * _MARGIN + line for line in lines]
    if shown:
        painted = paper.paint(label, WARN if label in _WARNINGS else DIM)
        shown[0] = f"  {painted}{' ' * (_MARGIN - 2 - len(label))}{lines[0]}"
    return shown


def _headlines(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    """Level and title of each rule, the gravest first; on the right of the first, or below it, when and where."""
    right = "  ".join(part for part in (_time_of(alerts[0]), clip(text(alerts[0], "host"), 30)) if part)
    room = paper.width - _MARGIN
    lines: list[str] = []
    for alert in alerts:
        title = escape(text(alert, "rule", "title") or text(alert, "rule", "id"))
        first, *more = folded(title, room, _TITLE_LINES) or [""]
        lines.append(_badge(alert, paper) + paper.paint(first, BOLD))
        lines += [" " * _MARGIN + paper.paint(line, BOLD) for line in more]
        gap = room - columns(first) - columns(right)
        if right and not more and gap >= 2:
            lines[-1] += " " * gap + paper.paint(right, DIM)
        elif right:
            lines.append(" " * _MARGIN + paper.paint(clip(right, room), DIM))
        right = ""  # once
    return lines


def _badge(alert: Alert, paper: Paper) -> str:
    """The level, up to where titles begin; with a question mark where the rule could not be decided."""
    level = level_of(alert)
    badge = "INFO" if level == LEVELS[0] else level.upper()
    doubt = "?" if alert.get("verdict") == "undecidable" else ""
    return paper.paint(badge, level) + f"{doubt:<{_MARGIN - len(badge)}}"


def _time_of(alert: Alert) -> str:
    when = number(alert, "time")
    try:
        return "" if when is None else rfc3339(int(when), 3)
    except (OverflowError, ValueError, OSError):
        return ""


def _undecided(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    told: dict[str, None] = {}  # several rules may hang on one field
    for alert in alerts:
        if cause := mapping(alert, "undecidable"):
            told[
                f"{text(cause, 'cause')} is {text(cause, 'reason')}: whether the rule matches cannot be told; "
                f"its own level is {text(cause, 'level')}"
            ] = None
    return [line for what in told for line in folded(escape(what), paper.width, 3)]


def _lost(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    """What was lost around the event: the reader has to know when the story may have holes."""
    alert = alerts[0]
    notes = []
    lost = mapping(alert, "evidence", "lost")
    if recent := number(lost, "recent"):
        notes.append(f"{recent:,} events on this CPU in the 10 s before: there may be more to this")
    if is_true(alert, "evidence", "reduced"):
        notes.append("source of lower fidelity: short processes and connections are missed")
    if cut := mapping(alert, "cut"):
        notes.append(f"the alert was cut to fit its transport, from {text(cut, 'bytes')} bytes")
    if not notes and lost:
        total = number(lost, "all") or 0
        notes.append("nothing" if not total else f"nothing in the 10 s before; {total:,} events since the start")
    return [line for note in notes for line in folded(escape(note), paper.width, 2)]


def _tree(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    return tree_lines(alerts[0], paper)


def _chain(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    line = chain_line(alerts[0], paper)
    return [line] if line else []


def _payload(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    return payload_lines(alerts[0], paper) if mapping(alerts[0], "proxy", "payload") else []


def _trust(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    return trust_lines(alerts[0], paper)


def _written(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    return written_lines(alerts[0], paper)


def _network(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    return network_lines(alerts[0], paper)


def _process(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    """Where and as whom: what tells this process from another of the same program."""
    process, fields = mapping(alerts[0], "process"), mapping(alerts[0], "fields")
    user, uid = text(process, "user"), text(process, "uid")
    login, tty = text(fields, "LogonId"), text(fields, "Tty")
    pairs = [
        ("", text(process, "image")),
        ("user", f"{user} (uid {uid})" if user and uid else user),
        ("uid", "" if user else uid),
        ("login", f"uid {login}" if login and login != uid else ""),
        ("tty", tty),
        ("unit", text(alerts[0], "unit")),
        ("cwd", text(process, "cwd")),
    ]
    return _packed(pairs, paper)


def _fields(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    """Of an event that is no process start of ours: what it says, the network's members or all."""
    fields = mapping(alerts[0], "fields")
    known = bool(path_of(alerts[0]))
    shown = [(k, v) for k, v in fields.items() if not known or str(k).startswith(_SAID_BY_STORY)]
    return _packed([(str(k), " ".join(texts({"": v}, ""))) for k, v in shown if v not in ("", None)], paper)


def _notes(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    return [line for note in texts(alerts[0], "notes") for line in folded(escape(note), paper.width, 3)]


def _harmless(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    """What the author of the gravest rule says it can be instead."""
    known = [each for each in texts(alerts[0], "rule", "falsepositives") if each.lower() not in {"unknown", "none"}]
    return folded(escape("; ".join(known)), paper.width, 2)


def _rules(alerts: Sequence[Alert], paper: Paper) -> list[str]:
    lines = []
    for alert in alerts:
        tags = [tag.removeprefix("attack.") for tag in texts(alert, "rule", "tags")]
        lines += folded(
            escape("   ".join(part for part in (text(alert, "rule", "id"), " ".join(tags)) if part)), paper.width, 4
        )
    return [*lines, *_packed([("event", _event_name(alerts[0]))], paper)]


def _event_name(alert: Alert) -> str:
    event = mapping(alert, "event")
    return text(event, "id") or (f"{text(event, 'file')}:{text(event, 'index')}" if "index" in event else "")


def _packed(pairs: Iterable[tuple[str, str]], paper: Paper) -> list[str]:
    """`name value` pairs, as many on a line as fit; a pair without a value is left out."""
    lines: list[str] = []
    used = paper.width
    for name, value in pairs:
        if not value:
            continue
        name_shown = clip(name, paper.width // 3)
        before = columns(name_shown) + 1 if name_shown else 0
        shown = clip(value, paper.width - before)
        painted = f"{paper.paint(name_shown, DIM)} {shown}" if name_shown else shown
        size = before + columns(shown)
        if used + 3 + size <= paper.width:
            lines[-1] += "   " + painted
            used += 3 + size
        else:
            lines.append(painted)
            used = size
    return lines


_TREE = {"tree", "chain", "payload", "process"}
_WARNINGS = {"unclear", "note"}
_PARTS: tuple[tuple[str, _Part], ...] = (
    ("unclear", _undecided),
    ("note", _notes),
    ("tree", _tree),
    ("chain", _chain),
    ("payload", _payload),
    ("trust", _trust),
    ("written", _written),
    ("network", _network),
    ("process", _process),
    ("fields", _fields),
    ("lost", _lost),
    ("could be", _harmless),
    ("rule", _rules),
)
