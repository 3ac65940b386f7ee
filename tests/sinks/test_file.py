"""file: rotation, a full disk, somebody else's rotation, what a crash left, and standard output."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from receivers import HOSTILE, PATIENCE_S, alert, until

from sensor.encode import Lines, from_json, to_json, to_line, to_msgpack
from sensor.errors import LinsangError, Unsupported
from sensor.sinks import open_sink
from sensor.sinks.base import Target
from sensor.sinks.stdout import open_stdout


def numbers(*paths: Path) -> list[int]:
    """The alerts' sequence numbers in files of JSON lines; every line has to be a whole alert."""
    lines = [line for path in paths for line in path.read_bytes().split(b"\n")]
    return [json.loads(line)["event"]["seq"] for line in lines if line]


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_lines(tmp_path: Path, fsync: str, wait: bool) -> None:
    path = tmp_path / "a%20b"
    sink = open_sink(f"file:{tmp_path}/a%2520b?fsync={fsync}")
    sent = [alert(n, HOSTILE) for n in range(23)]
    for one in sent:
        sink.put(one, wait=wait)
    assert any(thread.name == f"sink {sink.url}" for thread in threading.enumerate()) != wait
    assert sink.close(PATIENCE_S)
    assert path.read_bytes() == b"".join(to_json(one) + b"\n" for one in sent)
    assert sink.counters()["sent"] == sink.counters()["queued"] == 23
    assert len(path.read_text("utf-8").splitlines()) == 23
    assert not sink.put(alert(24))
    assert sink.counters()["dropped"] == {"ended": 1}


def lines_of(*alerts: dict[str, Any]) -> Lines:
    return Lines(b"".join(map(to_line, alerts)), len(alerts))


@pytest.mark.parametrize("form", ["json", "msgpack", "pretty"])
def test_a_block_of_lines_is_its_alerts_one_by_one(tmp_path: Path, form: str) -> None:
    sent = [from_json(to_line(alert(n, HOSTILE))) for n in range(23)]
    sinks = [open_sink(f"file:{tmp_path}/{name}?format={form}") for name in "ab"]
    for one in sent:
        sinks[0].put(one)
    sinks[1].put_lines(lines_of(*sent))
    assert all(sink.close(PATIENCE_S) for sink in sinks)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert [sink.counters()["sent"] for sink in sinks] == [23, 23]


@pytest.mark.skipif(sys.platform == "win32", reason="renames by the thousand take longer there than close waits")
@pytest.mark.parametrize("per_file", [1, 2, 20, 40])
def test_blocks_rotate_between_alerts(tmp_path: Path, per_file: int) -> None:
    path = tmp_path / "alerts"
    limit = len(to_line(alert(100))) * per_file
    sink = open_sink(f"file:{path}?rotate_bytes={limit}&keep=200")
    sink.put_lines(lines_of(*(alert(n) for n in range(100, 200))), wait=True)
    assert sink.close(PATIENCE_S)
    files = sorted(tmp_path.iterdir(), key=lambda p: int(p.suffix[1:] or 0), reverse=True)
    assert numbers(*files) == list(range(100, 200))
    assert max(file.stat().st_size for file in files) <= limit
    assert all(len(numbers(file)) > per_file * 3 / 4 for file in files[:-1])


def test_a_block_larger_than_the_queue_waits_for_room_or_is_counted(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    block = lines_of(*(alert(n, "x" * 1000) for n in range(100)))
    for wait in (False, True):
        sink = open_stdout(Target.parse("stdout:?format=json&queue=10&queue_bytes=4096"), writer)
        seen: list[bytes] = []
        thread = threading.Thread(target=lambda: seen.append(read_lines(reader, sent)))  # noqa: B023
        sent = 100 if wait else 0
        if wait:
            thread.start()
        sink.put_lines(block, wait=wait)
        counters: Any = sink.counters()
        dropped = sum(counters["dropped"].values())
        assert counters["queued"] + dropped == 100
        assert (dropped == 0) == wait
        if wait:
            thread.join()
            assert seen == [block.data]
        else:
            read_lines(reader, counters["queued"])
        assert sink.close(PATIENCE_S)


def read_lines(fd: int, count: int) -> bytes:
    data = b""
    while data.count(b"\n") < count:
        data += os.read(fd, 65536)
    return data


def test_msgpack(tmp_path: Path) -> None:
    sink = open_sink(f"file:{tmp_path}/m?format=msgpack")
    for n in range(23):
        sink.put(alert(n))
    assert sink.close(PATIENCE_S)
    assert list(msgpack.Unpacker(io.BytesIO((tmp_path / "m").read_bytes()))) == [alert(n) for n in range(23)]


@pytest.mark.parametrize("keep", [1, 3])
def test_rotation_neither_loses_nor_splits(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "alerts"
    line = len(to_json(alert(10))) + 1
    sink = open_sink(f"file:{path}?rotate_bytes={line * 10}&keep={keep}")
    for n in range(10, 10 + 35):
        sink.put(alert(n))
    assert sink.close(PATIENCE_S)
    files = sorted(tmp_path.iterdir(), key=lambda p: int(p.suffix[1:] or 0), reverse=True)
    assert len(files) == keep + 1
    assert [len(numbers(f)) for f in files] == [10] * keep + [5]
    assert numbers(*files) == list(range(45 - 5 - 10 * keep, 45))
    assert sink.counters()["rotations"] == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows moves no file that is open")
def test_logrotate_moves_the_file_away(tmp_path: Path) -> None:
    path = tmp_path / "alerts"
    sink = open_sink(f"file:{path}")
    sink.put(alert(1))
    until(lambda: sink.counters()["sent"] == 1, "the first")
    path.rename(tmp_path / "old")
    sink.put(alert(2))
    assert sink.close(PATIENCE_S)
    assert (numbers(tmp_path / "old"), numbers(path)) == ([1], [2])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 64 KiB."""
    if sys.platform == "win32":
        pytest.skip("a small disk is Linux' tmpfs")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip(str(Unsupported("mounting a tmpfs", "run the tests as root")))
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("wait", [False, True])
@pytest.mark.parametrize("form", ["json", "msgpack"])
def test_full_disk_keeps_whole_alerts_and_goes_on_when_there_is_room(small_disk: Path, form: str, wait: bool) -> None:
    encode = (lambda a: to_json(a) + b"\n") if form == "json" else to_msgpack
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 40960)
    path = small_disk / "alerts"
    sink = open_sink(f"file:{path}?format={form}")
    sent = [alert(n, "y" * 500) for n in range(25)]
    for one in sent:
        sink.put(one, wait=wait)
    until(lambda: sink.counters()["errors"], "the disk to be full")
    assert sink.counters()["last_error"] == "No space left on device"
    count = int(str(sink.counters()["sent"]))
    assert 0 < count < 25
    whole = b"".join(encode(one) for one in sent[:count])
    until(lambda: path.read_bytes() == whole, "the half of one more, which is tried again, to be cut off")
    filler.unlink()
    assert sink.close(PATIENCE_S)
    assert path.read_bytes() == b"".join(encode(one) for one in sent)
    assert (sink.counters()["sent"], sink.counters()["dropped"]) == (25, {})


def test_full_disk_at_the_end_is_counted(small_disk: Path) -> None:
    sink = open_sink(f"file:{small_disk}/alerts")
    for n in range(300):
        sink.put(alert(n, "y" * 500))
    assert not sink.close(0.3)
    counters = sink.counters()
    assert counters["dropped"] == {"unsent_at_close": 300 - int(str(counters["sent"]))}
    assert len(numbers(small_disk / "alerts")) == counters["sent"]


@pytest.mark.parametrize(
    ("form", "left", "mended"),
    [
        ("json", b'{"event":{"seq":1}}\n{"half', b'{"event":{"seq":1}}\n{"half\n'),
        ("msgpack", to_msgpack({"a": 1}) + to_msgpack({"b": "cc"})[:-1], to_msgpack({"a": 1})),
    ],
)
def test_half_an_alert_from_a_crash_spoils_no_other(tmp_path: Path, form: str, left: bytes, mended: bytes) -> None:
    path = tmp_path / "alerts"
    path.write_bytes(left)
    sink = open_sink(f"file:{path}?format={form}")
    sink.put(alert(2))
    assert sink.close(PATIENCE_S)
    assert path.read_bytes() == mended + (to_json(alert(2)) + b"\n" if form == "json" else to_msgpack(alert(2)))


def test_refusals_name_the_file(tmp_path: Path) -> None:
    sink = open_sink(f"file:{tmp_path}/a")
    with pytest.raises(LinsangError, match="another output writes to it"):
        open_sink(f"file:{tmp_path}/a")
    sink.close()
    with pytest.raises(LinsangError, match=re.escape(f"create {tmp_path / 'no'}")):
        open_sink(f"file:{tmp_path}/no/a")


# ---- standard output ----


def test_stdout_whose_reader_went_away(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sink = open_stdout(Target.parse("stdout:"), writer)
    sink.put(alert(1))
    until(lambda: sink.counters()["sent"] == 1, "the first")
    os.close(reader)
    sink.put(alert(2))
    until(lambda: sink.ended, "the end")
    assert not sink.put(alert(3), wait=True)
    assert not sink.close()
    assert sink.counters()["dropped"] == {"ended": 2}
    assert sink.ended == "the reader of standard output went away"


def test_waiting_put_loses_nothing_to_a_slow_reader(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    sink = open_stdout(Target.parse("stdout:?queue=4"), writer)
    read: list[bytes] = []

    def drain() -> None:
        while part := os.read(reader, 4096):
            read.append(part)

    thread = threading.Thread(target=drain)
    for n in range(2000):
        if n == 4:  # the queue may be full now; from here on put has to wait for the reader
            thread.start()
        assert sink.put(alert(n), wait=True)
    assert sink.close(PATIENCE_S)
    os.close(writer)
    thread.join()
    assert [json.loads(line)["event"]["seq"] for line in b"".join(read).splitlines()] == list(range(2000))


def test_without_waiting_a_stuck_reader_costs_only_counted_alerts(pipe: tuple[int, int]) -> None:
    sink = open_stdout(Target.parse("stdout:?queue=4"), pipe[1])
    taken = sum(sink.put(alert(n, "z" * 10000)) for n in range(100))
    counters = sink.counters()
    assert counters["dropped"] == {"queue_full": 100 - taken}
    assert not sink.close(0.1)
    counters = sink.counters()
    assert counters["sent"] + counters["dropped"]["unsent_at_close"] == taken  # type: ignore[index, operator]
    os.close(pipe[0])  # lets the thread go; it has to be gone before its descriptor's number means something else
    sink._thread.join()


SIGTERM_PROGRAM = """
import signal, sys
from sensor.sinks import open_sink
sys.path.insert(0, {tests!r})
from receivers import alert
sinks = [open_sink(url) for url in {urls!r}]
def end(*_):
    sys.exit(0 if all([sink.close(60) for sink in sinks]) else 1)
signal.signal(signal.SIGTERM, end)
for n in range(5000):
    for sink in sinks:
        assert sink.put(alert(n))
print("put", file=sys.stderr, flush=True)
signal.pause()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM of another process")
def test_sigterm_loses_nothing(tmp_path: Path) -> None:
    urls = [f"file:{tmp_path}/alerts", "stdout:"]
    program = SIGTERM_PROGRAM.format(tests=str(Path(__file__).parent), urls=urls)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stderr
        assert child.stderr.readline() == b"put\n"
        child.send_signal(signal.SIGTERM)
        out = child.stdout.read()
        assert child.wait() == 0, child.stderr.read()
    assert [json.loads(line)["event"]["seq"] for line in out.splitlines()] == list(range(5000))
    assert numbers(tmp_path / "alerts") == list(range(5000))


def test_the_alerts_of_one_event_are_one_story(tmp_path: Path) -> None:
    """Of a block of lines, as the core writes them; each counts as an alert that was sent."""
    sent = [alert(n, "x") | {"event": {"id": f"run-{n // 2}", "seq": n}} for n in range(6)]
    sink = open_sink(f"file:{tmp_path}/a?format=pretty")
    sink.put_lines(Lines(b"".join(map(to_line, sent)), len(sent)))
    assert sink.close(PATIENCE_S)
    counters: dict[str, Any] = sink.counters()
    assert counters["sent"] == 6
    told = (tmp_path / "a").read_text()
    assert told.count("\n\n") == 2
    assert told.count("HIGH") + told.count("MEDIUM") + told.count("LOW") + told.count("INFO") == 6
