"""Event trace logs for tests: what native/etl.c reads, made anew from evntrace.h's and evntcons.h's structures."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

PROVIDERS = {
    "process": uuid.UUID("22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"),
    "network": uuid.UUID("7dd42a49-5329-4832-8dfd-43d979153a88"),
    "file": uuid.UUID("edd08927-9cc4-4e65-b970-c2560fb5c289"),
    "registry": uuid.UUID("70eb4f03-c1de-4f73-a051-33d13d5413bd"),
    "dns": uuid.UUID("1c95126e-7eea-49a9-a3fe-a378b03ddb4d"),
    "powershell": uuid.UUID("a0c1853b-5c40-4b15-8766-3cf1c58f985a"),
    "wmi": uuid.UUID("1418ef04-b0b4-4623-bf7e-d74ab47bbdaa"),
}
# The kernel logger's classes: its groups in a file, their GUIDs in a session.
_CLASSES = {
    "classic process": "3d6fa8d0-fe05-11d0-9dda-00c04fd7ba7c",
    "classic image": "2cb15d1d-5fc1-11d2-abe1-00a0c911f518",
    "classic tcp": "9a280ac0-c8e0-11d1-84e2-00c04fb998a2",
    "classic udp": "bf3a50c5-a9c9-4988-a005-2df0b7c80f80",
    "lost": "6a399ae0-4bc6-4de9-870b-3657f8947e7e",
}
GROUPS = {"classic process": 0x03, "classic image": 0x14, "classic tcp": 0x06, "classic udp": 0x08, "lost": 0xFF}
BEGIN = 132_000_000_000_000_000  # FILETIME: 2019-04-17
_FLAGS = 0xC0
# The third byte of an event by its header's form, of 32 and of 64 bits.
_MARKERS = {"system": (1, 2), "compact": (3, 4), "perfinfo": (0x10, 0x11), "event": (0x12, 0x13), "full": (0x0A, 0x14)}
_KERNELS = ("system", "compact", "perfinfo")
_HEAD = {"system": 32, "compact": 24, "perfinfo": 16, "event": 80, "full": 48}


@dataclass(frozen=True)
class Event:
    """`at`: ns after BEGIN, a multiple of 100. `pid`: of the thread that wrote it. `extended`: items behind its
    header. `form`: of its header, "" the usual one of its provider; `bits`: of whoever wrote it."""

    provider: str
    id: int
    version: int
    data: bytes
    at: int = 0
    pid: int = 4
    extended: bytes = b""
    form: str = ""
    bits: int = 64

    @property
    def guid(self) -> uuid.UUID:
        return classic_guid(self.provider) if self.provider in GROUPS else PROVIDERS[self.provider]

    def packed(self) -> bytes:
        """With its header, padded."""
        form = self.form or ("system" if self.provider in GROUPS else "event")
        data = self.extended + self.data
        size, marker = _HEAD[form] + len(data), _MARKERS[form][self.bits // 64]
        time, who = BEGIN + self.at // 100, struct.pack("<II", 1, self.pid)
        if form in _KERNELS:
            head = struct.pack("<HBBHBB", self.version, marker, _FLAGS, size, self.id, GROUPS[self.provider])
            head += struct.pack("<Q", time) if form == "perfinfo" else who + struct.pack("<Q", time)
        elif form == "full":
            head = struct.pack("<HBBBBH", size, marker, _FLAGS, self.id, 0, self.version) + who
            head += struct.pack("<Q", time) + self.guid.bytes_le
        else:
            flags = (0x40 if self.bits == 64 else 0x20) | bool(self.extended)
            head = struct.pack("<HBBHH", size, marker, _FLAGS, flags, 0) + who + struct.pack("<Q", time)
            head += self.guid.bytes_le + struct.pack("<HBBBBHQ", self.id, self.version, 0, 0, 0, 0, 0)
        made = head.ljust(_HEAD[form], b"\0") + data
        return made + bytes(-len(made) % 8)


def described(schema: bytes, traits: bytes = b"") -> bytes:
    """The extended items of an event that describes itself: EVENT_SCHEMA_TL, PROV_TRAITS."""
    items = [(12, traits), (11, schema)] if traits else [(11, schema)]
    heads = [struct.pack("<HHHHQ", 0, kind, kind == 12, len(item), 0)[:8] for kind, item in items]
    return b"".join(head + item + bytes(-len(item) % 8) for head, (_, item) in zip(heads, items, strict=True))


def classic_guid(provider: str) -> uuid.UUID:
    """Of one of GROUPS."""
    return uuid.UUID(_CLASSES[provider])


def buffer(content: bytes, size: int, flags: int = 0) -> bytes:
    """WMI_BUFFER_HEADER and events."""
    head = bytearray(72)
    struct.pack_into("<II", head, 0, size, 72 + len(content))
    struct.pack_into("<H", head, 52, flags)
    return (bytes(head) + content).ljust(size, b"\xff")


def header(
    size: int, *, events_lost: int = 0, buffers_lost: int = 0, mode: int = 1, written: int = 0, bits: int = 64
) -> bytes:
    """The first buffer: the TRACE_LOGFILE_HEADER alone; times are FILETIMEs. `written`: buffers that it says there are,
    in a file of that mode."""
    body = bytearray(280 if bits == 64 else 272)
    struct.pack_into("<I", body, 0, size)
    struct.pack_into("<II", body, 32, mode, written)
    struct.pack_into("<II", body, 44, bits // 8, events_lost)
    struct.pack_into("<QQII", body, len(body) - 24, 10_000_000, BEGIN, 2, buffers_lost)
    marker = _MARKERS["system"][bits // 64]
    event = struct.pack("<HBBHBBIIQQ", 2, marker, _FLAGS, 32 + len(body), 0, 0, 1, 4, BEGIN, 0)
    return buffer(event + bytes(body), size)


def etl_file(
    events: Sequence[Event], *, size: int = 1 << 16, events_lost: int = 0, buffers_lost: int = 0, bits: int = 64
) -> bytes:
    """A whole log, the events in as many buffers as they take."""
    made, content = header(size, events_lost=events_lost, buffers_lost=buffers_lost, bits=bits), b""
    for event in events:
        packed = event.packed()
        if len(content) + len(packed) > size - 72:
            made, content = made + buffer(content, size), b""
        content += packed
    return made + buffer(content, size)


def wide(text: str) -> bytes:
    """UTF-16 up to its NUL; lone surrogates as they are."""
    return text.encode("utf-16-le", "surrogatepass") + b"\0\0"


def sid(*sub: int, authority: int = 5) -> bytes:
    """S-1-authority-sub-..."""
    return bytes((1, len(sub))) + authority.to_bytes(6, "big") + b"".join(n.to_bytes(4, "little") for n in sub)


def kernel_start(pid: int, parent: int, image: str, *, level: int = 12288, parent_sequence: int = 0) -> bytes:
    """Data of Kernel-Process 1, version 3."""
    data = struct.pack("<IQQIQIIII", pid, pid * 10, BEGIN, parent, parent_sequence, 1, 0, 1, 0)
    return data + sid(level, authority=16) + wide(image) + struct.pack("<II", 0, 0) + wide("") * 2


def classic_process(pid: int, parent: int, name: str, line: str, user: bytes | None = None, *, bits: int = 64) -> bytes:
    """Data of the kernel logger's process events, version 4."""
    pointer = "<Q" if bits == 64 else "<I"
    data = struct.pack(pointer, 0xFFFF8000) + struct.pack("<IIIi", pid, parent, 1, 259) + struct.pack(pointer, 0)
    data += bytes(4)
    data += bytes(4) if user is None else struct.pack(pointer, 1) + struct.pack(pointer, 0) + user
    return data + name.encode() + b"\0" + wide(line) + wide("") * 2


def classic_image(pid: int, path: str, bits: int = 64) -> bytes:
    """Data of the kernel logger's image events, version 3."""
    pointer = "Q" if bits == 64 else "I"
    numbers = f"<{pointer}{pointer}IIIBBH{pointer}IIII"
    return struct.pack(numbers, 0x400000, 0x1000, pid, 0, 0, 0, 0, 0, 0x400000, 0, 0, 0, 0) + wide(path)
