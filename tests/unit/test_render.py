"""The readable form: nothing from an alert is obeyed by a terminal, nothing is wider than it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.render import COMMAND_LINES, Renderer, columns, command_text, escape, quote, wants_colour

CONTROLS = "\x00\x07\x08\x1b[2J\x7f\x80\x9b\x85\u200e\u200f\u202e\u2066\u2028\u2029\ud800\udc80\udcff\r\n\t"
SGR = re.compile(r"\x1b\[[0-9;]*m")
TEXT = st.text(st.characters() | st.sampled_from(CONTROLS) | st.sampled_from("\u65e5\u0301a' \\"), max_size=400)


def alert(text: str = "id", **more: Any) -> dict[str, Any]:
    return {
        "rule": {"id": "r-1", "title": text, "level": "high", "tags": ["attack.t1218", text]},
        "verdict": "match",
        "event": {"seq": 4},
        "time": 1_700_000_000_123_456_789,
        "host": text,
        "fields": {"CommandLine": text, "DestinationIp": text, text: text},
        "process": {"pid": 42, "image": text, "argv": ["sh", "-c", text, ""], "command_line": text, "user": text},
        "lineage": [{"pid": 3, "image": "/usr/sbin/sshd", "command_line": text}, {"pid": 1, "image": "/sbin/init"}],
        **more,
    }


def test_what_an_analyst_sees() -> None:
    one = alert("id | tee /tmp/x", host="web1")
    one["rule"] = {"id": "r-1", "title": "A chain", "level": "high", "tags": ["attack.t1218"]}
    one["process"] = {"pid": 42, "image": "/usr/bin/bash", "argv": ["bash", "-c", "id | tee /tmp/x"], "uid": 0}
    one["process"] |= {"command_line": "x", "user": "root", "cwd": "/root"}
    one["fields"] = {"CommandLine": "x", "DestinationIp": "::1"}
    one["lineage"][0]["command_line"] = "sshd: root"
    assert Renderer(colour=False, width=80).render(one).decode().splitlines() == [
        "HIGH  A chain                                     2023-11-14T22:13:20.123Z  web1",
        "  init(1)",
        "  └─ sshd(3) sshd: root",
        "     └─ bash(42) bash -c 'id | tee /tmp/x'",
        "  image /usr/bin/bash   user root (uid 0)   cwd /root   tags attack.t1218",
        "  rule r-1   event seq=4   DestinationIp ::1",
        "",
    ]


@given(TEXT, st.integers(40, 200), st.booleans())
def test_no_control_reaches_the_terminal_and_no_line_is_too_wide(text: str, width: int, colour: bool) -> None:
    more: dict[str, Any] = {"undecidable": {"cause": text, "reason": text, "level": text}} if colour else {}
    out = Renderer(colour=colour, width=width).render(alert(text, **more)).decode("utf-8")
    plain = SGR.sub("", out) if colour else out
    assert all(c == "\n" or c.isprintable() for c in plain)
    assert all(columns(line) <= width for line in plain.split("\n"))


ANCESTORS = st.fixed_dictionaries(
    {}, optional={"image": TEXT, "command_line": TEXT, "pid": st.integers(0, 4194304)}
)  # 4194304: the kernel's largest pid


@given(st.lists(ANCESTORS, max_size=40))
def test_a_deep_lineage_keeps_within_the_width(lineage: list[dict[str, object]]) -> None:
    out = Renderer(colour=False, width=60).render(alert(lineage=lineage)).decode()
    assert all(columns(line) <= 60 for line in out.split("\n"))


@given(TEXT)
def test_escape_leaves_nothing_hidden(text: str) -> None:
    assert escape(text).isprintable()


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("plain-1.0/x", "plain-1.0/x"),
        ("", "''"),
        ("two words", "'two words'"),
        ("it's", "'it'\\''s'"),
        ("\x1b[31m", "$'\\e[31m'"),
        ("a\nb'\\", "$'a\\nb\\'\\\\'"),
        ("\udcff\u202e\x9b", "$'\\xff\\u202e\\u009b'"),
        ("$(id)", "'$(id)'"),
        ("caf\u00e9", "'caf\u00e9'"),
        ("x" * 300, "x" * 153 + "...[300]..." + "x" * 76),
    ],
)
def test_arguments_read_back_as_bash_would(argument: str, shown: str) -> None:
    assert quote(argument) == shown


def test_a_long_command_keeps_both_ends_and_the_true_length() -> None:
    process = {"argv": ["sh", "-c", "h" * 100_000, "last"], "argv_bytes": 100_010}
    assert command_text(process, 480) == f"sh -c {quote('h' * 100_000)} last"
    assert "...[100000]..." in command_text(process, 480)
    many = command_text({"argv": ["a b"] * 1000, "argv_bytes": 4000}, 300)
    assert len(many) == 300
    assert "...[4000]..." in many


def test_a_long_command_takes_a_few_lines_only() -> None:
    one = alert()
    one["process"]["argv"] = [str(n) * 50 for n in range(1000)]
    assert len(Renderer(colour=False, width=100).render(one).decode().splitlines()) < COMMAND_LINES + 8


@pytest.mark.parametrize(
    ("terminal", "environment", "colour"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour(terminal: bool, environment: dict[str, str], colour: bool) -> None:
    assert bool(wants_colour(terminal, environment)) is colour


def test_notes_say_what_limits_the_verdict() -> None:
    one = alert(
        undecidable={"cause": "CommandLine", "reason": "truncated", "level": "high"},
        evidence={"reduced": True, "lost": {"recent": 3}},
        rollup={"count": 5, "first": 0, "last": 1},
    )
    text = Renderer(colour=False, width=100).render(one).decode()
    assert "undecidable: CommandLine truncated (rule level high)" in text
    assert "5 more since 1970-01-01T00:00:00.000Z" in text
    assert "source of lower fidelity" in text
    assert "3 events were lost on this CPU" in text
