"""Builds the native test programs and fuzzers: tests/native/test_*.c and fuzz_*.c with the files of native/ they name.

A program says what it is made of in its first lines:
    // sources: ring.c wait.c       files of native/, as many such lines as it takes; or all
    // sanitize: thread             instead of address,undefined; clang's alone, as both have one runtime
    // optimize: 0                  instead of 1: what is mostly compiled and hardly runs
Objects and programs are kept in build/native-tests under a hash of everything that went in: what several programs are
made of is compiled once, and a second run compiles nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import unwind_seeds

from sensor import _build

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
NATIVE = ROOT / "native"
CACHE = ROOT / "build" / "native-tests"
WINDOWS_COMPILER = "x86_64-w64-mingw32-gcc"
FLAGS = ("-std=c11", "-D_GNU_SOURCE", "-g", "-fno-omit-frame-pointer", "-Wall", "-Wextra", "-Werror")
# The sanitizers of gcc 12 and clang 14 cannot place their shadow memory where 6.x kernels randomise with 32 bits.
RUNNER = ("setarch", "-R")
SKIPPED = 77
ENV = {
    **os.environ,
    "ASAN_OPTIONS": "detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1",
}


def directive(source: Path, name: str, default: str) -> str:
    """The rest of the lines `// name: ...` among the file's first lines."""
    found = []
    for line in source.read_text().splitlines():
        if not line.startswith("//"):
            break
        key, _, value = line[2:].partition(":")
        if key.strip() == name:
            found.append(value.strip())
    return " ".join(found) or default


@cache
def compiler_version(compiler: str) -> str | None:
    """First line of --version; None when it is not installed."""
    if not shutil.which(compiler):
        return None
    return subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def compilers(source: Path) -> tuple[str, ...]:
    """Those that a test program is to be made with."""
    return ("clang",) if directive(source, "sanitize", "") == "thread" else ("gcc", "clang")


def build(source: Path, compiler: str, sanitize: str) -> Path:
    """The program made from `source`, from the cache if nothing changed. RuntimeError with the compiler's words."""
    command = [compiler, f"-fsanitize={sanitize}", "-fno-sanitize-recover=all"]
    return _made(source, _parts(source, "linux"), command, ["-lpthread"])


def build_for_windows(source: Path) -> Path | None:
    """The same as a program of Windows, without sanitizers; None: Linux alone has what it tests. RuntimeError, too."""
    parts = _parts(source, "win32")
    if not all(part.exists() for part in parts):
        return None
    libraries = ["-static", "-lpthread", "-lsynchronization"]
    return _made(source, parts, [WINDOWS_COMPILER], libraries)


def _parts(source: Path, platform: str) -> list[Path]:
    """The files of native/ that a program is made of; one that is another system's by the name that it has on this."""
    names = directive(source, "sources", "").split()
    if names == ["all"]:
        return [ROOT / name for name in _build.sources(platform)]
    here = {name: name if _build.ONLY.get(name, platform) == platform else f"{name[:-2]}_windows.c" for name in names}
    return [NATIVE / here[name] for name in names]


@cache
def _headers() -> bytes:
    """Hash of all that is included."""
    digest = hashlib.sha256()
    for path in sorted([*NATIVE.glob("*.h"), *NATIVE.glob("*.def"), *HERE.glob("*.h")]):
        digest.update(b"\0" + path.name.encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _kept(name: str, made_of: bytes, command: list[str], output: str) -> Path:
    """What `command` makes of that, kept as NAME-HASH until something else is made of that name."""
    made = CACHE / f"{name}-{hashlib.sha256(repr(command).encode() + made_of).hexdigest()[:16]}"
    if made.exists():
        return made
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        new = Path(folder) / output
        result = subprocess.run([*command, "-o", str(new)], capture_output=True, text=True, check=False)
        if result.returncode:
            raise RuntimeError(result.stderr)
        for old in CACHE.glob(f"{name}-{'?' * 16}"):
            old.unlink(missing_ok=True)
        new.rename(made)
    return made


def _made(source: Path, parts: list[Path], compile: list[str], libraries: list[str]) -> Path:
    """The program, of objects that programs share."""
    level = f"-O{directive(source, 'optimize', '1')}"
    flavour = "-".join([compile[0], *(flag.removeprefix("-fsanitize=") for flag in compile[1:2]), level[1:]])
    command = [*compile, *FLAGS, level, f"-I{NATIVE}", f"-I{HERE}"]
    common = repr(compiler_version(compile[0])).encode() + _headers()

    def compiled(part: Path) -> str:
        made_of = common + part.read_bytes()
        return str(_kept(f"{part.stem}-{flavour}.o", made_of, [*command, "-c", str(part)], "object.o"))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compiled, [source, *parts]))
    # mingw would add .exe
    return _kept(f"{source.stem}-{flavour}", b"", [*compile, *objects, *libraries], "program.exe")


def run(program: Path, *args: str, timeout: float, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, output captured. subprocess.TimeoutExpired after `timeout` seconds."""
    return subprocess.run(
        [*RUNNER, str(program), *args],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        env=ENV,
        cwd=cwd,
        check=False,
    )


def fuzzers() -> list[Path]:
    """All fuzz_*.c, by name."""
    return sorted(HERE.glob("fuzz_*.c"))


def build_fuzzer(source: Path) -> Path:
    """The libFuzzer program made from `source`."""
    return build(source, "clang", "fuzzer,address,undefined")


def seeds(source: Path, room: Path) -> list[str]:
    """The folder with the fuzzer's seeds, if it has one: seeds/NAME for fuzz_NAME.c, or made in `room`."""
    name = source.stem.removeprefix("fuzz_")
    folder = HERE / "seeds" / name
    if name in unwind_seeds.FILES:
        folder = room / "seeds"
        folder.mkdir(exist_ok=True)
        for number, seed in enumerate(unwind_seeds.seeds(name)):
            (folder / str(number)).write_bytes(seed)
    return [str(folder)] if folder.is_dir() else []
