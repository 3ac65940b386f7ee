"""Loads of libraries as events: what rules see of them, and their facts, which come late."""

from __future__ import annotations

from collections.abc import Iterator

import native_records as records
import pytest
from engine_rules import table
from raised import raised

from sensor.enrich.exchange import Answer, Exchange
from sensor.native import Engine, Rules, ffi, lib, parse_record, record_json, record_json_text

LOAD = ("linux", "image_load")
RULES = {
    "name": ("ImageLoaded|re", "^/tmp/x$"),
    "by true": ("Image|re", "/true$"),
    "line": ("CommandLine|re", "true -a"),
    "parent": ("ParentImage|re", "/bash$"),
    "memory": ("ImageLoadedMemfd|re", "true"),
    "unpackaged": ("ImageLoadedTrust|re", "unpackaged"),
    "by a package's": ("ImageTrust|re", "^packaged"),
    "user": ("User|re", "^1000$"),
}
NAMES = tuple(RULES)
SECOND = 1_000_000_000


@pytest.fixture
def engine() -> Iterator[Engine]:
    """With RULES and somebody who answers; a bash, and a true that it started."""
    engine = Engine(fact_wait_ms=10_000)
    engine.swap_rules(Rules(table([(*LOAD, *RULES[name]) for name in NAMES])))
    parent = {"pid": 8, "start": 8, "time": SECOND, "inode": 6}
    engine.feed(records.exec_record(image=b"/usr/bin/bash", argv=[b"bash"], **parent))
    engine.feed(
        records.fork_record(pid=9, start=9, time=SECOND, ppid=8, creator_pid=8, parent_start=8, creator_start=8)
    )
    own = {"pid": 9, "start": 9, "time": 2 * SECOND, "inode": 7, "dev": 3, "file_size": 1, "mnt_ns": 5}
    engine.feed(records.exec_record(image=b"/usr/bin/true", argv=[b"true", b"-a"], **own))
    Exchange(engine).questions(0)
    assert engine.take() == []
    return engine


def load(path: bytes = b"/tmp/x", **members: int) -> bytes:
    return records.load_record(path, **{"pid": 9, "start": 9, "time": 3 * SECOND, "inode": 11, "uid": 1000} | members)


def alerts(engine: Engine) -> list[tuple[str, str]]:
    """Rule and verdict, once everybody has waited long enough."""
    assert lib.sn_engine__settle(engine.pointer, True) == 0
    return raised(engine.take(), NAMES)


def test_who_loaded_what_is_asked_about_once_a_rule_wants_to_know(engine: Engine) -> None:
    engine.feed(load())
    exchange = Exchange(engine)
    image, library = exchange.questions(0)
    assert (image.is_image, image.path, image.key.inode) == (True, b"/usr/bin/true", 7)
    assert (library.is_image, library.path, library.key.inode, library.pid) == (False, b"/tmp/x", 11, 9)
    assert (library.time, library.mnt_ns) == (3 * SECOND, 5)
    assert engine.take() == []
    assert exchange.answer(library, Answer(texts={"TRUST": b"unpackaged"}))
    assert exchange.answer(image, Answer(key=image.key, texts={"TRUST": b"packaged"}))
    known = [name for name in NAMES if name != "memory"]
    assert alerts(engine) == [(name, "match") for name in known]
    engine.feed(load())  # of the process's own file all is known by now
    (library,) = exchange.questions(0)
    assert exchange.answer(library, Answer(texts={"TRUST": b"packaged"}))
    assert alerts(engine) == [(name, "match") for name in known if name != "unpackaged"]


def test_late_is_undecidable(engine: Engine) -> None:
    engine.feed(load())
    verdicts = dict(alerts(engine))
    assert (verdicts["unpackaged"], verdicts["by a package's"], verdicts["name"]) == (
        *("undecidable", "undecidable"),
        "match",
    )


def test_memory_has_no_file_to_look_at(engine: Engine) -> None:
    engine.feed(load(b"memfd:x", flags=lib.SN_F_MEMFD))
    assert [question.is_image for question in Exchange(engine).questions(0)] == [True]
    verdicts = dict(alerts(engine))
    assert verdicts["memory"] == "match"
    assert "unpackaged" not in verdicts


def test_nobody_knows_which_process_it_was(engine: Engine) -> None:
    engine.feed(load(flags=lib.SN_F_UNSURE, uid=0xFFFFFFFF))
    verdicts = dict(alerts(engine))
    unknown = ("by true", "line", "parent", "user")
    assert {name: verdicts.get(name) for name in unknown} == dict.fromkeys(unknown, "undecidable")
    assert verdicts["name"] == "match"


def test_some_were_lost(engine: Engine) -> None:
    engine.feed(load(b"", pid=0, start=0))
    assert dict(alerts(engine))["name"] == "undecidable"


def test_as_json_and_back() -> None:
    record = load(b"/tmp/\xff", dev=3 << 20 | 1, execing=2, flags=lib.SN_F_DELETED, cpu=lib.SN_CPU_NONE)
    told = record_json(record)
    assert (told["type"], told["path"], told["dev"], told["execing"], told["deleted"]) == (
        *("load", "/tmp/\udcff", "3:1"),
        *(2, True),
    )
    assert parse_record(record_json_text(record).encode()) == record


@pytest.mark.parametrize("wrong", ["short", "long path", "path beyond"])
def test_damaged(wrong: str) -> None:
    record = bytearray(load(b"x" * 5000 if wrong == "long path" else b"/tmp/x"))
    if wrong == "short":
        record = record[: ffi.sizeof("struct sn_load") - 8]
        record[0:4] = len(record).to_bytes(4, "little")
    if wrong == "path beyond":
        offset = dict(ffi.typeof("struct sn_load").fields)["path"].offset
        record[offset + 4 : offset + 8] = (64).to_bytes(4, "little")
    assert lib.sn_record__check(ffi.from_buffer(record), len(record)) < 0
