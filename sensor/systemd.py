"""What a service tells systemd: sd_notify(3), where the unit has Type=notify."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


class Manager:
    """Who started this process, if it asked to be told; else nobody. It can be asked for once: children of the sensor
    are not to speak for it."""

    def __init__(self) -> None:
        address = os.environ.pop("NOTIFY_SOCKET", "")
        # a name that begins with @ is in the abstract namespace
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def tell(self, state: str) -> None:
        """One that does not listen any more is no trouble of the sensor's; one that is busy does not hold it up."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.sendto(state.encode(), self._address)
