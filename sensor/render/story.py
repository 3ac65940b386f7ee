"""An alert for human eyes: what fired, the lineage as a tree, the command, who ran it.

Everything in an alert may have been chosen by an attacker. No byte of it reaches the terminal as a control: C0, C1,
bidi overrides and whatever else str.isprintable denies are shown escaped, bytes that were no UTF-8 as \\xNN. An
argument that needs quoting is quoted as bash would read it back ($'...' where something is escaped), so that where
one argument ends and the next begins is never in doubt.
"""

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sensor.encode import Alert, rfc3339

COMMAND_LINES = 6  # a command takes at most so many lines; beyond that its middle is left out
ARGUMENT_COLUMNS = 240  # one argument's share of them

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./~^-]+\Z")
LEVEL_COLOURS = {"critical": "1;97;41", "high": "1;31", "medium": "1;33", "low": "36", "informational": "2"}


def escape(text: str) -> str:
    """`text` with every character that is no visible one made visible; printable ASCII is untouched."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape_one(c) for c in text)


def _escape_one(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if named := {9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e"}.get(code):
        return named
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """Terminal columns that `text` (escaped) takes at most: 2 for wide characters, 1 for any other. Combining ones
    take none, but counted so a thousand of them could hide behind one letter."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(c) for c in text)


def _columns_of(char: str) -> int:
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut_middle(text: str, limit: int, true_length: int | None = None) -> str:
    """`text` in at most `limit` columns; a mark in the middle says how long it really is (default: len(text))."""
    if columns(text) <= limit:
        return text
    mark = f"...[{len(text) if true_length is None else true_length}]..."
    room = limit - len(mark)
    if room < 2:
        return _take(text, limit)
    head = _take(text, room - room // 3)
    tail = _take(text[::-1], room // 3)[::-1]
    return head + mark + tail


def _take(text: str, limit: int) -> str:
    """The longest beginning of `text` that takes at most `limit` columns."""
    if text.isascii():
        return text[:limit]
    taken = 0
    for i, char in enumerate(text):
        taken += _columns_of(char)
        if taken > limit:
            return text[:i]
    return text


def quote(argument: str, limit: int = ARGUMENT_COLUMNS) -> str:
    """One argument as bash would read it back, unless it is longer than `limit` columns: then cut in the middle."""
    if _PLAIN.match(argument):
        return cut_middle(argument, limit)
    shown = escape(argument)
    if shown == argument:
        return "'" + cut_middle(argument, limit).replace("'", "'\\''") + "'"
    # Cut before escaping, so that no escape is cut in two; a character can grow to ten, cut_middle sees to the rest.
    if len(argument) > limit:
        half = limit // 2
        mark = f"...[{len(argument)}]..."
        return f"$'{_dollar(argument[:half])}{mark}{_dollar(argument[-half:])}'"
    return f"$'{_dollar(argument)}'"


def _dollar(text: str) -> str:
    return escape(text.replace("\\", "\\\\")).replace("'", "\\'")


def command_text(process: Mapping[str, Any], limit: int) -> str:
    """The command of a `process` or `lineage` entry on one line of at most `limit` columns: from argv where known, else
    the command line. Long arguments are cut first, each in its middle; then the whole."""
    argv = process.get("argv")
    if not argv:
        return cut_middle(escape(str(process.get("command_line", ""))), limit)
    for longest in (ARGUMENT_COLUMNS, 120, 60, 30):
        text = " ".join(quote(str(a), longest) for a in argv)
        if columns(text) <= limit:
            return text
    return cut_middle(text, limit, process.get("argv_bytes"))


class Renderer:
    """Renders alerts for one output. `colour` decides on ANSI colours, `width` (columns, at least 40) on the layout."""

    def __init__(self, *, colour: bool, width: int) -> None:
        self._colour = colour
        self.width = width

    def render(self, alert: Alert) -> bytes:
        """Lines of at most `width` columns, with an empty one at the end; valid UTF-8."""
        width = max(self.width, 40)
        lines = [self._headline(alert, width)]
        lines += self._why(alert, width)
        lines += self._tree(alert, width)
        lines += self._facts(alert, width)
        return ("\n".join(lines) + "\n\n").encode("utf-8", "backslashreplace")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def _headline(self, alert: Alert, width: int) -> str:
        rule = alert["rule"]
        level = str(rule.get("level") or "informational")
        badge = escape(level).upper()
        when = rfc3339(alert["time"], 3) if "time" in alert else ""
        right = "  ".join(part for part in (when, escape(str(alert.get("host", "")))) if part)
        room = width - len(badge) - 2
        if right and columns(right) + 12 < room:
            room -= columns(right) + 2
        else:
            right = ""
        title = cut_middle(escape(str(rule.get("title") or rule.get("id", ""))), room)
        gap = "  " + " " * (room - columns(title)) if right else ""
        return f"{self._paint(badge, LEVEL_COLOURS.get(level, '1'))}  {self._paint(title, '1')}" + (
            gap + self._paint(right, "2") if right else ""
        )

    def _why(self, alert: Alert, width: int) -> list[str]:
        """What limits the verdict: an undecidable's cause, losses, reduced fidelity."""
        notes = []
        if cause := alert.get("undecidable"):
            notes.append(f"undecidable: {cause.get('cause')} {cause.get('reason', '')} (rule level {cause['level']})")
        if rollup := alert.get("rollup"):
            notes.append(f"{rollup['count']} more since {rfc3339(rollup['first'], 3)}")
        evidence = alert.get("evidence", {})
        if evidence.get("reduced"):
            notes.append("source of lower fidelity: members may be missing")
        if recent := evidence.get("lost", {}).get("recent"):
            notes.append(f"{recent} events were lost on this CPU in the 10 s before")
        notes += [str(note) for note in alert.get("notes", ())]
        return [self._paint("  " + cut_middle(escape(note), width - 2), "33") for note in notes]

    def _tree(self, alert: Alert, width: int) -> list[str]:
        """Oldest ancestor first, each child one step further in, the process itself last with its whole command."""
        process = alert.get("process")
        chain = [*reversed(alert.get("lineage", ())), *([process] if process else [])]
        if not chain:
            return []
        deepest = max(1, (width - 40) // 3)  # further in there would be no room for the command
        skipped = len(chain) - deepest - 1
        lines = []
        if skipped > 0:
            lines.append(f"  ... {skipped} older")
            chain = chain[skipped:]
        for depth, entry in enumerate(chain):
            indent = "  " + ("" if depth == 0 else "   " * (depth - 1) + "└─ ")
            name = cut_middle(escape(str(entry.get("image") or "?").rsplit("/", 1)[-1]) or "?", 24)
            pid = f"({entry['pid']})" if "pid" in entry else ""
            label = f"{name}{pid} "
            room = width - columns(indent) - columns(label)
            is_last = process is not None and depth == len(chain) - 1
            command = self._wrap(entry, room, COMMAND_LINES if is_last else 1)
            under = " " * (columns(indent) + columns(label))
            shown_name = self._paint(label, "1;36" if is_last else "36")
            lines.append(f"{indent}{shown_name}{command[0]}".rstrip())
            lines += [under + line for line in command[1:]]
        return lines

    @staticmethod
    def _wrap(entry: Mapping[str, Any], room: int, most: int) -> list[str]:
        text = command_text(entry, room * most)
        lines: list[str] = []
        while text or not lines:
            line = _take(text, room)
            lines.append(line)
            text = text[len(line) :]
        # Wide characters can leave a column empty at a line's end, so that one line more is needed; it is dropped.
        return lines[:most]

    def _facts(self, alert: Alert, width: int) -> list[str]:
        process: Mapping[str, Any] = alert.get("process") or {}
        rule = alert["rule"]
        fields: Mapping[str, Any] = alert.get("fields") or {}
        user = process.get("user", "")
        uid = f"uid {process['uid']}" if "uid" in process else ""
        proxy: Mapping[str, Any] = alert.get("proxy") or {}
        payload: Mapping[str, Any] = proxy.get("payload") or {}
        pairs: list[tuple[str, str]] = [
            ("ran", str(payload.get("command_line") or payload.get("path") or payload.get("url") or "")),
            ("as", str(payload.get("kind", ""))),
            ("through", " ".join(proxy.get("chain", ()))),
            ("image", str(process.get("image", ""))),
            ("user", f"{user} ({uid})" if user and uid else str(user or uid)),
            ("cwd", str(process.get("cwd", ""))),
            ("tags", " ".join(str(t) for t in rule.get("tags", ()))),
            ("rule", str(rule.get("id", ""))),
            ("event", " ".join(f"{k}={v}" for k, v in alert.get("event", {}).items())),
        ]
        if not process.get("command_line"):
            pairs += [(k, str(v)) for k, v in fields.items() if v not in ("", None)]
        else:
            network = [k for k in fields if k.startswith(("Destination", "Source", "Protocol", "Query", "Target"))]
            pairs += [(k, str(fields[k])) for k in network]
        return self._pack([(escape(k), escape(v)) for k, v in pairs if v], width)

    def _pack(self, pairs: Sequence[tuple[str, str]], width: int) -> list[str]:
        """`name value` pairs, as many on a line as fit."""
        lines: list[str] = []
        used = width
        for name, value in pairs:
            name_shown = cut_middle(name, width // 3)
            shown = cut_middle(value, width - columns(name_shown) - 3)
            size = columns(name_shown) + 1 + columns(shown)
            painted = f"{self._paint(name_shown, '2')} {shown}"
            if used + 3 + size <= width:
                lines[-1] += "   " + painted
                used += 3 + size
            else:
                lines.append("  " + painted)
                used = 2 + size
        return lines


def wants_colour(is_terminal: bool, environ: Mapping[str, str] = os.environ) -> bool:
    """Colour on a terminal, unless NO_COLOR (no-color.org: set and not empty) or TERM=dumb says otherwise."""
    return is_terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def terminal_width(fd: int, default: int = 120) -> int:
    """Columns of the terminal at `fd`; `default` where it is none."""
    try:
        return os.get_terminal_size(fd).columns or default
    except OSError:
        return default
