"""Linsang as a source of the Application log: what the service says of itself. Imports on Windows only."""

from __future__ import annotations

import ctypes
import io
import sys
import winreg
from contextlib import suppress
from ctypes import wintypes

assert sys.platform == "win32"

_KEY = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\Linsang"
# a file with messages 1 to 1000 that are their own text, on every Windows
_MESSAGES = r"%SystemRoot%\System32\EventCreate.exe"
_ERROR, _WARNING, _INFORMATION = 1, 2, 4
_ID = 1
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


class EventLogStream(io.TextIOBase):
    """A stream each line of which is an event: for a service, which has no terminal."""

    def __init__(self) -> None:
        self._source = _api.RegisterEventSourceW(None, "Linsang")
        self._begun = ""

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Whole lines go out; errors as such."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in filter(str.strip, lines):
            kind = _ERROR if "error" in line.lower() else _INFORMATION
            texts = (wintypes.LPCWSTR * 1)(line.replace("\0", " ")[:_TEXT_MAX])
            _api.ReportEventW(self._source, kind, 0, _ID, None, 1, 0, texts, None)
        return len(text)

    def close(self) -> None:
        """What was begun goes out."""
        if not self.closed:
            self.write("\n")
            _api.DeregisterEventSource(self._source)
        super().close()
