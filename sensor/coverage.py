"""Whether a rule can ever fire on given sources: what `rules check` and `rules list` say of each.

A source that never has a field makes atoms on it constant: a comparison false, null true. What follows for the whole
condition is worked out without looking at values, so "can fire" means that nothing is known to stand against it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sensor import schema, taxonomy
from sensor.compiler.ir import KEYWORD, And, Atom, Logsource, Node, Not, Op, Or, Rule
from sensor.config import Windows

CAN_FIRE, DEGRADED, CANNOT_FIRE = "can fire", "degraded", "cannot fire"
# Members that every Windows event has outside of its EventData.
_SYSTEM = frozenset(
    ("EventID", "Channel", "Provider_Name", "Computer", "Level", "Task", "Opcode", "Keywords", "Version")
)
HOST = {"win32": "windows", "linux": "linux"}.get(sys.platform, sys.platform)  # as Sigma calls its product
# What trace sessions bring, by the names in the settings: (service, category), "" for all of the service's events.
_PROCESSES = {("kernel-process", "process_creation"), ("kernel-process", "process_termination")}
_PROVIDED = {
    "image": {("kernel-process", "image_load")},
    "network": {("kernel-network", "network_connection")},
    "file": {("kernel-file", f"file_{what}") for what in ("event", "delete", "rename")},
    "registry": {("kernel-registry", f"registry_{what}") for what in ("event", "add", "delete", "set")},
    "dns": {("dns-client", "dns_query")},
    "powershell": {("powershell", "ps_module"), ("powershell", "ps_script")},
    "wmi": {("wmi", "")},
}
_MADE = ("PROXY_", "PAYLOAD_", "RENAMED_")  # members of fields.def
# What is asked of a channel that is not asked for everything (windows/channels.py).
_ASKED = {"Security": {("security", "process_creation")}}


@dataclass(frozen=True)
class Source:
    """Events of one logsource. `fields`: all that they can have, None where any field may be there."""

    name: str
    logsource: Logsource
    fields: frozenset[str] | None


@dataclass(frozen=True)
class Verdict:
    """`kind`: CAN_FIRE, DEGRADED or CANNOT_FIRE; `reason`: "" or one line; `missing`: fields that the source lacks."""

    kind: str
    reason: str = ""
    missing: tuple[str, ...] = ()
    source: str = ""


def live_sources(windows: Windows | None = None, product: str = HOST) -> tuple[Source, ...]:
    """What the running sensor sees on this host or on one of `product`; on Windows with the settings `windows`, by
    themselves with the default ones. Elsewhere nothing."""
    if product == "windows":
        return _live_on_windows(Windows() if windows is None else windows)
    return _live_on_linux() if product == "linux" else ()


def _live_on_linux() -> tuple[Source, ...]:
    return tuple(
        Source("live", Logsource("linux", category), frozenset(schema.sigma_fields(category)))
        for category in schema.CATEGORIES.values()
    )


def _live_on_windows(settings: Windows) -> tuple[Source, ...]:
    seen = set(_PROCESSES).union(*(_PROVIDED[name] for name in settings.providers))
    services = {row.origin: row.source for row in taxonomy.rows() if row.kind == "channel"}
    sources = replay_sources("windows")
    for channel in settings.channels:
        service = services.get(channel, "")
        seen |= _ASKED.get(channel) or {(service, source.logsource.category) for source in sources}
    return tuple(_with_made(s) for s in sources if (s.name, s.logsource.category) in seen)


def _with_made(source: Source) -> Source:
    """With what the sensor itself finds out of the files, and makes of a process creation."""
    category = source.logsource.category
    made = set(schema.windows_facts(category))
    if category == "process_creation":
        made |= {f.sigma for f in schema.fields() if f.type == "EXEC" and f.derived and f.member.startswith(_MADE)}
    return replace(source, fields=source.fields | made) if made and source.fields is not None else source


def replay_sources(product: str = "") -> tuple[Source, ...]:
    """All that replay can read, of one product or of all."""
    found = list(_live_on_linux())
    rows = taxonomy.rows()
    open_services = dict.fromkeys(r.source for r in rows if r.kind == "channel")
    found += [Source(service, Logsource("windows", "", service), None) for service in open_services]
    found.append(Source("auditd", Logsource("linux", "", "auditd"), None))
    for source in (r for r in rows if r.kind == "source"):
        of = [r for r in rows if r.source == source.source]
        windows = source.category == "windows"
        for category in dict.fromkeys(r.category for r in of if r.kind in {"fields", "map"}):
            names = set(taxonomy.mapping(source.source, category)) | (_SYSTEM if windows else set())
            names.update(*(r.origin.split() for r in of if r.kind == "fields" and r.category == category))
            found.append(
                Source(
                    source.source,
                    Logsource(source.category, category, source.source if windows else ""),
                    frozenset(names),
                )
            )
    return tuple(s for s in found if product in ("", s.logsource.product))


def verdict_of(rule: Rule, sources: Sequence[Source]) -> Verdict:
    """The best that any of `sources` allows."""
    own = rule.info.logsource
    usable = [source for source in sources if own.applies(source.logsource)]
    if not usable:
        return Verdict(CANNOT_FIRE, f"no source for {own}")
    order = (CAN_FIRE, DEGRADED, CANNOT_FIRE)
    verdicts = [_on(rule, source) for source in usable]
    return min(verdicts, key=lambda verdict: (order.index(verdict.kind), len(verdict.missing)))


def _on(rule: Rule, source: Source) -> Verdict:
    if source.fields is None:
        return Verdict(CAN_FIRE, source=source.name)
    used = sorted({name for atom in _atoms(rule.condition) for name in (atom.field, atom.other) if name})
    missing = tuple(name for name in used if name != KEYWORD and name not in source.fields)
    possible = _outcomes(rule.condition, frozenset(missing))
    names = ", ".join(missing)
    if True not in possible:
        why = f"{source.name} has no {names}" if missing else "its condition can never hold"
        return Verdict(CANNOT_FIRE, why, missing, source.name)
    if missing:
        return Verdict(DEGRADED, f"{source.name} has no {names}", missing, source.name)
    return Verdict(CAN_FIRE, source=source.name)


def _atoms(node: Node) -> Iterable[Atom]:
    if isinstance(node, Atom):
        yield node
        return
    for item in (node.item,) if isinstance(node, Not) else node.items:
        yield from _atoms(item)


_BOTH = frozenset((True, False))


def _outcomes(node: Node, missing: frozenset[str]) -> frozenset[bool]:
    """What the node can come out as when the events never have the fields of `missing`."""
    if isinstance(node, Atom):
        if node.field in missing:
            return frozenset((node.op is Op.NULL,))
        return frozenset((False,)) if node.other and node.other in missing else _BOTH
    if isinstance(node, Not):
        return frozenset(not outcome for outcome in _outcomes(node.item, missing))
    inner = [_outcomes(item, missing) for item in node.items]
    settles = isinstance(node, Or)  # one item that comes out so settles it
    found = {settles} if any(settles in outcomes for outcomes in inner) else set()
    if all((not settles) in outcomes for outcomes in inner):
        found.add(not settles)
    assert isinstance(node, (And, Or))
    return frozenset(found)
