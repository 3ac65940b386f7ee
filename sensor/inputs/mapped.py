"""Sigma's fields of an event of another maker, by native/taxonomy.def."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensor.taxonomy import mapping


def mapped(source: str, category: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `category` that `event` has; its members are named by paths with dots."""
    fields: dict[str, Any] = {}
    for field, ways in mapping(source, category).items():
        for how, path in ways:
            value = _made(how, at(event, path))
            if value is not None:
                fields[field] = value
                break
    return fields


def at(event: Any, path: str) -> Any:
    """The member of a nest of mappings that a path with dots names; None where there is none."""
    for name in path.split("."):
        if not isinstance(event, Mapping):
            return None
        event = event.get(name)
    return event


def _made(how: str, value: Any) -> Any:
    """None where it is not there, or not what it should be."""
    if how == "ARGS":
        return " ".join(map(str, value)) if isinstance(value, list) and value else None
    if how == "ENTRY":
        folder, name = at(value, "dir.path"), at(value, "filename")
        if not isinstance(folder, str) or not isinstance(name, str):
            return None
        return folder.removesuffix("/") + "/" + name
    return value if isinstance(value, (str, int, float)) else None
