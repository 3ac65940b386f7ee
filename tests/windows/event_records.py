"""EVENT_RECORDs as Windows hands them over, from the layouts of its manifests."""

from __future__ import annotations

import ctypes
import struct
import uuid
from typing import Any

from etw.evntcons import EVENT_RECORD

KERNEL_PROCESS = "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"
KERNEL_NETWORK = "7dd42a49-5329-4832-8dfd-43d979153a88"
HIGH = struct.pack("<BB6sI", 1, 1, b"\0\0\0\0\0\x10", 0x3000)  # S-1-16-12288
FILETIME_2026 = 134_000_000_000_000_000


def record(provider: str, number: int, version: int, data: bytes, *, pid: int = 4, time: int = FILETIME_2026) -> Any:
    """One event of a manifest provider, written by a 64 bit kernel. Keeps its data."""
    made = EVENT_RECORD()
    header = made.EventHeader
    header.Size = ctypes.sizeof(EVENT_RECORD)
    header.Flags = 0x40  # EVENT_HEADER_FLAG_64_BIT_HEADER
    header.ProcessId, header.ThreadId, header.TimeStamp = pid, 8, time
    ctypes.memmove(ctypes.byref(header.ProviderId), uuid.UUID(provider).bytes_le, 16)
    header.EventDescriptor.Id, header.EventDescriptor.Version = number, version
    made.kept = ctypes.create_string_buffer(data, len(data))
    made.UserData = ctypes.addressof(made.kept)
    made.UserDataLength = len(data)
    return made


def text(value: str) -> bytes:
    return (value + "\0").encode("utf-16-le")


def process_start(pid: int, parent: int, image: str, *, time: int = FILETIME_2026) -> Any:
    """Kernel-Process 1, version 3."""
    head = struct.pack("<IQQIQIIII", pid, pid << 8, time, parent, parent << 8, 1, 0, 1, 0)
    tail = struct.pack("<II", 0, 0) + text("") + text("")
    return record(KERNEL_PROCESS, 1, 3, head + HIGH + text(image) + tail, pid=parent, time=time)


def connect(pid: int, *, time: int = FILETIME_2026) -> Any:
    """Kernel-Network 12, version 0: 192.168.1.28:49939 to 20.190.159.23:443."""
    data = struct.pack("<II", pid, 0) + bytes([20, 190, 159, 23, 192, 168, 1, 28]) + struct.pack(">HH", 443, 49939)
    return record(KERNEL_NETWORK, 12, 0, data + bytes(24), time=time)


def image_load(pid: int, image: str, *, time: int = FILETIME_2026) -> Any:
    """Kernel-Process 5, version 0."""
    head = struct.pack("<QQIIIQ", 0x10000, 0x1000, pid, 0, 0, 0x10000)
    return record(KERNEL_PROCESS, 5, 0, head + text(image), pid=pid, time=time)
