"""Tests of what Linsang is on Windows, from Linux: they need build/windows, which `make test-windows` sets up."""

from __future__ import annotations

import shutil

import pytest
from windows_python import LAUNCHER, Python, build_extension


@pytest.fixture(scope="session")
def python() -> Python:
    """The Windows interpreter, with the extension as the sources are now."""
    if not LAUNCHER.exists() or not shutil.which("wine"):
        pytest.skip("no Windows here: make test-windows sets it up")
    build_extension()
    return Python()
