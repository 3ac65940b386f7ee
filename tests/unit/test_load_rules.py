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


def selection(text: str) -> str:
    """GOOD with another line in its selection (line 9)."""
    return changed("Image|endswith: /env", text)


def condition(text: str) -> str:
    """GOOD with another condition (line 10)."""
    return changed("condition: selection", f"condition: {text}")


BROKEN = [
    ("not YAML", "a: [", 1, "expected"),
    ("control character", "title: a\n\nid: \x01\n", 3, "control characters"),
    ("tab", "title: a\n\tid: b\n", 2, "; indent with spaces"),
    ("unknown tag", changed("status: test", "status: !!python/name:os.system x"), 3, "python/name"),
    ("duplicate key", changed("status: test", "title: again"), 3, "`title` stands twice; give one key"),
    ("duplicate key below", selection("A: x\n    A: y"), 10, "`A` stands twice"),
    ("recursive alias", changed("status: test", "x: &x [*x]"), 3, "alias that holds itself"),
    ("list", "- a\n- b\n", 1, "not a mapping"),
    ("text", "just a text", 1, "not a mapping"),
    ("no title", changed("title: Good\n", ""), 1, "title"),
    ("no detection", "title: x\nlogsource: {product: linux}\n", 1, "detection"),
    ("no log source", changed("logsource: {product: linux, category: process_creation}\n", ""), 1, "log source"),
    ("log source of nothing", changed("{product: linux, category: process_creation}", "{x: y}"), 6, "empty"),
    ("id", changed("id: 7f1a", "id: x"), 2, "UUID"),
    ("level", changed("level: high", "level: hihg"), 4, "'hihg' is not a valid Sigma rule level; did you mean `high`?"),
    ("status", changed("status: test", "status: no"), 3, "status"),
    ("tag", changed("attack.t1218", "t1218"), 5, "tag"),
    ("date", changed("status: test", "date: 2026-99-99"), 3, "2026-99-99"),
    ("unknown modifier", selection("Image|sounds_like: /env"), 9, "`sounds_like` is not known"),
    ("mistyped modifier", selection("Image|endwith: /env"), 9, "did you mean `endswith`?"),
    ("modifier twice", selection("Image|contains|contains: /env"), 9, "stands twice"),
    ("modifiers against one another", selection("Image|startswith|endswith: /env"), 9, "exclude one another"),
    ("modifier of another kind", selection("Image|gt: ten"), 9, "takes numbers"),
    ("null in a contains", selection("Image|contains: [a, null]"), 9, "`contains` does not take"),
    ("exists of a text", selection("Image|exists: maybe"), 9, "`exists` does not take"),
    ("no address", selection("Image|cidr: 10.0.0.0/33"), 9, "10.0.0.0/33"),
    ("address in a network", selection("Image|cidr: 10.0.0.1/8"), 9, "host bits"),
    ("part of a time", selection("Image|hour: 1.5"), 9, "whole number"),
    ("infinity", selection("Image: .inf"), 9, "no number"),
    ("date as a value", selection("Image: 2026-01-02"), 9, "put it in quotes"),
    ("value in a value", selection("Image: {a: b}"), 9, "mapping"),
    ("list in a list", selection("Image: [[a]]"), 9, "list"),
    ("no value", selection("Image: []"), 9, "empty list"),
    ("no item", changed("\n    Image|endswith: /env", " {}"), 8, "empty mapping"),
    ("null keyword", changed("\n    Image|endswith: /env", " [null]"), 8, "null is no keyword"),
    ("field that is no text", selection("yes: x"), 8, "put it in quotes"),
    ("wildcards in base64", selection("Image|base64: a*b"), 9, "wildcards"),
    ("dashes", selection("Image|windash|contains: -a -b -c -d -e"), 9, "dashes"),
    ("regular expression", selection("Image|re: '(a'"), 9, "(a"),
    ("look-around", selection("Image|re: 'a(?=b)'"), 8, "a(?=b)"),
    ("back-reference", selection("Image|re: '(a)\\1'"), 8, "back-reference"),
    ("unknown selection", condition("selektion"), 10, "did you mean `selection`?"),
    ("no condition", changed("  condition: selection\n", ""), 7, "condition is missing"),
    ("empty condition", condition("''"), 10, "condition is missing, empty"),
    ("condition of a number", condition("5"), 10, "no text"),
    ("open bracket", condition("(selection"), 10, "not closed"),
    ("closing bracket", condition("selection)"), 10, "`)`"),
    ("two selections", condition("selection selection"), 10, "goes on with `selection`"),
    ("operator at the end", condition("selection and"), 10, "nothing"),
    ("of nothing", condition("1 of"), 10, "needs `them`"),
    ("pattern of nothing", condition("1 of filter*"), 10, "`filter*`"),
    ("more than there are", condition("2 of them"), 10, "never be met"),
    ("none of them", condition("0 of them"), 10, "never be met"),
    ("aggregation", condition("selection | count() by User > 5"), 10, "aggregations"),
    ("near", condition("selection near selection"), 10, "near"),
    ("time frame", changed("  condition", "  timeframe: 5m\n  condition"), 10, "time frame"),
    ("deep brackets", condition("(" * 5000 + "selection" + ")" * 5000), 10, "nested"),
    ("deep condition", condition("not " * 80 + "selection"), 10, "nested"),
    ("correlation", "title: x\ncorrelation: {type: event_count}\n", 2, "correlation"),
    ("collection", "action: global\ntitle: x\n", 1, "`action`"),
    ("deep flow", "title: " + "[" * 100_000, 1, "nested more than"),
    ("deep block", "- " * 100_000 + "x", 1, "nested more than"),
    ("deep enough for Python only", "title: " + "[" * 300 + "]" * 300, 1, "nested more than"),
    ("filter without rules", "title: f\nlogsource: {product: linux}\nfilter: {s: {A: b}, condition: s}\n", 3, "rules"),
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
