"""The service's folder below ProgramData, which only administrators may touch. Imports on Windows only.

Every user may make folders in ProgramData: one that is there already and is not an administrator's may have been put
there to hand the sensor somebody else's configuration.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from ctypes import wintypes
from pathlib import Path

from sensor.errors import LinsangError

assert sys.platform == "win32"

# Administrators own it; they and LocalSystem may do everything, nobody else anything, also below; nothing is inherited
# from ProgramData.
_DESCRIPTOR = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
_OWNERS = {"S-1-5-32-544", "S-1-5-18"}  # Administrators, LocalSystem
_OWNER, _DACL, _PROTECTED = 0x1, 0x4, 0x80000000  # SECURITY_INFORMATION
_FILE_OBJECT = 1
_ALREADY_EXISTS = 183

_api = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_api.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p),
)
_api.SetFileSecurityW.argtypes = (wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p)
_api.GetNamedSecurityInfoW.argtypes = (
    *(wintypes.LPCWSTR, ctypes.c_int, wintypes.DWORD, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p),
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)),
)
_api.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.POINTER(wintypes.LPWSTR))
_kernel.LocalFree.argtypes = (ctypes.c_void_p,)


class _Attributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("size", wintypes.DWORD), ("descriptor", ctypes.c_void_p), ("inherited", wintypes.BOOL))


def protect(folder: Path) -> None:
    """Makes `folder`, or takes one of an administrator's, and lets nobody else in. LinsangError: it is another's."""
    descriptor = ctypes.c_void_p()
    made = _api.ConvertStringSecurityDescriptorToSecurityDescriptorW(_DESCRIPTOR, 1, ctypes.byref(descriptor), None)
    _require(made, folder)
    try:
        # made with its rights: there is no moment in which somebody else could put a file into it
        attributes = _Attributes(ctypes.sizeof(_Attributes), descriptor, False)
        if _kernel.CreateDirectoryW(str(folder), ctypes.byref(attributes)):
            return
        _require(ctypes.get_last_error() == _ALREADY_EXISTS, folder)
        _check_ours(folder)
        _require(_api.SetFileSecurityW(str(folder), _OWNER | _DACL | _PROTECTED, descriptor), folder)
    finally:
        _kernel.LocalFree(descriptor)


def _check_ours(folder: Path) -> None:
    status = os.lstat(folder)
    if status.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT or not stat.S_ISDIR(status.st_mode):
        raise LinsangError(f"{folder} is no folder of its own but leads elsewhere", "look who made it, and remove it")
    if (found := owner(folder)) not in _OWNERS:
        raise LinsangError(f"{folder} belongs to {found}", "look what lies there, and remove it")


def owner(path: Path) -> str:
    """The SID of a file's owner. LinsangError: it cannot be read."""
    sid, descriptor = ctypes.c_void_p(), ctypes.c_void_p()
    code = _api.GetNamedSecurityInfoW(
        str(path), _FILE_OBJECT, _OWNER, ctypes.byref(sid), None, None, None, ctypes.byref(descriptor)
    )
    if code:
        raise LinsangError(f"{path}: whose it is: {ctypes.FormatError(code)}")
    try:
        text = wintypes.LPWSTR()
        _require(_api.ConvertSidToStringSidW(sid, ctypes.byref(text)), path)
        found = text.value or ""
        _kernel.LocalFree(ctypes.cast(text, ctypes.c_void_p))
        return found
    finally:
        _kernel.LocalFree(descriptor)


def _require(answer: int, path: Path) -> None:
    if not answer:
        reason = ctypes.FormatError(ctypes.get_last_error())
        raise LinsangError(f"{path}: {reason}", "run it elevated (Run as administrator)")
