"""Facts of files that come late: who is asked what, who waits, and that every alert comes once with what is known."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

import native_records as records
import pytest
from engine_rules import table
from raised import Ledger, raised

from sensor.enrich.exchange import Answer, Exchange, Question
from sensor.enrich.model import FileKey
from sensor.native import Engine, Frame, Rules, lib
from sensor.proxy import proxy_of

SECOND = 1_000_000_000
EXEC = ("linux", "process_creation")
RULES: dict[str, tuple[str, Any]] = {
    "image unpackaged": ("ImageTrust", "unpackaged"),
    "payload unpackaged": ("PayloadTrust", "unpackaged"),
    "is env": ("ProxyIdentity", "env"),
    "renamed": ("RenamedProxy", "true"),
    "first seen": ("ImageFirstSeen", "true"),
    "old": ("ImageAge|gte", 3),
    "no package": ("ImagePackage|exists", False),
    "has a package": ("ImagePackage|exists", True),
    "flags": ("ImageMountFlags", "noexec"),
    "written by": ("ImageWriterCommandLine|contains", "evil"),
    "plain": ("Image|endswith", "/plain"),
    "bash runs": ("ProxyChain", "bash"),
    "two": ("ProxyDepth|gte", 2),
}
NAMES = tuple(RULES)


@cache
def _table(*names: str) -> bytes:
    rows = []
    for name in names:
        field, value = RULES[name]
        rows.append((*EXEC, field if "|" in field else f"{field}|re", value))
    return table(rows)


class Sensor:
    """An engine with rules by name, fed on this thread, and the one who answers."""

    def __init__(self, *names: str, wait_ms: int = 10_000) -> None:
        self.names = names
        self.engine = Engine(
            ring_bytes=1 << 16,
            alert_bytes=1 << 23,
            table_bytes=1 << 18,
            table_entries=4096,
            fact_wait_ms=wait_ms,
        )
        self.engine.swap_rules(Rules(_table(*names)))
        self.exchange = Exchange(self.engine)
        self.time = 10 * SECOND

    def exec(self, image: str = "/tmp/x", argv: Sequence[str] = ("x",), *, inode: int = 7, **more: Any) -> None:
        self.time += SECOND
        known = {"pid": 9, "start": 9, "time": self.time, "dev": 3, "inode": inode, "file_size": 1, "file_ctime": 5}
        raw = [a.encode() for a in argv]
        assert self.engine.feed(records.exec_record(image=image.encode(), argv=raw, **known | more))

    def questions(self) -> list[Question]:
        return self.exchange.questions(0)

    def answer(self, question: Question, *, late: frozenset[str] = frozenset(), **facts: Any) -> None:
        texts = {name.upper(): value.encode() for name, value in facts.items() if isinstance(value, str)}
        numbers = {name: value for name, value in facts.items() if not isinstance(value, str)}
        key = question.key if question.is_image else None
        assert self.exchange.answer(question, Answer(key=key, texts=texts, late=late, **numbers))
        self.settle()

    def settle(self, *, all: bool = False) -> None:
        assert lib.sn_engine__settle(self.engine.pointer, all) == 0

    def frames(self) -> list[Frame]:
        return self.engine.take()

    def alerts(self) -> list[tuple[str, str]]:
        """Rule and verdict."""
        return raised(self.frames(), self.names)


def test_a_rule_waits_for_the_image() -> None:
    sensor = Sensor("image unpackaged", "plain")
    sensor.exec("/tmp/plain")
    (question,) = sensor.questions()
    assert question.is_image
    assert (question.path, question.pid, question.time) == (b"/tmp/plain", 9, sensor.time)
    assert question.key == FileKey(3, 7, 1, 0, 5)
    assert sensor.alerts() == []
    sensor.answer(question, trust="unpackaged")
    assert sensor.alerts() == [("image unpackaged", "match"), ("plain", "match")]
    sensor.exec("/tmp/plain")  # known by now
    assert sensor.questions() == []
    assert sensor.alerts() == [("image unpackaged", "match"), ("plain", "match")]
    sensor.exec("/tmp/plain", file_ctime=6)  # another file
    (question,) = sensor.questions()
    sensor.answer(question, trust="packaged")
    assert sensor.alerts() == [("plain", "match")]
    stats = sensor.engine.stats()
    assert (stats["questions"], stats["answers"], stats["held"], stats["held_late"]) == (2, 2, 2, 0)
    assert (stats["judged"], stats["matched_events"], stats["undecidable"]) == (3, 3, 0)


def test_the_same_file_is_asked_about_once() -> None:
    sensor = Sensor("image unpackaged")
    for _ in range(3):
        sensor.time -= SECOND  # at one moment
        sensor.exec()
    (question,) = sensor.questions()
    sensor.answer(question, trust="unpackaged")
    assert sensor.alerts() == [("image unpackaged", "match")] * 3


def test_late_is_undecidable_never_absent() -> None:
    names = ("image unpackaged", "is env", "renamed", "first seen", "old", "no package", "has a package", "flags")
    sensor = Sensor(*names, "plain")
    sensor.exec()
    sensor.settle()
    assert sensor.alerts() == []
    sensor.settle(all=True)
    frames = sensor.frames()
    assert [(sensor.names[f.rule], f.verdict) for f in frames] == [(name, lib.SN_UNDECIDABLE) for name in names]
    assert all(frame.cause_field is not None for frame in frames)
    stats = sensor.engine.stats()
    assert (stats["held_late"], stats["held_now"], stats["held_max"]) == (1, 0, 1)


def test_nobody_can_tell_is_undecidable_too() -> None:
    sensor = Sensor("image unpackaged", "no package", "old")
    sensor.exec()
    (question,) = sensor.questions()
    sensor.answer(question, late=frozenset(("TRUST", "PACKAGE")), changed=sensor.time - 3 * SECOND)
    assert sensor.alerts() == [("image unpackaged", "undecidable"), ("no package", "undecidable"), ("old", "match")]


def test_every_fact() -> None:
    sensor = Sensor("has a package", "no package", "flags", "old", "first seen", "written by")
    sensor.exec()
    (question,) = sensor.questions()
    facts = {"package": "p", "mount_flags": "nosuid\0noexec", "first": sensor.time, "changed": sensor.time - SECOND}
    sensor.answer(question, **facts, writer_command_line="e" * 300 + "vil")
    seen = [("has a package", "match"), ("flags", "match"), ("first seen", "match"), ("written by", "undecidable")]
    assert sensor.alerts() == seen
    sensor.exec()
    sensor.exec()
    later = [("has a package", "match"), ("flags", "match"), ("written by", "undecidable")]
    assert sensor.alerts() == [*later, *later[:2], ("old", "match"), later[2]]


def test_without_room_for_waiting_nothing_is_lost() -> None:
    sensor = Sensor("image unpackaged")
    count = 2700
    for inode in range(1, count + 1):
        sensor.exec(inode=inode, argv=["x" * 100])
        assert len(sensor.questions()) == 1
    taken = sensor.alerts()
    sensor.settle(all=True)
    taken += sensor.alerts()
    stats = sensor.engine.stats()
    assert len(taken) == count == stats["held_refused"] + stats["held"]
    assert stats["held_refused"] > 0
    assert set(taken) == {("image unpackaged", "undecidable")}


def test_never_wait() -> None:
    sensor = Sensor("image unpackaged", wait_ms=0)
    sensor.exec()
    assert sensor.alerts() == [("image unpackaged", "undecidable")]
    (question,) = sensor.questions()
    sensor.answer(question, trust="unpackaged")
    assert sensor.alerts() == []
    sensor.exec()
    assert sensor.alerts() == [("image unpackaged", "match")]


def test_without_anybody_who_looks_facts_are_absent() -> None:
    engine = Engine()
    engine.swap_rules(Rules(_table("image unpackaged", "no package", "renamed")))
    engine.feed(records.exec_record(inode=4))
    assert [frame.rule for frame in engine.take()] == [1]
    assert lib.sn_engine__questions(engine.pointer, engine._buffer, 64, 0) < 0


# ---- payloads ----


def known(sensor: Sensor, **facts: str) -> None:
    """Answers what is asked of images."""
    for question in sensor.questions():
        if question.is_image:
            sensor.answer(question, trust="packaged", **facts)


def warm(*names: str) -> Sensor:
    """A sensor that knows inode 7."""
    sensor = Sensor(*names)
    sensor.exec()
    known(sensor)
    sensor.frames()
    return sensor


@pytest.mark.parametrize(
    ("argv", "path"),
    [
        (["bash", "./run.sh"], b"./run.sh"),
        (["bash", "run.sh"], b"run.sh"),
        (["env", "/tmp/a", "b"], b"/tmp/a"),
        (["env", "a"], None),  # whatever PATH says: its own exec tells
        (["bash", "-c", "id; id"], None),
        (["cat", "/tmp/a"], None),
    ],
    ids=str,
)
def test_the_file_that_the_payload_is(argv: list[str], path: bytes | None) -> None:
    sensor = warm("payload unpackaged")
    sensor.exec(f"/usr/bin/{argv[0]}", argv, cwd=b"/home/u", mnt_ns=77)
    questions = sensor.questions()
    assert [(q.is_image, q.path, q.cwd, q.mnt_ns) for q in questions] == (
        [(False, path, b"/home/u", 77)] if path else []
    )
    assert sensor.alerts() == []
    for question in questions:
        sensor.answer(question, trust="unpackaged")
    assert sensor.alerts() == ([("payload unpackaged", "match")] if path else [])


def test_a_payload_is_asked_about_for_its_alerts() -> None:
    sensor = warm("bash runs")
    sensor.exec("/usr/bin/bash", ["bash", "/tmp/a"])
    (question,) = sensor.questions()
    sensor.answer(question, trust="unpackaged", owner="root")
    (frame,) = sensor.frames()
    assert b"unpackaged" in frame.payload_facts
    assert b"packaged" in frame.image_facts


def test_the_payload_of_a_chain_is_the_image() -> None:
    sensor = warm("payload unpackaged")
    sensor.exec("/usr/bin/env", ["env", "/opt/tool"])
    sensor.answer(sensor.questions()[0], trust="packaged")
    assert sensor.alerts() == []
    sensor.exec("/opt/tool", ["/opt/tool"], inode=8)
    (question,) = sensor.questions()
    assert question.is_image
    sensor.answer(question, trust="unpackaged")
    assert sensor.alerts() == [("payload unpackaged", "match")]


# ---- programs under other names ----


def test_a_renamed_program_by_inode() -> None:
    sensor = Sensor("is env", "renamed", "two")
    assert sensor.exchange.program(FileKey(3, 7, size=1, mtime_ns=0, ctime_ns=4), "env")
    sensor.settle()
    sensor.exec("/tmp/x", ["x", "nice", "id"])
    known(sensor)
    frames = sensor.frames()
    assert [sensor.names[f.rule] for f in frames] == ["is env", "renamed", "two"]
    proxy = proxy_of(frames[0].proxy)
    assert proxy is not None
    assert (proxy.chain, proxy.argv) == (("env", "nice"), ("id",))
    sensor.exec("/usr/bin/env", ["env", "id"], pid=10)
    assert sensor.alerts() == [("is env", "match")]
    sensor.exec("/tmp/x", ["x", "nice", "id"], pid=12, file_mtime=6)  # the inode is another file's by now
    known(sensor)
    assert sensor.alerts() == []
    assert sensor.exchange.forget()
    sensor.settle()
    sensor.exec("/tmp/x", ["x", "nice", "id"], pid=11)
    known(sensor)
    assert sensor.alerts() == []


def test_a_copied_program_is_unwound_again() -> None:
    sensor = Sensor("payload unpackaged", "is env", "renamed", "bash runs", "two")
    sensor.exec("/tmp/x", ["x", "bash", "/tmp/payload"])
    (image,) = sensor.questions()
    sensor.answer(image, trust="unpackaged", identity="env")
    assert sensor.alerts() == []
    (payload,) = sensor.questions()
    assert (payload.is_image, payload.path) == (False, b"/tmp/payload")
    sensor.answer(payload, trust="unpackaged")
    frames = sensor.frames()
    assert [sensor.names[f.rule] for f in frames] == list(sensor.names)
    assert {f.renamed for f in frames} == {lib.SN_IS_RENAMED}
    proxy = proxy_of(frames[0].proxy)
    assert proxy is not None
    assert (proxy.chain, proxy.path) == (("env", "bash"), "/tmp/payload")


def test_what_it_is_judged_by_is_as_it_was() -> None:
    """The parent has become another program by the time that the answer comes."""
    engine_rows = [(*EXEC, "ParentImage", "/bin/before"), (*EXEC, "ImageTrust", "unpackaged")]
    sensor = Sensor("image unpackaged")
    sensor.engine.swap_rules(Rules(table(engine_rows)))
    sensor.engine.feed(records.process_record(image=b"/bin/before", pid=1, start=1, time=1))
    sensor.engine.feed(records.fork_record(pid=9, start=9, time=2, creator_pid=1, creator_start=1))
    sensor.exec()
    sensor.engine.feed(records.exec_record(image=b"/bin/after", pid=1, start=1, time=3))
    sensor.frames()
    for question in sensor.questions():
        sensor.answer(question, trust="unpackaged")
    frames = sensor.frames()
    assert [frame.rule for frame in frames] == [0, 1]
    assert all(b"/bin/before" in frame.lineage[0] for frame in frames)


# ---- every (event, rule) once ----


def test_every_alert_once() -> None:
    """Random execs, answers and ends of time: what is raised is what the rules say of each event, each once."""
    rng = random.Random(3)
    sensor = Sensor("image unpackaged", "plain", "has a package")
    trusts = {inode: rng.choice(("packaged", "unpackaged")) for inode in range(1, 60)}
    ledger = Ledger(sensor.names)
    open_questions: list[Question] = []

    for index in range(3000):
        inode = rng.choice(list(trusts))
        name = rng.choice(("/tmp/plain", "/tmp/x"))
        record = records.exec_record(
            image=name.encode(), pid=index + 1, start=1, time=index, inode=inode, file_ctime=index // 500
        )
        assert sensor.engine.feed(record, index=index)
        unpackaged = trusts[inode] == "unpackaged"
        ledger.allow(index, "image unpackaged", "match" if unpackaged else "no", "undecidable")
        ledger.allow(index, "has a package", "no" if unpackaged else "match", "undecidable")
        ledger.allow(index, "plain", "match" if name.endswith("plain") else "no")
        open_questions += sensor.questions()
        while open_questions and rng.random() < 0.3:
            question = open_questions.pop(rng.randrange(len(open_questions)))
            trust = trusts[question.key.inode]
            sensor.answer(question, trust=trust, **({"package": "p"} if trust == "packaged" else {}))
        if rng.random() < 0.01:
            sensor.settle(all=True)
        ledger.collect(sensor.frames())
    sensor.settle(all=True)
    ledger.collect(sensor.frames())
    ledger.check(matches=1000)
