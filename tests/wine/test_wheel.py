"""The wheel for Windows: what is in it, and that it works where nothing else of the project is."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from windows_python import ROOT, Python, windows_path


@pytest.fixture(scope="module")
def wheel(python: Python, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, str(ROOT / "packaging" / "windows" / "make_wheel.py"), str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("linsang-*-cp311-abi3-win_amd64.whl"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel in it, installed as pip does."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps"]
    platform = ["--platform", "win_amd64", "--python-version", "3.11", "--implementation", "cp", "--only-binary=:all:"]
    subprocess.run([*pip, *platform, "--no-index", "--target", str(folder), str(wheel)], check=True)
    return folder


def test_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    assert [name for name in names if name.endswith((".so", ".pyd", ".c"))] == ["sensor/_native.pyd"]
    for part in ("sensor/rules/windows/", "sensor/rules/grammars/", "sensor/rules/lists/", "sensor/windows/session.py"):
        assert any(name.startswith(part) for name in names), part
    assert not [name for name in names if "__pycache__" in name or name.endswith(".cases.yml")]


def test_twice_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "packaging" / "windows" / "make_wheel.py"), str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_the_extension_is_for_every_later_python(site: Path) -> None:
    """Of Python it needs python3.dll, the stable ABI; of C's library the one that Windows has."""
    dump = subprocess.run(
        ["x86_64-w64-mingw32-objdump", "-p", str(site / "sensor" / "_native.pyd")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    needed = {line.split(": ")[1] for line in dump.stdout.splitlines() if "DLL Name" in line}
    assert "python3.dll" in needed
    assert not [name for name in needed if name in {"python311.dll", "msvcrt.dll"} or name.startswith("lib")]


def test_it_replays(site: Path, tmp_path: Path, python: Python) -> None:
    shutil.copy(ROOT / "tests" / "golden" / "demo.linsang", tmp_path)
    path = windows_path(site)
    told = python("-P", "-c", "import sensor; print(sensor.__file__)", cwd=tmp_path, path=path)
    assert told.stdout.strip().startswith(path), told.stderr
    rules = path + "\\sensor\\rules\\linux"
    done = python("-P", "-m", "sensor", "replay", "demo.linsang", "--rules", rules, cwd=tmp_path, path=path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.encode() == (ROOT / "tests" / "golden" / "demo.alerts.ndjson").read_bytes()
