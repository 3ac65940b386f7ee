"""`linsang record`: every event that the source sees, into a file, with the account of what was lost.

Native records are written by the match thread. As JSON lines they go through a pipe, still native, and a thread makes
lines of them in blocks: Python touches no single event.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from sensor.closing import Closing
from sensor.config import Config
from sensor.errors import LinsangError, NativeError, UsageError
from sensor.host import recording_header
from sensor.live import Live
from sensor.orders import Stop
from sensor.progress import Progress
from sensor.record_lines import RecordLines, write_all
from sensor.recording import RecordingReader, RecordingWriter
from sensor.source import Account
from sensor.system import OPEN_FLAGS, widen_pipe
from sensor.terminal import say

FORMATS = ("native", "ndjson")
_PIPE_BYTES = 1 << 20  # what an unprivileged process may ask for: /proc/sys/fs/pipe-max-size
_LOOK_S = 0.2
_RING_BYTES = 64 << 20  # a disk pauses for longer than a matcher


class _Lines(Closing):
    """A descriptor to write native records to; its thread writes them to `out` as lines."""

    def __init__(self, out: int) -> None:
        self._out = out
        self._read, self.fd = os.pipe()
        widen_pipe(self.fd, _PIPE_BYTES)
        self.error: OSError | LinsangError | None = None
        self._thread = threading.Thread(target=self._run, name="lines")
        self._thread.start()

    def _run(self) -> None:
        try:
            with RecordingReader(self._read, "pipe") as reader:
                for block in RecordLines(reader):
                    write_all(self._out, block)
        except (OSError, LinsangError) as error:
            self.error = error
        finally:
            os.close(self._read)

    def close(self) -> None:
        """All lines are written when it returns."""
        os.close(self.fd)
        self._thread.join()


@contextmanager
def _out(path: str, format: str) -> Iterator[int]:
    if path == "-":
        if format == "native" and os.isatty(sys.stdout.fileno()):
            raise UsageError("a recording is no text for a terminal", "give a file, or --format ndjson")
        yield sys.stdout.fileno()
        return
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OPEN_FLAGS, 0o600)
    except OSError as error:
        raise LinsangError(f"{path}: {error.strerror}", "give a file that can be written") from None
    try:
        yield fd
    finally:
        os.close(fd)


def _failure(what: str, error: OSError | LinsangError) -> Exception:
    """What to raise when `what` could not be written; of a reader that had enough cli.py says nothing."""
    if isinstance(error, BrokenPipeError):
        return error
    return LinsangError(f"{what}: {(isinstance(error, OSError) and error.strerror) or error}")


def _stop() -> Stop:
    """Asked by SIGINT and SIGTERM."""
    stop = Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.hear)
    return stop


def _wait(live: Live, stop: Stop, seconds: float | None) -> None:
    """Returns when `stop` is asked, after `seconds`, or when nothing can be recorded any more."""
    end = time.monotonic() + seconds if seconds is not None else float("inf")
    with Progress("recording") as progress:
        while not stop.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(_LOOK_S, left))
            stats = live.engine.stats()
            if stats["record_failed"]:
                return
            live.check()
            progress.update(stats["recorded"], "events; Ctrl-C ends it")


def _record(config: Config, fd: int, what: str, seconds: float | None) -> tuple[Account, str, int]:
    """Records into `fd`: the account, its equations, the number of records. NativeError: not all could be written."""
    stop = _stop()
    engine = config.engine.but(ring_bytes=max(config.engine.ring_bytes, _RING_BYTES))
    config = config.but(engine=engine)
    with (
        RecordingWriter(fd, recording_header()) as writer,
        Live(config, say=say, recording=writer) as live,
    ):
        say(f"recording to {what}")
        _wait(live, stop, seconds)
        live.stop()
        writer.flush()
        account = live.account()
        return account, "; ".join(text for text, _ in account.equations()), live.engine.stats()["recorded"]


def record(config: Config, path: str, *, seconds: float | None = None, format: str = "native") -> int:
    """Records into `path` ("-": standard output) until a signal or for `seconds`; 0 is the exit code. The account goes
    to standard error, and into NDJSON as the last line. LinsangError: source, file."""
    what = "standard output" if path == "-" else path
    with _out(path, format) as out:
        lines = _Lines(out) if format == "ndjson" else None
        try:
            with lines or nullcontext():
                account, equations, recorded = _record(config, lines.fd if lines else out, what, seconds)
        except NativeError as error:
            # the thread knows why better than the writer, which only sees its pipe closed
            why = (lines and lines.error) or OSError(error.errno, os.strerror(error.errno))
            raise _failure(what, why) from error
        if lines and lines.error:
            raise _failure(what, lines.error)
        if lines:
            os.write(out, json.dumps({"type": "account", **account.as_dict(), "recorded": recorded}).encode() + b"\n")
    say(f"{recorded} events recorded, {account.lost} lost; {equations}")
    return 0
