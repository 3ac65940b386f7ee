"""A process as /proc shows it, as a record: for the start-up snapshot and for the process connector.

Members of struct sn_exec that /proc does not have stay zero. Start times of /proc have the resolution of a clock tick.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sensor.mountinfo import kernel_dev
from sensor.native import ffi, lib

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_SIZE = ffi.sizeof("struct sn_exec")
_DELETED = b" (deleted)"
_MEMFD = b"/memfd:"
_NEVER_SET = 0xFFFFFFFF
# Major numbers of terminals: Documentation/admin-guide/devices.txt.
_TERMINALS = {4: "tty", **dict.fromkeys(range(136, 144), "pts")}

Exec = Any  # struct sn_exec *


def boottime_ns() -> int:
    """CLOCK_BOOTTIME, the clock of all records."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def pids() -> Iterator[int]:
    """Every process that /proc lists."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def _read(pid: int, name: str) -> bytes:
    """Empty where it cannot be read; ProcessLookupError when the process is gone."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read()
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ESRCH}:
            raise ProcessLookupError(pid) from None
        return b""


def stat(pid: int) -> list[bytes]:
    """/proc/PID/stat from `state` on (field 3 of proc(5) is [0]). ProcessLookupError."""
    return stat_words(_read(pid, "stat"))


def stat_words(content: bytes) -> list[bytes]:
    """The same of a file's content. ProcessLookupError where there is none, or a process that is being let go: then it
    has no session any more (-1: do_task_stat in fs/proc/array.c), and its parent is 0."""
    words = content.rpartition(b")")[2].split()
    if len(words) < 20 or words[3] == b"-1":
        raise ProcessLookupError
    return words


def start_ns(pid: int) -> int:
    """When it started, to the tick. ProcessLookupError."""
    return int(stat(pid)[19]) * _TICK_NS


def tick(ns: int) -> int:
    """The clock tick of a start time: as much of it as /proc shows."""
    return ns // _TICK_NS


def is_same(pid: int, start: int) -> bool:
    """Whether the process of that pid is the one that started then (exact ns, or to the tick)."""
    try:
        return tick(start) == tick(start_ns(pid))
    except ProcessLookupError:
        return False


def _link(pid: int, name: str) -> tuple[bytes, bool]:
    """What /proc/PID/{exe,cwd} points at, and whether it has no name any more; empty where it cannot be read."""
    path = f"/proc/{pid}/{name}".encode()
    try:
        target = os.readlink(path)
    except OSError:
        return b"", False
    if not target.endswith(_DELETED):
        return target, False
    # the suffix may be part of the name; a file without a name has no link
    with suppress(OSError):
        gone = os.stat(path).st_nlink == 0 or not os.path.lexists(target)
        return (target.removesuffix(_DELETED), True) if gone else (target, False)
    return target.removesuffix(_DELETED), True


def _arguments(pid: int, process: Exec) -> bytes:
    """The argv block as a record holds it; sets its lengths and flags."""
    block = _read(pid, "cmdline")
    if block and not block.endswith(b"\0"):
        block += b"\0"  # setproctitle
    process.argc = block.count(b"\0")
    process.argv_bytes = len(block)
    if len(block) > lib.SN_ARGV_MAX:
        process.h.flags |= lib.SN_F_ARGV_TRUNCATED
        process.argv_head = lib.SN_ARGV_HEAD
        return block[: lib.SN_ARGV_HEAD] + block[-lib.SN_ARGV_TAIL :]
    process.argv_head = len(block)
    return block


def with_texts(process: Exec) -> bytes:
    """The record of `process` (its identity is set) with image, argv and cwd. ProcessLookupError when it is gone."""
    pid = process.h.pid
    image, deleted = _link(pid, "exe")
    if image.startswith(_MEMFD):
        process.h.flags |= lib.SN_F_MEMFD
        image = image.removeprefix(b"/")
    elif deleted:
        process.h.flags |= lib.SN_F_DELETED
    texts = {"image": image, "cwd": _link(pid, "cwd")[0], "argv": _arguments(pid, process)}
    tail = b""
    for name, text in texts.items():
        kept = text
        if name != "argv" and len(text) > lib.SN_PATH_MAX:
            kept = text[-lib.SN_PATH_MAX :]
            process.h.flags |= lib.SN_F_IMAGE_TRUNCATED if name == "image" else lib.SN_F_CWD_TRUNCATED
        if kept:
            setattr(process, name, {"off": _SIZE + len(tail), "len": len(kept)})
            tail += kept
    tail += b"\0" * (-(_SIZE + len(tail)) % 8)
    process.h.size = _SIZE + len(tail)
    record: bytes = bytes(ffi.buffer(process, _SIZE)) + tail
    return record


def describe(pid: int, kind: int) -> Exec:
    """struct sn_exec of type `kind` (SN_EXEC, SN_PROCESS) from /proc/PID, without texts. ProcessLookupError."""
    words = stat(pid)
    ids = {line.split(b":")[0]: line.split()[1:] for line in _read(pid, "status").splitlines() if b":" in line}
    process = ffi.new("struct sn_exec *")
    h = process.h
    h.type, h.cpu, h.pid, h.time = kind, lib.SN_CPU_NONE, pid, boottime_ns()
    h.start = int(words[19]) * _TICK_NS
    h.flags = lib.SN_F_REDUCED
    process.tid = pid
    process.ppid, process.session = int(words[1]), int(words[3])
    with suppress(ProcessLookupError):
        process.parent_start = start_ns(process.ppid) if process.ppid else 0
    process.uid, process.euid = (int(i) for i in ids[b"Uid"][:2])
    process.gid, process.egid = (int(i) for i in ids[b"Gid"][:2])
    process.loginuid = int(_read(pid, "loginuid") or _NEVER_SET)
    major, minor = os.major(int(words[4])), os.minor(int(words[4]))
    if major in _TERMINALS:
        process.tty = f"{_TERMINALS[major]}{minor + 256 * (major - 136) if major >= 136 else minor}".encode()
    if not int(words[6]) & 0x200000:  # PF_KTHREAD, include/linux/sched.h
        _describe_file(pid, process)
    else:
        h.flags |= lib.SN_F_KERNEL_THREAD
    return process


def _describe_file(pid: int, process: Exec) -> None:
    with suppress(OSError):
        process.mnt_ns = os.stat(f"/proc/{pid}/ns/mnt").st_ino
        image = os.stat(f"/proc/{pid}/exe")
        process.dev = kernel_dev(image.st_dev)
        process.inode, process.mode, process.file_uid = image.st_ino, image.st_mode, image.st_uid
        process.nlink, process.file_size = image.st_nlink, image.st_size
        process.file_mtime, process.file_ctime = image.st_mtime_ns, image.st_ctime_ns
        process.h.flags |= lib.SN_F_SETUID if image.st_mode & 0o4000 else 0
        process.h.flags |= lib.SN_F_SETGID if image.st_mode & 0o2000 else 0
