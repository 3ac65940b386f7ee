"""Linsang as a source of the Application log: what the service says of itself. Imports on Windows only."""

from __future__ import annotations

import ctypes
import sys
import winreg
from contextlib import suppress
from ctypes import wintypes

assert sys.platform == "win32"

_KEY = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\Linsang"
# a file with messages 1 to 1000 that are their own text, on every Windows
_MESSAGES = r"%SystemRoot%\System32\EventCreate.exe"
_ERROR, _WARNING, _INFORMATION = 1, 2, 4
_TEXT_MAX = 31_839  # characters of one text (ReportEvent)

_api = ctypes.WinDLL("advapi32", use_last_error=True)
_api.RegisterEventSourceW.restype = wintypes.HANDLE
_api.ReportEventW.argtypes = (
    *(wintypes.HANDLE, wintypes.WORD, wintypes.WORD, wintypes.DWORD, ctypes.c_void_p, wintypes.WORD, wintypes.DWORD),
    *(ctypes.POINTER(wintypes.LPCWSTR), ctypes.c_void_p),
)
_api.DeregisterEventSource.argtypes = (wintypes.HANDLE,)


def register() -> None:
    """OSError: not elevated."""
    with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, _KEY) as key:
        winreg.SetValueEx(key, "EventMessageFile", 0, winreg.REG_EXPAND_SZ, _MESSAGES)
        winreg.SetValueEx(key, "TypesSupported", 0, winreg.REG_DWORD, _ERROR | _WARNING | _INFORMATION)


def unregister() -> None:
    """OSError: not elevated."""
    with suppress(FileNotFoundError):
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, _KEY)


class EventLog:
    """The source, open: each line is an event; its kind is its id, too."""

    def __init__(self) -> None:
        self._source = _api.RegisterEventSourceW(None, "Linsang")

    def write(self, line: str) -> bool:
        """False: the event log did not take it."""
        kind = _kind_of(line)
        texts = (wintypes.LPCWSTR * 1)(line.replace("\0", " ")[:_TEXT_MAX])
        return bool(self._source and _api.ReportEventW(self._source, kind, 0, kind, None, 1, 0, texts, None))

    def close(self) -> None:
        """Nothing more is written."""
        if self._source:
            _api.DeregisterEventSource(self._source)
        self._source = None


def _kind_of(line: str) -> int:
    """By the words that `say` and its callers begin with."""
    begin = line.removeprefix("linsang: ")
    if begin.startswith("error: "):
        return _ERROR
    return _WARNING if begin.startswith(("warning: ", "left out: ")) else _INFORMATION
