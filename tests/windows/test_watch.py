"""Sessions that are watched: losses, sessions that somebody stops, in the times of a clock that the test turns."""

import sys
import threading
import time
from dataclasses import replace

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

from fake_trace import FakeWindows

from sensor import health
from sensor.windows import watch as watching
from sensor.windows.codes import SessionError
from sensor.windows.losses import Losses
from sensor.windows.providers import OPTIONAL, plans
from sensor.windows.session import Session
from sensor.windows.watch import Trouble, Watch, Watched

PLANS = plans(OPTIONAL)
NAME = "linsang-process"
LATER = 1000.0


def watched(now: float = 0.0) -> Watched:
    one = Watched(Session(PLANS[0], 0x1000, 0))
    one.start(now)
    return one


def watch() -> Watch:
    return Watch([Session(plan, 0x1000, 0) for plan in PLANS], [NAME])


def kinds(troubles: list[Trouble]) -> list[health.Health]:
    return [trouble.kind for trouble in troubles]


def test_it_is_flushed_and_asked_when_that_is_due(windows: FakeWindows) -> None:
    one = watched()
    for millisecond in range(2001):
        assert one.turn(millisecond / 1000) == []
    assert 195 <= windows.sessions[NAME].flushes <= 200  # sums of hundredths
    assert len(windows.called("QUERY")) == 2
    one.stop()


class Clock:
    """Goes on only when somebody sleeps, and ends the sleeper after `seconds`."""

    def __init__(self, seconds: float, end: threading.Event) -> None:
        self._at, self._end_at, self._end = 0.0, seconds, end

    def now(self) -> float:
        return self._at

    def sleep(self, seconds: float) -> None:
        self._at += seconds + 1e-6
        if self._at >= self._end_at:
            self._end.set()


def test_its_thread_does_that_for_each_session(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> None:
    """10 ms for what is to be caught alive, 50 ms for all else, each second what was lost."""
    one = watch()
    clock = Clock(2.0, one._ended)
    monkeypatch.setattr(watching, "_now", clock.now)
    monkeypatch.setattr(watching, "_sleep", clock.sleep)
    one.start()
    one.run()
    flushes = {name: session.flushes for name, session in windows.sessions.items()}
    assert flushes == {NAME: 199, "linsang-system": 199, "linsang-bulk": 39}
    asked = windows.called("QUERY")
    assert [asked.count(name) for name in flushes] == [1, 1, 1]
    assert one.stop() == []


def test_its_clock_and_its_sleep_are_finer_than_that() -> None:
    """time.monotonic is not, in steps of 15.6 ms; nor is a lock's timeout."""
    ten_ms = PLANS[0].flush_ms / 1000
    assert time.get_clock_info("monotonic").resolution > ten_ms
    assert time.get_clock_info(watching._now.__name__).resolution < ten_ms / 10
    assert watching._sleep is time.sleep


def test_losses_only_grow_over_restarts_and_end_with_what_stop_tells(windows: FakeWindows) -> None:
    one = watched()
    windows.sessions[NAME].lost = (7, 2, 1)
    one.turn(1.0)
    assert one.lost == Losses(7, 2, 1)
    windows.sessions[NAME].lost = (8, 2, 1)
    one.turn(2.0)
    windows.stop_behind_its_back(NAME)
    assert health.SESSION_RESTORED in kinds(one.turn(LATER))
    assert one.lost == Losses(8, 2, 1)
    windows.sessions[NAME].lost = (9, 0, 0)  # more than the one before, and all of its own
    one.turn(LATER + 1.0)
    assert one.lost == Losses(17, 2, 1)
    windows.sessions[NAME].lost = (11, 1, 0)
    one.stop()
    assert one.lost == Losses(19, 3, 1)


@pytest.mark.parametrize("code", [5, 6, 24, 87, 234, 1450, 1722])
def test_losses_without_an_answer_are_unknown(code: int, windows: FakeWindows) -> None:
    """Told once, until there is an answer again."""
    one = watched()
    windows.sessions[NAME].lost = (7, 0, 0)
    one.turn(1.0)
    windows.fail("QUERY", code, code)
    assert kinds(one.turn(2.0)) == [health.LOSSES_UNKNOWN]
    assert one.status()["lost"] is None
    assert one.turn(3.0) == []
    assert one.turn(4.0) == []
    assert one.status()["lost"] == {"events": 7, "real_time_buffers": 0, "log_buffers": 0}
    one.stop()


@pytest.mark.parametrize("call", ["FLUSH", "QUERY"])
def test_a_session_that_is_not_there(call: str, windows: FakeWindows) -> None:
    """4201 from either question, though the consumer still waits: told with name and cause, started again at once when
    it had lasted."""
    one = watched()
    windows.fail(call, 4201)
    stopped, restored = one.turn(LATER)
    assert stopped.kind is health.SESSION_STOPPED
    assert stopped.kind.level == "critical"
    assert stopped.details["session"] == NAME
    assert "4201" in stopped.details["cause"]
    assert restored == Trouble(health.SESSION_RESTORED, {"session": NAME, "unseen_s": 0.0})
    assert one.status()["state"] == "runs"
    assert one.restarts == 1
    # the consumer of the one before has ended: two would write into one ring
    calls = [called for called, _ in windows.log]
    assert calls.index("CloseTrace") < len(calls) - 1 - calls[::-1].index("StartTraceW")
    one.stop()


def test_one_of_the_same_name_that_is_somebody_elses(windows: FakeWindows) -> None:
    """It answers all questions, and brings nothing: seen by the consumer, which has ended with the sensor's own."""
    one = watched()
    windows.stop_behind_its_back(NAME)
    decoy = windows.left_over(NAME)
    until_ended(one)
    stopped, restored = one.turn(LATER)
    assert (stopped.kind, restored.kind) == (health.SESSION_STOPPED, health.SESSION_RESTORED)
    assert decoy.over.is_set()
    assert "old" not in windows.sessions[NAME].providers
    one.stop()


def set_aside(windows: FakeWindows, provider: str, **changes: int) -> None:
    """As whoever has a session's handle may: EnableTraceEx2 to disable, or with other keywords."""
    providers = windows.sessions[NAME].providers
    if changes:
        providers[provider] = replace(providers[provider], **changes)
    else:
        del providers[provider]


CHANGES: list[dict[str, int]] = [{}, {"any": 0x20}, {"level": 1}, {"all": 1 << 40}]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_a_provider_that_somebody_changes_in_it(changes: dict[str, int], windows: FakeWindows) -> None:
    """The session goes on, and brings nothing any more."""
    one, guid = watched(), PLANS[0].providers[0].guid
    asked = windows.sessions[NAME].providers[guid]
    assert one.turn(LATER) == []
    set_aside(windows, guid, **changes)
    assert one.turn(LATER + 1) == []  # it may have been about to
    stopped, restored = one.turn(LATER + 2)
    assert (stopped.kind, restored.kind) == (health.SESSION_STOPPED, health.SESSION_RESTORED)
    assert stopped.details["cause"] == f"somebody has changed {PLANS[0].providers[0].name} in it"
    assert windows.sessions[NAME].providers[guid] == asked
    for second in (3, 4, 5):
        assert one.turn(LATER + second) == []
    one.stop()


def test_what_was_seen_of_one_before_is_not_what_is_asked_for(windows: FakeWindows) -> None:
    """It was changed before it was looked at: the next one, which is as it should be, is not taken for changed."""
    one, guid = watched(), PLANS[0].providers[0].guid
    set_aside(windows, guid, any=0x20)
    assert one.turn(LATER) == []
    windows.fail("QUERY", 4201)
    assert kinds(one.turn(LATER + 1)) == [health.SESSION_STOPPED, health.SESSION_RESTORED]
    for second in (2, 3, 4):
        assert one.turn(LATER + second) == []
    one.stop()


def test_what_else_there_is_to_tell_of_it_is_told(windows: FakeWindows) -> None:
    one, guid = watched(), PLANS[0].providers[0].guid
    one.turn(LATER)
    set_aside(windows, guid)
    one.turn(LATER + 1)
    windows.fail("QUERY", 5)
    told = kinds(one.turn(LATER + 2))
    assert told == [health.LOSSES_UNKNOWN, health.SESSION_STOPPED, health.SESSION_RESTORED]
    one.stop()


def test_one_that_is_changed_for_a_moment(windows: FakeWindows) -> None:
    one, guid = watched(), PLANS[0].providers[0].guid
    asked = windows.sessions[NAME].providers[guid]
    for second in range(8):
        windows.sessions[NAME].providers = {} if second % 2 else {guid: asked}
        assert one.turn(LATER + second) == []
    one.stop()


@pytest.mark.parametrize("code", [1, 5, 87, 1168])
def test_where_windows_does_not_say_what_a_session_has(code: int, windows: FakeWindows) -> None:
    """Nor where it does not say so from the beginning."""
    one, guid = watched(), PLANS[0].providers[0].guid
    one.turn(1.0)
    set_aside(windows, guid)
    windows.fail("EnumerateTraceGuidsEx", code, code, code)
    for second in (2, 3, 4):
        assert one.turn(float(second)) == []
    one.stop()
    one = watched()
    set_aside(windows, guid)
    for second in (1, 2, 3):
        assert one.turn(float(second)) == []
    one.stop()


def test_one_that_is_down_does_not_hold_up_the_others(windows: FakeWindows) -> None:
    down, up = (Watched(Session(plan, 0x1000, 0)) for plan in (PLANS[2], PLANS[0]))
    for one in (down, up):
        one.start(0.0)
    windows.fail("StartTraceW", *[1450] * 20)
    windows.stop_behind_its_back("linsang-bulk")
    until_ended(down)
    for millisecond in range(1001):
        down.turn(millisecond / 1000)
        assert up.turn(millisecond / 1000) == []
    assert down.status()["state"] != "runs"
    assert 95 <= windows.sessions[NAME].flushes <= 100
    up.stop()


def test_providers_that_are_refused_are_told_once_for_each_reason(windows: FakeWindows) -> None:
    windows.fail("ENABLE", 1450)
    one = Watched(Session(PLANS[2], 0x1000, 0))
    one.start(0.0)
    (told,) = one.missing()
    provider = PLANS[2].providers[0].name
    assert told.kind is health.PROBE_REFUSED
    assert (told.details["session"], told.details["probe"]) == ("linsang-bulk", provider)
    assert "error 1450" in told.details["reason"]
    assert provider in one.status()["reduced"]
    now = LATER
    for code, expected in ((1450, 0), (5, 1), (5, 0), (0, 0), (1450, 1)):
        now += LATER
        windows.stop_behind_its_back("linsang-bulk")
        until_ended(one)
        windows.fail("ENABLE", code)
        assert kinds(one.turn(now)).count(health.PROBE_REFUSED) == expected
    one.stop()


def test_what_is_refused_at_the_start_is_told(windows: FakeWindows) -> None:
    windows.fail("ENABLE", 0, 1450)
    all_three = watch()
    all_three.start()
    assert kinds(all_three.troubles()) == [health.PROBE_REFUSED]
    all_three.stop()


def test_a_consumer_that_ends(windows: FakeWindows) -> None:
    windows.fail("ProcessTrace", 6)
    one = watched()
    with pytest.raises(SessionError, match=r"its consumer ended \(ProcessTrace: 6\)"):
        one.settle(5.0)
    assert not windows.sessions


@pytest.mark.usefixtures("endless")
def test_one_whose_consumer_does_not_end_is_not_started_again(windows: FakeWindows) -> None:
    """It still calls the core with its context, and may do so for ever."""
    one = watched()
    windows.fail("QUERY", 4201)
    stopped, refused = one.turn(LATER)
    assert stopped.kind is health.SESSION_STOPPED
    assert refused.kind is health.SESSION_REFUSED
    assert "end its consumer" in refused.details["reason"]
    assert one.stuck
    assert one.turn(1e9) == []


def test_one_that_does_not_last_is_started_ever_less_often(windows: FakeWindows) -> None:
    one, now, starts = watched(), 0.0, []
    for _ in range(9):
        windows.stop_behind_its_back(NAME)
        now += 0.25
        until_ended(one)
        assert kinds(one.turn(now)) == [health.SESSION_STOPPED]
        wait = one.due - now
        assert one.turn(now + wait * 0.99) == []
        now += wait
        assert kinds(one.turn(now)) == [health.SESSION_RESTORED]
        starts.append(wait)
    assert starts == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60])
    one.stop()


def until_ended(one: Watched) -> None:
    """Its consumer notices when it is scheduled."""
    assert not one._session.settled(5.0)


def test_a_start_that_is_refused_is_told_once_for_each_reason(windows: FakeWindows) -> None:
    one = watched()
    windows.stop_behind_its_back(NAME)
    until_ended(one)
    one.turn(1.0)
    windows.fail("StartTraceW", 1450, 1450, 5)
    told = []
    while one.status()["state"] != "runs":
        told += one.turn(one.due)
    assert kinds(told) == [health.SESSION_REFUSED, health.SESSION_REFUSED, health.SESSION_RESTORED]
    assert "EtwMaxLoggers" in told[0].details["reason"]
    assert "access is denied" in told[1].details["reason"]
    one.stop()


def test_flushes_that_fail_are_counted(windows: FakeWindows) -> None:
    one = watched()
    windows.fail("FLUSH", 5, 5)
    for hundredth in range(1, 4):
        one.turn(hundredth / 100)
    assert one.status()["flushes_failed"] == 2
    one.stop()


def test_all_start_or_none(windows: FakeWindows) -> None:
    windows.fail("ENABLE", 5)
    with pytest.raises(
        SessionError, match="linsang-process: enable Microsoft-Windows-Kernel-Process: access is denied"
    ):
        watch().start()
    assert not windows.sessions


def test_those_that_run_are_stopped_where_one_is_required_and_refused(windows: FakeWindows) -> None:
    windows.fail("StartTraceW", 0, 0, 5)
    with pytest.raises(SessionError, match="linsang-bulk: start"):
        Watch([Session(plan, 0x1000, 0) for plan in PLANS], ["linsang-bulk"]).start()
    assert not windows.sessions


def test_what_is_not_required_may_be_refused_for_now(windows: FakeWindows) -> None:
    windows.fail("StartTraceW", 0, 1450)
    both = watch()
    both.start()
    assert set(windows.sessions) == {NAME, "linsang-bulk"}
    (trouble,) = both.troubles()
    assert trouble.kind is health.SESSION_REFUSED
    assert trouble.details["session"] == "linsang-system"
    assert both.watched[1].due > 0
    both.stop()
    assert not windows.sessions


def test_its_thread_finds_a_session_that_is_killed_in_flight(windows: FakeWindows) -> None:
    one = watch()
    one.start()
    thread = threading.Thread(target=one.run)
    thread.start()
    try:
        windows.stop_behind_its_back("linsang-bulk")
        told: list[Trouble] = []
        while health.SESSION_RESTORED not in kinds(told):
            told += one.troubles()
            thread.join(0.01)
        assert [trouble.details["session"] for trouble in told] == ["linsang-bulk"] * 2
    finally:
        assert one.stop() == []
        thread.join()
    assert not windows.sessions
    assert one.stop() == []
