"""What Windows' manifests say of the events that native/etw_layout.def reads: a table made from dumps of them, and how
the table is read.

    python tests/unit/etw_manifests.py SOURCE FILE... > tests/rows/etw_manifests.tsv

SOURCE: in words. FILEs: manifests as XML, or rows of Windows10EtwEvents' tables.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "tests" / "rows" / "etw_manifests.tsv"
LAYOUT = (ROOT / "native" / "etw_layout.def").read_text()
_NAMESPACE = "{http://schemas.microsoft.com/win/2004/08/events}"

Column = tuple[str, str]  # type, name


class Event(NamedTuple):
    provider: str
    id: int
    version: int
    keywords: tuple[str, ...]
    columns: tuple[Column, ...]


class Row(NamedTuple):
    """A SN_ETW_EVENT of etw_layout.def."""

    provider: str
    id: int
    first: int
    last: int
    plus: int
    more: bool
    layout: str


def guids() -> dict[str, str]:
    """The manifests' providers."""
    return {name: guid for kind, name, guid, *_ in _lines() if kind == "provider"}


def masks(provider: str) -> dict[str, int]:
    """Its keywords."""
    return {key: int(mask, 16) for kind, name, key, mask, *_ in _lines() if (kind, name) == ("keyword", provider)}


def events() -> list[Event]:
    """In the table's order: of one version there may be several, since Windows did not always count it up."""
    return [
        Event(name, int(number), int(version), tuple(keywords.split()), _columns(columns))
        for kind, name, number, version, keywords, columns in _lines()
        if kind == "event"
    ]


def read_rows() -> list[Row]:
    """What is decoded, by the provider's name."""
    names = dict(re.findall(r'SN_ETW_PROVIDER\((\w+),\s*"([^"]+)"', LAYOUT))
    found = re.findall(r"SN_ETW_EVENT\((\w+), (\d+), (\d+), (\d+), (\d+), (\d), (\w+)\)", LAYOUT)
    return [Row(names[key], *map(int, numbers[:4]), numbers[4] == "1", layout) for key, *numbers, layout in found]


def read_guids() -> dict[str, str]:
    """Those that are decoded, by name."""
    found: dict[str, str] = {}
    for name, numbers in re.findall(r'SN_ETW_PROVIDER\(\w+,\s*"([^"]+)",\s*SN_GUID\(([^)]*)\)', LAYOUT):
        a, b, c, *d = (int(number, 16) for number in numbers.split(","))
        tail = "".join(f"{byte:02x}" for byte in d)
        found[name] = f"{a:08x}-{b:04x}-{c:04x}-{tail[:4]}-{tail[4:]}"
    return found


def read_columns(layout: str, version: int) -> list[Column]:
    """Those of a layout that the version has."""
    found = re.findall(rf"SN_ETW_COLUMN\({layout}, (\d+), (\w+), (\w+)\)", LAYOUT)
    return [(kind, name) for since, kind, name in found if version >= int(since)]


def _lines() -> Iterator[list[str]]:
    for line in TABLE.read_text().splitlines():
        if not line.startswith("#"):
            kind, *values = line.split("\t")
            yield [kind, *values, *[""] * (5 - len(values))]


def _columns(text: str) -> tuple[Column, ...]:
    return tuple((part.split(" ")[0], part.split(" ")[1]) for part in text.split(", ") if part)


# ---- how the table is made ----


def _from_xml(path: Path) -> Iterator[tuple[str, ...]]:
    provider = next(ElementTree.parse(path).iter(f"{_NAMESPACE}provider"))
    name = provider.get("name", "")
    templates = {
        template.get("tid", ""): ", ".join(
            f"{data.get('inType', '').removeprefix('win:')} {data.get('name')}" for data in template
        )
        for template in provider.iter(f"{_NAMESPACE}template")
    }
    yield "provider", name, provider.get("guid", "").strip("{}")
    for keyword in provider.iter(f"{_NAMESPACE}keyword"):
        yield "keyword", name, keyword.get("name", ""), keyword.get("mask", "")
    for event in provider.iter(f"{_NAMESPACE}event"):
        columns = templates.get(event.get("template", ""), "")
        yield ("event", name, event.get("value", ""), event.get("version", ""), event.get("keywords", ""), columns)


def _from_tsv(path: Path) -> Iterator[tuple[str, ...]]:
    for line in path.read_text().splitlines():
        name, number, version, event, _, keywords, *_ = line.split("\t")
        yield "event", name, number, version, keywords, event.partition("(")[2].removesuffix(")")


def _key(line: tuple[str, ...]) -> tuple[str, int, int, int]:
    numbers = (int(line[2]), int(line[3])) if line[0] == "event" else (0, 0)
    return line[1], ("provider", "keyword", "event").index(line[0]), *numbers


def _make(source: str, paths: list[Path]) -> str:
    wanted = {(row.provider, row.id) for row in read_rows()}
    lines = [line for path in paths for line in (_from_xml if path.suffix == ".xml" else _from_tsv)(path)]
    kept = [line for line in dict.fromkeys(lines) if line[0] != "event" or (line[1], int(line[2])) in wanted]
    head = f"# Made by tests/unit/etw_manifests.py from {source}"
    return "\n".join([head, *("\t".join(line) for line in sorted(kept, key=_key))]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(_make(sys.argv[1], [Path(name) for name in sys.argv[2:]]))
