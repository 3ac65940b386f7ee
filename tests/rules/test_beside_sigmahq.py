"""SigmaHQ's rules beside the shipped ones: they load together, what both look for is known by name, and on real events
of Windows theirs for T1218 and T1216 find nothing that ours do not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from shipped import LEVELS, ROOT, load, shipped

from sensor.compiler import Logsource, load_rules
from sensor.reference import Reference

PAGE = ROOT / "docs" / "rules-beside-sigmahq.md"
FOLDERS = ("rules/linux", "rules-threat-hunting/linux")
WINDOWS = ("rules/windows", "rules-emerging-threats", "rules-threat-hunting/windows")
TAGS = ("attack.t1218", "attack.t1216")
STREAM = "windows_mixed_sysmon.ndjson.gz"
Titles = dict[int, dict[str, str]]  # line -> title of a rule that fires there -> its level
# All that fires on 50,000 events of ordinary machines on which attacks were played: the attacks. (line, rule's file)
MIXED = {
    (4862, "file_event_win_startup_folder"),  # PowerShell puts a page there
    (16701, "image_load_win_dotnet_in_script_host"),  # a stager in notepad: its runtime, its first calls home
    (16702, "image_load_win_dotnet_in_script_host"),
    (16825, "net_connection_win_silent_program"),
    (16849, "net_connection_win_silent_program"),
    (16913, "net_connection_win_silent_program"),
    (21811, "proc_creation_win_trusted_library_loader"),  # wuauclt, a library of ProgramData
    (22003, "image_load_win_unsigned_by_loader"),  # a control panel item of ProgramData
    (22003, "image_load_win_unsigned_elsewhere"),
    (33280, "proc_creation_win_trusted_library_loader"),  # Register-CimProvider, the same
    (39295, "proc_creation_win_mavinject"),
    (40914, "image_load_win_dotnet_in_script_host"),  # notepad again
    (41065, "registry_set_win_signed_loader_setting"),  # cmstp: its setting, then its object of higher rights
    (41067, "proc_access_win_elevation_object"),
    (48454, "proc_creation_win_hh_child"),
    # PowerShell puts the stager into notepad, a thread a line
    *((line, "create_remote_thread_win_into_loader") for line in range(16677, 16701) if line != 16694),
}


@pytest.fixture(scope="module")
def corpus() -> Path:
    named = os.environ.get("LINSANG_CORPUS")
    if not named:
        pytest.skip("LINSANG_CORPUS is not set: SigmaHQ's rules")
    return Path(named)


@pytest.fixture(scope="module")
def theirs(corpus: Path) -> list[Path]:
    return [corpus / "sigma" / folder for folder in FOLDERS]


@pytest.fixture(scope="module")
def tagged_files(corpus: Path) -> dict[Path, dict[str, Any]]:
    """SigmaHQ's rules for Windows that carry T1218 or T1216, by file."""
    paths = [path for folder in WINDOWS for path in (corpus / "sigma" / folder).rglob("*.yml")]
    rules = {path: load(path) for path in paths if TAGS[0] in (text := path.read_text()) or TAGS[1] in text}
    return {
        path: rule for path, rule in rules.items() if any(str(tag).startswith(TAGS) for tag in rule.get("tags", []))
    }


@pytest.fixture(scope="module")
def tagged(tagged_files: dict[Path, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same by id."""
    return {rule["id"]: rule for rule in tagged_files.values()}


def alerts(
    files: list[Path], folder: Path, *arguments: str, rules: Iterable[Path] = (ROOT / "rules" / "windows",)
) -> list[dict[str, Any]]:
    """What the rules, the shipped ones for Windows by themselves, find in `files`."""
    out = folder / "alerts.json"
    command = [sys.executable, "-m", "sensor", "replay", *map(str, files)]
    options = [word for path in rules for word in ("--rules", str(path))]
    options += ["--output", f"file:{out}?format=json", "--summary", str(folder / "summary.json")]
    subprocess.run([*command, *arguments, *options], check=True, capture_output=True, cwd=ROOT, timeout=240)
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.fixture(scope="module")
def ours_on_processes(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Titles:
    """Of the corpus's process events: line -> our rules that fire there, title -> level."""
    events = corpus / "events" / "windows_process_creation.ndjson"
    source = ("--product", "windows", "--category", "process_creation")
    return by_event(alerts([events], tmp_path_factory.mktemp("processes"), *source))


def by_event(found: list[dict[str, Any]]) -> Titles:
    """Line -> rules that fire there, title -> level."""
    told: Titles = defaultdict(dict)
    for alert in found:
        told[alert["event"]["index"]][alert["rule"]["title"]] = alert["rule"]["level"]
    return told


@pytest.fixture(scope="module")
def ours_on_the_stream(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What ours find in 50,000 events of all categories."""
    return alerts([corpus / "events" / STREAM], tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def hits_on_the_stream(
    corpus: Path, tagged_files: dict[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[int]]:
    """Rule's id -> lines there on which it fires."""
    hits: dict[str, list[int]] = defaultdict(list)
    folder = tmp_path_factory.mktemp("theirs")
    for alert in alerts([corpus / "events" / STREAM], folder, rules=tagged_files):
        hits[alert["rule"]["id"]].append(alert["event"]["index"])
    return hits


def their_hits(corpus: Path, tagged: dict[str, dict[str, Any]]) -> dict[str, list[int]]:
    """Rule's id -> lines of the corpus's process events on which it fires."""
    hits: dict[str, list[int]] = defaultdict(list)
    for line in (corpus / "expected" / "windows_process_creation.tsv").read_text().splitlines():
        event, rule = line.split("\t")
        if rule in tagged:
            hits[rule].append(int(event))
    return hits


def page(theirs: list[Path]) -> str:
    """The part of docs/rules-beside-sigmahq.md on Linux: which of theirs fire on the positive cases of ours."""
    rules = [rule for rule in load_rules(theirs).rules if rule.info.logsource.category == "process_creation"]
    reference = Reference(rules)
    found: dict[str, set[str]] = {}
    for item in shipped():
        source = Logsource(**item.rule["logsource"])
        for case in item.cases["positive"]:
            for rule, verdict in reference.judge(case["event"], source):
                if verdict is True and rule.info.level not in {"low", "informational"}:
                    found.setdefault(rule.info.title, set()).add(item.rule["title"])
    lines = [
        "# Shipped rules beside SigmaHQ's",
        "Written by `WRITE_GOLDEN=1 pytest tests/rules` with SigmaHQ's rules below LINSANG_CORPUS; do not edit. Both",
        "can be loaded together: no id and no title is in both.",
        "",
        "## Linux",
        f"{len(found)} of SigmaHQ's {len(rules)} rules for Linux processes fire, at medium or above, on cases of ours:",
        "what both look for. The others look for what is no proxy execution.",
        "",
        "| SigmaHQ's | shipped |",
        "|---|---|",
        *(f"| {title} | {'; '.join(sorted(ours))} |" for title, ours in sorted(found.items())),
    ]
    return "\n".join(lines) + "\n"


def shared(hits: dict[str, list[int]], ours: Titles) -> tuple[int, int]:
    """On how many events theirs fire, and ours of these."""
    events = {event for found in hits.values() for event in found}
    return len(events), len(events & set(ours))


def windows_page(tagged: dict[str, dict[str, Any]], hits: dict[str, list[int]], ours: Titles) -> str:
    """The part on Windows: their rules for T1218 and T1216 that fire on real events, and what ours say there."""
    count, (on, both) = sum(map(len, hits.values())), shared(hits, ours)
    lines = [
        "",
        "## Windows",
        f"SigmaHQ's {len(tagged)} rules tagged T1218 or T1216 have {count} hits among 2,499 real process events, on",
        f"{on} of these; shipped rules fire on {both} of them. Where the level of ours is lower, the same",
        "is rated as what administrators do, too.",
        "",
        *comparison(tagged, hits, ours),
    ]
    return "\n".join(lines) + "\n"


def stream_page(tagged: dict[str, dict[str, Any]], hits: dict[str, list[int]], ours: Titles) -> str:
    """The same on a stream of all categories."""
    count, (on, both) = sum(map(len, hits.values())), shared(hits, ours)
    lines = [
        "",
        "Among 50,000 events of all categories (images, connections, settings, accesses and more), of machines on",
        f"which attacks were played, they have {count} hits, on {on} of these; shipped rules fire on {both} of them.",
        "",
        *comparison(tagged, hits, ours),
    ]
    return "\n".join(lines) + "\n"


def comparison(tagged: dict[str, dict[str, Any]], hits: dict[str, list[int]], ours: Titles) -> Iterator[str]:
    """The table: a row for each of theirs that fires."""
    yield "| SigmaHQ's | level | hits | found | level of ours | shipped |"
    yield "|---|---|---|---|---|---|"
    for rule, found in sorted(hits.items(), key=lambda item: str(tagged[item[0]]["title"])):
        there = [ours.get(event, {}) for event in found]
        titles = sorted({title for titles in there for title in titles})
        levels = [level for level in LEVELS if any(level in titles.values() for titles in there)]
        cells = (
            tagged[rule]["title"],
            tagged[rule]["level"],
            len(found),
            sum(map(bool, there)),
            levels[0] if levels else "",
        )
        yield f"| {' | '.join(map(str, cells))} | {'; '.join(titles)} |"


def test_no_conflict(theirs: list[Path]) -> None:
    both = load_rules([ROOT / "rules", *theirs])
    assert both.faults == ()
    own = [item.rule for item in shipped()]
    known = [
        yaml.load(path.read_text(), Loader=yaml.CSafeLoader) for folder in theirs for path in folder.rglob("*.yml")
    ]
    assert len(both.rules) == len(own) + len(known)
    for key in ("id", "title"):
        assert not {rule[key].lower() for rule in own} & {rule[key].lower() for rule in known}


def test_page_is_current(  # noqa: PLR0917 - what the page is made from
    corpus: Path,
    theirs: list[Path],
    tagged: dict[str, dict[str, Any]],
    ours_on_processes: Titles,
    hits_on_the_stream: dict[str, list[int]],
    ours_on_the_stream: list[dict[str, Any]],
) -> None:
    made = page(theirs) + windows_page(tagged, their_hits(corpus, tagged), ours_on_processes)
    made += stream_page(tagged, hits_on_the_stream, by_event(ours_on_the_stream))
    if os.environ.get("WRITE_GOLDEN"):
        PAGE.write_text(made)
    assert PAGE.read_text() == made, "WRITE_GOLDEN=1 pytest tests/rules"


@pytest.mark.parametrize("key", ["id", "title"])
def test_no_conflict_with_any_of_theirs(corpus: Path, key: str) -> None:
    """Of all systems and techniques."""
    line = re.compile(rf"^{key}: *['\"]?(.*?)['\"]? *$", re.MULTILINE)
    known = [found[1].lower() for path in (corpus / "sigma").rglob("*.yml") if (found := line.search(path.read_text()))]
    assert len(known) > 3700
    assert not {item.rule[key].lower() for item in shipped()} & set(known)


def test_every_hit_of_theirs_is_found(
    corpus: Path, tagged: dict[str, dict[str, Any]], ours_on_processes: Titles
) -> None:
    hits = their_hits(corpus, tagged)
    assert sum(map(len, hits.values())) == 69
    missed = {tagged[rule]["title"]: set(found) - set(ours_on_processes) for rule, found in hits.items()}
    assert {title: events for title, events in missed.items() if events} == {}


def test_every_hit_of_theirs_on_the_stream_is_found(
    hits_on_the_stream: dict[str, list[int]], ours_on_the_stream: list[dict[str, Any]]
) -> None:
    assert sum(map(len, hits_on_the_stream.values())) == 5
    assert {event for found in hits_on_the_stream.values() for event in found} <= set(by_event(ours_on_the_stream))


def test_few_others_are_alarmed_on(ours_on_processes: Titles, corpus: Path) -> None:
    """Events on which none of SigmaHQ's 1,183 rules fires: all were looked at, each is an attack that was played."""
    lines = (corpus / "expected" / "windows_process_creation.tsv").read_text().splitlines()
    assert len(set(ours_on_processes) - {int(line.split()[0]) for line in lines}) <= 24


def test_an_ordinary_stream_stays_quiet_but_for_attacks(ours_on_the_stream: list[dict[str, Any]]) -> None:
    files = {item.rule["id"]: item.path.stem for item in shipped()}
    pairs = {(alert["event"]["index"], files[alert["rule"]["id"]]) for alert in ours_on_the_stream}
    assert {line for line, _ in pairs} == {line for line, _ in MIXED}
    assert pairs >= MIXED


def test_their_own_cases_are_found(corpus: Path, tagged: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """Of SigmaHQ's regression cases those of rules for T1218 and T1216."""
    cases = [(path.parent, load(path)) for path in sorted((corpus / "regression").rglob("info.yml"))]
    of = [folder for folder, info in cases if any(rule["id"] in tagged for rule in info["rule_metadata"])]
    logs = {log: folder for folder in of for log in folder.glob("*.evtx")}
    found = {logs[Path(alert["event"]["file"])] for alert in alerts(list(logs), tmp_path)}
    assert len(of) == 3
    assert {folder.name for folder in of} - {folder.name for folder in found} == set()
