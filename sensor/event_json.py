"""The fields of an event that came as a JSON object, whichever of the shapes of native/ndjson.c it has.

The C decoder keeps only what some rule reads; an alert shows everything. The two read the same places: what stands
outside of `event`, `Event` or `winlog` is no field of the event, and EventData wins over System.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

_RENAMED = {
    "channel": "Channel",
    "event_id": "EventID",
    "provider_name": "Provider_Name",
    "computer_name": "Computer",
}
_DATA = ("EventData", "UserData", "event_data", "user_data")


def parse_event(line: bytes) -> dict[str, Any]:
    """One JSON object. Values that our outputs could not write stay the text that they were: numbers beyond 64 bits or
    a double, NaN. ValueError or RecursionError when it is none."""
    document = json.loads(
        line.decode("utf-8", "surrogateescape"), parse_constant=str, parse_float=_float, parse_int=_int
    )
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _float(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) < 19 else text


def event_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The event's fields under their Sigma names, from a `document` of any shape."""
    event = document
    if isinstance(event.get("event"), dict):
        event = event["event"]
    for name in ("Event", "winlog"):
        if isinstance(event.get(name), dict):
            return _structured(event[name])
    flat = {k.removeprefix("winlog."): v for k, v in event.items() if k.startswith("winlog.")}
    if flat:
        system = {k: v for k, v in flat.items() if not k.startswith("event_data.")}
        data = {k.removeprefix("event_data."): v for k, v in flat.items() if k.startswith("event_data.")}
        return _plain(system) | _plain(data)
    return _structured(event) if any(isinstance(event.get(name), dict) for name in _DATA) else _plain(event)


def _structured(event: Mapping[str, Any]) -> dict[str, Any]:
    """The inside of Event or winlog: System's members, or its own, below those of EventData."""
    system = event.get("System")
    fields = _plain(system if isinstance(system, dict) else event)
    for name in _DATA:
        data = event.get(name)
        if isinstance(data, dict):
            fields |= _named(data.get("Data")) | _plain(data)
    return fields


def _plain(members: Mapping[str, Any]) -> dict[str, Any]:
    """Scalars and lists of them by their Sigma name; an object counts when it is an element with text."""
    fields: dict[str, Any] = {}
    for name, value in members.items():
        if name == "Provider" and isinstance(value, dict):
            attributes = value.get("#attributes", value)
            provider = attributes.get("Name", attributes.get("@Name")) if isinstance(attributes, dict) else None
            if provider is not None:
                fields["Provider_Name"] = provider
            continue
        if isinstance(value, dict):
            value = value.get("#text")  # noqa: PLW2901
            if value is None:
                continue
        if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
            continue
        if not name.startswith(("#", "@")):
            fields[_RENAMED.get(name, name)] = value
    return fields


def _named(data: Any) -> dict[str, Any]:
    """Fields written as [{"@Name": field, "#text": value}, ...]."""
    elements = data if isinstance(data, list) else [data]
    return {
        str(e.get("@Name", e.get("Name"))): e.get("#text")
        for e in elements
        if isinstance(e, dict) and ("@Name" in e or "Name" in e)
    }
