"""A process that Windows starts for the service: reports to the service control manager, and is told by it to stop.
Imports on Windows only.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import wintypes
from typing import Any

from sensor.errors import LinsangError
from sensor.orders import Ordered, Orders
from sensor.windows.scm import NAME, Status, api

assert sys.platform == "win32"

Run = Callable[[Orders], int]
_STOPPED, _STARTING, _STOPPING, _RUNNING = 1, 2, 3, 4
_PENDING = frozenset({_STARTING, _STOPPING})
_STOP, _INTERROGATE, _PARAMETERS, _PRESHUTDOWN = 1, 4, 6, 15  # SERVICE_CONTROL_*
# Stop, parameters, preshutdown: a shutdown proper ends the process after 5 s, whatever outputs still have to write.
_ACCEPTS = 0x1 | 0x8 | 0x100
_OWN_PROCESS = 0x10
_SPECIFIC = 1066  # ERROR_SERVICE_SPECIFIC_ERROR
_NOT_IMPLEMENTED = 120  # ERROR_CALL_NOT_IMPLEMENTED
_BEAT_S = 5.0  # rules may be compiled first: who waits is told so often that it goes on
_WAIT_MS = 30_000

_MAIN = ctypes.WINFUNCTYPE(None, wintypes.DWORD, ctypes.POINTER(wintypes.LPWSTR))
_HANDLER = ctypes.WINFUNCTYPE(wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p, ctypes.c_void_p)


class _Entry(ctypes.Structure):
    """SERVICE_TABLE_ENTRYW."""

    _fields_ = (("name", wintypes.LPWSTR), ("main", _MAIN))


api.RegisterServiceCtrlHandlerExW.restype = wintypes.HANDLE
api.RegisterServiceCtrlHandlerExW.argtypes = (wintypes.LPCWSTR, _HANDLER, ctypes.c_void_p)
api.SetServiceStatus.argtypes = (wintypes.HANDLE, ctypes.POINTER(Status))
api.StartServiceCtrlDispatcherW.argtypes = (ctypes.POINTER(_Entry),)


class Host:
    """`run` does the work, with the orders that it is handed; it runs on a thread of Windows."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._ordered: Ordered | None = None
        self._ended = False  # before there was somebody to tell
        self._handle: Any = None
        self._telling = threading.Lock()  # guards the two below
        self._state, self._beats = 0, 0
        self._over = threading.Event()
        # Windows calls them: they must live as long as this
        self._main, self._handler = _MAIN(self._serve), _HANDLER(self._hear)

    def dispatch(self) -> None:
        """Returns when the service has ended. LinsangError: Windows did not start this process as a service."""
        table = (_Entry * 2)(_Entry(NAME, self._main), _Entry(None, _MAIN()))
        if not api.StartServiceCtrlDispatcherW(table):
            code = ctypes.get_last_error()
            raise LinsangError(f"this is no service (error {code})", "linsang service start, or linsang run")

    def _tell(self, state: int, code: int = 0) -> None:
        with self._telling:
            self._say(state, code)

    def _say(self, state: int, code: int = 0) -> None:
        self._beats = self._beats + 1 if state in _PENDING else 0
        self._state = state
        status = Status(
            kind=_OWN_PROCESS,
            state=state,
            accepted=_ACCEPTS if state == _RUNNING else 0,
            exit_code=_SPECIFIC if code else 0,
            specific_code=code,
            checkpoint=self._beats,
            wait_ms=_WAIT_MS if state in _PENDING else 0,
        )
        api.SetServiceStatus(self._handle, ctypes.byref(status))

    def _beat(self) -> None:
        """On a thread of its own: while it starts or ends, it gets on."""
        while not self._over.wait(_BEAT_S):
            with self._telling:
                if self._state in _PENDING:
                    self._say(self._state)

    def _serve(self, count: int, arguments: Any) -> None:
        self._handle = api.RegisterServiceCtrlHandlerExW(NAME, self._handler, None)
        self._tell(_STARTING)
        threading.Thread(target=self._beat, name="service", daemon=True).start()
        code = 1
        try:
            code = self._run(self.orders)
        except LinsangError as error:
            print(f"error: {error}", file=sys.stderr)
        except Exception as error:  # a defect: still told
            print(f"error: {type(error).__name__}: {error}; this is a defect", file=sys.stderr)
            traceback.print_exc()
        finally:
            self._over.set()
            self._tell(_STOPPED, code)

    @contextmanager
    def orders(self, ordered: Ordered) -> Iterator[None]:
        """The sensor sees: the service runs."""
        self._ordered = ordered
        self._tell(_RUNNING)
        if self._ended:
            ordered.end()
        try:
            yield
        finally:
            self._ordered = None
            self._tell(_STOPPING)

    def _hear(self, control: int, kind: int, data: int, context: int) -> int:
        if control in {_STOP, _PRESHUTDOWN}:
            self._tell(_STOPPING)
            self._ended = True
            if self._ordered is not None:
                self._ordered.end()
        elif control == _PARAMETERS and self._ordered is not None:
            self._ordered.ask_reload(0, None)
        elif control != _INTERROGATE:
            return _NOT_IMPLEMENTED
        return 0
