"""Events of trace files that describe themselves (TraceLogging): every type, and every byte at which they may end."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from etl_file import Event, described, etl_file, sid, wide
from test_etl import read

CORPUS = os.environ.get("LINSANG_CORPUS", "")
CCOUNT, VCOUNT, CUSTOM, CHAIN = 0x20, 0x40, 0x60, 0x80
PAIR = b"p\0\x98\x02" + b"a\0\x04" + b"b\0\x02"  # a structure of two: UINT8 and ANSISTRING
GUID = bytes.fromhex("00112233445566778899aabbccddeeff")


def item(body: bytes) -> bytes:
    """Behind its size, which counts itself."""
    return struct.pack("<H", 2 + len(body)) + body


def counted(body: bytes) -> bytes:
    return struct.pack("<H", len(body)) + body


# a field of the schema but for its name, its data, what it is then
FIELDS: list[tuple[bytes, bytes, Any]] = [
    (b"\x01", wide("w\u00f6rd \ud800 \"\n"), "w\u00f6rd \ud800 \"\n"), (b"\x02", b"ansi\0", "ansi"),
    (b"\x01", wide(""), ""),
    (b"\x03", b"\xff", -1), (b"\x04", b"\xff", 255), (b"\x05", b"\xfe\xff", -2), (b"\x06", b"\xfe\xff", 65534),
    (b"\x07", b"\xfd\xff\xff\xff", -3), (b"\x08", b"\xfd\xff\xff\xff", 2**32 - 3), (b"\x09", b"\xff" * 8, -1),
    (b"\x0a", b"\xff" * 8, 2**64 - 1), (b"\x0b", struct.pack("<f", 0.5), 0.5), (b"\x0c", struct.pack("<d", 0.1), 0.1),
    (b"\x0c", struct.pack("<d", float("inf")), "inf"), (b"\x0d", b"\1\0\0\0", True), (b"\x0d", bytes(4), False),
    (b"\x0e", counted(b"\1\xab"), "01ab"), (b"\x0f", GUID, "33221100-5544-7766-8899-aabbccddeeff"),
    (b"\x10", b"\x1f" + bytes(7), "0x1f"),
    (b"\x11", struct.pack("<Q", 132_000_000_000_000_000), "2019-04-17T18:40:00.000000000Z"),
    (b"\x12", bytes(16), "00" * 16),
    (b"\x13", sid(18), "S-1-5-18"), (b"\x14", b"\x1f\0\0\0", "0x1f"), (b"\x15", b"\x1f" + bytes(7), "0x1f"),
    (b"\x16", counted("x\u20ac".encode("utf-16-le")), "x\u20ac"), (b"\x17", counted(b"x\0y"), "x\0y"),
    (b"\x19", counted(b""), ""),
    (b"\x84\x03", b"\1", True), (b"\x86\x07", b"\x01\xbb", 443), (b"\x88\x08", b"\x7f\0\0\1", "127.0.0.1"),
    (b"\x84\x83\x81\x01", b"\0", False),  # tags behind the meaning
    (bytes((CCOUNT | 4,)) + b"\2\0", b"\1\2", [1, 2]),
    (bytes((VCOUNT | 7,)), b"\2\0" + struct.pack("<ii", 1, -1), [1, -1]),
    (bytes((VCOUNT | 7,)), b"\0\0", []), (bytes((VCOUNT | CHAIN | 6, 2)), b"\2\0h\0i\0", "hi"),
    (bytes((VCOUNT | CHAIN | 4, 35)), b"\2\0\xc3\xa9", "\u00e9"),
    (bytes((CUSTOM | 4,)) + counted(b"xyz"), counted(b"\7"), "07"),
    (bytes((VCOUNT | 2,)), b"\2\0a\0b\0", ["a", "b"]),
]  # fmt: skip
ALL = b"".join(b"f%d\0" % n + field for n, (field, _, _) in enumerate(FIELDS))
DATA = b"".join(data for _, data, _ in FIELDS)
VALUES = {f"f{n}": value for n, (_, _, value) in enumerate(FIELDS)}


def event(fields: bytes, data: bytes, *, tags: bytes = b"\0", traits: bytes = item(b"Maker\0more")) -> Event:
    return Event("process", 0, 0, data, 0, 77, described(item(tags + b"Happened\0" + fields), traits))


def test_every_type(tmp_path: Path) -> None:
    (found,), counts, error = read(tmp_path / "x", etl_file([event(ALL, DATA, tags=b"\x80\x81\0")]))
    assert found["_product"] == "windows"
    shown = found["event"]
    assert {name: shown[name] for name in VALUES} == VALUES
    assert (shown["Provider_Name"], shown["EventName"], shown["ExecutionProcessID"]) == ("Maker", "Happened", 77)
    assert (counts["described"], counts["broken"], error) == (1, 0, "")


STRUCTURES: list[tuple[bytes, bytes, Any]] = [
    (b"p\0\x98\x02a\0\x04b\0\x02c\0\x04", b"\1x\0\2", {"p": {"a": 1, "b": "x"}, "c": 2}),
    (b"p\0\xd8\x02a\0\x04b\0\x02c\0\x04", b"\2\0\1x\0\2y\0\3", {"p": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "c": 3}),
    (b"p\0\xd8\x02a\0\x04b\0\x02c\0\x04", b"\0\0\3", {"p": [], "c": 3}),
    (b"p\0\xd8\x01q\0\x98\x01a\0\x04c\0\x04", b"\0\0\3", {"p": [], "c": 3}),
    (b"p\0\x98\x01q\0\x98\x01a\0\x04c\0\x04", b"\2\3", {"p": {"q": {"a": 2}}, "c": 3}),
    (b"p\0\x98\x00c\0\x04", b"\3", {"p": {}, "c": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "data", "expected"), STRUCTURES)
def test_structures(tmp_path: Path, fields: bytes, data: bytes, expected: dict[str, Any]) -> None:
    (found,), _, _ = read(tmp_path / "x", etl_file([event(fields, data)]))
    assert {name: found["event"][name] for name in expected} == expected


BROKEN: list[tuple[str, Event]] = [
    ("a type that is not known", event(b"f\0\x1f", b"\0" * 8)),
    ("a structure within itself", event(b"p\0\x98\x01" * 40, b"")),
    ("too many values", event(b"p\0\xf8\x00\xff\xff" + b"q\0\xf8\x00\xff\xff", b"")),
    ("a structure of too many fields", event(b"p\0\x98\x05a\0\x04", b"\1")),
    ("a count beyond the data", event(b"f\0" + bytes((VCOUNT | CHAIN | 6, 2)), b"\xff\xffh\0")),
    ("no name", Event("process", 0, 0, b"", 0, 4, described(item(b"\0abc")))),
    ("a size beyond the item", Event("process", 0, 0, b"", 0, 4, described(b"\xff\0\0a\0"))),
    ("tags without an end", Event("process", 0, 0, b"", 0, 4, described(item(b"\x80" * 9)))),
    ("traits without a name", event(b"", b"", traits=item(b"abc"))),
]


@pytest.mark.parametrize("given", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_what_is_broken_is_counted(tmp_path: Path, given: Event) -> None:
    found, counts, error = read(tmp_path / "x", etl_file([given]))
    assert (found, counts["described"], counts["broken"]) == ([], 0, 1)
    assert "broken 1" in error


def test_data_that_end_at_any_byte_are_broken(tmp_path: Path) -> None:
    cut = [event(ALL, DATA[:size]) for size in range(len(DATA))]
    found, counts, _ = read(tmp_path / "x", etl_file(cut))
    assert (found, counts["broken"]) == ([], len(cut))


def test_a_schema_that_ends_at_any_byte_gives_no_more_than_it_has(tmp_path: Path) -> None:
    cut = [event(ALL[:size], DATA) for size in range(len(ALL))]
    found, counts, _ = read(tmp_path / "x", etl_file(cut))
    assert counts["described"] + counts["broken"] == len(cut)
    assert counts["described"] == len(found) >= len(FIELDS)
    for each in found:
        assert {name: value for name, value in each["event"].items() if name in VALUES}.items() <= VALUES.items()


def test_without_traits_the_provider_is_a_guid(tmp_path: Path) -> None:
    (found,), _, _ = read(tmp_path / "x", etl_file([event(b"", b"", traits=b"")]))
    assert found["event"]["Provider_Name"] == "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"


@pytest.mark.skipif(not CORPUS, reason="LINSANG_CORPUS is not set")
@pytest.mark.parametrize(
    ("name", "described_events", "provider"),
    [("AMSITrace", 19, "AmsiTrace"), ("lxcore_kernel", 2, "Microsoft.Windows.Subsystem.LxCore")],
)
def test_real_ones(tmp_path: Path, name: str, described_events: int, provider: str) -> None:
    found, counts, error = read(tmp_path / "x", Path(CORPUS, "etw", "etl", f"{name}.etl").read_bytes())
    assert (counts["described"], len(found), error) == (described_events, described_events, "")
    assert {each["event"]["Provider_Name"] for each in found} == {provider}
