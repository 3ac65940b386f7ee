"""The benches' own logic: what is called wrong, and what the made-up rules and texts are."""

import json
import subprocess
from pathlib import Path
from typing import Any

import native_records as records
import pytest
import yaml

from bench import building, corpus, grown, literals, package_build, run
from bench.builds import NoCorpus, Unavailable, native_program
from sensor.loaded_rules import load

RULE: dict[str, Any] = {
    "title": "A start",
    "id": "2a1b3c4d-0000-4000-8000-000000000001",
    "logsource": {"product": "windows", "category": "process_creation"},
    "detection": {
        "selection": {
            "Image|endswith": [r"\Certutil.exe", r"*\bits*.exe"],
            "CommandLine|contains|all": ["-decode", "xyz"],
            "ParentImage|re": r"\\\w+\.exe$",
            "DestinationIp|cidr": "10.0.0.0/8",
            "LogonId": None,
        },
        "keywords": ["mimikatz"],
        "condition": "selection or keywords",
    },
}


def figure(value: float) -> dict[str, float]:
    return {"median": value, "least": value, "most": value}


@pytest.mark.parametrize("definition", run.definitions([]), ids=lambda definition: definition["name"])
def test_a_definition_names_what_there_is(definition: dict[str, Any]) -> None:
    assert definition["measure"] in run.MEASURES
    assert definition["what"]
    assert definition["repeats"] >= 1
    for peer in definition.get("peers", []):
        assert peer.get("measure", definition["measure"]) in run.PEERS
        assert peer["name"]
    for bar in definition.get("bars", {}).values():
        assert set(bar) <= {"at_least", "at_most"}
        assert bar


def test_a_definition_that_is_not_there_is_named() -> None:
    with pytest.raises(SystemExit, match="no definition nosuch"):
        run.definitions(["nosuch"])


@pytest.mark.parametrize(
    ("bars", "figures", "said"),
    [
        ({"x": {"at_most": 1}}, {"x": figure(1)}, []),
        ({"x": {"at_most": 1}}, {"x": figure(1.5)}, ["x is 1.5, wanted {'at_most': 1}"]),
        ({"x": {"at_least": 3, "at_most": 3}}, {"x": figure(2)}, ["x is 2, wanted {'at_least': 3, 'at_most': 3}"]),
        ({"x": {"at_most": 1}}, {"y": figure(1)}, ["x was not measured"]),
        ({"x": {"at_most": 1}}, {"skipped": "no probes", "excused": False}, ["did not run: no probes"]),
        ({"x": {"at_most": 1}}, {"skipped": "no corpus", "excused": True}, []),
    ],
)
def test_bars(bars: dict[str, Any], figures: dict[str, Any], said: list[str]) -> None:
    assert run.broken({"bars": bars}, figures) == said


@pytest.mark.parametrize(
    ("peer", "own", "its", "wrong"),
    [
        ({"times": {"x": 10}}, {"x": figure(2)}, {"x": figure(20)}, 0),
        ({"times": {"x": 10}}, {"x": figure(2)}, {"x": figure(19)}, 1),
        ({"equal": ["hits"]}, {"hits": figure(5)}, {"hits": figure(5)}, 0),
        ({"equal": ["hits"]}, {"hits": figure(5)}, {"hits": figure(4)}, 1),
        ({"equal": ["hits"]}, {"hits": figure(5)}, {"skipped": "no cargo"}, 0),
        ({"equal": ["hits"]}, {"skipped": "no corpus"}, {"hits": figure(5)}, 0),
    ],
)
def test_against_a_peer(peer: dict[str, Any], own: dict[str, Any], its: dict[str, Any], wrong: int) -> None:
    assert len(run.behind({"name": "peer", **peer}, own, its)) == wrong


@pytest.mark.parametrize(("error", "excused"), [(Unavailable("no cargo"), False), (NoCorpus("no corpus"), True)])
def test_what_cannot_run_says_why(error: Unavailable, excused: bool) -> None:
    def measure() -> dict[str, float]:
        raise error

    assert run.repeated(measure, 3, lambda: None) == {"skipped": str(error), "excused": excused}


def test_the_median_is_kept_with_all_runs() -> None:
    values = iter([3.0, 1.0, 2.0])
    kept = run.repeated(lambda: {"x": next(values)}, 3, lambda: None)
    assert kept == {"x": {"median": 2.0, "least": 1.0, "most": 3.0, "runs": [3.0, 1.0, 2.0]}}


@pytest.mark.parametrize(
    ("count", "first", "last"),
    # ranks of the sign test at 95 %, as tables of order statistics have them
    [(5, 1, 5), (6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (20, 6, 15), (30, 10, 21), (50, 18, 33)],
)
def test_how_sure_a_median_is(count: int, first: int, last: int) -> None:
    values = [float(7 * number % 101) for number in range(count)]
    ordered = sorted(values)
    assert building.interval(values) == (ordered[first - 1], ordered[last - 1])


def test_a_copy_looks_for_other_texts_of_the_same_shape() -> None:
    copy = grown.copied(RULE, 1)
    was, became = RULE["detection"]["selection"], copy["detection"]["selection"]
    assert grown.is_copy(copy["id"])
    assert not grown.is_copy(RULE["id"])
    assert became["Image|endswith"] == [r"\Midnanot.exe", r"*\gonh*.exe"]
    assert copy["detection"]["keywords"] != RULE["detection"]["keywords"]
    assert [len(text) for text in became["CommandLine|contains|all"]] == [7, 3]
    for kept in ("ParentImage|re", "DestinationIp|cidr", "LogonId"):
        assert became[kept] == was[kept]
    assert copy["detection"]["condition"] == RULE["detection"]["condition"]


def test_no_two_copies_are_alike() -> None:
    every = [json.dumps(grown.copied(RULE, copy)["detection"]) for copy in range(1, 10)]
    assert len({json.dumps(RULE["detection"]), *every}) == 10


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULE))
    return tmp_path


def test_literals_are_the_plain_texts(rules: Path) -> None:
    whole = ["-decode", ".exe", r"\Certutil.exe", r"\bits", "mimikatz", "xyz"]
    assert literals.literals(rules) == whole
    assert literals.literals(rules, "CommandLine") == ["-decode", "xyz"]
    assert literals.fields(rules) == {"Image", "CommandLine"}


def test_near_misses_have_the_size_asked_for(rules: Path) -> None:
    (rules / "other.yml").write_text(yaml.safe_dump({**RULE, "detection": {"x": {"CommandLine": "-\u00e4\u00e4"}}}))
    texts = literals.near_misses(rules, "CommandLine", 1000)
    assert {len(text.encode()) for text in texts.values()} <= {999, 1000}
    assert "\u00e4" in texts["whole"]
    assert "-decode" in texts["whole"]
    assert "-decode" not in texts["no-end"] + texts["no-begin"] + texts["other-middle"]


def test_the_number_of_hits_alone_is_not_enough() -> None:
    assert corpus.crc({(1, "a"), (2, "b")}) == corpus.crc({(2, "b"), (1, "a")})
    assert corpus.crc({(1, "a")}) != corpus.crc({(1, "b")})


@pytest.mark.parametrize("order", ["flat", "shuffled"])
def test_the_harness_finds_what_the_matcher_finds(rules: Path, tmp_path: Path, order: str) -> None:
    """Empty lines count, as in a replay; each line says its own logsource."""
    table, events, hits = (tmp_path / name for name in ("table", "events", "hits"))
    table.write_bytes(load([rules / "rule.yml"], tmp_path / "cache").table)
    start = {"_cat": "process_creation", "Channel": "Microsoft-Windows-Sysmon/Operational", "LogonId": None}
    start |= {"ParentImage": r"C:\a.exe", "DestinationIp": "10.1.2.3", "CommandLine": "xyz -DECODE"}
    lines = [{**start, "Image": image} for image in (r"C:\certutil.exe", r"C:\other.exe", r"C:\bitsy.exe")]
    events.write_text("\n\n".join(json.dumps(line) for line in lines))
    command = [native_program("match", "-O0"), table, events, "", "", "", order, "0.001", hits]
    shown = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    figures = json.loads(shown.stdout)
    assert (figures["rules"], figures["events"], figures["hits"]) == (1, 3, 2)
    assert hits.read_text() == "0 0 1\n4 0 1\n"
    assert 0 < figures["p50"] <= figures["p99"] <= figures["max"]


def test_of_a_recording_what_the_build_did_is_kept() -> None:
    build, child, other = {"pid": 20, "start": 200}, {"pid": 21, "start": 210}, {"pid": 30, "start": 300}
    all_of_them = [
        records.process_record(pid=1, start=1),
        records.fork_record(**build, creator_pid=10, creator_start=100),
        records.fork_record(**other, creator_pid=11, creator_start=110),
        records.fork_record(**child, creator_pid=20, creator_start=200),
        records.fork_record(pid=22, start=220, creator_pid=20, creator_start=199),  # the number had another process
        records.exit_record(**other),
        records.exit_record(**child),
        records.exit_record(pid=20, start=201),
    ]
    kept = list(package_build.of_descendants(all_of_them, 10))
    assert kept == [all_of_them[number] for number in (0, 1, 3, 6)]
