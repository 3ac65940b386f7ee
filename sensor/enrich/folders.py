"""Where a path of a package leads on this machine: /bin/sh to /usr/bin/sh where /bin is a link."""

from __future__ import annotations

import os
import stat


class Folders:
    """Paths of packages below `root` (a folder, empty for the machine's own), their folders with links followed.

    Each folder is looked at once in the life of the object, so it is made anew for each reading of a database.
    """

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._real: dict[bytes, bytes] = {b"": root}

    def real(self, path: bytes) -> bytes:
        """`path` begins with a slash; its last part is left as it is."""
        folder, _, name = path.rpartition(b"/")
        return b"%b/%b" % (self._folder(folder), name)

    def _folder(self, folder: bytes) -> bytes:
        known = self._real.get(folder)
        if known is None:
            at = self._root
            parts = folder.split(b"/")
            for end in range(2, len(parts) + 1):
                whole = b"/".join(parts[:end])
                if whole not in self._real:
                    self._real[whole] = _followed(b"%b/%b" % (at, parts[end - 1]))
                at = self._real[whole]
            known = at
        return known


def _followed(path: bytes) -> bytes:
    """`path`, or where it leads."""
    try:
        return os.path.realpath(path) if stat.S_ISLNK(os.lstat(path).st_mode) else path
    except OSError:  # not there (any more)
        return path


def lines_named(content: bytes, name: bytes) -> list[bytes]:
    """The lines of `content` that end in a slash and `name`."""
    found, end, wanted = [], 0, b"/%b\n" % name
    while (at := content.find(wanted, end)) >= 0:
        end = at + len(wanted)
        found.append(content[content.rfind(b"\n", 0, at) + 1 : end - 1])
    return found
