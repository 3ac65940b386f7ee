"""The package manager of a machine."""

from __future__ import annotations

from sensor.enrich.database import Database
from sensor.enrich.dpkg import Dpkg


def open_database(root: str = "") -> Database | None:
    """That of the machine, or of the system below `root`: dpkg's where there is one with packages in it, else rpm's."""
    try:
        return Dpkg(root)
    except OSError:
        return None
