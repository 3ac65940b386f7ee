"""Names of systemd's units by the id of their cgroup, as alerts of the running kernel have it.

An id is the inode of the cgroup's folder, and is given to others after a reboot: only for alerts that come right now.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")  # where version 2 is mounted, alone or beside version 1
_UNITS = (".service", ".scope", ".mount", ".socket")
_EVERY_S = 1.0  # between two walks, so that a flood of unknown ids costs no more than one a second


class Units:
    """`of` finds a unit; one thread. `clock` in seconds."""

    def __init__(self, root: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root or next((r for r in reversed(ROOTS) if Path(r, "cgroup.controllers").exists()), "")
        self._clock = clock
        self._walked = float("-inf")
        self._known: dict[int, str] = {}

    def of(self, cgroup_id: int) -> str:
        """`cron.service`, `session-4.scope`; "" where it is none, or gone already."""
        if cgroup_id not in self._known and self._root and self._clock() - self._walked >= _EVERY_S:
            self._walked = self._clock()
            self._known = dict(_walk(self._root))
        return self._known.get(cgroup_id, "")


def _walk(root: str) -> Iterator[tuple[int, str]]:
    for path, _, _ in os.walk(root):
        with suppress(FileNotFoundError):  # it was removed meanwhile
            yield os.stat(path).st_ino, _unit(path)


def _unit(path: str) -> str:
    """The innermost part of `path` that is a unit's name."""
    return next((part for part in reversed(path.split("/")) if part.endswith(_UNITS)), "")
