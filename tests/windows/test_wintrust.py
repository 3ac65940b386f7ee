"""Signatures by WinVerifyTrust and catalogs: what is called in which order, what of its answers means what, and that
all that Windows gave is given back."""

import sys
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' signatures are not here: make test-windows", allow_module_level=True)

from fake_wintrust import NEWER, NOSIGNATURE, FakeWintrust

from sensor.enrich.authenticode import Signature
from sensor.enrich.wintrust import signature

UNSIGNED = Signature(False, "", "Unavailable")
SIGNED = Signature(True, "Somebody", "Valid")
UNKNOWN = Signature(why="catalogs could not be looked through")
BOTH = {"SHA256": "C:\\new.cat", "SHA1": "C:\\old.cat"}

ROWS: dict[str, tuple[dict[str, Any], Signature]] = {
    "its own": ({"file": (0, 0)}, SIGNED),
    "its own, which is broken": (
        {"file": (0x80096010, 0x80096010), "listed": BOTH},
        Signature(False, "Somebody", "Invalid", "WinVerifyTrust: 0x80096010"),
    ),
    "none": ({}, UNSIGNED),
    "none, and no error is left": ({"file": (NOSIGNATURE, 0)}, UNSIGNED),
    "a form of file that has none": ({"file": (0x800B0003, 0x800B0003)}, UNSIGNED),
    "it could not look: access denied": (
        {"file": (NOSIGNATURE, 5), "listed": BOTH},
        Signature(why="WinVerifyTrust: 0x00000005"),
    ),
    "a code that nobody knows": ({"file": (0x80070057, 0)}, Signature(why="WinVerifyTrust: 0x80070057")),
    "a catalog": ({"listed": BOTH}, SIGNED),
    "an older catalog": ({"listed": {"SHA1": "C:\\old.cat"}}, SIGNED),
    "a catalog that is not trusted": (
        {"listed": BOTH, "catalog": (0x800B0109, 0x800B0109)},
        Signature(False, "Somebody", "Untrusted", "WinVerifyTrust: 0x800b0109"),
    ),
    "a catalog that has no signature": ({"listed": BOTH, "catalog": (NOSIGNATURE, NOSIGNATURE)}, UNSIGNED),
    "an older Windows: a catalog": ({"listed": BOTH, "lacks": NEWER}, SIGNED),
    "an older Windows: none": ({"lacks": NEWER}, UNSIGNED),
    "wine": ({"lacks": {"CryptCATAdminCalcHashFromFileHandle2"}}, UNSIGNED),
    "no newer catalogs to be had": ({"fails": {"CryptCATAdminAcquireContext2"}}, UNKNOWN),
    "no newer catalogs, an older one": ({"fails": {"CryptCATAdminAcquireContext2"}, "listed": BOTH}, SIGNED),
    "no older catalogs to be had": ({"fails": {"CryptCATAdminAcquireContext"}}, UNKNOWN),
    "no newer digest": ({"fails": {"CryptCATAdminCalcHashFromFileHandle2"}}, UNKNOWN),
    "no older digest": ({"fails": {"CryptCATAdminCalcHashFromFileHandle"}}, UNKNOWN),
    "a digest that is larger": ({"digest_size": 128, "listed": BOTH}, UNKNOWN),
    "a digest of all the room": ({"digest_size": 64, "listed": BOTH}, SIGNED),
    "a catalog whose name is not said": ({"fails": {"CryptCATCatalogInfoFromContext"}, "listed": BOTH}, UNKNOWN),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.exe"
    path.write_bytes(b"MZ")
    return path


@pytest.mark.parametrize("name", ROWS)
def test_what_it_comes_to(file: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And every handle and state is given back."""
    script, want = ROWS[name]
    fake = FakeWintrust(**script).put_in(monkeypatch)
    with file.open("rb") as opened:
        assert signature(str(file), opened) == want
    assert fake.open == {}


def test_what_a_catalog_is_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWintrust(listed=BOTH).put_in(monkeypatch)
    with file.open("rb") as opened:
        signature(str(file), opened)
    digest = b"SHA2".ljust(32, b".")
    assert fake.members == [("C:\\new.cat", digest.hex().upper(), digest)]
    assert "CryptCATAdminAcquireContext" not in fake.log  # the older kind is for what no newer catalog lists


def test_a_signature_of_its_own_needs_no_catalog(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWintrust(file=(0, 0), listed=BOTH).put_in(monkeypatch)
    with file.open("rb") as opened:
        signature(str(file), opened)
    assert not [name for name in fake.log if name.startswith("Crypt")]


def test_an_error_of_before_is_not_this_files(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two files the first cannot be opened; of the second nothing is left to be said."""
    fake = FakeWintrust(file=(NOSIGNATURE, 5)).put_in(monkeypatch)
    with file.open("rb") as opened:
        assert signature(str(file), opened).signed is None
        fake.file = (NOSIGNATURE, 0)
        assert signature(str(file), opened) == UNSIGNED


def test_what_goes_wrong_on_the_way_closes_all(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWintrust(file=(0, 0), lacks=frozenset(("WTHelperGetProvCertFromChain",))).put_in(monkeypatch)
    with file.open("rb") as opened, pytest.raises(AttributeError):
        signature(str(file), opened)
    assert fake.open == {}
