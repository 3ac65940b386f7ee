"""`file:PATH[?format=&rotate_bytes=&keep=&fsync=never|interval|always]`: alerts appended to a file.

The file holds whole alerts at every moment a reader can see after a failed write: what a full disk took of one is cut
off again and written anew when there is room. Rotation: PATH to PATH.1, PATH.1 to PATH.2, ..., `keep` old files. A
file that somebody else moved away (logrotate) is noticed and begun anew.
"""

import os
import time
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from sensor.errors import LinsangError
from sensor.sinks.base import PIECE_BYTES, Frame, Sink, SinkEnded, Target, Writer
from sensor.sinks.formats import encoder
from sensor.system import OPEN_FLAGS, lock, read_at, sync_data

OPTIONS = ("format", "rotate_bytes", "keep", "fsync", "queue", "queue_bytes")
FSYNC_INTERVAL_S = 1.0


class FileTransport(Writer):
    """The file at `path`, locked against a second writer, since two could not cut back a half alert."""

    def __init__(self, path: str, *, rotate_bytes: int, keep: int, fsync: str, lines: bool) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        if rotate_bytes:
            self.piece_bytes = min(PIECE_BYTES, rotate_bytes // 16)  # so that files come out nearly full
        self._keep = keep
        self._fsync = fsync
        self._lines = lines
        self._unsynced_since = 0.0
        self._rotations = 0
        self._rotation_failures = 0
        self._sync_failures = 0
        self._fd = -1
        self._open()
        super().__init__(self._fd)

    def send(self, frames: Sequence[Frame]) -> int:
        self._reopen_if_moved()
        size = os.fstat(self._fd).st_size
        if self._rotate_bytes and size and size + len(frames[0]) > self._rotate_bytes:
            size = self._rotate()
        ends = list(accumulate(map(len, frames), initial=0))
        fitting = len(frames)
        if self._rotate_bytes:
            fitting = max(1, sum(size + end <= self._rotate_bytes for end in ends[1:]))
        data = frames[0] if fitting == 1 else b"".join(frames[:fitting])
        written = self._append(data, size, ends)
        if not self._unsynced_since:
            self._unsynced_since = time.monotonic()
        self._sync(force=self._fsync == "always")
        return written

    def idle(self) -> None:
        self._sync(force=False)

    def close(self) -> None:
        if self._fd >= 0:
            self._sync(force=True)
            os.close(self._fd)
            self._fd = -1

    def counters(self) -> dict[str, int]:
        return {
            "rotations": self._rotations,
            "rotation_failures": self._rotation_failures,
            "sync_failures": self._sync_failures,
        }

    def _append(self, data: Frame, size: int, ends: list[int]) -> int:
        """Writes `data` at the end of the file; returns the number of whole frames. What is half of one is cut off."""
        view = memoryview(data)
        done = 0
        failure: OSError | None = None
        while done < len(data):
            try:
                done += os.write(self._fd, view[done:])
            except OSError as error:
                failure = error
                break
        if failure is None:
            return ends.index(len(data))
        if not self.at_once:  # a device: room is not made there, and nothing can be cut off again
            raise SinkEnded(f"{self._path}: {failure.strerror}")
        whole = max(end for end in ends if end <= done)
        try:
            os.ftruncate(self._fd, size + whole)
        except OSError:
            os.close(self._fd)  # opening it again mends the end
            self._fd = -1
            raise
        if not whole:
            raise failure
        return ends.index(whole)

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | OPEN_FLAGS, 0o640)
        try:
            lock(self._fd)
            self._mend_end()
        except OSError:
            os.close(self._fd)
            self._fd = -1
            raise

    def _mend_end(self) -> None:
        """A crash may have left half an alert at the end: text gets its line ended, msgpack is cut back to the last
        whole map, since nothing could be read behind a half one."""
        size = os.fstat(self._fd).st_size
        if not size:
            return
        if self._lines:
            if read_at(self._fd, 1, size - 1) != b"\n":
                os.write(self._fd, b"\n")
            return
        import msgpack  # noqa: PLC0415 - few files are

        with open(self._path, "rb") as file:
            unpacker = msgpack.Unpacker(file, max_buffer_size=0)
            whole = 0
            try:
                while True:
                    unpacker.skip()
                    whole = unpacker.tell()
            except msgpack.OutOfData:
                os.ftruncate(self._fd, whole)
            except ValueError as error:
                raise OSError(0, "the file holds something other than msgpack") from error

    def _reopen_if_moved(self) -> None:
        if self._fd >= 0:
            ours = os.fstat(self._fd)
            try:
                there = os.stat(self._path)
                if (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino):
                    return
            except FileNotFoundError:
                pass
            self.close()
        self._open()

    def _rotate(self) -> int:
        """Moves the full file away and begins a new one; returns the size of the file now open. A rotation that fails
        is counted, and the file grows on: better too large than lost."""
        self.close()  # Windows moves no file that is open
        try:
            for n in range(self._keep - 1, 0, -1):
                if os.path.exists(f"{self._path}.{n}"):
                    os.replace(f"{self._path}.{n}", f"{self._path}.{n + 1}")
            if self._keep:
                os.replace(self._path, f"{self._path}.1")
            else:
                os.unlink(self._path)
        except OSError:
            self._rotation_failures += 1
        else:
            self._rotations += 1
        self._open()
        return os.fstat(self._fd).st_size

    def _sync(self, *, force: bool) -> None:
        if not self._unsynced_since or self._fsync == "never":
            return
        if force or time.monotonic() - self._unsynced_since >= FSYNC_INTERVAL_S:
            self._unsynced_since = 0.0
            try:
                sync_data(self._fd)
            except OSError:
                # The kernel has dropped the dirty pages' state; writing the alerts again would only double them.
                self._sync_failures += 1


def path_of(target: Target) -> str:
    """The file's path: file:PATH and file:///PATH mean the same."""
    return target.path.removeprefix("//") if target.path.startswith("///") else target.path


def open_file(target: Target) -> Sink:
    """The sink for `file:PATH`. LinsangError when the file cannot be opened now."""
    path = path_of(target)
    if not path:
        raise target.fail("no path", "write file:PATH")
    lines = target.options.get("format") != "msgpack"
    encode, together = encoder(target)
    limits = target.take_limits()
    rotate_bytes = target.take_number("rotate_bytes", 100 << 20)
    keep = target.take_number("keep", 5)
    fsync = target.take("fsync", "interval", ("never", "interval", "always"))
    target.nothing_left(OPTIONS)
    try:
        transport = FileTransport(path, rotate_bytes=rotate_bytes, keep=keep, fsync=fsync, lines=lines)
    except BlockingIOError as error:
        raise LinsangError(
            f"{path}: another output writes to it", "give each output of each sensor a file of its own"
        ) from error
    except OSError as error:
        remedy = f"create {Path(path).parent}" if isinstance(error, FileNotFoundError) else ""
        raise LinsangError(f"{path}: {error.strerror}", remedy) from error
    return Sink(target.url, transport, encode, limits, together)
