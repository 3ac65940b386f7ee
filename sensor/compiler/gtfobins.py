"""docs/gtfobins.md: which of the binaries that GTFOBins lists the grammars see through, and which not.

    LINSANG_CORPUS=FOLDER python -m sensor.compiler.gtfobins > docs/gtfobins.md

Facts only: names of binaries and functions. Every command line of every example is unwound by the C core.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sensor.compiler.grammar import grammar_class, grammar_flags, shipped_grammars
from sensor.errors import ConfigError
from sensor.proxy import Proxy, unwind

FUNCTIONS = ("shell", "command", "reverse-shell", "bind-shell", "library-load", "inherit")
_CONTROL = {";", "&", "&&", "||", "|", "|&", "(", ")", ";;"}
_OPENERS = {"{", "}", "!", "if", "then", "else", "do", "done", "fi", "while", "for"}
_ESCAPED = "\x01"  # stands for \; which ends no command
_REDIRECTION = re.compile(r"^\d*(?:[<>]|&>)")
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*\+?=")


@dataclass(frozen=True)
class Example:
    """One example of one binary: its command lines as words."""

    binary: str
    function: str
    commands: tuple[tuple[str, ...], ...]
    code: str
    inherits: str  # the program that it starts, or has inside

    @property
    def by_environment(self) -> bool:
        """What it starts is named by a variable before its command: no part of its arguments."""
        return (
            re.search(
                rf"(?m)^(?:[A-Z_0-9]+=\S+ )*[A-Z_0-9]+=(\S*/path/to/|'[^']*sh\b).* {re.escape(self.binary)}\b",
                self.code,
            )
            is not None
        )


@dataclass(frozen=True)
class Seen:
    """How an example is seen: `how` is one of arguments, children, inherited, itself; empty: not."""

    example: Example
    how: str
    proxy: Proxy | None


# ---- the examples ----


def _lines(code: str) -> Iterator[str]:
    """Command lines: ended by a newline that is neither quoted nor behind a backslash; without here-documents."""
    line, quote, until, at = "", "", "", 0
    while at < len(code):
        char = code[at]
        if until and not line:  # inside a here-document
            end = code.find("\n", at)
            text = code[at : end if end >= 0 else len(code)]
            at += len(text) + 1
            until = "" if text.strip() == until else until
            continue
        if char == "\\" and quote != "'" and at + 1 < len(code):
            line += "" if code[at + 1] == "\n" else code[at : at + 2]
            at += 2
            continue
        if char == "\n" and not quote:
            here = re.search(r"<<-?\s*['\"]?(\w+)", line)
            until = here[1] if here and "<<<" not in line else ""
            yield line
            line = ""
        else:
            quote = "" if char == quote else char if char in "'\"" and not quote else quote
            line += char
        at += 1
    yield line


def _words(line: str) -> list[str]:
    """As a shell would split it; control operators are words of their own. None of it when the quotes do not close."""
    line = re.sub(r"\$(?=['\"])", "", line).replace("\\;", _ESCAPED)
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";|&()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:
        return []


def _simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """The commands of a line, without the settings before them: arguments are what the sensor sees."""
    command: list[str] = []
    for word in [*_words(line), ";"]:
        if word in _CONTROL:
            if command:
                yield tuple(command)
            command = []
        elif not command and word in _OPENERS:
            continue
        elif command or not _ASSIGNMENT.match(word):
            command.append(word.replace(_ESCAPED, ";"))


def _without_redirections(command: Sequence[str]) -> tuple[str, ...]:
    kept, skip = [], False
    for word in command:
        if skip:
            skip = False
        elif _REDIRECTION.match(word) and not word.startswith(("<(", ">(")):
            skip = word.rstrip("&")[-1:] in "<>"
        else:
            kept.append(word)
    return tuple(kept)


def _commands(code: str) -> tuple[tuple[str, ...], ...]:
    found = (_without_redirections(c) for line in _lines(code) for c in _simple_commands(line))
    return tuple(c for c in found if c)


def examples(folder: Path) -> Iterator[Example]:
    """All examples of the functions that start something, by binary. `folder`: GTFOBins' _gtfobins."""
    for path in sorted(folder.iterdir()):
        document: Any = yaml.load(path.read_bytes(), yaml.CSafeLoader) or {}
        for function in FUNCTIONS:
            for entry in (document.get("functions") or {}).get(function, []):
                codes = [entry.get("code") or ""]
                codes += [c["code"] for c in (entry.get("contexts") or {}).values() if c and c.get("code")]
                for code in dict.fromkeys(codes):
                    yield Example(path.name, function, _commands(code), code, str(entry.get("from", "")))


# ---- what is seen of them ----


def _is(binary: str, command: Sequence[str]) -> bool:
    name = command[0].rpartition("/")[2]
    return name == binary or name.rstrip("0123456789.-") == binary


def seen(example: Example, grammars: bytes, flags: Mapping[str, frozenset[str]]) -> Seen:
    """By its arguments; else by what it starts (proxy.c), or the pager or editor that it starts."""
    own = [c for c in example.commands if _is(example.binary, c)] or list(example.commands)
    proxies = [p for c in own if (p := unwind(grammars, c)) is not None]
    told = [p for p in proxies if p.kind != "unknown"]
    own_flags, others = (flags.get(name, frozenset()) for name in (example.binary, example.inherits))
    if told and not example.by_environment:
        return Seen(example, "arguments", told[-1])
    linked = {"children"} if proxies else {"children", "prompt"}
    if example.function == "library-load":
        return Seen(example, "", None)
    if own_flags & linked:
        return Seen(example, "children", None)
    if grammar_class(example.binary) == "shell" and example.function == "shell":
        return Seen(example, "itself", None)
    if others & {"children"}:
        return Seen(example, "inherited", None)
    return Seen(example, "", None)


@cache
def all_seen(corpus: Path) -> tuple[Seen, ...]:
    """Every example of the corpus's copy."""
    folder = corpus / "reference" / "gtfobins" / "_gtfobins"
    return tuple(seen(example, shipped_grammars(), grammar_flags()) for example in examples(folder))


def by_binary(found: Sequence[Seen]) -> dict[str, list[Seen]]:
    """Binary -> its examples."""
    result: dict[str, list[Seen]] = {}
    for one in found:
        result.setdefault(one.example.binary, []).append(one)
    return result


def share(found: Sequence[Seen]) -> float:
    """Of the binaries, those of which every example is seen."""
    binaries = by_binary(found)
    return sum(all(one.how for one in ones) for ones in binaries.values()) / len(binaries)


# ---- the page ----

# Why an example is not seen, by binary.
WHY: dict[str, str] = {
    **dict.fromkeys(("autoconf", "autoheader", "autoreconf", "nroff"), "named by a variable of the environment"),
    "docker": "one example starts the image's own command, in the container",
    "exiftool": "one example elides the text",
    "fail2ban-client": "named by a configuration that a server reads",
    "openssl": "one example ties a shell beside it to its pipes",
    "opkg": "the example's command is another program's",
    "pic": "named by the text it reads",
    "tclsh": "one example loads the library at its prompt",
    "systemd-run": "one example asks the service manager for a shell",
    "zypper": "named by a file in PATH",
}


def _cell(ones: Sequence[Seen], function: str) -> str:
    hows = [one.how for one in ones if one.example.function == function]
    if not hows:
        return ""
    names = sorted({how for how in hows if how})
    missing = hows.count("")
    return ", ".join(names) + (f" ({missing} of {len(hows)} not)" if missing and names else "not" if missing else "")


def page(found: Sequence[Seen]) -> str:
    """docs/gtfobins.md."""
    binaries = by_binary(found)
    whole = [name for name, ones in binaries.items() if all(one.how for one in ones)]
    partly = [name for name, ones in binaries.items() if name not in whole and any(one.how for one in ones)]
    lines = [
        "# Coverage of GTFOBins",
        "Written by `python -m sensor.compiler.gtfobins` from rules/grammars and a copy of GTFOBins; do not edit.",
        "Of the binaries listed there with a function that starts something, every command line of every example is",
        "unwound by the C core, none of it is run.",
        "",
        f"{len(binaries)} binaries with {len(found)} examples: {len(whole)} covered ({share(found):.1%}), "
        f"{len(partly)} partly, {len(binaries) - len(whole) - len(partly)} not.",
        "",
        "| | |",
        "|---|---|",
        "| arguments | its own exec already names the payload |",
        "| children | its arguments name nothing, it is told at a prompt, by a file, a pipe or the environment: "
        "what it starts is linked to it |",
        "| inherited | what it starts is linked to the pager, editor or interpreter that it starts |",
        "| itself | it is the shell: its own exec shows it, nothing is hidden behind it |",
        "| not | none of these |",
        "",
        "| binary | " + " | ".join(FUNCTIONS) + " | why not |",
        "|---" * (len(FUNCTIONS) + 2) + "|",
    ]
    for name, ones in sorted(binaries.items()):
        cells = [_cell(ones, function) for function in FUNCTIONS]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {'' if name in whole else WHY.get(name, '')} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Prints the page. ConfigError without LINSANG_CORPUS."""
    corpus = os.environ.get("LINSANG_CORPUS")
    if not corpus:
        raise ConfigError("LINSANG_CORPUS is not set: it names the folder with reference/gtfobins")
    sys.stdout.write(page(all_seen(Path(corpus))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
