"""Every shape of a JSON event gives the same fields."""

from __future__ import annotations

from typing import Any

import pytest

from sensor.event_json import event_fields

WANTED = {"Channel": "Sysmon", "EventID": 1, "Image": "a.exe", "Provider_Name": "P"}
DATA = {"Image": "a.exe"}
SYSTEM = {"Channel": "Sysmon", "EventID": 1, "Provider_Name": "P"}

SHAPES: dict[str, dict[str, Any]] = {
    "flat": {**SYSTEM, **DATA},
    "wrapped": {"src": "s", "file": "f", "event": {**SYSTEM, **DATA}},
    "event log": {"Event": {"System": {**SYSTEM, "Channel": "Sysmon"}, "EventData": DATA}},
    "event log, outside ignored": {"Image": "no", "Event": {"System": SYSTEM, "EventData": DATA}},
    "evtx_dump": {
        "Event": {
            "#attributes": {"xmlns": "x"},
            "System": {
                "Provider": {"#attributes": {"Name": "P", "Guid": "{1}"}},
                "EventID": {"#text": 1, "#attributes": {"Qualifiers": ""}},
                "Channel": "Sysmon",
            },
            "EventData": DATA,
        }
    },
    "xmltodict": {
        "Event": {
            "System": {"Provider": {"@Name": "P"}, "EventID": 1, "Channel": "Sysmon"},
            "EventData": {"Data": [{"@Name": "Image", "#text": "a.exe"}]},
        }
    },
    "winlogbeat": {
        "@timestamp": "t",
        "winlog": {"channel": "Sysmon", "event_id": 1, "provider_name": "P", "event_data": DATA},
    },
    "winlogbeat, flattened": {
        "winlog.channel": "Sysmon",
        "winlog.event_id": 1,
        "winlog.provider_name": "P",
        "winlog.event_data.Image": "a.exe",
        "host.name": "h",
    },
    "winlogbeat, with ECS's event": {
        "event": {"code": "1", "kind": "event", "provider": "P"},
        "winlog": {"channel": "Sysmon", "event_id": 1, "provider_name": "P", "event_data": DATA},
    },
    "winlogbeat, flattened, with ECS's event": {
        "winlog.channel": "Sysmon",
        "winlog.event_id": 1,
        "winlog.provider_name": "P",
        "winlog.event_data.Image": "a.exe",
        "event": {"code": "1", "kind": "event"},
    },
    "data wins": {"Event": {"System": {**SYSTEM, "Image": "no"}, "EventData": DATA}},
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    assert event_fields(SHAPES[name]) == WANTED
