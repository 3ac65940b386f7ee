"""What a session has of a provider, as the provider was told. Imports on Windows only."""

from __future__ import annotations

import ctypes
import struct
import sys
from typing import Any

from sensor.windows.library import GUID

assert sys.platform == "win32"

_QUERY_INFO = 1  # TraceGuidQueryInfo
_INSUFFICIENT_BUFFER = 122
_ROOM, _ROOM_MAX = 1 << 12, 1 << 22
_HEAD = struct.Struct("<II")  # TRACE_GUID_INFO: InstanceCount
_INSTANCE = struct.Struct("<4I")  # TRACE_PROVIDER_INSTANCE_INFO: NextOffset, EnableCount
_ENABLE = struct.Struct(
    "<IBBHIIQQ"
)  # TRACE_ENABLE_INFO: IsEnabled, Level, LoggerId at 3, MatchAnyKeyword, MatchAllKeyword

_arguments = (ctypes.c_int, *[ctypes.c_void_p, ctypes.c_ulong] * 2, ctypes.POINTER(ctypes.c_ulong))
# wine has none
EnumerateTraceGuidsEx: Any = getattr(ctypes.WinDLL("advapi32"), "EnumerateTraceGuidsEx", None)
if EnumerateTraceGuidsEx:
    EnumerateTraceGuidsEx.argtypes, EnumerateTraceGuidsEx.restype = _arguments, ctypes.c_ulong

Settings = frozenset[tuple[int, int, int]]  # level, any and all keywords: of each process that has the provider


def settings(provider: str, session: int) -> Settings | None:
    """With what the session of that number (the low 16 bits of its handle) has the provider of that GUID; empty: it has
    not. None: Windows does not say, or no process has the provider."""
    guid, size, room = GUID(f"{{{provider}}}"), ctypes.c_ulong(), _ROOM
    while EnumerateTraceGuidsEx and room <= _ROOM_MAX:
        answer = ctypes.create_string_buffer(room)
        asked = (ctypes.addressof(guid), ctypes.sizeof(guid))
        code = EnumerateTraceGuidsEx(_QUERY_INFO, *asked, ctypes.addressof(answer), room, ctypes.byref(size))
        if code == 0:
            return _read(answer.raw[: size.value], session)
        if code != _INSUFFICIENT_BUFFER:
            break
        room = max(2 * room, size.value)
    return None


def _read(answer: bytes, session: int) -> Settings | None:
    found, at = set[tuple[int, int, int]](), _HEAD.size
    try:
        (instances, _) = _HEAD.unpack_from(answer)
        for _ in range(instances):
            following, count, *_ = _INSTANCE.unpack_from(answer, at)
            for number in range(count):
                enable = _ENABLE.unpack_from(answer, at + _INSTANCE.size + number * _ENABLE.size)
                if enable[0] and enable[3] == session:
                    found.add((enable[1], enable[6], enable[7]))
            if not following:
                break
            at += following
    except struct.error:  # shorter than it says
        return None
    return frozenset(found) if instances else None
