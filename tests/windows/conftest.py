"""What runs on Windows alone, or on wine. Elsewhere it is a counted skip."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

RULE = """\
title: Started
id: 6f7e5a1c-3a0f-4a37-8e39-9a1f1c0b2d3e
status: test
level: high
logsource:
    product: windows
    category: process_creation
detection:
    started:
        Image|endswith: '\\evil.exe'
    condition: started
"""


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rules, and the cache in which the first sensor leaves them compiled."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "rules").mkdir()
    (folder / "rules" / "started.yml").write_text(RULE)
    return folder


if sys.platform == "win32":
    from fake_event_log import FakeEventLog
    from fake_trace import FakeWindows

    from sensor.windows.library import evntrace

    @pytest.fixture
    def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWindows]:
        """FAKE: the calls of event tracing, in the unmodified pywintrace."""
        fake = FakeWindows(evntrace)
        fake.put_in(monkeypatch.setattr)
        yield fake
        for name in list(fake.sessions):
            fake.stop_behind_its_back(name)
        assert not fake.faults

    @pytest.fixture
    def security(monkeypatch: pytest.MonkeyPatch) -> FakeEventLog:
        """FAKE: the event log, with this channel alone."""
        log = FakeEventLog(Security=0)
        log.put_in(monkeypatch)
        return log

    @pytest.fixture
    def endless(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Consumers that do not end before the test does, and nobody who waits for them."""
        monkeypatch.setattr("sensor.windows.consumer._PATIENCE_S", 0.0)
        over = threading.Event()
        windows.deliver = lambda name: bool(over.wait())
        yield
        over.set()
