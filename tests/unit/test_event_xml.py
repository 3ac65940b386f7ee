"""Events as EvtRender gives them, against the same events out of log files, which another decoder reads."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from evtx import PyEvtxParser
from hypothesis import given
from hypothesis import strategies as st

from sensor.windows.event_xml import event_line

CORPUS = os.environ.get("LINSANG_CORPUS", "")
SECURITY = """\
<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
<Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>\
<EventID Qualifiers='0'>4688</EventID><Version>2</Version><TimeCreated SystemTime='2026-03-11T05:16:41.8157203Z'/>\
<EventRecordID>14</EventRecordID><Correlation/><Channel>Security</Channel><Security/></System>\
<EventData><Data Name='NewProcessName'>C:\\Windows\\System32\\cmd.exe</Data>\
<Data Name='CommandLine'>cmd /c "echo é &amp; x &lt; %1"%2</Data><Data Name='TokenElevationType'>%%1936</Data>\
<Data>first</Data><Data>second</Data></EventData></Event>"""


def decoded(xml: str) -> dict[str, Any]:
    line = event_line(xml)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    return dict(json.loads(line)["Event"])


def security(command_line: str) -> str:
    return SECURITY.replace("%2", command_line)


def test_a_process_creation() -> None:
    event = decoded(security(" 'x'"))
    assert event["System"]["EventID"] == 4688
    assert event["System"]["Channel"] == "Security"
    assert event["System"]["TimeCreated"] == {"#attributes": {"SystemTime": "2026-03-11T05:16:41.8157203Z"}}
    assert event["EventData"] == {
        "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
        "CommandLine": "cmd /c \"echo é & x < %1\" 'x'",
        "TokenElevationType": "%%1936",
        "Data": ["first", "second"],
    }


@pytest.mark.parametrize("strange", ["\x00", "\x1b", "￾", "\ud800", "&#0;", "&#27;", "&#x1B;", "&#x0001;"])
def test_what_xml_does_not_allow_costs_no_event(strange: str) -> None:
    """A command line may hold it: what starts with it must not stay unseen."""
    assert decoded(security(f"{strange}evil"))["EventData"]["CommandLine"].endswith("\ufffdevil")


@pytest.mark.parametrize("allowed", ["\t", "&#9;", "&#10;", "&#x20;", "&#32;", "\U0001f600", "&#x1F600;"])
def test_what_it_allows_is_kept(allowed: str) -> None:
    assert "\ufffd" not in decoded(security(f"{allowed}evil"))["EventData"]["CommandLine"]


@pytest.mark.parametrize(
    "text", ["", "x", "<Event>", "<a/>", SECURITY[:-1], '<!DOCTYPE a [<!ENTITY b "c">]><Event/>&b;']
)
def test_what_is_no_event(text: str) -> None:
    with pytest.raises(ValueError, match="no "):
        event_line(text)


@given(st.text(max_size=40))
def test_any_text_is_an_event_or_a_value_error(text: str) -> None:
    """As the content of a field, escaped as Windows does it; and as the whole."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    assert "CommandLine" in decoded(security(escaped))["EventData"]
    with suppress(ValueError):
        event_line(text)


def logs() -> Iterator[Path]:
    yield from sorted(Path(CORPUS).rglob("*.evtx")) if CORPUS else ()


def as_text(value: Any) -> Any:
    """Values by text: XML has no types; what is empty is left out."""
    if isinstance(value, dict):
        members = {name: as_text(member) for name, member in value.items() if name != "#attributes"}
        return {name: member for name, member in members.items() if member not in ("", {}, "None")}
    return str(value)


@pytest.mark.skipif(not CORPUS, reason="LINSANG_CORPUS is not set")
def test_it_says_what_evtx_says() -> None:
    compared = 0
    for log in logs():
        for xml, line in zip(PyEvtxParser(str(log)).records(), PyEvtxParser(str(log)).records_json(), strict=True):
            theirs = json.loads(line["data"])["Event"]
            if "EventData" not in theirs or not isinstance(theirs["EventData"], dict) or "Data" in theirs["EventData"]:
                continue  # nameless data: another shape
            ours = decoded(xml["data"].partition("?>")[2])
            for part in ("System", "EventData"):
                assert as_text(ours[part]) == as_text(theirs[part])
            compared += 1
    assert compared > 100
