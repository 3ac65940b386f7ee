"""Every rule of the community loads. The rules are read from LINSANG_CORPUS and are never part of the project."""

import os
from pathlib import Path

import pytest

from sensor.compiler import load_rules


def test_all_are_loaded() -> None:
    folder = os.environ.get("LINSANG_CORPUS")
    if not folder:
        pytest.skip("LINSANG_CORPUS is not set: no rules to load")
    ruleset = load_rules([Path(folder, "sigma")])
    assert [str(fault) for fault in ruleset.faults] == []
    assert len(ruleset.rules) == 3754
    unfilled = {name for rule in ruleset.rules for name in rule.info.unfilled}
    assert unfilled == {"known_cdcs"}
