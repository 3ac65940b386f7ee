"""Whose a file is, by a real dpkg in a root of its own, while packages come, change and go."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deb_root import DebRoot, needs_dpkg

from sensor.enrich import packages as module
from sensor.enrich.database import Record
from sensor.enrich.digests import Digests
from sensor.enrich.dpkg import Dpkg
from sensor.enrich.mounts import Mounts
from sensor.enrich.opening import open_path
from sensor.enrich.package_index import PackageIndex, make
from sensor.enrich.packages import Packages
from sensor.enrich.trust import Trust, of_file, of_path

pytestmark = needs_dpkg


@pytest.fixture
def deb(tmp_path: Path) -> DebRoot:
    return DebRoot(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir(mode=0o700)
    return tmp_path / "cache"


@pytest.fixture
def known(deb: DebRoot, cache: Path) -> Iterator[Packages]:
    """The packages that `deb` has when the test asks for this."""
    database = Dpkg(str(deb.root))
    make(cache / "packages.bin", database)
    packages = Packages(database, cache, str(deb.root))
    yield packages
    packages.close()


def trust(packages: Packages, path: bytes) -> Trust:
    """Asked until the answer is no longer that more of the file is to be read."""
    mounts, digests = Mounts(), Digests()
    file = open_path(mounts, os.fsdecode(path), 0)
    assert file is not None, path
    try:
        return of_file(packages, digests, file, "")
    finally:
        file.close()
        digests.close()
        mounts.close()


def md5(content: bytes) -> Record:
    return Record("md5", hashlib.md5(content).hexdigest())


# ---- whose a path is ----


def test_paths_of_packages(deb: DebRoot, cache: Path) -> None:
    """Each row: path, the packages that own it and what they record."""
    deb.dpkg(
        "-i",
        deb.make("tool", {"usr/bin/tool": b"tool 1", "bin/old": b"before the merge", "etc/tool.sh": b"settings"}),
        deb.make("bare", {"usr/bin/bare": b"no sums"}),
        deb.make("lib", {"usr/lib/l.so": b"library"}, more="Architecture: amd64\nMulti-Arch: same\n"),
        deb.make("same-end", {"opt/usr/bin/tool": b"another"}),
    )
    with open(deb.root / "var/lib/dpkg/diversions", "w") as diversions:
        diversions.write("/usr/bin/what\n/usr/bin/what.theirs\nmine\n")
    deb.dpkg("-i", deb.make("mine", {"usr/bin/what": b"mine"}), deb.make("theirs", {"usr/bin/what": b"theirs"}))
    deb.forget_sums("bare")
    database = Dpkg(str(deb.root))
    make(cache / "packages.bin", database)
    packages = Packages(database, cache, str(deb.root))
    rows = {
        "usr/bin/tool": [("tool", md5(b"tool 1"))],
        "opt/usr/bin/tool": [("same-end", md5(b"another"))],
        "usr/bin/old": [("tool", md5(b"before the merge"))],  # listed as /bin/old
        "bin/old": [],  # no file lies there: a kernel's path has links followed
        "etc/tool.sh": [("tool", md5(b"settings"))],
        "usr/bin/bare": [("bare", Record("md5", ""))],
        "usr/lib/l.so": [("lib", md5(b"library"))],
        "usr/bin/what": [("mine", md5(b"mine"))],
        "usr/bin/what.theirs": [("theirs", md5(b"theirs"))],
        "usr/bin": [],
        "usr/bin/too": [],
        "usr/bin/tool2": [],
        "in/tool": [],
    }
    found = {path: [(owner.package.name, owner.record) for owner in packages.owners(deb.path(path))] for path in rows}
    assert found == rows
    assert (deb.root / "usr/bin/what.theirs").read_bytes() == b"theirs"
    assert packages.script_of(deb.path("var/lib/dpkg/info/tool.postinst")) == "tool"
    assert packages.script_of(deb.path("var/lib/dpkg/info/lib:amd64.prerm")) == "lib"
    assert packages.script_of(deb.path("var/lib/dpkg/tmp.ci/preinst")) == ""
    assert packages.script_of(deb.path("var/lib/dpkg/info/tool.list")) is None
    assert packages.script_of(deb.path("usr/bin/x.postinst")) is None
    packages.close()


def test_trust(deb: DebRoot, known: Packages) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1", "usr/bin/evil": b"2", "etc/run.sh": b"3"}, "1.2-3"))
    deb.dpkg("-i", deb.make("bare", {"usr/bin/bare": b"no sums"}))
    deb.forget_sums("bare")
    (deb.root / "usr/bin/evil").write_bytes(b"changed")
    (deb.root / "usr/bin/mine").write_bytes(b"of nobody")
    script = deb.root / "var/lib/dpkg/info/tool.postinst"
    script.write_bytes(b"#!/bin/sh")
    known.refresh()
    assert trust(known, deb.path("usr/bin/tool")) == Trust("packaged", "tool", "1.2-3")
    assert trust(known, deb.path("etc/run.sh")) == Trust("packaged", "tool", "1.2-3")
    assert trust(known, deb.path("usr/bin/evil")) == Trust("modified", "tool", "1.2-3")
    assert trust(known, deb.path("usr/bin/mine")) == Trust("unpackaged")
    assert trust(known, deb.path("usr/bin/bare")) == Trust(None, "bare", "1")
    assert trust(known, os.fsencode(script)) == Trust(None, "tool")


def test_trust_by_the_path_alone(deb: DebRoot, known: Packages) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}))
    known.refresh()
    path = str(deb.root / "usr/bin/tool")
    assert of_path(known, path, 0) == Trust(late=True)
    assert of_path(known, path + "2", 0) == Trust("unpackaged")


def test_a_file_that_an_upgrade_replaced_is_not_judged(deb: DebRoot, known: Packages) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}, "1"))
    with open(deb.path("usr/bin/tool"), "rb") as old:
        deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"2"}, "2"))
        known.refresh()
        assert trust(known, b"/proc/%d/fd/%d" % (os.getpid(), old.fileno())) == Trust(late=True)


def test_other_systems_are_not_judged(deb: DebRoot, known: Packages) -> None:
    inner = deb.root / "srv/container"
    for system in (inner, deb.root / "srv/users"):
        (system / "var/lib/dpkg").mkdir(parents=True)
        (system / "var/lib/dpkg/status").touch()
        (system / "run").write_bytes(b"")
    os.chown(deb.root / "srv/users/var/lib/dpkg/status", 12345, -1)
    assert trust(known, deb.path("srv/container/run")) == Trust()
    assert trust(known, deb.path("srv/users/run")) == Trust("unpackaged")  # anybody can make such a folder


# ---- while packages change ----


def test_changes_are_followed(deb: DebRoot, known: Packages) -> None:
    path = deb.path("usr/bin/tool")
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}, "1"))
    assert known.refresh()
    assert not known.refresh()
    assert trust(known, path) == Trust("packaged", "tool", "1")
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"2", "usr/bin/second": b"2"}, "2"))
    assert known.refresh()
    assert trust(known, path) == Trust("packaged", "tool", "2")
    assert trust(known, deb.path("usr/bin/second")) == Trust("packaged", "tool", "2")
    deb.dpkg("-r", "tool")
    (deb.root / "usr/bin").mkdir(parents=True)  # empty, so it went along
    (deb.root / "usr/bin/tool").write_bytes(b"2")
    assert known.refresh()
    assert trust(known, path) == Trust("unpackaged")


def test_before_the_change_is_read_nothing_is_said_against_a_file(deb: DebRoot, known: Packages) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}, "1"))
    known.refresh()
    (deb.root / "usr/bin/before").write_bytes(b"of nobody")
    wait_for_a_tick(deb)
    known.refresh()
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"2", "usr/bin/second": b"2"}, "2"))
    late = Trust(late=True, again=True)
    assert trust(known, deb.path("usr/bin/second")) == late
    assert trust(known, deb.path("usr/bin/before")) == Trust("unpackaged")  # lay there while packages were at rest
    found = trust(known, deb.path("usr/bin/tool"))
    assert (found.trust, found.version, found.late) == ("packaged", None, True)


def test_while_dpkg_holds_its_lock_nothing_is_said_against_a_file(deb: DebRoot, known: Packages) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}, "1"))
    known.refresh()
    (deb.root / "usr/bin/tool").write_bytes(b"in the middle of an upgrade")
    (deb.root / "usr/bin/new").write_bytes(b"new")
    late = Trust(late=True, again=True)
    hold = f"""import fcntl; f = open({str(deb.root / "var/lib/dpkg/lock")!r}, "r+"); fcntl.lockf(f, fcntl.LOCK_EX)
print(flush=True); input()"""
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert [trust(known, deb.path(p)) for p in ("usr/bin/tool", "usr/bin/new")] == [late, late]
        holder.communicate(b"\n")
    assert [trust(known, deb.path(p)).trust for p in ("usr/bin/tool", "usr/bin/new")] == ["modified", "unpackaged"]


def test_what_a_killed_dpkg_left_is_not_judged(deb: DebRoot, known: Packages) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}, "1"))
    (deb.root / "usr/bin/tool").write_bytes(b"half")
    (deb.root / "var/lib/dpkg/updates/0000").write_text("Package: tool\nStatus: install reinstreq half-installed\n")
    known.refresh()
    assert trust(known, deb.path("usr/bin/tool")) == Trust(late=True, again=True)


def test_upgrades_in_a_row_are_never_called_modified(deb: DebRoot, known: Packages) -> None:
    """dpkg at work on the other core; the file is asked for all the time."""
    versions = [
        deb.make("tool", {"usr/bin/tool": f"content {v}".encode() * 1000, "usr/bin/filler": b"x" * 100_000}, str(v))
        for v in range(1, 7)
    ]
    deb.dpkg("-i", versions[0])
    known.refresh()
    script = " && ".join(" ".join(deb.command("-i", version)) for version in versions[1:])
    answers = []
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as upgrades:
        while not answers or upgrades.poll() is None:
            known.refresh()
            answers.append(trust(known, deb.path("usr/bin/tool")))
    assert upgrades.returncode == 0
    known.refresh()
    assert {answer.trust for answer in answers} <= {"packaged", None}
    assert all(answer.trust or answer.late for answer in answers)
    assert trust(known, deb.path("usr/bin/tool")) == Trust("packaged", "tool", "6")


def wait_for_a_tick(deb: DebRoot) -> None:
    """Until time stamps of files are later than all that were given so far, by more than the kernel's ticks."""
    probe = deb.root / "tick"
    probe.touch()
    first = probe.stat().st_mtime_ns
    while probe.stat().st_mtime_ns - first < 2 * module._COARSE_NS:
        time.sleep(0.001)
        os.utime(probe)


# ---- the index ----


def test_index_is_made_by_a_child(deb: DebRoot, cache: Path) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}))
    packages = Packages(Dpkg(str(deb.root)), cache, str(deb.root))
    assert trust(packages, deb.path("usr/bin/tool")) == Trust(late=True, again=True)
    os.waitid(os.P_PID, packages._child, os.WEXITED | os.WNOWAIT)
    assert packages.refresh()
    assert trust(packages, deb.path("usr/bin/tool")).trust == "packaged"
    assert (packages.builds, packages.failures, len(packages)) == (1, 0, 1)
    packages.close()
    again = Packages(Dpkg(str(deb.root)), cache, str(deb.root))  # the next start finds it
    assert (again.builds, len(again)) == (0, 1)
    again.close()


def test_an_index_that_cannot_be_kept(deb: DebRoot, cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """One line says so, nothing is left behind, and nobody waits for it."""
    (cache / "packages.bin").mkdir()
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}))
    packages = Packages(Dpkg(str(deb.root)), cache, str(deb.root))
    os.waitid(os.P_PID, packages._child, os.WEXITED | os.WNOWAIT)
    assert not packages.refresh()
    assert (packages.coming, packages.complete, packages.failures) == (False, False, 1)
    packages.close()
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("linsang: packages are not known: ")
    assert [path.name for path in cache.iterdir()] == ["packages.bin"]


def test_many_changes_make_a_new_index(deb: DebRoot, known: Packages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CHANGED_MAX", 3)
    deb.dpkg("-i", deb.make("tool", {f"usr/bin/tool{i}": b"1" for i in range(5)}))
    known.refresh()
    assert trust(known, deb.path("usr/bin/tool4")) == Trust(late=True, again=True)
    os.waitid(os.P_PID, known._child, os.WEXITED | os.WNOWAIT)
    assert known.refresh()
    assert trust(known, deb.path("usr/bin/tool4")).trust == "packaged"
    assert known.builds == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-8]),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\xff"),
        lambda path: path.write_bytes(b"\0\0\0\0\xff\xff\xff\x7f"),
        lambda path: path.chmod(0o666),
        lambda path: path.parent.chmod(0o777),
        lambda path: path.unlink(),
    ],
    ids=["empty", "cut", "flipped", "long head", "writable", "writable folder", "gone"],
)
def test_an_index_that_is_damaged_is_none(deb: DebRoot, cache: Path, damage: Callable[[Path], object]) -> None:
    deb.dpkg("-i", deb.make("tool", {"usr/bin/tool": b"1"}))
    make(cache / "packages.bin", Dpkg(str(deb.root)))
    assert PackageIndex.open(cache / "packages.bin", "dpkg") is not None
    assert PackageIndex.open(cache / "packages.bin", "rpm") is None
    damage(cache / "packages.bin")
    assert PackageIndex.open(cache / "packages.bin", "dpkg") is None


def test_the_machines_own_database() -> None:
    database = Dpkg()
    real = os.path.realpath("/usr/bin/env")
    keys = [key for key, package in database.packages().items() if package.name == "coreutils"]
    assert len(keys) == 1
    assert database.packages()[keys[0]].version
    [(_, paths)] = database.paths(keys)
    assert os.fsencode(real) in set(paths)
    record = database.record(keys[0], os.fsencode(real))
    assert record == md5(Path(real).read_bytes())
    with open("/var/lib/dpkg/lock", "rb") as lock:
        assert isinstance(database.busy(), bool)
        assert fcntl.fcntl(lock, fcntl.F_GETFD)
    database.close()
