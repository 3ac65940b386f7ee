"""What laurel writes, one audit event a JSON line, to JSON lines with Sigma's names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sensor.inputs.audit_event import process_line, record_line
from sensor.inputs.lines import split_lines


class LaurelLines:
    """A line for each record of an event, and one for a process that began."""

    held = 0

    def feed(self, block: bytes) -> bytes:
        """A line that is no event stays as it is."""
        return b"".join(map(_lines, split_lines(block)))

    def end(self) -> bytes:
        """Nothing is ever open."""
        return b""


def _lines(line: bytes) -> bytes:
    try:
        event = json.loads(line.decode("utf-8", "surrogateescape"))
        identity = str(event["ID"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return line
    made = [
        record_line(kind, identity, _fields(kind, record))
        for kind, records in event.items()
        if kind.isupper() and kind != "PARENT_INFO"
        for record in (records if isinstance(records, list) else [records])
        if isinstance(record, dict)
    ]
    return b"".join(made) + process_line(event)


def _fields(kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record's members; the arguments of EXECVE as audit names them."""
    fields = {name: value for name, value in record.items() if not isinstance(value, (dict, list))}
    if kind == "EXECVE" and isinstance(record.get("ARGV"), list):
        fields |= {f"a{number}": value for number, value in enumerate(record["ARGV"])}
    return fields
