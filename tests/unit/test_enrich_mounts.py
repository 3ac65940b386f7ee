"""sensor.enrich.mounts: the mounts that facts of files are about."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from sensor.enrich.mounts import Mounts, name_of, parse


def test_mountinfo() -> None:
    line = r"30 27 0:25 /sub /a\040b ro,nosuid - overlay over rw,lowerdir=/l,upperdir=/u\040p,workdir=/w"
    user = "31 27 0:26 / /home/u/m rw,nosuid,nodev shared:1 - fuse.sshfs u@h: rw,user_id=40001,group_id=1"
    roots = "32 27 8:1 / / rw - fuseblk /dev/sda1 ro,user_id=0,group_id=0"
    mounts = parse(f"{line}\n{user}\n{roots}\n".encode())
    assert mounts[30].dev == 25
    assert (mounts[30].root, mounts[30].point, mounts[30].flags) == ("/sub", "/a b", ("nosuid", "ro"))
    assert mounts[30].upper() == "/u p"
    assert [mounts[number].by_a_user for number in (30, 31, 32)] == [False, True, False]
    assert (mounts[32].dev, mounts[32].flags) == (8 << 20 | 1, ("ro",))
    assert name_of(mounts[30], "/a b/x") == "overlay"  # its layer cannot be seen
    assert name_of(None, "/memfd:x") == "memfd"
    assert name_of(None, "/x") is None


CHROOTED = """
import os, sys
from sensor.enrich.mounts import Mounts
os.chroot(sys.argv[1])
with open("/file") as file:
    mount = Mounts().of_fd(file.fileno())
    print(mount and mount.filesystem)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts need root, on Linux")
def test_a_mount_outside_our_root(tmp_path: Path) -> None:
    """In a chroot our own table of mounts has only those below it."""
    (tmp_path / "file").touch()
    (tmp_path / "proc").mkdir()
    subprocess.run(["mount", "--bind", "/proc", tmp_path / "proc"], check=True)
    try:
        command = [sys.executable, "-c", CHROOTED, str(tmp_path)]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=240).stdout
    finally:
        subprocess.run(["umount", tmp_path / "proc"], check=True)
    with closing(Mounts()) as mounts, (tmp_path / "file").open("rb") as file:
        mount = mounts.of_fd(file.fileno())
    assert mount is not None
    assert said == f"{mount.filesystem}\n"
