"""Connections around an alert's event, as its context has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensor.render.command import name_of
from sensor.render.parts import Paper, mappings, member, number, text
from sensor.terminal import clip, folded

_MOST = 8
# Linux' errno, whatever system shows it.
_OUTCOMES = {
    "0": "connected",
    "101": "network unreachable",
    "104": "reset",
    "110": "timed out",
    "111": "refused",
    "113": "host unreachable",
}


def network_lines(alert: Mapping[str, Any], paper: Paper) -> list[str]:
    """A connection a line, oldest first: how long before (-) or after (+) the event, whose, where to, and what became
    of it."""
    found = mappings(alert, "connections")
    lines = [line for each in found[:_MOST] for line in _lines(each, paper)]
    if len(found) > _MOST:
        lines.append(f"and {len(found) - _MOST} more")
    if member(alert, "connections_complete") is False:
        lines.append("there were more: too many at that time to know them all")
    return lines


def _lines(one: Mapping[str, Any], paper: Paper) -> list[str]:
    offset = number(one, "offset_s")
    when = "" if offset is None else f"{offset:+.1f} s  "
    pid, address = text(one, "pid"), text(one, "dst")
    name = text(one, "name") or name_of(one)
    who = f"{name}({pid})" if pid else name
    where = f"[{address}]:{text(one, 'dport')}" if ":" in address else f"{address}:{text(one, 'dport')}"
    times = number(one, "count") or 1
    more = f", {times:,} times" if times > 1 else ""
    when = clip(when, paper.width // 2)
    told = clip(f"{who} to {where} {text(one, 'protocol')}{_outcome(one)}{more}", 200)
    first, *rest = folded(told, paper.width - len(when), 2) or [""]
    return [when + first, *(" " * len(when) + line for line in rest)]


def _outcome(one: Mapping[str, Any]) -> str:
    error = text(one, "error")
    return f", {_OUTCOMES.get(error, f'failed ({error})')}" if error else ""
