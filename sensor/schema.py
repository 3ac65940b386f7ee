"""The fields of all records, from native/fields.def as the core knows it; `python -m sensor.schema` prints them.

No offset is written down in Python: what a field is comes from sn_schema__field.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sensor.native import ffi, lib

# Records that rules judge, and their Sigma category.
CATEGORIES = {
    "EXEC": "process_creation",
    "CONNECT": "network_connection",
    "FILE": "file_event",
    "LOAD": "image_load",
}
RECORDS = {
    "EXEC": "exec, process",
    "PROCESS": "process",
    "FORK": "fork",
    "EXIT": "exit",
    "CONNECT": "connect, connect_result, socket",
    "RESULT": "connect_result",
    "LOSS": "loss",
    "FILE": "file",
    "LOAD": "load",
    "ETW": "etw",
    "LINE": "line",
}
# Events of Windows, whichever source's, and their Sigma category.
WINDOWS = {"START": "process_creation", "MODULE": "image_load"}
SOURCES = {
    "HEADER": "the record",
    "USER": "the user names of the host",
    "IMAGE": "the process table",
    "ARGV": "the process table",
    "CWD": "the process table",
    "PARENT_IMAGE": "the process table: the parent",
    "PARENT_ARGV": "the process table: the parent",
    "PARENT_USER": "the process table: the parent",
    "TRUE": "a constant",
    **dict.fromkeys(
        ("PROXY_CHAIN", "PROXY_DEPTH", "PROXY_FUNCTION"), "grammars: the command line and the execs before"
    ),
    **dict.fromkeys(("PAYLOAD_IMAGE", "PAYLOAD_COMMAND_LINE", "PAYLOAD_KIND"), "grammars: the payload"),
    **dict.fromkeys(("PAYLOAD_PATH", "PAYLOAD_URL"), "grammars: the payload"),
    **dict.fromkeys(("PROXY_IDENTITY", "RENAMED_PROXY"), "which program the file is"),
}
_LATE = ("FACT_", "PROXY_IDENTITY", "RENAMED_PROXY")
_FACTS = {"FACT_IMAGE_": "facts of the file", "FACT_PAYLOAD_": "facts of the payload's file"}
# Sysmon's events have these themselves.
_SYSMONS = (("START", "FACT_IMAGE_"), ("MODULE", "FACT_PAYLOAD_"))


_TEXTS = ("type", "kind", "member", "json", "sigma", "help")


@dataclass(frozen=True)
class Field:
    """One line of fields.def. `json` is "" for a derived field, `sigma` is "" where rules cannot use it."""

    type: str
    kind: str
    member: str
    json: str
    sigma: str
    help: str
    offset: int
    size: int

    @property
    def fact(self) -> bool:
        """It is found out by looking at a file."""
        return self.derived and self.member.startswith(_LATE)

    @property
    def late(self) -> bool:
        """It is not there when its event comes, of whichever source: somebody has to look first."""
        return self.fact and not any(self.type == kind and self.member.startswith(of) for kind, of in _SYSMONS)

    @property
    def derived(self) -> bool:
        """Rules see it, the record does not hold it: `member` then names its source."""
        return self.kind == "DERIVED"


@cache
def fields() -> tuple[Field, ...]:
    """All fields in the order of fields.def."""
    found: list[Field] = []
    while (info := lib.sn_schema__field(len(found))) != ffi.NULL:
        texts = {name: ffi.string(getattr(info, name)).decode() for name in _TEXTS}
        found.append(Field(**texts, offset=info.offset, size=info.size))
    return tuple(found)


def windows_facts(category: str) -> dict[str, Field]:
    """Facts of files that rules see of live events of a Windows category, by name."""
    return {f.sigma: f for f in fields() if WINDOWS.get(f.type) == category}


def sigma_fields(category: str) -> dict[str, Field]:
    """The fields that Sigma rules of a Linux category can use, by name; {} for a category that is not judged."""
    return {f.sigma: f for f in fields() if f.sigma and CATEGORIES.get(f.type) == category}


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return lines


def _source(field: Field) -> str:
    """Where a derived field is from."""
    facts = (text for prefix, text in _FACTS.items() if field.member.startswith(prefix))
    return SOURCES.get(field.member) or next(facts)


def markdown() -> str:
    """docs/schema.md."""
    lines = [
        "# Fields",
        "Made from native/fields.def by `python -m sensor.schema > docs/schema.md`.",
        "",
        "## Every record",
        "`type`, `time` (RFC 3339 with nanoseconds), `pid`, `start` (start of the process in ns since boot: with `pid`",
        "its identity), `cpu` and `seq` (number of the record on that CPU, without gaps; left out of records that no",
        "probe wrote). A field that is not known is left out. Bytes that are no UTF-8 are written as lone surrogates,",
        "`\\udc80` to `\\udcff`, as Python's surrogateescape does.",
        "",
        "Events of Windows have their fields by docs/taxonomy.md; what the running sensor adds to them is below.",
    ]
    for name, records in RECORDS.items():
        rows = [(f"`{f.json}`", f.kind, f.help) for f in fields() if f.type == name and not f.derived]
        lines += ["", f"## {records}", *_table(("name", "kind", "meaning"), rows)]
    for category in CATEGORIES.values():
        by_name = sorted(sigma_fields(category).items())
        rows = [(f"`{n}`", _source(f) if f.derived else f"`{f.json}`", f.help) for n, f in by_name]
        lines += ["", f"## Sigma: linux, {category}", *_table(("field", "from", "meaning"), rows)]
    for category in WINDOWS.values():
        rows = [(f"`{n}`", _source(f), f.help) for n, f in sorted(windows_facts(category).items())]
        lines += ["", f"## Sigma: windows, {category}: facts of files", *_table(("field", "from", "meaning"), rows)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
