"""pywintrace 0.2.0, of which only what controls sessions is used: structures, StartTrace and EnableTraceEx2.

Its EventConsumer takes a trace that could not be opened for an open one, ends without a word when the session does, and
reads events in Python; its ETW leaves a session of the same name as it is, and asks for losses without looking whether
it got an answer (docs/DESIGN.md, "Windows: trace sessions"). Imports on Windows only.
"""

import logging

_before = logging.root.level, logging.root.handlers[:]
from etw import evntrace  # noqa: E402 - importing it configures the root logger: that is undone
from etw.etw import EventProvider, ProviderInfo, ProviderParameters, TraceProperties  # noqa: E402
from etw.evntprov import EVENT_FILTER_DESCRIPTOR  # noqa: E402
from etw.GUID import GUID  # noqa: E402

logging.root.setLevel(_before[0])
logging.root.handlers[:] = _before[1]

__all__ = [
    "EVENT_FILTER_DESCRIPTOR",
    "GUID",
    "EventProvider",
    "ProviderInfo",
    "ProviderParameters",
    "TraceProperties",
    "evntrace",
]
