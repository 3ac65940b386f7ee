"""Error codes of Windows that trace sessions answer with, and what they mean to whoever runs the sensor."""

from __future__ import annotations

from sensor.errors import LinsangError
from sensor.system import is_administrator

SUCCESS = 0
ACCESS_DENIED = 5
INVALID_PARAMETER = 87
ALREADY_EXISTS = 183
MORE_DATA = 234  # the session's texts have no room in our buffer; it did what it was told
PRIVILEGE_NOT_HELD = 1314
NO_SYSTEM_RESOURCES = 1450
ACTIVE_CONNECTIONS = 2402  # it is being stopped already
INSTANCE_NOT_FOUND = 4201  # ERROR_WMI_INSTANCE_NOT_FOUND: no session of that name

_STILL = "elevated as this is: run it as the service (linsang service install), or look who took the right away"
_ELEVATED = "run it elevated (Run as administrator), or as the service: linsang service install"
_MEANINGS = {
    ACCESS_DENIED: ("access is denied", _ELEVATED),
    INVALID_PARAMETER: ("its settings are refused", "this Windows is too old: 10 or Server 2016 is needed"),
    ALREADY_EXISTS: ("it exists, and came back when it was stopped", "somebody else starts it: `logman query -ets`"),
    PRIVILEGE_NOT_HELD: ("a privilege is missing", _ELEVATED),
    NO_SYSTEM_RESOURCES: (
        "all trace sessions of this machine are taken",
        "`logman query -ets` lists them: stop one, or raise EtwMaxLoggers (32 to 256) in "
        "HKLM\\SYSTEM\\CurrentControlSet\\Control\\WMI and start Windows again",
    ),
    INSTANCE_NOT_FOUND: ("it is not there any more", "who stopped it? the Security log may say"),
}
_OF_PROVIDERS = {  # EnableTraceEx2 means something else by it
    NO_SYSTEM_RESOURCES: (
        "as many sessions as may have this provider have it",
        "eight may: `logman query -ets` lists the sessions, `logman query NAME -ets` what each has",
    ),
}


class SessionError(LinsangError):
    """A call for the session `name`, or for `provider` in it, answered with `code` (an error of Windows, 0 where none
    is told)."""

    def __init__(self, name: str, what: str, code: int, provider: str = "") -> None:
        self.name = name
        self.code = code
        self.provider = provider
        meanings = _MEANINGS | _OF_PROVIDERS if provider else _MEANINGS
        meaning, remedy = meanings.get(code, ("", ""))
        if remedy == _ELEVATED and is_administrator():
            remedy = _STILL
        reason = f"{meaning} (error {code})" if meaning else f"error {code}" if code else "Windows does not say why"
        super().__init__(f"trace session {name}: {what}: {reason}", remedy)
