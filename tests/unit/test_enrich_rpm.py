"""rpm's database: a real one, in a root of its own, with packages that rpmbuild made."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sensor.enrich.database import Record
from sensor.enrich.databases import open_database
from sensor.enrich.digests import Digests
from sensor.enrich.mounts import Mounts
from sensor.enrich.opening import open_path
from sensor.enrich.package_index import make
from sensor.enrich.packages import Packages
from sensor.enrich.rpm import Rpm
from sensor.enrich.trust import Trust, of_file

pytestmark = [
    pytest.mark.skipif(shutil.which("rpmbuild") is None, reason="rpmbuild of the package rpm"),
    pytest.mark.skipif(os.geteuid() != 0, reason="rpm --root needs root"),
]
SPEC = """\
Name: tool
Version: 1.2
Release: {release}
Summary: test
License: none
BuildArch: noarch
AutoReqProv: no
%description
%install
mkdir -p %{{buildroot}}/bin %{{buildroot}}/etc %{{buildroot}}/opt/folder
echo {content} > %{{buildroot}}/bin/tool
chmod 755 %{{buildroot}}/bin/tool
ln -s tool %{{buildroot}}/bin/link
echo settings > %{{buildroot}}/etc/tool.conf
%files
/bin/tool
/bin/link
%dir /opt/folder
%config /etc/tool.conf
"""


class RpmRoot:
    """A root folder with an rpm database; /bin is a link to usr/bin."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"
        self._folder = folder
        (self.root / "usr/bin").mkdir(parents=True)
        (self.root / "bin").symlink_to("usr/bin")
        self.rpm("--initdb")

    def rpm(self, *arguments: str | Path) -> None:
        command = ["rpm", "--root", str(self.root), "--dbpath", "/var/lib/rpm", *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True)

    def make(self, release: str, content: str) -> Path:
        spec = self._folder / f"{release}.spec"
        spec.write_text(SPEC.format(release=release, content=content))
        top = self._folder / release
        command = ["rpmbuild", "-bb", "--define", f"_topdir {top}", str(spec)]
        subprocess.run(command, check=True, capture_output=True)
        return next(top.rglob("*.rpm"))


@pytest.fixture
def rpm(tmp_path: Path) -> RpmRoot:
    return RpmRoot(tmp_path)


def trust(packages: Packages, path: Path) -> Trust:
    mounts, digests = Mounts(), Digests()
    file = open_path(mounts, str(path), 0)
    assert file is not None
    try:
        return of_file(packages, digests, file, "")
    finally:
        file.close()
        mounts.close()


def test_trust_while_packages_change(rpm: RpmRoot, tmp_path: Path) -> None:
    tool = rpm.root / "usr/bin/tool"
    rpm.rpm("-i", "--nodeps", rpm.make("1", "one"))
    database = open_database(str(rpm.root))
    assert isinstance(database, Rpm)
    (tmp_path / "cache").mkdir(mode=0o700)
    make(tmp_path / "cache/packages.bin", database)
    packages = Packages(database, tmp_path / "cache", str(rpm.root))
    assert len(packages) == 3
    assert not packages.refresh()
    assert trust(packages, tool) == Trust("packaged", "tool", "1.2-1")
    assert trust(packages, rpm.root / "etc/tool.conf") == Trust("packaged", "tool", "1.2-1")
    (rpm.root / "var/lib/rpm/rpmdb.sqlite-wal").touch()
    assert packages.settled()  # readers leave an empty journal
    assert not packages.refresh()
    [owner] = packages.owners(os.fsencode(tool))
    assert owner.record == Record("sha256", hashlib.sha256(b"one\n").hexdigest())

    rpm.rpm("-U", "--nodeps", rpm.make("2", "two"))
    assert trust(packages, tool).trust != "modified"
    assert packages.refresh()
    assert trust(packages, tool) == Trust("packaged", "tool", "1.2-2")
    rpm.rpm("-U", "--nodeps", "--replacepkgs", rpm.make("2", "two again"))
    assert packages.refresh()
    assert trust(packages, tool) == Trust("packaged", "tool", "1.2-2")
    tool.write_text("three")
    assert trust(packages, tool) == Trust("modified", "tool", "1.2-2")
    (rpm.root / "usr/bin/mine").touch()
    assert trust(packages, rpm.root / "usr/bin/mine") == Trust("unpackaged")

    hold = f"""import fcntl; f = open({str(rpm.root / "var/lib/rpm/.rpm.lock")!r}, "r+"); fcntl.lockf(f, fcntl.LOCK_EX)
print(flush=True); input()"""
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert trust(packages, tool) == Trust(late=True, again=True)
        holder.communicate(b"\n")

    rpm.rpm("-e", "--nodeps", "tool")
    tool.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text("two")
    assert packages.refresh()
    assert trust(packages, tool) == Trust("unpackaged")
    packages.close()


def test_a_root_without_a_database(tmp_path: Path) -> None:
    assert open_database(str(tmp_path)) is None
