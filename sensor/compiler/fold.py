"""Simple case folding, one character to one: what rules and events are compared by.

The interpreter's own Unicode tables decide: `str.casefold` where it gives one character, else `str.lower` where that
does. native/casefold.def holds the same for C: `python -m sensor.compiler.fold > native/casefold.def`.
"""

from collections.abc import Iterator
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


def rows() -> Iterator[tuple[int, int, int, int]]:
    """Runs of (first, last, step, delta) beyond ASCII, sorted, where folding changes something."""
    run: tuple[int, int, int, int] | None = None
    for char in (*range(0x80, 0xD800), *range(0xE000, 0x110000)):
        delta = ord(fold_char(chr(char))) - char
        if not delta:
            continue
        if run is not None and run[3] == delta and char - run[1] in (1, 2) and run[2] in (0, char - run[1]):
            run = (run[0], char, char - run[1], delta)
            continue
        if run is not None:
            yield run
        run = (char, char, 0, delta)
    if run is not None:
        yield run


def definition() -> str:
    """The text of native/casefold.def."""
    lines = [f"FOLD(0x{first:x}, 0x{last:x}, {step or 1}, {delta})" for first, last, step, delta in rows()]
    head = "/* Simple case folding beyond ASCII: FOLD(first, last, step, delta), sorted; made by compiler/fold.py. */"
    return "\n".join([head, *lines, ""])


if __name__ == "__main__":
    print(definition(), end="")
