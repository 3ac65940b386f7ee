"""`linsang run` and `linsang record` as processes of their own, awaited by what they write."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

RULES = Path(__file__).parents[2] / "rules" / "linux"
PATIENCE_S = 120.0  # a busy machine's
PATIENT = ("--engine-fact-wait-ms", "5000")  # facts of files, however busy the machine is


class SensorProcess:
    """One command, run by `prefix`, from its ready line to its end. `said`: standard error so far."""

    def __init__(
        self, folder: Path, command: str, *arguments: str, ready: str = "ready:", prefix: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self.alerts_file = folder / "alerts.json"
        settings = ["--cache-dir", str(folder.parent / "cache")]
        if command == "run":
            settings += ["--runtime-dir", str(folder / "runtime"), "--state-dir", str(folder / "state")]
            settings += ["--output", f"file:{self.alerts_file}?format=json"]
            settings += [] if "--rules" in arguments else ["--rules", str(RULES)]
        self.child = subprocess.Popen(
            [*prefix, sys.executable, "-m", "sensor", command, *arguments, *settings], stderr=subprocess.PIPE
        )
        self.said = ""
        self.wait_for(ready)

    @property
    def pid(self) -> int:
        return self.child.pid

    def wait_for(self, text: str) -> None:
        """Until standard error has said `text`."""
        assert self.child.stderr
        end = time.monotonic() + PATIENCE_S
        while text not in self.said:
            assert select.select([self.child.stderr], [], [], max(0.0, end - time.monotonic()))[0], self.said
            read = os.read(self.child.stderr.fileno(), 1 << 16)
            assert read, f"it ended: {self.said}"
            self.said += read.decode()

    def alerts(self) -> list[dict[str, Any]]:
        """Those in the file now; a line that is being written is none."""
        if not self.alerts_file.exists():
            return []
        whole = self.alerts_file.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def wait_until(self, wanted: Callable[[list[dict[str, Any]]], object]) -> None:
        """Until the alerts are as `wanted`."""
        end = time.monotonic() + PATIENCE_S
        while not wanted(alerts := self.alerts()):
            assert time.monotonic() < end, f"not among {len(alerts)} alerts; {self.said}"
            # the file is looked at again when it grows; there is nothing else to wait on
            select.select([], [], [], 0.005)

    def wait_for_alert(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first that is `wanted`."""
        self.wait_until(lambda alerts: any(map(wanted, alerts)))
        return next(filter(wanted, self.alerts()))

    def end(self, number: int = signal.SIGTERM) -> int:
        """Signals, waits for the end, reads the rest; the exit status."""
        if self.child.poll() is None:
            self.child.send_signal(number)
        self.said += self.child.communicate(timeout=PATIENCE_S)[1].decode()
        return self.child.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, trace: TracebackType | None) -> None:
        if self.child.returncode is None:
            self.end(signal.SIGKILL)
