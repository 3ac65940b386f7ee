"""Who may change or replace a file: somebody beside root and its owner?

world    everybody may write to it
group    members of a group, or users that its access list names, may write to it
folder   somebody may put another file in its place: a folder on its path
         - belongs to another user than root and the file's owner, or
         - may be written by such users or by everybody, and is not sticky
no       none of these
A group counts when it has such members, by this machine's own files.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable

from sensor.enrich.accounts import Accounts

_ACL = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")  # tag, permissions, id: struct posix_acl_xattr_entry, behind 4 bytes of version
_USER, _GROUP_OWNER, _GROUP = 0x02, 0x04, 0x08
_W = 2


def writable(accounts: Accounts, file: int, status: os.stat_result, path: str, root: str = "") -> str:
    """One of the module's words for the open file `file` that lies at `path` below `root`. OSError: the path is
    gone."""
    own = by_whom(accounts, file, status, status.st_uid)
    if own != "no":
        return own
    folder = path
    while folder != "/":
        folder = os.path.dirname(folder)
        outer = os.stat(root + folder)
        sticky = outer.st_mode & stat.S_ISVTX
        if outer.st_uid not in (0, status.st_uid) or (
            not sticky and by_whom(accounts, root + folder, outer, status.st_uid) != "no"
        ):
            return "folder"
    return "no"


def by_whom(accounts: Accounts, file: int | str, status: os.stat_result, owner: int) -> str:
    """`world`, `group` or `no`: who beside root and `owner` may write to an open file or a folder."""
    if status.st_mode & stat.S_IWOTH:
        return "world"
    if not status.st_mode & stat.S_IWGRP:  # with an access list: its mask
        return "no"
    others: Callable[[int], bool] = lambda gid: accounts.others_in(gid, owner)  # noqa: E731
    entries = _access_list(file)
    if not entries:
        return "group" if others(status.st_gid) else "no"
    for tag, permissions, number in entries:
        if permissions & _W and (
            (tag == _USER and number not in (0, owner))
            or (tag == _GROUP_OWNER and others(status.st_gid))
            or (tag == _GROUP and others(number))
        ):
            return "group"
    return "no"


def _access_list(file: int | str) -> list[tuple[int, int, int]]:
    try:
        content = os.getxattr(file, _ACL)
    except OSError:  # none, or a file system without them
        return []
    return [_ENTRY.unpack_from(content, at) for at in range(4, len(content) - _ENTRY.size + 1, _ENTRY.size)]
