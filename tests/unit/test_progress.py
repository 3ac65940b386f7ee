"""One line on a terminal for what takes long; nothing for what does not, nothing in a pipe."""

from __future__ import annotations

import io

from sensor.progress import Progress, halves


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, seconds: list[float]) -> list[str]:
    """What each update wrote, at these times after the beginning, and what the end did."""
    now = [0.0]
    written = []
    with Progress("reading", 200, stream, lambda: now[0]) as progress:
        for done, now[0] in enumerate(seconds):
            before = len(stream.getvalue())
            progress.update(done * 50, f"{done} found")
            written.append(stream.getvalue()[before:])
        before = len(stream.getvalue())
    return [*written, stream.getvalue()[before:]]


def test_a_terminal_shows_one_line_from_the_first_second_on_and_loses_it_at_the_end() -> None:
    third = "\r\x1b[Kreading [###############               ]  50% 2 found"
    assert shown(Terminal(), [0.1, 0.9, 1.0, 1.05]) == ["", "", third, "", "\r\x1b[K"]


def test_what_is_all_done_is_wiped_at_once() -> None:
    assert shown(Terminal(), [0.1, 0.9, 1.0, 1.05, 1.2])[-2:] == ["\r\x1b[K", ""]


def test_two_works_are_told_as_one() -> None:
    heard: list[tuple[int, int]] = []
    first, second = halves(lambda done, total: heard.append((done, total)))
    first(5, 10)
    second(3, 4)
    assert heard == [(5, 20), (7, 8)]


def test_what_is_over_within_a_second_is_not_shown() -> None:
    assert shown(Terminal(), [0.0, 0.5, 0.9]) == [""] * 4


def test_a_pipe_gets_nothing() -> None:
    assert shown(io.StringIO(), [1.0, 2.0, 3.0]) == [""] * 4


def test_of_an_unknown_total_the_number_is_shown() -> None:
    stream = Terminal()
    Progress("reading", None, stream, iter([0.0, 2.0]).__next__).update(7)
    assert stream.getvalue() == "\r\x1b[Kreading 7 "
