"""Digests of large files, in pieces."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.enrich.digests import Digests, Unreadable
from sensor.enrich.model import FileKey, key_of
from sensor.mountinfo import kernel_dev

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux")


def record_of(path: Path) -> FileKey:
    """What the kernel would say of it."""
    status = path.stat()
    return key_of(status, kernel_dev(status.st_dev))


@pytest.fixture
def digests() -> Iterator[Digests]:
    made = Digests()
    yield made
    made.close()


def test_a_large_file_is_read_in_several_calls(tmp_path: Path, digests: Digests) -> None:
    paths = [tmp_path / name for name in ("one", "two")]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * (2 << 20 | 7))
    sums = [hashlib.md5(path.read_bytes()).hexdigest() for path in paths]
    with paths[0].open("rb") as one, paths[1].open("rb") as two:
        keys = [record_of(path) for path in paths]
        fds = [one.fileno(), two.fileno()]
        assert [digests.of(keys[0], fds[0]) for _ in range(4)] == [None, None, sums[0], sums[0]]
        assert digests.of(keys[1], fds[1]) is None
        os.utime(paths[0], ns=(0, 0))  # another content, perhaps
        keys[0] = record_of(paths[0])
        assert digests.of(keys[0], fds[0]) is None
        assert [digests.work() for _ in range(5)] == [True, True, True, False, False]
        assert [digests.of(key, fd) for key, fd in zip(keys, fds, strict=True)] == [sums[0], sums[1]]
        assert digests.bytes == 3 * (2 << 20 | 7)
        with pytest.raises(Unreadable):
            digests.of(keys[0]._replace(size=2 << 30), fds[0])
        short = keys[0]._replace(size=3 << 20)  # the file is shorter than it was
        assert [digests.of(short, fds[0]), digests.of(short, fds[0])] == [None, None]
        with pytest.raises(Unreadable):
            digests.of(short, fds[0])


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, digests: Digests) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(2 << 20))
    key = record_of(path)
    with path.open("r+b") as file:
        assert digests.of(key, file.fileno()) is None
        file.write(b"x")
        file.flush()
        os.utime(path, ns=(0, 0))
        with pytest.raises(Unreadable):
            digests.of(key, file.fileno())
        assert digests.of(key, file.fileno()) is None
        assert digests.work() is False  # nobody is there to be told
