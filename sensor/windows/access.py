"""Who can change a file or a folder besides administrators and Windows itself. Imports on Windows only."""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from pathlib import Path
from typing import Any

from sensor.windows.names import account
from sensor.windows.wine import is_wine

assert sys.platform == "win32"

# LocalSystem, Administrators, TrustedInstaller ("Well-known SIDs"); the built-in administrator and the domain's
_TRUSTED = {
    "S-1-5-18",
    "S-1-5-32-544",
    "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
}
_ADMINISTRATORS = re.compile(r"S-1-5-21-\d+-\d+-\d+-(500|512)")
_WINES = "S-1-5-21-0-0-0-1000"  # the one user there, who owns every file
# Access rights of files and folders ("File Access Rights Constants", "Access Mask Format")
_GENERIC = 0x10000000 | 0x40000000  # all, write
REPLACE = 0x40 | 0x10000 | 0x40000 | 0x80000 | _GENERIC  # delete what is in it, or it; write its list, its owner
CHANGE = REPLACE | 0x2 | 0x4  # write or add a file, append or add a folder
OWNER, DACL = 0x1, 0x4  # SECURITY_INFORMATION
FILE_OBJECT = 1  # SE_FILE_OBJECT
_ALLOWED = {0, 9}  # ACCESS_ALLOWED_ACE_TYPE, and with a condition; those by object are not for files
_INHERIT_ONLY = 0x8
_ACL_SIZE = 2  # AclSizeInformation
_NOBODY_LEFT_OUT = "S-1-1-0"  # Everyone: no list is no limit

_api = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_POINTER = ctypes.POINTER(ctypes.c_void_p)
_api.GetNamedSecurityInfoW.argtypes = (
    *(wintypes.LPCWSTR, ctypes.c_int, wintypes.DWORD, _POINTER, ctypes.c_void_p),
    *(_POINTER, ctypes.c_void_p, _POINTER),
)
_api.GetSecurityDescriptorOwner.argtypes = (ctypes.c_void_p, _POINTER, ctypes.c_void_p)
_api.GetSecurityDescriptorDacl.argtypes = (ctypes.c_void_p, ctypes.c_void_p, _POINTER, ctypes.c_void_p)
_api.GetAclInformation.argtypes = (ctypes.c_void_p, ctypes.c_void_p, wintypes.DWORD, ctypes.c_int)
_api.GetAce.argtypes = (ctypes.c_void_p, wintypes.DWORD, _POINTER)
_api.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.POINTER(wintypes.LPWSTR))
_kernel.LocalFree.argtypes = (ctypes.c_void_p,)


class _AclSize(ctypes.Structure):
    """ACL_SIZE_INFORMATION."""

    _fields_ = (("count", wintypes.DWORD), ("used", wintypes.DWORD), ("free", wintypes.DWORD))


class _Ace(ctypes.Structure):
    """ACCESS_ALLOWED_ACE."""

    _fields_ = (
        ("kind", ctypes.c_ubyte),
        ("flags", ctypes.c_ubyte),
        ("size", wintypes.WORD),
        ("mask", wintypes.DWORD),
        ("sid", wintypes.DWORD),  # its beginning
    )


def strangers(path: Path, rights: int) -> list[str]:
    """By name, who has one of `rights` to the file or folder, its owner included, and is neither an administrator nor
    Windows. OSError: nobody says so."""
    with _security(path) as descriptor:
        return sorted({account(sid) or sid for sid in strangers_of(descriptor, rights)})


def strangers_of(descriptor: ctypes.c_void_p, rights: int) -> set[str]:
    """The same of a security descriptor, by SID. What a list denies is not taken off: it may be taken back."""
    return {sid for sid in _holders(descriptor, rights) if not _is_trusted(sid)}


def _is_trusted(sid: str) -> bool:
    return sid in _TRUSTED or bool(_ADMINISTRATORS.fullmatch(sid)) or (sid == _WINES and is_wine())


def owner_of(descriptor: ctypes.c_void_p) -> ctypes.c_void_p:
    """Points to the owner's SID in a security descriptor; empty: it names none. OSError: it is none."""
    sid, defaulted = ctypes.c_void_p(), wintypes.BOOL()
    if not _api.GetSecurityDescriptorOwner(descriptor, ctypes.byref(sid), ctypes.byref(defaulted)):
        raise ctypes.WinError(ctypes.get_last_error())
    return sid


def acl_of(descriptor: ctypes.c_void_p) -> ctypes.c_void_p:
    """Points to the list of who may do what in a security descriptor; empty: there is none, which lets everybody do
    everything. OSError: it is none."""
    acl, there, defaulted = ctypes.c_void_p(), wintypes.BOOL(), wintypes.BOOL()
    if not _api.GetSecurityDescriptorDacl(descriptor, ctypes.byref(there), ctypes.byref(acl), ctypes.byref(defaulted)):
        raise ctypes.WinError(ctypes.get_last_error())
    return acl if there else ctypes.c_void_p()


@contextmanager
def _security(path: Path) -> Iterator[ctypes.c_void_p]:
    descriptor = ctypes.c_void_p()
    code = _api.GetNamedSecurityInfoW(
        str(path), FILE_OBJECT, OWNER | DACL, None, None, None, None, ctypes.byref(descriptor)
    )
    if code:
        raise OSError(0, ctypes.FormatError(code), str(path), code)
    try:
        yield descriptor
    finally:
        _kernel.LocalFree(descriptor)


def _holders(descriptor: ctypes.c_void_p, rights: int) -> Iterator[str]:
    yield _text(owner_of(descriptor))
    acl = acl_of(descriptor)
    if not acl:
        yield _NOBODY_LEFT_OUT
        return
    size = _AclSize()
    _api.GetAclInformation(acl, ctypes.byref(size), ctypes.sizeof(size), _ACL_SIZE)
    for number in range(size.count):
        at = ctypes.c_void_p()
        if _api.GetAce(acl, number, ctypes.byref(at)) and at.value:
            ace = _Ace.from_address(at.value)
            if ace.kind in _ALLOWED and not ace.flags & _INHERIT_ONLY and ace.mask & rights:
                yield _text(ctypes.c_void_p(at.value + _Ace.sid.offset))


def _text(sid: Any) -> str:
    text = wintypes.LPWSTR()
    if not _api.ConvertSidToStringSidW(sid, ctypes.byref(text)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        return text.value or ""
    finally:
        _kernel.LocalFree(ctypes.cast(text, ctypes.c_void_p))
