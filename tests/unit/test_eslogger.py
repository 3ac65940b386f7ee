"""eslogger's messages: which fields and whose parent, by tokens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.inputs.eslogger import EsloggerLines


def token(pid: int, version: int, ruid: int = 501) -> dict[str, int]:
    return {"pid": pid, "pidversion": version, "ruid": ruid, "euid": 0}


def message(kind: str, inner: Any, process: Any) -> dict[str, Any]:
    return {"mach_time": 1, "event_type": 9, "event": {kind: inner}, "process": process}


def executed(before: Any, after: Any, parent: Any, image: str, *args: str) -> dict[str, Any]:
    """An exec: the process's token and image before, its token after, its parent's token."""
    target = {"executable": {"path": image}, "audit_token": after, "parent_audit_token": parent, "ppid": parent["pid"]}
    inner = {"target": target, "args": list(args), "cwd": {"path": "/tmp"}, "script": None}
    return message("exec", inner, {"audit_token": before[0], "executable": {"path": before[1]}})


def seen(*messages: Any) -> list[dict[str, Any]]:
    block = "".join(json.dumps(m) + "\n" for m in messages).encode()
    return [json.loads(line) for line in EsloggerLines().feed(block).splitlines()]


SHELL = token(1, 7)
FORKED = (token(20, 8), "/bin/zsh")
CHILD = token(20, 9)
START = executed(FORKED, CHILD, SHELL, "/bin/sh", "sh", "-c", "ls /")


def test_a_process() -> None:
    (line,) = seen(START)
    assert (line["_product"], line["_cat"]) == ("macos", "process_creation")
    assert line["event"] == {
        "Image": "/bin/sh",
        "CommandLine": "sh -c ls /",
        "CurrentDirectory": "/tmp",
        "ProcessId": 20,
        "User": 501,
        "UserId": 501,
        "EffectiveUserId": 0,
        "ParentProcessId": 1,
        "ParentImage": "/bin/zsh",  # forked from it
    }


def test_a_parent_that_was_seen_has_its_command_line() -> None:
    _, line = seen(START, executed((token(30, 10), "/bin/sh"), token(30, 11), CHILD, "/bin/ls", "ls", "/"))
    assert line["event"]["ParentImage"] == "/bin/sh"
    assert line["event"]["ParentCommandLine"] == "sh -c ls /"


def test_a_second_exec_keeps_the_parent() -> None:
    _, line = seen(START, executed((CHILD, "/bin/sh"), token(20, 12), SHELL, "/bin/ls", "ls", "/"))
    assert line["event"]["ParentImage"] == "/bin/zsh"
    assert "ParentCommandLine" not in line["event"]


def test_a_pid_that_came_round_is_another_process() -> None:
    other = token(20, 99)
    _, line = seen(START, executed((token(31, 100), "/bin/x"), token(31, 101), other, "/bin/ls", "ls"))
    assert line["event"]["ParentImage"] == "/bin/x"


PROCESS = {"executable": {"path": "/bin/cp"}, "audit_token": token(5, 6), "ppid": 1}
EXISTING = {"destination": {"existing_file": {"path": "/a/b"}}}
NEW = {"destination": {"new_path": {"dir": {"path": "/a"}, "filename": "b"}}}
ROOT = {"destination": {"new_path": {"dir": {"path": "/"}, "filename": "b"}}}
FILES = [
    ("create", EXISTING, "file_event", "/a/b"),
    ("create", NEW, "file_event", "/a/b"),
    ("create", ROOT, "file_event", "/b"),
    ("rename", {**NEW, "source": {"path": "/c"}}, "file_event", "/a/b"),
    ("unlink", {"target": {"path": "/a/b"}}, "file_delete", "/a/b"),
    ("create", {"destination": {"new_path": {"dir": None, "filename": 5}}}, "file_event", None),
    ("open", {"file": {"path": "/a/b"}}, "open", None),
]


@pytest.mark.parametrize(("kind", "inner", "category", "target"), FILES)
def test_files(kind: str, inner: Any, category: str, target: str | None) -> None:
    (line,) = seen(message(kind, inner, PROCESS))
    assert line["_cat"] == category
    assert line["event"].get("TargetFilename") == target
    assert line["event"]["Image"] == "/bin/cp"
    assert line["event"]["ProcessId"] == 5


def test_what_is_no_message_stays() -> None:
    lines = b'{"a": 1}\n\nnothing\n[]\n'
    assert EsloggerLines().feed(lines) == lines


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.lists(st.none(), max_size=2),
    lambda inner: st.dictionaries(
        st.sampled_from(["event", "exec", "target", "process", "audit_token", "executable", "path", "args"]), inner
    ),
    max_leaves=12,
)


@given(st.lists(st.tuples(JSON, JSON), max_size=4))
def test_any_shape_gives_a_line_for_a_line(shapes: list[tuple[Any, Any]]) -> None:
    messages = [message("exec", inner, process) for inner, process in shapes]
    assert len(seen(*messages)) == len(messages)
