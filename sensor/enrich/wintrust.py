"""Whether the signature of a Windows program holds, as Windows says: WinVerifyTrust, and the catalogs that sign most of
Windows' own files. Nothing is fetched: an endpoint's sensor does not ask the network for the files that others run.

Structures and values: wintrust.h, mscat.h, softpub.h, winerror.h.
"""

from __future__ import annotations

import ctypes
import msvcrt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, Union, byref, c_ubyte, c_void_p, c_wchar, c_wchar_p, sizeof
from typing import Any, BinaryIO, ClassVar
from uuid import UUID

from sensor.enrich.authenticode import UNAVAILABLE, Signature
from sensor.enrich.trust_codes import NO_SIGNATURE, meaning

assert sys.platform == "win32"
DWORD = ctypes.c_uint32
_VERIFY = (c_ubyte * 16)(*UUID("00AAC56B-CD44-11d0-8CC2-00C04FC295EE").bytes_le)  # WINTRUST_ACTION_GENERIC_VERIFY_V2
_UI_NONE, _CHOICE_FILE, _CHOICE_CATALOG = 2, 1, 2
_STATE_VERIFY, _STATE_CLOSE = 1, 2
_CACHE_ONLY = 0x1000  # WTD_CACHE_ONLY_URL_RETRIEVAL
_NAME_SIMPLE = 4  # CERT_NAME_SIMPLE_DISPLAY_TYPE
_NEWER = ("CryptCATAdminAcquireContext2", "CryptCATAdminCalcHashFromFileHandle2")  # since Windows 8; wine has the first
_DIGEST_MAX = 64  # bytes: SHA512's


class _File(Structure):
    _fields_: ClassVar = [("size", DWORD), ("path", c_wchar_p), ("handle", c_void_p), ("subject", c_void_p)]


class _Catalog(Structure):
    _fields_: ClassVar = [
        ("size", DWORD),
        ("version", DWORD),
        ("catalog", c_wchar_p),
        ("tag", c_wchar_p),
        ("member", c_wchar_p),
        ("handle", c_void_p),
        ("hash", POINTER(c_ubyte)),
        ("hash_size", DWORD),
        ("context", c_void_p),
        ("admin", c_void_p),
    ]


class _Choice(Union):
    _fields_: ClassVar = [("file", POINTER(_File)), ("catalog", POINTER(_Catalog))]


class _Data(Structure):
    _fields_: ClassVar = [
        ("size", DWORD),
        ("policy", c_void_p),
        ("sip", c_void_p),
        ("ui", DWORD),
        ("revocation", DWORD),
        ("choice", DWORD),
        ("what", _Choice),
        ("action", DWORD),
        ("state", c_void_p),
        ("url", c_wchar_p),
        ("flags", DWORD),
        ("context", DWORD),
        ("settings", c_void_p),
    ]


class _CatalogInfo(Structure):
    _fields_: ClassVar = [("size", DWORD), ("path", c_wchar * 260)]


class _ProviderCertificate(Structure):
    """The beginning of CRYPT_PROVIDER_CERT."""

    _fields_: ClassVar = [("size", DWORD), ("certificate", c_void_p)]


def signature(path: str, file: BinaryIO) -> Signature:
    """Of the file at `path`, open as `file`: its own, else that of a catalog. OSError: a call of Windows failed."""
    subject = _File(sizeof(_File), path, msvcrt.get_osfhandle(file.fileno()), None)
    found = _verified(_CHOICE_FILE, _Choice(file=ctypes.pointer(subject)))
    return found if found is not None else _by_catalog(path, subject.handle)


def _verified(choice: int, what: _Choice) -> Signature | None:
    """None: there is no signature."""
    trust = ctypes.WinDLL("wintrust", use_last_error=True)
    data = _Data(size=sizeof(_Data), ui=_UI_NONE, choice=choice, what=what, action=_STATE_VERIFY, flags=_CACHE_ONLY)
    trust.WinVerifyTrust.argtypes = [c_void_p, c_void_p, c_void_p]
    ctypes.set_last_error(0)
    code = trust.WinVerifyTrust(None, byref(_VERIFY), byref(data)) & 0xFFFFFFFF
    reason = ctypes.get_last_error() & 0xFFFFFFFF
    try:
        if code == 0x800B0100 and reason not in (0, *NO_SIGNATURE):  # TRUST_E_NOSIGNATURE, since it could not look
            code = reason
        if code in NO_SIGNATURE:
            return None
        signed, status = meaning(code)
        why = f"WinVerifyTrust: 0x{code:08x}" if code else ""
        return Signature(signed, _signer(trust, data.state) if signed is not None else "", status, why)
    finally:
        data.action = _STATE_CLOSE
        trust.WinVerifyTrust(None, byref(_VERIFY), byref(data))


def _signer(trust: Any, state: int | None) -> str:
    """Whom the certificate names; empty where there is none."""
    for name, arguments in (
        ("WTHelperProvDataFromStateData", [c_void_p]),
        ("WTHelperGetProvSignerFromChain", [c_void_p, DWORD, ctypes.c_int, DWORD]),
        ("WTHelperGetProvCertFromChain", [c_void_p, DWORD]),
    ):
        function = getattr(trust, name)
        function.restype, function.argtypes = c_void_p, arguments
    provider = trust.WTHelperProvDataFromStateData(state) if state else None
    chain = trust.WTHelperGetProvSignerFromChain(provider, 0, 0, 0) if provider else None
    found = trust.WTHelperGetProvCertFromChain(chain, 0) if chain else None
    if not found:
        return ""
    certificate = _ProviderCertificate.from_address(found).certificate
    name_of = ctypes.WinDLL("crypt32").CertGetNameStringW
    name_of.argtypes = [c_void_p, DWORD, DWORD, c_void_p, c_wchar_p, DWORD]
    text = ctypes.create_unicode_buffer(256)
    name_of(certificate, _NAME_SIMPLE, 0, None, text, len(text))
    return text.value


def _by_catalog(path: str, handle: int) -> Signature:
    """The catalogs of this Windows that list the file's digest, the newer kind of digest first."""
    trust = ctypes.WinDLL("wintrust")
    looked = True
    for algorithm in ("SHA256", None) if all(hasattr(trust, name) for name in _NEWER) else (None,):
        with _catalogs(trust, algorithm) as admin:
            digest = _digest(trust, admin, handle, algorithm) if admin else None
            catalog = _listed_in(trust, admin, digest) if admin and digest else None
            if admin and digest and catalog:
                member = (c_ubyte * len(digest))(*digest)
                subject = _Catalog(
                    sizeof(_Catalog), 0, catalog, digest.hex().upper(), path, handle, member, len(digest), None, admin
                )
                found = _verified(_CHOICE_CATALOG, _Choice(catalog=ctypes.pointer(subject)))
                if found is not None:
                    return found
            looked = looked and catalog is not None
    return Signature(False, "", UNAVAILABLE) if looked else Signature(why="catalogs could not be looked through")


@contextmanager
def _catalogs(trust: Any, algorithm: str | None) -> Iterator[int | None]:
    """A handle to this Windows' catalogs; None: it could not be had."""
    admin = c_void_p()
    if algorithm:
        done = trust.CryptCATAdminAcquireContext2(byref(admin), None, c_wchar_p(algorithm), None, 0)
    else:
        done = trust.CryptCATAdminAcquireContext(byref(admin), None, 0)
    try:
        yield admin.value if done else None
    finally:
        if done:
            trust.CryptCATAdminReleaseContext(admin, 0)


def _digest(trust: Any, admin: int, handle: int, algorithm: str | None) -> bytes | None:
    """As catalogs list it; None: it could not be made."""
    size, digest = DWORD(_DIGEST_MAX), (c_ubyte * _DIGEST_MAX)()
    if algorithm:
        function = trust.CryptCATAdminCalcHashFromFileHandle2
        done = function(c_void_p(admin), c_void_p(handle), byref(size), digest, 0)
    else:
        done = trust.CryptCATAdminCalcHashFromFileHandle(c_void_p(handle), byref(size), digest, 0)
    return bytes(digest[: size.value]) if done else None


def _listed_in(trust: Any, admin: int, digest: bytes) -> str | None:
    """The path of the first catalog that lists it; empty: none does; None: it is not said."""
    trust.CryptCATAdminEnumCatalogFromHash.restype = c_void_p
    member = (c_ubyte * len(digest))(*digest)
    found = trust.CryptCATAdminEnumCatalogFromHash(c_void_p(admin), member, len(digest), 0, None)
    if not found:
        return ""
    info = _CatalogInfo(sizeof(_CatalogInfo))
    done = trust.CryptCATCatalogInfoFromContext(c_void_p(found), byref(info), 0)
    trust.CryptCATAdminReleaseCatalogContext(c_void_p(admin), c_void_p(found), 0)
    return info.path if done else None
