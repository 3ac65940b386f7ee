"""Every rule of the community loads, and the matcher and the reference agree on all of them. Rules and events are read
from LINSANG_CORPUS and are never part of the project."""

import gzip
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from sensor.compiler import RuleSet, compile_table, load_rules
from sensor.native import Engine, Frame, Rules
from sensor.reference_events import ReferenceJudge


@pytest.fixture(scope="module")
def corpus() -> Path:
    folder = os.environ.get("LINSANG_CORPUS")
    if not folder:
        pytest.skip("LINSANG_CORPUS is not set: no rules to load")
    return Path(folder)


@pytest.fixture(scope="module")
def ruleset(corpus: Path) -> RuleSet:
    return load_rules([corpus / "sigma"])


@pytest.fixture(scope="module")
def judges(ruleset: RuleSet) -> tuple[bytes, ReferenceJudge]:
    return compile_table(ruleset).bytes, ReferenceJudge(ruleset, {})


def test_all_are_loaded(ruleset: RuleSet) -> None:
    assert [str(fault) for fault in ruleset.faults] == []
    assert len(ruleset.rules) == 3754
    unfilled = {name for rule in ruleset.rules for name in rule.info.unfilled}
    assert unfilled == {"known_cdcs"}


def found(table: bytes, lines: Iterable[bytes], source: tuple[str, ...]) -> Iterator[list[Frame]]:
    """The frames of each line."""
    with Engine(alert_bytes=1 << 22) as engine:
        rules = Rules(table)
        engine.swap_rules(rules)
        route = rules.route(*source) if source else None
        for line in lines:
            assert engine.feed_json(line) if route is None else engine.feed_json(line, route=route)
            yield engine.take()


@pytest.mark.parametrize(
    ("name", "source", "count"),  # of a file's events, evenly: the reference takes some milliseconds for each
    [
        ("windows_process_creation.ndjson", ("windows", "process_creation", "sysmon"), 60),
        ("windows_mixed_sysmon.ndjson.gz", (), 120),
    ],
)
def test_matcher_and_reference_agree(
    corpus: Path, judges: tuple[bytes, ReferenceJudge], name: str, source: tuple[str, ...], count: int
) -> None:
    path = corpus / "events" / name
    lines = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).splitlines()
    some = lines[:: len(lines) // count]
    table, reference = judges
    hits = 0
    own, marks = found(table, some, source), found(reference.table, some, source)
    for line, frames, marked in zip(some, own, marks, strict=True):
        expected = {(frame.rule, frame.verdict) for frame in reference.judge(marked)} if marked else set()
        assert {(frame.rule, frame.verdict) for frame in frames} == expected, line
        hits += len(expected)
    assert hits
