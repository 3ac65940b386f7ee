"""What the parts of a story share: how it is painted, and how to read an alert that may be anybody's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sensor.terminal import LEVEL_COLOURS

DIM, BOLD = "2", "1"
WARN, GOOD, BAD = "33", "32", "31"
NAME, SUBJECT, PAYLOAD = "36", "1;36", "1;35"


@dataclass(frozen=True)
class Paper:
    """Where a part is written: `width` columns, and whether there are colours."""

    width: int
    colour: bool

    def paint(self, text: str, code: str) -> str:
        """`text` in an SGR colour, or that of a level."""
        return f"\x1b[{LEVEL_COLOURS.get(code, code)}m{text}\x1b[0m" if self.colour and text else text

    def narrower(self, columns: int) -> Paper:
        """The same with so many columns less."""
        return Paper(self.width - columns, self.colour)


def member(value: object, *path: str) -> Any:
    """What stands at `path` within maps; None where there is no such."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def mapping(value: object, *path: str) -> Mapping[str, Any]:
    """The map at `path`, empty where there is none."""
    found = member(value, *path)
    return found if isinstance(found, dict) else {}


def mappings(value: object, *path: str) -> list[Mapping[str, Any]]:
    """The maps in the list at `path`."""
    found = member(value, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list | tuple) else []


def texts(value: object, *path: str) -> list[str]:
    """The list at `path` as texts; a single value counts as a list of it."""
    found = member(value, *path)
    if isinstance(found, list | tuple):
        return [str(each) for each in found]
    return [] if found is None else [str(found)]


def text(value: object, *path: str) -> str:
    """The scalar at `path` as text, "" where there is none."""
    found = member(value, *path)
    return "" if found is None or isinstance(found, dict | list | tuple) else str(found)


def number(value: object, *path: str) -> float | None:
    """The number at `path`; None where there is none."""
    found = member(value, *path)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def is_true(value: object, *path: str) -> bool:
    """Sigma's fields are texts: "true" is as good as true."""
    return text(value, *path).lower() == "true"


def span(seconds: float) -> str:
    """A length of time, roughly: `0.8 s`, `3 s`, `5 min`, `7 h`, `212 days`."""
    for most, unit, size in ((10, "s", 1), (120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if abs(seconds) < most:
            rounded = f"{seconds:.1f}".removesuffix(".0") if most == 10 else f"{seconds / size:.0f}"
            return f"{rounded} {unit}"
    return f"{seconds / 86400:,.0f} days"
