"""An alert as one RFC 5424 syslog message: header, one structured data element, the JSON as UTF-8 with its BOM."""

import os
import socket
from typing import NamedTuple

from sensor.encode import Alert, json_within, rfc3339, to_json
from sensor.escape import escape_one

# RFC 5424, table 1 (Linux's names).
_NAMES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp audit alert clock"
FACILITIES = {name: number for number, name in enumerate([*_NAMES.split(), *(f"local{n}" for n in range(8))])}
# RFC 5424, table 2: critical, error, warning, notice, informational.
SEVERITIES = {"critical": 2, "high": 3, "medium": 4, "low": 5, "informational": 6}
# A private enterprise number that RFC 5612 reserves for documentation; the project has none of its own.
SD_ID = "linsang@32473"
BOM = b"\xef\xbb\xbf"


class Format(NamedTuple):
    """How an alert becomes a message. `max_bytes` bounds the whole message (0: no bound); what does not fit is cut as
    encode.json_within defines, and flagged by the member `cut` and the structured data parameter of that name."""

    facility: int
    app: str
    host: str
    max_bytes: int

    def encode(self, alert: Alert) -> bytes:
        """The message, without any framing."""
        rule = alert["rule"]
        severity = SEVERITIES.get(str(rule.get("level")), SEVERITIES["informational"])
        stamp = rfc3339(alert["time"], 6) if "time" in alert else "-"
        host = _name(str(alert.get("host") or self.host), 255)
        header = f"<{self.facility * 8 + severity}>1 {stamp} {host} {_name(self.app, 48)} {os.getpid()} alert "
        whole = header.encode() + _element(alert, None).encode() + b" " + BOM + to_json(alert)
        if not self.max_bytes or len(whole) <= self.max_bytes:
            return whole
        start = header.encode() + _element(alert, len(whole)).encode() + b" " + BOM
        return start + json_within(alert, self.max_bytes - len(start))


def _name(text: str, most: int) -> str:
    """A header field: printable ASCII without spaces, at most `most` characters, - where there is none."""
    return "".join(c for c in text if "!" <= c <= "~")[:most] or "-"


def _element(alert: Alert, cut_from: int | None) -> str:
    event = alert.get("event", {})
    values = {
        "rule": alert["rule"].get("id"),
        "level": alert["rule"].get("level"),
        "verdict": alert.get("verdict"),
        "seq": event.get("seq"),
        "cpu": event.get("cpu"),
        "cut": cut_from,
    }
    pairs = (f'{name}="{_value(str(value))}"' for name, value in values.items() if value is not None)
    return f"[{SD_ID} {' '.join(pairs)}]"


def _value(text: str) -> str:
    """A parameter's value: at most 128 characters, all of them visible, the three that RFC 5424 names escaped."""
    plain = "".join(c if escape_one(c) == c else "?" for c in text[:128])
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def local_host() -> str:
    """This machine's name, for alerts that carry none (replay)."""
    return socket.gethostname()
