"""Text on a terminal: how wide it is, how it is cut to fit, what colours mean."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping

from sensor.escape import bytes_of, columns_of, escape, escape_one

LEVELS = ("informational", "low", "medium", "high", "critical")
LEVEL_COLOURS = {"critical": "1;97;41", "high": "1;31", "medium": "1;33", "low": "36", "informational": "2"}
COLOUR_CHOICES = ("auto", "always", "never")
LEAST_WIDTH = 40
_SHORT = 64  # bytes of a text whose length says less than the columns that it would take


def say(text: str) -> None:
    """What a command has to say beside its output: one line on standard error."""
    print(f"linsang: {escape(text)}", file=sys.stderr, flush=True)


def columns(text: str) -> int:
    """Columns that `text` (escaped) takes."""
    return len(text) if text.isascii() else sum(map(columns_of, text))


def byte_length(text: str) -> int:
    """Bytes that `text` was made of."""
    return len(bytes_of(text))


def _begin(parts: Iterable[str], room: int) -> list[str]:
    """The first of `parts` that take at most `room` columns."""
    taken = []
    for part in parts:
        room -= columns(part)
        if room < 0:
            break
        taken.append(part)
    return taken


def clip(text: str, limit: int, *, true_bytes: int | None = None, shown: Callable[[str], str] = escape_one) -> str:
    """`text`, which is foreign, escaped and in at most `limit` columns: what does not fit is left out in the middle,
    where a mark says how many bytes there really are (`true_bytes` where `text` itself is not whole). `shown` escapes
    one character; no escape is cut in two. Of a short text nearly all is shown instead of its length."""
    if shown is escape_one and len(text) <= limit and text.isascii() and text.isprintable():
        return text  # nearly every one
    head = _begin(map(shown, text[: limit + 1]), limit)
    if len(head) == len(text):
        return "".join(head)
    length = byte_length(text) if true_bytes is None else true_bytes
    mark = "…" if length <= 2 * limit < _SHORT else f"… {length:,} bytes …"
    room = limit - len(mark)
    if room < 2:
        return "".join(head)
    head = _begin(head, room - room // 3)
    tail = _begin(map(shown, reversed(text)), room // 3)
    return "".join(head) + mark + "".join(reversed(tail))


def take(text: str, limit: int) -> str:
    """The longest beginning of `text` (escaped) that takes at most `limit` columns."""
    return text[:limit] if text.isascii() else "".join(_begin(text, limit))


def pieces(text: str, width: int, most: int) -> list[str]:
    """`text` (escaped) in at most `most` lines of `width` columns, at least one; nothing of it is changed. What does
    not fit is left out."""
    lines: list[str] = []
    while text and len(lines) < most:
        lines.append(take(text, width) or text[0])
        text = text[len(lines[-1]) :]
    return lines or [""]


def folded(text: str, width: int, most: int) -> list[str]:
    """Prose (escaped) in at most `most` lines of `width` columns, broken between words where that can be."""
    lines: list[str] = []
    while text and len(lines) < most:
        line = take(text, width) or text[0]
        if len(line) < len(text):
            line = line if text[len(line)] == " " else line.rpartition(" ")[0] or line
        lines.append(line)
        text = text[len(line) :].lstrip(" ")
    if text:
        lines[-1] = take(lines[-1], width - 1) + "…"
    return lines


def wants_colour(is_terminal: bool, environ: Mapping[str, str] = os.environ, choice: str = "auto") -> bool:
    """Whether to write colours: as `choice` says; auto: on a terminal, unless NO_COLOR (no-color.org: set and not
    empty) or TERM=dumb says otherwise."""
    if choice != "auto":
        return choice == "always"
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def terminal_width(fd: int, default: int = 120) -> int:
    """Columns of the terminal at `fd`; `default` where it is none."""
    try:
        return os.get_terminal_size(fd).columns or default
    except (OSError, ValueError):  # Windows calls a descriptor that is none a bad value
        return default
