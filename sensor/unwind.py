"""`linsang unwind`: what one command line is made to run, proxy by proxy, and which grammar says so. Nothing is run."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sensor.compiler.grammar import grammar_places, shipped_grammars
from sensor.errors import UsageError
from sensor.escape import escape
from sensor.proxy import DEEPEST, Proxy, unwind

_ENDS = {
    "inline script": "text for {last}: words alone do not say what it starts",
    "script file": "what the file holds is not read",
    "library": "it is loaded into {last}",
    "url": "what is there is not read",
    "pipe": "{last} runs what comes down the pipe",
}


def command_of(words: Sequence[str], text: str | None) -> list[str]:
    """The arguments of `linsang unwind`: words as an exec gets them, or text as a shell does. UsageError."""
    given = list(words[1:] if words[:1] == ["--"] else words)
    if (text is None) == (not given):
        raise UsageError(
            "give one command line", "linsang unwind -- COMMAND ARG..., or linsang unwind --text 'COMMAND'"
        )
    return given if text is None else ["sh", "-c", text]


def _grammar(name: str, places: Mapping[str, str]) -> str:
    """File and line, by the name or by the name without its version."""
    return places.get(name) or places.get(name.rstrip("0123456789.-"), "")


def _why_it_ends(command: Sequence[str], proxy: Proxy | None, places: Mapping[str, str]) -> str:
    if proxy is None:
        name = command[0].rpartition("/")[2]
        where = _grammar(name, places)
        return f"its arguments name nothing to run ({where})" if where else f"{name} has no grammar"
    last = proxy.chain[-1]
    if proxy.kind == "unknown":
        return (
            f"`{proxy.doubt}` is not in the grammar: what follows may be its value; list it in {_grammar(last, places)}"
        )
    if len(proxy.chain) == DEEPEST:
        return f"a chain has at most {DEEPEST} proxies"
    if proxy.kind == "command":
        name = (proxy.argv[0] if proxy.argv else proxy.path).rpartition("/")[2]
        where = _grammar(name, places)
        return f"the arguments of {name} name nothing to run ({where})" if where else f"{name} has no grammar"
    return _ENDS[proxy.kind].format(last=last)


def _payload(proxy: Proxy) -> dict[str, Any]:
    if proxy.kind == "unknown":
        return {"unknown": proxy.doubt}
    members = {"kind": proxy.kind, "argv": list(proxy.argv), "command_line": proxy.command_line}
    return {name: value for name, value in (members | {"path": proxy.path, "url": proxy.url}).items() if value}


def explained(command: Sequence[str]) -> dict[str, Any]:
    """`steps`: one a proxy, outermost first, and what each runs; `proxy`, as alerts have it, empty when there is none;
    `ends`: why there is no further step."""
    grammars, places = shipped_grammars(), grammar_places()
    whole = unwind(grammars, command)
    steps = []
    for depth in range(1, len(whole.chain) + 1 if whole else 1):
        step = unwind(grammars, command, depth)
        assert step
        name = step.chain[-1]
        steps.append(
            {"name": name, "function": step.function, "grammar": _grammar(name, places), "payload": _payload(step)}
        )
    proxy: dict[str, Any] = {}
    if whole:
        chain = {"chain": list(whole.chain), "depth": len(whole.chain), "function": whole.function}
        proxy = chain | {"payload": _payload(whole)}
    return {"command": list(command), "steps": steps, "proxy": proxy, "ends": _why_it_ends(command, whole, places)}


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


def show(words: Sequence[str], text: str | None, format: str) -> int:
    """Prints it; 1: nothing is unwound."""
    found = explained(command_of(words, text))
    if format == "json":
        print(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace").decode())
    else:
        sys.stdout.write("".join(escape(line) + "\n" for line in _lines(found)))
    return 0 if found["steps"] else 1
