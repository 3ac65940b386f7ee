"""docs/lolbas.md: which commands of Windows' own programs the grammars see through, and which not.

    LINSANG_CORPUS=FOLDER python -m sensor.compiler.lolbas > docs/lolbas.md

Facts only: names, techniques and counts. Every command that LOLBAS lists for the techniques below is unwound by the C
core, each of its parts as a process of its own.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sensor.compiler.grammar import grammar_flags, shipped_win_grammars
from sensor.errors import ConfigError
from sensor.proxy import Proxy, Start, unwind_windows

TECHNIQUES = ("T1218", "T1216", "T1127", "T1202", "T1220")
_MARK = "payload"
_CLASS = "{0000002f-0000-0000-c000-000000000046}"
_PLACEHOLDER = re.compile(r"\{(PATH_ABSOLUTE|PATH_SMB|PATH|REMOTEURL|CMD|CLSID)(?::([\w.]+))?\}")
# What is run where no placeholder says so: a part of the command -> a part of its payload.
_NAMED = {
    "/SetNotifyCmdLine": "cmd.exe",
    "socat": "socat",
    "$(calc)": "$(calc)",
    "^c^a^l^c": "calc.exe",
    "file:///C:/test/test.hta": "test.hta",
    "{00000001-": "{00000001-0000-0000-0000-0000FEEDACDC}",
    "fun.dll": "fun.dll",
    "unsigned.dll": "unsigned.dll",
    "example.dll": "example.dll",
    "calc.exe": "calc.exe",
    "/etc/shadow": "cat",
    "-p C:\\users\\cpl.internal": "C:\\users\\cpl.internal\\desktop\\asptest\\",
    "-AddinRoot:.": ".",
}
# Before a placeholder that is no payload: what is written.
_OUTPUTS = ("/out:",)
_CHOICE = re.compile(r"\[([^]|]*)\|[^]]*\]")
# What it executes starts no process of its own, LOLBAS' tags.
_INSIDE = {"DLL", "DLL (.NET)", ".NetObjects", "INF", "XSL"}


@dataclass(frozen=True)
class Command:
    """One command of one program: its lines as processes get them."""

    program: str
    technique: str
    lines: tuple[str, ...]
    wanted: tuple[str, ...]  # texts that stand in the payload, one of them; none: it is not named
    inside: bool  # it runs within the program


@dataclass(frozen=True)
class Seen:
    """How it is seen: arguments, children; empty: not."""

    command: Command
    how: str
    proxy: Proxy | None


# ---- the commands ----


def _filled(match: re.Match[str]) -> str:
    kind, tail = match[1], match[2] or ""
    name = _MARK + (tail if tail.startswith(".") else "")
    if kind == "CMD":
        return "--option" if tail == "args" else f"{_MARK}.exe --option"
    by_kind = {
        "PATH": name,
        "PATH_ABSOLUTE": f"C:\\Windows\\Temp\\{name}",
        "PATH_SMB": f"\\\\198.51.100.7\\share\\{name}",
        "REMOTEURL": f"http://198.51.100.7/{name}",
        "CLSID": _CLASS,
    }
    return by_kind[kind]


def _parts(line: str) -> Iterator[str]:
    """What cmd starts of a line: parted at & | outside of quotes, carets gone."""
    part, quoted, at = "", False, 0
    while at < len(line):
        char = line[at]
        if char == '"':
            quoted = not quoted
        if char == "^" and not quoted and at + 1 < len(line):
            at += 1
            part += line[at]
        elif char in "&|" and not quoted:
            yield part
            part = ""
        else:
            part += char
        at += 1
    yield part


def _lines(text: str) -> tuple[str, ...]:
    if text.startswith(". "):  # what is typed in PowerShell
        return ("powershell -command " + "; ".join(text.split("\n")),)
    text = text.removeprefix("diskshadow> ")
    parts = (part.strip() for line in text.split("\n") for part in _parts(line))
    return tuple(part for part in parts if part)


def _command(program: str, entry: Mapping[str, Any]) -> Command:
    text = _CHOICE.sub(r"\1", str(entry["Command"]).strip())
    tags = {tag["Execute"] for tag in entry.get("Tags") or [] if "Execute" in tag}
    named = [part for mark, part in _NAMED.items() if mark in text]
    placeholders = [m for m in _PLACEHOLDER.finditer(text) if not text[: m.start()].endswith(_OUTPUTS)]
    filled = [_CLASS if m[1] == "CLSID" else _MARK for m in placeholders if m[2] != "args"]
    lines = _lines(_PLACEHOLDER.sub(_filled, text))
    return Command(program, str(entry["MitreID"]), lines, tuple(filled or named), bool(tags) and tags <= _INSIDE)


def commands(folder: Path) -> Iterator[Command]:
    """All commands of the techniques. `folder`: LOLBAS' yml."""
    for path in sorted(folder.rglob("*.yml")):
        document: Any = yaml.load(path.read_bytes(), yaml.CSafeLoader) or {}
        for entry in document.get("Commands") or []:
            if str(entry.get("MitreID", "")).startswith(TECHNIQUES):
                yield _command(str(document["Name"]), entry)


# ---- what is seen of them ----


def _program(line: str) -> str:
    """The first word's file; of a path with blanks as far as .exe."""
    quoted = re.match(r'"([^"]*)"', line)
    if quoted:
        return quoted[1]
    path = re.match(r"[A-Za-z]:\\.*?\.exe(?=\s|$)", line, re.IGNORECASE)
    return path[0] if path else line.split(maxsplit=1)[0]


def _name(path: str) -> str:
    return path.rpartition("\\")[2].lower().removesuffix(".exe")


def _shows(proxy: Proxy, wanted: Sequence[str]) -> bool:
    texts = (proxy.path, proxy.url, proxy.text)
    return any(part.lower() in text.lower() for part in wanted for text in texts)


def seen(command: Command, grammars: bytes, flags: Mapping[str, frozenset[str]]) -> Seen:
    """By its arguments; else by what it starts."""
    starts = [Start(image=_program(line), command_line=line) for line in command.lines]
    proxies = [p for start in starts if (p := unwind_windows(grammars, start)) is not None]
    for proxy in proxies:
        if proxy.kind != "unknown" and _shows(proxy, command.wanted):
            return Seen(command, "arguments", proxy)
    own = {_name(command.program), *(_name(start.image) for start in starts), *(p.chain[-1] for p in proxies)}
    if not command.inside and any("children" in flags.get(name, frozenset()) for name in own):
        return Seen(command, "children", None)
    return Seen(command, "", proxies[-1] if proxies else None)


@cache
def all_seen(corpus: Path) -> tuple[Seen, ...]:
    """Every command of the corpus's copy."""
    grammars, flags = shipped_win_grammars(), grammar_flags(windows=True)
    return tuple(seen(command, grammars, flags) for command in commands(corpus / "reference" / "lolbas" / "yml"))


def share(found: Sequence[Seen]) -> float:
    """Of the commands, those that are seen."""
    return sum(one.how != "" for one in found) / len(found)


# ---- the page ----

# Why a command is not seen, by program.
WHY: dict[str, str] = {
    "Cmstp.exe": "one command loads a library that the registry names",
    "Ie4uinit.exe": "the file lies in the working folder",
    "Mmc.exe": "one command loads a library that the environment names",
    "OfflineScannerShell.exe": "loads a library from the working folder",
    "Sqlps.exe": "one command types at a prompt",
    "Teams.exe": "two commands replace a file of the program's own",
    "VisualUiaVerifyNative.exe": "the objects lie in a configuration",
    "Wab.exe": "loads a library that the registry names",
    "winrm.vbs": "one command has the style sheet in the program's folder",
}


def by_program(found: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Program -> its commands."""
    result: dict[str, list[Seen]] = {}
    for one in found:
        result.setdefault(one.command.program, []).append(one)
    return result


def lacking(found: Sequence[Seen]) -> set[str]:
    """Programs with a command that is not seen."""
    return {one.command.program for one in found if not one.how}


def _row(name: str, ones: Sequence[Seen]) -> str:
    techniques = ", ".join(sorted({one.command.technique for one in ones}))
    counts = [sum(one.how == how for one in ones) for how in ("arguments", "children", "")]
    kinds = ", ".join(sorted({one.proxy.kind for one in ones if one.how == "arguments" and one.proxy}))
    cells = [name, techniques, *(str(count or "") for count in counts), kinds, WHY.get(name, "")]
    return "| " + " | ".join(cells) + " |"


def page(found: Sequence[Seen]) -> str:
    """docs/lolbas.md."""
    programs = by_program(found)
    count = {how: sum(one.how == how for one in found) for how in ("arguments", "children", "")}
    lines = [
        "# Coverage of LOLBAS",
        "Written by `python -m sensor.compiler.lolbas` from rules/grammars and a copy of LOLBAS; do not edit.",
        f"Of the commands that are listed there for {', '.join(TECHNIQUES)} and their sub-techniques, each is",
        "unwound by the C core as processes get it; none is run.",
        "",
        f"{len(found)} commands of {len(programs)} programs, scripts and libraries: {len(found) - count['']} covered "
        f"({share(found):.1%}).",
        "",
        "| | |",
        "|---|---|",
        f"| arguments ({count['arguments']}) | the command line names the payload, and that payload is what is shown |",
        f"| children ({count['children']}) | its arguments name nothing, the registry, the environment, a file or a "
        "folder does: what it starts is linked to it |",
        f"| not ({count['']}) | neither: it loads what it runs into itself, or is ordinary |",
        "",
        "| program | technique | arguments | children | not | payload | why not |",
        "|---|---|---|---|---|---|---|",
        *(_row(name, ones) for name, ones in sorted(programs.items(), key=lambda item: item[0].lower())),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Prints the page. ConfigError without LINSANG_CORPUS."""
    corpus = os.environ.get("LINSANG_CORPUS")
    if not corpus:
        raise ConfigError("LINSANG_CORPUS is not set: it names the folder with reference/lolbas")
    sys.stdout.write(page(all_seen(Path(corpus))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
