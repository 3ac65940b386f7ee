"""Windows programs: what they say of themselves, whether their signature holds, and files that were made to hurt."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.cli import main
from sensor.enrich.inspector import NAMES, SIGNED_NAMES, ImageFacts, Inspector
from sensor.trust import lines_of

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = sys.platform == "win32"
SIGNED = ROOT / "build" / "windows" / "home" / "python311.dll"  # CPython's, signed by its makers
IMPHASH = "58719147041FE606491D4732E2DEE131"  # of 3.11.9, as pefile makes it
RULE = """\
title: any
logsource: {product: linux, category: process_creation}
detection: {a: {Image: /x}, condition: a}
"""
PATIENCE_S = 60.0  # a busy machine's, not the file's


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    with Inspector(PATIENCE_S) as inspector:
        yield inspector


@pytest.fixture(scope="module")
def signed() -> Path:
    if not SIGNED.exists():
        pytest.skip("a signed library of Windows: packaging/windows/setup.sh")
    return SIGNED


@pytest.fixture(scope="module")
def unsigned() -> Path:
    """A launcher that comes with Python's own packages."""
    setuptools = pytest.importorskip("setuptools")
    return Path(setuptools.__file__).with_name("cli-64.exe")


def hashes(path: Path, imports: str) -> str:
    content = path.read_bytes()
    digests = [hashlib.sha1(content), hashlib.md5(content), hashlib.sha256(content)]
    return ",".join([*(f"{d.name}={d.hexdigest()}".upper() for d in digests), f"IMPHASH={imports}"])


def test_a_signed_library(inspector: Inspector, signed: Path) -> None:
    found = inspector.of(str(signed))
    assert found == ImageFacts(
        {
            "FileVersion": "3.11.9",
            "Description": "Python Core",
            "Product": "Python",
            "Company": "Python Software Foundation",
            "OriginalFileName": "python311.dll",
            "Hashes": hashes(signed, IMPHASH),
            "Signed": "true",
            "Signature": "Python Software Foundation",
            "SignatureStatus": "Valid",
        }
    )


def test_one_byte_changed_since_it_was_signed(inspector: Inspector, signed: Path, tmp_path: Path) -> None:
    content = bytearray(signed.read_bytes())
    content[0x2000] ^= 1
    changed = tmp_path / "python311.dll"
    changed.write_bytes(content)
    found = inspector.of(str(changed))
    assert found is not None
    assert (found.fields["Signed"], found.fields["SignatureStatus"]) == ("false", "Invalid")
    assert found.fields["OriginalFileName"] == "python311.dll"
    assert found.fields["Hashes"] == hashes(changed, IMPHASH)
    assert found.why


def test_an_unsigned_program(inspector: Inspector, unsigned: Path) -> None:
    """It may be signed by a catalog: only Windows can say that it is not."""
    found = inspector.of(str(unsigned))
    assert found is not None
    said = {name: found.fields[name] for name in SIGNED_NAMES if name in found.fields}
    assert said == ({"Signed": "false", "SignatureStatus": "Unavailable"} if WINDOWS else {})
    assert found.unknown == (frozenset() if WINDOWS else frozenset(SIGNED_NAMES))
    assert found.fields["Hashes"].startswith(hashes(unsigned, "")[:-1])
    assert set(found.fields) & {"Company", "OriginalFileName"} == set()


def test_the_command_shows_it(unsigned: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rule.yml").write_text(RULE)
    flags = ["--rules", str(tmp_path / "rule.yml"), "--cache-dir", str(tmp_path / "cache")]
    assert main(["trust", *flags, "--format", "json", str(unsigned)]) == 0
    facts = json.loads(capfd.readouterr().out)
    assert facts["image"]["Hashes"].startswith("SHA1=")
    assert set(SIGNED_NAMES) <= set(facts["unknown"]) or facts["image"]["Signed"] == "false"


@pytest.mark.parametrize("length", [2, 3, 63, 64, 256, 500, 1024, 4096, 9000])
def test_a_damaged_file_is_not_known(inspector: Inspector, unsigned: Path, tmp_path: Path, length: int) -> None:
    cut = tmp_path / "cut.exe"
    cut.write_bytes(unsigned.read_bytes()[:length])
    before = inspector.counters()
    found = inspector.of(str(cut))
    assert found is not None
    assert found.fields.get("Signed") != "true"
    assert found.unknown or found.fields
    assert inspector.counters()["failed"] == before["failed"]


@pytest.mark.parametrize("place", range(0, 0x400, 37))
def test_a_header_of_nonsense_holds_nobody_up(inspector: Inspector, unsigned: Path, tmp_path: Path, place: int) -> None:
    content = bytearray(unsigned.read_bytes())
    content[place + 2 : place + 10] = b"\xff" * 8
    odd = tmp_path / "odd.exe"
    odd.write_bytes(content)
    before = inspector.counters()
    found = inspector.of(str(odd))
    assert found is not None
    assert found.fields.get("Signed") != "true"
    after = inspector.counters()
    assert (after["failed"], after["late"]) == (before["failed"], before["late"])


@pytest.mark.parametrize("content", [b"", b"M", b"\x7fELF", b"#!/bin/sh\n"])
def test_other_files_are_no_programs(inspector: Inspector, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert inspector.of(str(tmp_path / "x")) is None
    assert inspector.of(str(tmp_path / "missing")) is None
    assert inspector.of(str(tmp_path)) is None


def test_what_takes_too_long_is_late_not_absent(unsigned: Path, tmp_path: Path) -> None:
    with Inspector(seconds=0.0) as hasty:
        found = hasty.of(str(unsigned))
        assert found is not None
        assert not found.fields
        assert found.unknown == {*NAMES, *SIGNED_NAMES}
        assert "longer than" in found.why
        assert hasty.of(str(unsigned)) == found  # not asked again
        assert hasty.counters() == {"inspected": 0, "kept": 1, "late": 1, "failed": 0}


def test_a_child_that_ends_is_counted_and_begun_again(
    unsigned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.exe"
    copy.write_bytes(unsigned.read_bytes())
    with Inspector(PATIENCE_S) as inspector:
        monkeypatch.setenv("PYTHONHOME", str(tmp_path))  # an interpreter that finds nothing ends
        found = inspector.of(str(unsigned))
        assert found is not None
        assert found.unknown == {*NAMES, *SIGNED_NAMES}
        monkeypatch.delenv("PYTHONHOME")
        again = inspector.of(str(copy))
        assert again is not None
        assert "Hashes" in again.fields
        assert inspector.counters() == {"inspected": 1, "kept": 0, "late": 0, "failed": 1}


def test_answers_are_kept_while_the_file_is_the_same(unsigned: Path, tmp_path: Path) -> None:
    one, other = tmp_path / "one.exe", tmp_path / "other.exe"
    for path in (one, other):
        path.write_bytes(unsigned.read_bytes())
    with Inspector(PATIENCE_S, kept=1) as inspector:
        first = inspector.of(str(one))
        assert inspector.of(str(one)) is first
        assert inspector.counters()["inspected"] == 1
        one.write_bytes(unsigned.read_bytes() + b"x")
        changed = inspector.of(str(one))
        assert changed is not None
        assert first is not None
        assert changed.fields["Hashes"] != first.fields["Hashes"]
        inspector.of(str(other))
        inspector.of(str(one))  # there was room for one
        assert inspector.counters() == {"inspected": 4, "kept": 1, "late": 0, "failed": 0}


def test_what_is_said_of_it(unsigned: Path) -> None:
    with Inspector(PATIENCE_S) as inspector:
        image = inspector.of(str(unsigned))
    said = "\n".join(lines_of("x.exe", None, image))
    assert ("  - not signed" in said) == WINDOWS
    assert ("it has no signature of its own" in said) != WINDOWS
    changed = ImageFacts({"Signed": "false", "SignatureStatus": "Invalid", "Product": "\x1b[2J"}, why="another digest")
    assert lines_of("x.exe", None, changed)[1:2] == ["  - its signature does not hold: Invalid, another digest"]
    assert "\x1b" not in "".join(lines_of("x.exe", None, changed))
    assert "  + signed by Vendor" in lines_of("x.exe", None, ImageFacts({"Signed": "true", "Signature": "Vendor"}))
