"""The thread that answers, on real files: what it says of a payload is what the file is now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import native_records as records
import pytest
from engine_rules import table
from silent_fuse import silent_fuse

from sensor.enrich import answerer
from sensor.enrich.exchange import NEVER, Answer, Question
from sensor.enrich.facts import Facts
from sensor.enrich.model import FileKey
from sensor.enrich.programs import Programs
from sensor.enrich.service import Enrichment
from sensor.mountinfo import mount_lines
from sensor.native import Engine, Frame, Rules, ffi, lib

PATIENCE_S = 60.0
MNT_NS = os.stat("/proc/self/ns/mnt").st_ino


class Asked:
    """An engine that asks about the payload of each exec, fed on this thread, and the one who answers."""

    def __init__(self, facts: Facts, field: str = "PayloadWritable", service: type[Enrichment] = Enrichment) -> None:
        self.engine = Engine(fact_wait_ms=60_000)
        self.engine.swap_rules(Rules(table([("linux", "process_creation", f"{field}|re", ".")])))
        self.service = service(self.engine, facts, provenance=False)

    def payload(self, path: str, cwd: bytes = b"/", pid: int = 0) -> Frame | None:
        """Of an exec with a payload there; None: the rule is not met, nor undecidable."""
        argv = [b"bash", path.encode()]
        exec = records.exec_record(
            image=b"/usr/bin/bash", argv=argv, cwd=cwd, pid=pid, start=1, mnt_ns=MNT_NS, time=time.monotonic_ns()
        )
        assert self.engine.feed(exec)
        self.settle()
        frames = self.engine.take()
        return frames[0] if frames else None

    def settle(self) -> None:
        """Until all that was held is answered."""
        end = time.monotonic() + PATIENCE_S
        while self.engine.stats()["held"] > self.engine.stats()["answers"]:
            assert lib.sn_engine__settle(self.engine.pointer, 0) == 0
            assert not self.service.failure
            assert time.monotonic() < end

    def ask(self, path: Path) -> None:
        """As `payload`, without waiting for anything."""
        assert self.engine.feed(records.exec_record(image=b"/usr/bin/bash", argv=[b"bash", bytes(path)], start=1))

    def writable(self, path: str, cwd: bytes = b"/") -> str:
        frame = self.payload(path, cwd)
        assert frame is not None
        assert frame.verdict == lib.SN_MATCH
        facts = ffi.cast("struct sn_facts *", ffi.from_buffer(frame.payload_facts))
        span = facts.text[lib.SN_FACT_WRITABLE]
        return frame.payload_facts[span.off : span.off + span.len].decode()


def device_of(point: Path) -> int:
    """Of what is mounted there, which cannot be asked."""
    lines = mount_lines(Path("/proc/self/mountinfo").read_bytes())
    return next(line.dev for line in lines if line.point == str(point))


@pytest.fixture(autouse=True)
def _no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of this machine may change meanwhile, and what they are asked for is late then."""
    monkeypatch.setattr("sensor.enrich.facts.open_database", lambda: None)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with closing(Facts(tmp_path, tmp_path / "state", Programs({}, frozenset()))) as facts:
        asked = Asked(facts)
        with asked.engine, asked.service:
            yield asked


def test_what_is_kept_is_of_the_file_as_it_is_now(asked: Asked, tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_text("x")
    file.chmod(0o644)
    first = asked.writable(str(file))
    assert [asked.writable(str(file)), asked.writable("payload", os.fsencode(tmp_path))] == [first, first]
    before = asked.service.counters()["kept"]
    file.chmod(0o666)
    assert asked.writable(str(file)) == "world" != first
    (tmp_path / "other").write_text("y")
    (tmp_path / "other").chmod(0o644)
    (tmp_path / "other").rename(file)
    assert asked.writable(str(file)) == first
    assert asked.service.counters()["kept"] == before


def test_no_file_any_more(asked: Asked, tmp_path: Path) -> None:
    """Nobody can tell what it was; a relative path needs a folder."""
    for path, cwd in ((str(tmp_path / "gone"), b"/"), ("gone", b"")):
        frame = asked.payload(path, cwd)
        assert frame is not None
        assert frame.verdict == lib.SN_UNDECIDABLE


@pytest.mark.parametrize("make_it", [os.mkdir, os.mkfifo], ids=["folder", "fifo"])  # opening this one would wait
def test_what_is_no_file_has_no_facts(asked: Asked, tmp_path: Path, make_it: Callable[[Path], None]) -> None:
    """Absent, not late: no rule hangs on it."""
    make_it(tmp_path / "it")
    assert asked.payload(str(tmp_path / "it")) is None


class Behind(Enrichment):
    """Whoever knows the writers has not come so far, some times."""

    times = 3

    def _add_writer(self, question: Question, key: FileKey, answer: Answer) -> None:
        answer.again = not question.is_image and self.times > 0
        self.times -= answer.again


def test_a_writer_that_is_not_known_yet(tmp_path: Path) -> None:
    """It is asked for again; what else is known of the file stays what it was at first."""
    (tmp_path / "payload").write_text("x")
    with closing(Facts(tmp_path, tmp_path / "state", Programs({}, frozenset()))) as facts:
        asked = Asked(facts, "PayloadFirstSeen", Behind)
        with asked.engine, asked.service:
            frame = asked.payload(str(tmp_path / "payload"))
            counters = asked.service.counters()
    assert frame is not None
    found = ffi.cast("struct sn_facts *", ffi.from_buffer(frame.payload_facts))
    assert found.first != NEVER
    assert (counters["again"], counters["given_up"], counters["failed"]) == (Behind.times, 0, 0)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """Whoever mounts a file system names it: with bytes that are no UTF-8 and what other programs take for lines."""
    name, point = b"fuse.\xff\x0c", tmp_path / "fuse\x85\u2028"
    with (
        closing(Facts(tmp_path, tmp_path / "state", Programs({}, frozenset()))) as facts,
        silent_fuse(point, 1000, name),
    ):
        asked = Asked(facts)
        asked.engine.swap_rules(Rules(table([("linux", "process_creation", "ImageFilesystem|startswith", "fuse.")])))
        with asked.engine, asked.service:
            exec = records.exec_record(
                image=bytes(point / "it"), start=1, dev=device_of(point), inode=7, time=time.monotonic_ns()
            )
            assert asked.engine.feed(exec)
            asked.settle()
            frame = asked.engine.take()[0]
            assert asked.service.counters()["failed"] == 0
    assert frame.verdict == lib.SN_MATCH
    assert name in frame.image_facts


def test_a_file_system_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is root's own, so it is looked at: that is told, and the end does not wait for it."""
    monkeypatch.setattr(answerer, "_STUCK_S", 0.0)
    with closing(Facts(tmp_path, tmp_path / "state", Programs({}, frozenset()))) as facts:
        asked = Asked(facts)
        with asked.engine:
            with silent_fuse(tmp_path / "fuse", 0):
                with asked.service:
                    asked.ask(tmp_path / "fuse/it")
                    end = time.monotonic() + PATIENCE_S
                    while not asked.service.failure.endswith("fuse/it"):
                        assert time.monotonic() < end
                assert asked.service.failure
            asked.service.join()
        assert not asked.service.failure
