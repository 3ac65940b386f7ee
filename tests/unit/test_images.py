"""Who answers questions about files on Windows: real files, an engine that asks, and where names lead."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest
from engine_rules import table

from sensor.enrich.exchange import Question
from sensor.enrich.images import Images
from sensor.enrich.inspector import Inspector
from sensor.enrich.trust_codes import NO_SIGNATURE, meaning
from sensor.enrich.windows_places import candidates, resolved
from sensor.native import Engine, Rules, lib

WINDOWS = sys.platform == "win32"
SIGNED = Path(__file__).resolve().parents[2] / "build" / "windows" / "home" / "python311.dll"
PATIENCE_S = 60.0
SYSTEM = "C:\\Windows"
RULES = [
    ("windows", "process_creation", "OriginalFileName", "python311"),
    ("windows", "process_creation", "Hashes", "SHA256=E3B0C44298FC1C14"),  # of nothing
    ("windows", "process_creation", "PayloadHashes", "SHA1=DA39A3EE"),
    ("windows", "process_creation", "Signed", "true"),
]
NAME, EMPTY, PAYLOAD_EMPTY, IS_SIGNED = range(4)


@pytest.fixture(scope="module")
def rules() -> bytes:
    return table(RULES)  # type: ignore[arg-type]


def start(image: str, command: str = "x") -> bytes:
    event = {"Provider_Name": "Microsoft-Windows-Kernel-Process", "EventID": 1, "ImageName": image}
    return json.dumps(event | {"CommandLine": command}).encode()


class Asked:
    """An engine, fed on this thread, whose questions a thread answers. `folder` is its C:."""

    def __init__(self, rules: bytes, inspector: Inspector, folder: Path) -> None:
        self.engine = Engine(fact_wait_ms=60_000)
        self.engine.swap_rules(Rules(rules))

        def place(question: Question) -> str:
            return str(folder / PureWindowsPath(question.path.decode()).name)

        self.service = Images(self.engine, inspector, place)

    def feed(self, image: str, command: str = "x") -> None:
        assert self.engine.feed_json(start(f"C:\\{image}", command))

    def alerts(self) -> dict[int, int]:
        """Rule to verdict, once nothing waits any more."""
        end = time.monotonic() + PATIENCE_S
        while self.engine.stats()["held_now"] or self.engine.stats()["questions"] > self.engine.stats()["answers"]:
            assert lib.sn_engine__settle(self.engine.pointer, 0) == 0
            assert not self.service.failure
            assert time.monotonic() < end
        return {frame.rule: frame.verdict for frame in self.engine.take()}


@contextmanager
def asked(rules: bytes, inspector: Inspector, folder: Path) -> Iterator[Asked]:
    made = Asked(rules, inspector, folder)
    with made.engine, made.service:
        yield made


@pytest.fixture(scope="module")
def inspector() -> Iterator[Inspector]:
    with Inspector(PATIENCE_S) as inspector:
        yield inspector


def test_a_signed_program(rules: bytes, inspector: Inspector) -> None:
    if not SIGNED.exists():
        pytest.skip("a signed library of Windows: packaging/windows/setup.sh")
    with asked(rules, inspector, SIGNED.parent) as sensor:
        sensor.feed(SIGNED.name)
        assert sensor.alerts() == {NAME: lib.SN_MATCH, IS_SIGNED: lib.SN_MATCH}
        sensor.feed(SIGNED.name)
        assert sensor.alerts() == {NAME: lib.SN_MATCH, IS_SIGNED: lib.SN_MATCH}
        assert sensor.engine.stats()["questions"] == 1
        assert sensor.service.counters()["answered"] == 1


def test_what_is_not_there_nobody_can_tell(rules: bytes, inspector: Inspector, tmp_path: Path) -> None:
    with asked(rules, inspector, tmp_path) as sensor:
        sensor.feed("gone.exe")
        assert sensor.alerts() == dict.fromkeys((NAME, EMPTY, IS_SIGNED), lib.SN_UNDECIDABLE)
        assert sensor.service.counters()["unknown"] == 1


def test_a_payload_that_is_no_program(rules: bytes, inspector: Inspector, tmp_path: Path) -> None:
    """It has digests; of a program that is none, nothing is known."""
    for name in ("a.dll", "regsvr32.exe"):
        (tmp_path / name).write_bytes(b"")
    with asked(rules, inspector, tmp_path) as sensor:
        sensor.feed("regsvr32.exe", "regsvr32 C:\\a.dll")
        alerts = sensor.alerts()
        assert alerts == dict.fromkeys((NAME, EMPTY, IS_SIGNED), lib.SN_UNDECIDABLE) | {PAYLOAD_EMPTY: lib.SN_MATCH}


def test_who_is_known_does_not_wait_for_who_is_not(rules: bytes, tmp_path: Path) -> None:
    """One file's inspection is held up; what is known is answered before it goes on."""
    blocked, entered = threading.Event(), threading.Event()

    class Slow(Inspector):
        def of(self, path: str, *, any_file: bool = False) -> Any:
            if path.endswith("slow.exe"):
                entered.set()
                assert blocked.wait(PATIENCE_S)
            return super().of(path, any_file=any_file)

    for number in range(3):
        (tmp_path / f"{number}.exe").write_bytes(b"")
    (tmp_path / "slow.exe").write_bytes(b"MZ")
    with Slow(PATIENCE_S) as inspector:
        inspector.of(str(tmp_path / "0.exe"), any_file=True)
        with asked(rules, inspector, tmp_path) as sensor:
            sensor.feed("slow.exe")
            assert entered.wait(PATIENCE_S)
            sensor.feed("1.exe")
            sensor.feed("0.exe")
            assert sensor.engine.stats()["answers"] == 0
            blocked.set()
            sensor.alerts()
            assert sensor.service.counters()["open"] == 0
        assert inspector.counters()["kept"] == 1


class Stuck(Inspector):
    """Says when it was asked, and answers, that it does not know, when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.blocked, self.entered = threading.Event(), threading.Event()

    def of(self, path: str, *, any_file: bool = False) -> Any:
        self.entered.set()
        assert self.blocked.wait(PATIENCE_S)
        return None


def test_late_is_undecidable_while_the_one_who_answers_is_blocked(rules: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.exe").write_bytes(b"MZ")
    with Stuck() as inspector, asked(rules, inspector, tmp_path) as sensor:
        sensor.feed("x.exe")
        assert inspector.entered.wait(PATIENCE_S)
        assert sensor.engine.take() == []
        assert lib.sn_engine__settle(sensor.engine.pointer, 1) == 0
        assert {frame.rule: frame.verdict for frame in sensor.engine.take()} == dict.fromkeys(
            (NAME, EMPTY, IS_SIGNED), lib.SN_UNDECIDABLE
        )
        inspector.blocked.set()


def test_more_than_may_wait_nobody_can_tell(rules: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and counted: those that wait hold nobody else."""
    monkeypatch.setattr("sensor.enrich.images._WAITING_MAX", 2)
    with Stuck() as inspector, asked(rules, inspector, tmp_path) as sensor:
        for number in range(6):
            (tmp_path / f"{number}.exe").write_bytes(b"MZ")
        sensor.feed("0.exe")
        assert inspector.entered.wait(PATIENCE_S)
        for number in range(1, 6):
            sensor.feed(f"{number}.exe")
        inspector.blocked.set()
        sensor.alerts()
        counts = sensor.service.counters()
        assert (counts["refused"], counts["unknown"], counts["open"]) == (3, 6, 0)


def test_a_fault_ends_nobody(rules: bytes, inspector: Inspector, tmp_path: Path) -> None:
    with asked(rules, inspector, tmp_path) as sensor:
        sensor.feed("a\0b")
        assert sensor.alerts() == dict.fromkeys((NAME, EMPTY, IS_SIGNED), lib.SN_UNDECIDABLE)
        assert not sensor.service.failure


# ---- where a name leads ----

REGSVR32 = f"{SYSTEM}\\SysWOW64\\regsvr32.exe"


@pytest.mark.parametrize(
    ("path", "cwd", "is_library", "found"),
    [
        ("C:\\a\\b.dll", "", True, ["C:\\a\\b.dll"]),
        ("c:/a/../b.dll", "", True, ["c:\\b.dll"]),
        ("\\\\?\\C:\\a.exe", "", False, ["C:\\a.exe"]),
        ("\\??\\C:\\a.exe", "", False, ["C:\\a.exe"]),
        ("C:\\a.txt:b.dll", "", False, ["C:\\a.txt:b.dll"]),
        ("b.js", "D:\\x\\", False, ["D:\\x\\b.js"]),
        ("..\\b.js", "D:\\x\\y", False, ["D:\\x\\b.js"]),
        ("\\b.js", "D:\\x", False, ["D:\\b.js"]),
        ("b.js", "", False, []),
        ("a\\b.dll", "", True, []),
        ("C:b.js", "C:\\x", False, []),
        ("", "C:\\x", False, []),
        ("\\\\host\\share\\a.dll", "C:\\x", True, []),
        ("//host/share/a.dll", "C:\\x", True, []),
        ("\\\\?\\UNC\\host\\share\\a.dll", "C:\\", True, []),
        ("\\Device\\HarddiskVolume3\\a.exe", "", False, []),
        ("\\\\.\\pipe\\a", "C:\\x", False, []),
        ("a.js", "\\\\host\\share", False, []),
        ("C:\\a\\b", "", True, ["C:\\a\\b.dll"]),
        ("C:\\a\\b", "", False, ["C:\\a\\b"]),
        (
            "a.dll",
            "D:\\x",
            True,
            [f"{SYSTEM}\\SysWOW64\\a.dll", f"{SYSTEM}\\System32\\a.dll", f"{SYSTEM}\\a.dll", "D:\\x\\a.dll"],
        ),
    ],
)
def test_where_a_name_leads(path: str, cwd: str, is_library: bool, found: list[str]) -> None:
    assert list(candidates(path, cwd, REGSVR32, is_library=is_library, system=SYSTEM)) == found


@pytest.mark.skipif(not WINDOWS, reason="paths of Windows")
def test_nothing_of_another_machines_is_touched(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"x")
    looked: list[str] = []

    def is_own(drive: str) -> bool:
        looked.append(drive)
        return False

    assert resolved(str(file), is_own) == ""
    assert looked == [str(file)[:2]]
    assert resolved(str(file), lambda drive: True) == str(file)


# ---- what Windows answers ----


@pytest.mark.parametrize(
    ("code", "means"),
    [
        (0, (True, "Valid")),
        (0x800B0101, (True, "Expired")),
        (0x800B010C, (False, "Revoked")),
        (0x80096010, (False, "Invalid")),
        (0x800B0109, (False, "Untrusted")),
        (0x80096001, (None, "")),  # TRUST_E_SYSTEM_ERROR: it could not look
        (0x80092003, (None, "")),  # CRYPT_E_FILE_ERROR
        (0x80092013, (None, "")),  # CRYPT_E_REVOCATION_OFFLINE
        (0x800B010E, (None, "")),  # CERT_E_REVOCATION_FAILURE
        (0x80070005, (None, "")),  # E_ACCESSDENIED
        (0x8007000E, (None, "")),  # E_OUTOFMEMORY
        (0x800B0002, (None, "")),  # TRUST_E_ACTION_UNKNOWN
        (0xDEADBEEF, (None, "")),
    ],
    ids=lambda value: hex(value) if isinstance(value, int) else "",
)
def test_what_windows_answers(code: int, means: tuple[bool | None, str]) -> None:
    assert code not in NO_SIGNATURE
    assert meaning(code) == means
