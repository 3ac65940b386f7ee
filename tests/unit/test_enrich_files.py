"""What is found out about one file: on the running machine, whose facts differ from kind to kind of file."""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from silent_fuse import silent_fuse

from sensor.enrich.databases import open_database
from sensor.enrich.facts import Facts
from sensor.enrich.model import FileFacts, FileKey, key_of
from sensor.enrich.mounts import Mounts, parse
from sensor.enrich.opening import open_key
from sensor.enrich.package_index import make
from sensor.enrich.packages import Packages
from sensor.enrich.programs import Programs
from sensor.mountinfo import kernel_dev

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Linux"),
    pytest.mark.skipif(os.geteuid() != 0, reason="owners and mounts need root"),
]
PROGRAMS = Programs({"env": 0, "chroot": 1}, frozenset())
USER = 40_001


class PatientFacts(Facts):
    """Somebody else may be installing packages on this machine."""

    def of(self, key: FileKey, path: str | bytes, pid: int = 0) -> FileFacts:
        while (found := super().of(key, path, pid)).again:
            self.refresh()
        return found

    def of_path(self, path: str | bytes, pid: int = 0, mnt_ns: int = 0) -> FileFacts | None:
        while (found := super().of_path(path, pid, mnt_ns)) and found.again:
            self.refresh()
        return found


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facts]:
    folder = tmp_path_factory.mktemp("facts")
    database = open_database()
    if database is None:
        pytest.skip("no packages")
    make(folder / "cache/packages.bin", database)
    database.close()
    found = PatientFacts(folder / "cache", folder / "state", PROGRAMS)
    yield found
    found.close()


def record_of(path: str | Path) -> FileKey:
    """What the kernel would say of it."""
    status = os.stat(path)
    return key_of(status, kernel_dev(status.st_dev))


# ---- a file as a whole ----


def test_an_installed_program(facts: Facts) -> None:
    path = os.path.realpath("/usr/bin/env")
    found = facts.of(record_of(path), path)
    assert found.final
    assert (found.trust, found.package, found.owner, found.writable) == ("packaged", "coreutils", "root", "no")
    assert found.version
    assert (found.privilege, found.identity) == ((), "env")
    assert facts.of_path("/usr/bin/env") == found._replace(first_seen=False)


def test_a_payload(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text("echo")
    os.chown(path, USER, -1)
    found = facts.of_path(str(path))
    assert found is not None
    assert found.final
    assert found.key == record_of(path)
    assert (found.trust, found.package, found.version) == ("unpackaged", None, None)
    assert (found.owner, found.first_seen, found.identity) == (str(USER), True, None)
    assert facts.of(found.key, str(path)).first_seen is False
    path.write_text("other content")
    again = facts.of_path(str(path))
    assert again is not None
    assert again.first_seen is True


def test_a_name_that_leads_to_another_file_now(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "swapped"
    path.write_text("harmless")
    key = record_of(path)
    path.rename(tmp_path / "kept")  # else the inode is used again
    path.write_text("harmless")
    found = facts.of(key, str(path))
    assert found.trust == "unpackaged"  # no package has that name
    assert found.late == {"owner", "writable", "filesystem", "mount_flags", "privilege", "identity"}
    packaged = os.path.realpath("/usr/bin/env")
    found = facts.of(record_of(packaged)._replace(ctime_ns=1), packaged)
    assert found.trust is None
    assert "trust" in found.late


@contextmanager
def running(program: str | Path, **options: object) -> Iterator[int]:
    with subprocess.Popen([str(program), "1000"], **options) as process:  # type: ignore[call-overload]
        try:
            yield process.pid
        finally:
            process.kill()


def test_a_deleted_program_that_runs(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "sleeper"
    path.write_bytes(Path("/bin/sleep").read_bytes())
    path.chmod(0o777)
    tmp_path.chmod(0o777)
    with running(path) as pid:
        path.unlink()  # so nobody can reach it
        key = record_of(f"/proc/{pid}/exe")
        found = facts.of(key, str(path), pid)
    assert found.final
    assert (found.trust, found.owner, found.writable) == ("unpackaged", "root", "no")
    gone = facts.of(key, str(path), pid)
    assert (gone.trust, gone.owner) == ("unpackaged", None)
    assert "owner" in gone.late


def test_a_program_without_a_file(facts: Facts) -> None:
    descriptor = os.memfd_create("payload")
    os.write(descriptor, Path("/bin/sleep").read_bytes())
    with running(f"/proc/self/fd/{descriptor}", pass_fds=[descriptor]) as pid:
        key = record_of(f"/proc/{pid}/exe")
        found = facts.of(key, "/memfd:payload (deleted)", pid)
        assert found.final
        assert (found.trust, found.filesystem) == ("unpackaged", "memfd")
    os.close(descriptor)
    gone = facts.of(key, "/memfd:payload (deleted)", pid)
    assert (gone.trust, gone.filesystem) == ("unpackaged", "memfd")


NOT_READ: list[tuple[str, Callable[[Path], object], bool]] = [
    ("fifo", os.mkfifo, True),
    ("folder", os.mkdir, True),
    ("device", lambda path: os.mknod(path, 0o644 | stat.S_IFCHR, os.makedev(10, 130)), True),  # opening it reboots
    ("link to a folder", lambda path: path.symlink_to("/"), True),
    ("loop", lambda path: path.symlink_to(path), False),
    ("missing", lambda path: None, False),
    ("dangling", lambda path: path.symlink_to(path.with_name("missing")), False),
    ("below a file", lambda path: (path.parent / "file").touch(), False),
]


@pytest.mark.parametrize(("kind", "make_it", "is_there"), NOT_READ, ids=[kind for kind, *_ in NOT_READ])
def test_what_is_no_regular_file(
    facts: Facts, tmp_path: Path, kind: str, make_it: Callable[[Path], object], is_there: bool
) -> None:
    """What is there and no file has no facts, but a pipe says that it is one; of what is not there nobody can tell."""
    path = tmp_path / "it"
    make_it(path)
    if kind == "below a file":
        path = tmp_path / "file/it"
    found = facts.of_path(str(path))
    pipe = "fifo" if kind == "fifo" else None
    assert found == (FileFacts(FileKey(0, 0, 0, 0, 0), filesystem=pipe) if is_there else None)
    assert facts.of_path(str(path) + "\0x") is None


@pytest.mark.parametrize("name", ["/dev/fd/{}", "/proc/self/fd/{}", "/proc/thread-self/fd/{}"])
def test_what_each_process_has_of_its_own(facts: Facts, tmp_path: Path, name: str) -> None:
    """Its file, not the one that we have under that number; and of nobody's nothing is known."""
    (tmp_path / "its").write_text("its")
    (tmp_path / "ours").write_text("ours")
    with (tmp_path / "its").open() as its, (tmp_path / "ours").open() as ours:
        with running("/bin/sleep", pass_fds=[its.fileno()]) as pid:
            os.dup2(ours.fileno(), its.fileno())
            found = facts.of_path(name.format(its.fileno()), pid)
        assert found is not None
        assert found.key == record_of(tmp_path / "its")
        assert facts.of_path(name.format(its.fileno())) is None


def test_a_pipe_and_standard_input(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / "script").write_text("x")
    with (tmp_path / "script").open() as script, running("/bin/sleep", stdin=script, stdout=subprocess.PIPE) as pid:
        found = facts.of_path("/dev/stdin", pid)
        assert found is not None
        assert found.key == record_of(tmp_path / "script")
        assert facts.of_path("/dev/fd/1", pid) == FileFacts(FileKey(0, 0, 0, 0, 0), filesystem="fifo")


@pytest.mark.parametrize("name", ["__main__.py", "index.js"])
def test_a_folder_that_an_interpreter_runs(facts: Facts, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    found = facts.of_path(str(tmp_path))
    assert found is not None
    assert found.key == record_of(tmp_path / name)


def test_a_file_that_its_owner_keeps_from_being_opened(facts: Facts, tmp_path: Path) -> None:
    """By a lease: whoever opens the file has to wait for the holder."""
    path = tmp_path / "leased"
    path.write_text("echo")
    hold = f"""import fcntl, signal; signal.signal(signal.SIGIO, signal.SIG_IGN); f = open({str(path)!r}, "r+")
fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK); print(flush=True); input()"""
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        found = facts.of_path(str(path))
        holder.communicate(b"\n")
    assert found is not None
    assert (found.trust, found.owner, found.late) == ("unpackaged", "root", {"identity", "privilege"})


def test_a_file_that_is_asked_for_again_is_new_until_its_facts_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index of the packages is in the making at the first question."""
    monkeypatch.setattr(Packages, "_build", lambda packages: None)
    found = PatientFacts(tmp_path / "cache", tmp_path / "state", PROGRAMS)
    (tmp_path / "file").touch()
    path = str(tmp_path / "file")
    asked = [Facts.of_path(found, path), Facts.of_path(found, path)]
    monkeypatch.undo()
    asked += [found.of_path(path), found.of_path(path)]
    found.close()
    assert [each and (each.trust, each.again, each.first_seen) for each in asked] == [
        (None, True, True),
        (None, True, True),
        ("unpackaged", False, True),
        ("unpackaged", False, False),
    ]


# ---- where it lies, what it gives ----


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[Path]:
    point = Path(arguments[-1])
    point.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount {arguments[1]}: {done.stderr.strip()}")
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


def test_where_it_lies(facts: Facts, tmp_path: Path) -> None:
    for options, flags in (("nosuid,noexec", ("nosuid", "noexec")), ("exec", ())):
        with mounted("-t", "tmpfs", "-o", options, "none", tmp_path / "a b\\c") as point:
            (point / "file").touch()
            found = facts.of_path(str(point / "file"))
            assert found is not None
            assert (found.filesystem, found.mount_flags) == ("tmpfs", flags)
            if not flags:
                subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True)
                found = facts.of_path(str(point / "file"))
                assert found is not None
                assert found.mount_flags == ("ro",)


def test_the_layers_of_an_overlay(facts: Facts, tmp_path: Path) -> None:
    with mounted("-t", "tmpfs", "none", tmp_path / "layers") as base:
        for name in ("lower", "upper", "work"):
            (base / name).mkdir()
        for name in ("below", "copied", "gone"):
            (base / "lower" / name).write_text(name)
        options = f"lowerdir={base}/lower,upperdir={base}/upper,workdir={base}/work"
        with mounted("-t", "overlay", "-o", options, "none", tmp_path / "merged") as point:
            (point / "copied").write_text("changed")
            (point / "new").write_text("new")
            kinds = {}
            for name in ("below", "copied", "new"):
                found = facts.of_path(str(point / name))
                assert found is not None
                kinds[name] = found.filesystem
            assert kinds == {"below": "overlay", "copied": "overlay-upper", "new": "overlay-upper"}


def test_a_users_file_system_is_not_touched(facts: Facts, tmp_path: Path) -> None:
    """Nobody answers for this one: whoever touches it, waits until the test ends. Links lead there, too."""
    point = tmp_path / "fuse"
    links = {"last": "fuse/it", "first": "fuse", "absolute": f"{point}/it", "twice": "./first/../../../it"}
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    (tmp_path / "real").touch()
    (tmp_path / "beside").symlink_to("real")
    with silent_fuse(point, USER):
        mount = next(
            mount for mount in parse(Path("/proc/self/mountinfo").read_bytes()).values() if mount.point == str(point)
        )
        found = facts.of(FileKey(mount.dev, 1, 1, 1, 1), str(point / "it"), os.getpid())
        assert (found.trust, found.filesystem, found.mount_flags) == ("unpackaged", "fuse", ("nosuid",))
        assert found.final
        ways = [point / "it", tmp_path / "first/it", *(tmp_path / name for name in links if name != "first")]
        for way in [*map(str, ways), f"{tmp_path}/first/../fuse/it"]:
            assert facts.of_path(way) is None
            assert facts.of_path(way, os.getpid(), os.stat("/proc/self/ns/mnt").st_ino) is None
            gone = facts.of(FileKey(1, 1, 1, 1, 1), way, os.getpid())
            assert gone.trust != "packaged"
        assert facts.of_path(str(tmp_path / "beside")) is not None


def test_what_it_gives(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    rows: list[tuple[int, bool, tuple[str, ...]]] = [
        (0o755, False, ()),
        (0o4755, False, ("setuid",)),
        (0o6755, False, ("setuid", "setgid")),
        (0o755, True, ("capabilities",)),
    ]
    for mode, capable, expected in rows:
        path.chmod(mode)
        if capable:
            os.setxattr(path, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
        found = facts.of_path(str(path))
        assert found is not None
        assert found.privilege == expected


# ---- other roots ----


def test_a_file_of_another_mount_namespace(facts: Facts, tmp_path: Path) -> None:
    """A folder is mounted where only that process sees it."""
    if (tried := subprocess.run(["unshare", "-m", "true"], capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no mount namespace to be had (in a chroot / is no mount point): {tried.stderr.strip()}")
    point = tmp_path / "point"
    point.mkdir()
    script = f"mount -t tmpfs none {point} && cp /bin/sleep {point}/it && echo ready && exec {point}/it 1000"
    with subprocess.Popen(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        wait_for_program(process.pid, "it")
        key = record_of(f"/proc/{process.pid}/exe")
        found = facts.of(key, f"{point}/it", process.pid)
        payload = facts.of_path(f"{point}/it", process.pid, os.stat(f"/proc/{process.pid}/ns/mnt").st_ino)
        foreign = os.stat(f"/proc/{process.pid}/ns/mnt").st_ino
        process.kill()
    assert found.final
    assert (found.trust, found.filesystem) == ("unpackaged", "tmpfs")
    assert payload is not None
    assert payload.key == key
    assert facts.of_path(f"{point}/it") is None
    gone = facts.of_path(
        "/usr/bin/env", process.pid, foreign
    )  # ours has the name, but nobody knows whether it is that one
    assert gone is not None
    assert "trust" in gone.late


def wait_for_program(pid: int, name: str) -> None:
    while not os.readlink(f"/proc/{pid}/exe").endswith(f"/{name}"):
        os.sched_yield()


def test_a_link_to_an_installed_program(facts: Facts, tmp_path: Path) -> None:
    """By another name it is the package's file all the same."""
    link = tmp_path / "link"
    try:
        os.link(os.path.realpath("/usr/sbin/chroot"), link)
    except OSError as error:
        pytest.skip(f"/usr/sbin lies on another file system: {error}")
    found = facts.of_path(str(link))
    assert found is not None
    assert (found.trust, found.package, found.identity) == ("packaged", "coreutils", "chroot")


def test_every_kind_of_wrong_record_ends(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    key = record_of(path)
    for member in ("dev", "inode", "size", "mtime_ns", "ctime_ns"):
        wrong = key._replace(**{member: getattr(key, member) + 1})
        found = facts.of(wrong, str(path), os.getpid())
        assert isinstance(found, FileFacts)
        assert "owner" in found.late
    mounts = Mounts()
    assert open_key(mounts, key, str(path), 0) is not None
    mounts.close()
