"""Whether Windows is wine: what it cannot do, or has only one of, is no fault of the machine.

Imports on Windows only.
"""

from __future__ import annotations

import ctypes
import sys

assert sys.platform == "win32"


def is_wine() -> bool:
    """By the function that wine alone has."""
    return hasattr(ctypes.WinDLL("ntdll"), "wine_get_version")
