"""The lists that rules read: as they are shipped, and with a site's changes."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensor.compiler import load_rules
from sensor.compiler.load import RuleSet
from sensor.config import Rules
from sensor.errors import ConfigError
from sensor.paths import SHIPPED_RULES
from sensor.reference import Reference
from sensor.rule_files import Reading
from sensor.rule_lists import lists, shipped_lists

NO_FILE = os.strerror(errno.EACCES if sys.platform == "win32" else errno.EISDIR)  # a folder that is opened
PLACEHOLDER = re.compile(r"%(\w+)%")
RULE = """
title: one
status: test
level: low
logsource: {product: linux, category: process_creation}
detection: {s: {Image|endswith|expand: '/%Tools%'}, condition: s}
"""


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "Tools.txt").write_text("# what is watched\n\nenv\n  awk \n")
    (folder / "Ours.txt").write_text("x\n")
    return folder


@pytest.mark.parametrize(
    ("content", "tools"),
    [
        ("", ("env", "awk")),
        ("# nothing\n\n", ("env", "awk")),
        ("sed\n", ("env", "awk", "sed")),
        ("env\n", ("env", "awk")),
        ("!awk\nsed*\n", ("env", "sed*")),
        ("!*\nsed\n", ("sed",)),
        ("sed\n!*\n", ()),
        ("!env\nenv\n", ("awk", "env")),
        ("\ufeffsed\r\n", ("env", "awk", "sed")),  # as Notepad saves it
        ("\ufeff# mine\r\n!env\r\n", ("awk",)),
    ],
)
def test_a_site_changes_a_list(tmp_path: Path, shipped: Path, content: str, tools: tuple[str, ...]) -> None:
    site = tmp_path / "lists.d"
    site.mkdir()
    (site / "Tools.txt").write_text(content, "utf-8")
    (site / ".Tools.txt.swp").write_bytes(b"\xff")
    assert lists(site, shipped) == {"Tools": tools, "Ours": ("x",)}
    assert shipped_lists(shipped)["Tools"] == ("env", "awk")


def test_a_site_without_lists(tmp_path: Path, shipped: Path) -> None:
    assert lists(tmp_path / "none", shipped) == shipped_lists(shipped)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("Tols.txt", b"x", "Tols.txt: there is no such list; did you mean `Tools.txt`?"),
        ("Tools.yml", b"x", "Tools.yml: there is no such list; did you mean `Tools.txt`?"),
        ("Tools.txt", b"\n# x\n!akw\n", "Tools.txt:3: `akw` is not in the list; did you mean `awk`?"),
        ("Tools.txt", b"!*\n!env\n", "Tools.txt:2: `env` is not in the list; `!*` takes all of them away"),
        ("Tools.txt", b"x\n\xff\n", "Tools.txt:2: not UTF-8 at byte 0 of the line"),
        ("Tools.txt", b"x\n" * (1 << 20), "Tools.txt: larger than 1 MiB; split it by wildcards"),
        ("Tools.txt", None, f"Tools.txt: {NO_FILE}; a list is a file that can be read"),
    ],
)
def test_a_file_that_is_refused(tmp_path: Path, shipped: Path, name: str, content: bytes | None, said: str) -> None:
    site = tmp_path / "lists.d"
    site.mkdir()
    if content is None:
        (site / name).mkdir()
    else:
        (site / name).write_bytes(content)
    with pytest.raises(ConfigError) as error:
        lists(site, shipped)
    assert str(error.value) == f"{site / said}"


@pytest.mark.parametrize(
    ("name", "good", "bad", "said"),
    [
        (  # it would let https://mirror.example.evil.example/ by
            "RemoteDomainAllowlist",
            ("mirror.example", "https://mirror.example/"),
            "https://mirror.example",
            "is how the address of another host may begin, too; write `https://mirror.example/`, or the host alone for"
            " all of it",
        ),
        (
            "CommandLineRegex",
            ("zq[0-9]{4}", r"\(abc"),
            "(abc",
            "is no regular expression: missing ), unterminated subpattern at position 0; a backslash makes a character"
            " stand for itself",
        ),
    ],
)
def test_a_value_that_is_refused(tmp_path: Path, name: str, good: tuple[str, ...], bad: str, said: str) -> None:
    path = tmp_path / f"{name}.txt"
    path.write_text("\n".join(good))
    assert set(good) <= set(lists(tmp_path)[name])
    path.write_text(f"\n{bad}\n")
    with pytest.raises(ConfigError) as error:
        lists(tmp_path)
    assert str(error.value) == f"{path}:2: `{bad}` {said}"


def judged(ruleset: RuleSet, image: str) -> bool:
    source = ruleset.rules[0].info.logsource
    return any(verdict is True for _, verdict in Reference(list(ruleset.rules)).judge({"Image": image}, source))


def test_rules_see_the_change(tmp_path: Path, shipped: Path) -> None:
    site, rules = tmp_path / "lists.d", tmp_path / "rules"
    site.mkdir()
    rules.mkdir()
    (rules / "one.yml").write_text(RULE)
    (site / "Tools.txt").write_text("!awk\nsed\n")
    ruleset = load_rules([rules], reading=Reading(expand=lists(site, shipped)))
    assert [judged(ruleset, f"/usr/bin/{name}") for name in ("env", "awk", "sed")] == [True, False, True]
    (site / "Tools.txt").write_text("!*\n")
    ruleset = load_rules([rules], reading=Reading(expand=lists(site, shipped)))
    assert not judged(ruleset, "/usr/bin/env")


def test_the_settings_win() -> None:
    assert Rules(expand={"Shells": ("fish",)}).reading.expand["Shells"] == ("fish",)
    assert "sh" in Rules().reading.expand["Shells"]


def placeholders(path: Path) -> Iterator[str]:
    """Of the lines of a rule that belong to a search with the modifier expand."""
    expands = False
    for line in path.read_text("utf-8").splitlines():
        if not line.lstrip().startswith("- '"):
            expands = "|expand" in line
        if expands:
            yield from PLACEHOLDER.findall(line)


def test_shipped_lists_and_rules_know_one_another() -> None:
    named = {
        name
        for path in SHIPPED_RULES.rglob("*.yml")
        if not path.name.endswith((".cases.yml", ".grammar.yml"))
        for name in placeholders(path)
    }
    assert named == set(shipped_lists())
    for name, values in shipped_lists().items():
        assert values, name
        assert len(set(values)) == len(values), name
