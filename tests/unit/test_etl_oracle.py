"""Event trace logs against etl-parser: its counts of real traces, and events that its schemas write."""

from __future__ import annotations

import importlib
import os
import struct
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import construct
import pytest
from etl_file import BEGIN, Event, etl_file
from test_etl import read

CORPUS = os.environ.get("LINSANG_CORPUS", "")
real = pytest.mark.skipif(not CORPUS, reason="LINSANG_CORPUS is not set")
TRACES = ["AMSITrace", "ShutdownPerfDiagLogger", "lxcore_kernel", "powershell"]
# AMSITrace and lxcore_kernel are events that describe themselves (TraceLogging); of the PowerShell's, four are of ids
# that say nothing of commands
DECODED = {"AMSITrace": 0, "ShutdownPerfDiagLogger": 13_944, "lxcore_kernel": 0, "powershell": 108}


@real
@pytest.mark.parametrize("name", TRACES)
def test_counts_of_real_traces(tmp_path: Path, name: str) -> None:
    """etl-parser leaves out the first buffer."""
    content = trace(name)
    theirs = peer().tally(content)
    _, counts, error = read(tmp_path / "x.etl", content)
    size = struct.unpack_from("<I", content)[0]
    first = read(tmp_path / "y.etl", content[:size])[1]["events"]
    assert counts["events"] - first == theirs.events
    want = ("unknown", "damaged", "compressed", "cut_off", "broken", "unknown_version")
    assert not error
    assert not any(counts[name] for name in want)
    assert counts["told"] + counts["joined"] == DECODED[name]


@real
@pytest.mark.parametrize("name", TRACES)
def test_half_the_buffers_of_a_real_trace(tmp_path: Path, name: str) -> None:
    content = trace(name)
    size = struct.unpack_from("<I", content)[0]
    half = len(content) // size // 2 * size
    _, counts, error = read(tmp_path / "x.etl", content[:half])
    assert counts["cut_off"] == len(content) - half
    assert f"cut_off {len(content) - half}" in error


@real
def test_a_rule_finds_in_a_real_trace_what_is_there(tmp_path: Path) -> None:
    """Services that ended, by a count of etl-parser's decoding: the trace lists all processes with their command lines
    and images."""
    content = trace("ShutdownPerfDiagLogger")
    theirs = peer().tally(content)
    images = [(i.ProcessId, text(i.FileName)) for i in theirs.images]
    hosts = {pid for pid, path in images if path.endswith("\\svchost.exe")}
    ended = [e for e in theirs.ends if e.ProcessId in hosts]
    found, counts, _ = read(tmp_path / "x.etl", content)
    mine = [e for e in found if e["Provider_Name"].endswith("/Process") and e["EventID"] == 2]
    mine = [e for e in mine if e.get("Image", "").endswith("\\svchost.exe")]
    assert sorted(e["ProcessId"] for e in mine) == sorted(e.ProcessId for e in ended) != []
    loaded = Counter((e["ProcessId"], e["FileName"]) for e in found if "FileName" in e)
    assert loaded == Counter(images)
    assert counts["told"] == len(found) == len(images) + 191


def trace(name: str) -> bytes:
    return Path(CORPUS, "etw", "etl", f"{name}.etl").read_bytes()


def peer() -> Any:
    """Imported when it is first asked: it takes seconds, of each process that only collects tests, too."""
    return importlib.import_module("etl_peer")


def text(value: Any) -> str:
    return bytes(value.string[:-2]).decode("utf-16-le")


# ---- schemas ----

KNOWN = [
    *[("process", "Kernel_Process", number, version) for number, last in ((1, 3), (2, 2), (5, 0), (6, 0), (15, 1))
      for version in range(last + 1)],
    *[("network", "Kernel_Network", number, 0) for number in (12, 15, 42)],  # it has IPv6 events without addresses
    *[("file", "Kernel_File", number, version) for number in (12, 26, 27, 28, 30) for version in (0, 1)],
    *[("file", "Kernel_File", number, 0) for number in (10, 11)],
    *[("registry", "Kernel_Registry", number, 0) for number in (1, 2, 3, 5, 6, 13)],
    *[("dns", "DNS_Client", number, 0) for number in (3006, 3008)],
    *[("powershell", "PowerShell", number, 1) for number in (4103, 4104, 7937, 7938, 7939)],
    *[("wmi", "WMI_Activity", number, 0) for number in (11, 22, 23)],
    ("classic process", "", 2, 4),
    ("classic image", "", 10, 3),
]  # fmt: skip
POINTERS = {"ImageBase", "ImageSize", "DefaultBase", "Irp", "FileObject", "FileKey", "ThreadId", "ExtraInformation",
            "BaseObject", "KeyObject", "UniqueProcessKey", "DirectoryTableBase"}  # fmt: skip
FIXED = {"IsLocal": 1, "Status": 0, "Disposition": 1, "CapturedDataSize": 3, "PreviousDataCapturedSize": 2}
HIDDEN = {"CapturedData", "PreviousData", "UserSID_blob"} | set(FIXED) - {"Status", "Disposition", "IsLocal"}
WHOLE = {("wmi", 11): 1}  # beginnings that are the whole of what Windows wrote before


def made(pattern: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values for each of a schema's members, and what they are to be in a line."""
    values: dict[str, Any] = {}
    shown: dict[str, Any] = {}
    for n, part in enumerate(pattern.subcons):
        name, kind = part.name, part.subcon
        if name in FIXED:
            values[name] = FIXED[name]
            shown[name] = "true" if name == "IsLocal" else FIXED[name]
        elif isinstance(kind, construct.FormatField):
            values[name], shown[name] = number(name, kind.length, n)
        elif isinstance(kind, (construct.Array, construct.Bytes)):
            size = {"CapturedData": 3, "PreviousData": 2}.get(name, 16)
            values[name] = b"abc"[:size] if size < 16 else [1] + [0] * 15
        elif "SubAuthority" in dir(kind) or any(getattr(sub, "name", "") == "SubAuthority" for sub in kind.subcons):
            values[name] = {"SubAuthorityCount": 2, "IdentifierAuthority": [0, 0, 0, 0, 0, 16], "SubAuthority": [n, 7]}
            shown["UserSID" if name == "Sid" else name] = f"S-1-16-{n}-7"
        else:
            narrow = type(kind.parse(b"\0\0")).__name__ and kind.parse(b"\0\0").type == "CString"
            word = f"word {n}" if narrow else f"w\u00f6rd {n} \U0001f600"
            raw = word.encode() + b"\0" if narrow else word.encode("utf-16-le") + b"\0\0"
            values[name], shown[name] = {"string": list(raw)}, word
    return values, {name: value for name, value in shown.items() if name not in HIDDEN}


def number(name: str, size: int, n: int) -> tuple[int, Any]:
    value = int.from_bytes(bytes(range(n + 1, n + 1 + size)), "little")
    if name.endswith("Time"):
        return BEGIN, "2019-04-17T18:40:00.000000000Z"
    if name in POINTERS:
        return value, hex(value)
    if name in ("daddr", "saddr"):
        return value, str(ip_address(value.to_bytes(size, "little")))
    if name in ("dport", "sport"):
        return value, int.from_bytes(value.to_bytes(size, "little"), "big")
    return value, value


# opened, closed, named: nothing happened to the key or file
NOT_GIVEN = {("registry", 2), ("registry", 13), ("file", 10), ("file", 11)}


@pytest.mark.parametrize(("provider", "module", "identity", "version"), KNOWN)
def test_what_its_schemas_write(tmp_path: Path, provider: str, module: str, identity: int, version: int) -> None:
    pattern = peer().pattern(module, identity, version)
    values, shown = made(pattern)
    data = pattern.build(values)
    whole = Event(provider, identity, version, data)
    found, counts, _ = read(tmp_path / "x.etl", etl_file([whole]))
    assert counts["told"] + counts["joined"] == 1
    if (provider, identity) in NOT_GIVEN:
        assert found == []
    else:
        assert {name: found[0].get(name) for name in shown} == shown
    cut = [Event(provider, identity, version, data[:size]) for size in range(len(data))]
    found, counts, error = read(tmp_path / "y.etl", etl_file(cut))
    assert len(found) == WHOLE.get((provider, identity), 0)
    assert counts["broken"] == len(cut) - len(found)
    assert f"broken {counts['broken']}" in error
