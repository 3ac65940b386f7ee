"""One trace session: started under a fixed name, asked, emptied, stopped. Each answer of Windows is looked at."""

from __future__ import annotations

import ctypes
import uuid
from contextlib import suppress
from typing import Any

from sensor.windows.codes import ALREADY_EXISTS, INSTANCE_NOT_FOUND, MORE_DATA, SUCCESS, SessionError
from sensor.windows.consumer import Consumer
from sensor.windows.library import (
    EVENT_FILTER_DESCRIPTOR,
    GUID,
    EventProvider,
    ProviderInfo,
    ProviderParameters,
    TraceProperties,
    evntrace,
)
from sensor.windows.losses import Losses
from sensor.windows.providers import Provider, SessionPlan

_QUERY, _STOP, _FLUSH = 0, 1, 3  # EVENT_TRACE_CONTROL_*
_CAPTURE_STATE = 2  # EVENT_CONTROL_CODE_CAPTURE_STATE
_TRACED_GUID = 0x00020000  # WNODE_FLAG_TRACED_GUID
_CLOCK = 1  # Wnode.ClientContext: the performance counter, which ProcessTrace turns into system time
_FLUSH_TIMER_S = 1  # the least that Windows does by itself; what is shorter is forced


class Session:
    """The session of `plan`. `callback` and `context` as Consumer's. One thread at a time.

    Every SessionError says which session, what was tried and what Windows answered.
    """

    def __init__(self, plan: SessionPlan, callback: int, context: int) -> None:
        self.plan = plan
        self._callback = callback
        self._context = context
        self._provider: Any = None
        self._consumer: Consumer | None = None
        self._kept: list[Any] = []  # what Windows may look at while the session is there
        self.reduced = ""  # what it could not be made to do
        self.stuck = False  # its consumer does not end: `callback` and `context` must be left to that for good

    # ---- start ----

    def start(self) -> None:
        """Starts it. One of the same name is what a killed sensor left behind, with providers and buffers that are not
        these: it is stopped first. SessionError: nothing of it is left."""
        try:
            try:
                self._begin()
            except SessionError as error:
                if error.code != ALREADY_EXISTS:
                    raise
                self._stop_orphan()
                self._begin()
            self._ask_for_state()
            self._consumer = Consumer(self.plan.name, self._callback, self._context)
        except SessionError:
            self._abandon()
            raise

    def _begin(self) -> None:
        """StartTrace, then EnableTraceEx2 for each provider."""
        self._kept = []
        providers = [self._as_asked(provider) for provider in self.plan.providers]
        self._provider = EventProvider(self.plan.name, self._properties(), providers)
        try:
            self._provider.start()
        except OSError as error:
            step = "enable its providers" if self._started else "start"
            raise SessionError(self.plan.name, step, int(getattr(error, "winerror", 0))) from None

    @property
    def _started(self) -> bool:
        return self._provider is not None and self._provider.session_handle.value != 0

    def _properties(self) -> Any:
        plan = self.plan
        made = evntrace.EVENT_TRACE_PROPERTIES()
        made.Wnode.Guid = GUID(f"{{{uuid.uuid4()}}}")
        made.Wnode.ClientContext = _CLOCK
        made.Wnode.Flags = _TRACED_GUID
        made.BufferSize = plan.buffer_kib
        made.MinimumBuffers, made.MaximumBuffers = plan.buffers
        made.LogFileMode = plan.mode
        made.FlushTimer = _FLUSH_TIMER_S
        made.EnableFlags = plan.flags
        return TraceProperties(props=ctypes.pointer(made))

    def _as_asked(self, provider: Provider) -> Any:
        descriptors = []
        for kind, content in provider.filters:
            buffer = ctypes.create_string_buffer(content, len(content))
            descriptors.append(EVENT_FILTER_DESCRIPTOR(ctypes.addressof(buffer), len(content), kind))
            self._kept.append(buffer)
        parameters = ProviderParameters(provider.properties, descriptors)
        self._kept.append(parameters)
        return ProviderInfo(
            provider.name, GUID(f"{{{provider.guid}}}"), provider.level, provider.keywords, 0, parameters.get()
        )

    def _stop_orphan(self) -> None:
        try:
            self._control(_STOP, "stop the one of the same name")
        except SessionError as error:
            if error.code != INSTANCE_NOT_FOUND:
                raise

    def _ask_for_state(self) -> None:
        """What is there already, as events. Refused: who started before the sensor is not known, all else is."""
        self.reduced = ""
        for provider in self.plan.providers:
            if provider.rundown:
                guid = GUID(f"{{{provider.guid}}}")
                arguments = (self._provider.session_handle, ctypes.byref(guid), _CAPTURE_STATE)
                code = evntrace.EnableTraceEx2(*arguments, provider.level, provider.keywords, 0, 0, None)
                if code != SUCCESS:
                    self.reduced = str(SessionError(self.plan.name, f"ask {provider.name} for what is there", code))

    def _abandon(self) -> None:
        if self._started:
            with suppress(SessionError):  # what led here is told
                self._control(_STOP, "stop")
        self._provider = None

    # ---- while it runs ----

    def _control(self, code: int, what: str) -> Losses:
        """ControlTrace by name."""
        properties = TraceProperties(props=ctypes.pointer(evntrace.EVENT_TRACE_PROPERTIES()))
        rc = evntrace.ControlTraceW(evntrace.TRACEHANDLE(0), self.plan.name, properties.get(), code)
        if rc != SUCCESS and not (rc == MORE_DATA and code != _QUERY):
            raise SessionError(self.plan.name, what, rc)
        answer = properties.get().contents
        return Losses(answer.EventsLost, answer.RealTimeBuffersLost, answer.LogBuffersLost)

    def query(self) -> Losses:
        """What it has lost since it was started."""
        return self._control(_QUERY, "ask what it lost")

    def flush(self) -> None:
        """Has what is in its buffers handed over now."""
        self._control(_FLUSH, "empty its buffers")

    @property
    def ended(self) -> str:
        """Why no events come any more; "" while they do."""
        if self._consumer is None:
            return "it was not started"
        return f"its consumer ended (ProcessTrace: {self._consumer.code})" if self._consumer.ended() else ""

    def settled(self, patience: float) -> bool:
        """Whether its consumer still waits for events `patience` seconds from now."""
        return self._consumer is not None and not self._consumer.ended(patience)

    # ---- end ----

    def stop(self) -> Losses | None:
        """Stops it and takes what is left in it: what it lost in all, None when somebody else stopped it. Once only.

        SessionError, after all has been done that can be: it could not be stopped, or its consumer does not end, and is
        `stuck`.
        """
        if not self._started:
            return None
        consumer, self._consumer, self._provider = self._consumer, None, None
        try:
            return self._control(_STOP, "stop")
        except SessionError as error:
            if error.code != INSTANCE_NOT_FOUND:
                raise
            return None
        finally:
            if consumer is not None and not consumer.close():
                self.stuck = True
                raise SessionError(self.plan.name, "end its consumer", 0)
