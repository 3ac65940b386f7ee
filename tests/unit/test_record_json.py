"""sn_record__json: every field, every odd byte, and nothing that is not known."""

from __future__ import annotations

import ipaddress
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import native_records as make
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.errors import InputError
from sensor.native import ffi, lib, parse_record, record_json, record_json_text

EXEC_MEMBERS = {"ppid": 3, "tid": 7, "uid": 1, "gid": 2, "euid": 0, "egid": 4, "loginuid": 5, "session": 6}
BASE = {
    "ppid": 0,
    "tid": 0,
    "uid": 0,
    "gid": 0,
    "euid": 0,
    "egid": 0,
    "loginuid": 0,
    "session": 0,
    "dev": "0:0",
    "mode": 0,
    "file_uid": 0,
    "nlink": 0,
}

ROWS: list[tuple[str, bytes, dict[str, Any]]] = [
    (
        "exec, all that there is",
        make.exec_record(
            cpu=1,
            seq=9,
            time=5,
            start=4,
            pid=7,
            flags=lib.SN_F_SETUID | lib.SN_F_DELETED | lib.SN_F_CWD_TRUNCATED,
            image=b"/bin/a",
            script=b"./s",
            cwd=b"/tmp",
            argv=[b"a", b"", b"b c"],
            parent_start=2,
            cgroup_id=11,
            inode=12,
            mnt_ns=13,
            dev=(8 << 20) | 1,
            mode=0o104755,
            nlink=1,
            file_uid=14,
            tty=b"pts0",
            **EXEC_MEMBERS,
        ),
        {
            "type": "exec",
            "time": 5,
            "pid": 7,
            "start": 4,
            "cpu": 1,
            "seq": 9,
            "image": "/bin/a",
            "argv": ["a", "", "b c"],
            "script": "./s",
            "cwd": "/tmp",
            "parent_start": 2,
            **EXEC_MEMBERS,
            "tty": "pts0",
            "cgroup_id": 11,
            "mnt_ns": 13,
            "dev": "8:1",
            "inode": 12,
            "mode": 0o104755,
            "file_uid": 14,
            "nlink": 1,
            "argc": 3,
            "argv_bytes": 7,
            "deleted": True,
            "setuid": True,
            "cwd_truncated": True,
        },
    ),
    (
        "what is not known is left out, a record that no probe wrote has no number",
        make.process_record(pid=1, image=b"", argv=[], cwd=b"", loginuid=0xFFFFFFFF, flags=lib.SN_F_PARENT_UNKNOWN),
        {
            "type": "process",
            "time": 0,
            "pid": 1,
            "start": 0,
            "argv": [],
            **{k: v for k, v in BASE.items() if k != "loginuid"},
            "argc": 0,
            "argv_bytes": 0,
            "creator_pid": 0,
            "parent_unknown": True,
        },
    ),
    (
        "fork",
        make.fork_record(cpu=0, pid=2, start=3, ppid=1, parent_start=1, creator_pid=5, creator_start=6, uid=7),
        {
            "type": "fork",
            "time": 0,
            "pid": 2,
            "start": 3,
            "cpu": 0,
            "seq": 0,
            "ppid": 1,
            "parent_start": 1,
            "creator_pid": 5,
            "creator_start": 6,
            "uid": 7,
        },
    ),
    (
        "exit by a signal",
        make.exit_record(pid=2, signal=11, flags=lib.SN_F_CORE_DUMPED),
        {"type": "exit", "time": 0, "pid": 2, "start": 0, "code": 0, "signal": 11, "core_dumped": True},
    ),
    (
        "connect: neither source nor outcome known",
        make.connect_record(pid=2, daddr=bytes([127, 0, 0, 1]), dport=80, cookie=2**64 - 1),
        {
            "type": "connect",
            "time": 0,
            "pid": 2,
            "start": 0,
            "protocol": "tcp",
            "dst": "127.0.0.1",
            "dport": 80,
            "uid": 0,
            "cookie": 2**64 - 1,
        },
    ),
    (
        "connect_result: a failure, IPv6",
        make.connect_record(
            lib.SN_CONNECT_RESULT,
            family=10,
            protocol=132,
            pid=2,
            daddr=ipaddress.ip_address("2001:db8::1").packed,
            saddr=ipaddress.ip_address("::1").packed,
            sport=99,
            error=-111,
            latency=5,
        ),
        {
            "type": "connect_result",
            "time": 0,
            "pid": 2,
            "start": 0,
            "protocol": "sctp",
            "dst": "2001:db8::1",
            "dport": 0,
            "src": "::1",
            "sport": 99,
            "uid": 0,
            "error": -111,
            "latency_ns": 5,
            "cookie": 0,
        },
    ),
    (
        "loss",
        make.loss_record(cpu=1, seq=40, count=3, time=9),
        {"type": "loss", "time": 9, "cpu": 1, "seq": 40, "lost": 3},
    ),
]


@pytest.mark.parametrize(("record", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_rows(record: bytes, expected: dict[str, Any]) -> None:
    decoded = record_json(record)
    assert decoded == expected
    assert list(decoded)[:2] == ["type", "time"]


@pytest.mark.parametrize("record", [row[1] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_way_back(record: bytes) -> None:
    text = record_json_text(record)
    assert record_json_text(parse_record(text.encode())) == text
    assert record_json_text(parse_record(json.dumps(json.loads(text), indent=1).encode())) == text


@pytest.mark.parametrize(
    "text", ["", "{}", '{"type":"exe"}', '{"type":"exit","pid":-1}', '{"type":"exit"', '{"type":"fork","uid":"x"}']
)
def test_no_way_back(text: str) -> None:
    with pytest.raises(InputError):
        parse_record(text.encode())


@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\0", b"")), min_size=1, max_size=8))
def test_arguments_lose_no_byte(argv: list[bytes]) -> None:
    decoded = record_json(make.exec_record(argv=argv))
    assert [a.encode(errors="surrogateescape") for a in decoded["argv"]] == argv
    assert record_json(parse_record(json.dumps(decoded).encode())) == decoded


@given(st.binary(min_size=1, max_size=200))
def test_a_path_loses_no_byte(path: bytes) -> None:
    text = record_json_text(make.exec_record(image=path))
    assert json.loads(text)["image"].encode(errors="surrogateescape") == path
    assert "\n" not in text


def test_valid_utf8_stays_readable() -> None:
    assert '"image":"/ä/€/😀"' in record_json_text(make.exec_record(image="/ä/€/😀".encode()))


@pytest.mark.parametrize(
    "char", "\x7f\x80\x85\x9f\xad\u061c\u200b\u200e\u200f\u2028\u2029\u202e\u2060\u2066\u206f\ufeff"
)
def test_what_a_terminal_or_a_line_reader_would_obey_is_escaped(char: str) -> None:
    text = record_json_text(make.exec_record(image=f"/{char}/x".encode()))
    assert f'"image":"/\\u{ord(char):04x}/x"' in text
    assert json.loads(text)["image"] == f"/{char}/x"


@pytest.mark.parametrize("char", "\xa0\xac\xae\u061b\u200a\u2010\u2027\u202f\u205f\u2070\ufefe\uff00")
def test_their_neighbours_are_not(char: str) -> None:
    assert f'"image":"/{char}/x"' in record_json_text(make.exec_record(image=f"/{char}/x".encode()))


def test_truncated_argv_shows_head_and_tail() -> None:
    record = make.exec_record(
        argv=b"a\0bcde\0z\0", argv_head=4, argv_bytes=900, argc=50, flags=lib.SN_F_ARGV_TRUNCATED, pid=1
    )
    decoded = record_json(record)
    assert decoded["argv"] == ["a", "bc", "de", "z"]
    assert (decoded["argv_truncated"], decoded["argv_bytes"], decoded["argc"]) == (True, 900, 50)


@given(st.ip_addresses())
def test_addresses_as_python_writes_them(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    family = 2 if address.version == 4 else 10
    decoded = record_json(make.connect_record(family=family, daddr=address.packed))
    assert ipaddress.ip_address(decoded["dst"]) == address
    for written in (str(address), address.exploded):
        line = json.dumps({**decoded, "dst": written})
        assert record_json(parse_record(line.encode())) == decoded
    if address.version == 4 or not address.ipv4_mapped:
        assert decoded["dst"] == str(address)


@given(st.integers(min_value=1, max_value=2**63 - 1))
def test_time_is_rfc_3339(ns: int) -> None:
    decoded = record_json(make.exit_record(pid=1), boot_to_epoch_ns=ns)
    whole = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ns // 10**9)
    assert decoded["time"] == f"{whole:%Y-%m-%dT%H:%M:%S}.{ns % 10**9:09d}Z"
    assert record_json(parse_record(json.dumps(decoded).encode()))["time"] == ns


def test_a_buffer_too_small_at_every_length() -> None:
    record = ROWS[0][1]
    whole = record_json_text(record).encode()
    for size in range(len(whole)):
        assert lib.sn_record__json(record, len(record), 0, ffi.new("char[]", max(size, 1)), size) == -28
    enough = len(whole) + lib.SN_JSON_SPARE
    assert lib.sn_record__json(record, len(record), 0, ffi.new("char[]", enough), enough) == len(whole)


@given(st.text("0123456789abcdefF:.x", max_size=40) | st.ip_addresses(v=6).map(str))
def test_an_address_is_one_or_is_not(text: str) -> None:
    try:
        expected = ipaddress.ip_address(text)
    except ValueError:
        expected = None
    line = json.dumps({"type": "connect", "protocol": "tcp", "dst": text})
    try:
        found = ipaddress.ip_address(record_json(parse_record(line.encode()))["dst"])
    except InputError:
        found = None
    assert found == expected


def test_malformed_is_refused() -> None:
    with pytest.raises(InputError):
        record_json(ROWS[0][1][:-8])
