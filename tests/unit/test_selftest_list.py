"""`linsang selftest --windows` where it can only be listed."""

import json
import subprocess
import sys

import pytest

from sensor.cli import main


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(subprocess, "Popen")


@pytest.mark.usefixtures("nothing_starts")
def test_the_list_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--windows", "--list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [step["name"] for step in listed] == ["processes", "run key", "file", "connection", "DNS"]
    assert all(step["expected"] > 0 for step in listed)
    assert main(["selftest", "--windows", "--list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(listed)


@pytest.mark.skipif(sys.platform == "win32", reason="here it is not refused")
@pytest.mark.usefixtures("nothing_starts")
def test_refused_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--windows"]) == 1
    assert "run it on Windows" in capsys.readouterr().err
    assert main(["selftest"]) == 2
