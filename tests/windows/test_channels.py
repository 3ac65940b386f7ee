"""Channels of the event log over scripted calls of Windows."""

import json
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event log is not here: make test-windows", allow_module_level=True)

from fake_event_log import FakeEventLog

from sensor import health
from sensor.windows import event_log_api as api
from sensor.windows.channels import Channels

PATIENCE_S = 20
SYSMON = "Microsoft-Windows-Sysmon/Operational"


def event(number: int, text: str = "") -> str:
    return (
        f"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>{number}</EventID>"
        f"</System><EventData><Data Name='CommandLine'>{text}</Data></EventData></Event>"
    )


@contextmanager
def running(log: FakeEventLog, *names: str) -> Iterator[tuple[Channels, "queue.Queue[bytes]"]]:
    lines: queue.Queue[bytes] = queue.Queue()
    with pytest.MonkeyPatch.context() as patch:
        log.put_in(patch)
        channels = Channels(names, lines.put)
        thread = threading.Thread(target=channels.run)
        thread.start()
        try:
            assert log.subscribed.wait(PATIENCE_S)
            yield channels, lines
        finally:
            channels.stop()
            thread.join()
    assert not log.open


def numbers(lines: "queue.Queue[bytes]", count: int) -> list[int]:
    taken = (lines.get(timeout=PATIENCE_S) for _ in range(count))
    return [json.loads(line)["Event"]["System"]["EventID"] for line in taken]


def test_one_that_comes_when_all_seemed_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its signal must not be put out unseen."""
    log, late, reset = FakeEventLog(Security=0), [event(2)], api.ResetEvent

    def write_then_reset(handle: int) -> int:
        if late:
            log.write("Security", late.pop())
        return int(reset(handle))

    monkeypatch.setattr(api, "ResetEvent", write_then_reset)
    with running(log, "Security") as (_, lines):
        log.write("Security", event(1))
        assert numbers(lines, 2) == [1, 2]


def test_every_event_is_a_line_in_order() -> None:
    log = FakeEventLog(Security=0)
    with running(log, "Security") as (channels, lines):
        log.write("Security", *(event(number) for number in range(200)))
        assert numbers(lines, 200) == list(range(200))
        log.write("Security", event(1000))
        assert numbers(lines, 1) == [1000]
        assert channels.counts()["Security"] == {"events": 201, "unreadable": 0, "interrupted": 0}
        assert channels.status() == {"Security": "attached"}
    assert log.queries == {"Security": "*[System[(EventID=4688)]]"}


def test_a_long_event_gets_the_room_it_needs() -> None:
    log = FakeEventLog(Security=0)
    with running(log, "Security") as (_, lines):
        log.write("Security", event(1, "x" * 100_000), event(2))
        long, short = (json.loads(lines.get(timeout=PATIENCE_S))["Event"] for _ in range(2))
        assert len(long["EventData"]["CommandLine"]) == 100_000
        assert short["System"]["EventID"] == 2


def test_what_cannot_be_read_is_counted_and_told() -> None:
    log = FakeEventLog(Security=0)
    with running(log, "Security") as (channels, lines):
        log.write("Security", "<Event", event(2))
        with pytest.raises(ValueError, match="Expecting value"):
            json.loads(lines.get(timeout=PATIENCE_S))
        assert numbers(lines, 1) == [2]
        assert channels.counts()["Security"]["unreadable"] == 1


def test_a_channel_that_is_not_there_is_no_trouble_and_one_that_is_refused_is() -> None:
    log = FakeEventLog(**{"Security": 5, "Setup": 0})
    with running(log, SYSMON, "Security", "Setup") as (channels, lines):
        log.write("Setup", event(7))
        assert numbers(lines, 1) == [7]
        assert channels.status()[SYSMON] == "there is no such channel"
        assert channels.status()["Setup"] == "attached"
        (trouble,) = channels.troubles()
        assert trouble.kind is health.PROBE_REFUSED
        assert trouble.details["probe"] == "Security"
        assert "error 5" in trouble.details["reason"]
    assert log.queries == {"Setup": "*"}


def test_a_subscription_that_cannot_go_on_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    log = FakeEventLog(Security=0)
    with running(log, "Security") as (channels, lines):
        log.subscribed.clear()
        log.stale = "Security"
        log.write("Security", event(1))
        assert log.subscribed.wait(PATIENCE_S)
        log.write("Security", event(2))
        assert numbers(lines, 1) == [2]
        assert channels.counts()["Security"]["interrupted"] == 1
        (trouble,) = channels.troubles()
        assert trouble.kind is health.EVENTS_LOST
        assert "15011" in trouble.details["reason"]
