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
    providers = (fields.get("Channel"), fields.get("Provider_Name"), fields.get("SourceName"))
    service = next((_services()[name] for name in providers if isinstance(name, str) and name in _services()), "")
    number = str(fields.get("EventID"))
    made: dict[str, Any] = {}
    for row in rows():
        if row.kind == "event" and row.source == service and str(row.id) == number:
            for field, ways in mapping(service, row.category).items():
                for how, origin in ways:
                    values = [fields[name] for name in origin.split() if _is_there(fields.get(name))]
                    if values and field not in made:
                        made[field] = _made(how, values)
    return dict(fields) | made


def _is_there(value: Any) -> bool:
    return value is not None and not isinstance(value, (dict, list))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _made(how: str, values: Sequence[Any]) -> Any:
    if how == "HEX" and re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", str(values[0])):
        return str(int(str(values[0]), 16))
    if how == "WAY":
        return _WAYS.get(values[0], values[0])
    if how == "KEY":
        for root, name in _ROOTS.items():
            if str(values[0]).upper().startswith(root):
                values = [name + str(values[0])[len(root) :], *values[1:]]
    return "\\".join(map(_text, values)) if how in {"PATH", "KEY"} else values[0]


_WAYS = {"%%14593": "true", "Outbound": "true", "%%14592": "false", "Inbound": "false"}
_ROOTS = {"\\REGISTRY\\MACHINE\\": "HKLM\\", "\\REGISTRY\\USER\\": "HKU\\"}


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *body)]


_HOW = {
    "COPY": "{}",
    "HEX": "{} (hexadecimal), as decimal",
    "PATH": "{} and {}, joined by a backslash",
    "KEY": "{} and {}, joined by a backslash, the root as Sysmon writes it",
    "ARGS": "{}, joined by single spaces",
    "ENTRY": "{}: its folder and its name",
    "WAY": "{}, a direction: `true` for outbound, `false` for inbound",
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
            lines += [f"As they are: {', '.join(f'`{n}`' for n in ' '.join(own).split())}."] if own else []
            made = mapping(source.source, category)
            body = [(f"`{f}`", "; else ".join(_from(*way) for way in ways)) for f, ways in made.items()]
            lines += (
                (["", *_table(("field", "from"), body)] if own else _table(("field", "from"), body)) if body else []
            )
    return "\n".join(lines) + "\n"


def _of(row: Row, source: Row) -> bool:
    return row.source == source.source


if __name__ == "__main__":
    sys.stdout.write(markdown())
