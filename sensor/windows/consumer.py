"""The thread that Windows hands a session's events to: it sits in ProcessTrace, which calls the core for each."""

from __future__ import annotations

import ctypes
import threading

from sensor.windows.codes import SessionError
from sensor.windows.library import evntrace

_MODE = 0x10000100  # PROCESS_TRACE_MODE_EVENT_RECORD | PROCESS_TRACE_MODE_REAL_TIME
_INVALID = (0xFFFFFFFFFFFFFFFF, 0xFFFFFFFF)  # INVALID_PROCESSTRACE_HANDLE, as 64 and as 32 bits
_PATIENCE_S = 5.0


class Consumer:
    """Opens the session `name` and starts the thread. `callback`: address of an EVENT_RECORD_CALLBACK, called on that
    thread without Python, with `context` in EVENT_RECORD.UserContext; both must live until `ended`.

    SessionError: the trace cannot be opened; nothing of it is left.
    """

    def __init__(self, name: str, callback: int, context: int) -> None:
        self._name = name
        # Windows keeps pointers into it
        self._logfile = evntrace.EVENT_TRACE_LOGFILE()
        self._logfile.LoggerName = name
        self._logfile.ProcessTraceMode = _MODE
        self._logfile.EventRecordCallback = ctypes.cast(callback, evntrace.EVENT_RECORD_CALLBACK)
        self._logfile.Context = context
        self.code: int | None = None  # what ProcessTrace answered, once it has
        handle = evntrace.OpenTraceW(ctypes.byref(self._logfile))
        if handle in _INVALID:
            raise SessionError(name, "open", ctypes.GetLastError())  # type: ignore[attr-defined,unused-ignore]
        self._handle = evntrace.TRACEHANDLE(handle)
        # a daemon: atexit's handlers, which stop the session, run only after all other threads have ended
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # the system has no more
            evntrace.CloseTrace(self._handle)
            raise SessionError(name, "start a thread for its events", 0) from None

    def _run(self) -> None:
        self.code = evntrace.ProcessTrace(ctypes.byref(self._handle), 1, None, None)

    def ended(self, patience: float = 0.0) -> bool:
        """Whether no more events come; waits for that up to `patience` seconds."""
        self._thread.join(patience)
        return not self._thread.is_alive()

    def close(self) -> bool:
        """After the session has been stopped, takes what is left of it: whether the thread has ended."""
        drained = self.ended(_PATIENCE_S)
        evntrace.CloseTrace(self._handle)
        return drained or self.ended(_PATIENCE_S)
