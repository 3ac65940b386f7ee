"""Events for sensor/reference.py out of the native core: what `replay --engine reference` judges.

A table of rules that are always true brings every event out of the core as a frame, once for each logsource that some
rule has and that applies to it. What a rule would see of it is then worked out again here, from the bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensor import schema
from sensor.compiler import Logsource, Rule, RuleInfo, RuleSet, compile_table
from sensor.compiler.grammar import win_programs
from sensor.compiler.ir import Atom, Not, Op, Or
from sensor.event_json import event_fields
from sensor.native import Frame, ffi, lib, record_json
from sensor.proxy import Proxy, proxy_of
from sensor.reference import LOST, Truncated, judge
from sensor.taxonomy import with_mapped

_NOBODY_KNOWN = 0xFFFFFFFF
_KNOWN = {"KNOWN16": 0, "KNOWN32": 0, "KNOWN64": 0, "ID32": 0xFFFFFFFF}
_CUT = {"image": lib.SN_F_IMAGE_TRUNCATED, "cwd": lib.SN_F_CWD_TRUNCATED, "script": lib.SN_F_SCRIPT_TRUNCATED}
_PARENTS = {"PARENT_IMAGE": "image", "PARENT_ARGV": "argv"}
_PROXIES: dict[str, Callable[[Proxy], Any]] = {
    "PROXY_CHAIN": lambda p: list(p.chain),
    "PROXY_DEPTH": lambda p: len(p.chain),
    "PROXY_FUNCTION": lambda p: p.function or None,
    "PAYLOAD_IMAGE": lambda p: p.path if p.kind == "command" and p.path else None,
    "PAYLOAD_COMMAND_LINE": lambda p: (Truncated(p.command_line) if p.truncated else p.command_line) or None,
    "PAYLOAD_KIND": lambda p: p.kind,
    "PAYLOAD_PATH": lambda p: p.path or None,
    "PAYLOAD_URL": lambda p: p.url or None,
}
_SIGMA = {field.member: field.sigma for field in schema.fields() if field.derived and field.member in _PROXIES}
_BODIES = {
    **dict.fromkeys((lib.SN_EXEC, lib.SN_PROCESS), "struct sn_exec *"),
    lib.SN_FILE: "struct sn_file *",
    lib.SN_LOAD: "struct sn_load *",
}
_KINDS = {lib.SN_EXEC: "EXEC", lib.SN_CONNECT: "CONNECT", lib.SN_FILE: "FILE", lib.SN_LOAD: "LOAD"}
_OWN = {"IMAGE": "image", "ARGV": "argv", "CWD": "cwd"}


class ReferenceJudge:
    """Judges frames of `table` by the rules of `ruleset`."""

    def __init__(self, ruleset: RuleSet, users: Mapping[int, str]) -> None:
        self._users = users
        self._by_source: dict[Logsource, list[tuple[int, Rule]]] = {}
        for number, rule in enumerate(ruleset.rules):
            self._by_source.setdefault(rule.info.logsource, []).append((number, rule))
        always = Atom("Image", Op.EXISTS)
        marks = [
            Rule(RuleInfo("", str(source), "low", source, ""), Or((always, Not(always)))) for source in self._by_source
        ]
        compiled = compile_table(RuleSet(tuple(marks), ()))
        self._sources = [info.logsource for info in compiled.rules]
        self.table: bytes = compiled.bytes

    def judge(self, frames: Sequence[Frame]) -> list[Frame]:
        """The alerts of one event, whose frames these are, in the order of the rules."""
        event = event_of(frames[0], self._users)
        candidates = [c for frame in frames for c in self._by_source[self._sources[frame.rule]]]
        alerts = []
        for number, rule in sorted(candidates, key=lambda c: c[0]):
            verdict = judge(rule.condition, event)
            if verdict is not False:
                meaning = lib.SN_MATCH if verdict else lib.SN_UNDECIDABLE
                alerts.append(frames[0]._replace(rule=number, verdict=meaning, cause_field=None))
        return alerts


class _Record:
    """A record's members, read where event.h has them."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.header = ffi.cast("struct sn_header *", ffi.from_buffer(raw))
        self.is_exec = self.header.type in {lib.SN_EXEC, lib.SN_PROCESS}
        self._body = ffi.cast(_BODIES.get(self.header.type, "struct sn_connect *"), self.header)

    def user(self, users: Mapping[int, str]) -> Any:
        """Its name, or its number; LOST when it is not known."""
        if self._body.uid == _NOBODY_KNOWN:
            return LOST
        return users.get(self._body.uid, str(self._body.uid))

    def of_process(self, member: str) -> Any:
        """image, argv or cwd of a process that is not the event's own record."""
        if self.header.flags & lib.SN_F_KERNEL_THREAD:
            return None
        if member == "argv" and self._body.image.len:
            return self._argv()
        return self._path("cwd" if member == "cwd" else "image")

    def value(self, field: schema.Field) -> Any:
        """None: absent."""
        if field.kind == "ARGV":
            return self._argv()
        if field.kind == "TEXT":
            return self._path(field.member)
        if field.kind == "FLAG":
            return bool(self.header.flags & getattr(lib, f"SN_F_{field.member}"))
        if field.kind in {"ADDR", "PROTO"}:
            return record_json(self._raw).get(field.json)
        raw = getattr(self._body, field.member)
        if field.kind == "NAME":
            return bytes(raw).split(b"\0")[0].decode("utf-8", "surrogateescape") or None
        return None if _KNOWN.get(field.kind) == raw else raw

    def _bytes(self, member: str) -> bytes:
        span = getattr(self._body, member)
        return self._raw[span.off : span.off + span.len]

    def _path(self, member: str) -> Any:
        text = self._bytes(member).decode("utf-8", "surrogateescape")
        if not text:
            return None if member == "script" else LOST
        if not self.header.flags & _CUT.get(member, 0):
            return text
        return Truncated(text) if member == "script" else Truncated("", text)

    def _argv(self) -> Any:
        block, flags, head = self._bytes("argv"), self.header.flags, self._body.argv_head
        unreadable, truncated = flags & lib.SN_F_ARGV_UNREADABLE, flags & lib.SN_F_ARGV_TRUNCATED
        if not block and flags & (lib.SN_F_ARGV_UNREADABLE | lib.SN_F_REDUCED):
            return LOST
        if block.endswith(b"\0") and not unreadable and (not truncated or head < len(block)):
            block = block[:-1]
        block = block.replace(b"\0", b" ")
        if truncated:
            ends = block[:head], block[head:]
            return Truncated(*(end.decode("utf-8", "surrogateescape") for end in ends))
        text = block.decode("utf-8", "surrogateescape")
        return Truncated(text) if unreadable else text


@dataclass(frozen=True)
class _Event:
    """An event that came as a record, and who it is about. `own`, `parent`: None when not known."""

    record: _Record
    own: _Record | None
    parent: _Record | None
    parentless: bool
    proxy: Proxy | None
    users: Mapping[int, str]

    def value(self, field: schema.Field) -> Any:
        """None: absent."""
        if not field.derived:
            return self.record.value(field)
        source = field.member
        if source == "HEADER":
            return self.record.header.pid
        if source == "TRUE":
            return "true"
        if source == "USER":
            return self.record.user(self.users)
        if source in _PROXIES:
            if self.proxy is None:
                return None
            is_payload = source.startswith("PAYLOAD_")
            told = self.proxy.chain and not (is_payload and self.proxy.kind == "unknown")
            return _PROXIES[source](self.proxy) if told else LOST
        if field.late:
            return None  # nobody looked
        if source in _OWN:
            return LOST if self.own is None else self.own.of_process(_OWN[source])
        if self.parent is None:
            return None if self.parentless else LOST
        return self.parent.user(self.users) if source == "PARENT_USER" else self.parent.of_process(_PARENTS[source])


def _identity(fields: Mapping[str, Any], renamed: int) -> dict[str, Any]:
    """The proxy that a file of Windows was made as, and whether it is called otherwise."""
    if renamed == lib.SN_NO_PROXY:
        return {}
    told = fields["OriginalFileName"]
    path = str(told[0] if isinstance(told, list) else told)
    name = re.split(r"[\\/]", path)[-1].rstrip(". ").lower().removesuffix(".exe")
    name = re.sub(r"(?<=.~)[1-9]\Z", "1", name)  # one of several short names
    return {"ProxyIdentity": win_programs()[name], "RenamedProxy": str(renamed == lib.SN_IS_RENAMED).lower()}


def _of_line(frame: Frame) -> dict[str, Any]:
    """Of an event that came as JSON; a process creation of Windows has what it was made to run, unless it says so."""
    text = frame.event.decode("utf-8", "surrogateescape")
    fields = with_mapped(event_fields(json.loads(text, parse_int=str, parse_float=str, parse_constant=str)))
    made = _identity(fields, frame.renamed)
    proxy = proxy_of(frame.proxy)
    if proxy is not None:
        told = {True: bool(proxy.chain) and proxy.kind != "unknown", False: bool(proxy.chain)}
        for source, value in _PROXIES.items():
            made[_SIGMA[source]] = value(proxy) if told[source.startswith("PAYLOAD_")] else LOST
    return {name: value for name, value in made.items() if value is not None} | fields


def event_of(frame: Frame, users: Mapping[int, str]) -> dict[str, Any]:
    """Sigma field -> value, as reference.judge takes it. A field of a record that is absent is left out."""
    if frame.payload == lib.SN_PAYLOAD_JSON:
        return _of_line(frame)
    record = _Record(frame.event)
    own = record if record.is_exec else _Record(frame.process) if frame.process else None
    parent = _Record(frame.lineage[0]) if frame.lineage else None
    parentless = bool(frame.process) and frame.lineage_complete
    event = _Event(record, own, parent, parentless, proxy_of(frame.proxy), users)
    kind = _KINDS[record.header.type]
    values = {f.sigma: event.value(f) for f in schema.fields() if f.sigma and f.type == kind}
    return {name: value for name, value in values.items() if value is not None}
