"""What is known of the files behind an alert: what speaks for them, what against, and who wrote them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sensor.escape import escape
from sensor.render.command import name_of
from sensor.render.parts import BAD, DIM, GOOD, Paper, is_true, mapping, number, span, text, texts
from sensor.terminal import clip, folded, pieces

_YOUNG_S = 3600.0  # a file that changed within an hour of its exec is worth a word
_OLD_S = 30 * 86400.0
_WRITABLE = {
    "group": "its group may write it",
    "world": "anyone may write it",
    "folder": "others may replace it in its folder",
}
_FILESYSTEMS = {
    "memfd": "it lies in memory and has no name (memfd)",
    "tmpfs": "on a tmpfs",
    "overlay-upper": "changed in the container (upper layer)",
}


def subjects(alert: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(what it is called, its facts) of the executed file and of the payload, once where they are the same."""
    own = text(alert, "process", "image") or text(alert, "fields", "Image")
    path = text(alert, "proxy", "payload", "path") or text(alert, "fields", "PayloadPath")
    payload = mapping(alert, "facts", "payload")
    if (image := mapping(alert, "facts", "image")) and not (payload and own == path):
        yield name_of(mapping(alert, "process") or {"image": own}), image
    if payload:
        yield path or "payload", payload


def speaks_for(facts: Mapping[str, Any]) -> list[str]:
    """Short phrases."""
    found = []
    if text(facts, "trust") == "packaged":
        package = " ".join(word for word in (text(facts, "package"), text(facts, "version")) if word)
        found.append(f"as {package or 'a package'} has it")
    if is_true(facts, "signed"):
        expired = "; it has expired" if text(facts, "signature_status") == "Expired" else ""
        found.append(f"signed by {text(facts, 'signature') or 'somebody without a name'}{expired}")
    if text(facts, "owner") == "root" and text(facts, "writable") in {"", "no"}:
        found.append("only root can change it")
    age = number(facts, "age_s")
    if age is not None and age >= _OLD_S:
        found.append(f"unchanged for {span(age)}")
    if text(facts, "first_seen").lower() == "false":
        found.append("run here before")
    return found


def speaks_against(facts: Mapping[str, Any]) -> list[str]:
    """Short phrases."""
    found = []
    trust = text(facts, "trust")
    if trust == "modified":
        found.append(f"not as {text(facts, 'package') or 'its package'} has it: modified")
    elif trust == "unpackaged":
        found.append("of no package")
    if text(facts, "signed").lower() == "false":
        status = text(facts, "signature_status")
        found.append("not signed" if status == "Unavailable" else f"its signature does not hold: {status or 'unknown'}")
    found += [_WRITABLE[text(facts, "writable")]] if text(facts, "writable") in _WRITABLE else []
    if text(facts, "owner") not in {"", "root"}:
        found.append(f"{text(facts, 'owner')}'s")
    found += [_FILESYSTEMS[text(facts, "filesystem")]] if text(facts, "filesystem") in _FILESYSTEMS else []
    age = number(facts, "age_s")
    if age is not None and age < _YOUNG_S and trust != "packaged":  # else it has just been upgraded
        found.append(f"changed {span(age)} before")
    if privilege := texts(facts, "privilege"):
        found.append(f"has {', '.join(privilege)}")
    if is_true(facts, "first_seen"):
        found.append("never run here before")
    return found


def trust_lines(alert: Mapping[str, Any], paper: Paper) -> list[str]:
    """What speaks against each file, then what speaks for it."""
    lines = []
    for mark, colour, speaks in (("-", BAD, speaks_against), ("+", GOOD, speaks_for)):
        for name, facts in subjects(alert):
            if phrases := speaks(facts):
                told = f"{clip(name, paper.width // 2)}: {escape(', '.join(phrases))}"
                lines += _marked(mark, colour, folded(told, paper.width - 2, 4), paper)
    if is_true(alert, "fields", "RenamedProxy"):
        told = f"it is {text(alert, 'fields', 'ProxyIdentity')} under another name"
        lines = [*_marked("-", BAD, [clip(told, paper.width - 2)], paper), *lines]
    return lines


def _marked(mark: str, colour: str, told: list[str], paper: Paper) -> list[str]:
    return [f"{paper.paint(mark, colour)} {told[0]}", *(f"  {line}" for line in told[1:])]


def written_lines(alert: Mapping[str, Any], paper: Paper) -> list[str]:
    """Who wrote each file, when, and where from."""
    lines = []
    for name, facts in subjects(alert):
        writer = mapping(facts, "writer")
        if not writer:
            continue
        age = number(writer, "age_s")
        pid = text(writer, "pid")
        who = f"{name_of(writer)}({pid})" if pid else name_of(writer)
        user = f" of {text(writer, 'user')}" if text(writer, "user") else ""
        when = f", {span(age)} before" if age is not None else ""
        lines += folded(clip(f"{name} by {who}{user}{when}", 2 * paper.width), paper.width, 3)
        if command := text(writer, "command_line"):
            room = paper.width - 2
            lines += [f"  {line}" for line in pieces(clip(command, 2 * room), room, 2)]
        sources = [text(writer, key) for key in ("url", "destination_ip") if text(writer, key)]
        if sources:
            lines.append(f"  {paper.paint('from', DIM)} {clip(', '.join(sources), paper.width - 7)}")
    return lines
