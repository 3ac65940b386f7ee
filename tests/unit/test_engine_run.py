"""The engine while its match thread runs: what is pushed, when rules are swapped, and its end."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import native_records as make
import pytest
from engine_rules import engine_with, linux, table

from sensor.errors import NativeError
from sensor.native import Engine, Frame, Rules, lib

INIT = make.process_record(pid=1, start=1, image=b"/sbin/init", argv=[b"init"], uid=0)


@contextmanager
def running(engine: Engine) -> Iterator[threading.Thread]:
    """The engine's match thread; on the way out it has judged all that was pushed."""
    thread = threading.Thread(target=engine.run)
    thread.start()
    try:
        yield thread
    finally:
        engine.stop()
        thread.join()


def take_all(engine: Engine) -> list[Frame]:
    found: list[Frame] = []
    while frames := engine.take():
        found += frames
    return found


def test_what_was_pushed_is_judged_before_the_run_ends() -> None:
    with engine_with([linux("Image", "true")]) as engine:
        with running(engine):
            for n in range(2000):
                assert engine.push(make.exec_record(cpu=0, seq=n, pid=9, start=9))
        assert [f.index for f in take_all(engine)] == list(range(2000))
        assert engine.stats()["seq_lost"] == 0


def test_undecidables_leave_room_for_matches() -> None:
    """Nobody takes alerts: a flood of what cannot be told does not bury what happened."""
    rows = [linux("CommandLine", "never"), linux("Image", "evil")]
    with engine_with(rows, alert_bytes=1 << 18) as engine:
        unknown = make.exec_record(pid=9, start=9, flags=lib.SN_F_ARGV_TRUNCATED, argv=[b"x" * 1000])
        with running(engine):
            for record in (*[unknown] * 400, make.exec_record(pid=9, start=9, image=b"/tmp/evil")):
                assert engine.push(record)
        verdicts = [frame.verdict for frame in take_all(engine)]
        stats = engine.stats()
    assert verdicts[-1] == lib.SN_MATCH
    assert verdicts.count(lib.SN_UNDECIDABLE) + stats["undecidable_dropped"] == stats["undecidable"] == 400
    assert stats["undecidable_dropped"] == stats["alerts_dropped"] > 0


def test_the_reader_is_woken() -> None:
    with engine_with([linux("Image", "true")]) as engine, running(engine):
        assert not engine.wait(0)
        engine.push(make.exec_record(pid=9, start=9))
        assert engine.wait(60)
        assert len(engine.take()) == 1


def test_rules_are_swapped_between_two_events() -> None:
    both = [table([linux("Image", "true")]), table([linux("CommandLine", "never"), linux("Image", "true")])]
    with Engine() as engine:
        engine.swap_rules(Rules(both[0]))
        with running(engine):
            for n in range(400):
                if n % 4 == 3:
                    engine.swap_rules(Rules(both[(n // 4 + 1) % 2]))
                assert engine.push(make.exec_record(cpu=0, seq=n, pid=9, start=9))
        frames = take_all(engine)
        assert [f.index for f in frames] == list(range(400))
        generations = [f.generation for f in frames]
        assert generations == sorted(generations)
        assert {(f.generation + f.rule) % 2 for f in frames} == {1}
        assert engine.stats()["generation"] == 101


def test_rules_are_swapped_while_another_thread_pushes() -> None:
    both = [table([linux("Image", "true")]), table([linux("CommandLine", "never"), linux("Image", "true")])]
    count, least = 3000, []
    with Engine(ring_bytes=1 << 22, alert_bytes=1 << 23) as engine:
        engine.swap_rules(Rules(both[0]))

        swapped = threading.Event()

        def push() -> None:
            for n in range(count):
                if n == count // 2:
                    assert swapped.wait(60)
                least.append(engine.stats()["generation"])
                assert engine.push(make.exec_record(cpu=0, seq=n, pid=9, start=9))

        with running(engine):
            pusher = threading.Thread(target=push)
            pusher.start()
            while not engine.stats()["received"]:
                pusher.join(0.001)
            for n in itertools.takewhile(lambda _: pusher.is_alive(), itertools.count(1)):
                engine.swap_rules(Rules(both[n % 2]))
                swapped.set()
            pusher.join()
        frames = take_all(engine)
        assert [f.index for f in frames] == list(range(count))
        generations = [f.generation for f in frames]
        assert generations == sorted(generations)
        assert {(f.generation + f.rule) % 2 for f in frames} == {1}
        assert all(used >= early for used, early in zip(generations, least, strict=True))
        assert len(set(generations)) > 1


def test_nothing_is_fed_beside_a_run() -> None:
    with engine_with([linux("Image", "true")]) as engine:
        entered = threading.Event()
        with running(engine):
            engine.push(INIT)
            while not engine.stats()["received"]:
                entered.wait(0.001)
            with pytest.raises(NativeError):
                engine.feed(INIT)


def test_close_ends_the_run() -> None:
    engine = Engine()
    engine.swap_rules(Rules(table([linux("Image", "true")])))
    engine.push(INIT)
    thread = threading.Thread(target=engine.run)
    thread.start()
    while not engine.stats()["received"]:
        thread.join(0.001)
    engine.close()
    thread.join()
    engine.close()
    with pytest.raises(ValueError, match="closed"):
        engine.stats()
