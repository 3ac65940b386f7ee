"""Commands as bash would read them back, so that where one argument ends and the next begins is never in doubt."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sensor.escape import escape, escape_one
from sensor.terminal import byte_length, clip, columns

ARGUMENT_COLUMNS = 240  # the most that one argument gets
_SHORTER = (ARGUMENT_COLUMNS, 120, 60, 30)
_WHOLE = 1 << 30

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./~^-]+\Z")
_DOLLAR = {"\\": "\\\\", "'": "\\'"}


def _dollar(char: str) -> str:
    return _DOLLAR.get(char) or escape_one(char)


def _single(char: str) -> str:
    return "'\\''" if char == "'" else char


def quote(argument: str, limit: int = ARGUMENT_COLUMNS) -> str:
    """One argument as bash would read it back, with $'...' where something is escaped; in at most `limit` columns and
    its quotes, cut in the middle where it is longer."""
    if _PLAIN.match(argument):
        return clip(argument, limit)
    if escape(argument) == argument:
        return f"'{clip(argument, limit, shown=_single)}'"
    return f"$'{clip(argument, limit, shown=_dollar)}'"


def arguments_text(argv: Sequence[Any], limit: int, true_bytes: int | None = None) -> str:
    """`argv` on one line of at most `limit` columns: long arguments are cut first, each in its middle; then the whole,
    which has `true_bytes` where argv is not all."""
    for longest in _SHORTER:
        text = " ".join(quote(str(a), longest) for a in argv)
        if columns(text) <= limit:
            return text
    length = sum(byte_length(str(a)) + 1 for a in argv) if true_bytes is None else true_bytes
    whole = " ".join(quote(str(a), _WHOLE) for a in argv)
    return clip(whole, limit, true_bytes=length)


def command_text(process: Mapping[str, Any], limit: int) -> str:
    """The command of a `process` or `lineage` entry on one line of at most `limit` columns: from argv where known, else
    the command line."""
    argv = process.get("argv")
    if isinstance(argv, list) and argv:
        return arguments_text(argv, limit, process.get("argv_bytes"))
    return clip(str(process.get("command_line", "")), limit)


def name_of(process: Mapping[str, Any]) -> str:
    """The name of a process's program, not escaped: the last part of its image, else of its first word; "?" when
    neither is known."""
    image = str(process.get("image") or "")
    argv = process.get("argv")
    first = argv[0] if isinstance(argv, list) and argv else ""
    command = str(process.get("command_line") or first).split(" ", 1)[0]
    separator = "\\" if "\\" in image and "/" not in image else "/"
    return image.rsplit(separator, 1)[-1] or command.rsplit("/", 1)[-1].rstrip(":") or "?"
