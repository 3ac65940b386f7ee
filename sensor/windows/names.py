"""What Windows calls things in its events, and what people call them: devices and drives, SIDs and accounts.

Imports on Windows only.
"""

from __future__ import annotations

import ctypes
import os
import string
import sys
from ctypes import wintypes

assert sys.platform == "win32"

_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_security = ctypes.WinDLL("advapi32", use_last_error=True)
_security.ConvertStringSidToSidW.argtypes = (wintypes.LPCWSTR, ctypes.POINTER(ctypes.c_void_p))
_security.LookupAccountSidW.argtypes = (
    *(wintypes.LPCWSTR, ctypes.c_void_p, wintypes.LPWSTR, ctypes.POINTER(wintypes.DWORD)),
    *(wintypes.LPWSTR, ctypes.POINTER(wintypes.DWORD), ctypes.POINTER(ctypes.c_int)),
)
_kernel.LocalFree.argtypes = (ctypes.c_void_p,)
_NAME_MAX = 257  # UNLEN + 1; domains are shorter
_ROOM = 4096


def paths() -> dict[str, str]:
    """What to put for the beginning of a path in an event: drives for devices, the Windows folder for \\SystemRoot."""
    found = {"\\SystemRoot": os.environ.get("SYSTEMROOT", "C:\\Windows")}
    target = ctypes.create_unicode_buffer(_ROOM)
    present = _kernel.GetLogicalDrives()
    for number, letter in enumerate(string.ascii_uppercase):
        drive = f"{letter}:"
        if present >> number & 1 and _kernel.QueryDosDeviceW(drive, target, _ROOM) and target.value not in found:
            found[target.value] = drive  # the first letter of a volume that has two
    return found


def account(sid: str) -> str:
    """`DOMAIN\\name` of a SID; "" when nobody has it, or the domain does not answer. May take seconds."""
    binary = ctypes.c_void_p()
    if not _security.ConvertStringSidToSidW(sid, ctypes.byref(binary)):
        return ""
    try:
        name, domain = (ctypes.create_unicode_buffer(_NAME_MAX) for _ in range(2))
        sizes = [wintypes.DWORD(_NAME_MAX) for _ in range(2)]
        kind = ctypes.c_int()
        if not _security.LookupAccountSidW(
            None, binary, name, ctypes.byref(sizes[0]), domain, ctypes.byref(sizes[1]), ctypes.byref(kind)
        ):
            return ""
        return f"{domain.value}\\{name.value}" if domain.value else name.value
    finally:
        _kernel.LocalFree(binary)
