"""The lines of a /proc/PID/mountinfo (proc_pid_mountinfo(5)). Names in it are anybody's choice: of its separators the
kernel escapes spaces, tabs and line feeds, and nothing else that other programs take for the end of a line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

_ESCAPE = re.compile(rb"\\([0-7]{3})")


def kernel_dev(number: int) -> int:
    """The kernel's form of what stat calls st_dev."""
    return os.major(number) << 20 | os.minor(number)


class MountLine(NamedTuple):
    """One mount. `parent`: the number of the one that it lies on; `dev` as in struct sn_exec, the kernel's form;
    `root`: the folder of the file system that is mounted; `own`: the mount's options; `options`: the file system's."""

    number: int
    parent: int
    dev: int
    root: str
    point: str
    own: tuple[str, ...]
    filesystem: str
    options: tuple[str, ...]


def mount_lines(content: bytes) -> Iterator[MountLine]:
    """Lines that cannot be read are left out."""
    for line in content.split(b"\n"):
        before, _, after = line.partition(b" - ")
        fields, tail = before.split(b" "), after.split(b" ", 2)
        if len(fields) < 6 or len(tail) < 3:
            continue
        number, parent, device, root, point, own, *_ = fields
        major, _, minor = device.partition(b":")
        if number.isdigit() and parent.isdigit() and major.isdigit() and minor.isdigit():
            yield MountLine(
                int(number),
                int(parent),
                int(major) << 20 | int(minor),
                _plain(root),
                _plain(point),
                tuple(map(_plain, own.split(b","))),
                _plain(tail[0]),
                tuple(map(_plain, tail[2].split(b","))),
            )


def _plain(escaped: bytes) -> str:
    return os.fsdecode(_ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), escaped))
