"""exec: whose, of what file, from where."""

from __future__ import annotations

import os
import pty
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ring_reader import LIMITS, Record, Watch

COUNT = 23
PATH_MAX = LIMITS["SN_PATH_MAX"]
CWD_NAMES = 500
Program = Callable[[str], Path]


def run_and_see(watch: Watch, command: list[str], **options: Any) -> list[Record]:
    """The exec records of one command, which must end well."""
    return [r for r in watch.events(lambda: subprocess.run(command, check=True, **options)) if r.type == "SN_EXEC"]


def signs(record: Record) -> frozenset[str]:
    """Flags of the exec itself; what the process did before is another matter, and of the process that runs tests."""
    return record.flags - {"wrote_nothing"}


def start_ticks(pid: int) -> int:
    """Start of a process in clock ticks (10 ms) since boot, from /proc."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


@pytest.fixture
def copy(program: Program, tmp_path: Path) -> Path:
    """`nothing`, in a folder of its own."""
    return Path(shutil.copy(program("nothing"), tmp_path / "copied"))


@pytest.fixture
def below_root() -> Iterator[Path]:
    """An empty folder with a short path, on a file system of its own, which goes away with all that is in it. What
    other mount namespaces mount there is theirs alone: of / that could not be asked, in a chroot it is no mount."""
    root = Path(tempfile.mkdtemp(prefix="l", dir="/tmp"))
    subprocess.run(["mount", "--make-private", "-t", "tmpfs", "none", str(root)], check=True)
    yield root
    subprocess.run(["umount", "--lazy", str(root)], check=True)
    root.rmdir()


def test_every_exec_is_seen_once(watch: Watch, program: Program) -> None:
    nothing = program("nothing")
    command = [str(program("spawn")), str(COUNT), str(nothing)]
    records = watch.events(lambda: subprocess.run(command, check=True))
    execs = [r for r in records if r.type == "SN_EXEC" and r.image == watch.seen(nothing)]
    assert len(execs) == len({(r.pid, r.start) for r in execs}) == COUNT


def test_who_and_where(watch: Watch, program: Program, tmp_path: Path) -> None:
    nothing = program("nothing")
    (record,) = run_and_see(watch, [str(nothing)], cwd=tmp_path)
    status = nothing.stat()
    assert record.image == watch.seen(nothing)
    assert record.cwd == watch.seen(tmp_path)
    assert (record.ppid, record.parent_start // 10_000_000) == (os.getpid(), start_ticks(os.getpid()))
    assert record.tid == record.pid
    assert (record.uid, record.gid, record.euid, record.egid) == (os.getuid(), os.getgid(), os.geteuid(), os.getegid())
    assert record.loginuid == int(Path("/proc/self/loginuid").read_text())
    assert record.session == os.getsid(0)
    assert record.mnt_ns == Path("/proc/self/ns/mnt").stat().st_ino
    assert (record.dev >> 20, record.dev & 0xFFFFF) == (os.major(status.st_dev), os.minor(status.st_dev))
    assert (record.inode, record.mode, record.file_uid) == (status.st_ino, status.st_mode, status.st_uid)
    assert record.nlink == status.st_nlink
    times = (status.st_mtime_ns, status.st_ctime_ns)
    assert (record.file_size, record.file_mtime, record.file_ctime) == (status.st_size, *times)
    assert record.script == b""
    assert signs(record) == frozenset()
    assert (record.creator_pid, record.creator_start, record.exit_time) == (0, 0, 0)


def test_another_user_and_the_setuid_bit(watch: Watch, copy: Path) -> None:
    for folder in copy.parents:
        if not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(0o755)
    copy.chmod(0o6755)
    (record,) = run_and_see(watch, [str(copy)], user=65534, group=65533, extra_groups=[])
    assert (record.uid, record.gid, record.euid, record.egid) == (65534, 65533, 0, 0)
    assert signs(record) == {"setuid", "setgid"}


def test_terminal_and_session(watch: Watch, program: Program) -> None:
    nothing = str(program("nothing"))
    terminal: list[str] = []

    def action() -> None:
        pid, master = pty.fork()
        if pid == 0:
            os.execv(nothing, [nothing])
        terminal.append(os.ptsname(master) if hasattr(os, "ptsname") else ptsname(master))
        os.waitpid(pid, 0)
        os.close(master)

    (record,) = (r for r in watch.events(action) if r.type == "SN_EXEC")
    assert record.session == record.pid
    assert record.tty.rstrip(b"\0") == terminal[0].removeprefix("/dev/").replace("/", "").encode()


def ptsname(master: int) -> str:
    """Name of the other end of a pseudo terminal (os.ptsname came with Python 3.13)."""
    import fcntl  # noqa: PLC0415
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    (number,) = struct.unpack("i", fcntl.ioctl(master, getattr(termios, "TIOCGPTN", 0x80045430), b"\0" * 4))
    return f"/dev/pts/{number}"


def test_login_uid(watch: Watch, program: Program) -> None:
    script = f"echo 4711 >/proc/self/loginuid && exec {program('nothing')}"
    record = run_and_see(watch, ["/bin/sh", "-c", script])[-1]
    assert record.loginuid == 4711


def test_cgroup(watch: Watch, program: Program, tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "cgroup2", "none", str(tmp_path)], check=True)
    group = tmp_path / "linsang-test"
    try:
        group.mkdir()
        record = run_and_see(watch, ["/bin/sh", "-c", f"echo 0 >{group}/cgroup.procs; exec {program('nothing')}"])[-1]
        assert record.cgroup_id == group.stat().st_ino
    finally:
        group.rmdir()
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_thread_other_than_the_leader(watch: Watch, program: Program) -> None:
    first, second = run_and_see(watch, [str(program("execs")), "thread", str(program("nothing"))])
    assert (second.pid, second.start) == (first.pid, first.start)
    assert second.tid != second.pid


def test_descriptor_without_a_name(watch: Watch, program: Program, copy: Path) -> None:
    """execveat of an open file; then of one that has been deleted."""
    with copy.open("rb") as file:
        command = [str(program("execs")), "fd", str(file.fileno()), "called"]
        there = run_and_see(watch, command, pass_fds=[file.fileno()])[-1]
        copy.unlink()
        gone = run_and_see(watch, command, pass_fds=[file.fileno()])[-1]
    assert there.image == gone.image == watch.seen(copy)
    assert (there.argv, there.script, signs(there)) == (b"called\0", b"", frozenset())
    assert (gone.argv, signs(gone), gone.nlink) == (b"called\0", {"deleted"}, 0)


def test_memfd(watch: Watch, program: Program, copy: Path) -> None:
    record = run_and_see(watch, [str(program("execs")), "memfd", "secret name", str(copy)])[-1]
    assert record.image == b"/memfd:secret name"
    assert signs(record) == {"memfd"}
    assert record.argv == b"in-memory\0"


def test_a_file_may_be_called_memfd(watch: Watch, copy: Path) -> None:
    path = copy.rename(copy.with_name("memfd:x"))
    (record,) = run_and_see(watch, [str(path)])
    assert (record.image, signs(record)) == (watch.seen(path), frozenset())


@pytest.mark.parametrize("given", ["./script", "absolute", "../{folder}/script"])
def test_script(watch: Watch, tmp_path: Path, given: str) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh -e\ntrue\n")
    script.chmod(0o755)
    path = str(script) if given == "absolute" else given.format(folder=tmp_path.name)
    record = run_and_see(watch, [path, "one"], cwd=tmp_path)[0]
    assert record.image == watch.seen(os.path.realpath("/bin/sh"))
    assert record.script == os.fsencode(path)
    assert record.argv == b"/bin/sh\0-e\0" + os.fsencode(path) + b"\0one\0"
    assert record.argc == 4


def test_chroot(watch: Watch, copy: Path) -> None:
    inside = copy.parent / "root"
    inside.mkdir()
    copy.rename(inside / "program")
    record = run_and_see(watch, ["chroot", str(inside), "/program"])[-1]
    assert record.image == watch.seen(inside / "program")
    assert record.cwd == watch.seen(inside)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_bind_mount(watch: Watch, copy: Path, below_root: Path, what: str) -> None:
    other = below_root / "other"
    if what == "folder":
        other.mkdir()
        source, image = copy.parent, other / copy.name
    else:
        other.touch()
        source, image = copy, other
    script = f"mount --bind {source} {other} && exec {image}"
    record = run_and_see(watch, ["unshare", "--mount", "--propagation", "unchanged", "/bin/sh", "-c", script])[-1]
    assert record.image == watch.seen(image)
    assert record.mnt_ns != Path("/proc/self/ns/mnt").stat().st_ino


def test_root_as_working_directory(watch: Watch, program: Program) -> None:
    (record,) = run_and_see(watch, [str(program("nothing"))], cwd="/")
    assert record.cwd == watch.seen("/")


@dataclass(frozen=True)
class Deep:
    """A folder path: names of `name` bytes until the program's path has `size` bytes."""

    name: int
    size: int


@pytest.mark.parametrize(
    "deep",
    [
        Deep(1, 900),
        Deep(8, PATH_MAX),
        Deep(1, PATH_MAX),
        Deep(255, PATH_MAX),
        Deep(1, PATH_MAX + 2),
        Deep(255, 3 * PATH_MAX),
    ],
    ids=str,
)
def test_deep_path(watch: Watch, copy: Path, below_root: Path, deep: Deep) -> None:
    """Image and cwd, whole up to SN_PATH_MAX (of cwd so many names); beyond it the end of the path, and a flag."""
    path = watch.seen(below_root)
    here = os.open(below_root, os.O_RDONLY)
    while len(path) < deep.size - 3:
        name = b"d" * min(deep.name, deep.size - 3 - len(path))
        os.mkdir(name, dir_fd=here)
        here, above = os.open(name, os.O_RDONLY, dir_fd=here), here
        os.close(above)
        path += b"/" + name
    program = b"p" * (deep.size - len(path) - 1)
    with open(os.open(program, os.O_WRONLY | os.O_CREAT, 0o755, dir_fd=here), "wb") as file:
        file.write(copy.read_bytes())

    def action() -> None:
        pid = os.fork()
        if pid == 0:
            os.fchdir(here)
            os.execv(b"./" + program, [b"deep"])
        assert os.waitpid(pid, 0)[1] == 0

    (record,) = (r for r in watch.events(action) if r.type == "SN_EXEC")
    os.close(here)
    image = path + b"/" + program
    assert len(image) == deep.size
    if deep.size <= PATH_MAX:
        assert record.image == image
        assert path.endswith(record.cwd)
        assert signs(record) == (frozenset() if record.cwd == path else {"cwd_truncated"})
        assert record.cwd == path or path.count(b"/") > CWD_NAMES
    else:
        kept = PATH_MAX - max(map(len, image.split(b"/")))
        assert record.image.startswith(b"/")
        assert kept <= len(record.image) <= PATH_MAX
        assert image.endswith(record.image)
        assert path.endswith(record.cwd)
        assert "image_truncated" in record.flags
        assert ("cwd_truncated" in record.flags) == (record.cwd != path)
