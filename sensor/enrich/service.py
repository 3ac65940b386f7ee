"""Answers the match thread's questions about files: one thread, which looks at one file after the other.

questions ─► facts.of, of_path ─► the file's writer ─► answer
                └─► not known yet, but may be soon: asked again, so long that nobody waits for it any more
"""

from __future__ import annotations

import errno
import heapq
import os
import socket
import time
from collections.abc import Iterator
from copy import copy
from typing import Any

from sensor.enrich.accounts import Accounts
from sensor.enrich.answerer import SECOND, Answerer
from sensor.enrich.exchange import NEVER, Answer, Question, packed
from sensor.enrich.facts import Facts
from sensor.enrich.model import FileFacts, FileKey
from sensor.enrich.warming import Warming
from sensor.native import Engine, check, ffi, lib

_AGAIN_S = 0.02  # at first; twice as long each time
_PATIENCE_S = 60.0  # a package manager's run, an index in the making
_OPEN_MAX = 4096  # questions that are asked again
_WRITER_MS = 20
_WRITER_PATIENCE_S = 0.5  # a match thread that is behind
_KEPT_MAX = 1024  # answers about payloads that are kept, as long as the file is the same and
_KEPT_S = 5.0  # whoever may change its folders had no time to
# FileFacts' members as enum sn_fact has them.
_TEXTS = {
    "trust": "TRUST",
    "package": "PACKAGE",
    "version": "PACKAGE_VERSION",
    "owner": "OWNER",
    "writable": "WRITABLE",
    "filesystem": "FILESYSTEM",
    "identity": "IDENTITY",
}
_LISTS = {"mount_flags": "MOUNT_FLAGS", "privilege": "PRIVILEGE"}
_NAMES = {**_TEXTS, **_LISTS, "first_seen": "FIRST_SEEN"}
_OF_WRITER = frozenset(
    (
        *("WRITER_IMAGE", "WRITER_COMMAND_LINE", "WRITER_USER", "WRITER_PROCESS_ID", "WRITER_URL"),
        *("WRITER_DESTINATION_IP", "WRITTEN_AGE"),
    )
)
_FAMILIES = {2: (socket.AF_INET, 4), 10: (socket.AF_INET6, 16)}
_NO_USER = 0xFFFFFFFF


class Enrichment(Answerer):
    """`facts` outlive it. `provenance`: writers of files are known; else their facts are absent."""

    def __init__(self, engine: Engine, facts: Facts, *, provenance: bool) -> None:
        super().__init__(engine)
        self._facts = facts
        self._writers = lib.sn_engine__writers(engine.pointer) if provenance else None
        self._accounts = Accounts()
        self._root = _root(os.getpid())
        self._kept: dict[tuple[int, ...], tuple[float, Answer]] = {}
        self._warming = Warming(facts)
        # heap: when, number, wait, question, and the facts where only the writer is still to come
        self._open: list[tuple[float, int, float, Question, FileFacts | None]] = []
        self._counts = dict.fromkeys(("answered", "kept", "again", "given_up", "failed"), 0)

    def counters(self) -> dict[str, int]:
        """Since the start; `open`: asked again now."""
        return {**self._counts, "open": len(self._open), **self._facts.counters()}

    # ---- the thread ----

    def _run(self) -> None:
        self._tell_programs()
        warm = False
        second = time.monotonic() + SECOND
        while not self._ending:
            until = min(second, self._open[0][0]) if self._open else second
            patience = 0.0 if self._facts.work() or not warm else max(0.0, until - time.monotonic())
            questions = self._exchange.questions(patience)
            for question in questions:
                self._take_up(question, _AGAIN_S)
            if not questions:
                warm = warm or self._warm()
            now = time.monotonic()
            if now >= second:
                second = now + SECOND
                self._refresh()
            self._ask_again(now)

    def _warm(self) -> bool:
        """A step; true when all is done."""
        self._under_way = time.monotonic(), b"a program that runs"
        try:
            facts, more = self._warming.step()
        except Exception:
            self._counts["failed"] += 1
            return False
        finally:
            self._under_way = None
        if facts is not None:
            now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            known = Question(True, 0, now, 0, facts.key, 0, 0, b"", b"")
            answer = self._answer_of(known, facts)
            self._tell(lambda: self._exchange.answer(known, answer))
        return not more

    def _refresh(self) -> None:
        self._accounts.refresh()
        if self._facts.refresh():
            self._kept.clear()
            self._tell(self._exchange.forget)
            self._tell_programs()

    def _tell_programs(self) -> None:
        for key, name in self._facts.identities():
            self._tell(lambda k=key, n=name: self._exchange.program(k, n))  # type: ignore[misc]

    def _ask_again(self, now: float) -> None:
        while self._open and self._open[0][0] <= now and not self._ending:
            _, _, wait, question, facts = heapq.heappop(self._open)
            self._take_up(question, wait * 2, facts)

    # ---- one question ----

    def _take_up(self, question: Question, wait: float, facts: FileFacts | None = None) -> None:
        """Whoever chose the file does not end the thread: what goes wrong with it is counted, and nobody can tell."""
        self._under_way = time.monotonic(), question.path
        try:
            self._answer(question, wait, facts)
        except Exception:
            self._counts["failed"] += 1
            key = question.key if question.is_image else None
            self._tell(lambda: self._exchange.answer(question, Answer(lib.SN_FACTS_LOST, key)))
        finally:
            self._under_way = None

    def _answer(self, question: Question, wait: float, facts: FileFacts | None) -> None:
        """Answers, or puts it off for `wait` seconds; `facts` that are known already are not asked for again: they say
        whether the file was seen for the first time."""
        file = b"" if question.is_image else self._place(question)
        known = self._known(file)
        if known is not None:
            self._counts["kept"] += 1
            self._tell(lambda: self._exchange.answer(question, known))
            return
        before = _status(file)
        facts = facts or self._look(question)
        comes = facts is not None and facts.again
        if comes and wait < _PATIENCE_S and self._put_off(question, wait, None):
            return
        key = question.key if question.is_image else None
        answer = Answer(lib.SN_FACTS_LOST, key) if facts is None else self._answer_of(question, facts)
        if answer.again and wait < _WRITER_PATIENCE_S and self._put_off(question, wait, facts):
            return
        self._counts["given_up"] += comes or answer.again
        self._counts["answered"] += 1
        self._tell(lambda: self._exchange.answer(question, answer))
        if facts is not None and facts.final and before and before[1] == facts.key.inode:
            self._keep(before, answer)

    def _put_off(self, question: Question, wait: float, facts: FileFacts | None) -> bool:
        """Whether there was room to ask it again in `wait` seconds."""
        if len(self._open) >= _OPEN_MAX:
            return False
        self._counts["again"] += 1
        heapq.heappush(self._open, (time.monotonic() + wait, question.number, wait, question, facts))
        return True

    def _place(self, question: Question) -> bytes:
        """Where the payload lies, if the process sees this machine's files as the sensor does; else empty."""
        root = _root(question.pid)
        same = root == self._root if root else question.mnt_ns == self._root[0]
        path = os.path.join(question.cwd, question.path)
        return path if same and path.startswith(b"/") and not self._facts.is_a_users(path) else b""

    def _known(self, file: bytes) -> Answer | None:
        """What was answered of the same file, as it is now."""
        status = _status(file)
        until, answer = self._kept.get(status, (0.0, None))
        return answer if status and time.monotonic() < until else None

    def _keep(self, status: tuple[int, ...], answer: Answer) -> None:
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        kept = copy(answer)
        kept.first = NEVER
        kept.packed = packed(kept)
        self._kept[status] = (time.monotonic() + _KEPT_S, kept)

    def _look(self, question: Question) -> FileFacts | None:
        """None: no file is there any more, so nobody can tell which it was."""
        if question.is_image:
            return self._facts.of(question.key, question.path, question.pid)
        path = question.path if question.path.startswith(b"/") else os.path.join(question.cwd, question.path)
        if not path.startswith(b"/"):
            return None
        pid = question.pid if _namespace(question.pid) == question.mnt_ns else 0  # else the pid was given away
        facts = self._facts.of_path(path, pid, question.mnt_ns)
        # of a library the inode is known: what lies there now may be another file
        return None if question.key.inode and facts and facts.key.inode not in (0, question.key.inode) else facts

    def _answer_of(self, question: Question, facts: FileFacts) -> Answer:
        key = facts.key if facts.key.inode else None
        given = {to: getattr(facts, name) for name, to in _TEXTS.items()}
        given |= {to: "\0".join(getattr(facts, name)) or None for name, to in _LISTS.items()}
        texts = {to: os.fsencode(value) for to, value in given.items() if value is not None}
        answer = Answer(
            key=key,
            texts=texts,
            late=frozenset(_NAMES[name] for name in facts.late),
            first=question.time if facts.first_seen else NEVER,
        )
        if key is not None:
            epoch = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
            answer.changed = max(key.mtime_ns, key.ctime_ns) - epoch
            self._add_writer(question, key, answer)
        return answer

    def _add_writer(self, question: Question, key: FileKey, answer: Answer) -> None:
        if self._writers is None or self._ending:
            return
        query = ffi.new("struct sn_writer_query *", {"inode": key.inode, "changed": key.ctime_ns, "dev": key.dev})
        query.time = question.time
        writer = ffi.new("struct sn_file_writer *")
        rc = lib.sn_writers__find(self._writers, query, _WRITER_MS, writer)
        if rc in (-errno.EAGAIN, -errno.ENODATA):
            answer.late |= _OF_WRITER
            answer.again = rc == -errno.EAGAIN
        elif check(rc, "find a file's writer"):
            answer.written, answer.writer_start = writer.time, writer.start
            answer.texts = {**answer.texts, **dict(self._texts_of(writer))}

    def _texts_of(self, writer: Any) -> Iterator[tuple[str, bytes]]:
        yield "WRITER_PROCESS_ID", str(writer.pid).encode()
        if writer.uid != _NO_USER:
            yield "WRITER_USER", os.fsencode(self._accounts.name(writer.uid))
        for name in ("image", "command_line", "url"):
            yield f"WRITER_{name.upper()}", bytes(ffi.buffer(getattr(writer, name), getattr(writer, f"{name}_len")))
        if writer.family in _FAMILIES:
            family, size = _FAMILIES[writer.family]
            address = socket.inet_ntop(family, bytes(ffi.buffer(writer.daddr, size)))
            yield "WRITER_DESTINATION_IP", address.encode()


def _root(pid: int) -> tuple[int, ...]:
    """The mount namespace of a process and its root in it; () when it is gone."""
    try:
        root = os.stat(f"/proc/{pid}/root/")
    except OSError:
        return ()
    return _namespace(pid), root.st_dev, root.st_ino


def _status(file: bytes) -> tuple[int, ...]:
    """What tells a file with its content from any other; () when there is none."""
    try:
        status = os.stat(file)
    except (OSError, ValueError):
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _namespace(pid: int) -> int:
    """The mount namespace of a process; 0: it is gone."""
    try:
        return os.stat(f"/proc/{pid}/ns/mnt").st_ino
    except OSError:
        return 0
