"""Answers the match thread's questions about files on Windows: one thread, which has a child look into those that it
does not know yet, one after the other. What is known goes first.

question ─► where the file lies ─► known: answer
                                └► waits ─► inspector's child, at most some seconds ─► answer
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable

from sensor.enrich.answerer import SECOND, Answerer
from sensor.enrich.exchange import Answer, Question
from sensor.enrich.inspector import ImageFacts, Inspector
from sensor.native import Engine, lib

_WAITING_MAX = 4096  # files that are looked into later
# Sysmon's names as enum sn_fact has them; what is not to be cut goes first.
_FACTS = {
    "Hashes": "HASHES",
    "Signed": "SIGNED",
    "SignatureStatus": "SIGNATURE_STATUS",
    "OriginalFileName": "ORIGINAL_NAME",
    "Signature": "SIGNATURE",
    "Company": "COMPANY",
    "Product": "PRODUCT",
    "FileVersion": "FILE_VERSION",
    "Description": "DESCRIPTION",
}
_NOT_WINDOWS = frozenset(("FIRST_SEEN",))  # of facts that have no text: nobody looks

Place = Callable[[Question], str]


class Images(Answerer):
    """`inspector` outlives it; nobody else asks it. `place` says where the file lies that a question means; "": that
    cannot be told. `ahead`: files that may be asked about, looked into while nobody asks: the first start of a program
    may not wait for as long as that takes."""

    def __init__(self, engine: Engine, inspector: Inspector, place: Place, ahead: Iterable[str] = ()) -> None:
        super().__init__(engine)
        self._inspector = inspector
        self._place = place
        self._ahead = iter(ahead)
        self._waiting: deque[tuple[Question, str]] = deque()
        self._counts = dict.fromkeys(("answered", "unknown", "refused", "faults"), 0)

    def counters(self) -> dict[str, int]:
        """Since the start: `unknown` could not be found, or read; `refused`: too many waited; `open`: wait now; and the
        inspector's."""
        return {**self._counts, "open": len(self._waiting), **self._inspector.counters()}

    def _run(self) -> None:
        work = True
        while not self._ending:
            for question in self._exchange.questions(0.0 if work else SECOND):
                self._guarded(question, self._take_up)
            work = self._look_at_next() or self._look_ahead()

    def _look_at_next(self) -> bool:
        """False: nothing waits."""
        if not self._waiting:
            return False
        question, path = self._waiting.popleft()
        self._guarded(question, lambda q: self._look(q, path))
        return True

    def _look_ahead(self) -> bool:
        """False: all is done."""
        path = next(self._ahead, "")
        if path:
            self._inspector.of(path)
        return bool(path)

    def _guarded(self, question: Question, step: Callable[[Question], None]) -> None:
        """Whoever chose the file does not end the thread."""
        self._under_way = time.monotonic(), question.path
        try:
            step(question)
        except Exception:
            self._counts["faults"] += 1
            self._answer(question, None)
        finally:
            self._under_way = None

    def _take_up(self, question: Question) -> None:
        """Answers what is known, and what cannot be; all else waits."""
        path = self._place(question)
        known = self._inspector.known(path) if path else None
        if known is not None or not path:
            self._answer(question, known)
        elif len(self._waiting) < _WAITING_MAX:
            self._waiting.append((question, path))
        else:
            self._counts["refused"] += 1
            self._answer(question, None)

    def _look(self, question: Question, path: str) -> None:
        self._answer(question, self._inspector.of(path, any_file=not question.is_image))

    def _answer(self, question: Question, found: ImageFacts | None) -> None:
        """None: nobody can tell."""
        self._counts["answered" if found is not None else "unknown"] += 1
        answer = Answer(lib.SN_FACTS_LOST) if found is None else answer_of(found)
        answer.key = question.key if question.key.inode else None
        self._tell(lambda: self._exchange.answer(question, answer))


def answer_of(found: ImageFacts) -> Answer:
    """What the match thread is told."""
    texts = {to: os.fsencode(found.fields[name]) for name, to in _FACTS.items() if name in found.fields}
    late = frozenset(to for name, to in _FACTS.items() if name in found.unknown)
    return Answer(texts=texts, late=late | _NOT_WINDOWS)
