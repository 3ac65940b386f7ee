"""The C core's own tests as programs of Windows, under wine: see harness.py."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import harness
import pytest

TIMEOUT = 120.0  # s; hanging, not slowness, is what it is to catch
RUN = harness.ROOT / "build" / "windows" / "run"


@pytest.mark.parametrize("source", sorted(harness.HERE.glob("test_*.c")), ids=lambda path: path.stem)
def test_program(source: Path) -> None:
    if not RUN.exists() or not shutil.which("wine"):
        pytest.skip("no Windows here: make test-windows sets it up")
    program = harness.build_for_windows(source)
    if program is None:
        pytest.skip("tests what only Linux has")
    command = [str(RUN), str(program)]
    result = subprocess.run(command, capture_output=True, errors="replace", timeout=TIMEOUT, check=False)
    assert result.returncode == 0, (result.stdout + result.stderr)[-4000:]
