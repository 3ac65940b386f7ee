"""The Windows interpreter of build/windows."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "build" / "windows" / "python"
TIMEOUT = 240.0  # s; hanging, not slowness, is what it is to catch


def build_extension() -> None:
    """As the sources are now, by one process at a time. RuntimeError with the compiler's words."""
    command = ["make", "--silent", "--file", "packaging/windows/windows.mk"]
    with (LAUNCHER.parent / "building").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if made.returncode:
        raise RuntimeError(made.stdout + made.stderr)


class Python:
    """Made once the extension is built."""

    def __call__(
        self, *arguments: str, cwd: Path = ROOT, path: str | None = None, given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Runs the interpreter to its end, output captured. `path`: a folder of packages before its own; `given`: on
        standard input. subprocess.TimeoutExpired."""
        command = [str(LAUNCHER), *arguments]
        environment = os.environ | ({"PYTHONPATH": path} if path else {})
        return subprocess.run(
            command, input=given, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )


def windows_path(path: Path) -> str:
    """As Windows calls it: wine has the root folder as drive Z."""
    return "Z:" + str(path).replace("/", "\\")
