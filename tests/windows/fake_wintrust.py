"""A stand-in for Windows' wintrust.dll and crypt32.dll: what they answer is scripted, and what they give is kept.

FAKE, and named so: wine has no catalogs. They are called as the real ones are, through ctypes with the structures of
wintrust.h, so what is passed is what Windows would get. Answers as MSDN has them (WinVerifyTrust, CryptCATAdmin*).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import c_int32, c_ubyte, c_uint32, c_void_p
from dataclasses import dataclass, field
from typing import Any

import pytest

from sensor.enrich import wintrust

NOSIGNATURE = 0x800B0100
NEWER = frozenset(("CryptCATAdminAcquireContext2", "CryptCATAdminCalcHashFromFileHandle2"))
_HIGH = 0x7FFF_0000_0000  # handles are addresses: who passes one as an int of C's cuts it off
_FUNCTION: Any = ctypes.WinDLL("kernel32")._FuncPtr
_SIZES = {"SHA256": 32, "SHA1": 20}


@dataclass
class FakeWintrust:
    """`file`, `catalog`: what WinVerifyTrust answers for one, and the error it leaves. `listed`: by kind of digest, the
    catalog that lists the file. `lacks`: functions that this Windows has not, `fails`: those that fail. `digest_size`:
    bytes of a digest, 0 for those that its kind has."""

    file: tuple[int, int] = (NOSIGNATURE, NOSIGNATURE)
    catalog: tuple[int, int] = (0, 0)
    listed: dict[str, str] = field(default_factory=dict)
    lacks: frozenset[str] = frozenset()
    fails: frozenset[str] = frozenset()
    digest_size: int = 0
    log: list[str] = field(default_factory=list)
    open: dict[int, str] = field(default_factory=dict)  # handles that were not given back
    members: list[tuple[str | None, str | None, bytes]] = field(default_factory=list)  # catalog, tag, digest
    _kept: list[Any] = field(default_factory=list)
    _last: int = _HIGH

    def put_in(self, monkeypatch: pytest.MonkeyPatch) -> FakeWintrust:
        libraries = {
            "wintrust": self._library(self._wintrust()),
            "crypt32": self._library({"CertGetNameStringW": (self._name, 6)}),
        }
        monkeypatch.setattr(wintrust.ctypes, "WinDLL", lambda name, use_last_error=False: libraries[name])
        return self

    def _library(self, functions: dict[str, tuple[Callable[..., int], int]]) -> Any:
        made = type("Library", (), {})()
        for name, (function, arguments) in functions.items():
            if name not in self.lacks:
                kept = ctypes.WINFUNCTYPE(c_void_p, *[c_void_p] * arguments)(self._logged(name, function))
                self._kept.append(kept)
                # with the types that ctypes gives a library's function whose caller says none
                setattr(made, name, _FUNCTION(ctypes.cast(kept, c_void_p).value))
        return made

    def _logged(self, name: str, function: Callable[..., int]) -> Callable[..., int]:
        def call(*arguments: int | None) -> int:
            self.log.append(name)
            return 0 if name in self.fails else function(*(argument or 0 for argument in arguments))

        return call

    def _wintrust(self) -> dict[str, tuple[Callable[..., int], int]]:
        return {
            "WinVerifyTrust": (self._verify, 3),
            "WTHelperProvDataFromStateData": (lambda state: state, 1),
            "WTHelperGetProvSignerFromChain": (lambda provider, signer, counter, number: provider, 4),
            "WTHelperGetProvCertFromChain": (self._certificate, 2),
            "CryptCATAdminAcquireContext": (lambda admin, system, flags: self._acquire(admin, "SHA1"), 3),
            "CryptCATAdminAcquireContext2": (
                lambda admin, system, kind, policy, flags: self._acquire(admin, ctypes.wstring_at(kind)),
                5,
            ),
            "CryptCATAdminReleaseContext": (lambda admin, flags: self._release(admin), 2),
            "CryptCATAdminCalcHashFromFileHandle": (
                lambda file, size, out, flags: self._digest("SHA1", size, out),
                4,
            ),
            "CryptCATAdminCalcHashFromFileHandle2": (
                lambda admin, file, size, out, flags: self._digest(self.open[admin], size, out),
                5,
            ),
            "CryptCATAdminEnumCatalogFromHash": (self._find, 5),
            "CryptCATCatalogInfoFromContext": (self._info, 3),
            "CryptCATAdminReleaseCatalogContext": (lambda admin, catalog, flags: self._release(catalog), 3),
        }

    def _handle(self, what: str) -> int:
        self._last += 16
        self.open[self._last] = what
        return self._last

    def _release(self, handle: int) -> int:
        return int(self.open.pop(handle, None) is not None)

    # ---- WinVerifyTrust ----

    def _verify(self, window: int, action: int, given: int) -> int:
        data = wintrust._Data.from_address(given)
        assert data.ui == 2  # WTD_UI_NONE
        assert data.flags == 0x1000  # nothing is fetched
        if data.action == 2:  # WTD_STATEACTION_CLOSE
            self._release(data.state)
            return 0
        data.state = self._handle("state")
        code, error = self.file if data.choice == 1 else self.catalog
        if data.choice == 2:
            member = data.what.catalog.contents
            digest = bytes(member.hash[: member.hash_size])
            self.members.append((member.catalog, member.tag, digest))
            assert member.admin in self.open
        if error:
            ctypes.set_last_error(c_int32(error).value)
        return code

    def _certificate(self, chain: int, number: int) -> int:
        made = wintrust._ProviderCertificate(16, 1)
        self._kept.append(made)
        return ctypes.addressof(made)

    def _name(self, *given: int) -> int:
        _certificate, _kind, _flags, _parameter, out, _size = given
        ctypes.memmove(out, ctypes.create_unicode_buffer("Somebody"), 18)
        return 9

    # ---- catalogs ----

    def _acquire(self, out: int, kind: str) -> int:
        c_void_p.from_address(out).value = self._handle(kind)
        return 1

    def _digest(self, kind: str, size: int, out: int) -> int:
        room, needed = c_uint32.from_address(size), self.digest_size or _SIZES[kind]
        fits = room.value >= needed
        room.value = needed
        if fits:
            (c_ubyte * needed).from_address(out)[:] = kind[:4].encode().ljust(needed, b".")
        return int(fits)

    def _find(self, admin: int, digest: int, size: int, flags: int, before: int) -> int:
        kind = self.open[admin]
        assert ctypes.string_at(digest, size).startswith(kind[:4].encode())
        return self._handle(f"catalog {self.listed[kind]}") if kind in self.listed else 0

    def _info(self, catalog: int, out: int, flags: int) -> int:
        wintrust._CatalogInfo.from_address(out).path = self.open[catalog].removeprefix("catalog ")
        return 1
