"""The C core is one for Linux and Windows: what may not be in it, and which of its tests one system alone runs."""

import re
from pathlib import Path

import pytest

from sensor import _build

ROOT = Path(__file__).resolve().parents[2]
NATIVE = sorted([*(ROOT / "native").glob("*.[ch]"), *(ROOT / "native").glob("*.def")])
# 4 bytes on 64-bit Windows, 8 on Linux
LONG = re.compile(r"\blong\b|\b\d+(?:[uU]?[lL]|[lL][uU]?)\b")
PRINTED = re.compile(r"%[-+ 0#]*\d*l[diuxX]")
TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
THREADS = re.compile(r"\b(?:pthread|thrd|mtx|cnd)_\w+\s*\(")


def longs(text: str) -> list[str]:
    """But `long long`, which is 8 bytes everywhere, and what comments and texts say."""
    text = re.sub(r"/\*.*?\*/|\blong long\b", " ", text, flags=re.S)
    return [*PRINTED.findall(text), *LONG.findall(TEXT.sub(" ", text))]


@pytest.mark.parametrize("path", NATIVE, ids=lambda path: path.name)
def test_it_has_no_long_and_no_threads_of_its_own(path: Path) -> None:
    assert not longs(path.read_text())
    assert not THREADS.findall(path.read_text())


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("long n;", True),
        ("unsigned long n;", True),
        ('printf("%lu", n);', True),
        ("n = 1L;", True),
        ("n = 10UL;", True),
        ("unsigned long long n = 1ull; /* as long as it takes */", False),
        ('printf("%llu %u", n, m);', False),
        ("uint64_t n = 10ull, m = 0x1f;", False),
        ('fail("too long");', False),
    ],
)
def test_what_is_found(line: str, found: bool) -> None:
    assert bool(longs(line)) is found


def test_every_native_test_but_that_of_bpf_is_a_program_of_windows_too() -> None:
    """tests/native/test_windows_programs.py builds and runs those whose sources Windows has, X_windows.c for X.c."""
    linux_alone = {name for name, system in _build.ONLY.items() if system == "linux"}
    without = {name for name in linux_alone if not (ROOT / "native" / f"{name[:-2]}_windows.c").exists()}
    tests = {
        path.name
        for path in (ROOT / "tests" / "native").glob("test_*.c")
        for line in path.read_text().splitlines()
        if line.startswith("// sources:") and without & set(line.split())
    }
    assert tests == {"test_source_bpf.c"}
