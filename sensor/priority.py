"""Priority of the threads that an alert waits for, and of what they start."""

import os
import sys
import threading
from contextlib import suppress

_PRIORITY = -10  # native/source_bpf.c's: among busy programs, whoever has a turn too late is late for all behind it


def raise_thread() -> None:
    """Of the calling thread alone, where that is permitted. What it starts from then on begins so, too."""
    if sys.platform != "win32":
        with suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _PRIORITY)


def lower_process() -> None:
    """Of a process that such a thread started, and that nobody waits for in a hurry."""
    if sys.platform != "win32":
        os.nice(max(0, -os.nice(0)))
