"""The commands `linsang alerts` and `linsang tree`."""

from __future__ import annotations

import argparse

from sensor import config
from sensor.arguments import Command, Files, Parser, config_of
from sensor.errors import UsageError
from sensor.terminal import COLOUR_CHOICES, LEVELS

_ALERTS = """\
linsang alerts /var/log/linsang.json            with what was rotated away (.1, .2 ...), oldest first
linsang alerts alerts.json --since 2h --level high
linsang alerts alerts.json --follow             as they are written, through rotation
linsang alerts alerts.json --rule 882eee43 --rule 'bare shell' --since 10:30
linsang alerts alerts.json --format json | jq .proxy.payload
linsang alerts alerts.json --color always | less -R

how to read a story:
  level and title of each rule that the event met; when; on which host; below them what happened in one sentence
  unclear    what was cut, lost or late, so that the rule could not be decided (LOW? in front)
  tree       from the login or service down to the process
  chain      the same in one line, with the programs that were used to start one another
  payload    what was really made to run
  trust      - what speaks against a file, + what speaks for it
  written    who wrote the file that runs, when, where from
  network    connections of the process and its descendants, 5 s before (-) to 5 s after (+) the event
  lost       events that the sensor lost around it: then there may be more to the story
  could be   what the author of the rule says it can be instead"""
_TREE = """\
linsang tree 4711                               the process's ancestors, siblings, children; those that just ended too
linsang tree 4711 --at 30s                      as it was 30 seconds ago
linsang tree 7f3a9c21-118 alerts.json           who started whom in the alert of that event
linsang tree alerts.json:17                     in the alert on that line"""
_TIMES = "30s, 10m, 2h, 3d, 10:30, yesterday, 2026-11-21T10:00, ..."


def _moment(text: str | None) -> int | None:
    from datetime import datetime  # noqa: PLC0415 - each command loads its own

    from sensor.when import moment_ns  # noqa: PLC0415

    return None if text is None else moment_ns(text, datetime.now().astimezone())


def _files_of(namespace: argparse.Namespace, settings: config.Config) -> list[str]:
    """Those that are given, else those that the configuration writes alerts to."""
    from sensor.sinks import alert_file  # noqa: PLC0415

    return namespace.file or [path for path in (alert_file(output.url) for output in settings.output) if path]


def _alerts(namespace: argparse.Namespace) -> int:
    from sensor.alerts import Filter, Showing, alerts  # noqa: PLC0415

    which = Filter(tuple(namespace.rule), _moment(namespace.since), namespace.level)
    files = _files_of(namespace, config_of(namespace))
    if not files:
        raise UsageError("no FILE, and no output of the configuration is one", "give what `--output file:` wrote")
    return alerts(files, Showing(which, namespace.follow, namespace.format, namespace.color))


def _tree(namespace: argparse.Namespace) -> int:
    from sensor.tree import tree  # noqa: PLC0415

    settings = config_of(namespace)
    files, at = _files_of(namespace, settings), _moment(namespace.at)
    return tree(namespace.of, files, settings.paths.runtime, at_ns=at, color=namespace.color)


def _alerts_arguments(parser: Parser) -> None:
    parser.add_argument(
        "file",
        nargs="*",
        action=Files,
        metavar="FILE",
        help="JSON lines or msgpack, also .gz, - for standard input; none: outputs",
    )
    parser.add_argument("--follow", action="store_true", help="go on with what is written from now on, until Ctrl-C")
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="RULE",
        help="only of rules by id, its beginning, part of a title",
    )
    parser.add_argument("--since", metavar="TIME", help=_TIMES)
    parser.add_argument("--level", default=LEVELS[0], choices=LEVELS, help="only of this level or above")
    parser.add_argument("--format", choices=("pretty", "json"), default="pretty", help="json: one a line, as written")
    _add_color(parser)


def _tree_arguments(parser: Parser) -> None:
    parser.add_argument("of", metavar="PID|ALERT", help="pid, id of an alert's event (or its beginning), FILE:LINE")
    parser.add_argument("file", nargs="*", action=Files, metavar="FILE", help="where the alert is; none: the outputs")
    parser.add_argument("--at", metavar="TIME", help=f"of a pid: as of then: {_TIMES}")
    _add_color(parser)


def _add_color(parser: Parser) -> None:
    parser.add_argument("--color", choices=COLOUR_CHOICES, default="auto", help="auto: on a terminal without NO_COLOR")


ALERTS = Command(
    "alerts",
    "show written alerts as stories: who started whom, what was really run, what speaks for and against it",
    _ALERTS,
    _alerts,
    _alerts_arguments,
    ("output",),
)
TREE = Command(
    "tree",
    "show who started whom, around a process or in an alert",
    _TREE,
    _tree,
    _tree_arguments,
    ("output", "paths.runtime"),
)
