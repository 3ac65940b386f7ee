"""`linsang unwind`: what one command line is made to run, proxy by proxy, and which grammar says so. Nothing is run."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensor.compiler.grammar import grammar_places, shipped_grammars, shipped_win_grammars
from sensor.errors import UsageError
from sensor.escape import escape
from sensor.proxy import DEEPEST, Proxy, Start, unwind, unwind_windows

_ENDS = {
    "inline script": "text for {last}: words alone do not say what it starts",
    "script file": "what the file holds is not read",
    "library": "it is loaded into {last}",
    "url": "what is there is not read",
    "pipe": "{last} runs what comes down the pipe",
    "unc": "what lies there is not read",
    "webdav": "what lies there is not read",
    "alternate data stream": "what the stream holds is not read",
    "dll export": "the library is loaded into {last}, and its function called",
    "com object": "which file that is stands in the registry",
}


@dataclass(frozen=True)
class _Line:
    """One command line. `words`: what is shown of it; `name`: its program's; `unwind`: through so many proxies."""

    words: list[str]
    name: str
    places: Mapping[str, str]
    unwind: Callable[[int], Proxy | None]


def _line_of(words: Sequence[str], text: str | None, windows: str | None) -> _Line:
    """Words as an exec gets them, text as a shell does, or a command line of Windows. UsageError."""
    given = list(words[1:] if words[:1] == ["--"] else words)
    if bool(given) + (text is not None) + (windows is not None) != 1:
        raise UsageError(
            "give one command line",
            "linsang unwind -- COMMAND ARG..., linsang unwind --text 'COMMAND', or linsang unwind --windows 'COMMAND'",
        )
    if windows is not None:
        return _windows_line(windows)
    command = given if text is None else ["sh", "-c", text]
    grammars = shipped_grammars()
    name = command[0].rpartition("/")[2]
    return _Line(command, name, grammar_places(), lambda limit: unwind(grammars, command, limit))


def _windows_line(text: str) -> _Line:
    quoted = re.match(r'\s*(?:"([^"]*)"?|(\S*))', text)
    image = (quoted[1] or quoted[2] or "") if quoted else ""
    name = image.replace("/", "\\").rpartition("\\")[2].lower().removesuffix(".exe")
    grammars, start = shipped_win_grammars(), Start(image=image, command_line=text)
    return _Line([text], name, grammar_places(windows=True), lambda limit: unwind_windows(grammars, start, limit))


def _grammar(name: str, places: Mapping[str, str]) -> str:
    """File and line, by the name or by the name without its version."""
    return places.get(name) or places.get(name.rstrip("0123456789.-"), "")


def _why_it_ends(line: _Line, proxy: Proxy | None) -> str:
    if proxy is None:
        where = _grammar(line.name, line.places)
        return f"its arguments name nothing to run ({where})" if where else f"{line.name} has no grammar"
    last = proxy.chain[-1]
    if proxy.kind == "unknown":
        where = _grammar(last, line.places)
        return f"`{proxy.doubt}` is not in the grammar: what follows may be its value; list it in {where}"
    if len(proxy.chain) == DEEPEST:
        return f"a chain has at most {DEEPEST} proxies"
    if proxy.kind == "command":
        name = re.split(r"[/\\]", proxy.argv[0] if proxy.argv else proxy.path)[-1]
        where = _grammar(name, line.places)
        return f"the arguments of {name} name nothing to run ({where})" if where else f"{name} has no grammar"
    return _ENDS[proxy.kind].format(last=last)


def _payload(proxy: Proxy) -> dict[str, Any]:
    if proxy.kind == "unknown":
        return {"unknown": proxy.doubt}
    members = {"kind": proxy.kind, "argv": list(proxy.argv), "command_line": proxy.command_line}
    return {name: value for name, value in (members | {"path": proxy.path, "url": proxy.url}).items() if value}


def explained(words: Sequence[str] = (), text: str | None = None, windows: str | None = None) -> dict[str, Any]:
    """`steps`: one a proxy, outermost first, and what each runs; `proxy`, as alerts have it, empty when there is none;
    `ends`: why there is no further step."""
    line = _line_of(words, text, windows)
    whole = line.unwind(DEEPEST)
    steps = []
    for depth in range(1, len(whole.chain) + 1 if whole else 1):
        step = line.unwind(depth)
        assert step
        name = step.chain[-1]
        steps.append(
            {
                "name": name,
                "function": step.function,
                "grammar": _grammar(name, line.places),
                "payload": _payload(step),
            }
        )
    proxy: dict[str, Any] = {}
    if whole:
        chain = {"chain": list(whole.chain), "depth": len(whole.chain), "function": whole.function}
        proxy = chain | {"payload": _payload(whole)}
    return {"command": line.words, "steps": steps, "proxy": proxy, "ends": _why_it_ends(line, whole)}


def _lines(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for number, step in enumerate(found["steps"], 1):
        lines.append(f"{number}  {step['name']}  ({step['function']}, {step['grammar']})")
        payload = step["payload"]
        text = shlex.join(payload["argv"]) if "argv" in payload else payload.get("command_line")
        text = text or payload.get("path") or payload.get("url") or f"perhaps the value of {payload.get('unknown')}"
        lines.append(f"   runs {payload.get('kind', 'what is not known')}: {text}")
    payload = found["proxy"].get("payload", {})
    lines += [f"{name:<8} {payload[name]}" for name in ("path", "url") if name in payload]
    return [*lines, f"{'ends' if found['steps'] else 'nothing'}: {found['ends']}"]


def show(words: Sequence[str], text: str | None, windows: str | None, format: str) -> int:
    """Prints it; 1: nothing is unwound."""
    found = explained(words, text, windows)
    if format == "json":
        print(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode())
    else:
        sys.stdout.write("".join(escape(line) + "\n" for line in _lines(found)))
    return 0 if found["steps"] else 1
