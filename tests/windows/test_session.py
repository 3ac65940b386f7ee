"""Sessions over the unmodified pywintrace and scripted calls of Windows: each error code. That these tests see a sensor
that does as pywintrace alone: test_pywintrace.py."""

import sys
import threading

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

from etw.GUID import GUID
from fake_trace import FakeWindows

from sensor.windows.codes import SessionError
from sensor.windows.losses import Losses
from sensor.windows.providers import OPTIONAL, SessionPlan, plans
from sensor.windows.session import Session

PROCESS, SYSTEM, BULK = plans(OPTIONAL)
KERNEL_PROCESS = "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"
KERNEL_REGISTRY = "70eb4f03-c1de-4f73-a051-33d13d5413bd"
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
    assert (enabled.level, enabled.any, enabled.all, enabled.property) == (4, 0x10, 0, 0)
    assert enabled.filters == [(0x80000200, b"\x01\x00\x03\x00\x01\x00\x02\x00\x0f\x00")]
    assert (running.flush_timer, running.clock) == (1, 1)
    assert running.captured == [KERNEL_PROCESS]
    assert windows.callbacks["linsang-process"] == (CALLBACK, CONTEXT)
    assert session.stop() == Losses()
    assert not windows.sessions


def test_the_calls_of_a_life_in_their_order(windows: FakeWindows) -> None:
    """What is there already is asked for before events are taken, what is left of them is taken before the trace is
    closed, and no other handle is."""
    session = started()
    session.stop()
    own = "linsang-process"
    assert [call for call in windows.log if call[0] != "ProcessTrace"] == [  # which is another thread's
        ("StartTraceW", own),
        ("ENABLE", KERNEL_PROCESS),
        ("CAPTURE", KERNEL_PROCESS),
        ("OpenTraceW", own),
        ("STOP", own),
        ("ends", own),
        ("CloseTrace", own),
    ]


def test_each_start_is_another_session_under_the_same_name(windows: FakeWindows) -> None:
    session = Session(PROCESS, CALLBACK, CONTEXT)
    guids = set()
    for _ in range(2):
        session.start()
        guids.add(windows.sessions["linsang-process"].guid)
        session.stop()
    assert len(guids) == 2


def test_three_at_once(windows: FakeWindows) -> None:
    """Each has a trace and a thread, and one that ends leaves the others."""
    sessions = [Session(plan, CALLBACK, number) for number, plan in enumerate((PROCESS, SYSTEM, BULK))]
    for session in sessions:
        session.start()
    assert {context for _, context in windows.callbacks.values()} == {0, 1, 2}
    assert set(windows.sessions) <= threads()
    sessions[1].stop()
    assert set(windows.sessions) == {"linsang-process", "linsang-bulk"} <= threads()
    for session in (sessions[0], sessions[2]):
        assert not session.ended
        session.stop()


# ---- providers that are refused ----


def test_one_that_is_refused_leaves_the_others(windows: FakeWindows) -> None:
    windows.fail("ENABLE", 0, 1450)
    session = started(BULK)
    missing = BULK.providers[1]
    assert set(windows.sessions["linsang-bulk"].providers) == {one.guid for one in BULK.providers} - {missing.guid}
    assert list(session.refused) == [missing.name]
    assert session.refused[missing.name] in session.reduced
    assert "enable Microsoft-Windows-Kernel-Network: as many sessions as may" in session.reduced
    assert "EtwMaxLoggers" not in session.reduced
    session.stop()
    session.start()
    assert not session.refused
    assert not session.reduced
    session.stop()


def test_a_session_whose_providers_are_all_refused(windows: FakeWindows) -> None:
    windows.fail("ENABLE", *[5] * (len(BULK.providers) + 1))  # the registry's is asked for twice
    assert refused(BULK).code == 5
    assert not windows.sessions


def test_without_what_was_written_where_that_filter_is_refused(windows: FakeWindows) -> None:
    number = [one.guid for one in BULK.providers].index(KERNEL_REGISTRY)
    windows.fail("ENABLE", *[0] * number, 87)
    session = started(BULK)
    (kind, _), *others = windows.sessions["linsang-bulk"].providers[KERNEL_REGISTRY].filters
    assert (kind, others) == (0x80000200, [])
    assert not session.refused
    assert "have Microsoft-Windows-Kernel-Registry say what was written" in session.reduced
    session.stop()


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


@pytest.mark.parametrize("code", [234, 2402, 4201])
def test_an_orphan_that_goes_by_itself(code: int, windows: FakeWindows) -> None:
    windows.fail("StartTraceW", 183)
    windows.fail("STOP", code)
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
    "provider": ("ENABLE", 5, "enable Microsoft-Windows-Kernel-Process: access is denied (error 5)", "elevated"),
    "provider's filter": ("ENABLE", 87, "its settings are refused (error 87)", ""),
    "provider that eight have": ("ENABLE", 1450, "as many sessions as may have this provider have it", "eight"),
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


# ERROR_INVALID_FUNCTION, ACCESS_DENIED, INVALID_HANDLE, NOT_ENOUGH_MEMORY, BAD_LENGTH, INVALID_PARAMETER, DISK_FULL,
# BAD_PATHNAME, ALREADY_EXISTS, MORE_DATA, PRIVILEGE_NOT_HELD, NO_SYSTEM_RESOURCES, TIMEOUT, RPC_S_SERVER_UNAVAILABLE,
# WMI_INSTANCE_NOT_FOUND
CODES = (1, 5, 6, 8, 24, 87, 112, 161, 183, 234, 1314, 1450, 1460, 1722, 4201)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("call", ["StartTraceW", "ENABLE", "OpenTraceW"])
def test_any_code_of_any_call(call: str, code: int, windows: FakeWindows) -> None:
    windows.fail(call, code, code)
    error = refused()
    assert error.code == code
    assert f"error {code})" in str(error) or f": error {code}" in str(error)
    assert not windows.sessions
    assert "linsang-process" not in threads()


def test_the_handle_of_no_trace_as_32_bits_have_it(windows: FakeWindows) -> None:
    windows.invalid = 0xFFFFFFFF
    windows.fail("OpenTraceW", 5)
    assert refused().code == 5


def test_a_machine_without_a_thread_to_give(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    assert "start a thread for its events" in str(refused())
    assert windows.called("CloseTrace") == ["linsang-process"]
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


@pytest.mark.parametrize("code", CODES)
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


@pytest.mark.parametrize("code", CODES)
def test_a_question_without_answer_is_not_zero(code: int, windows: FakeWindows) -> None:
    session = started()
    windows.fail("QUERY", code)
    with pytest.raises(SessionError) as caught:
        session.query()
    assert caught.value.code == code
    session.stop()


def test_a_process_that_has_no_more_of_a_provider_changes_nothing(
    windows: FakeWindows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each process that has it may be told of other settings, and end."""
    session = started()
    said = iter([None, set(), {(4, 16, 0), (5, 16, 0)}, None, {(4, 16, 0)}, {(4, 16, 0)}, {(5, 16, 0)}, set(), set()])
    monkeypatch.setattr("sensor.windows.session.settings", lambda provider, number: next(said))
    assert [session.changed() for _ in range(9)] == [""] * 8 + [PROCESS.providers[0].name]
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


@pytest.mark.parametrize("code", [*CODES, 2402])
@pytest.mark.usefixtures("quick")
def test_the_consumer_ends_whatever_becomes_of_the_session(code: int, windows: FakeWindows) -> None:
    """Nobody knows what it lost where Windows says that it is no more, is ending, or has no room to tell."""
    session = started()
    windows.fail("STOP", code)
    if code in {234, 2402, 4201}:
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
    monkeypatch.setattr("sensor.windows.consumer._PATIENCE_S", 0.02)
