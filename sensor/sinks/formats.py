"""`?format=` of stdout: and file:, and what it is when not given."""

import os
from collections.abc import Callable, Iterator, Sequence

from sensor.encode import Alert, to_line, to_msgpack
from sensor.sinks.base import Target, Together

FORMATS = ("json", "pretty", "msgpack")


def encoder(target: Target, fd: int = -1) -> tuple[Callable[[Alert], bytes], Together | None]:
    """The function that makes an alert the bytes written, and the one that makes many of them frames, where that is
    another matter; `fd` is the terminal it may be, -1 none. Takes `format` out of the target's options."""
    is_terminal = fd >= 0 and os.isatty(fd)
    chosen = target.take("format", "pretty" if is_terminal else "json", FORMATS)
    if chosen == "msgpack":
        return to_msgpack, None
    if chosen == "json":
        return to_line, None
    from sensor.render import Renderer, by_story  # noqa: PLC0415 - for people only
    from sensor.terminal import terminal_width, wants_colour  # noqa: PLC0415
    from sensor.units import Units  # noqa: PLC0415

    renderer = Renderer(colour=wants_colour(is_terminal), width=terminal_width(fd), unit_of=Units().of)

    def pretty(alert: Alert) -> bytes:
        renderer.width = terminal_width(fd)  # a terminal may have been resized
        return renderer.render(alert)

    def stories(alerts: Sequence[Alert]) -> Iterator[tuple[bytes, int]]:
        renderer.width = terminal_width(fd)
        for story in by_story(alerts):
            yield renderer.story(story), len(story)

    return pretty, stories
