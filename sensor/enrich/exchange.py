"""What the match thread asks of files, and what it is told: native/questions.h as Python objects."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any, NamedTuple

from sensor.enrich.model import FileKey
from sensor.native import Engine, check, ffi, lib

NEVER = -(1 << 63)  # INT64_MIN
_HEAD = ffi.sizeof("struct sn_told_head")
_FACTS = ffi.sizeof("struct sn_facts")
_TEXT_MAX: int = lib.SN_FACTS_MAX - _FACTS
# Bytes of texts that may be long: what is cut says so.
_LONGEST = {"HASHES": 256, "DESCRIPTION": 128, "PRODUCT": 96, "COMPANY": 96, "SIGNATURE": 128, "ORIGINAL_NAME": 128}
_LONGEST |= {"WRITER_IMAGE": 192, "WRITER_COMMAND_LINE": 256, "WRITER_URL": 128}
_OTHERS = 64


class Question(NamedTuple):
    """About the executed file, whose `key` is given, or about the payload at `path`. Times: CLOCK_BOOTTIME, ns; on
    Windows since 1970, where the key is the match thread's name for the path, 0 where it has none."""

    is_image: bool
    number: int
    time: int
    start: int
    key: FileKey
    pid: int
    mnt_ns: int
    path: bytes
    cwd: bytes
    program: bytes = b""  # Windows, of a payload: the program that was made to run it
    is_library: bool = False  # and that program's loader looks for it


class Answer:
    """`texts` and `late` by the name of enum sn_fact without SN_FACT_; lists have their elements ended by NUL. `key`
    None: not to be remembered. Times: CLOCK_BOOTTIME, ns; NEVER: none."""

    def __init__(
        self,
        state: int = lib.SN_FACTS_KNOWN,
        key: FileKey | None = None,
        *,
        texts: Mapping[str, bytes] | None = None,
        late: frozenset[str] = frozenset(),
        changed: int = NEVER,
        first: int = NEVER,
        written: int = NEVER,
        writer_start: int = 0,
        again: bool = False,
    ) -> None:
        self.state = state
        self.key = key
        self.texts: Mapping[str, bytes] = texts or {}
        self.late = late
        self.changed = changed
        self.first = first
        self.written = written
        self.writer_start = writer_start
        self.again = again  # some of what is late may be known when it is asked for again
        self.packed = b""  # what `packed` makes of it, once that was done


class Exchange:
    """The one who answers, on one thread, for as long as the engine is open; `end` is for any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._buffer = ffi.new("uint64_t[]", 1 << 13)

    def questions(self, timeout: float) -> list[Question]:
        """Those that wait, after `timeout` seconds at most; also none before that, once `end` was called."""
        size = lib.sn_engine__questions(
            self._engine.pointer, self._buffer, ffi.sizeof(self._buffer), int(timeout * 1000)
        )
        whole = memoryview(ffi.buffer(self._buffer, check(size, "take questions")))
        found, at = [], 0
        while at < len(whole):
            found.append(_question(whole[at:]))
            at += int.from_bytes(whole[at : at + 4], "little")
        return found

    def end(self) -> None:
        """Ends the wait for questions."""
        lib.sn_engine__end_questions(self._engine.pointer)

    def answer(self, question: Question, answer: Answer) -> bool:
        """False: the match thread is behind, it must be told again."""
        body = answer.packed or packed(answer)
        return self._tell(lib.SN_TOLD_FACTS, body, number=question.number, time=question.time, key=answer.key)

    def program(self, key: FileKey, name: str) -> bool:
        """That the file is the program of that grammar. False: to be told again."""
        return self._tell(lib.SN_TOLD_PROGRAM, name.encode(errors="surrogateescape"), key=key)

    def forget(self) -> bool:
        """All facts and programs. False: to be told again."""
        return self._tell(lib.SN_TOLD_FORGET, b"")

    def _tell(self, what: int, body: bytes, *, number: int = 0, time: int = 0, key: FileKey | None = None) -> bool:
        head = ffi.new("struct sn_told_head *", {"size": _HEAD + len(body), "what": what, "number": number})
        head.time = time
        if key is not None:
            head.file = {"dev": key.dev, "inode": key.inode, "bytes": key.size}
            head.file.mtime, head.file.ctime = key.mtime_ns, key.ctime_ns
        told = bytes(ffi.buffer(head)) + body
        rc = lib.sn_engine__tell(self._engine.pointer, told, len(told))
        return rc != -errno.ENOBUFS and check(rc, "tell facts") == 0


def packed(answer: Answer) -> bytes:
    """As struct sn_facts."""
    texts = _Texts(answer.texts)
    facts = ffi.new(
        "struct sn_facts *",
        {
            "size": _FACTS + len(texts.bytes),
            "state": answer.state,
            "lost": _bits(answer.late),
            "cut": _bits(texts.cut),
            "changed": answer.changed,
            "first": answer.first,
            "written": answer.written,
            "writer_start": answer.writer_start,
            "text": texts.spans,
        },
    )
    return bytes(ffi.buffer(facts)) + texts.bytes


def _question(view: memoryview) -> Question:
    head = ffi.cast("struct sn_question *", ffi.from_buffer(view))
    key = FileKey(head.file.dev, head.file.inode, head.file.bytes, head.file.mtime, head.file.ctime)

    def text(span: Any) -> bytes:
        return bytes(view[span.off : span.off + span.len])

    return Question(
        head.of == lib.SN_ASKED_IMAGE,
        head.number,
        head.time,
        head.start,
        key,
        head.pid,
        head.mnt_ns,
        text(head.path),
        text(head.cwd),
        text(head.program),
        bool(head.is_library),
    )


def _bits(names: frozenset[str]) -> int:
    return sum(1 << getattr(lib, f"SN_FACT_{name}") for name in names)


class _Texts:
    """Texts one behind the other, those that are too long cut, and where each stands in a struct sn_facts."""

    def __init__(self, texts: Mapping[str, bytes]) -> None:
        self.spans = [{"off": 0, "len": 0} for _ in range(lib.SN_FACTS)]
        self.bytes = b""
        cut = set()
        for name, text in texts.items():
            kept = text[: min(_LONGEST.get(name, _OTHERS), _TEXT_MAX - len(self.bytes))]
            if len(kept) < len(text):
                cut.add(name)
            if kept:
                self.spans[getattr(lib, f"SN_FACT_{name}")] = {"off": _FACTS + len(self.bytes), "len": len(kept)}
                self.bytes += kept
        self.cut = frozenset(cut)
        self.bytes += b"\0" * (-len(self.bytes) % 8)
