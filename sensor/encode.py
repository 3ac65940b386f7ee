"""Alerts as bytes: one line of JSON, or one msgpack map. The core writes its alerts as such lines
(native/alert_json.c); alerts about the sensor and rollups are maps, and written here the same way.

In the map `time` is an integer, ns since the epoch. JSON writes it as RFC 3339, msgpack as it is. Bytes that were no
UTF-8 are lone surrogates in the map (surrogateescape); both forms write them as the six characters \\udcXX, so the
output is valid UTF-8 whatever a process was named, and no strict reader can be made to refuse an alert.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

Alert = Mapping[str, Any]

# Legal inside a JSON string, but a terminal obeys C1 controls and bidi overrides, and readers that split lines by
# Unicode's rules (str.splitlines) break at U+0085, U+2028 and U+2029; what has no width hides between letters. Written
# as \uXXXX they are the same value. The same as in native/json_write.c.
_UNSAFE = "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"

# What `json_within` gives up, in this order: the least needed to act on an alert goes first.
_OPTIONAL = (
    ("lineage",),
    ("process", "argv"),
    ("rule", "references"),
    ("rule", "falsepositives"),
    ("rule", "description"),
)
_ESSENTIAL = {"rule", "verdict", "event", "time", "host", "cut"}
_SHORTEST = 64


def rfc3339(time_ns: int, digits: int = 9) -> str:
    """`time_ns` (ns since the epoch) as UTC text with `digits` (1..9) decimals of a second."""
    seconds, ns = divmod(time_ns, 1_000_000_000)
    from datetime import UTC, datetime  # noqa: PLC0415 - slow, and the core writes the times of most alerts

    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{ns:09d}"[: 20 + digits] + "Z"


def json_text(value: Any) -> bytes:
    """`value` as JSON on one line, keys sorted; valid UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_UNSAFE, lambda m: f"\\u{ord(m[0]):04x}", text)
    return text.encode("utf-8", "backslashreplace")


def json_page(value: Any) -> str:
    """`value` as JSON on several lines, for people and jq: ASCII, without a control but the line breaks."""
    return json.dumps(value, indent=2).replace("\x7f", "\\u007f")


def to_json(alert: Alert) -> bytes:
    """One JSON object, keys sorted, without a newline; valid UTF-8."""
    return json_text({**alert, "time": rfc3339(alert["time"])} if "time" in alert else alert)


def to_line(alert: Alert) -> bytes:
    """`to_json` with its newline."""
    return to_json(alert) + b"\n"


def from_json(line: bytes) -> dict[str, Any]:
    """The map that `to_json` or the core wrote."""
    alert: dict[str, Any] = json.loads(line)
    if "time" in alert:
        alert["time"] = _nanoseconds(alert["time"])
    return alert


def _nanoseconds(text: str) -> int:
    second, _, fraction = text.removesuffix("Z").partition(".")
    from datetime import datetime  # noqa: PLC0415

    return int(datetime.fromisoformat(second + "+00:00").timestamp()) * 1_000_000_000 + int(fraction)


class Lines:
    """Alerts as whole JSON lines, for all outputs: `view` as it is for those that write JSON at once, which may be
    borrowed; `data` for who keeps it and `maps` for the others, made once and only if one asks."""

    def __init__(self, view: bytes | memoryview, count: int) -> None:
        self.view = view
        self.count = count

    @cached_property
    def data(self) -> bytes:
        """The lines."""
        return bytes(self.view)

    @cached_property
    def maps(self) -> list[dict[str, Any]]:
        """The alerts one by one, in order."""
        return [from_json(line) for line in self.data.splitlines()]

    @property
    def undecidable(self) -> bool:
        """One of them is. `verdict` is the last member, and no string holds a quote that is not escaped."""
        return b'"verdict":"undecidable"}\n' in self.data

    def __iter__(self) -> Iterator[tuple[bytes, dict[str, Any]]]:
        """Each line with its map."""
        return zip(self.data.splitlines(keepends=True), self.maps, strict=True)


def to_msgpack(alert: Alert) -> bytes:
    """One msgpack map; strings are valid UTF-8."""
    import msgpack  # noqa: PLC0415 - where no output writes it, it is not loaded

    packed: bytes = msgpack.packb(alert, unicode_errors="backslashreplace")
    return packed


def json_within(alert: Alert, limit: int) -> bytes:
    """`to_json` in at most `limit` bytes (2048 or more), for transports that have a largest message.

    What has to go is named in the member `cut`: {bytes: length of the whole form, dropped: [member, ...], longest: the
    most characters that a string was left with}. Members go in the order of _OPTIONAL; if that is not enough, long
    strings are cut in the middle, shorter and shorter; at last only _ESSENTIAL stays.
    """
    whole = to_json(alert)
    if len(whole) <= limit:
        return whole
    cut: dict[str, Any] = {"bytes": len(whole), "dropped": []}
    smaller: dict[str, Any] = {**alert, "cut": cut}
    for path in _OPTIONAL:
        if _drop(smaller, path):
            cut["dropped"].append(".".join(path))
            if len(line := to_json(smaller)) <= limit:
                return line
    for longest in (4096, 1024, 256, _SHORTEST):
        cut["longest"] = longest
        if len(line := to_json({k: v if k == "cut" else _shorten(v, longest) for k, v in smaller.items()})) <= limit:
            return line
    cut["dropped"] = [*sorted(smaller.keys() - _ESSENTIAL), "rule.*"]
    least = {k: v if k == "cut" else _shorten(v, _SHORTEST) for k, v in smaller.items() if k in _ESSENTIAL}
    least["rule"] = {k: v for k, v in least["rule"].items() if k in {"id", "level"}}
    return to_json(least)


def _drop(alert: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Leaves out the member at `path`; copies what it changes, since other sinks hold the same map."""
    parent = alert
    for name in path[:-1]:
        if not isinstance(parent.get(name), dict):
            return False
        parent[name] = dict(parent[name])
        parent = parent[name]
    return parent.pop(path[-1], None) is not None


def _shorten(value: Any, longest: int) -> Any:
    if isinstance(value, str) and len(value) > longest:
        mark = f"...[{len(value)}]..."
        half = (longest - len(mark)) // 2
        return value[:half] + mark + value[-half:]
    if isinstance(value, dict):
        return {k: _shorten(v, longest) for k, v in value.items()}
    if isinstance(value, list):
        return [_shorten(v, longest) for v in value]
    return value
