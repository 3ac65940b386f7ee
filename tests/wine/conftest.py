"""Tests of what Linsang is on Windows, from Linux: they need build/windows, which `make test-windows` sets up."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit"))  # what writes events of every kind

from windows_python import LAUNCHER, Python, build_extension


@pytest.fixture(scope="session")
def python() -> Python:
    """The Windows interpreter, with the extension as the sources are now."""
    if not LAUNCHER.exists() or not shutil.which("wine"):
        pytest.skip("no Windows here: make test-windows sets it up")
    build_extension()
    return Python()
