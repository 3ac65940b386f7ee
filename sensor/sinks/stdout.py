"""`stdout:[?format=json|pretty|msgpack]`: alerts on standard output, blocking, in whole lines."""

import os
import select
from collections.abc import Sequence

from sensor.sinks.base import Frame, ReaderLeft, Sink, SinkEnded, Target, Writer
from sensor.sinks.formats import encoder

OPTIONS = ("format", "queue", "queue_bytes")


class StdoutTransport(Writer):
    """Writes to a descriptor that is shared with others, so its flags are left as they are."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        super().__init__(fd)

    def send(self, frames: Sequence[Frame]) -> int:
        data = memoryview(b"".join(frames))
        while data:
            try:
                data = data[os.write(self._fd, data) :]
            except BlockingIOError:  # whoever started us made it non-blocking
                select.select([], [self._fd], [])
            except BrokenPipeError as error:
                raise ReaderLeft("the reader of standard output went away") from error
            except OSError as error:
                # Part of the frames may be out already: trying again would write them twice.
                raise SinkEnded(f"standard output: {error.strerror}") from error
        return len(frames)


def open_stdout(target: Target, fd: int = 1) -> Sink:
    """The sink for `stdout:`; pretty on a terminal, JSON lines elsewhere."""
    if target.path:
        raise target.fail(f"`{target.path}` after stdout:", "write stdout: alone, or file:PATH for a file")
    encode, together = encoder(target, fd)
    limits = target.take_limits()
    target.nothing_left(OPTIONS)
    return Sink(target.url, StdoutTransport(fd), encode, limits, together)
