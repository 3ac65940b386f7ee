"""`linsang rules`: its actions, their arguments, and which function of rules_cli each calls."""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sensor import config, paths
from sensor.arguments import Command, Files, Parser, add_logsource, config_of, count
from sensor.progress import Progress, Update
from sensor.terminal import LEVELS

_READ = ("rules.paths", "rules.pipelines", "rules.expand")
_SEEN = (*_READ, "windows")  # of actions that tell what the running sensor sees
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


def actions() -> Sequence[Command]:
    """The actions of `linsang rules`."""
    can = "compile; name each rule that is refused and why, and what the others can do on this host's sources"
    why = "show a rule's condition and why it fires on an event or not"
    return (
        Command("check", can, _CHECK, _check, _check_arguments, _SEEN),
        Command("list", "show what is loaded", _LIST, _list, _list_arguments, _SEEN),
        Command("explain", why, _EXPLAIN, _explain, _explain_arguments, _SEEN),
        Command(
            "cost",
            "time each rule over recorded events, or ask the running sensor",
            _COST,
            _cost,
            _cost_arguments,
            (*_READ, "paths"),
        ),
        Command("test", "run the cases beside each rule, by both engines", _TEST, _test, _test_arguments, _READ),
    )


# ---- their arguments ----


def _add_paths(parser: Parser) -> None:
    parser.add_argument("path", nargs="*", metavar="PATH", help="rule files and folders, as --rules")


def _add_sources(parser: Parser) -> None:
    parser.add_argument("--product", default="", choices=("windows", "linux", "macos"), help="what replay reads")
    parser.add_argument("--seen-by", default="", metavar="SOURCE", help="such as live, sysmon, auditd")


def _add_verbose(parser: Parser) -> None:
    parser.add_argument("--verbose", action="store_true", help="every rule, every value")


def _add_format(parser: Parser) -> None:
    parser.add_argument("--format", choices=("table", "json"), default="table")


def _check_arguments(parser: Parser) -> None:
    _add_paths(parser)
    _add_sources(parser)
    _add_verbose(parser)


def _list_arguments(parser: Parser) -> None:
    _add_paths(parser)
    parser.add_argument("--tag", default="", metavar="TEXT", help="only rules with such a tag")
    parser.add_argument("--level", default="", choices=LEVELS, help="only rules of this level or above")
    parser.add_argument("--logsource", default="", metavar="TEXT", help="such as linux/process_creation")
    parser.add_argument("--author", default="", metavar="TEXT", help="only rules of such an author")
    verdicts = ("can-fire", "degraded", "cannot-fire")
    parser.add_argument("--verdict", default="", choices=verdicts, help="only rules of which this is said")
    _add_sources(parser)
    _add_format(parser)


def _explain_arguments(parser: Parser) -> None:
    parser.add_argument("rule", metavar="RULE", help="id, beginning of an id, title or file")
    parser.add_argument("--event", default="", metavar="FILE[:N]", help="event N of any file for replay, from 0")
    _add_verbose(parser)
    add_logsource(parser)


def _cost_arguments(parser: Parser) -> None:
    parser.add_argument(
        "file", nargs="*", action=Files, metavar="FILE", help="any file for replay; none: the running sensor"
    )
    parser.add_argument("--top", type=count, default=20, metavar="N", help="so many rules, dearest first (20)")
    _add_format(parser)
    add_logsource(parser)


def _test_arguments(parser: Parser) -> None:
    _add_paths(parser)
    _add_verbose(parser)


# ---- what they do ----


def _settings_of(namespace: argparse.Namespace) -> tuple[config.Config, list[Path]]:
    """The settings, and where rules are."""
    settings = config_of(namespace)
    named = [*settings.rules.paths, *getattr(namespace, "path", ())]
    return settings, [Path(path) for path in named] or paths.default_rules()


@contextmanager
def _progress() -> Iterator[Update]:
    """For actions that compile."""
    gc.disable()  # as in rule_compiler.py
    try:
        with Progress("rules") as bar:
            yield lambda done, total: bar.update(done, total=total)
    finally:
        gc.enable()


def _check(namespace: argparse.Namespace) -> int:
    from sensor import rules_cli  # noqa: PLC0415 - loads the compiler

    settings, where = _settings_of(namespace)
    sources = rules_cli.sources_of(namespace.product, namespace.seen_by, settings.windows)
    reading, verbose = settings.rules.reading, namespace.verbose
    with _progress() as progress:
        return rules_cli.check(where, sys.stdout, progress, reading=reading, sources=sources, verbose=verbose)


def _list(namespace: argparse.Namespace) -> int:
    from sensor import rules_cli  # noqa: PLC0415

    settings, where = _settings_of(namespace)
    sources = rules_cli.sources_of(namespace.product, namespace.seen_by, settings.windows)
    which = rules_cli.Filter(namespace.tag, namespace.level, namespace.logsource, namespace.author, namespace.verdict)
    listing, reading = rules_cli.Listing(which, namespace.format), settings.rules.reading
    with _progress() as progress:
        return rules_cli.list_rules(where, listing, sys.stdout, progress, reading=reading, sources=sources)


def _explain(namespace: argparse.Namespace) -> int:
    from sensor import rules_cli  # noqa: PLC0415
    from sensor.coverage import live_sources  # noqa: PLC0415

    settings, where = _settings_of(namespace)
    logsource = (namespace.product, namespace.category, namespace.service)
    reading, sources = settings.rules.reading, live_sources(settings.windows)
    asked = rules_cli.Asked(namespace.rule, namespace.event, logsource, namespace.verbose)
    with _progress() as progress:
        return rules_cli.explain(where, asked, sys.stdout, progress, reading=reading, sources=sources)


def _cost(namespace: argparse.Namespace) -> int:
    from sensor import rules_cli  # noqa: PLC0415
    from sensor.loaded_rules import load  # noqa: PLC0415

    settings, where = _settings_of(namespace)
    logsource = (namespace.product, namespace.category, namespace.service)
    how = rules_cli.Costing(namespace.format, namespace.top, logsource)
    if not namespace.file:
        return rules_cli.cost_live(settings.paths.runtime, how, sys.stdout)
    loaded = load(where, Path(settings.paths.cache), settings.rules.reading)
    return rules_cli.cost(namespace.file, loaded, how, sys.stdout)


def _test(namespace: argparse.Namespace) -> int:
    from sensor import rules_cli  # noqa: PLC0415

    settings, where = _settings_of(namespace)
    reading, verbose = settings.rules.reading, namespace.verbose
    with _progress() as progress:
        return rules_cli.run_cases(where, sys.stdout, progress, reading=reading, verbose=verbose)
