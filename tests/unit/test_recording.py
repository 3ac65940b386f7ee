"""The native recording: what went in comes out, and damage is found where it is."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import native_records as make
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensor.errors import InputError, NativeError
from sensor.native import Engine, record_json
from sensor.recording import RecordingReader, RecordingWriter

HEADER = {"schema": 1, "host": "h", "boot_to_epoch_ns": 5}
RECORDS = [
    make.fork_record(pid=2, start=1),
    make.exec_record(pid=2, start=1, argv=[b"x", b"y"]),
    make.exit_record(pid=2, start=1),
]


def write(path: Path, records: list[bytes]) -> bytes:
    with path.open("wb") as file, RecordingWriter(file.fileno(), HEADER) as writer:
        for record in records:
            writer.append(record)
    return path.read_bytes()


def read(data: bytes) -> tuple[list[bytes], InputError | None]:
    """Whole records, and the error that ended them."""
    found: list[bytes] = []
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        try:
            with RecordingReader(file.fileno(), "r.lrec") as reader:
                assert reader.header == HEADER
                for record in reader:
                    found.append(record)  # noqa: PERF402  what came before the error counts
        except InputError as error:
            return found, error
    return found, None


def ends(records: list[bytes], size: int) -> list[int]:
    """Offset behind each record of a file of `size` bytes, beginning with that of the header."""
    at = size - sum(8 + len(r) for r in records)
    found = [at]
    for record in records:
        at += 8 + len(record)
        found.append(at)
    return found


def test_cut_at_every_byte(tmp_path: Path) -> None:
    data = write(tmp_path / "r", RECORDS)
    borders = ends(RECORDS, len(data))
    for cut in range(len(data) + 1):
        records, error = read(data[:cut])
        whole = sum(border <= cut for border in borders) - 1
        assert records == RECORDS[: max(whole, 0)]
        if cut in borders:
            assert error is None
        else:
            assert error is not None
            assert error.offset == (borders[whole] if whole >= 0 else 0)
            assert "cut off" in str(error) or whole < 0


def test_every_flipped_byte_is_found(tmp_path: Path) -> None:
    data = write(tmp_path / "r", RECORDS)
    borders = ends(RECORDS, len(data))
    for at in range(len(data)):
        broken = bytearray(data)
        broken[at] ^= 0x41
        records, error = read(bytes(broken))
        whole = sum(border <= at for border in borders) - 1
        assert error is not None
        assert records == RECORDS[: max(whole, 0)]
        assert error.offset == (borders[whole] if whole >= 0 else 0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=32768), max_size=40))
def test_many_sizes_come_back(lengths: list[int]) -> None:
    records = [make.exec_record(argv=b"a" * n) for n in lengths]
    with tempfile.TemporaryDirectory() as folder:
        assert read(write(Path(folder) / "r", records)) == (records, None)


def test_a_recording_of_schema_1() -> None:
    """Its execs are shorter; what they did not say is not known."""
    path = Path(__file__).parents[1] / "golden" / "schema1.linsang"
    with path.open("rb") as file, RecordingReader(file.fileno(), str(path)) as reader:
        lines = [record_json(record) for record in reader]
    processes = [line for line in lines if line["type"] in ("exec", "process")]
    assert (len(lines), len(processes)) == (60, 22)
    assert all(line["image"].startswith("/") and line["argv"] and line["cwd"].startswith("/") for line in processes)
    assert not any("file_size" in line or "file_ctime" in line for line in processes)


def test_not_a_recording() -> None:
    for data in (b"", b"LINSANG\n", b"x" * 4096):
        assert "not a recording" in str(read(data)[1])


@pytest.mark.skipif(sys.platform == "win32", reason="a full disk is Linux' /dev/full")
def test_a_full_disk_ends_the_recording_and_nothing_else() -> None:
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(NativeError):
        RecordingWriter(full.fileno(), HEADER)
    reader, writer = os.pipe()
    with Engine() as engine, RecordingWriter(writer, HEADER) as recording:
        engine.record_to(recording)
        assert engine.feed(RECORDS[0])
        os.close(reader)
        with pytest.raises(NativeError):
            recording.flush()
        assert engine.feed(RECORDS[1])
        stats = engine.stats()
        assert (stats["recorded"], stats["record_failed"], stats["decoded"]) == (1, 1, 2)
        with pytest.raises(NativeError, match="Broken pipe"):
            recording.append(RECORDS[2])
        engine.record_to(None)
    os.close(writer)


def test_a_replay_of_a_recording_knows_the_same_processes(tmp_path: Path) -> None:
    with (tmp_path / "r").open("wb") as file, Engine() as engine:
        with RecordingWriter(file.fileno(), HEADER) as recording:
            engine.record_to(recording)
            for record in RECORDS:
                engine.feed(record)
            engine.record_to(None)
        known = list(engine.export())
    records, error = read((tmp_path / "r").read_bytes())
    assert error is None
    with Engine() as again:
        for record in records:
            again.feed(record)
        assert list(again.export()) == known
