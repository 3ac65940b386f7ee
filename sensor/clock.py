"""The clock of records: on Linux CLOCK_BOOTTIME, on Windows ns since the epoch, as its events have it."""

import sys
import time

_READINGS = 5

if sys.platform == "win32":

    def now_ns() -> int:
        """The clock of records, ns."""
        return time.time_ns()

    def boot_to_epoch_ns() -> int:
        """What to add to the clock of records for ns since the epoch."""
        return 0

else:

    def now_ns() -> int:
        """The clock of records, ns."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def boot_to_epoch_ns() -> int:
        """What to add to the clock of records for ns since the epoch: the middle of the tightest of a few readings."""
        best, offset = 1 << 62, 0
        for _ in range(_READINGS):
            before = now_ns()
            now = time.time_ns()
            after = now_ns()
            if after - before < best:
                best, offset = after - before, now - (before + after) // 2
        return offset
