"""`linsang service`: the sensor as a service of Windows. On Linux systemd does that (packaging/linsang.service)."""

from __future__ import annotations

import sys

from sensor.errors import Unsupported


def service(action: str) -> int:
    """Does `action` (of cli.py); the exit code. LinsangError: Windows does not let us; Unsupported elsewhere."""
    if sys.platform == "win32":
        from sensor.windows.service import ACTIONS  # noqa: PLC0415 - Windows' alone

        return ACTIONS[action]() or 0
    raise Unsupported("a service of Windows", "systemctl enable --now linsang (packaging/linsang.service)")
