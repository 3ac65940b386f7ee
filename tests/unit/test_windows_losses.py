"""What trace sessions lost, added up over sessions that end, come back and are somebody else's."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor.status import _session
from sensor.windows.account import WindowsAccount
from sensor.windows.losses import Losses, LossSum

COUNT = st.integers(0, 2**32 - 1)
STEP = st.one_of(st.none(), st.builds(Losses, COUNT, COUNT, COUNT))


def test_a_session_that_goes_on_adds_what_is_new() -> None:
    losses = LossSum()
    for now in (Losses(7, 2, 1), Losses(7, 2, 1), Losses(9, 2, 4)):
        losses.take(now)
    assert losses.sum == Losses(9, 2, 4)


def test_a_new_session_begins_at_zero() -> None:
    losses = LossSum()
    losses.take(Losses(7, 2, 1))
    losses.restarted()
    losses.take(Losses(8, 0, 0))
    assert losses.sum == Losses(15, 2, 1)


def test_a_count_that_went_down_is_a_new_sessions() -> None:
    """One that was stopped and started under our name between two questions."""
    losses = LossSum()
    losses.take(Losses(7, 2, 1))
    losses.take(Losses(3, 2, 0))
    assert losses.sum == Losses(10, 2, 1)


@given(st.lists(STEP, max_size=20))
def test_sums_only_grow(steps: list[Losses | None]) -> None:
    """None: started again."""
    losses = LossSum()
    for step in steps:
        before = losses.sum
        if step is None:
            losses.restarted()
        else:
            losses.take(step)
            assert losses.sum.total >= step.total
        after = losses.sum
        assert after.events >= before.events
        assert after.real_time_buffers >= before.real_time_buffers
        assert after.log_buffers >= before.log_buffers


def test_the_account_names_session_and_cause() -> None:
    core = {"received": 110, "filtered": 4, "recorded": 100, "dropped": 5, "oversized": 1, "lines": 3}
    providers = {
        "p": {"recorded": 60, "dropped": 5, "oversized": 0},
        "q": {"recorded": 40, "dropped": 0, "oversized": 1},
        "r": {"recorded": 0, "dropped": 0, "oversized": 0},
    }
    sessions = {"a": Losses(7, 2, 1), "b": Losses()}
    account = WindowsAccount(sessions, core, providers, received=103, decoded=101, malformed=2)
    assert account.lost == 10 + 5 + 1 + 2
    assert account.as_dict()["sessions"]["a"] == {"events": 7, "real_time_buffers": 2, "log_buffers": 1}
    assert account.as_dict()["providers"] == {"p": {"dropped": 5, "oversized": 0}, "q": {"dropped": 0, "oversized": 1}}
    assert all(holds for _, holds in account.equations())


def test_an_event_that_vanished_breaks_an_equation() -> None:
    core = {"received": 110, "filtered": 4, "recorded": 99, "dropped": 5, "oversized": 1, "lines": 3}
    account = WindowsAccount({}, core, {}, received=103, decoded=103, malformed=0)
    assert [holds for _, holds in account.equations()] == [False, False, False]


STATES: list[tuple[dict[str, Any], str]] = [
    ({}, "s: lost nothing"),
    ({"lost": {"events": 7, "real_time_buffers": 0, "log_buffers": 1}}, "s: lost events 7, log buffers 1"),
    ({"lost": None}, "s: what it lost is unknown"),
    ({"restarts": 2, "reduced": "no names"}, "s: lost nothing, started again 2 times; no names"),
]


@pytest.mark.parametrize(("state", "said"), STATES)
def test_what_is_not_known_is_not_said_to_be_nothing(state: dict[str, Any], said: str) -> None:
    none_lost = {"events": 0, "real_time_buffers": 0, "log_buffers": 0}
    assert _session("s", {"lost": none_lost, "restarts": 0, "reduced": ""} | state) == said
