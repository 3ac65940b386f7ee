"""Foreign text on a terminal: what is shown as it is, how wide it is, where it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcwidth

from sensor.errors import InputError, LinsangError
from sensor.escape import escape
from sensor.terminal import byte_length, clip, columns, folded, pieces, wants_colour

# C0, C1, DEL, bidi controls, what has no width, line separators, fillers, private use, surrogates, bytes of no UTF-8.
HOSTILE = (
    "\x00\x07\x08\t\n\r\x1b\x7f\x80\x85\x9b\x9f\xa0\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200d\u200e\u200f\u2028\u2029"
    "\u202a\u202e\u2060\u2066\u2069\u2800\u3000\u3164\ufe0f\ufeff\uffa0\ufff9\ue000\U000e0041\ud800\udc80\udcff"
)
TEXT = st.text(st.characters() | st.sampled_from(HOSTILE) | st.sampled_from("\u65e5\u0301a' \\"), max_size=300)


@pytest.mark.parametrize("char", HOSTILE, ids=lambda char: f"U+{ord(char):04X}")
def test_hostile_characters_are_shown_by_their_number(char: str) -> None:
    shown = escape(char)
    assert shown.isascii()
    assert shown.isprintable()
    assert shown.startswith("\\")


@pytest.mark.parametrize(
    "text", ["plain ~", "caf\u00e9", "\u65e5\u672c", "\u2192 \u2026 \u2502 \u2514\u2500", "\U0001f600"]
)
def test_visible_characters_stay(text: str) -> None:
    assert escape(text) == text


@given(TEXT)
def test_escape_leaves_nothing_hidden(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert all(wcwidth(char) > 0 for char in shown)
    assert escape(shown) == shown


@given(TEXT, st.integers(0, 120))
def test_clip_keeps_within_its_columns(text: str, limit: int) -> None:
    shown = clip(text, limit)
    assert escape(shown) == shown
    assert columns(shown) <= limit
    if columns(escape(text)) <= limit:
        assert shown == escape(text)


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("h" * 31204, 40, "h" * 16 + "… 31,204 bytes …" + "h" * 8),
        ("\u65e5" * 100, 40, "\u65e5" * 9 + "… 300 bytes …" + "\u65e5" * 4),
        ("\udcff" * 100, 40, "\\xff" * 4 + "… 100 bytes …" + "\\xff" * 2),
        ("\x1b" * 100, 9, "\\e" * 4),
        ("memfd:secure_exec_of_29_bytes", 24, "memfd:secure_exe…9_bytes"),
        ("/bin/" + "n" * 100, 24, "/bin/nnn… 105 bytes …nnn"),
        ("\ud800" * 100, 40, "\\ud800" * 3 + "… 300 bytes …" + "\\ud800"),
    ],
    ids=["ascii", "wide", "bytes", "narrow", "short", "no longer short", "surrogates"],
)
def test_what_is_cut_says_how_long_it_was(text: str, limit: int, shown: str) -> None:
    assert clip(text, limit) == shown
    assert columns(shown) <= limit


@given(TEXT)
def test_byte_length_is_that_of_the_bytes(text: str) -> None:
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert byte_length(text) == len(text.encode())
    assert byte_length(text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")) >= len(text)


@given(TEXT.map(escape), st.integers(2, 50), st.integers(1, 5))
def test_lines_keep_within_their_width(text: str, width: int, most: int) -> None:
    for lines in (pieces(text, width, most), folded(text, width, most)):
        assert len(lines) <= most
        assert all(columns(line) <= width for line in lines)
    assert text.startswith("".join(pieces(text, width, most)))


def test_prose_breaks_between_words() -> None:
    assert folded("one two three four", 9, 4) == ["one two", "three", "four"]
    assert folded("one two three four", 9, 2) == ["one two", "three…"]
    assert folded("", 9, 2) == []


@pytest.mark.parametrize(
    ("terminal", "environment", "choice", "colour"),
    [
        (True, {}, "auto", True),
        (False, {}, "auto", False),
        (True, {"NO_COLOR": "1"}, "auto", False),
        (True, {"NO_COLOR": ""}, "auto", True),
        (True, {"TERM": "dumb"}, "auto", False),
        (False, {"NO_COLOR": "1"}, "always", True),
        (True, {}, "never", False),
    ],
)
def test_colour(terminal: bool, environment: dict[str, str], choice: str, colour: bool) -> None:
    assert bool(wants_colour(terminal, environment, choice)) is colour


@given(TEXT)
def test_errors_are_one_printable_line(text: str) -> None:
    assert str(LinsangError(text, text)).isprintable()
    assert str(InputError(text, 3, text, text)).isprintable()
