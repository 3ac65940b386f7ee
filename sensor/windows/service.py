"""`linsang service` on Windows: what each of its actions does. Imports on Windows only."""

from __future__ import annotations

import sys
from collections.abc import Callable

from sensor.errors import LinsangError
from sensor.paths import SITE
from sensor.terminal import say
from sensor.windows import event_source, scm
from sensor.windows.folders import protect

assert sys.platform == "win32"

_ALERTS = SITE / "alerts.json"
# a service has no terminal
_SETTINGS = f"""\
# linsang run --print-config shows all settings
[[output]]
url = '{_ALERTS.as_uri().replace("file:///", "file:")}'
"""


def install() -> None:
    """Folder, settings if there are none, event source, service. LinsangError: it may not, or they are there."""
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
    """Service and event source; settings and alerts stay. LinsangError."""
    scm.remove()
    try:
        event_source.unregister()
    except OSError as error:
        raise LinsangError(f"registry: {error.strerror}", "run it elevated") from None
    say(f"removed; settings and alerts stay in {SITE}")


def status() -> None:
    """Prints its state."""
    print(scm.state())


ACTIONS: dict[str, Callable[[], None]] = {
    "install": install,
    "start": scm.start,
    "stop": scm.stop,
    "reload": scm.reload,
    "status": status,
    "remove": remove,
}
