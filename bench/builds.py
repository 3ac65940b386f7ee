"""What is built before it is measured: load generators, programs over the C core, peers."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sensor._build import sources

ROOT = Path(__file__).resolve().parent.parent
BUILT = ROOT / "build" / "bench"
PEERS = ROOT / "bench" / "peers"
LOAD_FOLDERS = (ROOT / "bench" / "load", ROOT / "tests" / "kernel" / "load")
STATIC = {"nothing"}  # its start is what is measured, not the dynamic loader's work
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-O2")
AS_EXTENSION = ("-flto=auto",)
RSIGMA = "0.26.0"
WINDOWS_COMPILER = "x86_64-w64-mingw32-gcc"
WINDOWS_PYTHON = ROOT / "build" / "windows" / "python"


class Unavailable(Exception):
    """A peer or a facility is not there: the bench is skipped, with this reason."""


class NoCorpus(Unavailable):
    """No rules and events of others: no fault of this machine."""


def _compile(made: Path, sources: Sequence[Path], depends: Sequence[Path], *more: str, compiler: str = "gcc") -> Path:
    newest = max(file.stat().st_mtime for file in (*sources, *depends))
    if not made.exists() or made.stat().st_mtime < newest:
        BUILT.mkdir(parents=True, exist_ok=True)
        command = [compiler, *FLAGS, *map(str, sources), "-o", str(made), *more]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(f"{sources[0].name} does not compile: {result.stderr.strip().splitlines()[0]}")
    return made


def program(name: str) -> Path:
    """The load generator made from NAME.c, built when its source or a header is newer."""
    source = next(folder / f"{name}.c" for folder in LOAD_FOLDERS if (folder / f"{name}.c").exists())
    headers = list(source.parent.glob("*.h"))
    return _compile(BUILT / name, [source], headers, *(["-static"] if name in STATIC else []), "-lpthread")


@functools.cache
def native_program(name: str, level: str = "") -> Path:
    """bench/native/NAME.c with the whole C core, optimized as the extension is unless there is a `level`."""
    native = ROOT / "native"
    core = [ROOT / file for file in sources(sys.platform)]
    source = ROOT / "bench" / "native" / f"{name}.c"
    headers = [*native.glob("*.h"), *native.glob("*.def"), *source.parent.glob("*.h")]
    flags = [level] if level else AS_EXTENSION
    return _compile(BUILT / f"native-{name}{level}", [source, *core], headers, f"-I{native}", *flags, "-g", "-lpthread")


@functools.cache
def windows_library(name: str) -> Path:
    """bench/native/NAME.c with the whole C core as a library of Windows, whose main() can be called. Unavailable
    without a Windows to load it."""
    if not shutil.which(WINDOWS_COMPILER) or not WINDOWS_PYTHON.exists():
        raise Unavailable("no Windows here: make test-windows sets it up")
    native = ROOT / "native"
    core = [ROOT / file for file in sources("win32")]
    source = ROOT / "bench" / "native" / f"{name}.c"
    headers = [*native.glob("*.h"), *native.glob("*.def"), *source.parent.glob("*.h")]
    more = ["-shared", "-static", f"-I{native}", "-lpthread", "-lsynchronization"]
    return _compile(BUILT / f"{name}.dll", [source, *core], headers, *more, compiler=WINDOWS_COMPILER)


def _cargo(*arguments: str) -> None:
    if not shutil.which("cargo"):
        raise Unavailable("cargo is not installed")
    # RSigma asks for a newer compiler than it needs.
    command = ["cargo", *arguments, "--quiet", "--ignore-rust-version"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILT / "cargo")}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise Unavailable(f"cargo {arguments[0]}: {(result.stderr.strip().splitlines() or ['failed'])[-1]}")


@functools.cache
def rsigma_match() -> Path:
    """The program of bench/peers/rsigma: RSigma's crates doing what native/match.c does. Unavailable without cargo."""
    _cargo("build", "--release", "--manifest-path", str(PEERS / "rsigma" / "Cargo.toml"))
    return BUILT / "cargo" / "release" / "rsigma-match"


@functools.cache
def rsigma_command() -> Path:
    """RSigma's own command, from the registry, without its daemon. Unavailable without cargo."""
    made = BUILT / f"rsigma-{RSIGMA}" / "bin" / "rsigma"
    if not made.exists():
        _cargo("install", f"rsigma@{RSIGMA}", "--root", str(made.parent.parent), "--no-default-features")
    return made


@functools.cache
def hyperscan_match() -> Path:
    """bench/peers/hyperscan.c over Debian's libhyperscan-dev. Unavailable without it."""
    if not Path("/usr/include/hs/hs.h").exists():
        raise Unavailable("libhyperscan-dev is not installed")
    return _compile(BUILT / "hyperscan", [PEERS / "hyperscan.c"], [], "-lhs")
