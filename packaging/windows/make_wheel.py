"""The wheel for Windows, from the tree and the extension that windows.mk built: make_wheel.py FOLDER.

setuptools would build it on Windows; on Linux it gives the metadata, and what a wheel is beside them is little (the
binary distribution format: packages, METADATA, WHEEL, RECORD).
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from setuptools import build_meta

ROOT = Path(__file__).resolve().parents[2]
TAG = "cp311-abi3-win_amd64"  # the limited API of 3.11, which later versions keep
WHEEL = f"Wheel-Version: 1.0\nGenerator: linsang make_wheel.py\nRoot-Is-Purelib: false\nTag: {TAG}\n"
PACKAGE = (".py", ".pyi", ".pyd", ".typed", ".txt")
RULES = (".yml", ".txt", ".md")


def files() -> Iterator[tuple[str, bytes]]:
    """Path in the wheel and content, but for RECORD. The rules go into the package: see sensor/paths.py."""
    for room, suffixes, place in (("sensor", PACKAGE, "sensor"), ("rules", RULES, "sensor/rules")):
        for path in sorted((ROOT / room).rglob("*")):
            if path.suffix in suffixes and not path.name.endswith(".cases.yml"):
                yield f"{place}/{path.relative_to(ROOT / room).as_posix()}", path.read_bytes()
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        info = Path(folder, build_meta.prepare_metadata_for_build_wheel(folder))
        for path in sorted(info.rglob("*")):
            if path.is_file() and path.name != "RECORD":
                yield f"{info.name}/{path.relative_to(info).as_posix()}", path.read_bytes()
    yield f"{info.name}/WHEEL", WHEEL.encode()


def build(folder: Path) -> Path:
    """The wheel, made in `folder`; the same bytes from the same files."""
    found = dict(files())
    info = next(name for name in found if name.endswith(".dist-info/WHEEL")).removesuffix("WHEEL")
    lines = []
    for name, content in found.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    found[f"{info}RECORD"] = "".join([*lines, f"{info}RECORD,,\n"]).encode()
    made = folder / f"{info.removesuffix('.dist-info/')}-{TAG}.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with ZipFile(made, "w", ZIP_DEFLATED) as wheel:
        for name, content in found.items():
            wheel.writestr(ZipInfo(name), content, ZIP_DEFLATED)
    return made


if __name__ == "__main__":
    print(f"  WHEEL   {build(Path(sys.argv[1]))}")
