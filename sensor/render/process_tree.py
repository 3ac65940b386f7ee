"""A process among its relatives: the ancestors, what they started beside it, what it started."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sensor.encode import rfc3339
from sensor.escape import escape
from sensor.render.command import command_text, name_of
from sensor.render.parts import DIM, NAME, SUBJECT, WARN, Paper, number, span, text
from sensor.terminal import clip, columns, pieces

_LINES_MOST = 200
_CHILDREN_MOST = 24  # of one process; the others are counted
_COMMAND_LINES = 4
_SIBLING_NAMES = 6
_NAME_COLUMNS = 24
_PID_COLUMNS = 9  # with its parentheses: the kernel's largest has 7 digits
_STEP = 3  # columns that a child stands further in
_LEAST_COMMAND = 12

Process = Mapping[str, Any]  # a record as a map: record_json
Identity = tuple[int, int]


def identity(process: Process) -> Identity:
    """(pid, start)."""
    return int(process["pid"]), int(process["start"])


class Family:
    """Processes by who started whom. `at`: the moment that is shown, ns since boot; what began later is left out."""

    def __init__(self, processes: Sequence[Process], at: int) -> None:
        self.at = at
        self._known = {identity(each): each for each in processes if each["start"] <= at}
        self._children: dict[Identity, list[Process]] = defaultdict(list)
        for each in self._known.values():
            if (parent := self._creator(each)) is not None:
                self._children[parent].append(each)

    @staticmethod
    def _creator(process: Process) -> Identity | None:
        if process.get("creator_pid"):
            return int(process["creator_pid"]), int(process.get("creator_start", 0))
        if process.get("parent_unknown") or not process.get("ppid"):
            return None
        return int(process["ppid"]), int(process.get("parent_start", 0))

    def lived(self, process: Process) -> bool:
        """At the moment that is shown."""
        return not process.get("exited") or process.get("exit_time", 0) > self.at

    def find(self, pid: int) -> Process | None:
        """The process of that pid that lived then; else the last that had it."""
        found = [each for (known, _), each in self._known.items() if known == pid]
        return max(found, key=lambda each: (self.lived(each), each["start"]), default=None)

    def ancestors(self, process: Process) -> list[Process]:
        """Oldest first, without the process itself."""
        path: list[Process] = []
        seen = {identity(process)}
        parent = self._creator(process)
        while parent in self._known and parent not in seen:
            seen.add(parent)
            path.append(self._known[parent])
            parent = self._creator(path[-1])
        return path[::-1]

    def children(self, process: Process) -> list[Process]:
        """Oldest first."""
        return sorted(self._children.get(identity(process), ()), key=lambda each: each["start"])

    def is_whole(self, oldest: Process) -> bool:
        """Whether nothing is missing above `oldest`."""
        return self._creator(oldest) is None and not oldest.get("parent_unknown")


@dataclass(frozen=True)
class Shown:
    """How a tree is shown: `users` names uids, `boot_to_epoch_ns` turns times into those of the wall."""

    family: Family
    users: Mapping[int, str]
    boot_to_epoch_ns: int
    paper: Paper


def tree_of(process: Process, shown: Shown) -> Iterator[str]:
    """Lines: ancestors one below the other, the others that the parent started in one line, the process with its whole
    command, everything that it started."""
    family, paper = shown.family, shown.paper
    path = family.ancestors(process)
    older = len(path) - paper.width // 2 // _STEP
    if older > 0:
        yield paper.paint(f"… {older} older", DIM)
        path = path[older:]
    elif not family.is_whole([*path, process][0]):
        yield paper.paint("… not known from here up", DIM)
    for depth, each in enumerate(path):
        yield from _lines(each, _indent(depth), "", shown)
    if path and (others := _siblings(process, shown)):
        yield f"{' ' * (_STEP * (len(path) - 1))}├─ {paper.paint(clip(others, paper.width - _STEP * len(path)), DIM)}"
    yield from _lines(process, _indent(len(path)), " " * (_STEP * len(path)), shown, is_subject=True)
    below = _below(process, " " * (_STEP * len(path)), shown, {identity(process)})
    yield from islice(below, _LINES_MOST)
    if next(below, None) is not None:
        yield paper.paint("… and more", DIM)


def _indent(depth: int) -> str:
    return "" if depth == 0 else " " * (_STEP * (depth - 1)) + "└─ "


def _below(process: Process, margin: str, shown: Shown, above: set[Identity]) -> Iterator[str]:
    """`above`: those that it descends from, which damaged records could name again."""
    children = [each for each in shown.family.children(process) if identity(each) not in above]
    deep = columns(margin) > shown.paper.width // 2  # further in there would be no room
    kept = [] if deep else children[:_CHILDREN_MOST]
    for number_, each in enumerate(kept):
        last = number_ == len(children) - 1
        yield from _lines(each, f"{margin}{'└─ ' if last else '├─ '}", "", shown)
        yield from _below(each, f"{margin}{'   ' if last else '│  '}", shown, above | {identity(each)})
    if rest := children[len(kept) :]:
        told = clip(_counted(rest), shown.paper.width - columns(margin) - _STEP)
        yield f"{margin}└─ {shown.paper.paint(told, DIM)}"


def _siblings(process: Process, shown: Shown) -> str:
    parent = shown.family.ancestors(process)[-1]
    others = [each for each in shown.family.children(parent) if identity(each) != identity(process)]
    return f"beside it {_counted(others)}" if others else ""


def _counted(processes: Sequence[Process]) -> str:
    names = Counter(name_of(each) for each in processes).most_common()
    told = [f"{clip(name, _NAME_COLUMNS)}{f' x{n}' if n > 1 else ''}" for name, n in names[:_SIBLING_NAMES]]
    rest = sum(n for _, n in names[_SIBLING_NAMES:])
    return f"{len(processes):,}: {', '.join(told)}{f' and {rest:,} others' if rest else ''}"


def _lines(process: Process, indent: str, margin: str, shown: Shown, *, is_subject: bool = False) -> Iterator[str]:
    family, paper = shown.family, shown.paper
    room = paper.width - columns(indent)
    name = name_of(process) if not process.get("kernel_thread") else "kernel"
    label = f"{clip(name, min(_NAME_COLUMNS, room // 2 - _PID_COLUMNS))}({process['pid']})"
    end = _end(process, shown)
    tail = "  " + clip(end, room - columns(label) - 2) if end else ""
    room -= columns(label) + columns(tail) + 1
    style = SUBJECT if is_subject else NAME if family.lived(process) else DIM
    most = _COMMAND_LINES if is_subject else 1
    command = pieces(command_text(process, room * most), room, most) if room >= _LEAST_COMMAND else [""]
    yield f"{indent}{paper.paint(label, style)} {command[0]}{paper.paint(tail, WARN)}".rstrip()
    under = " " * (columns(indent) + columns(label) + 1)
    for line in command[1:]:
        yield under + line
    if is_subject:
        yield margin + paper.paint(clip(_who(process, shown), paper.width - columns(margin)), DIM)


def _who(process: Process, shown: Shown) -> str:
    uid = text(process, "uid")
    user = shown.users.get(int(uid), "") if uid.isdecimal() else ""
    since = rfc3339(int(process["start"]) + shown.boot_to_epoch_ns, 3)
    changed = number(process, "time") or 0
    parts = [
        f"   {user or 'uid ' + uid}" if uid else "  ",
        f"in {text(process, 'cwd')}" if text(process, "cwd") else "",
        f"on {text(process, 'tty')}" if text(process, "tty") else "",
        f"since {since}",
    ]
    if changed > shown.family.at and not process.get("reduced"):
        parts.append(f"became this program at {rfc3339(int(changed) + shown.boot_to_epoch_ns, 3)}")
    return ", ".join(part for part in parts if part)


def _end(process: Process, shown: Shown) -> str:
    """How a process that is gone ended, as of the moment that is shown."""
    if not process.get("exited"):
        return ""
    when = int(process.get("exit_time", 0))
    if not when:
        return "exited, unseen"
    signal, code = text(process, "exit_signal"), text(process, "exit_code") or "0"
    how = f"signal {signal}" if signal else f"code {code}"
    ago = (shown.family.at - when) / 1e9
    return escape(f"exited {span(ago)} ago, {how}" if ago >= 0 else f"exited {span(-ago)} later, {how}")
