"""How counts, levels and tables are shown."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

from sensor.escape import escape
from sensor.terminal import LEVEL_COLOURS, clip, columns, terminal_width, wants_colour


def counted(number: int, what: str) -> str:
    """`1 rule`, `3,754 rules`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _Painted(str):
    """Text that may be written as it is: escaped, perhaps in colour."""

    __slots__ = ()


class Page:
    """Where a command writes: as wide as the terminal and in colour there, whole and plain anywhere else."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        terminal = out.isatty()
        self._width = terminal_width(out.fileno()) if terminal else None
        self._colour = wants_colour(terminal, os.environ)

    def paint(self, text: str, level_or_code: str) -> str:
        """`text`, escaped, in the colour of a level, or by an SGR code: for `line`."""
        shown = escape(text)
        code = LEVEL_COLOURS.get(level_or_code, level_or_code)
        return _Painted(f"\x1b[{code}m{shown}\x1b[0m" if self._colour else shown)

    def line(self, *parts: str) -> None:
        """One line: what `paint` made as it is, all else escaped."""
        print("".join(part if isinstance(part, _Painted) else escape(part) for part in parts), file=self._out)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0) -> None:
        """Columns as wide as their content; on a terminal the last one is cut to fit. The first `right` hold numbers.
        A cell that is the name of a level has its colour."""
        cells = [[escape(cell) for cell in row] for row in (head, *rows)]
        widths = [max(columns(row[n]) for row in cells) for n in range(len(head))]
        if self._width:
            widths[-1] = max(self._width - sum(widths[:-1]) - 2 * (len(head) - 1), 10)
        for number, row in enumerate(cells):
            last = clip(row[-1], widths[-1]) if self._width else row[-1]
            parts: list[str] = []
            for n, cell in enumerate([*row[:-1], last]):
                gap = " " * (widths[n] - columns(cell)) if n < right or n < len(head) - 1 else ""
                shown = self._level(cell, number)
                parts += ["  " if n else "", *((gap, cell) if n < right else (shown, gap))]
            self.line(*parts)

    def _level(self, cell: str, row: int) -> str:
        if not row:
            return self.paint(cell, "1")
        return self.paint(cell, cell) if cell in LEVEL_COLOURS else cell
