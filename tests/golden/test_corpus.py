"""Real rules on real events, hit for hit. The data is read from LINSANG_CORPUS and is never part of the project."""

import os
from pathlib import Path

import pytest

from sensor.compiler import compile_table, load_rules
from sensor.native import Engine, Rules, lib


@pytest.fixture(scope="module")
def corpus() -> Path:
    folder = os.environ.get("LINSANG_CORPUS")
    if not folder:
        pytest.skip("LINSANG_CORPUS is not set: no rules and events to compare with")
    return Path(folder)


def test_windows_process_creation_is_exact(corpus: Path) -> None:
    ruleset = load_rules([corpus / "sigma/rules/windows/process_creation"])
    assert ruleset.faults == ()
    compiled = compile_table(ruleset)
    hits = set()
    with Engine(alert_bytes=1 << 24) as engine:
        rules = Rules(compiled.bytes)
        engine.swap_rules(rules)
        route = rules.route("windows", "process_creation")
        lines = (corpus / "events/windows_process_creation.ndjson").read_bytes().splitlines()
        for index, line in enumerate(lines):
            assert engine.feed_json(line, route=route, index=index)
            for frame in engine.take():
                assert frame.verdict == lib.SN_MATCH
                hits.add((frame.index, compiled.rules[frame.rule].id))
        assert engine.stats()["alerts_dropped"] == 0
    rows = (corpus / "expected/windows_process_creation.tsv").read_text().splitlines()
    expected = {(int(index), rule) for index, rule in (row.split("\t") for row in rows)}
    assert hits == expected
