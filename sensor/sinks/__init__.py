"""Outputs: `open_sink(url)` gives a Sink with a thread and a bounded queue of its own."""

from collections.abc import Callable, Sequence

from sensor.errors import UsageError
from sensor.sinks.base import Sink, Target
from sensor.sinks.file import open_file, path_of
from sensor.sinks.stdout import open_stdout


def _syslog_udp(target: Target) -> Sink:
    from sensor.sinks.syslog import open_syslog_udp  # noqa: PLC0415 - sockets, and few outputs are any

    return open_syslog_udp(target)


def _syslog_tcp(target: Target) -> Sink:
    from sensor.sinks.syslog import open_syslog_tcp  # noqa: PLC0415

    return open_syslog_tcp(target)


SCHEMES: dict[str, Callable[[Target], Sink]] = {
    "stdout": open_stdout,
    "file": open_file,
    "syslog+udp": _syslog_udp,
    "syslog+tcp": _syslog_tcp,
}


def alert_file(url: str) -> str:
    """The file that the output at `url` writes alerts to in a form that can be read back; "" when it writes none."""
    target = Target.parse(url)
    if target.scheme != "file" or target.options.get("format") == "pretty":
        return ""
    return path_of(target)


def open_sink(url: str) -> Sink:
    """The output at `url`. UsageError: the scheme or an option is unknown. LinsangError: a file cannot be opened.

    A receiver on the network need not be there yet: the sink keeps trying.
    """
    target = Target.parse(url)
    if target.scheme not in SCHEMES:
        raise UsageError(f"output {url}: unknown scheme `{target.scheme}`", f"known are {', '.join(SCHEMES)}")
    return SCHEMES[target.scheme](target)


def open_sinks(urls: Sequence[str]) -> list[Sink]:
    """The outputs at `urls`, as `open_sink`. UsageError, too: two would mix on standard output."""
    if [Target.parse(url).scheme for url in urls].count("stdout") > 1:
        raise UsageError("output stdout: is there twice", "give one of them a file")
    return [open_sink(url) for url in urls]
