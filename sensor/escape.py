"""Foreign text made harmless for a terminal, and for the eye: the one place that decides what may be shown as it is.

Names, arguments, addresses and rules may have been chosen by an attacker. What is no visible character of a width of
its own is shown by its number: C0 and C1 controls, DEL, bidi overrides, line separators, private use, what has no width
or no ink (it hides between letters, or makes two names look alike), and, as \\xNN, bytes that were no UTF-8
(surrogateescape).
"""

from __future__ import annotations

from functools import lru_cache

_SHORT = {9: "\\t", 10: "\\n", 13: "\\r", 27: "\\e"}
_NO_INK = "\u115f\u2800\u3164\uffa0"  # fillers and the empty braille pattern: they have a width, and nothing in it


def escape(text: str) -> str:
    """`text` with every character that is no visible one made visible; printable ASCII is untouched. The result is
    printable, on one line, and each of its characters takes at least one column."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(escape_one, text))


def bytes_of(text: str) -> bytes:
    """What `text` was made of: surrogates are bytes that were no UTF-8, or a half of a pair of UTF-16."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=1024)
def escape_one(char: str) -> str:
    """One character as it is, or its escape."""
    if char.isascii() and char.isprintable():
        return char
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable() and columns_of(char) > 0 and char not in _NO_INK:
        return char
    if named := _SHORT.get(code):
        return named
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@lru_cache(maxsize=1024)
def columns_of(char: str) -> int:
    """Columns of a terminal that one character takes: 0, 1 or 2; below 0 for a control."""
    if char.isascii():
        return 1 if char.isprintable() else -1
    from wcwidth import wcwidth  # noqa: PLC0415 - its tables, for texts that are not ASCII only

    return int(wcwidth(char))
