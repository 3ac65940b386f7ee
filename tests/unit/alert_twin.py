"""The naive twin of native/alert_json.c: an alert frame to the alert's map, in Python, step by step."""

import re
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from facts_twin import FactsTwin

from sensor import schema
from sensor.alert import Rule, rule_map
from sensor.event_json import event_fields, parse_event
from sensor.native import Frame, lib, record_json
from sensor.proxy import Proxy, proxy_of
from sensor.taxonomy import with_mapped

# Which members of a record say that a field is not whole.
_DAMAGE = {
    "CommandLine": ("argv_truncated", "argv_unreadable"),
    "Image": ("image_truncated",),
    "CurrentDirectory": ("cwd_truncated",),
    "Script": ("script_truncated",),
}
# A record that was a line of `dump` counts its time from the epoch (sn_record__parse); no machine runs for 31 years.
_EPOCH_TIMES = 10**18
_PROCESS_MEMBERS = ("pid", "start", "image", "argv", "command_line", "cwd", "user", "uid")
_DAMAGE_MEMBERS = ("argv_truncated", "argv_unreadable", "argv_bytes")


class AlertTwin:
    """As sensor.alert.AlertWriter; `users` holds the names of uids."""

    def __init__(
        self,
        rules: Sequence[Rule],
        field_names: Sequence[str],
        *,
        host: str = "",
        run: str = "",
        boot_to_epoch_ns: int = 0,
        files: Sequence[str] = (),
        users: Mapping[int, str] | None = None,
    ) -> None:
        self._rules = [rule_map(rule) for rule in rules]
        self._field_names = tuple(field_names)
        self._host = host
        self._run = run
        self._boot_to_epoch_ns = boot_to_epoch_ns
        self._files = files
        self._users = {} if users is None else users
        self._shown = _shown_fields()

    def build(self, frame: Frame, *, live: bool) -> dict[str, Any]:
        """The alert of `frame`. `live` adds host and evidence; without it the event is named by file and index.

        `time` is an integer, ns since the epoch; the JSON form writes it as RFC 3339.
        """
        parts = self._parts(frame)
        alert: dict[str, Any] = {"rule": self._rules[frame.rule], "verdict": "match", **parts}
        damage = alert.pop("_damage")
        if alert.pop("_late", False):
            damage |= {field.sigma: "late" for field in schema.fields() if field.fact}
        if frame.verdict == lib.SN_UNDECIDABLE:
            self._make_undecidable(alert, frame, damage)
        if live:
            alert["host"] = self._host
            alert["event"]["id"] = f"{self._run}-{frame.index}"
        else:
            alert["event"] = {"file": self._files[frame.file], "index": frame.index, **alert["event"]}
        evidence: dict[str, Any] = alert.pop("evidence")
        if live or frame.lost_any:
            # cpu, recent: on this event's CPU since the start, and within the 10 s before; all: on every CPU.
            lost = {"cpu": frame.lost_total, "recent": frame.lost_recent, "all": frame.lost_any}
            evidence = {"lost": lost, **evidence}
        if evidence:
            alert["evidence"] = evidence
        return alert

    def _make_undecidable(self, alert: dict[str, Any], frame: Frame, damage: Mapping[str, str]) -> None:
        cause = "unknown"
        if frame.cause_field is not None and frame.cause_field < len(self._field_names):
            cause = self._field_names[frame.cause_field]
        rule = alert["rule"]
        alert["verdict"] = "undecidable"
        alert["undecidable"] = {"cause": cause, "reason": damage.get(cause, "not known"), "level": rule["level"]}
        if rule["level"] != "informational":
            alert["rule"] = {**rule, "level": "low"}

    def _parts(self, frame: Frame) -> dict[str, Any]:
        is_record = frame.payload == lib.SN_PAYLOAD_RECORD
        return self._record_parts(frame) if is_record else _json_parts(frame)

    def _record_parts(self, frame: Frame) -> dict[str, Any]:
        event = record_json(frame.event)
        is_exec = event["type"] in {"exec", "process"}
        own = record_json(frame.process) if frame.process else event if is_exec else None
        ancestors = [record_json(record) for record in frame.lineage]
        parent = ancestors[0] if ancestors else None
        parts: dict[str, Any] = {
            "event": {name: event[name] for name in ("type", "cpu", "seq") if name in event},
            "fields": self._fields(event, own, parent),
            "evidence": {},
            "_damage": _damage_of(event if is_exec else own, parent),
        }
        if event["time"] >= _EPOCH_TIMES:
            parts["time"] = event["time"]
        elif self._boot_to_epoch_ns:
            parts["time"] = event["time"] + self._boot_to_epoch_ns
        if own is not None:
            parts["process"] = self._process(own)
            parts["lineage"] = [self._ancestor(a) for a in ancestors]
            parts["lineage_complete"] = frame.lineage_complete
        proxy = proxy_of(frame.proxy)
        if proxy is not None and proxy.chain:
            parts["proxy"] = _proxy(proxy)
            parts["fields"] |= _proxy_fields(proxy)
        facts = FactsTwin(frame, event["time"])
        parts["fields"] |= facts.fields()
        if shown := facts.shown():
            parts["facts"] = shown
        parts["_late"] = facts.late
        if (event if is_exec else own or {}).get("reduced"):
            parts["evidence"]["reduced"] = True
        return parts

    def _fields(
        self, event: Mapping[str, Any], own: Mapping[str, Any] | None, parent: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for field in self._shown[event["type"]]:
            value = self._derived(field.member, event, own, parent) if field.derived else event.get(field.json)
            if value is not None:
                fields[field.sigma] = " ".join(value) if field.kind == "ARGV" else value
        return fields

    def _derived(
        self, source: str, event: Mapping[str, Any], own: Mapping[str, Any] | None, parent: Mapping[str, Any] | None
    ) -> Any:
        """The value of an SN_DERIVED line of fields.def, None where it is not known."""
        if source == "HEADER":
            return event["pid"]
        if source == "TRUE":
            return "true"
        if source.startswith(("PROXY_", "PAYLOAD_", "FACT_")) or source == "RENAMED_PROXY":
            return None
        process = parent if source.startswith("PARENT_") else event if source == "USER" else own
        if process is None:
            return None
        match source.removeprefix("PARENT_"):
            case "USER":
                uid = process.get("uid")
                nobody = uid is None or (source == "USER" and uid == 0xFFFFFFFF)  # not known who did it
                return None if nobody else self._users.get(uid, str(uid))
            case "ARGV":
                return _command_line(process)
            case member:
                return process.get(member.lower())

    def _process(self, record: Mapping[str, Any]) -> dict[str, Any]:
        known = {**record, "command_line": _command_line(record), "user": self._users.get(record["uid"])}
        process = {name: known[name] for name in _PROCESS_MEMBERS if known.get(name) is not None}
        if record.get("argv_truncated") or record.get("argv_unreadable"):
            process |= {name: record[name] for name in _DAMAGE_MEMBERS if name in record}
        return process

    def _ancestor(self, record: Mapping[str, Any]) -> dict[str, Any]:
        known = {**record, "command_line": _command_line(record)}
        return {name: known[name] for name in ("pid", "start", "image", "command_line") if known.get(name) is not None}


def _known(texts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in texts.items() if value}


def _proxy(proxy: Proxy) -> dict[str, Any]:
    payload = {"kind": proxy.kind, "argv": list(proxy.argv), "command_line": proxy.command_line}
    payload |= {"path": proxy.path, "url": proxy.url, "truncated": proxy.truncated, "unknown": proxy.doubt}
    if proxy.kind == "unknown":
        del payload["kind"]
    chain = {"chain": list(proxy.chain), "depth": len(proxy.chain), "function": proxy.function}
    return _known(chain) | {"payload": _known(payload)}


def _proxy_fields(proxy: Proxy) -> dict[str, Any]:
    fields = {"ProxyChain": list(proxy.chain), "ProxyDepth": len(proxy.chain), "ProxyFunction": proxy.function}
    fields |= {"PayloadImage": proxy.path if proxy.kind == "command" else "", "PayloadCommandLine": proxy.command_line}
    kind = "" if proxy.kind == "unknown" else proxy.kind
    return _known(fields | {"PayloadKind": kind, "PayloadPath": proxy.path, "PayloadUrl": proxy.url})


def _shown_fields() -> dict[str, list[schema.Field]]:
    """Record type -> its fields that rules can use, those of the record before the derived ones."""
    shown: dict[str, list[schema.Field]] = {}
    for kind, records in schema.RECORDS.items():
        for record in records.split(", "):
            shown.setdefault(record, []).extend(f for f in schema.fields() if f.sigma and f.type == kind)
    return shown


def _command_line(record: Mapping[str, Any]) -> str | None:
    argv = record.get("argv")
    return " ".join(argv) if argv else None


def _damage_of(own: Mapping[str, Any] | None, parent: Mapping[str, Any] | None) -> dict[str, str]:
    """Sigma field -> why it is not whole."""
    damage = {}
    for prefix, record in (("", own), ("Parent", parent)):
        for field, members in _DAMAGE.items():
            for member in members:
                if record is not None and record.get(member):
                    damage[prefix + field] = member.rpartition("_")[2]
    return damage


# ---- events that came as JSON ----


def _json_parts(frame: Frame) -> dict[str, Any]:
    """What the event says goes before what is known of its process."""
    parts: dict[str, Any] = {"event": {}, "fields": {}, "evidence": {}, "_damage": {}}
    fields = parts["fields"] = with_mapped(event_fields(parse_event(frame.event)))
    known = _actor(frame.process) if frame.process else {}
    if process := known | _named_process(fields, "", {"cwd": "CurrentDirectory", "user": "User"}):
        parts["process"] = process
    ancestors = [{k: v for k, v in _actor(block).items() if k not in {"cwd", "user"}} for block in frame.lineage]
    said = _named_process(fields, "Parent", {})
    if lineage := [{**ancestors[0], **said}, *ancestors[1:]] if ancestors else [said] if said else []:
        parts["lineage"] = lineage
        parts["lineage_complete"] = False
    proxy = proxy_of(frame.proxy)
    if proxy is not None and proxy.chain:
        parts["proxy"] = _proxy(proxy)
    if frame.time:
        parts["time"] = frame.time
    facts = FactsTwin(frame, frame.time)
    if shown := facts.shown():
        parts["facts"] = shown
    parts["_late"] = facts.late
    return parts


def _actor(block: bytes) -> dict[str, Any]:
    """A struct sn_actor_block."""
    _, pid, start, *spans = struct.unpack_from("<IIQ8I", block)
    raw = [block[at : at + size] for at, size in zip(spans[::2], spans[1::2], strict=True)]
    texts = [part.decode("utf-8", "surrogateescape") for part in raw]
    named = zip(("image", "command_line", "user", "cwd"), texts, strict=True)
    found: dict[str, Any] = {name: text for name, text in named if text}
    return found | ({"pid": pid} if pid else {}) | ({"start": start} if start else {})


def _named_process(fields: Mapping[str, Any], prefix: str, more: Mapping[str, str]) -> dict[str, Any]:
    """A process or lineage entry from Sysmon's fields; empty when there is nothing of it."""
    names = {"image": f"{prefix}Image", "command_line": f"{prefix}CommandLine", **more}
    process: dict[str, Any] = {k: fields[v] for k, v in names.items() if isinstance(fields.get(v), str)}
    pid = str(fields.get(f"{prefix}ProcessId", ""))
    if re.fullmatch(r"[0-9]{1,10}|0x[0-9A-Fa-f]{1,8}", pid):  # Windows's own log writes 0x1a4
        process["pid"] = int(pid, 16 if pid.startswith("0x") else 10)
    return process
