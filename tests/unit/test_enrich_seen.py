"""Contents that were seen before, over restarts."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.enrich import first_seen as module
from sensor.enrich.first_seen import FirstSeen
from sensor.enrich.model import FileKey
from sensor.errors import LinsangError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux")


def key(inode: int, dev: int = 1, size: int = 1, mtime_ns: int = 1, ctime_ns: int = 1) -> FileKey:
    return FileKey(dev, inode, size, mtime_ns, ctime_ns)


def test_a_restart_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "state/seen"
    seen = FirstSeen(path)
    assert [seen.ask(key(1)), seen.ask(key(1)), seen.ask(key(2))] == [True, False, True]
    again = FirstSeen(path)  # as after a kill: the first was not closed
    assert [again.ask(key(1)), again.ask(key(2)), again.ask(key(3))] == [False, False, True]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_blocks * 512 >= path.stat().st_size  # no hole that a full disk could not fill
    seen.close()
    again.close()


def test_asking_alone_changes_nothing(tmp_path: Path) -> None:
    seen = FirstSeen(tmp_path / "seen")
    assert [seen.ask(key(1), note=note) for note in (False, False, True, False)] == [True, True, True, False]
    seen.close()


def test_what_is_another_content(tmp_path: Path) -> None:
    seen = FirstSeen(tmp_path / "seen")
    assert seen.ask(key(1))
    assert not seen.ask(key(1, dev=7))  # device numbers are others after a start of the machine
    assert not seen.ask(key(1, mtime_ns=7))  # anybody can set it
    assert seen.ask(key(1, ctime_ns=7))
    assert seen.ask(key(1, size=7))
    seen.close()


@given(st.lists(st.integers(0, 40), max_size=200))
@settings(max_examples=50)
def test_against_a_twin(numbers: list[int]) -> None:
    """One bucket: the 8 that were new last are known."""
    path = Path(f"/tmp/linsang-seen-{os.getpid()}")
    original = module._BUCKETS
    module._BUCKETS = 1
    try:
        seen = FirstSeen(path)
        twin: list[int] = []
        evicted = 0
        for number in numbers:
            assert seen.ask(key(number)) == (number not in twin)
            if number not in twin:
                twin.insert(0, number)
                evicted += len(twin) > 8
                del twin[8:]
        assert seen.evicted == evicted
        seen.close()
    finally:
        module._BUCKETS = original
        path.unlink()


@pytest.mark.parametrize("content", [b"", b"LNSGSEEN", b"x" * module._SIZE], ids=["empty", "short", "foreign"])
def test_a_damaged_one_begins_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "seen"
    path.write_bytes(content)
    path.chmod(0o600)
    seen = FirstSeen(path)
    assert [seen.ask(key(1)), seen.ask(key(1)), seen.evicted] == [True, False, 0]
    seen.close()


def test_one_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    seen = FirstSeen(path)
    seen.ask(key(1))
    seen.close()
    path.chmod(0o666)
    seen = FirstSeen(path)
    assert seen.ask(key(1))
    assert path.stat().st_mode & 0o777 == 0o600
    seen.close()


def test_where_it_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LinsangError, match="give another folder"):
        FirstSeen(tmp_path / "file/seen")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(LinsangError, match="link"):
        FirstSeen(tmp_path / "link")
