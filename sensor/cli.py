"""`linsang`: the command line. What each command does is in the module of its name, loaded when it is called."""

from __future__ import annotations

import argparse
import errno
import gc
import sys
from collections.abc import Sequence

import sensor
from sensor import config
from sensor.alert_commands import ALERTS, TREE
from sensor.arguments import Command, Files, Parser, add_commands, add_logsource, config_of, count, seconds
from sensor.errors import LinsangError, UsageError
from sensor.streams import drop_output, is_unwritable, open_streams
from sensor.terminal import say

# Settings that a command heeds, as config.add_flags takes them.
_SEES = ("source", "process_table", "engine", "paths.cache")
_OWN = "windows" if sys.platform == "win32" else "files"  # what this system alone has
_RUNS = (*_SEES, _OWN, "rules", "output", "rollup", "paths.runtime", "paths.state")
_REPLAYS = ("process_table", "engine.lineage_max", "rules", "output", "paths.cache")
_LEFT = 141  # 128 + SIGPIPE, as of whatever is ended by its reader; Windows has no such signal
_GARBAGE = 10_000  # objects that are made between two looks for cycles: of Python's 700, a start looks a hundred times


# ---- what they do ----


def _run(namespace: argparse.Namespace) -> int:
    settings = config_of(namespace)
    if namespace.print_config:
        sys.stdout.write(config.dump(settings))
        return 0
    from sensor.daemon import run  # noqa: PLC0415 - each command loads its own

    return run(settings)


def _replay(namespace: argparse.Namespace) -> int:
    from sensor.replay import Options, replay  # noqa: PLC0415

    logsource = (namespace.product, namespace.category, namespace.service)
    options = Options(logsource, namespace.speed, namespace.loop, namespace.engine, namespace.summary)
    return replay(config_of(namespace), namespace.file, options)


def _record(namespace: argparse.Namespace) -> int:
    from sensor.record import record  # noqa: PLC0415

    return record(config_of(namespace), namespace.file, seconds=namespace.seconds, format=namespace.format)


def _dump(namespace: argparse.Namespace) -> int:
    from sensor.dump import dump  # noqa: PLC0415

    return dump(namespace.file)


def _doctor(namespace: argparse.Namespace) -> int:
    if sys.platform == "win32":
        from sensor.doctor_windows import doctor  # noqa: PLC0415
    else:
        from sensor.doctor import doctor  # noqa: PLC0415

    return doctor(config_of(namespace), format=namespace.format)


def _selftest(namespace: argparse.Namespace) -> int:
    from sensor.selftest import selftest  # noqa: PLC0415

    return selftest(config_of(namespace), dry=namespace.list, format=namespace.format)


def _selftest_arguments(parser: Parser) -> None:
    parser.add_argument("--windows", action="store_true", required=True, help="the one there is; Linux: linsang doctor")
    parser.add_argument("--list", action="store_true", help="say what it would do, and do nothing")
    _report_arguments(parser)


def _status(namespace: argparse.Namespace) -> int:
    from sensor.status import status  # noqa: PLC0415

    return status(config_of(namespace).paths.runtime, format=namespace.format)


def _trust(namespace: argparse.Namespace) -> int:
    from sensor.trust import trust  # noqa: PLC0415

    return trust(namespace.file, config_of(namespace), format=namespace.format)


def _rules_actions() -> Sequence[Command]:
    from sensor.rules_command import actions  # noqa: PLC0415

    return actions()


# ---- their arguments ----


def _run_arguments(parser: Parser) -> None:
    parser.add_argument("--print-config", action="store_true", help="write all settings as they would be used, and end")


def _replay_arguments(parser: Parser) -> None:
    parser.add_argument(
        "file",
        nargs="+",
        action=Files,
        metavar="FILE",
        help="recording, JSON, .evtx, .etl, audit.log, laurel's or eslogger's lines, packed with gzip or not; "
        "- for standard input",
    )
    add_logsource(parser)
    parser.add_argument("--speed", default="max", metavar="max|1x|N/s", help="max, as it happened, or events a second")
    parser.add_argument("--loop", type=count, default=1, metavar="N", help="all files so many times")
    parser.add_argument(
        "--engine", choices=("native", "reference"), default="native", help="reference: slow; defines what a rule means"
    )
    parser.add_argument("--summary", metavar="FILE", help="counts and times as JSON; - for standard error")


def _record_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="- for standard output")
    parser.add_argument("--for", dest="seconds", type=seconds, metavar="TIME", help="end after 10, 2.5s, 5m, 1h")
    parser.add_argument("--format", choices=("native", "ndjson"), default="native", help="native can be replayed whole")


def _dump_arguments(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", help="- for standard input")


def _report_arguments(parser: Parser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text")


def _service(namespace: argparse.Namespace) -> int:
    from sensor.service_command import service  # noqa: PLC0415

    return service(namespace.action)


def _service_arguments(parser: Parser) -> None:
    parser.add_argument("action", choices=("install", "start", "stop", "reload", "status", "remove"))


def _unwind(namespace: argparse.Namespace) -> int:
    from sensor.unwind import show  # noqa: PLC0415

    return show(namespace.word, namespace.text, namespace.windows, namespace.format)


def _unwind_arguments(unwind: Parser) -> None:
    unwind.add_argument("--text", metavar="COMMAND", help="what a shell is given")
    unwind.add_argument("--windows", metavar="COMMAND", help="the command line of a process of Windows, as one text")
    unwind.add_argument("word", nargs="*", metavar="-- COMMAND ARG...", help="what a program is started with")
    _report_arguments(unwind)


def _trust_arguments(parser: Parser) -> None:
    parser.add_argument("file", nargs="+", action=Files, metavar="FILE")
    _report_arguments(parser)


# ---- commands ----

_RELOAD = "linsang service reload" if sys.platform == "win32" else "kill -HUP $(cat /run/linsang/lock)"
_RUN = f"""\
linsang run                                     shipped rules, alerts here
linsang run --rules ./rules --output file:alerts.json --output syslog+udp://10.0.0.9:514
linsang run --print-config                      all settings, for {config.SYSTEM_FILE}
{_RELOAD:<47} read the rules again"""
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
_SELFTEST = """\
linsang selftest --windows --list               what it would do
linsang selftest --windows                      elevated; seen against expected, and what was lost"""
_STATUS = """\
linsang status                                  of the sensor that runs now
linsang status --format json | jq .account"""
_SERVICE = """\
linsang service install                         started with Windows from then on; then: linsang service start
linsang service reload                          read the rules again"""
_TRUST = """\
linsang trust /tmp/update.sh                    whose it is, who may change it, which program it is
linsang trust --format json /usr/bin/* | jq 'select(.trust != "packaged")'"""
_UNWIND = """\
linsang unwind -- env nice timeout 5 id         the arguments of an exec
linsang unwind --text 'curl http://x/ | sh'     what a shell is given
linsang unwind --windows 'cmd /c rundll32 x.dll,y'"""
_RULES = """\
linsang rules check                             can each rule fire here, and if not, why
linsang rules list --level high --tag t1218
linsang rules explain 8d1625f5 --event day.linsang:12
linsang rules cost day.linsang
linsang rules test ./rules                      the cases beside the rules"""

_COMMANDS = (
    Command("run", "watch this machine, send alerts", _RUN, _run, _run_arguments, _RUNS),
    Command(
        "replay",
        "judge recorded events: recordings, JSON lines, event logs of Windows, auditd's log",
        _REPLAY,
        _replay,
        _replay_arguments,
        _REPLAYS,
    ),
    Command("record", "write every event into a file", _RECORD, _record, _record_arguments, _SEES),
    Command("dump", "show a recording as JSON lines", _DUMP, _dump, _dump_arguments),
    Command("rules", "check, list, explain, time and test rules", _RULES, None, actions=_rules_actions),
    ALERTS,
    TREE,
    Command(
        "doctor",
        "test what the sensor needs and whether it sees and loses",
        _DOCTOR,
        _doctor,
        _report_arguments,
        (*_SEES, _OWN, "rules", "paths.runtime", "paths.state"),
    ),
    Command(
        "selftest",
        "do harmless things that must be seen, and count what was",
        _SELFTEST,
        _selftest,
        _selftest_arguments,
        (*_SEES, "windows"),
    ),
    Command("status", "ask the running sensor how it is", _STATUS, _status, _report_arguments, ("paths.runtime",)),
    Command("service", "run as a service of Windows", _SERVICE, _service, _service_arguments),
    Command(
        "unwind",
        "show what a command line is made to run, and which grammars say so; runs nothing",
        _UNWIND,
        _unwind,
        _unwind_arguments,
    ),
    Command(
        "trust",
        "tell what is known of files, as rules see it: package, who may change them, which program they are",
        _TRUST,
        _trust,
        _trust_arguments,
        ("rules.paths", "paths.cache"),
    ),
)


def _parser(given: Sequence[str]) -> Parser:
    parser = Parser(
        prog="linsang",
        description="Kernel-fed endpoint sensor: what were trusted programs really made to run.",
        epilog="exit codes: 0 fine, 1 something was refused or failed, 2 wrong usage, 141 its reader had enough\n"
        "start with: linsang doctor; linsang run; linsang COMMAND --help shows examples",
    )
    parser.add_argument("--version", action="version", version=f"linsang {sensor.__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    add_commands(parser, "command", _COMMANDS, given)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; the exit code. `arguments`: None, those of the process, which ends with it."""
    if arguments is not None:
        return _main(list(arguments))
    gc.set_threshold(_GARBAGE)
    try:
        return _main(sys.argv[1:])
    finally:
        gc.freeze()  # what is left goes with the process: nobody has to look through it


def _main(given: Sequence[str]) -> int:
    debug = "--debug" in given
    open_streams()
    try:
        try:
            namespace = _parser(given).parse_args(given)
        except SystemExit:  # --help and --version have printed
            sys.stdout.flush()
            raise
        code: int = namespace.handler(namespace)
        sys.stdout.flush()
        return code
    except LinsangError as error:
        return _fail(error, 2 if isinstance(error, UsageError) else 1, debug)
    except BrokenPipeError:
        drop_output()  # the reader had enough
        return _LEFT
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if isinstance(error, OSError) and is_unwritable(error):
            drop_output()
            return _fail(LinsangError(f"standard output: {error.strerror}"), 1, debug)
        if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
            return _fail(LinsangError(str(error.strerror), "raise the limit: ulimit -n 1024"), 1, debug)
        # a defect: still one line, and how to see more
        return _fail(LinsangError(f"{type(error).__name__}: {error}", "this is a defect; --debug shows more"), 1, debug)


def _fail(error: LinsangError, code: int, debug: bool) -> int:
    if debug:
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    say(f"error: {error}")
    return code
