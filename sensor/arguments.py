"""How the command line is made of commands: only the one that is called gets its arguments."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple, NoReturn

from sensor import config
from sensor.errors import UsageError, nearest
from sensor.paths import SITE
from sensor.system import files
from sensor.terminal import terminal_width

# Its own words are English, as all of ours: to look for translations of them took 3 ms of each start.
argparse._ = str  # type: ignore[attr-defined]


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Made for each argument that is added: argparse would ask for the width each time, and load shutil for it."""
    return argparse.RawDescriptionHelpFormatter(prog, width=_width())


@cache
def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return (int(columns) if columns.isdecimal() else terminal_width(1, 80)) - 2


class Parser(argparse.ArgumentParser):
    """Errors as UsageError, with the nearest thing that is known."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=_formatter, allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, f"see `{self.prog} --help`")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As the base, but what this parser does not know is named here, where the nearest is known."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            known = list(self._option_string_actions)
            raise UsageError(
                f"unknown argument `{unknown[0]}`",
                nearest(unknown[0].split("=")[0], known, f"see `{self.prog} --help`"),
            )
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(c) for c in action.choices or ()]
        if choices and value not in choices:
            what = f"{action.option_strings[0]} value" if action.option_strings else action.dest
            otherwise = "" if action.option_strings else f"see `{self.prog} --help`"
            raise UsageError(f"unknown {what} `{value}`", nearest(str(value), choices, otherwise))


class Files(argparse.Action):
    """FILE..., with what some of them stand for."""

    def __call__(
        self, parser: object, namespace: argparse.Namespace, values: Any, option_string: object = None
    ) -> None:
        setattr(namespace, self.dest, [file for value in values for file in files(value)])


def seconds(text: str) -> float:
    """A time such as 10, 2.5s, 5m, 1h."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in "smh" and text else (text, "s")
    try:
        found = float(number) * {"s": 1, "m": 60, "h": 3600}[unit]
    except ValueError:
        found = -1
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"`{text}` is no time; write 10, 2.5s, 5m or 1h")
    return found


def count(text: str) -> int:
    """A whole number, 1 or more."""
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no count; write a whole number, 1 or more")
    return int(text)


def config_of(namespace: argparse.Namespace) -> config.Config:
    """The settings of the configuration file and of the flags. LinsangError: what they are read from may be somebody
    else's word."""
    if sys.platform == "win32":
        from sensor.windows.folders import guard  # noqa: PLC0415 - Windows' alone

        guard(SITE)
    return config.load(namespace.config, config.flag_overrides(namespace))


def add_logsource(parser: Parser) -> None:
    """What all events of a file are."""
    for part in ("product", "category", "service"):
        parser.add_argument(
            f"--{part}", default="", metavar="NAME", help=f"the lines' logsource: {part}, for all events"
        )


def _no_arguments(parser: Parser) -> None:
    """Takes none."""


class Command(NamedTuple):
    """A command: `add` gives its parser what it takes; `settings`, as config.add_flags takes them, are the flags that
    it heeds; `actions` makes the commands below it."""

    name: str
    help: str
    examples: str
    handler: Callable[[argparse.Namespace], int] | None
    add: Callable[[Parser], None] = _no_arguments
    settings: tuple[str, ...] = ()
    actions: Callable[[], Iterable[Command]] | None = None


def _called(commands: Iterable[Command], given: Sequence[str]) -> list[Command]:
    """The one that the arguments `given` begin with; all, where that is none."""
    listed = list(commands)
    first = next((word for word in given if word != "--debug"), "")
    return [command for command in listed if command.name == first] or listed


def add_commands(parser: Parser, dest: str, commands: Iterable[Command], given: Sequence[str]) -> None:
    """Adds `commands` to `parser`: only the one that is called by the arguments `given`, those behind the parser's own
    name, where that can be seen at once; of others, names alone. To make all takes longer than most commands do."""
    known = parser.add_subparsers(dest=dest, metavar=dest.upper(), required=True, parser_class=Parser)
    for command in _called(commands, given):
        if command.name not in given:
            known.add_parser(command.name, help=command.help, add_help=False)
            continue
        about = f"{command.help[0].upper()}{command.help[1:]}.\n\nexamples:\n"
        about += "".join(f"  {line}\n" for line in command.examples.splitlines())
        called: Parser = known.add_parser(command.name, help=command.help, description=about)
        called.set_defaults(handler=command.handler)
        called.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        if command.settings:
            called.add_argument("--config", metavar="FILE", help=f"settings ({config.SYSTEM_FILE} where it exists)")
            config.add_flags(called, command.settings)
        command.add(called)
        if command.actions is not None:
            add_commands(called, "action", command.actions(), given[given.index(command.name) + 1 :])
