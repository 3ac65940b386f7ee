"""Event trace logs in each form that Windows writes: headers, widths, what older Windows wrote, and what is damaged."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pytest
from etl_file import GROUPS, Event, buffer, classic_image, classic_process, etl_file, header, sid, wide
from test_etl import CLASSIC, IMAGE, KERNEL, MS, VOLUME, events, read
from test_etl_oracle import peer

START = "a.exe", "a.exe /x"


def start(bits: int) -> bytes:
    return classic_process(20, 10, *START, sid(18), bits=bits)


# ---- headers and widths ----

FORMS = [(form, bits) for form in ("system", "compact", "perfinfo", "full") for bits in (32, 64)]


@pytest.mark.parametrize(("form", "bits"), FORMS)
def test_a_kernels_event_is_the_same_in_each_form(tmp_path: Path, form: str, bits: int) -> None:
    event = Event("classic process", 1, 4, start(bits), MS, 7, form=form, bits=bits)
    (found,), counts, error = read(tmp_path / "x", etl_file([event], bits=bits))
    assert not error
    assert (found["ProcessId"], found["ParentId"], found["CommandLine"]) == (20, 10, "a.exe /x")
    assert (found["UserSID"], found["ExitStatus"]) == ("S-1-5-18", 259)
    assert found.get("ExecutionProcessID") == (None if form == "perfinfo" else 7)
    assert found["TimeCreated"] == "2019-04-17T18:40:00.001000000Z"
    assert counts["events"] - 1 == peer().tally(etl_file([event])).events  # it knows no log's header of 32 bits


# an event, its data before a path in struct's words (p: a pointer), and what is read of it
POINTED = [
    (("process", 5, 0), "ppIIIp", {"ProcessId": 3, "ImageLoaded": VOLUME + "x"}),
    (("file", 30, 1), "ppIIII", {"ShareAccess": 6, "TargetFilename": VOLUME + "x"}),
    (("file", 30, 0), "pppIII", {"ThreadId": "0x2", "TargetFilename": VOLUME + "x"}),
    (("file", 26, 1), "ppppII", {"InfoClass": 6, "TargetFilename": VOLUME + "x"}),
]


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(("identity", "form", "has"), POINTED)
def test_pointers_are_as_wide_as_the_writers(
    tmp_path: Path, identity: tuple[str, int, int], form: str, has: dict[str, Any], bits: int
) -> None:
    data = struct.pack("<" + form.replace("p", "Q" if bits == 64 else "I"), *range(1, len(form) + 1))
    (found,) = events(tmp_path, Event(*identity, data + wide(VOLUME + "x"), bits=bits))
    assert {name: found.get(name) for name in has} == has


def test_both_widths_in_one_log(tmp_path: Path) -> None:
    given = [Event("classic image", 10, 3, classic_image(20, f"\\{n}", bits), n * MS, bits=bits)
             for n, bits in enumerate((64, 32, 32, 64))]  # fmt: skip
    assert [event["ImageLoaded"] for event in events(tmp_path, *given)] == ["\\0", "\\1", "\\2", "\\3"]


CROSSED = [
    ("process", 1, 3),
    ("process", 5, 0),
    ("network", 12, 0),
    ("classic process", 1, 4),
    ("classic image", 10, 3),
]


@pytest.mark.parametrize(("provider", "number", "version"), CROSSED)
def test_nobody_is_told_of_by_the_other_kind_of_event(tmp_path: Path, provider: str, number: int, version: int) -> None:
    """A classic event has no id, and a manifest's no opcode that says which it is: whoever writes one with the other's
    GUID is not that provider."""
    form = "event" if provider in GROUPS else "full"
    data = {"process": KERNEL.data, "classic process": CLASSIC.data, "classic image": IMAGE.data}.get(provider, b"")
    found, counts, error = read(
        tmp_path / "x", etl_file([Event(provider, number, version, data or bytes(99), form=form)])
    )
    assert (found, counts["not_decoded"], error) == ([], 2, "")


# ---- what one version was ----

BEGIN_OF_11 = wide("{00}") + struct.pack("<II", 1, 2) + wide("Start IWbemServices") + wide("HOST")
BEFORE = [("HOST\\u", 4321, "root\\cimv2"), ("u", 65536, "root"), ("", 1, ""), ("u" * 9, 0x00410042, "//./root/x")]


@pytest.mark.parametrize(("user", "pid", "namespace"), BEFORE)
@pytest.mark.parametrize("since", [0, 1, 4])
def test_a_version_that_was_another_before(tmp_path: Path, user: str, pid: int, namespace: str, since: int) -> None:
    """WMI-Activity 11, until Windows 10 1809 (`since` 0) and from then on, with a Boolean of so many bytes."""
    middle = wide(user) + struct.pack("<I", pid)
    if since:
        middle = wide("host.example") + middle + struct.pack("<Q", 132_000_000_000_000_000)
    data = BEGIN_OF_11 + middle + wide(namespace) + bytes((1, 0, 0, 0)[:since])
    (found,) = events(tmp_path, Event("wmi", 11, 0, data))
    said = (found["User"], found["ClientProcessId"], found["NamespaceName"], found["Operation"])
    assert said == (user, pid, namespace, "Start IWbemServices")
    assert (found.get("ClientMachineFQDN"), found.get("IsLocal")) == (
        ("host.example", "true") if since else (None,) * 2
    )


NEWER = [("process", 1, 6, KERNEL), ("file", 30, 2, None), ("process", 2, 3, None), ("classic process", 1, 5, CLASSIC)]


@pytest.mark.parametrize(("provider", "number", "version", "like"), NEWER)
def test_versions_to_come(tmp_path: Path, provider: str, number: int, version: int, like: Event | None) -> None:
    """Their beginning, where the last one only appended; else nobody knows."""
    tail = struct.pack("<IIH", 1, 2, 3) + b"what is to come" if provider == "process" else b"what is to come"
    data = like.data + tail if like else bytes(99)
    found, counts, error = read(tmp_path / "x", etl_file([Event(provider, number, version, data)]))
    assert (len(found), counts["unknown_version"]) == ((1, 0) if like else (0, 1))
    assert ("unknown_version 1" in error) == (like is None)


# ---- damage ----

MANY = [
    *(Event("classic image", 10, 3, classic_image(4 * n, f"\\{n}.dll"), n * MS) for n in range(40)),
    *(Event("dns", 3008, 0, wide(f"{n}.example") + bytes(16) + wide(""), n * MS) for n in range(40)),
    *(Event("classic process", 2, 4, start(32), n * MS, bits=32) for n in range(40)),
]
SIZE = 1 << 10
LOG = etl_file(MANY, size=SIZE)
BUFFERS = [LOG[at : at + SIZE] for at in range(SIZE, len(LOG), SIZE)]


def sums_up(counts: Any) -> bool:
    """Every event of the file came to something."""
    out = sum(counts[name] for name in ("told", "joined", "described", "not_decoded", "unknown_version", "broken"))
    return bool(counts["events"] == out)


def test_buffers_in_any_order_are_the_same_log(tmp_path: Path) -> None:
    whole, counts, _ = read(tmp_path / "whole", LOG)
    assert counts["told"] == len(MANY)
    for turn in range(3):
        order = random.Random(turn).sample(BUFFERS, len(BUFFERS))
        shuffled, again, error = read(tmp_path / "x", LOG[:SIZE] + b"".join(order))
        assert (error, again) == ("", counts)
        assert sorted(map(str, shuffled)) == sorted(map(str, whole))


@pytest.mark.parametrize("size", [SIZE + 1, 3 * SIZE - 1, 5 * SIZE + 71, 5 * SIZE + 72, len(LOG) - 1])
def test_a_log_that_was_cut(tmp_path: Path, size: int) -> None:
    """Whole buffers are read, and what is behind them is told in bytes."""
    _, counts, error = read(tmp_path / "x", LOG[:size])
    assert counts["cut_off"] == size % SIZE
    assert error == f"not all of it could be read: cut_off {size % SIZE}"
    assert sums_up(counts)
    assert counts["events"] == read(tmp_path / "y", LOG[: size // SIZE * SIZE])[1]["events"]


def test_bytes_that_were_changed(tmp_path: Path) -> None:
    """Something is read, or the message says that it was not; never is an event lost without either."""
    for turn in range(150):
        rng = random.Random(turn)
        log = bytearray(LOG)
        for _ in range(rng.choice([1, 1, 1, 20])):
            log[rng.randrange(SIZE, len(log))] ^= 1 << rng.randrange(8)
        found, counts, error = read(tmp_path / "x", bytes(log))
        assert sums_up(counts)
        lost = len(MANY) + 1 - counts["events"]
        assert not lost or counts["damaged"] or counts["compressed"] or counts["cut_off"] or counts["unknown"]
        whole = not any(counts[name] for name in ("broken", "unknown_version", "damaged", "compressed", "cut_off"))
        assert whole == (not error)
        assert len(found) == counts["told"] + counts["described"]


@pytest.mark.parametrize("where", range(3))
def test_a_buffer_that_was_never_written(tmp_path: Path, where: int) -> None:
    """Zeros, as a machine that lost its power leaves them: all behind it is not read, and told."""
    parts = [LOG[:SIZE], *BUFFERS[:3]]
    log = b"".join([*parts[: where + 1], bytes(SIZE), *parts[where + 1 :]])
    _, counts, error = read(tmp_path / "x", log)
    assert counts["cut_off"] == SIZE * (len(parts) - where)
    assert f"cut_off {counts['cut_off']}" in error


def test_a_buffer_that_is_empty(tmp_path: Path) -> None:
    log = header(SIZE) + buffer(b"", SIZE) + buffer(CLASSIC.packed(), SIZE)
    assert len(read(tmp_path / "x", log)[0]) == 1
