"""The start-up snapshot: the iterator's processes, and from /proc those that it leaves out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from native_records import process_record

from sensor.native import ffi, lib
from sensor.sources import procfs
from sensor.sources.snapshot import processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc")
EXACT_NS = 1234  # by how much an exact start is after its tick


class Iterator:
    """What an iterator gives that knows only of `pids`, after `meanwhile`."""

    def __init__(self, *pids: int, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.pids = pids
        self.meanwhile = meanwhile

    def iterate(self) -> bytes:
        self.meanwhile()
        return b"".join(self.bare(pid) for pid in self.pids)

    @staticmethod
    def bare(pid: int) -> bytes:
        parent = int(procfs.stat(pid)[1])
        exact = {"start": procfs.start_ns(pid) + EXACT_NS, "parent_start": procfs.start_ns(parent) + EXACT_NS}
        return process_record(image=b"", argv=b"", cwd=b"", pid=pid, ppid=parent, **exact)


def snapshot(source: Iterator | None) -> dict[int, Any]:
    """struct sn_exec by pid."""
    records = list(processes(source))
    found = [ffi.cast("struct sn_exec *", ffi.from_buffer(record)) for record in records]
    assert all(lib.sn_record__check(ffi.from_buffer(record), len(record)) == 0 for record in records)
    assert [p.h.start for p in found] == sorted(p.h.start for p in found)
    return {p.h.pid: (p.h.start, p.h.flags & lib.SN_F_REDUCED, p.argv.len) for p in found}


def test_what_the_iterator_leaves_out_is_from_proc() -> None:
    """The parent's exact start is known from its child, that of a further ancestor is not."""
    own, parent = os.getpid(), os.getppid()
    found = snapshot(Iterator(own))
    assert found[own][:2] == (procfs.start_ns(own) + EXACT_NS, 0)
    assert found[own][2]
    assert found[parent][:2] == (procfs.start_ns(parent) + EXACT_NS, lib.SN_F_REDUCED)
    assert found[parent][2]
    assert found[1][:2] == (procfs.start_ns(1) + (EXACT_NS if parent == 1 else 0), lib.SN_F_REDUCED)


@pytest.mark.parametrize("source", [None, Iterator()], ids=["no iterator", "an empty one"])
def test_all_from_proc(source: Iterator | None) -> None:
    found = snapshot(source)
    assert found[os.getpid()][:2] == (procfs.start_ns(os.getpid()), lib.SN_F_REDUCED)
    assert 1 in found


def test_whoever_comes_meanwhile_has_an_event() -> None:
    """What starts while the iterator runs is not taken from /proc: with another start it would be another process."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as before:
        children: list[subprocess.Popen[bytes]] = []
        source = Iterator(os.getpid(), meanwhile=lambda: children.append(subprocess.Popen(["cat"], stdin=-1)))
        found = snapshot(source)
        with children[0] as after:
            assert before.pid in found
            assert after.pid not in found


def test_whoever_ends_meanwhile_is_left_out() -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:

        def end() -> None:
            child.communicate()

        assert child.pid not in snapshot(Iterator(os.getpid(), meanwhile=end))


STAT = b"812 (a b) c) %b 0 812 %b 0 -1 4228100 0 0 0 0 0 0 0 0 20 0 1 0 %b 0 0 "


def test_stat_is_split_behind_the_name() -> None:
    words = procfs.stat_words(STAT % (b"S", b"640", b"4711"))
    assert (words[0], words[3], words[19]) == (b"S", b"640", b"4711")


@pytest.mark.parametrize(
    "content", [b"", b"812 (cat) S 1", STAT % (b"X", b"-1", b"4711")], ids=["gone", "cut", "let go"]
)
def test_whom_the_kernel_lets_go_is_gone(content: bytes) -> None:
    """It has no session any more: -1 would fit into no record, and end the process connector."""
    with pytest.raises(ProcessLookupError):
        procfs.stat_words(content)
