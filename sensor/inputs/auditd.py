"""audit.log and what ausearch prints of it, raw or interpreted (-i), to JSON lines with Sigma's names."""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import Any

from sensor.inputs.audit_event import process_line, record_line
from sensor.inputs.lines import left_out

# ausearch -i has a space before the colon, and values as a person would write them.
_HEAD = re.compile(r"^(.*?)\btype=(\S+) msg=audit\(([^()]*:\d+)\)( ?):\s?(.*)$", re.DOTALL)
_RAW = re.compile(r"([A-Za-z_][\w\-\[\]]*)=(\"[^\"]*\"|'[^']*'|[^\s\x1d]*)")
_INTERPRETED = re.compile(r"([A-Za-z_][\w\-\[\]]*)=(.*?)(?=\s[A-Za-z_][\w\-\[\]]*=|\s*$)")
_NODE = re.compile(r"\bnode=(\S+) ")
_ARGUMENT = re.compile(r"a(\d+)(?:\[(\d+)\])?\Z")
_HEX = re.compile(r"(?:[0-9A-F]{2})+\Z")
# Fields that audit writes as hexadecimal where quotes could not hold them (audit_log_untrustedstring and user space).
_ENCODED = frozenset(
    [
        *("acct", "cmd", "comm", "cwd", "data", "dir", "exe", "file", "grp", "key", "name", "new-disk", "new-fs"),
        *("new-rng", "ocomm", "old-disk", "old-fs", "old-rng", "path", "proctitle", "vm", "watch"),
    ]
)
_NONE = {"(null)", "(none)", '"(null)"'}
_SEPARATORS = (b"----", b"time->")  # ausearch, between events
_OPEN_MAX = 1024  # events whose records may come between one another
_AGE_LINES = 4096  # after so many further records an event is taken to be whole


class AuditLines:
    """A line for each record, and one for each process that began, once all of its event's records are there."""

    held = 0

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[int, dict[str, Any]]] = OrderedDict()
        self._records = 0

    def feed(self, block: bytes) -> bytes:
        """A line that is no record is left out."""
        return b"".join(self._line(line) for line in block.split(b"\n") if line.strip())

    def end(self) -> bytes:
        """The processes of events whose end was not seen."""
        made = b"".join(process_line(records) for _, records in self._open.values())
        self._open.clear()
        return made

    def _line(self, line: bytes) -> bytes:
        if line.startswith(_SEPARATORS):
            return self.end()
        head = _HEAD.match(line.decode("utf-8", "surrogateescape").rstrip("\r"))
        if not head:
            return left_out("no audit record: it has no type=... msg=audit(TIME:SERIAL)")
        before, kind, identity, space, body = head.groups()
        fields = _interpreted(body) if space else _raw(kind, body)
        made = b""
        if kind != "EOE":
            node = _NODE.search(before)
            made = record_line(kind, identity, _pieces(fields) | ({"node": node[1]} if node else {}))
        return made + self._join(kind, before + identity, fields)

    def _join(self, kind: str, identity: str, fields: dict[str, Any]) -> bytes:
        """`identity`: what the records of one event have in common."""
        self._records += 1
        _, records = self._open.setdefault(identity, (self._records, {}))
        known = records.setdefault(kind, {})
        for name, value in fields.items():
            known.setdefault(name, value)
        if kind == "EXECVE":
            _arguments(known)
        elif kind == "PROCTITLE" and "\0" in str(known.get("proctitle")):
            known["ARGV"] = str(known["proctitle"]).removesuffix("\0").split("\0")
        last = kind == "EOE" or (kind == "PROCTITLE" and "SYSCALL" in records)
        made = process_line(self._open.pop(identity)[1]) if last else b""
        while self._open and (
            len(self._open) > _OPEN_MAX or self._records - next(iter(self._open.values()))[0] > _AGE_LINES
        ):
            made += process_line(self._open.popitem(last=False)[1][1])
        return made


def _raw(kind: str, body: str) -> dict[str, Any]:
    """Fields of a raw record: name=value, with what auditd's log_format=ENRICHED adds behind a \\x1d."""
    fields: dict[str, Any] = {}
    for name, value in _RAW.findall(body):
        if value.startswith("'"):
            fields |= {inner: _value("", inner, text) for inner, text in _RAW.findall(value[1:-1])}
        else:
            fields[name] = _value(kind, name, value)
    return fields


def _value(kind: str, name: str, value: str) -> Any:
    if value in _NONE:
        return None
    if value.startswith('"'):
        return value.strip('"')
    encoded = name in _ENCODED or (kind == "EXECVE" and _ARGUMENT.match(name))
    if not encoded or not _HEX.match(value):
        return value
    text = bytes.fromhex(value).decode("utf-8", "surrogateescape")
    return text.split("\1") if name == "key" and "\1" in text else text


def _interpreted(body: str) -> dict[str, Any]:
    if body.startswith("proctitle="):
        return {"proctitle": body.removeprefix("proctitle=").strip()}
    pairs = ((name, value.strip().strip("\"'")) for name, value in _INTERPRETED.findall(body))
    return {name: None if value in _NONE else value for name, value in pairs if name != "msg"}


def _pieces(fields: dict[str, Any]) -> dict[str, Any]:
    """A long argument comes as a1_len=..., a1[0]=..., a1[1]=...; here as a1."""
    whole: dict[str, Any] = {}
    for name, value in fields.items():
        part = _ARGUMENT.match(name)
        if part and part[2] is not None:
            whole[f"a{part[1]}"] = whole.get(f"a{part[1]}", "") + str(value or "")
        elif not name.endswith("_len"):
            whole[name] = value
    return whole


def _arguments(execve: dict[str, Any]) -> None:
    """ARGV, once all arguments are there: half a command line would be a wrong one."""
    whole = _pieces(execve)
    count = str(execve.get("argc", ""))
    if count.isdecimal() and len(count) < 8 and all(f"a{n}" in whole for n in range(int(count))):
        execve["ARGV"] = [whole[f"a{n}"] or "" for n in range(int(count))]
