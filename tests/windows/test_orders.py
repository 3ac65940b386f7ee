"""How a sensor on Windows is told to stop, and that its sessions do not outlive it."""

import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("consoles are Windows': make test-windows", allow_module_level=True)

import ctypes

from sensor.orders import by_signals

ROOT = Path(__file__).resolve().parents[2]
CLOSE, LOGOFF, SHUTDOWN = 2, 5, 6


class Ordered:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.end_told = threading.Event()

    def ask_stop(self, number: int, frame: FrameType | None) -> None:
        self.told.append(signal.Signals(number).name)

    def ask_reload(self, number: int, frame: FrameType | None) -> None:
        raise AssertionError("Windows has no such signal")

    def end(self) -> None:
        self.told.append("end")
        self.end_told.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGBREAK])
def test_signals(number: signal.Signals) -> None:
    ordered = Ordered()
    before = signal.getsignal(number)
    with by_signals(ordered):
        signal.raise_signal(number)
    signal.signal(number, before)
    assert ordered.told == [number.name]


@pytest.mark.parametrize("event", [CLOSE, LOGOFF, SHUTDOWN])
def test_windows_waits_until_all_is_over(event: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAKE: the console, which calls the handler on a thread of its own and ends the process when that returns."""
    handlers: list[Any] = []

    class Kernel:
        @staticmethod
        def SetConsoleCtrlHandler(handler: Any, add: bool) -> None:
            handlers.append(handler) if add else handlers.remove(handler)

    monkeypatch.setattr(ctypes, "WinDLL", lambda name: Kernel)
    ordered, answers = Ordered(), []
    with by_signals(ordered):
        (handler,) = handlers
        assert not handler(0)  # Ctrl-C: a signal
        console = threading.Thread(target=lambda: answers.append(handler(event)))
        console.start()
        assert ordered.end_told.wait(60)
        assert console.is_alive()
    console.join()
    assert answers == [1]
    assert not handlers


DIES = f"""\
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests" / "windows")!r}]
import atexit
from fake_trace import FakeWindows
from sensor.windows.library import evntrace
fake = FakeWindows(evntrace)
fake.put_in(setattr)
atexit.register(lambda: print(sorted(fake.called("STOP")), sorted(fake.sessions), flush=True))
from sensor.config import Config, Windows
from sensor.native import Engine
from sensor.windows.source import WindowsSource
engine = Engine()
source = WindowsSource(Config(windows=Windows(channels=())), engine, print)
source.begin()
assert len(fake.sessions) == 3
raise SystemExit("something nobody thought of")
"""


def test_a_sensor_that_dies_stops_its_sessions() -> None:
    done = subprocess.run([sys.executable, "-c", DIES], capture_output=True, text=True, timeout=60, check=False)
    assert "something nobody thought of" in done.stderr
    assert done.stdout.strip() == "['linsang-bulk', 'linsang-process', 'linsang-system'] []"
