"""/proc/PID/mountinfo, as the file source reads it."""

import pytest

from sensor.sources.files import Mount, mounts, to_watch

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


def test_which_are_watched() -> None:
    """Roots of file systems first; what covers another; none on the way through one that may not answer."""
    lines = (
        *("22 1 8:1 / / rw - ext4 x rw", "23 22 8:2 /a /b rw - xfs y rw", "24 22 0:9 / /n rw - nfs4 h:/ rw"),
        *("25 24 8:3 / /n/m rw - ext4 z rw", "26 22 8:4 / /nn rw - ext4 w rw", "27 22 0:5 / /b/c rw - fuse.x x rw"),
        *("28 22 8:6 / /c rw - ext4 u rw", "29 22 0:7 / /c rw - proc proc rw"),
    )
    assert [mount.place for mount in to_watch("\n".join(lines).encode())] == ["/", "/nn", "/b"]
    hidden = (
        *("22 1 8:1 / / rw - ext4 x rw", "23 22 8:2 / /b rw - xfs y rw", "24 22 8:3 / /b/c/d rw - xfs z rw"),
        *("25 24 8:4 / /b/c/d/e rw - xfs w rw", "26 23 8:5 / /b/f rw - xfs v rw"),
    )  # /b was mounted over what lay below it
    assert [mount.place for mount in to_watch("\n".join(hidden).encode())] == ["/", "/b", "/b/f"]
    root = "22 1 0:9 / / rw - virtiofs x rw\n23 22 8:2 / /b rw - xfs y rw\n"
    assert [mount.place for mount in to_watch(root.encode())] == ["/b"]
