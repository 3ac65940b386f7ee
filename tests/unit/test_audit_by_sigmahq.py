"""SigmaHQ's rules that leave out by what the audit log does not tell: absent is Sigma's null, so they are met."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

import pytest
import yaml

from sensor.compiler import compile_table, load_rules
from sensor.event_json import event_fields
from sensor.native import Engine, Rules, lib
from sensor.reference import judge
from sensor.taxonomy import with_mapped

CORPUS = os.environ.get("LINSANG_CORPUS", "")
NOT_TOLD = ("OriginalFileName", "ParentCommandLine", "CurrentDirectory", "Hashes", "Company")
NUMBER = 30


def leaves_out(path: Path) -> bool:
    """By a field that 4688 has not, or by the parent's image."""
    detection = yaml.safe_load(path.read_text("utf-8"))["detection"]
    filters = {name: part for name, part in detection.items() if "filter" in name}
    return any(field in str(filters) for field in (*NOT_TOLD, "ParentImage"))


@pytest.mark.skipif(not CORPUS, reason="LINSANG_CORPUS is not set")
def test_the_same_as_by_the_reference() -> None:
    folder = Path(CORPUS, "sigma", "rules", "windows", "process_creation")
    chosen = list(islice(filter(leaves_out, sorted(folder.glob("*.yml"))), NUMBER))
    ruleset = load_rules(chosen)
    assert len(ruleset.rules) == NUMBER
    found, met = set(), set()
    mine = {rule.info.id for rule in ruleset.rules}
    hits = (row.split() for row in Path(CORPUS, "expected", "windows_process_creation.tsv").read_text().splitlines())
    lines = {int(line) for line, rule in hits if rule in mine}
    events = Path(CORPUS, "events", "windows_process_creation.ndjson").read_text("utf-8").splitlines()
    with Engine(alert_bytes=1 << 22) as engine:
        engine.swap_rules(Rules(compile_table(ruleset).bytes))
        for number in sorted(lines | set(range(0, len(events), 40))):
            sysmon = json.loads(events[number])["event"]
            data = {"NewProcessName": sysmon.get("Image"), "CommandLine": sysmon.get("CommandLine")}
            event = {"Event": {"System": {"Channel": "Security", "EventID": 4688}, "EventData": data}}
            assert engine.feed_json(json.dumps(event).encode())
            frames = engine.take()
            assert all(frame.verdict == lib.SN_MATCH for frame in frames)
            found |= {(number, frame.rule) for frame in frames}
            fields = with_mapped(event_fields(event))
            met |= {(number, n) for n, rule in enumerate(ruleset.rules) if judge(rule.condition, fields)}
    assert found == met
    assert len({rule for _, rule in met}) >= 5
