"""etl-parser, another reader of event trace logs: what it finds in a trace, and its schemas."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from etl.etl import IEtlFileObserver, build_from_stream
from etl.parsers.kernel.image import ImageLoad
from etl.parsers.kernel.process import Process_V4_TypeGroup1


class Tally(IEtlFileObserver):  # type: ignore[misc]
    """What etl-parser finds: how many events, and the kernel logger's processes and images."""

    def __init__(self) -> None:
        self.events = 0
        self.images: list[Any] = []
        self.ends: list[Any] = []
        self.listed: dict[int, Any] = {}

    def on_event_record(self, event: Any) -> None:
        self.events += 1

    on_trace_record = on_win_trace = on_event_record

    def on_perfinfo_trace(self, event: Any) -> None:
        self.events += 1
        self._take(event)

    on_system_trace = on_perfinfo_trace

    def _take(self, event: Any) -> None:
        try:
            made = event.get_mof()
        except Exception:  # etl-parser knows not all of them
            return
        if type(made).__name__ == "ImageLoad":
            self.images.append(made.source)
        elif type(made).__name__ == "Process_Terminate_TypeGroup1":
            self.ends.append(made.source)
        elif hasattr(made, "get_command_line"):
            self.listed[made.source.ProcessId] = made


@cache
def tally(content: bytes) -> Tally:
    """Of a trace."""
    found = Tally()
    build_from_stream(content).parse(found)
    return found


def pattern(module: str, identity: int, version: int) -> Any:
    """The schema of an event of a provider's module; without one, of the kernel logger's."""
    if not module:
        return {2: Process_V4_TypeGroup1, 10: ImageLoad}[identity].pattern
    found = importlib.import_module(f"etl.parsers.etw.Microsoft_Windows_{module}")
    return getattr(found, f"Microsoft_Windows_{module}_{identity}_{version}").pattern
