"""What is known of Windows programs: asked of a child that looks into them, each at most for some seconds, and kept
while the file is the same."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, Self

from sensor.system import child_flags

_KEPT = 1024
_SECONDS = 10.0
_BEGIN_S = 60.0  # of the child itself, on a busy machine
_END_S = 2.0
_MAGIC = b"MZ"
# What an image has under Sysmon's names: of itself, of its signature.
NAMES = ("FileVersion", "Description", "Product", "Company", "OriginalFileName", "Hashes")
SIGNED_NAMES = ("Signed", "Signature", "SignatureStatus")


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Of one content of one file. `fields` under Sysmon's names; a name that is neither there nor in `unknown` is one
    that the file does not have. `why`: what is unknown, or what speaks against the signature."""

    fields: Mapping[str, str] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    why: str = ""


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    answers: queue.SimpleQueue[bytes] = field(default_factory=queue.SimpleQueue)

    def answer(self, seconds: float) -> bytes:
        """The next line. queue.Empty after so long; ChildProcessError: there will be none."""
        line = self.answers.get(timeout=seconds)
        if not line:
            raise ChildProcessError("looking into it ended the process that did")
        return line


class Inspector:
    """Use as a context. `seconds` a file; `kept` files are remembered. One thread at a time."""

    def __init__(self, seconds: float = _SECONDS, kept: int = _KEPT) -> None:
        self._seconds = seconds
        self._kept_max = kept
        self._known: OrderedDict[tuple[int, ...], ImageFacts] = OrderedDict()
        self._child: _Child | None = None
        self._counts = dict.fromkeys(("inspected", "kept", "late", "failed"), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def counters(self) -> dict[str, int]:
        """Since the start: `late` took too long, `failed` ended the child."""
        return dict(self._counts)

    def known(self, path: str) -> ImageFacts | None:
        """What was found out about the file as it is now; None: nothing yet."""
        try:
            return self._kept(_key(os.stat(path)))
        except (OSError, ValueError):
            return None

    def of(self, path: str, *, any_file: bool = False) -> ImageFacts | None:
        """None: it cannot be read or, unless `any_file`, is no Windows program or library by its first bytes."""
        try:
            with open(path, "rb") as file:
                key = _key(os.fstat(file.fileno()))
                if not any_file and not is_program(file):
                    return None
        except (OSError, ValueError):
            return None
        known = self._kept(key)
        if known is not None:
            return known
        found = self._ask(os.path.abspath(path))
        self._known[key] = found
        if len(self._known) > self._kept_max:
            self._known.popitem(last=False)
        return found

    def _kept(self, key: tuple[int, ...]) -> ImageFacts | None:
        known = self._known.get(key)
        if known is not None:
            self._counts["kept"] += 1
            self._known.move_to_end(key)
        return known

    def _ask(self, path: str) -> ImageFacts:
        """What takes too long or ends the child is late, for as long as the file is the same."""
        try:
            child = self._running()
            assert child.process.stdin is not None
            child.process.stdin.write(json.dumps(path).encode() + b"\n")
            child.process.stdin.flush()
            answer = child.answer(self._seconds)
        except queue.Empty:
            self._end()
            self._counts["late"] += 1
            return _unknown(f"looking into it took longer than {self._seconds:g} s")
        except OSError as error:
            self._end()
            self._counts["failed"] += 1
            return _unknown(str(error))
        self._counts["inspected"] += 1
        return _facts(json.loads(answer))

    def _running(self) -> _Child:
        if self._child is None:
            command = [sys.executable, "-P", "-m", "sensor.enrich.inspection"]
            pipe, flags = subprocess.PIPE, child_flags()
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, creationflags=flags)
            self._child = _Child(process)
            assert process.stdout is not None
            threading.Thread(target=_listen, args=(process.stdout, self._child.answers), daemon=True).start()
            self._child.answer(_BEGIN_S)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.process.kill()
        with suppress(subprocess.TimeoutExpired):
            child.process.wait(_END_S)
        assert child.process.stdin is not None
        with suppress(OSError):
            child.process.stdin.close()


def is_program(file: BinaryIO) -> bool:
    """By its first bytes."""
    file.seek(0)
    return file.read(len(_MAGIC)) == _MAGIC


def _key(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _listen(lines: IO[bytes], answers: queue.SimpleQueue[bytes]) -> None:
    """Until the child ends, which is an empty answer. Pipes cannot be waited for with a limit on Windows."""
    with lines:
        for line in lines:
            answers.put(line)
    answers.put(b"")


def _unknown(why: str) -> ImageFacts:
    return ImageFacts(unknown=frozenset((*NAMES, *SIGNED_NAMES)), why=why)


def _facts(answer: dict[str, Any]) -> ImageFacts:
    return ImageFacts(answer["fields"], frozenset(answer["unknown"]), answer["why"])
