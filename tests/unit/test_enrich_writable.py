"""Who may change or replace a file."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sensor.enrich.accounts import Accounts
from sensor.enrich.writable import writable

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Linux"),
    pytest.mark.skipif(os.geteuid() != 0, reason="owners need root"),
]
USER, OTHER = 40_001, 40_002


def _acl(path: Path, *entries: tuple[int, int, int]) -> None:
    content = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    os.setxattr(path, "system.posix_acl_access", content)


ANY = 0xFFFFFFFF
WRITABLE: list[tuple[str, Callable[[Path, Path], object], str]] = [
    ("by its owner", lambda d, f: os.chown(f, USER, 0), "no"),
    ("by everybody", lambda d, f: f.chmod(0o666), "world"),
    ("by a group with members", lambda d, f: (os.chown(f, 0, 50_001), f.chmod(0o664)), "group"),
    ("by a group that is a user's own", lambda d, f: (os.chown(f, 0, 50_002), f.chmod(0o664)), "group"),
    ("by a group of its owner alone", lambda d, f: (os.chown(f, USER, 50_002), f.chmod(0o664)), "no"),
    ("by a group without members", lambda d, f: (os.chown(f, 0, 50_003), f.chmod(0o664)), "no"),
    ("by a group nobody knows", lambda d, f: (os.chown(f, 0, 50_004), f.chmod(0o664)), "group"),
    ("folder of another user", lambda d, f: os.chown(d, USER, 0), "folder"),
    ("folder of its owner", lambda d, f: (os.chown(d, USER, 0), os.chown(f, USER, 0)), "no"),
    ("folder of everybody", lambda d, f: d.chmod(0o777), "folder"),
    ("folder of everybody, sticky", lambda d, f: d.chmod(0o1777), "no"),
    ("folder of a group with members", lambda d, f: (os.chown(d, 0, 50_001), d.chmod(0o775)), "folder"),
    ("folder of a group without members", lambda d, f: (os.chown(d, 0, 50_003), d.chmod(0o775)), "no"),
    ("folder above of everybody", lambda d, f: d.parent.chmod(0o777), "folder"),
    ("folder above sticky, folder a user's", lambda d, f: (d.parent.chmod(0o1777), os.chown(d, OTHER, 0)), "folder"),
    ("list: a user", lambda d, f: _acl(f, (1, 6, ANY), (2, 6, USER), (4, 4, ANY), (16, 6, ANY), (32, 4, ANY)), "group"),
    (
        "list: a user, masked",
        lambda d, f: _acl(f, (1, 6, ANY), (2, 6, USER), (4, 4, ANY), (16, 4, ANY), (32, 4, ANY)),
        "no",
    ),
    (
        "list: a group",
        lambda d, f: _acl(f, (1, 6, ANY), (4, 4, ANY), (8, 6, 50_001), (16, 6, ANY), (32, 4, ANY)),
        "group",
    ),
    (
        "list: an empty group",
        lambda d, f: _acl(f, (1, 6, ANY), (4, 4, ANY), (8, 6, 50_003), (16, 6, ANY), (32, 4, ANY)),
        "no",
    ),
    (
        "list: its owner",
        lambda d, f: (
            os.chown(f, USER, 0),
            _acl(f, (1, 6, ANY), (2, 6, USER), (4, 4, ANY), (16, 6, ANY), (32, 4, ANY)),
        ),
        "no",
    ),
    (
        "list: readers only",
        lambda d, f: _acl(f, (1, 6, ANY), (2, 4, USER), (4, 4, ANY), (16, 6, ANY), (32, 4, ANY)),
        "no",
    ),
]


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    users, groups = tmp_path / "passwd", tmp_path / "group"
    users.write_text(
        "root:x:0:0::/root:/bin/sh\nu:x:40001:50002::/:/bin/sh\nv:x:40002:50002x::/:\nbroken\n+:x:::::\ntoor:x:0:0::/:/bin/sh\nw:x:40003:7::/:\n"
    )
    groups.write_text("members:x:50001:u,w\nempty:x:50003:root\nbroken:x:y:\n")
    return Accounts(str(users), str(groups))


@pytest.mark.parametrize(("name", "change", "expected"), WRITABLE, ids=[row[0] for row in WRITABLE])
def test_writable(
    accounts: Accounts, tmp_path: Path, name: str, change: Callable[[Path, Path], object], expected: str
) -> None:
    folder = tmp_path / "above/folder"
    folder.mkdir(parents=True)
    path = folder / "file"
    path.touch(mode=0o644)
    try:
        change(folder, path)
    except OSError as error:
        pytest.skip(f"access lists: {error}")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert writable(accounts, descriptor, os.fstat(descriptor), str(path)) == expected
    finally:
        os.close(descriptor)


def test_accounts(accounts: Accounts, tmp_path: Path) -> None:
    assert [accounts.name(uid) for uid in (0, USER, 40_003, 7)] == ["root", "u", "w", "7"]
    (tmp_path / "passwd").write_text("new:x:7:7::/:/bin/sh\n")
    assert accounts.name(7) == "7"
    accounts.refresh()
    assert accounts.name(7) == "new"
    assert Accounts(str(tmp_path / "none"), str(tmp_path / "none")).others_in(7, 7)
