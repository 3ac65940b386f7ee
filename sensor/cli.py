"""`linsang`: the command line. What each command does is in the module of its name, loaded when it is called."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import sensor
from sensor import config
from sensor.alert_commands import add_alerts, add_tree
from sensor.errors import LinsangError, UsageError, nearest
from sensor.terminal import say

# Settings that a command heeds, as config.add_flags takes them.
_SEES = ("source", "process_table", "engine", "paths.cache")
_RUNS = (*_SEES, "rules", "output", "rollup", "paths.runtime")
_REPLAYS = ("process_table", "engine.lineage_max", "rules", "output", "paths.cache")
_LEVELS = ("informational", "low", "medium", "high", "critical")
_Handler = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Errors as UsageError, with the nearest thing that is known."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **settings)

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
            raise UsageError(f"unknown {what} `{value}`", nearest(str(value), choices, f"see `{self.prog} --help`"))


def _seconds(text: str) -> float:
    """A time such as 10, 2.5s, 5m, 1h."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in "smh" and text else (text, "s")
    try:
        seconds = float(number) * {"s": 1, "m": 60, "h": 3600}[unit]
    except ValueError:
        seconds = -1
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"`{text}` is no time; write 10, 2.5s, 5m or 1h")
    return seconds


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no count; write a whole number, 1 or more")
    return int(text)


# ---- commands ----


def _config_of(namespace: argparse.Namespace) -> config.Config:
    return config.load(namespace.config, config.flag_overrides(namespace))


def _run(namespace: argparse.Namespace) -> int:
    settings = _config_of(namespace)
    if namespace.print_config:
        sys.stdout.write(config.dump(settings))
        return 0
    from sensor.daemon import run  # noqa: PLC0415 - each command loads its own

    return run(settings)


def _replay(namespace: argparse.Namespace) -> int:
    from sensor.replay import Options, replay  # noqa: PLC0415

    overrides = config.flag_overrides(namespace)
    logsource = (namespace.product, namespace.category, namespace.service)
    options = Options(logsource, namespace.speed, namespace.loop, namespace.engine, namespace.summary)
    return replay(config.load(namespace.config, overrides), namespace.file, options)


def _record(namespace: argparse.Namespace) -> int:
    from sensor.record import record  # noqa: PLC0415

    return record(_config_of(namespace), namespace.file, seconds=namespace.seconds, format=namespace.format)


def _dump(namespace: argparse.Namespace) -> int:
    from sensor.dump import dump  # noqa: PLC0415

    return dump(namespace.file)


def _doctor(namespace: argparse.Namespace) -> int:
    from sensor.doctor import doctor  # noqa: PLC0415

    return doctor(_config_of(namespace), format=namespace.format)


def _status(namespace: argparse.Namespace) -> int:
    from sensor.status import status  # noqa: PLC0415

    return status(_config_of(namespace).paths.runtime, format=namespace.format)


def _trust(namespace: argparse.Namespace) -> int:
    from sensor.trust import trust  # noqa: PLC0415

    return trust(namespace.file, _config_of(namespace), format=namespace.format)


def _rules(namespace: argparse.Namespace) -> int:
    from pathlib import Path  # noqa: PLC0415

    from sensor import paths, rules_cli  # noqa: PLC0415
    from sensor.loaded_rules import load  # noqa: PLC0415
    from sensor.progress import Progress  # noqa: PLC0415

    settings = _config_of(namespace)
    reading = settings.rules.reading
    named = [*settings.rules.paths, *getattr(namespace, "path", ())]
    where = [Path(path) for path in named] or paths.default_rules()
    given = namespace.action in {"explain", "cost"}
    logsource = (namespace.product, namespace.category, namespace.service) if given else ("", "", "")
    if namespace.action == "cost":
        how = rules_cli.Costing(namespace.format, namespace.top, logsource)
        if not namespace.file:
            return rules_cli.cost_live(settings.paths.runtime, how, sys.stdout)
        loaded = load(where, Path(settings.paths.cache), reading)
        return rules_cli.cost(namespace.file, loaded, how, sys.stdout)
    with Progress("rules") as bar:

        def progress(done: int, total: int) -> None:
            bar.update(done, total=total)
            if done == total:
                bar.close()

        if namespace.action == "test":
            return rules_cli.run_cases(where, sys.stdout, progress, reading=reading, verbose=namespace.verbose)
        if namespace.action == "explain":
            asked = rules_cli.Asked(namespace.rule, namespace.event, logsource, namespace.verbose)
            return rules_cli.explain(where, asked, sys.stdout, progress, reading=reading)
        sources = rules_cli.sources_of(namespace.product, namespace.seen_by)
        if namespace.action == "check":
            verbose = namespace.verbose
            return rules_cli.check(where, sys.stdout, progress, reading=reading, sources=sources, verbose=verbose)
        which = rules_cli.Filter(
            namespace.tag, namespace.level, namespace.logsource, namespace.author, namespace.verdict
        )
        listing = rules_cli.Listing(which, namespace.format)
        return rules_cli.list_rules(where, listing, sys.stdout, progress, reading=reading, sources=sources)


# ---- their arguments ----


def _add(
    commands: Any, name: str, handler: _Handler, help: str, *, examples: str, settings: Sequence[str] = ()
) -> _Parser:
    about = f"{help[0].upper()}{help[1:]}.\n\nexamples:\n" + "\n".join(f"  {line}" for line in examples.splitlines())
    parser: _Parser = commands.add_parser(name, help=help, description=about)
    parser.set_defaults(handler=handler)
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    if settings:
        parser.add_argument("--config", metavar="FILE", help=f"settings ({config.SYSTEM_FILE} where it exists)")
        config.add_flags(parser, settings)
    return parser


_RUN = """\
linsang run                                     shipped rules, alerts here
linsang run --rules ./rules --output file:/var/log/linsang.json --output syslog+udp://10.0.0.9:514
linsang run --print-config > /etc/linsang/linsang.toml
kill -HUP $(cat /run/linsang/lock)              read the rules again"""
_REPLAY = """\
linsang replay day.linsang                      a recording against the shipped rules
linsang replay sysmon.ndjson.gz --rules sigma/rules/windows --output file:alerts.json --summary summary.json
linsang replay events.ndjson --product windows --category process_creation
linsang replay day.linsang --speed 1x           as fast as it happened"""
_RECORD = """\
linsang record day.linsang                      until Ctrl-C
linsang record events.ndjson --format ndjson --for 10s
linsang record - --format ndjson | grep '"type":"exec"'"""
_DUMP = """\
linsang dump day.linsang | less
linsang dump day.linsang | jq 'select(.type == "connect") | .dst'"""
_DOCTOR = """\
linsang doctor                                  what works here, and what to do about the rest
linsang doctor --format json"""
_STATUS = """\
linsang status                                  of the sensor that runs now
linsang status --format json | jq .account"""


_TRUST = """\
linsang trust /tmp/update.sh                    whose it is, who may change it, which program it is
linsang trust --format json /usr/bin/* | jq 'select(.trust != "packaged")'"""


_RULES = """\
linsang rules check                             can each rule fire here, and if not, why
linsang rules list --level high --tag t1218
linsang rules explain 8d1625f5 --event day.linsang:42
linsang rules cost day.linsang
linsang rules test ./rules                      the cases beside the rules"""
_CHECK = """\
linsang rules check                             the shipped rules and /etc/linsang/rules.d
linsang rules check sigma/rules --product windows --verbose
linsang rules check sigma/rules --seen-by sysmon"""
_LIST = """\
linsang rules list --level high --tag t1218
linsang rules list sigma/rules --verdict degraded
linsang rules list --format json | jq -r .title"""
_EXPLAIN = """\
linsang rules explain 8d1625f5                  what the rule asks for
linsang rules explain 'Awk Used as a Launcher' --event day.linsang
linsang rules explain new.yml --event events.ndjson:42 --product linux --category process_creation"""
_COST = """\
linsang rules cost day.linsang                  the shipped rules, each judgement timed
linsang rules cost sysmon.ndjson.gz --rules sigma/rules/windows --top 50
linsang rules cost --format json                of the sensor that runs now, sampled"""
_TEST = """\
linsang rules test                              the shipped rules
linsang rules test ./rules --verbose"""


def _add_rules(commands: Any) -> None:
    rules = _add(commands, "rules", _rules, "check, list, explain, time and test rules", examples=_RULES)
    actions = rules.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=_Parser)
    read = ("rules.paths", "rules.pipelines", "rules.expand")
    what = "compile; name each rule that is refused and why, and what the others can do on this host's sources"
    check = _add(actions, "check", _rules, what, examples=_CHECK, settings=read)
    listing = _add(actions, "list", _rules, "show what is loaded", examples=_LIST, settings=read)
    listing.add_argument("--tag", default="", metavar="TEXT", help="only rules with such a tag")
    listing.add_argument("--level", default="", choices=_LEVELS, help="only rules of this level or above")
    listing.add_argument("--logsource", default="", metavar="TEXT", help="such as linux/process_creation")
    listing.add_argument("--author", default="", metavar="TEXT", help="only rules of such an author")
    verdicts = ("can-fire", "degraded", "cannot-fire")
    listing.add_argument("--verdict", default="", choices=verdicts, help="only rules of which this is said")
    what = "show a rule's condition and why it fires on an event or not"
    explain = _add(actions, "explain", _rules, what, examples=_EXPLAIN, settings=read)
    explain.add_argument("rule", metavar="RULE", help="id, beginning of an id, title or file")
    explain.add_argument("--event", default="", metavar="FILE[:N]", help="event N of any file for replay, from 0")
    what = "time each rule over recorded events, or ask the running sensor"
    cost = _add(actions, "cost", _rules, what, examples=_COST, settings=(*read, "paths"))
    cost.add_argument("file", nargs="*", metavar="FILE", help="any file for replay; none: the running sensor")
    cost.add_argument("--top", type=_count, default=20, metavar="N", help="so many rules, dearest first (20)")
    test = _add(
        actions, "test", _rules, "run the cases beside each rule, by both engines", examples=_TEST, settings=read
    )
    for action in (check, listing, test):
        action.add_argument("path", nargs="*", metavar="PATH", help="rule files and folders, as --rules")
    for action in (check, listing):
        action.add_argument("--product", default="", choices=("windows", "linux", "macos"), help="what replay reads")
        action.add_argument("--seen-by", default="", metavar="SOURCE", help="such as live, sysmon, auditd")
    for action in (check, explain, test):
        action.add_argument("--verbose", action="store_true", help="every rule, every value")
    for action in (listing, cost):
        action.add_argument("--format", choices=("table", "json"), default="table")
    for action in (explain, cost):
        _add_logsource(action)


def _add_logsource(parser: _Parser) -> None:
    for part in ("product", "category", "service"):
        parser.add_argument(
            f"--{part}", default="", metavar="NAME", help=f"the lines' logsource: {part}, for all events"
        )


def _parser() -> _Parser:
    parser = _Parser(
        prog="linsang",
        description="Kernel-fed endpoint sensor: what were trusted programs really made to run.",
        epilog="exit codes: 0 fine, 1 something was refused or failed, 2 wrong usage\n"
        "start with: linsang doctor; linsang run; linsang COMMAND --help shows examples",
    )
    parser.add_argument("--version", action="version", version=f"linsang {sensor.__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    run = _add(commands, "run", _run, "watch this machine, send alerts", examples=_RUN, settings=_RUNS)
    run.add_argument("--print-config", action="store_true", help="write all settings as they would be used, and end")

    what = "judge recorded events: recordings, JSON lines (plain or .gz)"
    replay = _add(commands, "replay", _replay, what, examples=_REPLAY, settings=_REPLAYS)
    replay.add_argument(
        "file", nargs="+", metavar="FILE", help="recording or JSON lines; - for lines on standard input"
    )
    _add_logsource(replay)
    replay.add_argument("--speed", default="max", metavar="max|1x|N/s", help="max, as it happened, or events a second")
    replay.add_argument("--loop", type=_count, default=1, metavar="N", help="all files so many times")
    replay.add_argument(
        "--engine", choices=("native", "reference"), default="native", help="reference: slow; defines what a rule means"
    )
    replay.add_argument("--summary", metavar="FILE", help="counts and times as JSON; - for standard error")

    record = _add(commands, "record", _record, "write every event into a file", examples=_RECORD, settings=_SEES)
    record.add_argument("file", metavar="FILE", help="- for standard output")
    record.add_argument("--for", dest="seconds", type=_seconds, metavar="TIME", help="end after 10, 2.5s, 5m, 1h")
    record.add_argument("--format", choices=("native", "ndjson"), default="native", help="native can be replayed whole")

    dump = _add(commands, "dump", _dump, "show a recording as JSON lines", examples=_DUMP)
    dump.add_argument("file", metavar="FILE")

    _add_rules(commands)
    add_alerts(commands, _add)
    add_tree(commands, _add)
    what = "test what the sensor needs and whether it sees and loses"
    doctor = _add(commands, "doctor", _doctor, what, examples=_DOCTOR, settings=_SEES)
    what = "ask the running sensor how it is"
    status = _add(commands, "status", _status, what, examples=_STATUS, settings=["paths.runtime"])
    what = "tell what is known of files, as rules see it: package, who may change them, which program they are"
    trust = _add(commands, "trust", _trust, what, examples=_TRUST, settings=("rules.paths", "paths.cache"))
    trust.add_argument("file", nargs="+", metavar="FILE")
    for command in (doctor, status, trust):
        command.add_argument("--format", choices=("text", "json"), default="text")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    try:
        namespace = _parser().parse_args(given)
        code: int = namespace.handler(namespace)
        sys.stdout.flush()
        return code
    except LinsangError as error:
        return _fail(error, 2 if isinstance(error, UsageError) else 1, debug)
    except BrokenPipeError:
        # the reader had enough; nothing more may be written, at exit neither
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # a defect: still one line, and how to see more
        return _fail(LinsangError(f"{type(error).__name__}: {error}", "this is a defect; --debug shows more"), 1, debug)


def _fail(error: LinsangError, code: int, debug: bool) -> int:
    if debug:
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    say(f"error: {error}")
    return code
