"""The fields of an event that came as a JSON object, whichever of the shapes of native/ndjson.c it has.

The readable definition of native/event_fields.c, and what the reference engine judges. What stands outside of `event`,
`Event` or `winlog` is no field of the event, and EventData wins over System.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

_RENAMED = {
    "channel": "Channel",
    "event_id": "EventID",
    "provider_name": "Provider_Name",
    "computer_name": "Computer",
}
_DATA = ("EventData", "UserData", "event_data", "user_data")
_MARKUP = ("#", "@")
_LONGEST = 20  # characters of a whole number of 64 bits
_HUGE = re.compile(r"[eE][+-]?[0-9]{3}")


def parse_event(line: bytes) -> dict[str, Any]:
    """One JSON object. Values that our outputs could not write stay the text that they were: numbers that may be beyond
    64 bits or a double, NaN. ValueError or RecursionError when it is none."""
    document = json.loads(
        line.decode("utf-8", "surrogateescape"), parse_constant=str, parse_float=_float, parse_int=_int
    )
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _float(text: str) -> float | str:
    return text if len(text) > 200 or _HUGE.search(text) else float(text)


def _int(text: str) -> int | str:
    number = int(text) if len(text) <= _LONGEST else 1 << 64
    return number if -(1 << 63) <= number < 1 << 64 else text


def event_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """The event's fields under their Sigma names, from a `document` of any shape."""
    event = document
    if isinstance(event.get("event"), dict) and not _is_told(event):
        event = event["event"]
    for name in ("Event", "winlog"):
        if isinstance(event.get(name), dict):
            return _structured(event[name])
    flat = {k.removeprefix("winlog."): v for k, v in event.items() if k.startswith("winlog.")}
    if flat:
        system = {k: v for k, v in flat.items() if not k.startswith("event_data.")}
        data = {k.removeprefix("event_data."): v for k, v in flat.items() if k.startswith("event_data.")}
        return _structured(system) | _plain(data)
    return _structured(event)


def _is_told(document: Mapping[str, Any]) -> bool:
    """Whether the event stands in it as such: Winlogbeat's documents have ECS's `event` beside it."""
    return any(isinstance(document.get(name), dict) for name in ("Event", "winlog")) or any(
        name.startswith("winlog.") for name in document
    )


def _structured(event: Mapping[str, Any]) -> dict[str, Any]:
    """Its own members, above them System's, above these those of the data."""
    system = event.get("System")
    fields = _plain(event) | (_plain(system) if isinstance(system, dict) else {})
    for name, data in event.items():
        if name in _DATA and isinstance(data, dict):
            fields |= _data(data)
    return fields


def _plain(members: Mapping[str, Any]) -> dict[str, Any]:
    """Scalars and lists of them by their Sigma name; an object counts when it is an element with text."""
    fields: dict[str, Any] = {}
    for name, value in members.items():
        if name == "Provider" and isinstance(value, dict):
            attributes = _attributes(value)
            provider = attributes.get("Name", attributes.get("@Name"))
            if provider is not None and _is_simple(provider):
                fields["Provider_Name"] = provider
            continue
        if isinstance(value, dict):
            value = value.get("#text")  # noqa: PLW2901
            if value is None:
                continue
        if _is_simple(value) and not name.startswith(_MARKUP):
            fields[_RENAMED.get(name, name)] = value
    return fields


def _data(members: Mapping[str, Any]) -> dict[str, Any]:
    """The same with what the object holds that is all that stands there, as in UserData; Data holds fields that have a
    name."""
    fields: dict[str, Any] = {}
    named = [name for name in members if not name.startswith(_MARKUP)]
    for name, value in members.items():
        if name == "Data":
            fields |= _elements(value)
            continue
        fields |= _plain({name: value})
        if isinstance(value, dict) and named == [name] and name != "Provider":
            fields |= _data(value)
    return fields


def _elements(data: Any) -> dict[str, Any]:
    """Fields written as [{"@Name": field, "#text": value}, ...], the name also as Name or within #attributes; or what
    else stands in Data."""
    fields: dict[str, Any] = {}
    for element in data if isinstance(data, list) else [data]:
        if not isinstance(element, dict):
            continue
        attributes = _attributes(element)
        name, value = attributes.get("@Name", attributes.get("Name")), element.get("#text")
        if isinstance(name, str):
            fields |= {name: value} if _is_simple(value) else {}
        elif element is data:
            fields |= _plain({"Data": data})
    return fields if isinstance(data, dict) else fields | _plain({"Data": data})


def _attributes(element: Mapping[str, Any]) -> Mapping[str, Any]:
    """Where an element's attributes stand: within #attributes, or among its members."""
    attributes = element.get("#attributes")
    return attributes if isinstance(attributes, dict) else element


def _is_simple(value: Any) -> bool:
    """A scalar, or a list of nothing else."""
    if isinstance(value, list):
        return not any(isinstance(v, (dict, list)) for v in value)
    return not isinstance(value, dict)
