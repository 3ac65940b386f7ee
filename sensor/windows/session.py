"""One trace session: started under a fixed name, asked, emptied, stopped. Each answer of Windows is looked at."""

from __future__ import annotations

import ctypes
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sensor.windows.codes import (
    ACTIVE_CONNECTIONS,
    ALREADY_EXISTS,
    INSTANCE_NOT_FOUND,
    MORE_DATA,
    SUCCESS,
    SessionError,
)
from sensor.windows.consumer import Consumer
from sensor.windows.enabled import Settings, settings
from sensor.windows.library import (
    EVENT_FILTER_DESCRIPTOR,
    GUID,
    EventProvider,
    ProviderParameters,
    TraceProperties,
    evntrace,
)
from sensor.windows.losses import Losses
from sensor.windows.providers import Provider, SessionPlan

_QUERY, _STOP, _FLUSH = 0, 1, 3  # EVENT_TRACE_CONTROL_*
_ENABLE, _CAPTURE_STATE = 1, 2  # EVENT_CONTROL_CODE_*
_NO_PROPERTY = 0  # EVENT_ENABLE_PROPERTY_*: a start key would fill buffers; an event is its process' by pid and time
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
        self._reduced: list[str] = []
        self._refused: dict[str, str] = {}
        self._settings: dict[str, Settings] = {}  # that each provider was first seen with
        self._suspect: Provider | None = None
        self.stuck = False  # its consumer does not end: `callback` and `context` must be left to that for good

    # ---- start ----

    def start(self) -> None:
        """Starts it. One of the same name is what a killed sensor left behind, with providers and buffers that are not
        these: it is stopped first. Of several providers some may be refused. SessionError: nothing of it is left."""
        self._reduced, self._refused, self._settings, self._suspect = [], {}, {}, None
        try:
            try:
                self._begin()
            except SessionError as error:
                if error.code != ALREADY_EXISTS:
                    raise
                self._stop("stop the one of the same name")
                self._begin()
            for provider in self.plan.providers:
                self._have(provider)
            self._consumer = Consumer(self.plan.name, self._callback, self._context)
        except SessionError:
            self._abandon()
            raise

    def _begin(self) -> None:
        """StartTrace."""
        self._kept = []
        self._provider = EventProvider(self.plan.name, self._properties(), [])
        try:
            self._provider.start()
        except OSError as error:
            raise SessionError(self.plan.name, "start", int(getattr(error, "winerror", 0))) from None

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

    def _have(self, provider: Provider) -> None:
        """Enables it and asks it for what is there already: who started before the sensor. SessionError: it is refused,
        and so is all that the session has."""
        try:
            self._enable(provider)
        except SessionError as error:
            self._refused[provider.name] = str(error)
            self._reduced.append(str(error))
            if len(self._refused) == len(self.plan.providers):
                raise
            return
        if provider.rundown and (code := self._call(_CAPTURE_STATE, provider, None)) != SUCCESS:
            what = f"ask {provider.name} for what is there"
            self._reduced.append(str(SessionError(self.plan.name, what, code, provider.name)))

    def _enable(self, provider: Provider) -> None:
        """Where the filter that nobody documents is refused, without it."""
        code = self._call(_ENABLE, provider, self._parameters(provider))
        if code != SUCCESS and provider.captured_data:
            error = SessionError(self.plan.name, f"have {provider.name} say what was written", code, provider.name)
            code = self._call(_ENABLE, provider, self._parameters(replace(provider, captured_data=False)))
            if code == SUCCESS:
                self._reduced.append(str(error))
        if code != SUCCESS:
            raise SessionError(self.plan.name, f"enable {provider.name}", code, provider.name)

    def _call(self, control: int, provider: Provider, parameters: Any) -> int:
        """EnableTraceEx2."""
        guid = GUID(f"{{{provider.guid}}}")
        arguments = (control, provider.level, provider.keywords, 0, 0, parameters)
        return int(evntrace.EnableTraceEx2(self._provider.session_handle, ctypes.byref(guid), *arguments))

    def _parameters(self, provider: Provider) -> Any:
        """ENABLE_TRACE_PARAMETERS."""
        descriptors = []
        for kind, content in provider.filters:
            buffer = ctypes.create_string_buffer(content, len(content))
            descriptors.append(EVENT_FILTER_DESCRIPTOR(ctypes.addressof(buffer), len(content), kind))
            self._kept.append(buffer)
        made = ProviderParameters(_NO_PROPERTY, descriptors)
        made.get().contents.SourceId = self._provider.session_properties.get().contents.Wnode.Guid
        self._kept.append(made)
        return made.get()

    def _abandon(self) -> None:
        if self._started:
            with suppress(SessionError):  # what led here is told
                self._stop("stop")
        self._provider = None

    @property
    def reduced(self) -> str:
        """What it could not be made to do."""
        return "; ".join(self._reduced)

    @property
    def refused(self) -> Mapping[str, str]:
        """Providers that it could not have, and why."""
        return self._refused

    # ---- while it runs ----

    def _control(self, code: int, what: str) -> Losses:
        """ControlTrace by name."""
        properties = TraceProperties(props=ctypes.pointer(evntrace.EVENT_TRACE_PROPERTIES()))
        rc = evntrace.ControlTraceW(evntrace.TRACEHANDLE(0), self.plan.name, properties.get(), code)
        if rc != SUCCESS:
            raise SessionError(self.plan.name, what, rc)
        answer = properties.get().contents
        return Losses(answer.EventsLost, answer.RealTimeBuffersLost, answer.LogBuffersLost)

    def _stop(self, what: str) -> Losses | None:
        """What it lost in all; None where Windows does not say: it was not there any more, or is told to stop twice."""
        try:
            return self._control(_STOP, what)
        except SessionError as error:
            if error.code not in (INSTANCE_NOT_FOUND, ACTIVE_CONNECTIONS, MORE_DATA):
                raise
            return None

    def query(self) -> Losses:
        """What it has lost since it was started."""
        return self._control(_QUERY, "ask what it lost")

    def changed(self) -> str:
        """Its first provider that somebody has disabled in it, or given another level or keywords, since it was first
        seen to have it; "" where there is none, or Windows does not say. One that is only seen once may be in a process
        that has just begun."""
        suspect, self._suspect = self._suspect, next(filter(self._is_changed, self.plan.providers), None)
        return suspect.name if suspect and suspect == self._suspect else ""

    def _is_changed(self, provider: Provider) -> bool:
        now = settings(provider.guid, self._provider.session_handle.value & 0xFFFF)
        first = self._settings.setdefault(provider.name, now) if now else self._settings.get(provider.name)
        return now is not None and first is not None and now.isdisjoint(first)

    def flush(self) -> None:
        """Has what is in its buffers handed over now."""
        try:
            self._control(_FLUSH, "empty its buffers")
        except SessionError as error:
            if error.code != MORE_DATA:
                raise

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
        """Stops it and takes what is left in it: what it lost in all, None where Windows does not say. Once only.

        SessionError, after all has been done that can be: it could not be stopped, or its consumer does not end, and is
        `stuck`.
        """
        if not self._started:
            return None
        consumer, self._consumer, self._provider = self._consumer, None, None
        try:
            return self._stop("stop")
        finally:
            if consumer is not None and not consumer.close():
                self.stuck = True
                raise SessionError(self.plan.name, "end its consumer", 0)
