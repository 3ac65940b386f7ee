"""pywintrace by itself, and a sensor that did as it does: the tests of test_session.py must see that."""

import base64
import hashlib
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import distribution
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

import ctypes

import test_session as sessions
from etw.etw import ETW, ProviderInfo
from etw.GUID import GUID
from fake_trace import FakeWindows
from test_session import CALLBACK, KERNEL_PROCESS

from sensor.windows.codes import ALREADY_EXISTS, SessionError
from sensor.windows.consumer import Consumer
from sensor.windows.library import evntrace
from sensor.windows.losses import Losses
from sensor.windows.providers import SessionPlan
from sensor.windows.session import Session


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


def _says_nothing_of_a_consumer_that_ends(windows: FakeWindows) -> bool:
    plain = Plain()
    plain.start()
    windows.stop_behind_its_back("linsang-process")
    windows.fail("ProcessTrace", 4201)  # it calls it again
    plain.etw.consumer.process_thread.join(5)
    return not plain.etw.consumer.process_thread.is_alive() and plain.etw.running


def _closes_the_handle_of_its_session(windows: FakeWindows) -> bool:
    plain = Plain()
    plain.start()
    plain.etw.stop()
    return ("CloseTrace", "no trace") in windows.log


def _has_another_name_each_time(windows: FakeWindows) -> bool:
    return ETW().session_name != ETW().session_name


FAULTS: list[Callable[[FakeWindows], bool]] = [
    _ignores_an_orphan,
    _takes_a_trace_that_is_not_open_for_open,
    _takes_no_answer_for_no_loss,
    _leaves_the_consumer_when_the_session_is_gone,
    _says_nothing_of_a_consumer_that_ends,
    _closes_the_handle_of_its_session,
    _has_another_name_each_time,
]


@pytest.mark.filterwarnings("ignore:isSet")  # pywintrace's
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_pywintrace_alone(fault: Callable[[FakeWindows], bool], windows: FakeWindows) -> None:
    """The faults that Session is there for are still pywintrace's: what is tested above does not hold by itself."""
    assert fault(windows)


def test_it_is_unmodified() -> None:
    """Each file by the hash that its wheel has for it."""
    wheel = distribution("pywintrace")
    assert wheel.version == "0.2.0"
    package = [file for file in wheel.files or [] if file.as_posix().startswith("etw/") and file.suffix == ".py"]
    assert {"etw/etw.py", "etw/evntrace.py"} <= {file.as_posix() for file in package}
    for file in package:
        assert file.hash
        found = hashlib.new(file.hash.mode, file.read_binary()).digest()
        assert base64.urlsafe_b64encode(found).decode().rstrip("=") == file.hash.value


LOGGING = "import logging, {}; print(logging.root.level, len(logging.root.handlers))"


@pytest.mark.parametrize(("module", "said"), [("etw", "40 1"), ("sensor.windows.library", "30 0")])
def test_logging_is_left_as_it_is(module: str, said: str) -> None:
    """pywintrace gives the root logger a level and a handler."""
    done = subprocess.run([sys.executable, "-c", LOGGING.format(module)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == said


# ---- a sensor that did as pywintrace does ----


def _attach(begin: Callable[[Session], None]) -> Callable[[Session], None]:
    def attached(session: Session) -> None:
        try:
            begin(session)
        except SessionError as error:
            if error.code != ALREADY_EXISTS:
                raise

    return attached


def _believe(control: Callable[..., Losses]) -> Callable[..., Losses]:
    def believed(session: Session, code: int, what: str) -> Losses:
        try:
            return control(session, code, what)
        except SessionError:
            return Losses()

    return believed


def _provider_first(stop: Callable[[Session], Any]) -> Callable[[Session], Any]:
    def stopped(session: Session) -> Any:
        if session._started:
            session._provider.stop()
        return stop(session)

    return stopped


def _renamed(init: Callable[..., None]) -> Callable[..., None]:
    def made(session: Session, plan: SessionPlan, *others: int) -> None:
        init(session, replace(plan, name=str(uuid.uuid4())), *others)

    return made


def _all_keywords(init: Callable[..., None]) -> Callable[..., None]:
    def made(session: Session, plan: SessionPlan, *others: int) -> None:
        init(session, replace(plan, providers=tuple(replace(one, keywords=0) for one in plan.providers)), *others)

    return made


Mutant = tuple[type, str, Callable[[Any], Any], Callable[..., None], dict[str, Any]]
MUTANTS: list[Mutant] = [
    (Session, "_begin", _attach, sessions.test_an_orphan_is_stopped_and_replaced, {}),
    (Session, "_control", _believe, sessions.test_a_question_without_answer_is_not_zero, {"code": 5}),
    (Session, "stop", _provider_first, sessions.test_the_consumer_ends_whatever_becomes_of_the_session, {"code": 4201}),
    (Session, "__init__", _renamed, sessions.test_a_session_is_what_its_plan_says, {}),
    (Session, "__init__", _all_keywords, sessions.test_a_session_is_what_its_plan_says, {}),
    (Consumer, "ended", lambda _: lambda *_: False, sessions.test_a_consumer_that_ends_at_once_is_seen, {"code": 5}),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant[1]}-{mutant[3].__name__}")
def test_the_tests_of_sessions_see_it(mutant: Mutant, windows: FakeWindows) -> None:
    of, name, change, test, given = mutant
    test(windows=windows, **given)
    windows.log.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(of, name, change(getattr(of, name)))
        with pytest.raises((AssertionError, KeyError, OSError, SessionError, pytest.fail.Exception)):
            test(windows=windows, **given)


def test_they_see_a_trace_that_is_taken_for_open(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensor.windows.consumer._INVALID", ())
    with pytest.raises(pytest.fail.Exception):
        sessions.test_refused("trace", windows)
