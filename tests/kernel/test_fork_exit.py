"""fork and exit: of processes, with the right parent, once each, nothing of threads."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ring_reader import Record, Watch, decode

from sensor.priority import raise_thread

COUNT = 23
Program = Callable[[str], Path]


def of_type(records: list[Record], name: str) -> list[Record]:
    return [r for r in records if r.type == name]


def test_every_process_begins_and_ends_once(watch: Watch, program: Program) -> None:
    """Each child of `spawn` forks, execs and exits, in that order, as one identity, and names its parent."""
    command = [str(program("spawn")), str(COUNT), str(program("nothing")), "7"]
    records = watch.events(lambda: subprocess.run(command, check=True))
    spawn = next(r for r in records if r.type == "SN_EXEC")
    children = [r for r in of_type(records, "SN_FORK") if r.creator_pid == spawn.pid]
    assert len(children) == COUNT
    for child in children:
        assert (child.ppid, child.parent_start, child.creator_start) == (spawn.pid, spawn.start, spawn.start)
        assert (child.uid, child.flags) == (os.getuid(), frozenset())
        life = [r for r in records if r.pid == child.pid]
        assert [r.type for r in life] == ["SN_FORK", "SN_EXEC", "SN_EXIT"]
        assert {r.start for r in life} == {child.start}
        assert (life[1].ppid, life[1].parent_start) == (spawn.pid, spawn.start)
        assert (life[2].code, life[2].signal) == (7, 0)


@pytest.mark.parametrize("code", [0, 1, 255])
def test_exit_status(watch: Watch, program: Program, code: int) -> None:
    command = [str(program("nothing")), str(code)]
    records = watch.events(lambda: subprocess.run(command, check=False))
    (record,) = of_type(records, "SN_EXIT")
    assert (record.code, record.signal, record.flags) == (code, 0, {"wrote_nothing"})


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV], ids=lambda s: s.name)
def test_ended_by_signal(watch: Watch, number: signal.Signals) -> None:
    def no_core() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    records = watch.events(
        lambda: subprocess.run(["/bin/sh", "-c", f"kill -{number.value} $$"], check=False, preexec_fn=no_core)
    )
    (record,) = of_type(records, "SN_EXIT")
    assert (record.code, record.signal) == (0, number)


def test_threads_are_no_processes(watch: Watch, program: Program) -> None:
    command = [str(program("execs")), "threads", "50"]
    records = watch.events(lambda: subprocess.run(command, check=True))
    assert [r.type for r in records] == ["SN_FORK", "SN_EXEC", "SN_EXIT"]


def test_the_last_thread_ends_the_process(watch: Watch, program: Program) -> None:
    """The leader is gone before; the process ends with what the last thread says."""
    command = [str(program("execs")), "orphan"]
    records = watch.events(lambda: subprocess.run(command, check=False))
    (record,) = of_type(records, "SN_EXIT")
    assert (record.code, record.pid, record.start) == (3, records[0].pid, records[0].start)


def test_exec_by_a_thread_ends_nothing(watch: Watch, program: Program) -> None:
    command = [str(program("execs")), "thread", str(program("nothing"))]
    records = watch.events(lambda: subprocess.run(command, check=True))
    assert [r.type for r in records] == ["SN_FORK", "SN_EXEC", "SN_EXEC", "SN_EXIT"]
    assert len({(r.pid, r.start) for r in records}) == 1


def test_clone_parent_names_both(watch: Watch) -> None:
    """With CLONE_PARENT the kernel's parent is the creator's parent; the record has the creator too."""
    clone_parent, clone = 0x8000, {"x86_64": 56, "aarch64": 220}[os.uname().machine]
    libc = ctypes.CDLL(None)
    pids: list[int] = []

    def action() -> None:
        middle = os.fork()
        if middle == 0:
            if libc.syscall(clone, clone_parent | signal.SIGCHLD, None, None, None, None) == 0:
                os._exit(9)
            os._exit(8)
        pids.append(middle)
        for _ in range(2):
            os.wait()

    records = watch.events(action)
    first, second = of_type(records, "SN_FORK")
    assert (first.pid, first.ppid, first.creator_pid) == (pids[0], os.getpid(), os.getpid())
    assert (second.ppid, second.creator_pid, second.creator_start) == (os.getpid(), first.pid, first.start)
    assert second.parent_start == first.creator_start


def test_storm(watch: Watch, program: Program) -> None:
    """30,000 posix_spawn on two cores: nothing lost, every parent right."""
    count, command = 15_000, [str(program("spawn")), "15000", str(program("nothing"))]
    watch.reader.drain()
    before, done = watch.counters(), threading.Event()
    raw: list[bytes] = []

    def drain() -> None:
        raise_thread()  # as the sensor's own: the storm has every core
        while not done.wait(0.005):
            raw.extend(watch.reader.drain())

    reader = threading.Thread(target=drain)
    reader.start()
    storms = [subprocess.Popen(command) for _ in range(2)]
    assert [storm.wait() for storm in storms] == [0, 0]
    done.set()
    reader.join()
    raw.extend(watch.reader.drain())
    after = watch.counters()
    assert after.seen - before.seen == after.submitted - before.submitted

    records = list(map(decode, raw))
    forks = [r for r in records if r.type == "SN_FORK"]
    for storm in storms:
        (parent,) = (r for r in forks if (r.creator_pid, r.pid) == (os.getpid(), storm.pid))
        children = {(r.pid, r.start): r for r in forks if r.creator_pid == storm.pid}  # a storm can reuse pids
        assert len(children) == count
        assert {(r.ppid, r.parent_start) for r in children.values()} == {(storm.pid, parent.start)}
        for name in ("SN_EXEC", "SN_EXIT"):
            lives = [r for r in records if r.type == name and (r.pid, r.start) in children]
            assert len(lives) == count
