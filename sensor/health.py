"""Alerts about the sensor itself. Their rule ids are fixed, so that a receiver can build on them."""

from typing import Any, NamedTuple


class Health(NamedTuple):
    """One kind of trouble: its rule, and what to do."""

    id: str
    title: str
    level: str
    description: str


EVENTS_LOST = Health(
    "c6ef2ab2-1e48-48a2-bfd5-5219e1e5688d",
    "Sensor lost events",
    "medium",
    "Events did not arrive: what happened in them was not judged. The fields tell where they were lost: "
    "of ring_full, a larger ring (--ring-bytes) takes more.",
)
ALERTS_LOST = Health(
    "c4d87248-c9bb-4c75-82e0-55ce4753619b",
    "Sensor lost alerts",
    "high",
    "Rules fired faster than alerts could be taken away; undecidable ones give way first. "
    "--engine-alert-bytes gives room.",
)
OUTPUT_DROPPED = Health(
    "ea9b3239-3717-4081-a8f8-1b864fafc1de",
    "Sensor output dropped alerts",
    "medium",
    "A receiver was too slow or not there: alerts did not reach it. Other outputs have them.",
)
SOURCE_REDUCED = Health(
    "767e7eaa-c27a-4d28-9a9c-a512ecda5836",
    "Sensor runs at lower fidelity",
    "medium",
    "The kernel's probes could not be used: processes that end quickly are missed. linsang doctor says why.",
)
PROBE_REFUSED = Health(
    "18dbc939-a320-4e1c-b222-468905768bf2",
    "Sensor probe is not attached",
    "high",
    "The kernel refused a probe: its kind of event is not seen. The others are.",
)
SENSOR_KILLED = Health(
    "f2a95c30-6d1e-4b87-9c4a-70d38e51ab62",
    "Sensor was killed",
    "high",
    "The sensor before this one did not end by itself. What happened until this one began was not seen.",
)
RELOAD_REFUSED = Health(
    "b7d1e2f4-93a6-4c58-8e0d-1f6a5c2b7e49",
    "Sensor keeps its old rules",
    "medium",
    "It was told to read its rules again, and some are refused: those from before are in use.",
)
FACTS_FAILED = Health(
    "5d0f3c5e-6c2b-4a0e-9d0a-0b6f5e8a7c31",
    "Sensor does not look at files any more",
    "high",
    "What files are, whose and from where is not found out: rules that ask for it are undecidable. Start it again.",
)
SESSION_STOPPED = Health(
    "3b0f6a52-5a0c-4b7e-9a55-7f4f2b6d1c83",
    "Sensor tampering: its trace session was stopped",
    "critical",
    "Somebody ended a session that the sensor sees by. Until it is restored its kinds of events are not seen.",
)
SESSION_RESTORED = Health(
    "a4f1d0c6-8f3e-4c1b-9b6d-2e5c7a90b4d1",
    "Sensor's trace session is back",
    "informational",
    "The session runs again. What happened in between was not seen.",
)
SESSION_REFUSED = Health(
    "d2b8c9e7-1f64-4f0a-8a3c-60e9b5d7f214",
    "Sensor's trace session cannot be started",
    "high",
    "Windows refused a session: its kinds of events are not seen. The others are. It is tried again.",
)
LOSSES_UNKNOWN = Health(
    "6e9a3f18-7c25-4d86-b0f1-94d3e8a2c5b7",
    "Sensor cannot tell what it loses",
    "medium",
    "Windows does not answer what a trace session lost: its losses are unknown, not none.",
)


def health_alert(health: Health, *, host: str, time_ns: int, **details: Any) -> dict[str, Any]:
    """An alert map for `health` at `time_ns` (since the epoch); `details` (scalars, lists, maps) become its fields."""
    rule = {
        "id": health.id,
        "title": health.title,
        "level": health.level,
        "tags": ["linsang.health"],
        "author": "Linsang",
        "description": health.description,
    }
    return {
        "rule": rule,
        "verdict": "match",
        "event": {"type": "health"},
        "time": time_ns,
        "host": host,
        "fields": details,
    }
