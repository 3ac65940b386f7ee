"""Tells the core what devices and accounts are called here, from a thread of its own: a domain may take seconds to say
whose a SID is. Imports on Windows only.
"""

from __future__ import annotations

import threading

from sensor.native import Engine, ffi, lib
from sensor.windows.names import account, paths

_EVERY_S = 1.0
_SID_MAX = 256


class Naming:
    """`look` once before the run, then `run` until `stop`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._ended = threading.Event()
        self._paths: dict[str, str] = {}
        self._sid = ffi.new("char[]", _SID_MAX)

    def run(self) -> None:
        """Each second."""
        while not self._ended.wait(_EVERY_S):
            self.look()

    def stop(self) -> None:
        """Ends `run`."""
        self._ended.set()

    def look(self) -> None:
        """Drives that came or changed, and SIDs that events brought."""
        for device, path in paths().items():
            if self._paths.get(device) != path:
                self._paths[device] = path
                lib.sn_engine__set_path(self._engine.pointer, device.encode(), path.encode())
        while (size := lib.sn_engine__unknown_account(self._engine.pointer, self._sid, _SID_MAX)) > 0:
            sid = ffi.string(self._sid, size)
            if name := account(sid.decode()):
                lib.sn_engine__set_account(self._engine.pointer, sid, name.encode(errors="replace"))
