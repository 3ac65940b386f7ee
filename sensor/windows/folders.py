"""The sensor's folder below ProgramData, and who may change what a service of Windows runs. Imports on Windows only.

Every user may make folders in ProgramData: one that is there already may have been put there to hand the sensor
somebody else's configuration, and in one that has ProgramData's own rights every user may put files.
"""

from __future__ import annotations

import ctypes
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from ctypes import wintypes
from pathlib import Path

from sensor.errors import LinsangError
from sensor.system import is_administrator
from sensor.windows.access import CHANGE, DACL, FILE_OBJECT, OWNER, REPLACE, acl_of, owner_of, strangers

assert sys.platform == "win32"

# Administrators own it; they and LocalSystem may do everything, nobody else anything, also below; nothing is inherited
# from ProgramData.
_DESCRIPTOR = "O:BAG:SYD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"
_PROTECTED = 0x80000000  # PROTECTED_DACL_SECURITY_INFORMATION
_ALREADY_EXISTS = 183
_ELEVATED = "run it elevated (Run as administrator)"
_HEEDED = ("linsang.toml", "rules.d", "lists.d")  # what paths.py and config.py name
_REMOVE = "look what it is and who made it, and remove it"

_api = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_api.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p),
)
_api.SetNamedSecurityInfoW.argtypes = (
    *(wintypes.LPWSTR, ctypes.c_int, wintypes.DWORD, ctypes.c_void_p),
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
)
_kernel.LocalFree.argtypes = (ctypes.c_void_p,)


class _Attributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("size", wintypes.DWORD), ("descriptor", ctypes.c_void_p), ("inherited", wintypes.BOOL))


def guard(folder: Path) -> None:
    """Before anything in `folder` is heeded. An administrator makes it, or closes one that others may write to; for
    anybody else it must be closed, or not there. LinsangError: something in it may be another's word."""
    if is_administrator():
        protect(folder)
        return
    try:
        found = ", ".join(strangers(folder, CHANGE))
    except OSError:  # it is not there, or closed to this user, too; but who made it says who may ask that
        found = "who does not say so" if any(os.path.exists(folder / name) for name in _HEEDED) else ""
    if found:
        raise LinsangError(f"{folder} may be changed by {found}", "have an administrator remove it")


def protect(folder: Path) -> None:
    """Makes `folder` for administrators alone, or takes one: what is in it must be theirs, and nobody else gets in from
    now on. LinsangError: it is another's, or something in it."""
    descriptor = ctypes.c_void_p()
    made = _api.ConvertStringSecurityDescriptorToSecurityDescriptorW(_DESCRIPTOR, 1, ctypes.byref(descriptor), None)
    _require(made, folder)
    try:
        # made with its rights: there is no moment in which somebody else could put a file into it
        attributes = _Attributes(ctypes.sizeof(_Attributes), descriptor, False)
        if _kernel.CreateDirectoryW(str(folder), ctypes.byref(attributes)):
            return
        _require(ctypes.get_last_error() == _ALREADY_EXISTS, folder)
        _check_whole(folder)
        if not folder.is_dir():
            raise LinsangError(f"{folder} is no folder", _REMOVE)
        if _strangers(folder):  # else its list stays: an administrator may have let somebody read
            if found := _strangers(folder, 0):
                raise LinsangError(f"{folder} belongs to {found}", _REMOVE)
            _close(folder, descriptor)
    finally:
        _kernel.LocalFree(descriptor)
    for path in _below(folder):
        _check_whole(path)
        if found := _strangers(path):
            raise LinsangError(f"{path} may be changed by {found}", _REMOVE)


def _close(folder: Path, descriptor: ctypes.c_void_p) -> None:
    """For what is in it, too, as far as that has inherited its rights."""
    owner, acl, what = owner_of(descriptor), acl_of(descriptor), OWNER | DACL | _PROTECTED
    if code := _api.SetNamedSecurityInfoW(str(folder), FILE_OBJECT, what, owner, None, acl, None):
        raise LinsangError(f"{folder}: {ctypes.FormatError(code)}", _ELEVATED)


def _below(folder: Path) -> Iterator[Path]:
    """All that is in it; nothing that is reached by a link."""
    try:
        for root, folders, files in os.walk(folder, onerror=_raise):
            yield from (Path(root, name) for name in (*folders, *files))
    except OSError as error:
        raise LinsangError(f"{error.filename}: {error.strerror}", _ELEVATED) from None


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # taken away meanwhile
        raise error


def _check_whole(path: Path) -> None:
    try:
        status = os.lstat(path)
    except FileNotFoundError:  # taken away meanwhile
        return
    except OSError as error:
        raise LinsangError(f"{path}: {error.strerror}", _ELEVATED) from None
    if status.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT:
        raise LinsangError(f"{path} leads elsewhere", _REMOVE)


def _strangers(path: Path, rights: int = CHANGE) -> str:
    try:
        return ", ".join(strangers(path, rights))
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise LinsangError(f"{path}: whose it is: {error.strerror}", _ELEVATED) from None


def check_program(places: Iterable[Path]) -> None:
    """Of files and folders that a service is started from. LinsangError: somebody who is no administrator may change
    one of them, or put another one in its place."""
    for place in places:
        for rights, path in ((CHANGE, place), *((REPLACE, parent) for parent in place.parents)):
            if found := _strangers(path, rights):
                raise LinsangError(
                    f"{path} may be changed by {found}, who would get all rights of the service by it",
                    r"install Python for all users (below C:\Program Files), and Linsang into it",
                )


def _require(answer: int, path: Path) -> None:
    if not answer:
        reason = ctypes.FormatError(ctypes.get_last_error())
        raise LinsangError(f"{path}: {reason}", _ELEVATED)
