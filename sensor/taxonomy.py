"""Where events of other makers belong in Sigma's taxonomy: native/taxonomy.def as the core knows it.

`python -m sensor.taxonomy > docs/taxonomy.md` writes it down.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sensor.native import ffi, lib

_TEXTS = ("kind", "source", "category", "field", "how", "from")


class Row(NamedTuple):
    """One line of taxonomy.def; `kind` is its macro. What a kind does not have is ""."""

    kind: str
    source: str
    category: str
    field: str
    how: str
    origin: str
    id: int


@cache
def rows() -> tuple[Row, ...]:
    """All rows in the order of taxonomy.def."""
    found: list[Row] = []
    while (row := lib.sn_taxonomy__row(len(found))) != ffi.NULL:
        values = (getattr(row, name) for name in _TEXTS)
        kind, source, category, field, how, origin = (ffi.string(v).decode() if v else "" for v in values)
        found.append(Row(kind, source, category, field, how, origin, row.id))
    return tuple(found)


@cache
def mapping(source: str, category: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Sigma field -> the (how, from) that it is made of, best first."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in rows():
        if (row.kind, row.source, row.category) == ("map", source, category):
            found[row.field] = (*found.get(row.field, ()), (row.how, row.origin))
    return found


@cache
def _services() -> dict[str, str]:
    return {row.origin: row.source for row in rows() if row.kind == "channel"}


def product_of(service: str) -> str:
    """The product whose logs have that service; Windows where there is none, as for a line that has a category only."""
    found = {row.source: row.category for row in rows() if row.kind == "source"}
    return found.get(service, "windows")


def with_mapped(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A Windows event's fields and those that native/mapping.c makes of them, which go before its own."""
    made: dict[str, Any] = {}
    for service, category in _kinds(fields):
        for field, ways in mapping(service, category).items():
            for how, origin in ways:
                given = {name: fields.get(name) for name in origin.split()}
                values = [value for value in given.values() if _is_there(how, value)]
                if values and field not in made and (how != "KNOWN" or (field, values[0]) in _WORDS):
                    made[field] = _made(how, field, values)
    return dict(fields) | made


def _kinds(fields: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(service, category) of a Windows event, each that it has."""
    providers = (fields.get("Channel"), fields.get("Provider_Name"), fields.get("SourceName"))
    service = next((_services()[name] for name in providers if isinstance(name, str) and name in _services()), "")
    number = str(fields.get("EventID"))
    of = (row for row in rows() if row.kind == "event" and row.source == service and str(row.id) == number)
    return [(service, row.category) for row in of]


def _is_there(how: str, value: Any) -> bool:
    """The audit log writes a dash for none, and 0x0 for a logon that is not another one."""
    if value is None or isinstance(value, (dict, list)):
        return False
    return how in {"KEY", "DATA"} or not (value == "-" or (how == "COPY" and value == "0x0"))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _made(how: str, field: str, values: Sequence[Any]) -> Any:
    first = _text(values[0])
    if how == "HEX" and re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", first):
        return str(int(first, 16))
    if how in {"WORD", "KNOWN"}:
        return _WORDS.get((field, first), values[0])
    if how == "DATA" and len(values) == 2:
        return _details(first, _text(values[1])) or values[1]
    if how == "KEY":
        values = [_key(first), *(_text(value) or "(Default)" for value in values[1:])]
    return "\\".join(map(_text, values)) if how in {"PATH", "KEY"} else values[0]


def _key(name: str) -> str:
    """A registry key of the kernel as Sysmon writes it."""
    for root, short in _ROOTS:
        if found := re.match(rf"{root}(?=\\|\Z)", name, re.IGNORECASE | re.ASCII):
            rest = name[found.end() :]
            if short == "HKU":
                rest = re.sub(r"\A(\\[^\\]*)\\Software\\Classes(?=\\|\Z)", r"\1_Classes", rest, flags=re.IGNORECASE)
            return short + rest
    return name


def _details(type_: str, data: str) -> str:
    """ "": as it is."""
    names = ["REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY", "REG_DWORD", *[""] * 6, "REG_QWORD"]
    kind = next((n for n, name in enumerate(names) if type_ in {name or None, f"%%{1872 + n}"}), -1)
    if kind in {4, 11}:
        if not re.fullmatch(r"0x[0-9A-Fa-f]+|[0-9]+", data):
            return ""
        number = int(data, 16 if data.startswith("0x") else 10)
        if number >= 1 << (32 if kind == 4 else 64):
            return ""
        return f"DWORD (0x{number:08x})" if kind == 4 else f"QWORD (0x{number >> 32:08x}-0x{number & 0xFFFFFFFF:08x})"
    if kind in {1, 2}:
        return "" if data else "(Empty)"
    return "Binary Data" if kind >= 0 or (len(type_) > 4 and type_.startswith("REG_")) else ""


_LEVELS = {0: "Untrusted", 4096: "Low", 8192: "Medium", 12288: "High", 16384: "System"}
_SERVICES = {18: "SYSTEM", 19: "LOCAL SERVICE", 20: "NETWORK SERVICE"}
_WORDS = {
    **{("Initiated", word): "true" for word in ("%%14593", "Outbound")},
    **{("Initiated", word): "false" for word in ("%%14592", "Inbound")},
    **{("Protocol", "6"): "tcp", ("Protocol", "17"): "udp"},
    **{("EventType", f"%%{n}"): "DeleteValue" if n == 1906 else "SetValue" for n in (1904, 1905, 1906)},
    **{("IntegrityLevel", f"S-1-16-{n}"): name for n, name in _LEVELS.items()},
    **{("User", f"S-1-5-{n}"): f"NT AUTHORITY\\{name}" for n, name in _SERVICES.items()},
}
_MACHINE = r"\\REGISTRY\\MACHINE"
_ROOTS = (
    (rf"{_MACHINE}\\SOFTWARE\\Classes", "HKCR"),
    (rf"{_MACHINE}\\SYSTEM\\(ControlSet\d\d\d|CurrentControlSet)", "HKLM\\System\\CurrentControlSet"),
    (_MACHINE, "HKLM"),
    (r"\\REGISTRY\\USER", "HKU"),
)


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body)]


_HOW = {
    "COPY": "{}",
    "HEX": "{} (hexadecimal), as decimal",
    "PATH": "{} and {}, joined by a backslash",
    "KEY": "{} and {}, joined by a backslash, the root as Sysmon writes it",
    "ARGS": "{}, joined by single spaces",
    "ENTRY": "{}: its folder and its name",
    "WORD": "{}, as Sysmon calls it",
    "KNOWN": "{}, as Sysmon calls it, where Windows has it anywhere",
    "DATA": "{} and {}, as Sysmon writes data of that type",
}


def _from(how: str, origin: str) -> str:
    return _HOW[how].format(*(f"`{name}`" for name in origin.split()))


def markdown() -> str:
    """docs/taxonomy.md."""
    lines = [
        "# Sources and Sigma's taxonomy",
        "Made from native/taxonomy.def by `python -m sensor.taxonomy > docs/taxonomy.md`. What the sensor itself sees",
        "is in schema.md.",
        "",
        "## Windows channels",
        "An event's `service` by its channel; by its provider where a log has no channel.",
        *_table(("channel", "service"), [(f"`{r.origin}`", f"`{r.source}`") for r in rows() if r.kind == "channel"]),
        "",
        "## Windows events",
        "An event that is not in this table has a service and no category.",
    ]
    events = [r for r in rows() if r.kind == "event"]
    lines += _table(("service", "event id", "category"), [(f"`{r.source}`", str(r.id), r.category) for r in events])
    for source in (r for r in rows() if r.kind == "source"):
        lines += ["", f"## {source.source} ({source.category})", f"{source.origin}."]
        for category in dict.fromkeys(r.category for r in rows() if r.kind in {"map", "fields"} and _of(r, source)):
            lines += ["", f"### {category or 'every other event'}"]
            own = [r.origin for r in rows() if r.kind == "fields" and _of(r, source) and r.category == category]
            lines += [f"As they are: {_names(own)}."] if own else []
            made = mapping(source.source, category)
            body = [(f"`{f}`", "; else ".join(_from(*way) for way in ways)) for f, ways in made.items()]
            lines += (
                (["", *_table(("field", "from"), body)] if own else _table(("field", "from"), body)) if body else []
            )
    return "\n".join(lines) + "\n"


def _names(listed: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in " ".join(listed).split())


def _of(row: Row, source: Row) -> bool:
    return row.source == source.source


if __name__ == "__main__":
    sys.stdout.write(markdown())
