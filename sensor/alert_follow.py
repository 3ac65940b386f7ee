"""A file of alerts as it grows, through rotation and truncation."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path

from sensor.alert_files import Decoder, Found, blocks, opened
from sensor.errors import InputError


class Follower:
    """What `path` holds, its rotations included, and then what is written to it. `wait` is called when there is nothing
    more, and ends the following by False. `note` hears of what may have been missed."""

    def __init__(self, path: str, wait: Callable[[], bool], note: Callable[[str], None]) -> None:
        self._path = path
        self._wait = wait
        self._note = note
        self._file: FileIO | None = None
        self._decoder = Decoder(path)
        self._read = 0

    def __iter__(self) -> Iterator[Found | None]:
        """None: there is nothing more for now."""
        try:
            if Path(self._path).exists():
                yield from self._begin(opened(self._path))
            while True:
                yield from self._grown()
                if not self._is_ours():
                    yield from self._rotated()
                    continue
                yield None
                if not self._wait():
                    yield from self._grown()
                    yield from self._decoder.end()
                    return
        finally:
            if self._file is not None:
                self._file.close()

    def _begin(self, files: list[tuple[str, FileIO]]) -> Iterator[Found]:
        """Takes up the last of `files`, once all before it are read."""
        for name, file in files:
            yield from self._decoder.end()
            if self._file is not None:
                self._file.close()
            self._file, self._decoder, self._read = file, Decoder(name), 0
            yield from self._grown()

    def _grown(self) -> Iterator[Found]:
        if self._file is None:
            return
        size = os.fstat(self._file.fileno()).st_size
        if size < self._read:
            self._note(f"{self._path} was truncated: reading it from its beginning")
            self._decoder, self._read = Decoder(self._path), 0
        if size > self._read:
            self._file.seek(self._read)  # wine's C library reads no further where it once met the end
        for block in blocks(self._file, self._path):
            self._read += len(block)
            yield from self._decoder.feed(block)

    def _is_ours(self) -> bool:
        """Whether `path` is still the open file; also while there is none by that name."""
        try:
            there = os.stat(self._path)
        except OSError:
            return True
        if self._file is None:
            return False
        ours = os.fstat(self._file.fileno())
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _rotated(self) -> Iterator[Found]:
        """The rest of the file that was moved away, those that came and went since, then the new one."""
        yield from self._grown()
        try:
            files = opened(self._path)
        except InputError:
            return
        if self._file is not None:
            own = self._file.fileno()
            places = [n for n, (_, file) in enumerate(files) if os.path.sameopenfile(file.fileno(), own)]
            if not places and os.fstat(own).st_nlink == 0:
                self._note(f"{self._path} was replaced: what was rotated away meanwhile is not shown")
            first = places[0] + 1 if places else len(files) - 1
            for _, file in files[:first]:
                file.close()
            files = files[first:]
        yield from self._begin(files)
