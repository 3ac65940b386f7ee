"""The package manager of a machine."""

from __future__ import annotations

import os
from contextlib import suppress

from sensor.enrich.database import Database
from sensor.enrich.dpkg import STATUS, Dpkg
from sensor.enrich.rpm import Rpm


def open_database(root: str = "") -> Database | None:
    """That of the machine, or of the system below `root`: dpkg's where it has packages, else rpm's."""
    with suppress(OSError):
        if os.path.getsize(root + STATUS):
            return Dpkg(root)
    with suppress(OSError):
        return Rpm(root)
    return None
