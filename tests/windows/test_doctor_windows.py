"""`linsang doctor` and `linsang status` on Windows, over scripted calls."""

import json
import sys
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

from fake_trace import FakeWindows

from sensor.cli import main
from sensor.windows.providers import PROCESSES


@pytest.fixture
def given(tmp_path: Path, compiled: Path) -> list[str]:
    (tmp_path / "linsang.toml").write_text(
        f"[windows]\nchannels = []\n[rules]\npaths = ['{compiled / 'rules'}']\n"
        f"[paths]\nruntime = '{tmp_path / 'run'}'\ncache = '{compiled / 'cache'}'\nstate = '{tmp_path / 'lib'}'\n"
    )
    return ["--config", str(tmp_path / "linsang.toml"), "--format", "json"]


def test_sessions_that_bring_nothing(
    windows: FakeWindows, given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FAKE sessions run, but nothing happens on a machine that is none."""
    monkeypatch.setattr("sensor.doctor_windows._PATIENCE_S", 0.0)
    assert main(["doctor", *given]) == 1
    checks = {(check["name"], check["found"]): check["ok"] for check in json.loads(capsys.readouterr().out)}
    for name in ("process", "system", "bulk"):
        assert checks["session", f"linsang-{name}: attached"]
    assert not checks["sees", "0 events"]
    assert checks["lost", "0 events or buffers"]
    assert checks["decoded", "0 events, 0 joined with others"]
    assert checks["remembered", "all that had to be"]
    assert not windows.sessions


def test_a_refusal_is_a_check_with_its_remedy(
    windows: FakeWindows, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    windows.fail("StartTraceW", 1450)
    assert main(["doctor", *given]) == 1
    (source,) = (check for check in json.loads(capsys.readouterr().out) if check["name"] == "source")
    assert "all trace sessions of this machine are taken" in source["found"]
    assert "EtwMaxLoggers" in source["remedy"]


def test_a_provider_that_is_refused_is_a_check(
    windows: FakeWindows, given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one of the bulk session."""
    monkeypatch.setattr("sensor.doctor_windows._PATIENCE_S", 0.0)
    windows.fail("ENABLE", *[0] * (len(PROCESSES.providers) + 1), 1450)
    assert main(["doctor", *given]) == 1
    (reduced,) = (check for check in json.loads(capsys.readouterr().out) if check["name"] == "reduced")
    assert "Microsoft-Windows-Kernel-Network: as many sessions as may" in reduced["found"]


@pytest.mark.parametrize("elevated", [True, False])
def test_who_is_elevated_is_not_told_to_be(
    windows: FakeWindows,
    given: list[str],
    elevated: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for module in ("doctor_windows", "windows.codes", "windows.folders"):
        monkeypatch.setattr(f"sensor.{module}.is_administrator", lambda: elevated)
    windows.fail("StartTraceW", 5)
    assert main(["doctor", *given]) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert checks["elevated"]["ok"] == elevated
    assert ("run it elevated" in checks["source"]["remedy"]) != elevated
    assert "linsang service install" in checks["source"]["remedy"]
