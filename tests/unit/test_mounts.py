"""/proc/PID/mountinfo, as the file source reads it."""

import pytest

from sensor.sources.files import Mount, mounts

DEV = 8 << 20 | 1


@pytest.mark.parametrize(
    ("line", "mount", "left_out"),
    [
        ("22 27 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw", Mount("/", DEV, "/", "ext4", ""), False),
        ("22 27 8:1 /a /b rw - ext4 /dev/sda1 rw", Mount("/b", DEV, "/a", "ext4", ""), False),
        ("22 27 8:1 / /a\\040b rw - xfs /dev/sda1 rw", Mount("/a b", DEV, "/", "xfs", ""), False),
        ("22 27 8:1 / /\\303\\244 rw - xfs /dev/sda1 rw", Mount("/\u00e4", DEV, "/", "xfs", ""), False),
        ("22 27 8:1 / /\u0436 rw - xfs /dev/sda1 rw", Mount("/\u0436", DEV, "/", "xfs", ""), False),
        ("22 27 8:1 / /a\x0cb\rc\x85d\u2028 rw - xfs x rw", Mount("/a\x0cb\rc\x85d\u2028", DEV, "/", "xfs", ""), False),
        (
            "22 27 8:1 / /m rw - overlay overlay rw,lowerdir=/l,upperdir=/u\\040v,workdir=/w",
            Mount("/m", DEV, "/", "overlay", "/u v"),
            False,
        ),
        ("22 27 8:1 / /proc rw - proc proc rw", Mount("/proc", DEV, "/", "proc", ""), True),
        ("22 27 8:1 / /m rw - nfs4 h:/ rw", Mount("/m", DEV, "/", "nfs4", ""), True),
        ("22 27 8:1 / /m rw - fuse.sshfs h:/ rw", Mount("/m", DEV, "/", "fuse.sshfs", ""), True),
    ],
)
def test_a_line(line: str, mount: Mount, left_out: bool) -> None:
    assert mounts(line.encode()) == [mount]
    assert bool(mount.left_out) == left_out


@pytest.mark.parametrize("line", ["", " - ", "22 27 8 / / rw - ext4 x rw", "22 27 8:1 / / rw", "a b c:d e f - g h i"])
def test_a_line_that_is_none(line: str) -> None:
    assert mounts(f"{line}\n22 27 8:1 / / rw - ext4 x rw\n".encode()) == [Mount("/", DEV, "/", "ext4", "")]
