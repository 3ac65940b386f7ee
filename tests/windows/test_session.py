"""Sessions over the unmodified pywintrace and scripted calls of Windows: each error code, and what pywintrace alone
does with it."""

import sys
import threading
from collections.abc import Callable

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

import ctypes

from etw.etw import ETW, ProviderInfo
from etw.GUID import GUID
from fake_trace import FakeWindows

from sensor.windows.codes import SessionError
from sensor.windows.library import evntrace
from sensor.windows.losses import Losses
from sensor.windows.providers import OPTIONAL, SessionPlan, plans
from sensor.windows.session import Session

PROCESS, SYSTEM, BULK = plans(OPTIONAL)
KERNEL_PROCESS = "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"
CALLBACK, CONTEXT = 0x7FF612345678, 0x1234


def started(plan: SessionPlan = PROCESS) -> Session:
    session = Session(plan, CALLBACK, CONTEXT)
    session.start()
    return session


def refused(plan: SessionPlan = PROCESS) -> SessionError:
    with pytest.raises(SessionError) as caught:
        started(plan)
    return caught.value


def test_a_session_is_what_its_plan_says(windows: FakeWindows) -> None:
    session = started()
    running = windows.sessions["linsang-process"]
    assert (running.mode, running.flags, running.buffers) == (0x100, 0, (32, 64, 512))
    enabled = running.providers[KERNEL_PROCESS]
    assert (enabled.level, enabled.any, enabled.all, enabled.property) == (4, 0x10, 0, 0x80)
    assert enabled.filters == [(0x80000200, b"\x01\x00\x03\x00\x01\x00\x02\x00\x0f\x00")]
    assert running.captured == [KERNEL_PROCESS]
    assert windows.callbacks["linsang-process"] == (CALLBACK, CONTEXT)
    assert session.stop() == Losses()
    assert not windows.sessions


def test_the_system_logger_is_a_private_session(windows: FakeWindows) -> None:
    session = started(SYSTEM)
    running = windows.sessions["linsang-system"]
    assert (running.mode, running.flags, running.providers) == (0x02000100, 0x1, {})
    assert running.guid not in {bytes(16), bytes(GUID("{9e814aad-3204-11d2-9a82-006008a86939}"))}
    session.stop()


def test_filters_are_still_there_when_windows_reads_them_later(windows: FakeWindows) -> None:
    """Their bytes are only known by address: collected garbage would be read."""
    session = started(BULK)
    providers = windows.sessions["linsang-bulk"].providers
    for provider in BULK.providers:
        assert providers[provider.guid].filters == provider.filters
    session.stop()


def test_an_orphan_is_stopped_and_replaced(windows: FakeWindows) -> None:
    orphan = windows.left_over("linsang-process")
    session = started()
    assert windows.log[:3] == [
        ("StartTraceW", "linsang-process"),
        ("STOP", "linsang-process"),
        ("StartTraceW", "linsang-process"),
    ]
    assert orphan.over.is_set()
    assert list(windows.sessions["linsang-process"].providers) == [KERNEL_PROCESS]
    session.stop()


def test_an_orphan_that_went_meanwhile(windows: FakeWindows) -> None:
    windows.fail("StartTraceW", 183)
    windows.fail("STOP", 4201)
    started().stop()


def test_one_restart_only(windows: FakeWindows) -> None:
    windows.fail("StartTraceW", 183, 183, 183)
    windows.fail("STOP", 4201)
    assert refused().code == 183
    assert len(windows.called("StartTraceW")) == 2


REFUSALS = {
    "not elevated": ("StartTraceW", 5, "start: access is denied (error 5)", "elevated"),
    "privilege": ("StartTraceW", 1314, "start: a privilege is missing (error 1314)", "elevated"),
    "no more sessions": ("StartTraceW", 1450, "all trace sessions of this machine are taken", "EtwMaxLoggers"),
    "settings": ("StartTraceW", 87, "start: its settings are refused (error 87)", ""),
    "a code nobody knows": ("StartTraceW", 4242, "start: error 4242", ""),
    "provider": ("ENABLE", 5, "enable its providers: access is denied (error 5)", "elevated"),
    "provider's filter": ("ENABLE", 87, "enable its providers: its settings are refused (error 87)", ""),
    "trace": ("OpenTraceW", 5, "open: access is denied (error 5)", "elevated"),
    "trace that is gone": ("OpenTraceW", 4201, "open: it is not there any more (error 4201)", ""),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refused(case: str, windows: FakeWindows) -> None:
    """One line says which session, what was tried, what Windows answered and what to do; nothing is left running."""
    call, code, reason, remedy = REFUSALS[case]
    windows.fail(call, code)
    error = refused()
    assert (error.code, error.name) == (code, "linsang-process")
    assert str(error).startswith("trace session linsang-process: ")
    assert reason in str(error)
    assert remedy in error.remedy
    assert not windows.sessions


def test_an_orphan_that_may_not_be_stopped(windows: FakeWindows) -> None:
    windows.left_over("linsang-process")
    windows.fail("STOP", 5)
    error = refused()
    assert "stop the one of the same name: access is denied (error 5)" in str(error)
    assert "linsang-process" in windows.sessions


def test_the_state_may_be_refused(windows: FakeWindows) -> None:
    windows.fail("CAPTURE", 87)
    session = started()
    assert "Kernel-Process for what is there" in session.reduced
    session.stop()


@pytest.mark.parametrize("code", [5, 6, 1450])
def test_a_consumer_that_ends_at_once_is_seen(code: int, windows: FakeWindows) -> None:
    windows.fail("ProcessTrace", code)
    session = started()
    assert not session.settled(5.0)
    assert session.ended == f"its consumer ended (ProcessTrace: {code})"
    session.stop()


def test_losses_are_those_that_windows_tells(windows: FakeWindows) -> None:
    session = started()
    windows.sessions["linsang-process"].lost = (7, 2, 1)
    assert session.query() == Losses(7, 2, 1)
    windows.sessions["linsang-process"].lost = (9, 2, 1)
    assert session.stop() == Losses(9, 2, 1)


@pytest.mark.parametrize("code", [5, 234, 4201])
def test_a_question_without_answer_is_not_zero(code: int, windows: FakeWindows) -> None:
    session = started()
    windows.fail("QUERY", code)
    with pytest.raises(SessionError) as caught:
        session.query()
    assert caught.value.code == code
    session.stop()


def test_flush(windows: FakeWindows) -> None:
    session = started()
    session.flush()
    windows.fail("FLUSH", 234)  # done, though its answer had no room
    session.flush()
    windows.fail("FLUSH", 5)
    with pytest.raises(SessionError):
        session.flush()
    assert windows.sessions["linsang-process"].flushes == 1
    session.stop()


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("code", [4201, 5, 6])
def test_the_consumer_ends_whatever_becomes_of_the_session(code: int, windows: FakeWindows, quick: None) -> None:
    session = started()
    windows.fail("STOP", code)
    if code == 4201:
        windows.stop_behind_its_back("linsang-process")
        assert session.stop() is None
    else:
        with pytest.raises(SessionError):
            session.stop()
    assert "linsang-process" not in threads()
    assert session.stop() is None  # again: nothing


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that is not stopped: its consumer is waited for before its trace is closed."""
    monkeypatch.setattr("sensor.windows.consumer._PATIENCE_S", 0.1)


# ---- what pywintrace alone does: each of these tests would fail on it ----
class Plain:
    """pywintrace as its manual says: Session's methods by ETW's."""

    def __init__(self, name: str = "linsang-process") -> None:
        logfile = evntrace.EVENT_TRACE_LOGFILE()
        logfile.LoggerName = name
        logfile.ProcessTraceMode = 0x10000100
        logfile.EventRecordCallback = ctypes.cast(CALLBACK, evntrace.EVENT_RECORD_CALLBACK)
        provider = ProviderInfo("Kernel-Process", GUID(f"{{{KERNEL_PROCESS}}}"), 4, 0x10, 0)
        self.etw = ETW(session_name=name, providers=[provider], trace_logfile=logfile)

    def start(self) -> None:
        self.etw.start()


def _ignores_an_orphan(windows: FakeWindows) -> bool:
    orphan = windows.left_over("linsang-process")
    plain = Plain()
    plain.start()
    kept = windows.sessions["linsang-process"] is orphan and list(orphan.providers) == ["old"]
    plain.etw.stop()  # no handle: leaves it running
    return kept and "linsang-process" in windows.sessions


def _takes_a_trace_that_is_not_open_for_open(windows: FakeWindows) -> bool:
    windows.fail("OpenTraceW", 5)
    plain = Plain()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evntrace, "ProcessTrace", lambda *arguments: 6)
        plain.start()
        plain.etw.consumer.process_thread.join(5)
    return not plain.etw.consumer.process_thread.is_alive() and plain.etw.running


def _takes_no_answer_for_no_loss(windows: FakeWindows) -> bool:
    plain = Plain()
    plain.start()
    windows.sessions["linsang-process"].lost = (7, 0, 0)
    windows.fail("QUERY", 5)
    none = plain.etw.query().EventsLost == 0
    plain.etw.stop()
    return none


def _leaves_the_consumer_when_the_session_is_gone(windows: FakeWindows) -> bool:
    plain = Plain()
    plain.start()
    windows.fail("DISABLE", 4201)
    with pytest.raises(OSError, match="4201"):
        plain.etw.stop()
    left = plain.etw.consumer.process_thread.is_alive() and "linsang-process" in windows.sessions
    plain.etw.consumer.stop()
    return left


FAULTS: list[Callable[[FakeWindows], bool]] = [
    _ignores_an_orphan,
    _takes_a_trace_that_is_not_open_for_open,
    _takes_no_answer_for_no_loss,
    _leaves_the_consumer_when_the_session_is_gone,
]


@pytest.mark.filterwarnings("ignore:isSet")  # pywintrace's
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_pywintrace_alone(fault: Callable[[FakeWindows], bool], windows: FakeWindows) -> None:
    """The faults that Session is there for are still pywintrace's: what is tested above does not hold by itself."""
    assert fault(windows)
