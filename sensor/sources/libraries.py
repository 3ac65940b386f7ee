"""What processes map executable, which is libraries mostly: perf's records, read by the capture thread.

The core leaves out what lies in the trees that packages fill and that nobody wrote lately (native/source_perf.c).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sensor.closing import Closing
from sensor.errors import NativeError, Unsupported
from sensor.native import Capture, Engine, check, counters, ffi, lib
from sensor.priority import raise_thread

_LOOK_S = 0.005


class LibrarySource(Closing):
    """Open it before `capture` runs; close it after that has ended, and before `engine` and `capture`.

    Unsupported where perf events are not permitted or not built in.
    """

    def __init__(
        self, engine: Engine, capture: Capture, trees: Sequence[str], say: Callable[[str], None] = lambda text: None
    ) -> None:
        out = ffi.new("struct sn_loads **")
        try:
            check(lib.sn_loads__open(engine.pointer, capture.pointer, out), "open perf events")
        except NativeError as error:
            raise Unsupported(f"watching libraries ({error.reason})", "root or CAP_PERFMON, and perf events") from None
        self._loads = out[0]
        for tree in trees:
            if lib.sn_loads__tree(self._loads, os.fsencode(tree)):
                say(f"the tree {tree} is too long, or one too many: its libraries are all told")

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """What comes meanwhile is taken, by a thread: for the time until `capture` runs."""
        over = threading.Event()

        def look() -> None:
            raise_thread()
            while not over.wait(_LOOK_S):
                lib.sn_loads__look(self._loads)

        looking = threading.Thread(target=look, name="libraries")
        looking.start()
        try:
            yield
        finally:
            over.set()
            looking.join()

    def stats(self) -> dict[str, int]:
        """All counters of struct sn_loads_stats by name."""
        return counters("sn_loads_stats", lib.sn_loads__stats, self._loads)

    def equation(self) -> tuple[str, bool]:
        """Where every mapping is, with its numbers, and whether that adds up."""
        s = self.stats()
        causes = ("filtered", "recorded", "dropped")
        text = " + ".join(f"{name} {s[name]}" for name in causes)
        return f"libraries: events {s['events']} = {text}", s["events"] == sum(s[name] for name in causes)

    def close(self) -> None:
        """Frees everything."""
        lib.sn_loads__close(self._loads)
