"""What is loaded, and how what is broken is refused: one line each, and nothing else lost."""

from pathlib import Path

import pytest

from sensor.compiler import load_rules

GOOD = """\
title: Good
id: 7f1a9f0e-5b7e-4e0f-8d33-0a6f6c0a0001
status: test
level: high
tags: [attack.t1218]
logsource: {product: linux, category: process_creation}
detection:
  selection:
    Image|endswith: /env
  condition: selection
"""


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new).replace("0001", "0002")


BROKEN = [
    ("not YAML", "a: [", 2, "expected"),
    ("duplicate key", changed("status: test", "title: again"), 3, "`title` stands twice"),
    ("alias", changed("status: test", "x: &x [*x]"), 3, "alias"),
    ("list", "- a\n- b\n", 1, "not a mapping"),
    ("no detection", "title: x\nlogsource: {product: linux}\n", 1, "detection"),
    ("unknown modifier", changed("|endswith", "|sounds_like"), 1, "sounds_like"),
    ("unknown selection", changed("condition: selection", "condition: selektion"), 1, "selektion"),
    ("bad regex", changed("|endswith: /env", "|re: '(a'"), 1, "(a"),
    ("look-around", changed("|endswith: /env", "|re: 'a(?=b)'"), 1, "a(?=b)"),
    ("placeholder", changed("|endswith: /env", "|expand: '%admins%'"), 1, "expand"),
    ("correlation", "title: x\ncorrelation: {type: event_count}\n", 1, "correlation"),
    ("deep", changed("selection\n", "not " * 80 + "selection\n"), 1, "nested"),
]


@pytest.mark.parametrize(("text", "line", "reason"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_broken_rule_is_one_line_and_loses_no_other(tmp_path: Path, text: str, line: int, reason: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    (tmp_path / "b.yml").write_text(GOOD)
    ruleset = load_rules([tmp_path])
    assert [rule.info.title for rule in ruleset.rules] == ["Good"]
    (fault,) = ruleset.faults
    shown = str(fault)
    assert reason in shown
    assert "\n" not in shown
    assert shown.startswith(f"{tmp_path / 'a.yml'}:{line}")


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_bytes(b"title: \xff\n")
    assert "UTF-8" in str(load_rules([tmp_path]).faults[0])


def test_same_id_twice(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "b.yml").write_text(GOOD)
    ruleset = load_rules([tmp_path])
    assert len(ruleset.rules) == 1
    assert "a.yml" in str(ruleset.faults[0])


def test_too_large(tmp_path: Path) -> None:
    with (tmp_path / "a.yml").open("wb") as file:
        file.truncate(100 << 20)
    assert "larger than" in str(load_rules([tmp_path]).faults[0])


def test_cases_are_no_rules(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(GOOD)
    (tmp_path / "a.cases.yml").write_text("positive: []\n")
    assert len(load_rules([tmp_path]).rules) == 1
