"""`?format=` of stdout: and file:, and what it is when not given."""

import os
from collections.abc import Callable

from sensor.encode import Alert, to_line, to_msgpack
from sensor.sinks.base import Target

FORMATS = ("json", "pretty", "msgpack")


def encoder(target: Target, fd: int = -1) -> Callable[[Alert], bytes]:
    """The function that makes an alert the bytes written; `fd` is the terminal it may be, -1 none. Takes `format` out
    of the target's options."""
    is_terminal = fd >= 0 and os.isatty(fd)
    chosen = target.take("format", "pretty" if is_terminal else "json", FORMATS)
    if chosen == "msgpack":
        return to_msgpack
    if chosen == "json":
        return to_line
    from sensor.render import Renderer, terminal_width, wants_colour  # noqa: PLC0415 - for people only

    renderer = Renderer(colour=wants_colour(is_terminal), width=terminal_width(fd))

    def pretty(alert: Alert) -> bytes:
        renderer.width = terminal_width(fd)  # a terminal may have been resized
        return renderer.render(alert)

    return pretty
