"""macOS Endpoint Security as eslogger prints it: JSON lines to JSON lines with Sigma's names."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sensor.inputs.lines import event_line
from sensor.inputs.mapped import mapped

_CATEGORIES = {"exec": "process_creation", "create": "file_event", "rename": "file_event", "unlink": "file_delete"}
_PROCESSES = 1 << 14  # whose image and command line are remembered
Token = tuple[Any, Any]  # pid and pidversion: the latter changes with each fork and exec


class EsloggerLines:
    """One line for each line. An event whose category Sigma does not have keeps eslogger's name for it.

    A message names a parent by token only: its image and command line are those of its exec, where that was seen, else
    the image that the process had before its exec, unless that was its own (it exec'ed twice).
    """

    held = 0

    def __init__(self) -> None:
        self._known: OrderedDict[Token, Mapping[str, Any]] = OrderedDict()

    def feed(self, block: bytes) -> bytes:
        """A line that is no message stays as it is."""
        return b"".join(self._line(line) for line in block.splitlines(keepends=True))

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
        process, target = message.get("process") or {}, message["event"]["exec"].get("target") or {}
        parent = self._known.get(_token(target.get("parent_audit_token")))
        if parent:
            return {"image": parent.get("Image"), "command_line": parent.get("CommandLine")}
        before = self._known.get(_token(process.get("audit_token")))
        if before:
            return {"image": before.get("ParentImage"), "command_line": before.get("ParentCommandLine")}
        return {"image": (process.get("executable") or {}).get("path")}

    def _remember(self, message: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        token = _token((message["event"]["exec"].get("target") or {}).get("audit_token"))
        if token != (None, None):
            self._known[token] = fields
        while len(self._known) > _PROCESSES:
            self._known.popitem(last=False)


def _token(token: Any) -> Token:
    return (token.get("pid"), token.get("pidversion")) if isinstance(token, dict) else (None, None)
