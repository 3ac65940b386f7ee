"""The audit system's records: audit.log, what ausearch prints, and laurel."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.inputs.auditd import AuditLines
from sensor.inputs.laurel import LaurelLines

ID = "1700000000.123:42"
CALL = (
    "arch=c000003e syscall=59 success=yes exit=0 a0=55d a1=7f items=2 ppid=10 pid=11 auid=1000 uid=0 gid=0 euid=0"
    ' tty=pts0 ses=3 comm="cat" exe="/usr/bin/cat" key="exec"'
)
ENRICHED = '\x1dARCH=x86_64 SYSCALL=execve AUID="ann" UID="root" GID="root"'


def record(kind: str, body: str, identity: str = ID) -> str:
    return f"type={kind} msg=audit({identity}): {body}\n"


def hexed(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").hex().upper()


EXECVE = record("EXECVE", f'argc=3 a0="cat" a1={hexed("/a b")} a2="x"')
CWD = record("CWD", 'cwd="/root"')
PATH = record("PATH", 'item=0 name="/usr/bin/cat" inode=5 mode=0100755')
TITLE = record("PROCTITLE", f"proctitle={hexed(chr(0).join(['cat', '/a b', 'x']))}")
EVENT = record("SYSCALL", CALL + ENRICHED) + EXECVE + CWD + PATH + TITLE


def events(text: str | bytes) -> list[dict[str, Any]]:
    """What comes of it, each with its logsource."""
    lines = AuditLines()
    block = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    made = lines.feed(block) + lines.end()
    return [json.loads(line) for line in made.splitlines()]


def processes(text: str | bytes) -> list[dict[str, Any]]:
    return [e["event"] for e in events(text) if e.get("_cat") == "process_creation"]


WHOLE = {
    "Image": "/usr/bin/cat",
    "CommandLine": "cat /a b x",
    "CurrentDirectory": "/root",
    "ProcessId": "11",
    "ParentProcessId": "10",
    "User": "root",
    "UserId": "0",
    "EffectiveUserId": "0",
    "LogonId": "1000",
    "TerminalSessionId": "3",
    "Tty": "pts0",
}
INTERPRETED = """----
type=PROCTITLE msg=audit(11/14/2023 22:13:20.123:42) : proctitle=cat /a b x
type=CWD msg=audit(11/14/2023 22:13:20.123:42) : cwd=/root
type=EXECVE msg=audit(11/14/2023 22:13:20.123:42) : argc=3 a0=cat a1=/a b a2=x
type=SYSCALL msg=audit(11/14/2023 22:13:20.123:42) : arch=x86_64 syscall=execve success=yes exit=0 ppid=10 pid=11 \
auid=1000 uid=root euid=0 tty=pts0 ses=3 comm=cat exe=/usr/bin/cat key=exec
"""
# text, the one process that it says began
PROCESSES: list[tuple[str, dict[str, Any]]] = [
    (EVENT, WHOLE),
    (EVENT.replace("\n", "\r\n"), WHOLE),
    ("node=h " + EVENT.replace("\ntype", "\nnode=h type"), WHOLE),
    (EVENT.replace(ENRICHED, ""), WHOLE | {"User": "0"}),
    (EVENT.replace(TITLE, record("EOE", "")), WHOLE),
    (EVENT.replace(EXECVE, ""), WHOLE),
    (INTERPRETED, WHOLE | {"UserId": "root"}),
    (EVENT.replace("syscall=59", "syscall=322").replace(EXECVE, ""), WHOLE),
    (record("SYSCALL", CALL), {k: v for k, v in WHOLE.items() if k not in {"CommandLine", "CurrentDirectory"}}),
    (EVENT.replace("argc=3", "argc=4").replace(TITLE, ""), {k: v for k, v in WHOLE.items() if k != "CommandLine"}),
]
PROCESSES[8][1]["User"] = "0"


@pytest.mark.parametrize(("text", "expected"), PROCESSES)
def test_processes(text: str, expected: dict[str, Any]) -> None:
    assert processes(text) == [expected]


NO_PROCESS = [
    EVENT.replace("success=yes", "success=no"),
    record("SYSCALL", CALL.replace("syscall=59", "syscall=2")) + CWD + TITLE,
    EXECVE + CWD + TITLE,
    record("USER_CMD", 'pid=1 msg=\'cwd="/" cmd=6C73 exe="/usr/bin/sudo" res=success\''),
]


@pytest.mark.parametrize("text", NO_PROCESS)
def test_no_process(text: str) -> None:
    assert processes(text) == []


# a record, some of its fields
FIELDS: list[tuple[str, dict[str, Any]]] = [
    (record("SYSCALL", CALL + ENRICHED), {"type": "SYSCALL", "SYSCALL": "execve", "a0": "55d", "key": "exec"}),
    (record("SYSCALL", "arch=c000003e syscall=133 a0=4"), {"SYSCALL": "mknod", "syscall": "133"}),
    (record("SYSCALL", "arch=40000003 syscall=11"), {"SYSCALL": "execve"}),
    (record("SYSCALL", "arch=c00000b7 syscall=281"), {"SYSCALL": "execveat"}),
    (record("SYSCALL", "arch=c000003e syscall=99999"), {"SYSCALL": None}),
    (record("SYSCALL", "arch=c0000015 syscall=1"), {"SYSCALL": None}),
    ("type=SYSCALL msg=audit(1.0:1) : arch=x86_64 syscall=mknod", {"SYSCALL": "mknod"}),
    (record("SYSCALL", "a0=4 key=(null)"), {"a0": "4", "key": None}),
    (record("SYSCALL", f"key={hexed('one')}01{hexed('two')}"), {"key": ["one", "two"]}),
    (EXECVE, {"a0": "cat", "a1": "/a b", "a2": "x", "argc": "3"}),
    (record("EXECVE", "argc=1 a0=FF"), {"a0": "\udcff"}),
    (record("EXECVE", f'argc=2 a0="x" a1_len=9 a1[0]={hexed("ab ")} a1[1]="cd"'), {"a1": "ab cd"}),
    (record("EXECVE", 'argc=2 a0="chmod" a1="777"'), {"a1": "777"}),
    (record("PATH", f"item=0 name={hexed('/x y')} inode=5"), {"type": "PATH", "name": "/x y", "inode": "5"}),
    (record("PATH", "name=(null) mode=0100"), {"name": None, "mode": "0100"}),
    (record("USER_CMD", f"pid=1 uid=0 msg='cwd=\"/\" cmd={hexed('ls -l')} res=success'"), {"cmd": "ls -l", "cwd": "/"}),
    (record("ADD_USER", 'pid=9 msg=\'op=add-user acct="eve" exe="/usr/sbin/useradd"\''), {"acct": "eve"}),
    ("node=web1 " + CWD, {"node": "web1", "cwd": "/root", "msg": f"audit({ID})"}),
    ("type=X msg=audit(1.0:1) : a0=/a b a1=c=d name=e", {"a0": "/a b", "name": "e"}),
]


@pytest.mark.parametrize(("text", "expected"), FIELDS)
def test_fields(text: str, expected: dict[str, Any]) -> None:
    (event,) = events(text)[:1]
    assert (event["_product"], event["_service"]) == ("linux", "auditd")
    assert {name: event["event"].get(name) for name in expected} == expected


def test_records_of_events_that_come_between_one_another() -> None:
    parts = [[line.replace(":42)", f":{n})") + "\n" for line in EVENT.split("\n")[:-1]] for n in range(5)]
    mixed = "".join(line for rows in zip(*parts, strict=True) for line in rows)
    assert processes(mixed) == [WHOLE] * 5


def test_an_argument_in_pieces_over_records() -> None:
    call = record("SYSCALL", CALL)
    first = record("EXECVE", f'argc=3 a0="x" a1_len=6 a1[0]={hexed("ab ")}')
    second = record("EXECVE", 'a1[1]="cd" a2="y"')
    (process,) = processes(call + first + second + TITLE)
    assert process["CommandLine"] == "x ab cd y"


def test_open_events_are_bounded() -> None:
    lines = AuditLines()
    call = record("SYSCALL", CALL)
    made = b"".join(lines.feed(call.replace(":42)", f":{n})").encode()) for n in range(5000))
    assert made.count(b"process_creation") == 5000 - 1024
    assert lines.end().count(b"process_creation") == 1024


def test_what_is_no_record_is_left_out() -> None:
    made = AuditLines().feed(b"nonsense\n\ntype=SYSCALL\n" + CWD.encode())
    assert [line[:1] for line in made.splitlines()] == [b"!", b"!", b"{"]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters='"\n\0\x1d'), min_size=1, max_size=12)


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_arguments_come_back(args: list[str], data: st.DataObject) -> None:
    quoted = [
        f'a{n}="{a}"' if a.isascii() and a.isalnum() and data.draw(st.booleans()) else f"a{n}={hexed(a)}"
        for n, a in enumerate(args)
    ]
    text = record("SYSCALL", CALL) + record("EXECVE", f"argc={len(args)} {' '.join(quoted)}")
    (process,) = processes(text)
    assert process["CommandLine"] == " ".join(args)


@given(st.binary(max_size=300))
def test_any_bytes(noise: bytes) -> None:
    lines = AuditLines()
    for block in (noise, b"type=EXECVE msg=audit(1:1): " + noise, b"type=X msg=audit(1:1) : " + noise):
        for line in lines.feed(block).splitlines():
            assert line.startswith(b"!") or json.loads(line)
    lines.end()


LAUREL = {
    "ID": ID,
    "NODE": "web1",
    "SYSCALL": {
        **{"arch": "0xc000003e", "syscall": 59, "success": "yes", "ppid": 10, "pid": 11, "uid": 0, "euid": 0},
        **{"tty": "pts0", "ses": 3, "comm": "cat", "exe": "/usr/bin/cat", "key": "exec", "auid": 1000},
        **{"ARCH": "x86_64", "SYSCALL": "execve", "UID": "root"},
    },
    "EXECVE": {"argc": 3, "ARGV": ["cat", "/a b", "x"]},
    "CWD": {"cwd": "/root"},
    "PATH": [{"item": 0, "name": "/usr/bin/cat"}, {"item": 1, "name": "/lib64/ld.so"}],
    "PARENT_INFO": {"ARGV": ["bash", "-l"], "exe": "/usr/bin/bash"},
}


def test_laurel() -> None:
    lines = [json.loads(line) for line in LaurelLines().feed(json.dumps(LAUREL).encode() + b"\n").splitlines()]
    assert [line["event"].get("type") for line in lines] == ["SYSCALL", "EXECVE", "CWD", "PATH", "PATH", None]
    assert lines[1]["event"] == {
        **{"type": "EXECVE", "argc": 3, "a0": "cat", "a1": "/a b", "a2": "x"},
        "msg": f"audit({ID})",
    }
    numbers = {k: int(WHOLE[k]) for k in WHOLE if k.endswith("Id")}
    parent = {"ParentImage": "/usr/bin/bash", "ParentCommandLine": "bash -l"}
    assert lines[5] == {"_product": "linux", "_cat": "process_creation", "event": WHOLE | numbers | parent}


def test_laurel_of_another_shape_stays() -> None:
    lines = b'{"SYSCALL": {}}\nnothing\n{"ID": "1:1"}\n'
    assert LaurelLines().feed(lines) == b'{"SYSCALL": {}}\nnothing\n'
