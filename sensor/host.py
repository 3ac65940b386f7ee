"""The machine that the sensor runs on, and what it takes of it."""

from __future__ import annotations

import platform
import socket
import sys
import time
from pathlib import Path
from typing import Any

from sensor.clock import boot_to_epoch_ns
from sensor.native import lib

if sys.platform != "win32":
    import pwd


def recording_header() -> dict[str, Any]:
    """What a recording says of itself."""
    return {
        "schema": int(lib.SN_SCHEMA),
        "host": socket.gethostname(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "boot_to_epoch_ns": boot_to_epoch_ns(),
        "created_ns": time.time_ns(),
        **_of_boot(),
    }


if sys.platform == "win32":
    import ctypes

    class _Memory(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS."""

        _fields_ = (
            ("size", ctypes.c_uint32),
            ("faults", ctypes.c_uint32),
            ("peak", ctypes.c_size_t),
            ("working_set", ctypes.c_size_t),
            ("pools_and_page_files", ctypes.c_size_t * 6),
        )

    def _of_boot() -> dict[str, Any]:
        return {"boot_id": "", "users": {}}

    def memory_bytes() -> dict[str, int]:
        """Resident memory of this process: `own`; there is no ring of the kernel's in it."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        kernel.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Memory), ctypes.c_uint32)
        memory = _Memory(size=ctypes.sizeof(_Memory))
        if not kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(memory), memory.size):
            raise ctypes.WinError(ctypes.get_last_error())
        return {"own": int(memory.working_set), "kernel_ring": 0}

else:

    def _of_boot() -> dict[str, Any]:
        return {
            "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "users": {user.pw_uid: user.pw_name for user in reversed(pwd.getpwall())},
        }

    def memory_bytes() -> dict[str, int]:
        """Resident memory of this process: `own`, and `kernel_ring`, which is the kernel's and mapped twice."""
        own = ring = 0
        mapped = ""
        for line in Path("/proc/self/smaps").read_text(errors="replace").splitlines():
            if line.startswith("Rss:"):
                size = int(line.split()[1]) << 10
                ring, own = (ring + size, own) if "bpf-map" in mapped else (ring, own + size)
            elif "-" in line.split(" ", 1)[0]:
                mapped = line
        return {"own": own, "kernel_ring": ring}
