"""Who started whom: the lineage as a tree, the chain in one line, and where it all came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from sensor.escape import escape
from sensor.render.command import command_text, name_of
from sensor.render.parts import DIM, NAME, PAYLOAD, SUBJECT, Paper, mapping, mappings, text, texts
from sensor.terminal import clip, columns, pieces

COMMAND_LINES = 4  # the process's own command takes at most so many; beyond that its middle is left out
_NAME_COLUMNS = 24
_PID_COLUMNS = 9  # with its parentheses: the kernel's largest has 7 digits
_MARK_COLUMNS = 7  # half of two arrows and what says how many were left out
_STEP = 3  # columns that a child stands further in

# What a program among the ancestors says of how it began. The nearest counts.
_ORIGINS = {
    **dict.fromkeys(("sshd", "sshd-session", "dropbear"), "an ssh session"),
    **dict.fromkeys(("login", "agetty", "getty"), "a console login"),
    **dict.fromkeys(("gdm-session-worker", "lightdm", "sddm-helper"), "a desktop session"),
    **dict.fromkeys(("cron", "crond", "anacron", "fcron", "busybox-cron"), "a cron job"),
    **dict.fromkeys(("atd",), "an at job"),
    **dict.fromkeys(("containerd-shim", "containerd-shim-runc-v2", "conmon", "dockerd"), "a container"),
}
_INIT = 1
_INITS = {"systemd", "init"}


def path_of(alert: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The oldest known ancestor first, the process itself last."""
    process = mapping(alert, "process")
    return [*reversed(mappings(alert, "lineage")), *([process] if process else [])]


def origin_of(alert: Mapping[str, Any]) -> str:
    """What it began with, in words: a login, a job, a service; "" when that is not known."""
    ancestors = mappings(alert, "lineage")
    for entry in ancestors:
        if found := _ORIGINS.get(name_of(entry)):
            return found
    if len(ancestors) >= 2 and ancestors[-1].get("pid") == _INIT and name_of(ancestors[-1]) in _INITS:
        return f"the service {name_of(ancestors[-2])}"
    return ""


def tree_lines(alert: Mapping[str, Any], paper: Paper) -> list[str]:
    """A line an ancestor, each child one step further in; the process with more of its command. Where the lineage is
    not known to its beginning, it begins with `…`."""
    path = path_of(alert)
    if not path:
        return []
    deepest = max(1, (paper.width - 40) // _STEP)  # further in there would be no room for the command
    above = max(0, len(path) - deepest - 1)
    head = ""
    if above:
        head = f"… {above} older"
    elif alert.get("lineage_complete") is False:
        head = "… not known from here up"
    lines = [paper.paint(head, DIM)] if head else []
    shown = path[above:]
    for number, entry in enumerate(shown):
        is_subject = number == len(shown) - 1 and bool(mapping(alert, "process"))
        lines += _entry_lines(entry, number + bool(head), is_subject, paper)
    return lines


def _entry_lines(entry: Mapping[str, Any], depth: int, is_subject: bool, paper: Paper) -> list[str]:
    indent = "" if depth == 0 else " " * (_STEP * (depth - 1)) + "└─ "
    pid = text(entry, "pid")
    name = clip(name_of(entry), min(_NAME_COLUMNS, paper.width // 2 - _PID_COLUMNS))
    label = f"{name}({clip(pid, _PID_COLUMNS - 2)})" if pid else name
    room = paper.width - len(indent) - columns(label) - 1
    most = COMMAND_LINES if is_subject else 1
    command = pieces(command_text(entry, room * most), room, most)
    first = f"{indent}{paper.paint(label, SUBJECT if is_subject else NAME)} {command[0]}".rstrip()
    return [first, *(" " * (len(indent) + columns(label) + 1) + line for line in command[1:])]


def chain_line(alert: Mapping[str, Any], paper: Paper) -> str:
    """Every program from the login or service down to the last proxy: `cron → sh → env → nice → bash`; "" where nothing
    was run through another."""
    chain = texts(alert, "proxy", "chain")
    if not chain:
        return ""
    path = path_of(alert)
    before = _without_proxies([name_of(entry) for entry in path[:-1]], chain, name_of(path[-1])) if path else []
    if before and path[0].get("pid") == _INIT:
        before = before[1:]
    before = [name for name, _ in groupby(before)]
    longest = min(_NAME_COLUMNS, paper.width // 2 - _MARK_COLUMNS)  # so that at least two fit
    shown = [(clip(name, longest), DIM) for name in before]
    shown += [(clip(name, longest), SUBJECT) for name in chain]
    return _joined(shown, paper)


def _without_proxies(ancestors: list[str], chain: list[str], own: str) -> list[str]:
    """A proxy that forked is an ancestor too: the last ancestors, as far as they are proxies before `own`, in the order
    of the chain."""
    left = _before_last(chain, own) if own in chain else chain
    while ancestors and ancestors[-1] in left:
        left = _before_last(left, ancestors.pop())
    return ancestors


def _before_last(names: list[str], name: str) -> list[str]:
    return names[: len(names) - 1 - names[::-1].index(name)]


def _joined(names: Sequence[tuple[str, str]], paper: Paper) -> str:
    """With arrows between; as many from the middle left out as it takes."""
    left = list(names)
    while len(left) > 2 and _chain_columns(left, len(names)) > paper.width:
        del left[len(left) // 2]
    half = len(left) // 2 + len(left) % 2 if len(left) < len(names) else len(left)
    words = [paper.paint(name, style) for name, style in left]
    if len(left) < len(names):
        words.insert(half, f"… {len(names) - len(left)} …")
    return " → ".join(words)


def _chain_columns(left: Sequence[tuple[str, str]], whole: int) -> int:
    mark = 0 if len(left) == whole else len(f" → … {whole - len(left)} …")
    return sum(columns(name) + 3 for name, _ in left) - 3 + mark


def payload_lines(alert: Mapping[str, Any], paper: Paper, most: int = 8) -> list[str]:
    """What the chain was made to run: what it is, and below it, set apart by a bar, its text or its command."""
    payload = mapping(alert, "proxy", "payload")
    command = text(payload, "command_line")
    head = [clip(text(payload, "kind"), _NAME_COLUMNS) or "not known"]
    for name in ("path", "url"):
        value = text(payload, name)
        if value and value != command.split(" ", 1)[0]:
            head.append(clip(value, paper.width - 2))
    if payload.get("truncated"):
        head.append("goes on beyond what is known")
    lines = [", ".join(head)] if sum(map(columns, head)) + 2 * len(head) <= paper.width else head
    room = max(paper.width - 2, 8)
    argv = payload.get("argv")
    if isinstance(argv, list) and argv:
        shown = pieces(command_text(payload, room * most), room, most)
    else:
        shown = _script_lines(command, room, most)
    return [*lines, *(f"{paper.paint('│', PAYLOAD)} {paper.paint(line, PAYLOAD)}" for line in shown)]


def _script_lines(script: str, room: int, most: int) -> list[str]:
    """A script keeps its own lines as long as there is room for them; else it is one text, cut in the middle."""
    if not script:
        return []
    lines = script.removesuffix("\n").split("\n")
    if len(lines) <= most and all(columns(escape(line)) <= room for line in lines):
        return [escape(line) for line in lines]
    return pieces(clip(script, room * most), room, most)
