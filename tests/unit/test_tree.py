"""`linsang tree`: relatives of a process at a moment, of a written alert, and without a sensor from /proc."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_records as records
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_terminal import TEXT

from sensor.cli import main
from sensor.encode import to_line
from sensor.errors import LinsangError
from sensor.escape import escape
from sensor.live_processes import END, ask_processes
from sensor.native import Engine, record_json
from sensor.render.parts import Paper
from sensor.render.process_tree import Family, Process, Shown, tree_of
from sensor.runtime import NotRunning, Runtime, ask
from sensor.terminal import columns

SECOND = 1_000_000_000
NOW = 100 * SECOND


def process(pid: int, parent: int, command: str, *, start: int = 0, **more: Any) -> dict[str, Any]:
    started = (start or pid) * SECOND
    return {
        "pid": pid,
        "start": started,
        "time": started,
        "creator_pid": parent,
        "creator_start": parent * SECOND,
        "image": f"/bin/{command.split(maxsplit=1)[0]}",
        "argv": command.split(),
        "uid": 0,
        **more,
    }


def gone(at: int, code: int = 0, signal: int = 0) -> dict[str, Any]:
    more = {name: value for name, value in (("exit_code", code), ("exit_signal", signal)) if value}
    return {"exited": True, "exit_time": at * SECOND, **more}


KNOWN = [
    process(1, 0, "systemd --system"),
    process(2, 1, "sshd -D"),
    process(3, 2, "bash -l", cwd="/root", tty="pts0"),
    process(4, 3, "env nice sleep 5"),
    process(5, 3, "vim x"),
    process(6, 3, "top"),
    process(7, 3, "top"),
    process(8, 4, "sleep 5"),
    process(9, 8, "true", **gone(97)),
    process(10, 4, "false", **gone(99, code=1)),
    process(11, 4, "yes", **gone(98, signal=9)),
    process(12, 4, "lost", exited=True),
]


def shown(pid: int, *, at: int = 100, known: list[dict[str, Any]] = KNOWN, width: int = 80) -> list[str]:
    family = Family(known, at * SECOND)
    found = family.find(pid)
    assert found is not None
    return list(tree_of(found, Shown(family, {0: "root"}, 0, Paper(width, colour=False))))


def test_a_process_among_its_relatives() -> None:
    assert shown(4) == [
        "systemd(1) systemd --system",
        "└─ sshd(2) sshd -D",
        "   └─ bash(3) bash -l",
        "      ├─ beside it 3: top x2, vim",
        "      └─ env(4) env nice sleep 5",
        "            root, since 1970-01-01T00:00:04.000Z",
        "         ├─ sleep(8) sleep 5",
        "         │  └─ true(9) true  exited 3 s ago, code 0",
        "         ├─ false(10) false  exited 1 s ago, code 1",
        "         ├─ yes(11) yes  exited 2 s ago, signal 9",
        "         └─ lost(12) lost  exited, unseen",
    ]


def test_at_a_moment() -> None:
    lines = shown(4, at=10)
    assert lines[-1] == "         └─ false(10) false  exited 89 s later, code 1"
    assert not any("yes(11)" in line for line in lines)


def test_a_pid_that_was_given_away() -> None:
    known = [*KNOWN, process(4, 3, "other", start=50), process(4, 3, "dead", start=20, **gone(30))]
    assert Family(known, NOW).find(4) == known[-2]
    assert Family(known, 25 * SECOND).find(4) == known[-1]
    assert Family(known[:3], NOW).find(4) is None


def test_what_is_not_known_above() -> None:
    orphan = process(20, 19, "orphan")
    unknown = process(21, 0, "orphan", parent_unknown=True)
    assert shown(20, known=[orphan])[0] == shown(21, known=[unknown])[0] == "… not known from here up"
    assert shown(1)[0].startswith("systemd(1)")


def test_a_circle_ends() -> None:
    circle = [process(2, 3, "a"), process(3, 2, "b")]
    assert len(shown(2, known=circle)) < 300


def test_a_crowd_is_counted() -> None:
    crowd = [process(1, 0, "init"), *(process(n, 1, "worker", start=n) for n in range(2, 1002))]
    assert shown(1, at=2000, known=crowd)[-1] == "└─ 976: worker x976"
    assert shown(2, at=2000, known=crowd)[1] == "├─ beside it 999: worker x999"


MEMBERS = st.fixed_dictionaries(
    {"pid": st.integers(1, 9), "start": st.integers(0, 9), "time": st.integers(0, 9), "uid": st.integers(0, 9)},
    optional={
        "creator_pid": st.integers(0, 9),
        "creator_start": st.integers(0, 9),
        "image": TEXT,
        "argv": st.lists(TEXT, max_size=4),
        "cwd": TEXT,
        "tty": TEXT,
        "exited": st.just(True),
        "exit_time": st.integers(0, 9),
    },
)


@given(st.lists(MEMBERS, min_size=1, max_size=20), st.integers(40, 120))
def test_any_table_keeps_within_the_width(known: list[Process], width: int) -> None:
    family = Family(known, 9)
    found = family.find(known[0]["pid"])
    assert found is not None
    for line in tree_of(found, Shown(family, {0: "\x1b[2J"}, 0, Paper(width, colour=False))):
        assert escape(line) == line
        assert columns(line) <= width


# ---- the table of a running engine ----
def test_the_table_is_read_while_the_engine_runs() -> None:
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 18, table_bytes=1 << 20, table_entries=512) as engine:
        thread = threading.Thread(target=engine.run)
        thread.start()
        known: list[int] = []
        for pid in range(2, 202):
            while not engine.push(records.fork_record(pid=pid, start=pid, creator_pid=1, creator_start=1)):
                pass
            if pid % 20 == 0:
                found = [record_json(record)["pid"] for record in engine.export()]
                assert found[: len(known)] == known
                known = found
        engine.stop()
        thread.join()
        assert [record_json(record)["pid"] for record in engine.export()] == list(range(2, 202))


def test_how_a_process_ended_stays_known() -> None:
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 18, table_bytes=1 << 16, table_entries=64) as engine:
        engine.feed(records.exec_record(pid=5, start=5, image=b"/bin/false"))
        engine.feed(records.exit_record(pid=5, start=5, time=9, code=3, signal=0))
        (found,) = map(record_json, engine.export())
    assert (found["type"], found["exited"], found["exit_time"], found["exit_code"]) == ("process", True, 9, 3)
    assert "exit_signal" not in found


# ---- asking ----
@pytest.fixture
def served(tmp_path: Path) -> Iterator[Path]:
    head = {"host": "web1", "boot_to_epoch_ns": 0, "users": {"0": "root"}}
    body = [records.process_record(pid=pid, start=pid, image=b"/bin/x") for pid in (1, 2)]
    with Runtime(str(tmp_path)) as runtime:
        runtime.serve("processes", lambda: [json.dumps(head).encode() + b"\n", *body, END])
        runtime.serve("cut", lambda: [json.dumps(head).encode() + b"\n", *body])
        yield tmp_path


def test_the_sensor_is_asked(served: Path) -> None:
    table = ask_processes(str(served))
    assert [each["pid"] for each in table.processes] == [1, 2]
    assert (table.host, table.users) == ("web1", {0: "root"})
    (served / "processes.sock").unlink()
    (served / "cut.sock").rename(served / "processes.sock")
    with pytest.raises(LinsangError, match="ended while it answered"):
        ask_processes(str(served))


def test_the_end_of_service_waits_for_nobody(tmp_path: Path) -> None:
    """An asker that does not read, and one that asks for more than there will ever be."""
    asked = threading.Event()

    def endless() -> Iterator[bytes]:
        while True:
            asked.set()
            yield b"x" * 65536

    with Runtime(str(tmp_path)) as runtime, socket.socket(socket.AF_UNIX) as silent:
        runtime.serve("status", endless)
        silent.connect(str(tmp_path / "status.sock"))
        assert asked.wait(60)
        runtime.end_service()
    with pytest.raises(NotRunning):
        list(ask(str(tmp_path)))


# ---- the command ----
def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["tree", *arguments])
    return (code, *capsys.readouterr())


def test_without_a_sensor_it_is_from_proc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        code, out, err = run(capsys, str(os.getpid()), "--runtime-dir", str(tmp_path))
        child.kill()
    assert code == 0
    assert "no sensor runs" in err
    assert "from /proc" in err
    assert f"sleep({child.pid}) sleep 60" in out
    assert f"({os.getpid()})" in out


def event(number: int, **more: Any) -> dict[str, Any]:
    lineage = [{"pid": 1, "image": "/sbin/init"}]
    rule = {"id": "r", "title": f"Rule {number}", "level": "high"}
    own = {"pid": 7, "image": "/bin/x\x1b[2J", "command_line": f"x {number}"}
    return {
        "rule": rule,
        "verdict": "match",
        "event": {"id": f"run-{number:03}"},
        "process": own,
        "lineage": lineage,
    } | more


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.json"
    path.write_bytes(b"".join(to_line(event(n)) for n in (1, 2, 3, 10)) + to_line(event(2)) + b"no\n")
    return path


@pytest.mark.parametrize("asked", ["run-002", "FILE:2", "run-010", "FILE:4"])
def test_an_alert(asked: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, asked.replace("FILE", str(file)), *([] if ":" in asked else [str(file)]))
    assert code == 0
    assert f"└─ x\\e[2J(7) x {2 if '2' in asked else 10}\n" in out
    assert out.count("HIGH") == (2 if asked == "run-002" else 1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run-00", "FILE"], 2, "begins the ids of 3 events"),
        (["run-9", "FILE"], 2, "no alert of an event `run-9`"),
        (["nothing", "--output", "stdout:"], 2, "no file of alerts to look in"),
        (["FILE:99"], 2, "has no alert on line 99"),
        (["FILE:6"], 1, "is no alert: no JSON"),
        (["FILE:1", "--at", "5s"], 2, "--at is for a PID"),
        (["4194305", "--runtime-dir", "FILE.none"], 1, "no process 4194305 is known at"),
        (["1", "--at", "soon"], 2, "`soon` is no time"),
    ],
)
def test_what_it_refuses(
    arguments: list[str], code: int, said: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(capsys, *(each.replace("FILE", str(file)) for each in arguments))
    assert result[0] == code
    assert said in result[2]
