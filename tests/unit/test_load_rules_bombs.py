"""Rules that are meant to be too much: one line each, in bounded time and memory; and those that are only large."""

import os
import sys
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from test_load_rules_files import ONE, TWO, faults, fires, titles

from sensor.compiler import compile_table, load_rules
from sensor.native import Rules


@pytest.fixture
def little_memory() -> Iterator[None]:
    """1 GiB of address space more than now."""
    if sys.platform == "win32":
        pytest.skip("no limit of the address space here")
    import resource  # noqa: PLC0415 - Linux'

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + (1 << 30), limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


def laughs(levels: int, each: int = 9) -> str:
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * each)}]" for n in range(1, levels)]
    return "\n".join(lines)


def merges(levels: int) -> str:
    lines = ["a0: &a0 {x: y}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, levels)]
    return "\n".join(lines)


def of_values(key: str, values: Iterable[str]) -> str:
    return ONE.replace("A: x", f"{key}: [{', '.join(map(repr, values))}]")


THOUSAND = of_values("A", (f"v{n}" for n in range(1000)))
MANY_NAMES = ", ".join(f"s{n}: {{A: [{', '.join(f'v{k}' for k in range(300))}]}}" for n in range(60))
BOMBS = [
    ("laughs", laughs(30), "aliases written out"),
    ("merged laughs", merges(30), "aliases written out"),
    ("merges itself", "a: &a {<<: *a}", "holds itself"),
    ("values", "a:\n" + "- b\n" * 600_000, "more than 500,000 values"),
    ("values in a line", "a: [" + "b," * 1_000_000 + "]", "more than 500,000 values"),
    ("nested flow", "{a: " * 200_000, "nested"),
    ("nested block", "\n".join(" " * n + "a:" for n in range(3000)), "nested"),
    ("nested question marks", "? " * 100_000 + "a", "nested"),
    ("many digits", "a: " + "9" * 100_000, "no int"),
    ("a long key", f"? {'k' * 2_000_000}\n: v", "must have a title"),
    ("a long key twice", f"? {'k' * 200_000}\n: v\n? {'k' * 200_000}\n: v\n", "stands twice"),
    ("a long id", ONE.replace("id: ", f"id: {'x' * 2_000_000}"), "UUID"),
    ("a long modifier", ONE.replace("A: x", f"? 'A|{'x' * 200_000}'\n: x"), "is not known"),
    ("a long name", ONE.replace("condition: s", f"condition: {'s' * 2_000_000}"), "names `sss"),
    ("a long regular expression", ONE.replace("A: x", f"A|re: '(?={'x' * 200_000})'"), "the regular expression `("),
    ("a condition of much", THOUSAND.replace("n: s", f"n: {'s and ' * 1000}s"), "more than 1,000,000 tests"),
    ("conditions", THOUSAND.replace("n: s", f"n: [{'s, ' * 1000}s]"), "more than 1,000,000 tests"),
    ("two of many", ONE.replace("s: {A: x}", MANY_NAMES).replace("n: s", "n: 2 of them"), "more than 1,000,000 tests"),
]


@pytest.mark.parametrize(("text", "reason"), [row[1:] for row in BOMBS], ids=[row[0] for row in BOMBS])
def test_a_bomb_is_one_line(tmp_path: Path, little_memory: None, text: str, reason: str) -> None:
    (tmp_path / "a.yml").write_text(text)
    (tmp_path / "b.yml").write_text(ONE)
    ruleset = load_rules([tmp_path])
    assert titles(ruleset) == ["one"]
    (fault,) = faults(ruleset)
    assert reason in fault
    assert len(fault) < 1000
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("detection", "is_too_much"),
    [
        ("{A|windash: [' -a -b', ' -c']}", False),
        ("{A|windash|contains|all: [' -a -b', ' -c']}", False),
        ("{A|windash: [' -a -b', ' -c', x]}", True),
        ("{A|windash: ' -a -b', B|windash|contains: [' -a', x]}", True),
        ("[{A|windash: ' -a -b'}, {B|base64offset|contains: [a, b]}]", True),
        ("{A|windash|base64offset|contains: ' -a -b'}", True),
    ],
)
def test_values_that_modifiers_make_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, detection: str, is_too_much: bool
) -> None:
    monkeypatch.setattr("sensor.compiler.detection.FORMS_MAX", 30)
    (tmp_path / "a.yml").write_text(ONE.replace("{A: x}", detection))
    assert ["make more than 30 values of it" in fault for fault in faults(load_rules([tmp_path]))] == [
        True
    ] * is_too_much


def test_aliases_and_merges_are_taken(tmp_path: Path) -> None:
    text = ONE.replace("{s: {A: x}, condition: s}", "{s: {<<: &b {A: &v x}, B: *v}, t: *b, condition: s and t}")
    (tmp_path / "a.yml").write_text(text)
    assert fires(load_rules([tmp_path]), {"A": "x", "B": "x"}) == ["one"]
    assert fires(load_rules([tmp_path]), {"A": "x"}) == []


def test_a_rule_of_100_000_values(tmp_path: Path) -> None:
    values = "\n".join(f"      - SHA256={n:064X}" for n in range(100_000))
    text = ONE.replace(" {s: {A: x}, condition: s}", f"\n  s:\n    Hashes:\n{values}\n  condition: s")
    (tmp_path / "a.yml").write_text(text)
    ruleset = load_rules([tmp_path])
    assert faults(ruleset) == []
    assert len(compile_table(ruleset).bytes) > 100_000 * 64
    assert fires(ruleset, {"Hashes": f"sha256={99_999:064x}"}) == ["one"]
    assert fires(ruleset, {"Hashes": f"sha256={100_000:064x}"}) == []


def test_many_values_looked_for_anywhere_do_not_multiply(tmp_path: Path) -> None:
    values = "".join(f"      - {sha256(bytes([n >> 8, n & 255])).hexdigest()[:24]}\n" for n in range(20_000))
    text = ONE.replace(" {s: {A: x}, condition: s}", f"\n  s:\n    A|contains:\n{values}  condition: s")
    (tmp_path / "a.yml").write_text(text)
    assert len(compile_table(load_rules([tmp_path])).bytes) < 20_000 * 300  # of which 24 are the value


@pytest.mark.parametrize("key", ["A", "A|contains", "A|startswith", "A|endswith", "A|cased|contains", "'|all'"])
def test_a_value_longer_than_any_text(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.yml").write_text(ONE.replace("A: x", f"{key}: [{'ab' * 100_000}]"))
    (tmp_path / "b.yml").write_text(TWO)
    ruleset = load_rules([tmp_path])
    Rules(compile_table(ruleset).bytes).close()
    assert titles(ruleset) == ["one", "two"]
