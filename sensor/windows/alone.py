"""One sensor a machine: trace sessions have fixed names, and whoever starts one ends what has its name. Imports on
Windows only.
"""

from __future__ import annotations

import os
import sys

from sensor.closing import Closing
from sensor.errors import LinsangError
from sensor.paths import SITE
from sensor.system import OPEN_FLAGS, is_administrator, lock
from sensor.windows.folders import protect

assert sys.platform == "win32"

_PID_MAX = 10  # digits


class Alone(Closing):
    """Holds this machine's sessions until it is closed; a process that is ended holds nothing. By a file that
    administrators alone can open: of what Windows calls by a name, any user could make it first. LinsangError: another
    sensor has them."""

    def __init__(self) -> None:
        self._file = -1
        if not is_administrator():
            return  # whom Windows lets have no session, or who may not write there
        protect(SITE)
        path = SITE / "sessions"
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | OPEN_FLAGS)
            lock(self._file)
        except BlockingIOError:
            holder = os.read(self._file, _PID_MAX).decode("ascii", "replace")
            self.close()
            remedy = "stop that one first: linsang service stop, or Ctrl-C where it runs"
            raise LinsangError(f"a sensor runs already on this machine (pid {holder})", remedy) from None
        except OSError as error:
            self.close()
            raise LinsangError(f"{path}: {error.strerror}") from None
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())

    def close(self) -> None:
        """Another one may have them."""
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
