"""Names of programs that have a grammar, out of a compiled rule table."""

from __future__ import annotations

import struct
from typing import NamedTuple

# native/rule_table.h, native/grammar.h
_TABLE_HEAD = struct.Struct("<8sIIQ")
_SECTION = struct.Struct("<IIQQ")
_GRAMMARS, _WIN_GRAMMARS = 20, 21
_GRAMMAR_HEAD = struct.Struct("<8sII9I")
_SLOT = struct.Struct("<III")
_PROGRAM = 68  # bytes
_APPLET = 32
_NAME_MAX = 64


class Programs(NamedTuple):
    """`numbers`: name to number of its grammar, one number for all names of a program; `applets`: those that go by
    argv[0]."""

    numbers: dict[str, int]
    applets: frozenset[int]

    def number(self, name: str) -> int | None:
        """As sn_grammars__find: a version at the end of a name is left aside where the whole name has no grammar."""
        if len(name.encode(errors="surrogateescape")) > _NAME_MAX:
            return None
        found = self.numbers.get(name)
        return self.numbers.get(name.rstrip("0123456789.-")) if found is None else found


def grammar_names(table: bytes | memoryview, *, windows: bool = False) -> Programs:
    """Of the grammars in a verified rule table, those of Windows' programs or all others; none where it has none."""
    wanted = _WIN_GRAMMARS if windows else _GRAMMARS
    _, _, sections, _ = _TABLE_HEAD.unpack_from(table)
    for number in range(sections):
        kind, _, start, size = _SECTION.unpack_from(table, _TABLE_HEAD.size + number * _SECTION.size)
        if kind == wanted and size:
            return _of_section(memoryview(table)[start : start + size])
    return Programs({}, frozenset())


def _of_section(section: memoryview) -> Programs:
    _, _, _, slots, programs, *_, text, _ = _GRAMMAR_HEAD.unpack_from(section)
    numbers, applets = {}, set()
    for offset, length, program in _SLOT.iter_unpack(section[slots:programs]):
        if length:
            numbers[bytes(section[text + offset : text + offset + length]).decode()] = program
            if int.from_bytes(section[programs + program * _PROGRAM :][:4], "little") & _APPLET:
                applets.add(program)
    return Programs(numbers, frozenset(applets))
