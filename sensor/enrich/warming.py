"""What will be asked about soon is looked at before: a first exec that waits for a digest may wait too long.

programs that run        their facts are told, so that their next exec waits for nothing
installed proxies        read, so that their first exec's question is answered at once; not seen yet, so nothing is told
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress

from sensor.enrich.facts import Facts
from sensor.enrich.model import FileFacts

_TRIES = 64  # a digest is made a part a time


class Warming:
    """One pass over them, a step at a time. As many threads as `facts`: one."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        running = {path: pid for pid, path in _running()}
        self._left = deque((path, pid, _TRIES) for path, pid in running.items())
        self._installed = facts.installed()

    def step(self) -> tuple[FileFacts | None, bool]:
        """Facts to tell, if any, and whether there is more to do."""
        if not self._left:
            path = next(self._installed, None)
            if path is not None:
                self._facts.read(path)
            return None, path is not None
        path, pid, tries = self._left.popleft()
        facts = self._facts.of_path(path, pid)
        if facts is not None and facts.again and tries:
            self._left.append((path, pid, tries - 1))
        return facts if facts is not None and facts.final else None, True


def _running() -> list[tuple[int, str]]:
    """Process and program of all that run one."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdecimal():
                found.append((int(name), os.readlink(f"/proc/{name}/exe")))
    return found
