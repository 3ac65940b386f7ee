"""Recording a package build: what Linsang records while its own wheel is made by pip, and its objects by make."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench.builds import BUILT, ROOT
from bench.processes import recorder
from sensor._build import sources
from sensor.native import lib
from sensor.recording import RecordingReader, RecordingWriter

NAME = "package-build"
# of native/event.h: struct sn_header, and the first of struct sn_fork's own members
_HEADER = struct.Struct("<IHHQQQII")
_FORK = struct.Struct("<QQII")


def recording() -> Path:
    """The recording, made once for a layout of records."""
    layout = zlib.crc32((ROOT / "native" / "event.h").read_bytes())
    made = BUILT / f"{NAME}-{layout:08x}.linsang"
    if not made.exists():
        BUILT.mkdir(parents=True, exist_ok=True)
        whole, partial = made.with_suffix(".whole"), made.with_suffix(".partial")
        for file in (whole, partial):
            file.unlink(missing_ok=True)
        with _tracked_files(BUILT / "wheel") as source, recorder(whole, BUILT / f"{NAME}.log"):
            _build(source)
        _keep(whole, partial)
        whole.unlink()
        partial.rename(made)
    return made


def _keep(whole: Path, part: Path) -> None:
    with (
        whole.open("rb") as read,
        RecordingReader(read.fileno(), str(whole)) as reader,
        part.open("wb") as out,
        RecordingWriter(out.fileno(), reader.header) as writer,
    ):
        for record in of_descendants(reader, os.getpid()):
            writer.append(record)
        writer.flush()


@contextlib.contextmanager
def _tracked_files(folder: Path) -> Iterator[Path]:
    """A copy of what git has of the project, which is not there any more afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for path in tracked.decode().rstrip("\0").split("\0"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _build(source: Path) -> None:
    pip = [str(ROOT / ".venv" / "bin" / "python"), "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "-w", str(source / "dist"), str(source)], check=True)
    # a goal of its own: the names of all objects would be in the parent's command line of each compiler
    objects = [f"build/check/gcc/{Path(file).with_suffix('.o')}" for file in sources(sys.platform)]
    make = ["make", "--silent", "-C", str(source), "-f", "Makefile", "-f", "-", "objects"]
    goal = f"objects: {' '.join(objects)}\n".encode()
    subprocess.run(make, input=goal, check=True, stdout=subprocess.DEVNULL)


def of_descendants(records: Iterable[bytes], root: int) -> Iterator[bytes]:
    """Who lived at the start, then what the processes did that `root` starts and those that they start: a machine does
    other things, too, and what is measured should not depend on them."""
    own: dict[int, int] = {}  # pid and start
    for record in records:
        _, kind, _, _, _, start, pid, _ = _HEADER.unpack_from(record)
        if kind == lib.SN_FORK:
            _, creator_start, _, creator = _FORK.unpack_from(record, _HEADER.size)
            if creator == root or own.get(creator) == creator_start:
                own[pid] = start
        if kind == lib.SN_PROCESS or own.get(pid) == start:
            yield record
