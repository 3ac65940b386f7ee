"""JSON that is not one object a line: pretty-printed, several objects in a row, one array of all; to JSON lines."""

from __future__ import annotations

import re

# A string may lack its end: at the end of what is there, or (which no JSON allows) at a newline.
_TOKEN = re.compile(rb'"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*(?:"|\\?\Z|(?=\\?\n))|[{}\[\]]')
_BETWEEN = b" \t\r\n,[]"
_SPACES = bytes.maketrans(b"\r\n", b"  ")


class Documents:
    """Finds where objects end by strings and brackets alone; whether they are JSON is the core's to say. An object
    that is cut off ends where a line begins with the next one."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def held(self) -> int:
        """Bytes of the object that is open."""
        return len(self._rest)

    def feed(self, block: bytes) -> bytes:
        """The objects that end in `block`, each as one line."""
        data, lines = self._rest + block, []
        depth = done = begin = 0
        for token in _TOKEN.finditer(data):
            at, what = token.start(), data[token.start()]
            if what in b"{[":
                if depth and what == 0x7B and _begins_anew(data, at):
                    lines.append(data[begin:at])
                    depth, done = 0, at
                if depth == 0 and what == 0x5B:
                    continue  # an array around all of them
                if depth == 0:
                    begin = at
                    lines.append(_junk(data[done:at]))
                depth += 1
            elif what in b"}]" and depth:
                depth -= 1
                if depth == 0:
                    done = token.end()
                    lines.append(data[begin:done])
        if depth == 0:
            end = data.rfind(b"\n", done) + 1 or done  # what follows may be half a token
            lines.append(_junk(data[done:end]))
            done = max(done, end)
        self._rest = data[begin if depth else done :]
        return b"".join(line.translate(_SPACES) + b"\n" for line in lines if line)

    def end(self) -> bytes:
        """What is still open, as a line."""
        rest, self._rest = _junk(self._rest), b""
        return rest.translate(_SPACES) + b"\n" if rest else b""


def _begins_anew(data: bytes, at: int) -> bool:
    """Whether a brace at the start of a line cannot belong to what stands before it."""
    if data[at - 1 : at] != b"\n":
        return False
    return data[:at].rstrip()[-1:] not in (b",", b":", b"[", b"{")


def _junk(between: bytes) -> bytes:
    """What stands between two objects and should not."""
    return between.strip(_BETWEEN)


def one_a_line(start: bytes) -> bool:
    """Whether a text that begins so has JSON lines: its first object ends at the end of the first line, as far as that
    can be seen."""
    text = start.lstrip()
    if not text.startswith((b"{", b"[")):
        return True
    if text.startswith(b"["):
        return False
    depth = 0
    for token in _TOKEN.finditer(text):
        what = text[token.start()]
        depth += (what in b"{[") - (what in b"}]")
        if depth == 0:
            line_end = text.find(b"\n", token.end())
            return (
                not text[token.end() : None if line_end < 0 else line_end].strip() and b"\n" not in text[: token.end()]
            )
    return b"\n" not in text
