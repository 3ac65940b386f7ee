"""What runs on Windows alone, or on wine. Elsewhere it is a counted skip."""

import sys
from collections.abc import Iterator

import pytest

if sys.platform == "win32":
    from fake_trace import CALLS, FakeWindows

    from sensor.windows.library import evntrace

    @pytest.fixture
    def windows(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWindows]:
        """FAKE: the calls of event tracing, in the unmodified pywintrace."""
        fake = FakeWindows(evntrace)
        for call in CALLS:
            monkeypatch.setattr(evntrace, call, getattr(fake, call))
        yield fake
        for name in list(fake.sessions):
            fake.stop_behind_its_back(name)
