"""`linsang alerts`: what it reads, what it shows, and that it follows a file through whatever happens to it."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.alert_files import Decoder, Found, read, rotations
from sensor.alert_follow import Follower
from sensor.alerts import Filter, Stories
from sensor.cli import main
from sensor.encode import to_json, to_line, to_msgpack
from sensor.errors import UsageError
from sensor.sinks import open_sink
from sensor.when import moment_ns

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone(timedelta(hours=1)))
SECOND = 1_000_000_000


def alert(number: int, *, event: str = "", level: str = "high", seconds: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "rule": {"id": f"{number:08x}-aaaa", "title": f"Rule number {number}", "level": level},
        "verdict": "match",
        "event": {"id": event or f"run-{number}", "seq": number},
        "time": 1_700_000_000 * SECOND + seconds * SECOND,
        "host": "web1",
        **more,
    }


def numbers(found: list[Found]) -> list[int]:
    return [each.alert["event"]["seq"] for each in found if each.alert]


# ---- --since ----
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30s", "2026-11-21T11:59:30+01:00"),
        ("10m", "2026-11-21T11:50:00+01:00"),
        ("2h", "2026-11-21T10:00:00+01:00"),
        ("1.5h ago", "2026-11-21T10:30:00+01:00"),
        ("3d", "2026-11-18T12:00:00+01:00"),
        ("2w", "2026-11-07T12:00:00+01:00"),
        ("today", "2026-11-21T00:00:00+01:00"),
        ("yesterday", "2026-11-20T00:00:00+01:00"),
        ("10:30", "2026-11-21T10:30:00+01:00"),
        ("12:00:00", "2026-11-21T12:00:00+01:00"),
        ("23:50", "2026-11-20T23:50:00+01:00"),
        ("2026-11-21", "2026-11-21T00:00:00+01:00"),
        ("2026-11-21T10:00", "2026-11-21T10:00:00+01:00"),
        ("2026-11-21 10:00:00.5", "2026-11-21T10:00:00.500000+01:00"),
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00+00:00"),
        ("2026-11-21T10:00:00-05:00", "2026-11-21T10:00:00-05:00"),
        ("@1700000000", "2023-11-14T22:13:20+00:00"),
        (" 2h ", "2026-11-21T10:00:00+01:00"),
    ],
)
def test_since(text: str, meant: str) -> None:
    assert moment_ns(text, NOON) == int(datetime.fromisoformat(meant).timestamp() * 1e6) * 1000


@pytest.mark.parametrize("text", ["", "h", "2 fortnights", "25:00", "-3h", "2026-13-01", "99999999999d", "@x", "now+1"])
def test_no_time(text: str) -> None:
    with pytest.raises(UsageError, match="is no time; write 30s"):
        moment_ns(text, NOON)


# ---- --rule, --level ----
@pytest.mark.parametrize(
    ("which", "passes"),
    [
        (Filter(), True),
        (Filter(rules=("0000002a-aaaa",)), True),
        (Filter(rules=("0000002A",)), True),
        (Filter(rules=("aaaa",)), False),
        (Filter(rules=("NUMBER 42",)), True),
        (Filter(rules=("nothing", "number")), True),
        (Filter(level="high"), True),
        (Filter(level="critical"), False),
        (Filter(since_ns=1_700_000_000 * SECOND), True),
        (Filter(since_ns=1_700_000_000 * SECOND + 1), False),
    ],
)
def test_filter(which: Filter, passes: bool) -> None:
    assert which.passes(alert(42)) is passes


# ---- what is read ----
FORMS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "lines": lambda alerts: b"".join(map(to_line, alerts)),
    "no last newline": lambda alerts: b"\n".join(map(to_json, alerts)),
    "gzip": lambda alerts: gzip.compress(b"".join(map(to_line, alerts))),
    "gzip members": lambda alerts: b"".join(gzip.compress(to_line(each)) for each in alerts),
    "msgpack": lambda alerts: b"".join(map(to_msgpack, alerts)),
    "packed msgpack": lambda alerts: gzip.compress(b"".join(map(to_msgpack, alerts))),
}


@pytest.mark.parametrize("form", FORMS)
@given(sizes=st.lists(st.integers(1, 200), max_size=30))
def test_every_form_in_any_pieces(form: str, sizes: list[int]) -> None:
    content = FORMS[form]([alert(n) for n in range(23)])
    decoder, found = Decoder("x"), []
    for size in [*sizes, len(content)]:
        piece, content = content[:size], content[size:]
        found += decoder.feed(piece)
    found += decoder.end()
    assert numbers(found) == list(range(23))
    assert [each.number for each in found] == list(range(1, 24))


@given(st.binary(max_size=300) | st.binary(max_size=200).map(gzip.compress), st.integers(1, 40))
def test_any_bytes_are_read(content: bytes, size: int) -> None:
    for begin in (b"", to_line(alert(0)), to_msgpack(alert(0)), b"\x1f\x8b", b"{"):
        decoder, whole = Decoder("x"), begin + content
        found = [f for at in range(0, len(whole), size) for f in decoder.feed(whole[at : at + size])]
        found += decoder.end()
        assert all(bool(each.alert) != bool(each.fault) for each in found)


BAD = {
    "[1]": "no alert but list",
    "{}": "it names no rule",
    '{"rule": 3, "verdict": "match"}': "it names no rule",
    '{"rule": {}, "verdict": "match", "time": "soon"}': "its time is none",
    '{"rule": {}, "verdict": "match", "time": 1e9}': "its time is none",
    '{"rule"': "no JSON: Expecting",
    "[" * 100_000: "no JSON",
    "\udcff": "no UTF-8 at byte 0",
    '{"rule": {}, "verdict": "match", "x": ' + "9" * 5000 + "}": "no JSON",
}


@pytest.mark.parametrize("line", BAD, ids=lambda line: line[:20].encode("ascii", "replace").decode())
def test_what_is_no_alert_is_named(line: str) -> None:
    decoder = Decoder("x")
    content = to_line(alert(1)) + b"\n" + line.encode("utf-8", "surrogateescape") + b"\n" + to_line(alert(2))
    first, bad, last = [*decoder.feed(content), *decoder.end()]
    assert numbers([first, last]) == [1, 2]
    assert (bad.number, last.number) == (3, 4)  # the empty line counts
    assert BAD[line] in bad.fault


def test_damage_is_told() -> None:
    packed = gzip.compress(to_line(alert(1)) * 100)
    for content, why in ((packed[:-20], "cut off"), (packed[:-8] + b"\0" * 8, "damaged"), (b"\x81\xa1", "cut off")):
        decoder = Decoder("x")
        found = [*decoder.feed(content), *decoder.end()]
        assert why in found[-1].fault


def test_rotations_come_in_order(tmp_path: Path) -> None:
    """What `file:` with its rotation wrote, and what a logrotate has packed."""
    path = tmp_path / "a.json"
    sink = open_sink(f"file:{path}?rotate_bytes=1000&keep=20")
    for n in range(40):
        sink.put(alert(n))
        sink.put(alert(n))
    assert sink.close()
    names = [Path(each).name for each in rotations(str(path))]
    assert len(names) > 5
    assert names == [*(f"a.json.{n}" for n in range(len(names) - 1, 0, -1)), "a.json"]
    oldest = tmp_path / names[0]
    Path(f"{oldest}.gz").write_bytes(gzip.compress(oldest.read_bytes()))
    oldest.unlink()
    (tmp_path / "a.json.bak").write_text("{}")
    assert numbers(list(read(str(path)))) == [n for n in range(40) for _ in range(2)]


# ---- stories ----
def test_a_context_joins_its_story() -> None:
    stories = Stories()
    context = alert(9, event="run-8", seconds=5, connections=[{"dst": "::1"}], of=["run-8", "run-1"])
    context["event"]["type"] = "context"
    done = [story for each in (alert(1), alert(2), alert(3, seconds=4), context) for story in stories.add(each)]
    assert done == []
    done = [story for each in (alert(4, seconds=20), alert(5, seconds=90)) for story in stories.add(each)]
    done += stories.flush()
    assert [story[0]["event"]["seq"] for story in done] == [1, 2, 3, 4, 5]
    assert done[0][0]["connections"] == [{"dst": "::1"}]


# ---- the command ----
def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["alerts", *arguments])
    return (code, *capsys.readouterr())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    both = [alert(1), alert(2, event="run-1", level="low")]
    path.write_bytes(b"".join(map(to_line, [*both, alert(3, level="medium")])) + b"nonsense\x1b[2J\n")
    code, out, err = shown(capsys, str(path))
    assert code == 0
    assert out.index("HIGH       Rule number 1") < out.index("LOW        Rule number 2") < out.index("MEDIUM")
    assert "3 alerts, 2 events, 2023-11-14T22:13:20.000Z to" in out
    assert "1 high, 1 medium, 1 low; 1 lines are none" in out
    assert f"{path}:4: left out: no JSON" in err
    code, out, _ = shown(capsys, str(path), "--rule", "0000001")
    assert (code, out) == (0, "no alert of a rule `0000001`, of 3 that were read; 1 lines are none\n")
    code, out, _ = shown(capsys, str(path), "--level", "medium", "--format", "json")
    assert [json.loads(line)["event"]["seq"] for line in out.splitlines()] == [1, 3]
    assert shown(capsys, str(path), "--since", "1m")[1].startswith("no alert since ")
    assert "\x1b[" in shown(capsys, str(path), "--color", "always")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere.json"], 1, "nowhere.json: No such file or directory; give a file"),
        (["."], 1, "Permission denied" if sys.platform == "win32" else "Is a directory"),
        (["--since", "soon", "a"], 2, "`soon` is no time"),
        (["--level", "hig", "a"], 2, "did you mean `high`"),
        (["--follow", "a", "b"], 2, "one file at a time"),
        (["--follow", "-"], 2, "one file at a time"),
        (["--output", "stdout:"], 2, "no FILE"),
    ],
)
def test_what_it_refuses(arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, *arguments)[0] == code if not arguments else True
    result = shown(capsys, *arguments)
    assert result[0] == code
    assert said in result[2]


def test_without_a_file_it_reads_the_configured_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.msgpack").write_bytes(to_msgpack(alert(7)))
    output = f"file:{tmp_path / 'a.msgpack'}?format=msgpack"
    assert "Rule number 7" in shown(capsys, "--output", "stdout:", "--output", output)[1]


def test_a_file_without_an_alert_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.json"
    path.write_text("no\n" * 23)
    code, _, err = shown(capsys, str(path))
    assert code == 1
    assert err.count("left out") == 5
    assert "none of 23 lines is an alert" in err
    path.write_text("")
    assert shown(capsys, str(path))[:2] == (0, "no alert, of 0 that were read\n")


# ---- --follow: each step happens while the follower has nothing more to read ----
class Steps:
    """Runs one step each time that it is waited for, and ends the following after the last."""

    def __init__(self, *steps: Callable[[], object]) -> None:
        self._steps = list(steps)

    def __call__(self) -> bool:
        if not self._steps:
            return False
        self._steps.pop(0)()
        return True


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.json"


def append(path: Path, *alerts: int, text: bytes = b"") -> Callable[[], object]:
    def step() -> None:
        with path.open("ab") as file:
            file.write(b"".join(to_line(alert(n)) for n in alerts) + text)

    return step


def rotate(path: Path) -> Callable[[], object]:
    def step() -> None:
        for each in rotations(str(path))[:-1]:
            number = int(each.rpartition(".")[2])
            os.replace(each, f"{path}.{number + 1}")
        os.replace(path, f"{path}.1")

    return step


def followed(path: Path, *steps: Callable[[], object]) -> tuple[list[int], list[str]]:
    notes: list[str] = []
    found = [each for each in Follower(str(path), Steps(*steps), notes.append) if each is not None]
    return numbers(found), notes + [each.fault for each in found if each.fault]


def together(*steps: Callable[[], object]) -> Callable[[], object]:
    return lambda: [step() for step in steps]


def test_follow_growth_and_half_lines(path: Path) -> None:
    append(path, 0, 1)()
    half = to_line(alert(3))
    steps = [append(path, 2, text=half[:20]), append(path, text=half[20:])]
    assert followed(path, *steps) == ([0, 1, 2, 3], [])


def test_follow_waits_for_a_file(path: Path) -> None:
    assert followed(path, append(path, 0), append(path, 1)) == ([0, 1], [])


@pytest.mark.parametrize("late", [(), (9,)], ids=["", "written behind the rename"])
def test_follow_through_rotation(path: Path, late: tuple[int, ...]) -> None:
    append(path, 0)()
    moved = Path(f"{path}.1")
    steps = [append(path, 1), together(rotate(path), append(moved, *late), append(path, 2)), append(path, 3)]
    assert followed(path, *steps) == ([0, 1, *late, 2, 3], [])


def test_follow_through_several_rotations_at_once(path: Path) -> None:
    append(path, 0)()
    step = together(
        append(path, 1), rotate(path), append(path, 2), rotate(path), append(path, 3), rotate(path), append(path, 4)
    )
    assert followed(path, step, append(path, 5)) == ([0, 1, 2, 3, 4, 5], [])


def test_follow_begins_with_what_was_rotated_before(path: Path) -> None:
    together(append(path, 0), rotate(path), append(path, 1), rotate(path), append(path, 2))()
    assert followed(path, append(path, 3)) == ([0, 1, 2, 3], [])


def test_follow_while_there_is_none_by_that_name(path: Path) -> None:
    append(path, 0)()
    moved = Path(f"{path}.1")
    assert followed(path, rotate(path), append(moved, 1), append(path, 2)) == ([0, 1, 2], [])


def test_follow_through_truncation(path: Path) -> None:
    append(path, 0, 1)()
    found, notes = followed(path, together(lambda: os.truncate(path, 0), append(path, 2)), append(path, 3))
    assert found == [0, 1, 2, 3]
    assert notes == [f"{path} was truncated: reading it from its beginning"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows puts no other in the place of a file that is open")
def test_follow_says_when_a_file_was_taken_away(path: Path) -> None:
    append(path, 0)()
    other = path.with_name("other")
    found, notes = followed(path, together(append(other, 1), lambda: os.replace(other, path)), append(path, 2))
    assert found == [0, 1, 2]
    assert len(notes) == 1
    assert "was replaced" in notes[0]
