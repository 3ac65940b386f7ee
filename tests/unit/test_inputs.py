"""What a file is, by its content; JSON that is not one object a line."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from evtx_file import evtx_file
from hypothesis import example, given
from hypothesis import strategies as st

from sensor.errors import InputError
from sensor.inputs import open_input, what_is_wrong
from sensor.inputs.documents import Documents

EVENT = {"Channel": "Security", "EventID": 1, "text": 'a "quoted\\" {brace'}
LINE = json.dumps(EVENT)
PRETTY = json.dumps(EVENT, indent=2)
RECORD = "type=SYSCALL msg=audit(1.0:1): syscall=59"
LAUREL = '{"ID":"1700000000.123:7","SYSCALL":{"syscall":59}}'
MESSAGE = json.dumps({"mach_time": 1, "event_type": 9, "process": {}, "event": {"exec": {"args": ["a"]}}})


def lines_of(path: Path | str) -> list[bytes]:
    with open_input(str(path)) as source:
        assert source.recording is None
        text = b"".join(map(bytes, source.blocks))
    return text.removesuffix(b"\n").split(b"\n") if text else []


# content, the lines that come of it as JSON (None: no JSON)
CONTENTS: list[tuple[str, list[Any]]] = [
    (LINE + "\n", [EVENT]),
    (LINE, [EVENT]),
    ("\ufeff" + LINE + "\n", [EVENT]),
    (LINE + "\n\n" + LINE + "\n", [EVENT, "", EVENT]),
    (LINE + "\nno json\n", [EVENT, None]),
    ("no json\n" + LINE + "\n", [None, EVENT]),
    (PRETTY, [EVENT]),
    (PRETTY + "\n" + PRETTY, [EVENT, EVENT]),
    (PRETTY.replace("\n", "\r\n"), [EVENT]),
    (LINE + LINE, [EVENT, EVENT]),
    (f"[{LINE},\n{LINE}]", [EVENT, EVENT]),
    (f"\ufeff[{LINE},\n{LINE}]", [EVENT, EVENT]),
    ("\ufeff" + PRETTY, [EVENT]),
    ("[\n" + PRETTY + ",\n" + PRETTY + "\n]\n", [EVENT, EVENT]),
    (PRETTY + "\ngarbage\n" + PRETTY, [EVENT, None, EVENT]),
    (PRETTY[:-20] + "\n" + PRETTY, [None, EVENT]),
    (PRETTY + PRETTY[:-3], [EVENT, None]),
    ('{"cut": "off\n' + LINE + "\n" + LINE + "\n", [None, EVENT, EVENT]),
    ("", []),
    ("[]", []),
    (RECORD + "\n", [{"_product": "linux", "_service": "auditd"}]),
    ("----\ntime->Thu\n" + RECORD + "\n", [{"_product": "linux", "_service": "auditd"}]),
    ("Nov 21 10:00:00 host audispd: node=h " + RECORD + "\n", [{"_product": "linux", "_service": "auditd"}]),
    (LAUREL + "\n", [{"_product": "linux", "_service": "auditd"}]),
    (MESSAGE + "\n", [{"_product": "macos", "_cat": "process_creation"}]),
    (json.dumps(json.loads(MESSAGE), indent=1), [{"_product": "macos", "_cat": "process_creation"}]),
    (json.dumps({"source": "s", "event": json.loads(MESSAGE)}), [{"_product": "macos", "_cat": "process_creation"}]),
]


def said(line: bytes) -> Any:
    """A line as JSON; of one that a decoder made, its logsource."""
    if not line.strip():
        return ""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return {k: v for k, v in event.items() if k != "event"} if "_product" in event else event


@pytest.mark.parametrize(("content", "expected"), CONTENTS)
@pytest.mark.parametrize("packed", [False, True])
def test_forms(tmp_path: Path, content: str, expected: list[Any], packed: bool) -> None:
    file = tmp_path / "events.txt"  # the name says nothing
    raw = content.encode()
    file.write_bytes(gzip.compress(raw) if packed else raw)
    lines = lines_of(file)
    assert [said(line) for line in lines] == expected


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("piped", [False, True])
def test_an_event_log_however_it_comes(tmp_path: Path, packed: bool, piped: bool) -> None:
    raw = evtx_file([[{"Event": {"System": {"EventID": "1"}}}]])
    file = tmp_path / "log"
    file.write_bytes(gzip.compress(raw) if packed else raw)
    if not piped:
        assert [json.loads(line) for line in lines_of(file)] == [{"Event": {"System": {"EventID": "1"}}}]
        return
    kept = os.dup(0)
    with file.open("rb") as stream:
        os.dup2(stream.fileno(), 0)
        try:
            assert len(lines_of("-")) == 1
        finally:
            os.dup2(kept, 0)
            os.close(kept)


REFUSED = [
    (b"\xff\xfe{\0", "UTF-16"),
    (b"(\xb5/\xfd", "Zstandard"),
    (b"BZh9", "bzip2"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b\x08\0no gzip", "gzip"),
    (gzip.compress(b"BZh9", mtime=0), "bzip2"),
]


@pytest.mark.parametrize(("content", "reason"), REFUSED)
def test_what_is_not_read_says_so(tmp_path: Path, content: bytes, reason: str) -> None:
    file = tmp_path / "x"
    file.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        lines_of(file)


def test_a_cut_archive_gives_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "x.gz"
    lines = [json.dumps({"n": n, "noise": os.urandom(40).hex()}) for n in range(5000)]
    file.write_bytes(gzip.compress("\n".join(lines).encode())[:-5000])
    found: list[bytes] = []
    with open_input(str(file)) as source, pytest.raises(InputError, match="gzip"):
        found.extend(line for block in source.blocks for line in bytes(block).splitlines())
    assert 0 < len(found) < 5000
    assert found == [line.encode() for line in lines[: len(found)]]


@pytest.mark.parametrize("damage", ["cut", "sum"])
def test_a_damaged_archive_of_an_event_log_gives_what_is_there(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "x.evtx.gz"
    event: Any = {"Event": {"System": {"EventID": "1"}}}
    packed = bytearray(gzip.compress(evtx_file([[event, event], [event]])))
    packed[-5] ^= damage == "sum"
    file.write_bytes(packed if damage == "sum" else packed[:-9])
    found: list[bytes] = []
    with pytest.raises(InputError, match="gzip"), open_input(str(file)) as source:
        found.extend(map(bytes, source.blocks))
    assert b"".join(found).count(b"\n") == 3


def test_reasons() -> None:
    assert what_is_wrong(b"!chunk 3 is damaged\n") == "chunk 3 is damaged\n"
    assert what_is_wrong(b'{"a": nope}') == "Expecting value at column 7"
    assert what_is_wrong(b"[]") == "not a JSON object"
    assert what_is_wrong(b'{"a": "\xff"}') == "no UTF-8 at column 8"
    assert what_is_wrong(b'{"a": "%s"}' % (b"x" * (1 << 20))) == "longer than 1 MiB"


def test_a_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder"), open_input(str(tmp_path)):
        pass


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=4), max_size=5)


@given(OBJECTS, st.sampled_from([None, 0, 1, "\t"]), st.sampled_from(["", "\n", ",\n"]), st.booleans(), st.data())
def test_documents_in_any_pieces(
    events: list[Any], indent: Any, between: str, in_array: bool, data: st.DataObject
) -> None:
    text = between.join(json.dumps(e, indent=indent, ensure_ascii=False) for e in events).encode()
    text = b"[" + text + b"]" if in_array else text
    documents, made, at = Documents(), b"", 0
    while at < len(text):
        end = data.draw(st.integers(at + 1, len(text)))
        made += documents.feed(text[at:end])
        at = end
    made += documents.end()
    assert [json.loads(line) for line in made.split(b"\n")[:-1]] == events


@given(st.binary(max_size=200), st.binary(max_size=200))
@example(b"", b"\0\n,\0")
@example(b"", b"\0[{")
def test_documents_take_any_bytes(first: bytes, second: bytes) -> None:
    """What comes out is in the text, in its order; what parts documents is not in a line."""
    documents = Documents()
    made = documents.feed(first) + documents.feed(second) + documents.end()
    assert not made or made.endswith(b"\n")
    for line in made.split(b"\n"):
        rest = iter(first + second)
        assert all(byte in rest for byte in b"".join(line.split()))
