"""macOS Endpoint Security as eslogger prints it: JSON lines to JSON lines with Sigma's names."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sensor.inputs.lines import event_line, split_lines
from sensor.inputs.mapped import at, mapped

_CATEGORIES = {"exec": "process_creation", "create": "file_event", "rename": "file_event", "unlink": "file_delete"}
_PROCESSES = 1 << 14  # whose image and command line are remembered
Token = tuple[int, int]  # pid and pidversion: the latter changes with each fork and exec


class EsloggerLines:
    """One line for each line. An event whose category Sigma does not have keeps eslogger's name for it.

    A message names a parent by token only: its image and command line are those of its exec, where that was seen, else
    the image that the process had before its exec, unless that was its own (it exec'ed twice).
    """

    held = 0

    def __init__(self) -> None:
        self._known: OrderedDict[Token | None, Mapping[str, Any]] = OrderedDict()

    def feed(self, block: bytes) -> bytes:
        """A line that is no message stays as it is."""
        return b"".join(self._line(line) for line in split_lines(block))

    def end(self) -> bytes:
        """Nothing is ever open."""
        return b""

    def _line(self, line: bytes) -> bytes:
        try:
            message = json.loads(line.decode("utf-8", "surrogateescape"))
            if "mach_time" not in message:
                message = message["event"]  # {"source": ..., "event": message}
            (kind,) = message["event"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return line
        category = _CATEGORIES.get(kind, kind)
        if kind == "exec":
            message["parent"] = self._parent(message)
        fields = mapped("eslogger", category if category != kind else "", message)
        if kind == "exec":
            self._remember(message, fields)
        return event_line(fields, "macos", category)

    def _parent(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        parent = self._known.get(_token(message, "event.exec.target.parent_audit_token"))
        if parent:
            return {"image": parent.get("Image"), "command_line": parent.get("CommandLine")}
        before = self._known.get(_token(message, "process.audit_token"))
        if before:
            return {"image": before.get("ParentImage"), "command_line": before.get("ParentCommandLine")}
        return {"image": at(message, "process.executable.path")}

    def _remember(self, message: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        if token := _token(message, "event.exec.target.audit_token"):
            self._known[token] = fields
        while len(self._known) > _PROCESSES:
            self._known.popitem(last=False)


def _token(message: Mapping[str, Any], path: str) -> Token | None:
    pid, version = at(message, f"{path}.pid"), at(message, f"{path}.pidversion")
    return (pid, version) if isinstance(pid, int) and isinstance(version, int) else None
