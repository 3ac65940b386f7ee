"""Whether the signature in a Windows program holds, found out without Windows: Authenticode by signify.

A signature that another file brings (a catalog) is Windows' to know: here a file without one of its own is not
unsigned but not known. Certificates are held against the roots that Microsoft trusts, as signify's package lists them;
nothing is fetched, so revocation is not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, BinaryIO, NamedTuple


class Signature(NamedTuple):
    """`signed`: it holds; None: not known, and `why` tells. `status` is Sysmon's SignatureStatus."""

    signed: bool | None = None
    signer: str = ""
    status: str = ""
    why: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """Under Sysmon's names; empty when it is not known."""
        if self.signed is None:
            return {}
        found = {"Signed": str(self.signed).lower(), "Signature": self.signer, "SignatureStatus": self.status}
        return {name: value for name, value in found.items() if value}


VALID, INVALID, UNTRUSTED, UNAVAILABLE = "Valid", "Invalid", "Untrusted", "Unavailable"
NO_SIGNATURE = Signature(why="it has no signature of its own; catalogs are looked through on Windows only")
# How signify's results read; those that are not here mean that it cannot tell.
_RESULTS = {
    "OK": (True, VALID),
    "INVALID_DIGEST": (False, INVALID),
    "INVALID_ADDITIONAL_HASH": (False, INVALID),
    "INCONSISTENT_DIGEST_ALGORITHM": (False, INVALID),
    "VERIFY_ERROR": (False, INVALID),
    "CERTIFICATE_ERROR": (False, UNTRUSTED),
    "COUNTERSIGNER_ERROR": (False, UNTRUSTED),
}


@cache
def library() -> Any:
    """signify's class for a PE file. ImportError."""
    with _newer_openssl():
        from signify.authenticode import AuthenticodeFile  # noqa: PLC0415 - a second, and only the child has it
    return AuthenticodeFile


def embedded(file: BinaryIO) -> Signature:
    """Of the signature in an open PE file. OSError, and whatever the library raises of what it cannot read."""
    program = library().from_stream(file, allow_flat=False)
    result, error = program.explain_verify()
    if result.name == "NOT_SIGNED":
        return NO_SIGNATURE
    if result.name not in _RESULTS:
        return Signature(why=f"{result.name.lower()}: {error}")
    signed, status = _RESULTS[result.name]
    return Signature(signed, _signer(program), status, "" if signed else str(error))


def _signer(program: Any) -> str:
    """Whom the first signature's certificate names."""
    for signature in program.embedded_signatures:
        number = signature.signer_info.serial_number
        for certificate in signature.certificates:
            if certificate.serial_number == number:
                names = dict(reversed(list(certificate.subject.rdns)))
                return str(names.get("CN") or names.get("O") or "")
    return ""


@contextmanager
def _newer_openssl() -> Iterator[None]:
    """While oscrypto 1.3.0, signify's, is imported: it looks for OpenSSL's version by a pattern in which each part has
    one digit, and 3.0.10 and later do not fit. The process is the inspection's own, which has no other threads."""
    search, pattern = re.search, r"\b(\d\.\d\.\d[a-z]*)\b"

    def patient(looked_for: Any, text: Any, flags: int = 0) -> Any:
        return search(pattern.replace(r"\d", r"\d+") if looked_for == pattern else looked_for, text, flags)

    re.search = patient  # type: ignore[assignment]
    try:
        yield
    finally:
        re.search = search
