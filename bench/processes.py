"""The processes of a bench: load generators, the sensor, its peers."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.builds import BUILT, ROOT, Unavailable, program

LINSANG = ROOT / ".venv" / "bin" / "linsang"
START_LIMIT = 60.0  # s
TRACEFS = "/sys/kernel/tracing"


def run_load(name: str, args: Sequence[str], processes: int = 1) -> tuple[float, list[str]]:
    """Runs so many copies of a load at once; seconds until the last has ended, and what each printed. An argument
    {NAME} stands for the program of that name."""
    filled = [re.sub(r"\{(\w+)\}", lambda m: str(program(m[1])), arg) for arg in args]
    command = [str(program(name)), *filled]
    start = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    printed = [child.communicate()[0] for child in running]
    if any(child.returncode for child in running):
        raise RuntimeError(f"load {name} failed")
    return time.monotonic() - start, printed


@dataclass
class Running:
    """A started program whose first sign of life was seen."""

    child: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.child.pid

    def stop(self) -> None:
        """SIGINT, and waits; what it still had to write is written then."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
        try:
            self.child.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise RuntimeError(f"{self.child.args!r} did not end") from None


@contextlib.contextmanager
def started(command: Sequence[str], ready: str, output: Path | None = None) -> Iterator[Running]:
    """Starts a program, waits until what it says has `ready` (a regular expression; it is all in `log`), stops it at
    the end. With `output`, standard output goes there and `ready` is looked for on standard error alone. Unavailable
    when it ends before, with its last words."""
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as errors, (output or log).open("ab") as out:
            try:
                child = subprocess.Popen(
                    command, stdout=out, stderr=errors, env={**os.environ, "PYTHONUNBUFFERED": "1"}
                )
            except OSError as error:
                raise Unavailable(f"{command[0]}: {error.strerror}") from None
        running = Running(child, log)
        try:
            limit = time.monotonic() + START_LIMIT
            while not re.search(ready, log.read_text(errors="replace")):
                if child.poll() is not None or time.monotonic() > limit:
                    words = log.read_text(errors="replace").strip().splitlines() or ["said nothing"]
                    raise Unavailable(f"{Path(command[0]).name}: {words[-1]}")
                time.sleep(0.02)
            yield running
        finally:
            running.stop()


def sensor(rules: Iterable[str], output: str, *more: str) -> contextlib.AbstractContextManager[Running]:
    """`linsang run` with these rules and this output, once it is ready. It may run beside the machine's own."""
    own = ["--runtime-dir", str(BUILT / "run")]
    chosen = [word for path in rules for word in ("--rules", path)]
    return started([str(LINSANG), "run", *chosen, "--output", output, *own, *more], "ready:")


def recorder(file: Path, output: Path) -> contextlib.AbstractContextManager[Running]:
    """`linsang record` into `file`, once it is ready."""
    return started([str(LINSANG), "record", str(file)], "recording to", output)


@contextlib.contextmanager
def tracefs() -> Iterator[None]:
    """tracefs mounted, as some peers need it; what was not mounted before is unmounted again."""
    mounted = TRACEFS in Path("/proc/self/mounts").read_text()
    if not mounted:
        subprocess.run(["mount", "-t", "tracefs", "tracefs", TRACEFS], check=False, capture_output=True)
    try:
        yield
    finally:
        if not mounted:
            subprocess.run(["umount", TRACEFS], check=False, capture_output=True)
