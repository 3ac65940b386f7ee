"""Work on many things by several processes."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sensor.errors import LinsangError

_MOST = 4  # each has some 60 MiB
_Part = TypeVar("_Part")
_Made = TypeVar("_Made")
_work: Callable[[int], Any]  # of a process that works


def spread(work: Callable[[_Part], _Made], parts: Sequence[_Part], *, many: bool) -> Iterator[_Made]:
    """What `work` makes of each part, in their order: by a process for each processor if that is `many`, else here.

    Processes have all that was there when they began; what they make is pickled. LinsangError: one was killed.
    """
    processes = min(_processors(), _MOST)
    if not many or processes < 2:
        yield from map(work, parts)
        return
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - slow, and not needed for few
    from concurrent.futures.process import BrokenProcessPool  # noqa: PLC0415
    from multiprocessing import get_context  # noqa: PLC0415

    begin = (lambda number: work(parts[number]),)
    with ProcessPoolExecutor(processes, get_context("fork"), _begin, begin) as executor:
        try:
            yield from executor.map(_run, range(len(parts)))
        except BrokenProcessPool:
            raise LinsangError("a process that compiles rules was killed", "see that it has memory enough") from None
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


def _processors() -> int:
    """How many this process may use; 1 where it cannot fork."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def _begin(work: Callable[[int], Any]) -> None:
    global _work  # noqa: PLW0603 - of this process
    _work = work
    gc.disable()  # a short life
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who is interrupted ends them
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """One that is killed ends nobody, and a process that waits for work would wait for ever."""
    from multiprocessing import parent_process  # noqa: PLC0415

    if parent := parent_process():
        parent.join()
        os._exit(1)


def _run(number: int) -> Any:
    return _work(number)
