"""`linsang service` on Windows: what each of its actions does. Imports on Windows only."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sensor.config import Windows
from sensor.errors import LinsangError
from sensor.paths import SITE, SITE_RULES
from sensor.settings import toml_value
from sensor.terminal import say
from sensor.windows import event_source, scm
from sensor.windows.folders import check_program, protect

assert sys.platform == "win32"

_ALERTS = SITE / "alerts.json"
# a service has no terminal
_SETTINGS = f"""\
# Settings of `linsang`, for the service and for commands. All of them, with what they mean: linsang run --print-config
# After a change: linsang service stop, linsang service start. Rules of your own: {SITE_RULES}

[[output]]
url = '{_ALERTS.as_uri().replace("file:///", "file:")}'

# [[output]]
# url = "syslog+tcp://192.0.2.1:601"

[windows]
# providers = {toml_value(Windows.settings["providers"], Windows().providers)}
# channels = {toml_value(Windows.settings["channels"], Windows().channels)}
"""


def install() -> None:
    """Folder, settings if there are none, event source, service; what is there is brought up to date. LinsangError: it
    may not, or it would run what others than administrators may change."""
    check_program(scm.program())
    protect(SITE)
    settings = SITE / "linsang.toml"
    try:
        if not settings.exists():
            settings.write_text(_SETTINGS, "utf-8")
        event_source.register()
    except OSError as error:
        raise LinsangError(f"{error.filename or 'registry'}: {error.strerror}", "run it elevated") from None
    for warning in scm.install(scm.command_line()):
        say(f"warning: {warning}")
    say(f"installed; settings are in {settings}, alerts go to {_ALERTS}; linsang service start")


def remove() -> None:
    """Service, which is stopped, and event source; settings and alerts stay. LinsangError."""
    scm.remove()
    try:
        event_source.unregister()
    except OSError as error:
        raise LinsangError(f"registry: {error.strerror}", "run it elevated") from None
    say(f"removed; settings, alerts and what the sensor remembers stay in {SITE}")


def status() -> int:
    """Prints its state; 1 unless it runs. LinsangError: it is not installed."""
    state, code = scm.state(), scm.exit_code()
    print(f"{state}; it failed with exit code {code}: {scm.WHY}" if code else state)
    return 0 if state == "running" else 1


ACTIONS: dict[str, Callable[[], int | None]] = {
    "install": install,
    "start": scm.start,
    "stop": scm.stop,
    "reload": scm.reload,
    "status": status,
    "remove": remove,
}
