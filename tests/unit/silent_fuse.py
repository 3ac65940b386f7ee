"""A FUSE file system for which nobody answers: whoever touches it, waits until it is gone."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_NOSUID_NODEV = 2 | 4  # linux/mount.h
_DETACH = 2


@contextmanager
def silent_fuse(point: Path, user: int, kind: bytes = b"fuse") -> Iterator[None]:
    """Mounted at `point` as that of `user`, and open to all; a skipped test where that is not possible."""
    libc = ctypes.CDLL(None, use_errno=True)
    point.mkdir()
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        pytest.skip(f"FUSE: {error}")
    options = f"fd={device},rootmode=40000,user_id={user},group_id=0,allow_other".encode()
    try:
        if libc.mount(b"none", bytes(point), kind, _NOSUID_NODEV, options):
            pytest.skip(f"FUSE: {os.strerror(ctypes.get_errno())}")
        yield
    finally:
        libc.umount2(bytes(point), _DETACH)
        os.close(device)
