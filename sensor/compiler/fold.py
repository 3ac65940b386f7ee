"""Simple case folding, one character to one: what rules and events are compared by.

The interpreter's own Unicode tables decide: `str.casefold` where it gives one character, else `str.lower` where that
does. native/fold.def holds the same for C; a test compares.
"""

from functools import cache


@cache
def fold_char(char: str) -> str:
    """The folded character; itself when folding would need several."""
    folded = char.casefold()
    if len(folded) != 1:
        folded = char.lower()
    return folded if len(folded) == 1 else char


def fold(text: str) -> str:
    """`text` folded; of the same length in characters."""
    if text.isascii():
        return text.lower()
    return "".join(map(fold_char, text))
