"""An event of the event log, as EvtRender writes it in XML, as the JSON line that EVTX files give."""

from __future__ import annotations

import json
import re
from typing import Any
from xml.etree import ElementTree

# What XML 1.0 does not allow (section 2.2): command lines have it, and Windows writes it as it is.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_XML_REFERENCE = re.compile(r"&#(?:x0*(?:[0-8bceBCEF]|1[0-9a-fA-F])|0*(?:[0-8]|1[124-9]|2\d|3[01]));")
_NUMBERS = {"EventID", "Version", "Level", "Task", "Opcode", "EventRecordID"}


def event_line(xml: str) -> bytes:
    """`{"Event": {"System": ..., "EventData": ...}}` and a newline. ValueError: it is no event."""
    text = _NOT_XML_REFERENCE.sub("\ufffd", _NOT_XML.sub("\ufffd", xml))
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise ValueError(f"no XML: {error}") from None
    if _name(root) != "Event":
        raise ValueError(f"<{_name(root)}> is no event")
    event: dict[str, Any] = {}
    for part in root:
        name = _name(part)
        event[name] = _data(part) if name == "EventData" else _member(part)
    return json.dumps({"Event": event}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _data(part: ElementTree.Element) -> dict[str, Any]:
    """`<Data Name="Image">...</Data>` by name; those without a name as the list `Data`."""
    fields: dict[str, Any] = {}
    nameless: list[str] = []
    for data in part:
        text = data.text or ""
        if name := data.get("Name"):
            fields[name] = text
        else:
            nameless.append(text)
    return fields | ({"Data": nameless} if nameless else {})


def _member(element: ElementTree.Element) -> Any:
    """Its text; with attributes or elements a map of them."""
    members: dict[str, Any] = {_name(child): _member(child) for child in element}
    if element.attrib:
        members["#attributes"] = dict(element.attrib)
    text = (element.text or "").strip()
    if not members:
        return int(text) if _name(element) in _NUMBERS and text.isdecimal() else text
    if text:
        members["#text"] = text
    # <EventID Qualifiers="0">4688</EventID>: what counts is the number
    return int(text) if _name(element) == "EventID" and text.isdecimal() else members
