"""What WinVerifyTrust's answers mean. A code that does not speak of the signature, or is not here, says nothing of it:
whoever could not look has not found out that it is bad.

Values: winerror.h (TRUST_E_*, CERT_E_*, CRYPT_E_*).
"""

from __future__ import annotations

from sensor.enrich.authenticode import INVALID, UNTRUSTED, VALID

NO_SIGNATURE = frozenset((0x800B0100, 0x800B0003, 0x800B0001))  # none, an unknown form of file, no provider for it
_MEANINGS: dict[int, tuple[bool, str]] = {
    0: (True, VALID),
    0x800B0101: (True, "Expired"),  # CERT_E_EXPIRED
    0x800B010C: (False, "Revoked"),  # CERT_E_REVOKED
    0x80092010: (False, "Revoked"),  # CRYPT_E_REVOKED
    # the file is not what was signed, or the signature is none
    0x80096003: (False, INVALID),  # TRUST_E_COUNTER_SIGNER
    0x80096005: (False, INVALID),  # TRUST_E_TIME_STAMP
    0x80096010: (False, INVALID),  # TRUST_E_BAD_DIGEST
    0x80096011: (False, INVALID),  # TRUST_E_MALFORMED_SIGNATURE
    0x800B0108: (False, INVALID),  # CERT_E_MALFORMED
    # its certificate is not one that this Windows trusts for that
    0x80096002: (False, UNTRUSTED),  # TRUST_E_NO_SIGNER_CERT
    0x80096004: (False, UNTRUSTED),  # TRUST_E_CERT_SIGNATURE
    0x80096019: (False, UNTRUSTED),  # TRUST_E_BASIC_CONSTRAINTS
    0x8009601E: (False, UNTRUSTED),  # TRUST_E_FINANCIAL_CRITERIA
    0x800B0004: (False, UNTRUSTED),  # TRUST_E_SUBJECT_NOT_TRUSTED
    0x800B0102: (False, UNTRUSTED),  # CERT_E_VALIDITYPERIODNESTING
    0x800B0103: (False, UNTRUSTED),  # CERT_E_ROLE
    0x800B0104: (False, UNTRUSTED),  # CERT_E_PATHLENCONST
    0x800B0105: (False, UNTRUSTED),  # CERT_E_CRITICAL
    0x800B0106: (False, UNTRUSTED),  # CERT_E_PURPOSE
    0x800B0107: (False, UNTRUSTED),  # CERT_E_ISSUERCHAINING
    0x800B0109: (False, UNTRUSTED),  # CERT_E_UNTRUSTEDROOT
    0x800B010A: (False, UNTRUSTED),  # CERT_E_CHAINING
    0x800B010B: (False, UNTRUSTED),  # TRUST_E_FAIL
    0x800B010D: (False, UNTRUSTED),  # CERT_E_UNTRUSTEDTESTROOT
    0x800B0110: (False, UNTRUSTED),  # CERT_E_WRONG_USAGE
    0x800B0111: (False, UNTRUSTED),  # TRUST_E_EXPLICIT_DISTRUST
    0x800B0112: (False, UNTRUSTED),  # CERT_E_UNTRUSTEDCA
    0x800B0113: (False, UNTRUSTED),  # CERT_E_INVALID_POLICY
    0x800B0114: (False, UNTRUSTED),  # CERT_E_INVALID_NAME
}


def meaning(code: int) -> tuple[bool | None, str]:
    """Whether the signature holds, and Sysmon's SignatureStatus; None: the code says neither. Not for NO_SIGNATURE."""
    return _MEANINGS.get(code, (None, ""))
