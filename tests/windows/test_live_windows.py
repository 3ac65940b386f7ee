"""`linsang run` on Windows as a whole: sessions over scripted calls, records through the core's callback, alerts out at
the sink."""

import ctypes
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

from event_records import connect, process_start
from fake_event_log import FakeEventLog
from fake_trace import FakeWindows

from sensor.config import Config, Output, Paths, Rules, Windows
from sensor.daemon import run
from sensor.native import Engine, lib
from sensor.orders import Ordered
from sensor.windows.source import WindowsSource

DELIVER = Path(__file__).resolve().parents[2] / "build" / "windows" / "tests" / "deliver.dll"
if not DELIVER.exists():
    pytest.skip("deliver.c is not built: make test-windows", allow_module_level=True)
PATIENCE_S = 60
MANY = 1_000_000
CREATED = """\
<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>\
<EventID>4688</EventID><Version>2</Version><TimeCreated SystemTime='2026-03-11T05:16:41.8157203Z'/>\
<Channel>Security</Channel><Computer>here</Computer></System><EventData>\
<Data Name='NewProcessId'>0x1f4</Data><Data Name='NewProcessName'>C:\\evil.exe</Data></EventData></Event>"""


def until(said: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := said()):
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


class Sensor:
    """A sensor that runs on a thread."""

    def __init__(self, folder: Path, compiled: Path, windows: FakeWindows, *channels: str) -> None:
        self._windows = windows
        self._deliver = ctypes.CDLL(str(DELIVER)).deliver
        self._deliver.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64)
        self._alerts = folder / "alerts.json"
        self._config = Config(
            windows=Windows(channels=channels),
            rules=Rules(paths=(str(compiled / "rules"),)),
            output=(Output(f"file:{self._alerts}?format=json"),),
            paths=Paths(str(folder / "run"), str(compiled / "cache"), str(folder / "lib")),
        )
        self._ready = threading.Event()
        self.daemon: Any = None
        self.code: int | BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    @contextmanager
    def _orders(self, ordered: Ordered) -> Iterator[None]:
        self.daemon = ordered
        self._ready.set()
        yield

    def _run(self) -> None:
        try:
            self.code = run(self._config, self._orders)
        except BaseException as error:
            self.code = error
        self._ready.set()

    def __enter__(self) -> "Sensor":
        self._thread.start()
        assert self._ready.wait(PATIENCE_S)
        assert self.code is None, self.code
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.end()
        self._thread.join()

    def deliver(self, name: str, record: Any, count: int = 1) -> None:
        """As ProcessTrace would, outside the interpreter."""
        callback, context = self._windows.callbacks[name]
        self._deliver(callback, ctypes.addressof(record), context, count)

    def alerts(self, title: str) -> list[dict[str, Any]]:
        lines = self._alerts.read_bytes().splitlines() if self._alerts.exists() else []
        return [alert for alert in map(json.loads, lines) if alert["rule"]["title"] == title]

    def account(self) -> dict[str, Any]:
        return dict(self.daemon.status()["account"])


@pytest.fixture
def sensor(tmp_path: Path, compiled: Path, windows: FakeWindows) -> Iterator[Sensor]:
    with Sensor(tmp_path, compiled, windows) as sensor:
        yield sensor
    assert sensor.code == 0
    assert not windows.sessions


def test_windows_calls_the_core_itself(sensor: Sensor, windows: FakeWindows) -> None:
    """Not a Python function that ctypes wrapped. Each session has a context of its own: a ring has one writer."""
    addresses, contexts = ({one[n] for one in windows.callbacks.values()} for n in (0, 1))
    assert addresses == {int(lib.sn_etw_source__callback())}
    assert len(windows.callbacks) == len(contexts - {0}) == 3


def test_a_process_that_starts_is_an_alert(sensor: Sensor) -> None:
    sensor.deliver("linsang-process", process_start(4242, 4, "\\Device\\HarddiskVolume9\\Windows\\evil.exe"))
    (alert,) = until(lambda: sensor.alerts("Started"))
    assert alert["fields"]["Image"].endswith("\\Windows\\evil.exe")
    assert alert["fields"]["ProcessId"] == 4242
    assert sensor.daemon.status()["probes"] == dict.fromkeys(
        ("linsang-process", "linsang-system", "linsang-bulk"), "attached"
    )


def test_a_million_records_beside_a_busy_interpreter(sensor: Sensor) -> None:
    """All are accounted for, Python goes on meanwhile, and what matters among them is found."""
    over = threading.Event()
    turns = itertools.count()

    def busy() -> None:
        while not over.is_set():
            next(turns)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        sensor.deliver("linsang-bulk", connect(1234), MANY)
        until(lambda: sensor.account()["match_received"] == sensor.account()["recorded"])
        sensor.deliver("linsang-process", process_start(4243, 4, "\\Device\\HarddiskVolume9\\evil.exe"))
        assert until(lambda: sensor.alerts("Started"))
    finally:
        over.set()
        thread.join()
    assert next(turns) > 10_000
    account = sensor.account()
    assert account["received"] == MANY + 1
    assert account["received"] == sum(account[name] for name in ("filtered", "recorded", "dropped", "oversized"))
    assert account["lost"] == account["dropped"]
    network = sensor.daemon.status()["providers"]["Microsoft-Windows-Kernel-Network"]
    assert (network["recorded"], network["dropped"]) == (account["recorded"] - 1, account["dropped"])
    of_providers = {"Microsoft-Windows-Kernel-Network": {"dropped": account["dropped"], "oversized": 0}}
    assert account["providers"] == (of_providers if account["dropped"] else {})


def test_a_session_that_somebody_stops_is_an_alert_and_comes_back(sensor: Sensor, windows: FakeWindows) -> None:
    windows.stop_behind_its_back("linsang-process")
    (stopped,) = until(lambda: sensor.alerts("Sensor tampering: its trace session was stopped"))
    assert stopped["rule"]["level"] == "critical"
    assert stopped["fields"]["session"] == "linsang-process"
    until(lambda: sensor.alerts("Sensor's trace session is back"))
    sensor.deliver("linsang-process", process_start(4244, 4, "\\Device\\HarddiskVolume9\\evil.exe"))
    assert until(lambda: sensor.alerts("Started"))


def test_losses_are_told_by_session_and_cause(sensor: Sensor, windows: FakeWindows) -> None:
    windows.sessions["linsang-bulk"].lost = (7, 2, 0)
    (lost,) = until(lambda: sensor.alerts("Sensor lost events"))
    assert lost["fields"]["lost"] == lost["fields"]["total"] == 9
    assert lost["fields"]["sessions"]["linsang-bulk"] == {"events": 7, "real_time_buffers": 2, "log_buffers": 0}


def test_an_event_of_the_log_is_an_alert(
    tmp_path: Path, compiled: Path, windows: FakeWindows, security: FakeEventLog
) -> None:
    """By the same ring, decoder and rules."""
    with Sensor(tmp_path, compiled, windows, "Security") as sensor:
        assert security.subscribed.wait(PATIENCE_S)
        security.write("Security", CREATED)
        (alert,) = until(lambda: sensor.alerts("Started"))
        assert alert["fields"]["Image"] == "C:\\evil.exe"
        assert sensor.daemon.status()["channels"]["Security"]["events"] == 1
        account = sensor.account()
        assert (account["lines"], account["recorded"], account["lost"]) == (1, 0, 0)
    assert not security.open


@pytest.mark.usefixtures("endless")
def test_a_consumer_that_does_not_end_keeps_what_it_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Context and engine: the callback wakes the match thread."""
    said: list[str] = []
    engine = Engine()
    source = WindowsSource(Config(windows=Windows(channels=())), engine, said.append)
    source.begin()
    monkeypatch.setattr(engine, "_free", pytest.fail)
    source.close()
    engine.close()
    assert "end its consumer" in said[0]


def test_without_the_process_session_it_does_not_start(tmp_path: Path, compiled: Path, windows: FakeWindows) -> None:
    windows.fail("StartTraceW", 5)
    sensor = Sensor(tmp_path, compiled, windows)
    with pytest.raises(AssertionError, match="trace session linsang-process: start: access is denied"):
        sensor.__enter__()
