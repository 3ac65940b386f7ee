"""Connections around an alert: whose, from when to when, of which events, and what is left out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import native_records as records
import pytest

from sensor.alert import frame_bytes
from sensor.context import Contexts, grave
from sensor.native import Engine, Frame, lib

SECOND = 1_000_000_000
EPOCH = 1_700_000_000 * SECOND
LEVELS = ("medium", "low", "critical", "", "nonsense")


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 18, table_bytes=1 << 20, table_entries=512) as engine:
        for pid, creator in ((2, 1), (3, 2), (4, 3), (9, 1)):
            engine.feed(records.fork_record(pid=pid, start=pid, time=pid, creator_pid=creator, creator_start=creator))
            engine.feed(records.exec_record(pid=pid, start=pid, time=pid, image=f"/bin/p{pid}".encode()))
        yield engine


def connect(engine: Engine, pid: int, seconds: float, port: int = 80, address: str = "203.0.113.9") -> None:
    family = 10 if ":" in address else 2  # Linux', as in the records
    daddr = ipaddress.ip_address(address).packed
    more = {"family": family, "protocol": 6, "dport": port, "daddr": daddr + bytes(16 - len(daddr)), "cookie": port}
    assert engine.feed(records.connect_record(pid=pid, start=pid, time=int(seconds * SECOND), cpu=0xFFFF, **more))


def frames(*alerts: tuple[int, int, float], rule: int = 0, verdict: int = lib.SN_MATCH) -> memoryview:
    """Alerts of (event's index, pid, seconds)."""
    made = []
    for index, pid, seconds in alerts:
        event = records.exec_record(pid=pid, start=pid, time=int(seconds * SECOND), cpu=0, seq=index)
        known: dict[str, Any] = {"file": 0, "payload": lib.SN_PAYLOAD_RECORD, "process": b"", "lineage": ()}
        lost = dict.fromkeys(("lost_total", "lost_recent", "lost_any"), 0)
        made.append(
            Frame(
                rule=rule,
                generation=1,
                verdict=verdict,
                cause_field=None,
                index=index,
                event=event,
                lineage_complete=False,
                **known,
                **lost,
            )
        )
    return memoryview(b"".join(map(frame_bytes, made)))


def contexts(engine: Engine) -> Contexts:
    return Contexts(engine, host="web1", run="run")


def test_five_seconds_either_way_of_it_and_its_descendants(engine: Engine) -> None:
    asked = contexts(engine)
    asked.note(frames((7, 2, 100)), grave(LEVELS))
    for pid, seconds, port in ((2, 94, 1), (2, 95.5, 2), (4, 100.25, 3), (9, 101, 4), (3, 104, 5), (2, 105.5, 6)):
        connect(engine, pid, seconds, port)
    connect(engine, 3, 104.5, 5)
    assert asked.due(104 * SECOND, EPOCH) == []
    (context,) = asked.due(105 * SECOND, EPOCH)
    assert [(c["offset_s"], c["pid"], c["name"], c["dport"], c["count"]) for c in context["connections"]] == [
        (-4.5, 2, "p2", 2, 1),
        (0.25, 4, "p4", 3, 1),
        (4.0, 3, "p3", 5, 2),
    ]
    assert context["connections"][0]["dst"] == "203.0.113.9"
    assert "error" not in context["connections"][0]
    assert context["event"] == {"id": "run-7", "type": "context"}
    assert (context["time"], context["host"], context["verdict"]) == (EPOCH + 100 * SECOND, "web1", "match")
    assert context["rule"]["level"] == "informational"
    assert context["connections_complete"] is True
    assert asked.due(200 * SECOND, EPOCH) == []


def test_ipv6(engine: Engine) -> None:
    asked = contexts(engine)
    asked.note(frames((7, 2, 100)), grave(LEVELS))
    connect(engine, 2, 100, address="2001:db8::9")
    assert asked.flush(EPOCH)[0]["connections"][0]["dst"] == "2001:db8::9"


def test_nothing_to_tell(engine: Engine) -> None:
    asked = contexts(engine)
    asked.note(frames((7, 2, 100)), grave(LEVELS))
    connect(engine, 9, 100)
    assert asked.flush(EPOCH) == []


def test_one_for_the_events_of_a_process_and_of_the_one_it_came_from(engine: Engine) -> None:
    asked = contexts(engine)
    asked.note(frames((7, 2, 100), (7, 2, 100), (8, 2, 100.5), (9, 3, 101), (10, 9, 101)), grave(LEVELS))
    connect(engine, 4, 101)
    (context,) = asked.flush(EPOCH)
    assert context["of"] == ["run-7", "run-8", "run-9"]


@pytest.mark.parametrize(("rule", "verdict"), [(1, lib.SN_MATCH), (0, lib.SN_UNDECIDABLE)])
def test_only_what_is_grave(engine: Engine, rule: int, verdict: int) -> None:
    asked = contexts(engine)
    asked.note(frames((7, 2, 100), rule=rule, verdict=verdict), grave(LEVELS))
    connect(engine, 2, 100)
    assert asked.flush(EPOCH) == []


def test_grave() -> None:
    assert grave(LEVELS) == bytes([1, 0, 1, 0, 0])


def test_it_is_bounded_and_counts_what_it_leaves_out(engine: Engine) -> None:
    asked = contexts(engine)
    asked.note(frames(*((n, 2, 100) for n in range(20)), *((n, n, 100) for n in range(1000, 1300))), grave(LEVELS))
    assert asked.left_out == 4 + 300 - 255
    for port in range(1, 101):
        connect(engine, 2, 100 + port / 1000, port)
    (context,) = asked.flush(EPOCH)
    assert len(context["connections"]) == 64
    assert context["connections_complete"] is False
    assert context["connections"][-1]["dport"] == 100


def test_what_was_forgotten_is_not_none(engine: Engine) -> None:
    asked = contexts(engine)
    asked.note(frames((7, 2, 100)), grave(LEVELS))
    for port in range(1, 1200):
        connect(engine, 9, 99 + port / 10000, port)
    (context,) = asked.flush(EPOCH)
    assert (context["connections"], context["connections_complete"]) == ([], False)
