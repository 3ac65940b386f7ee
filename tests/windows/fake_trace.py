"""A stand-in for Windows' event tracing: a table of sessions, and the calls with answers as Windows gives them.

FAKE, and named so: no trace session can be had without Windows; wine's own calls answer success to everything. What
pywintrace and the sensor do is real. Answers as MSDN has them (StartTrace, EnableTraceEx2, ControlTrace with QUERY,
STOP and FLUSH, OpenTrace, ProcessTrace, CloseTrace): 183 for a name that is taken, 4201 for one that is not,
ProcessTrace stays until the session is stopped or the trace closed. Each call is an address that ctypes calls with the
argument types of pywintrace, as it would Windows'; what Windows refuses of structures (24, 87) is refused here.
"""

from __future__ import annotations

import ctypes
import struct
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sensor.windows import enabled

INVALID = 0xFFFFFFFFFFFFFFFF
CALLS = ("StartTraceW", "EnableTraceEx2", "ControlTraceW", "OpenTraceW", "ProcessTrace", "CloseTrace")
CONTROL = {0: "QUERY", 1: "STOP", 2: "UPDATE", 3: "FLUSH"}
ENABLE = {0: "DISABLE", 1: "ENABLE", 2: "CAPTURE"}
SESSIONS_MAX = 64
SYSTEM_LOGGER = 0x02000000
SYSTEM_TRACE_CONTROL = uuid.UUID("9e814aad-3204-11d2-9a82-006008a86939").bytes_le
EVENT_IDS = 0x80000200  # EVENT_FILTER_TYPE_EVENT_ID
FILTERS_MAX, IDS_MAX = 13, 64  # MAX_EVENT_FILTERS_COUNT, MAX_EVENT_FILTER_EVENT_ID_COUNT


@dataclass
class Enabled:
    """What a provider was enabled with."""

    level: int
    any: int
    all: int
    property: int
    filters: list[tuple[int, bytes]]


@dataclass
class FakeSession:
    """A running session."""

    handle: int
    mode: int
    flags: int
    buffers: tuple[int, int, int]
    guid: bytes
    providers: dict[str, Enabled] = field(default_factory=dict)
    captured: list[str] = field(default_factory=list)
    lost: tuple[int, int, int] = (0, 0, 0)  # EventsLost, RealTimeBuffersLost, LogBuffersLost
    flushes: int = 0
    flush_timer: int = 0  # s
    clock: int = 0  # Wnode.ClientContext
    over: threading.Event = field(default_factory=threading.Event)


class FakeWindows:
    """`sessions` by name. `fail(call, code, ...)`: what the next such calls answer instead, 0 for none; calls are those
    of CALLS, QUERY, STOP, FLUSH (ControlTraceW), ENABLE, CAPTURE (EnableTraceEx2), EnumerateTraceGuidsEx. `log`: all
    calls in order, and "ends" where ProcessTrace does."""

    def __init__(self, structures: Any) -> None:
        self._structures = structures
        self.sessions: dict[str, FakeSession] = {}
        self.log: list[tuple[str, str]] = []
        self.callbacks: dict[str, tuple[int, int]] = {}  # by session: address and context that OpenTraceW was given
        self.deliver: Callable[[str], None] = lambda name: None  # what ProcessTrace hands over first
        self.invalid = INVALID  # INVALID_PROCESSTRACE_HANDLE
        self.faults: list[BaseException] = []  # of this stand-in: behind ctypes nobody hears them
        self._traces: dict[int, tuple[str, FakeSession, threading.Event]] = {}
        self._script: dict[str, deque[int]] = defaultdict(deque)
        self._handles = iter(range(0xCAFE, 1 << 30))
        self._lock = threading.Lock()

    def put_in(self, put: Callable[[Any, str, Any], None]) -> None:
        """`put` as setattr."""
        for call in CALLS:
            real = getattr(self._structures, call)
            put(self._structures, call, ctypes.WINFUNCTYPE(real.restype, *real.argtypes)(self._heard(call)))  # type: ignore[attr-defined,unused-ignore]

        call = "EnumerateTraceGuidsEx"
        types = (ctypes.c_int, *[ctypes.c_void_p, ctypes.c_ulong] * 2, ctypes.POINTER(ctypes.c_ulong))
        put(enabled, call, ctypes.WINFUNCTYPE(ctypes.c_ulong, *types)(self._heard(call)))  # type: ignore[attr-defined,unused-ignore]

    def _heard(self, call: str) -> Callable[..., int]:
        def answer(*arguments: Any) -> int:
            try:
                return int(getattr(self, call)(*arguments))
            except BaseException as fault:
                self.faults.append(fault)
                return 13  # ERROR_INVALID_DATA

        return answer

    def fail(self, call: str, *codes: int) -> None:
        self._script[call].extend(codes)

    def left_over(self, name: str) -> FakeSession:
        """An orphan: what a killed sensor left running."""
        orphan = FakeSession(next(self._handles), 0x100, 0, (1024, 2, 22), bytes(16), {"old": Enabled(5, 0, 0, 0, [])})
        self.sessions[name] = orphan
        return orphan

    def stop_behind_its_back(self, name: str) -> None:
        """As `logman stop NAME -ets` does."""
        self.sessions.pop(name).over.set()

    def called(self, call: str) -> list[str]:
        return [name for what, name in list(self.log) if what == call]

    def _scripted(self, call: str, name: str) -> int:
        self.log.append((call, name))
        return self._script[call].popleft() if self._script[call] else 0

    # ---- the calls ----

    def StartTraceW(self, handle: Any, name: str, properties: Any) -> int:
        given = properties.contents
        with self._lock:
            if code := self._scripted("StartTraceW", name) or self._unsound(given):
                return code
            if name in self.sessions:
                return 183
            if len(self.sessions) == SESSIONS_MAX:
                return 1450
            buffers = (given.BufferSize, given.MinimumBuffers, given.MaximumBuffers)
            made = FakeSession(
                next(self._handles), given.LogFileMode, given.EnableFlags, buffers, bytes(given.Wnode.Guid)
            )
            made.flush_timer, made.clock = given.FlushTimer, given.Wnode.ClientContext
            self.sessions[name] = made
        handle[0] = made.handle
        return 0

    def _room(self, given: Any) -> int:
        """Whether the session's name has room behind EVENT_TRACE_PROPERTIES."""
        least = ctypes.sizeof(self._structures.EVENT_TRACE_PROPERTIES)
        if given.Wnode.BufferSize < least:
            return 24  # ERROR_BAD_LENGTH
        return 0 if least <= given.LoggerNameOffset < given.Wnode.BufferSize else 87

    def _unsound(self, given: Any) -> int:
        private = bool(given.LogFileMode & SYSTEM_LOGGER)
        reasons = (
            not given.Wnode.Flags & 0x20000,  # WNODE_FLAG_TRACED_GUID
            not given.LogFileMode & 0x100,  # there is no file to write to
            not 1 <= given.BufferSize <= 16384,
            given.MinimumBuffers > given.MaximumBuffers,
            private and bytes(given.Wnode.Guid) in {bytes(16), SYSTEM_TRACE_CONTROL},
            not private and given.EnableFlags,
        )
        return self._room(given) or (87 if any(reasons) else 0)

    def EnableTraceEx2(self, handle: int, guid: Any, code: int, *asked: Any) -> int:
        level, any_keyword, all_keyword, _timeout, parameters = asked
        provider = str(guid.contents)[1:-1].lower()
        if scripted := self._scripted(ENABLE[code], provider):
            return scripted
        session = next((s for s in self.sessions.values() if s.handle == handle), None)
        if session is None:
            return 4201
        if code == 2:
            session.captured.append(provider)
        elif code == 0:
            session.providers.pop(provider, None)
        else:
            asked_for = Enabled(level[0], any_keyword, all_keyword, *self._parameters(parameters))
            if not sound(asked_for.filters):
                return 87
            assert not parameters or bytes(parameters.contents.SourceId) == session.guid
            session.providers[provider] = asked_for
        return 0

    def _parameters(self, parameters: Any) -> tuple[int, list[tuple[int, bytes]]]:
        """As Windows reads them: through the addresses in the structures."""
        if not parameters:
            return 0, []
        given = parameters.contents
        assert given.Version == 2
        descriptors = [given.EnableFilterDesc[n] for n in range(given.FilterDescCount)]
        return given.EnableProperty, [(one.Type, ctypes.string_at(one.Ptr, one.Size)) for one in descriptors]

    def ControlTraceW(self, handle: int, name: str, properties: Any, code: int) -> int:
        if scripted := self._scripted(CONTROL[code], name):
            return scripted
        if refused := self._room(properties.contents):
            return refused
        with self._lock:
            session = self.sessions.get(name)
            if session is None:
                return 4201
            answer = properties.contents
            answer.EventsLost, answer.RealTimeBuffersLost, answer.LogBuffersLost = session.lost
            if code == 1:
                self.sessions.pop(name).over.set()
            elif code == 3:
                session.flushes += 1
        return 0

    def OpenTraceW(self, logfile: Any) -> int:
        given = logfile.contents
        name = given.LoggerName
        code = self._scripted("OpenTraceW", name)
        if not code and name not in self.sessions:
            code = 4201
        if not code and given.ProcessTraceMode != 0x10000100:  # real time, EVENT_RECORD
            code = 87
        if code:
            ctypes.windll.kernel32.SetLastError(code)  # type: ignore[attr-defined]
            return self.invalid
        address = ctypes.cast(given.EventRecordCallback, ctypes.c_void_p).value or 0
        self.callbacks[name] = (address, given.Context or 0)
        trace = next(self._handles)
        self._traces[trace] = (name, self.sessions[name], threading.Event())
        return trace

    def ProcessTrace(self, handles: Any, count: int, begin: Any, end: Any) -> int:
        if handles[0] not in self._traces:
            return 6  # ERROR_INVALID_HANDLE
        name, session, closed = self._traces[handles[0]]
        if code := self._scripted("ProcessTrace", name):
            return code
        self.deliver(name)
        while not session.over.wait(0.005) and not closed.is_set():
            pass
        self.log.append(("ends", name))
        return 0

    def EnumerateTraceGuidsEx(self, what: int, *buffers: Any) -> int:
        """Each provider is of the kernel, with one instance."""
        assert what == 1  # TraceGuidQueryInfo
        guid, size, out, room, returned = buffers
        provider = str(uuid.UUID(bytes_le=ctypes.string_at(guid, size)))
        if code := self._scripted("EnumerateTraceGuidsEx", provider):
            return code
        given = [
            struct.pack("<IBBHIIQQ", 1, one.level, 0, session.handle & 0xFFFF, one.property, 0, one.any, one.all)
            for session in self.sessions.values()
            if (one := session.providers.get(provider))
        ]
        answer = struct.pack("<II4I", 1, 0, 0, len(given), 4, 0) + b"".join(given)
        returned[0] = len(answer)
        if len(answer) > room:
            return 122
        ctypes.memmove(out, answer, len(answer))
        return 0

    def CloseTrace(self, trace: int) -> int:
        if trace not in self._traces:
            self.log.append(("CloseTrace", "no trace"))  # pywintrace closes the session's own handle
            return 6  # ERROR_INVALID_HANDLE
        name, _, closed = self._traces[trace]
        self._scripted("CloseTrace", name)
        closed.set()
        return 7007  # ERROR_CTX_CLOSE_PENDING: for real time traces


def sound(filters: list[tuple[int, bytes]]) -> bool:
    """Whether Windows takes them: each kind once, of ids no more than there may be, and as many as it says."""
    kinds = [kind for kind, _ in filters]
    if len(kinds) > FILTERS_MAX or len(set(kinds)) < len(kinds):
        return False
    ids = next((content for kind, content in filters if kind == EVENT_IDS), b"\1\0\0\0")
    _, _, count = struct.unpack_from("<BBH", ids)
    return count <= IDS_MAX and len(ids) == 4 + 2 * count
