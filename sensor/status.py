"""`linsang status`: what the running sensor says of itself."""

from __future__ import annotations

from typing import Any

from sensor.encode import json_page
from sensor.escape import escape
from sensor.runtime import ask_status

_OF_EVERY_OUTPUT = frozenset(
    ("url", "queued", "sent", "errors", "dropped", "waiting", "waiting_bytes", "ended", "last_error")
)


def status(folder: str, *, format: str = "text") -> int:
    """Prints the state of the sensor whose runtime folder that is; 0 is the exit code. LinsangError: none runs there,
    or it does not answer."""
    answer = ask_status(folder)
    print(json_page(answer) if format == "json" else "\n".join(_lines(answer)))
    return 0


def _counts(counts: dict[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items() if count)


def _rules(rules: dict[str, Any]) -> str:
    refused = f"; not reloaded: {rules['not_reloaded']}" if rules["not_reloaded"] else ""
    return f"{rules['loaded']:,} loaded, {rules['refused']:,} refused{refused}"


def _facts(facts: dict[str, Any]) -> str:
    if facts["off"]:
        return f"none: {facts['off']}"
    counts = _counts({name: count for name, count in facts.items() if name not in {"off", "work"}})
    return counts or "nothing was asked yet"


def _watched(source: dict[str, Any]) -> str:
    """Of files or libraries: whether they are, and what of them is not."""
    if "off" in source:
        return f"not watched: {source['off']}"
    refused = "".join(f"; not {place} ({why})" for place, why in source.get("refused", {}).items())
    return f"watched{''.join(f' {place}' for place in source.get('watched', {}))}{refused}"


def _output(output: dict[str, Any]) -> str:
    """With what its kind alone counts."""
    sent = f"sent {output['sent']:,}, waiting {output['waiting']:,}, dropped {sum(output['dropped'].values()):,}"
    own = _counts({name: count for name, count in output.items() if name not in _OF_EVERY_OUTPUT})
    why = output["ended"] or output["last_error"]
    return f"{output['url']}: {sent}{f', {own}' if own else ''}{f' ({why})' if why else ''}"


def _session(name: str, one: dict[str, Any]) -> str:
    """A trace session of Windows."""
    lost = "what it lost is unknown" if one["lost"] is None else f"lost {_counts(one['lost']) or 'nothing'}"
    again = f", started again {one['restarts']} times" if one["restarts"] else ""
    return f"{name}: {lost}{again}" + (f"; {one['reduced']}" if one["reduced"] else "")


def _lines(answer: dict[str, Any]) -> list[str]:
    account, memory, rules = answer["account"], answer["memory"], answer["rules"]
    attached = [name for name, state in answer["probes"].items() if state == "attached"]
    broken = [f"{name} is {state}" for name, state in answer["probes"].items() if state != "attached"]
    rows = [
        ("sensor", f"linsang {answer['version']} on {answer['host']}, up {answer['uptime_s']:,} s"),
        ("source", ", ".join([answer["source"], *attached])),
        *(("probe", text) for text in broken),
        *((what, _watched(answer[what])) for what in ("files", "libraries") if what in answer),
        *(("session", _session(name, one)) for name, one in answer.get("sessions", {}).items()),
        ("rules", _rules(rules)),
        ("events", _counts(answer["events"])),
        *(("decoded", _counts(answer[what]) or "nothing yet") for what in ("decoding",) if what in answer),
        ("lost", f"{account['lost']:,} of {account['seen'] + account['missed']:,} seen"),
        ("alerts", _counts(answer["alerts"]) or "none"),
        ("processes", _counts(answer["processes"])),
        ("facts", _facts(answer["facts"])),
        *(("output", _output(output)) for output in answer["outputs"]),
        (
            "memory",
            f"{memory['own'] / 2**20:.1f} MiB, and the kernel's ring mapped, {memory['kernel_ring'] / 2**20:.0f} MiB",
        ),
        ("cpu", f"{answer['cpu_s']} s"),
    ]
    return [f"{name:<10} {escape(text)}" for name, text in rows]
