"""`linsang selftest --windows` over scripted calls of event tracing: what it does is real, what it sees is delivered
here."""

import ctypes
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

import winreg

from event_records import connect
from fake_trace import FakeWindows

from sensor import selftest
from sensor.cli import main

DELIVER = Path(__file__).resolve().parents[2] / "build" / "windows" / "tests" / "deliver.dll"
NAMES = ["processes", "run key", "file", "connection", "DNS"]


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    (tmp_path / "linsang.toml").write_text("[windows]\nchannels = []\n")
    return ["selftest", "--windows", "--config", str(tmp_path / "linsang.toml"), "--format", "json"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "_PATIENCE_S", 0.0)


def test_all_is_done_and_none_of_it_seen(
    windows: FakeWindows, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """FAKE sessions run, but bring nothing: each step fails by being unseen, none by not being done."""
    assert main(given) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert [checks[name]["ok"] for name in NAMES] == [False] * len(NAMES)
    assert all(" seen, " in checks[name]["found"] for name in NAMES)
    assert checks["lost"]["ok"]
    assert not windows.sessions
    with winreg.OpenKey(winreg.HKEY_CURRENT_USER, selftest._RUN_KEY) as key, pytest.raises(FileNotFoundError):
        winreg.QueryValueEx(key, selftest._MARK)


@pytest.mark.skipif(not DELIVER.exists(), reason="deliver.c is not built: make test-windows")
def test_what_comes_is_counted(
    windows: FakeWindows, given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver = ctypes.CDLL(str(DELIVER)).deliver
    deliver.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)

    def three() -> None:
        callback, context = windows.callbacks["linsang-bulk"]
        deliver(callback, ctypes.addressof(record), context, 3)

    @contextmanager
    def steps() -> Iterator[tuple[selftest.Step, ...]]:
        seen = "network_connection", "DestinationPort: 443"
        unseen = "network_connection", "DestinationPort: 444"
        yield selftest.Step("met", "", *seen, 3, three), selftest.Step("missed", "", *unseen, 1, int)

    record = connect(1234)
    monkeypatch.setattr(selftest, "_steps", steps)
    assert main(given) == 1
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)}
    assert (checks["met"]["ok"], checks["met"]["found"]) == (True, "3 seen, 3 expected")
    assert (checks["missed"]["ok"], checks["missed"]["found"]) == (False, "0 seen, 1 expected")
    assert checks["account"]["ok"]


def test_a_source_that_cannot_start_is_one_line(
    windows: FakeWindows, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    windows.fail("StartTraceW", 5)
    assert main(given) == 1
    said = capsys.readouterr()
    assert len(said.err.splitlines()) == 1
    assert not said.out
