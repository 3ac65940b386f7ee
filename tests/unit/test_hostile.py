"""Whatever a process, a file, a rule or a receiver is called: no command writes anything that a terminal obeys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_records as records
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_render import alert
from test_terminal import HOSTILE, TEXT

from sensor.checks import Check, lines_of
from sensor.cli import main
from sensor.encode import to_json, to_line, to_msgpack
from sensor.escape import escape
from sensor.live_processes import END
from sensor.progress import Progress
from sensor.recording import RecordingWriter
from sensor.runtime import Runtime
from sensor.sinks.base import Target
from sensor.sinks.rfc5424 import Format

SGR = re.compile(r"\x1b\[[0-9;]*m")
# What JSON may hold of it as it is: letters that are wide or combine, fillers. No control, no bidi, no line end.
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
# For names of files: no NUL, no slash; the bytes that were no UTF-8 stay.
NAME = "".join(c for c in HOSTILE if c not in "\x00\ud800") + "\x1b]0;owned\x07"


def safe(out: str, *, form: str = "text") -> bool:
    """`out` is lines that a terminal only shows."""
    return not UNSAFE.search(out) if form == "json" else all(escape(line) == line for line in out.split("\n"))


def check(capsys: pytest.CaptureFixture[str], *arguments: str, form: str = "text", code: int | None = None) -> str:
    """Runs a command: its two outputs are safe; what it wrote on both."""
    found = main(list(arguments))
    out, err = capsys.readouterr()
    assert safe(err), [line for line in err.split("\n") if not safe(line)]
    assert safe(out, form=form), [line for line in out.split("\n") if not safe(line, form=form)]
    assert code is None or found == code
    return out + err


TITLE = "".join(c for c in NAME if not "\ud800" <= c <= "\udfff")  # YAML holds no lone surrogates
RULE = {
    "title": "A " + TITLE,
    "id": "5f1c2b3d-0000-4000-8000-000000000001",
    "level": "high",
    "author": TITLE,
    "description": TITLE,
    "tags": ["attack." + TITLE],
    "falsepositives": [TITLE],
    "logsource": {"product": "linux", "category": "process_creation"},
    "detection": {"selection": {"CommandLine|contains": ["here", TITLE]}, "condition": "selection"},
}
EVENT = {"Image": "/bin/" + NAME, "CommandLine": "x here " + TITLE, "User": NAME, "ParentImage": NAME}


def yaml_text(value: dict[str, Any]) -> str:
    """JSON, but for characters that it writes as two: YAML has another escape for them."""
    text = json.dumps(value)
    for char in (c for c in HOSTILE if ord(c) > 0xFFFF):
        text = text.replace(json.dumps(char)[1:-1], f"\\U{ord(char):08x}")
    return text


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Rules, events, alerts and a recording, in files with such names."""
    place = tmp_path / f"p{NAME.encode('utf-8', 'surrogateescape').decode('utf-8', 'surrogateescape')}"
    (place / "rules").mkdir(parents=True)
    (place / "rules" / f"r{NAME}.yml").write_text(yaml_text(RULE))
    (place / "broken").mkdir()
    (place / "broken" / f"b{NAME}.yml").write_text(yaml_text({**RULE, "id": TITLE, "detection": {"condition": TITLE}}))
    (place / "events").write_bytes(to_line(EVENT) + b"{" + NAME.encode("utf-8", "surrogateescape") + b"\n")
    (place / "alerts").write_bytes(to_line(alert(NAME)) + b"{\x1b[2J\n" + raw_json(alert(NAME)))
    (place / "packed").write_bytes(to_msgpack(alert(NAME)))
    raw = NAME.encode("utf-8", "surrogateescape")
    with (place / "day").open("wb") as file, RecordingWriter(file.fileno(), {"host": NAME, "users": {}}) as writer:
        writer.append(records.exec_record(pid=5, start=5, image=raw, argv=[raw, b"here"], cwd=raw))
        writer.flush()
    return place


def raw_json(value: dict[str, Any]) -> bytes:
    """Of another maker, who escapes nothing that JSON allows."""
    text = json.dumps({**value, "time": "2026-11-21T10:00:00Z"}, ensure_ascii=False)
    return text.encode("utf-8", "replace") + b"\n"


COMMANDS = [
    "alerts PLACE/alerts",
    "alerts PLACE/packed",
    "alerts PLACE/alerts --color always --follow --level NAME",
    "alerts PLACE/alerts --rule NAME",
    "alerts PLACE/alerts --since NAME",
    "alerts PLACE/nowhere",
    "alerts PLACE",
    "tree PLACE/alerts:1",
    "tree PLACE/alerts:2",
    "tree NAME PLACE/alerts",
    "replay PLACE/events --rules PLACE/rules --product linux --category process_creation --output PRETTY",
    "replay PLACE/day --rules PLACE/rules --rules PLACE/broken --skip-broken-rules --output PRETTY",
    "replay PLACE/nowhere --rules PLACE/rules",
    "rules check PLACE/rules PLACE/broken --verbose",
    "rules list PLACE/rules",
    "rules explain A --rules PLACE/rules --verbose",
    "rules explain A --rules PLACE/rules --event PLACE/events:0 --product linux --category process_creation",
    "rules explain A --rules PLACE/rules --event PLACE/events:NAME",
    "rules explain NAME --rules PLACE/rules",
    "rules cost PLACE/day --rules PLACE/rules",
    "rules test PLACE/rules --verbose",
    "dump PLACE/alerts",
    "dump PLACE/nowhere",
    "status --runtime-dir PLACE",
    "run --config PLACE/nowhere",
    "run --output NAME",
    "run --source NAME",
    "run --expand x=NAME --print-config",
    "record PLACE/nowhere/x",
    "NAME",
    "run --NAME",
    "unwind -- env NAME bash -c NAME",
    "unwind --text NAME",
    "trust PLACE/nowhere --rules PLACE/rules",
]
JSON_COMMANDS = [
    "alerts PLACE/alerts --format json",
    "alerts PLACE/packed --format json",
    "replay PLACE/day --rules PLACE/rules --output stdout:?format=json --summary PLACE/s",
    "rules list PLACE/rules --format json",
    "rules cost PLACE/day --rules PLACE/rules --format json",
    "dump PLACE/day",
]


def words(command: str, place: Path) -> list[str]:
    meant = {"PRETTY": "file:PLACE/o?format=pretty", "PLACE": str(place), "NAME": NAME}
    given = command.split(" ")
    for word, text in meant.items():
        given = [each.replace(word, text) for each in given]
    return [*given, "--cache-dir", str(place / "cache")] if given[0] == "replay" else given


@pytest.mark.parametrize("command", COMMANDS)
def test_text(command: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = check(capsys, *words(command, place))
    assert said or "PRETTY" in command
    if (place / "o").exists():
        assert "HIGH" in (written := (place / "o").read_text())
        assert safe(written)


@pytest.mark.parametrize("command", JSON_COMMANDS)
def test_json(command: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = check(capfd, *words(command, place), form="json")
    assert "{" in out
    assert not (place / "s").exists() or safe((place / "s").read_text())


def test_colours_are_the_only_escapes(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", str(place / "alerts"), "--color", "always"]) == 0
    out = capsys.readouterr().out
    assert "\x1b[" in out
    assert safe(SGR.sub("", out))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A sensor in whose answers everything that somebody else chooses is hostile."""
    status = {
        **{"version": "0", "host": NAME, "uptime_s": 1, "source": NAME, "probes": {NAME: "attached", "x": NAME}},
        **{"events": {}, "alerts": {}, "processes": {}, "cpu_s": 1},
        **{
            "rules": {"loaded": 1, "refused": 0, "not_reloaded": NAME},
            "files": {"watched": {NAME: NAME}, "refused": {NAME: NAME}},
            "libraries": {"off": NAME},
        },
        **{
            "account": {"lost": 0, "seen": 0, "missed": 0},
            "memory": {"own": 1, "kernel_ring": 1},
            "facts": {"off": NAME},
        },
        "outputs": [{"url": NAME, "sent": 1, "waiting": 0, "dropped": {NAME: 1}, "ended": NAME, "last_error": NAME}],
        "costs": {
            "every": 1,
            "costs": [{"share": 1, "total_ns": 1, "candidates": 1, "mean_ns": 1, "id": NAME, "title": NAME}],
        },
    }
    raw = NAME.encode("utf-8", "surrogateescape")
    head = {"host": NAME, "boot_to_epoch_ns": 0, "users": {"0": NAME}}
    body = records.process_record(pid=5, start=5, image=b"/" + raw, argv=[raw], cwd=raw)
    with Runtime(str(tmp_path / "run")) as runtime:
        runtime.serve("status", lambda: [json.dumps(status).encode()])
        runtime.serve("processes", lambda: [json.dumps(head).encode(), b"\n", body, END])
        yield str(tmp_path / "run")


@pytest.mark.parametrize("command", ["tree 5", "status", "rules cost"])
def test_what_the_sensor_answers(command: str, served: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(capsys, *command.split(), "--runtime-dir", served, code=0)
    if command != "tree 5":
        check(capsys, *command.split(), "--runtime-dir", served, "--format", "json", form="json", code=0)


@given(TEXT)
def test_doctor(text: str) -> None:
    assert all(safe(line) for line in lines_of(Check("x", False, text.replace("\n", ""), text.replace("\n", ""))))


@given(TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_and_syslog(text: str) -> None:
    assert not UNSAFE.search(to_json(alert(text)).decode())
    for most in (0, 2048, 4096):
        message = Format(10, text, text, most).encode(alert(text)).decode()
        assert not UNSAFE.search(message.replace("\ufeff", "", 1))
        assert "\n" not in message


def test_progress(tmp_path: Path) -> None:
    class Terminal:
        """Takes what is written, and says that it is a terminal."""

        written = ""

        def write(self, text: str) -> None:
            self.written += text

        def isatty(self) -> bool:
            return True

        def flush(self) -> None:
            """Nothing is held back."""

    terminal, clock = Terminal(), iter(range(0, 1000, 10))
    with Progress("reading", 10, terminal, lambda: next(clock)) as progress:  # type: ignore[arg-type]
        progress.update(5, NAME)
    assert safe(terminal.written.replace("\r\x1b[K", ""))
    assert "50%" in terminal.written


def test_outputs_name_what_they_refuse() -> None:
    assert safe(str(Target.parse(f"file:{NAME}?x=y").fail(NAME, NAME)))


@given(first=st.text(max_size=40), second=st.text(max_size=40))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_argument(first: str, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("alerts", "tree", "dump"):
        arguments = [command, f"/nowhere/{first}", f"--{second}"]
        assert main(arguments) in {1, 2}
        assert safe(capsys.readouterr().err)
