"""What happened, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sensor.render.command import name_of
from sensor.render.lineage import origin_of
from sensor.render.parts import mapping, number, span, text, texts
from sensor.terminal import clip

_NAME = 40  # columns that one name gets


def sentence(alert: Mapping[str, Any]) -> str:
    """One sentence, escaped; "" where nothing is known but the rule."""
    kind = text(alert, "event", "type")
    if kind in {"health", "context"}:
        return clip(text(alert, "rule", "description"), 400)
    if kind == "rollup":
        first, last = (number(alert, "rollup", name) for name in ("first", "last"))
        between = f" within {span(abs(last - first) / 1e9)}" if first is not None and last is not None else ""
        return f"{clip(text(alert, 'rollup', 'count'), 20)} more alike{between}, counted and not told one by one."
    told = _connected(alert) or _written(alert) or _made(alert) or _ran(alert)
    origin = origin_of(alert)
    return f"{told}{f', from {clip(origin, _NAME)}' if origin else ''}." if told else ""


def _user(alert: Mapping[str, Any]) -> str:
    uid = text(alert, "process", "uid")
    user = text(alert, "process", "user") or text(alert, "fields", "User") or (f"uid {uid}" if uid else "")
    return clip(f"uid {user}" if user.isdecimal() else user, _NAME)


def _program(alert: Mapping[str, Any]) -> str:
    process = mapping(alert, "process")
    image = text(process, "image") or text(alert, "fields", "Image") or text(alert, "fields", "NewProcessName")
    command = text(process, "command_line") or text(alert, "fields", "CommandLine")
    return clip(name_of({"image": image, "command_line": command}), _NAME)


def _listed(names: Sequence[str]) -> str:
    shown = [clip(name, _NAME) for name in names]
    if len(shown) > 4:
        shown = [*shown[:3], f"{len(shown) - 3} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _connected(alert: Mapping[str, Any]) -> str:
    fields = mapping(alert, "fields")
    address, port = text(fields, "DestinationIp"), text(fields, "DestinationPort")
    if not address:
        return ""
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    by = f" of {_user(alert)}" if _user(alert) else ""
    return f"{_program(alert)}{by} connected to {clip(where.rstrip(':'), 60)}"


def _written(alert: Mapping[str, Any]) -> str:
    target = text(alert, "fields", "TargetFilename")
    if not target:
        return ""
    by = f" of {_user(alert)}" if _user(alert) else ""
    return f"{_program(alert)}{by} wrote {clip(target, 80)}"


def _made(alert: Mapping[str, Any]) -> str:
    """Of a program that was made to run another."""
    chain = texts(alert, "proxy", "chain")
    payload = mapping(alert, "proxy", "payload")
    if not chain:
        return ""
    kind, innermost = text(payload, "kind"), clip(chain[-1], _NAME)
    path = text(payload, "path") or text(payload, "command_line").split(" ", 1)[0]
    what = {
        "command": f"the program {clip(path, 60)}",
        "inline script": f"inline {innermost} code",
        "script file": f"the script {clip(path, 60)}",
        "library": f"the library {clip(path, 60)}",
        "url": f"what {clip(text(payload, 'url'), 60)} serves",
        "pipe": "what comes out of a pipe",
    }.get(kind, "something that is not known")
    between = chain[1:-1] if kind == "inline script" else chain[1:]
    through = f" through {_listed(between)}" if between else ""
    first = clip(chain[0], _NAME)
    if kind == "inline script" and len(chain) == 1:
        return f"{_user(alert) or 'Somebody'} ran {what}"
    return f"{_user(alert) or 'Somebody'} made {first} run {what}{through}"


def _ran(alert: Mapping[str, Any]) -> str:
    program = _program(alert)
    if program == "?":
        return ""
    return f"{_user(alert) or 'Somebody'} ran {program}"
