"""Compiled rules from one start to the next: what the cache is trusted with, and when it is not."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import sensor._native
from sensor.errors import LinsangError
from sensor.loaded_rules import LoadedRules, load
from sensor.rule_cache import _MAKERS, Compiled, RuleCache, unpack
from sensor.rule_files import Reading
from sensor.system import is_administrator

RULE = """\
title: {title}
id: 7f1a9f0e-5b7e-4e0f-8d33-0a6f6c0a000{n}
logsource: {{product: linux, category: process_creation}}
detection: {{s: {{Image|expand: '%shell%'}}, condition: s}}
"""
AN_HOUR = 3600


class Place:
    """A folder with one rule, old enough for its status to be trusted, and a folder for the cache."""

    def __init__(self, folder: Path) -> None:
        self.rules, self.cache = folder / "rules", folder / "cache"
        self.rules.mkdir()
        self.write("one", 1)

    def write(self, title: str, n: int) -> Path:
        path = self.rules / f"{n}.yml"
        path.write_text(RULE.format(title=title, n=n))
        return path

    def load(self, reading: Reading | None = None) -> LoadedRules:
        return load([self.rules], self.cache, reading)

    def titles(self) -> list[str]:
        return [rule.title for rule in self.load().rules]

    def kept(self, pattern: str = "rules-*") -> list[Path]:
        return sorted(self.cache.glob(pattern))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_same_rules_from_the_cache(place: Place) -> None:
    first = place.load()
    (kept,) = place.kept()
    written = kept.stat().st_mtime_ns
    again = place.load()
    assert kept.stat().st_mtime_ns == written
    assert again.table == first.table
    assert list(again.rules) == list(first.rules)
    assert again.fields == first.fields
    assert again.lines == first.lines
    assert json.loads(first.lines[0])["title"] == "one"


def test_a_change_is_seen(place: Place) -> None:
    assert place.titles() == ["one"]
    place.write("two", 2)
    assert place.titles() == ["one", "two"]
    place.write("three", 2)
    assert place.titles() == ["one", "three"]
    (place.rules / "2.yml").unlink()
    assert place.titles() == ["one"]


@pytest.mark.skipif(sys.platform == "win32", reason="its files do not say when they changed, but when they began")
def test_a_change_that_keeps_size_and_time_is_seen(place: Place) -> None:
    path = place.write("two", 2)
    assert place.titles() == ["one", "two"]
    before = path.stat()
    place.write("new", 2)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert place.titles() == ["one", "new"]


def test_the_extension_is_part_of_the_key(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fields have the numbers that a table names; one that lies there for another system does not count."""
    assert [m for m in _MAKERS if os.path.basename(m).startswith("_native.")] == [sensor._native.__file__]
    key = RuleCache(place.cache, [place.rules], Reading()).content_key()
    monkeypatch.setattr("sensor.rule_cache._MAKERS", [m for m in _MAKERS if m != sensor._native.__file__])
    assert RuleCache(place.cache, [place.rules], Reading()).content_key() != key


def test_settings_are_part_of_the_key(place: Place, tmp_path: Path) -> None:
    pipeline = tmp_path / "p.yml"
    pipeline.write_text("name: p\npriority: 1\ntransformations: [{id: a, type: field_name_prefix, prefix: x.}]\n")
    assert place.load().fields == ("Image",)
    assert place.load(Reading(expand={"shell": ("/bin/sh",)})).table != place.load().table
    assert place.load(Reading((str(pipeline),), {"shell": ("x",)})).fields == ("x.Image",)
    pipeline.write_text(pipeline.read_text().replace("x.", "y."))
    assert place.load(Reading((str(pipeline),), {"shell": ("x",)})).fields == ("y.Image",)


DAMAGES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("empty", lambda content: b""),
    ("cut", lambda content: content[:-1]),
    ("a bit", lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]),
    ("a bit of the rules", lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:]),
    ("something else", lambda content: b"x" * 100),
]


@pytest.mark.parametrize("damage", [row[1] for row in DAMAGES], ids=[row[0] for row in DAMAGES])
def test_a_damaged_cache_is_made_anew(place: Place, damage: Callable[[bytes], bytes]) -> None:
    place.load()
    (kept,) = place.kept()
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert unpack(kept.read_bytes()) is None
    assert place.titles() == ["one"]
    assert kept.read_bytes() == whole


def test_pack_and_unpack() -> None:
    made = Compiled({"fields": ["A"]}, 2, b'["a"]\n["b"]\n', (b"x\n", b"yz"), b"table\n\nbytes\n")
    assert unpack(made.pack()) == made
    none = Compiled({}, 0, b"", (b"", b""), b"")
    assert unpack(none.pack()) == none


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists")
@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_what_others_may_write_is_not_trusted(place: Place, mode: int) -> None:
    place.load()
    (kept,) = place.kept()
    kept.chmod(mode)
    cache = RuleCache(place.cache, [place.rules], Reading())
    assert cache.by_content(cache.content_key()) is None
    kept.chmod(0o600)
    assert cache.by_content(cache.content_key()) is not None
    place.cache.chmod(0o777)
    assert cache.by_content(cache.content_key()) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists")
@pytest.mark.skipif(not is_administrator(), reason="needs root to make a file of somebody else's")
def test_what_others_wrote_is_not_trusted(place: Place) -> None:
    place.load()
    (kept,) = place.kept()
    os.chown(kept, 65534, 65534)
    cache = RuleCache(place.cache, [place.rules], Reading())
    assert cache.by_content(cache.content_key()) is None
    assert place.titles() == ["one"]


def test_the_status_is_trusted_only_when_it_would_show_a_change(place: Place) -> None:
    """Files that changed within the last seconds could change again without another time stamp."""
    place.load()
    assert place.kept("seen-*") == []
    cache = RuleCache(place.cache, [place.rules], Reading())
    key = cache.content_key()
    cache._looked += AN_HOUR * 1_000_000_000  # as if it were an hour later
    cache.remember(key)
    assert len(place.kept("seen-*")) == 1
    found = RuleCache(place.cache, [place.rules], Reading()).by_status()
    assert found is not None
    assert found.table == place.load().table
    place.write("two", 2)
    assert RuleCache(place.cache, [place.rules], Reading()).by_status() is None


def _a_file_in_its_place(cache: Path) -> None:
    cache.write_text("")


def _a_folder_of_all(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has access lists")
@pytest.mark.parametrize(
    ("hinder", "why"), [(_a_file_in_its_place, "File exists"), (_a_folder_of_all, "others may write there")]
)
def test_a_cache_that_cannot_be_written_is_none_and_told_once(
    place: Place, capfd: pytest.CaptureFixture[str], hinder: Callable[[Path], None], why: str
) -> None:
    hinder(place.cache)
    assert place.titles() == ["one"]
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("linsang: warning: compiled rules cannot be kept")
    assert f"{place.cache}: {why}" in line


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of a file's size")
def test_what_cannot_be_written_whole_leaves_nothing(place: Place) -> None:
    import resource  # noqa: PLC0415 - Linux'

    cache = RuleCache(place.cache, [place.rules], Reading())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            cache.keep(cache.content_key(), b"more than that")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert list(place.cache.iterdir()) == []


def test_what_a_killed_writer_left_is_thrown_away(place: Place) -> None:
    place.load()
    left = [place.cache / f".rules-x.bin.{n}" for n in range(2)]
    for file in left:
        file.write_text("")
    os.utime(left[0], (0, 0))
    place.write("two", 2)
    assert place.titles() == ["one", "two"]
    assert [file.exists() for file in left] == [False, True]


def test_old_ones_are_thrown_away(place: Place) -> None:
    for n in range(7):
        place.write(f"version {n}", 1)
        cache = RuleCache(place.cache, [place.rules], Reading())
        cache.keep(cache.content_key(), b"x")
    assert len(place.kept()) == 4


def test_refused_rules_are_remembered(place: Place) -> None:
    (place.rules / "bad.yml").write_text("title: bad\n")
    for _ in range(2):
        (fault,) = place.load().faults
        assert fault.path == str(place.rules / "bad.yml")
        assert fault.remedy == ""


@pytest.mark.parametrize("paths", [["nowhere"], ["empty"]])
def test_no_rules_is_one_line(tmp_path: Path, paths: list[str]) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LinsangError, match=r"no such rule file|no rules"):
        load([tmp_path / path for path in paths], tmp_path / "cache")


def test_a_pipeline_that_is_none_is_one_line(place: Place, tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("transformations: [{type: unknown}]\n")
    for spec in (str(tmp_path / "p.yml"), str(tmp_path / "missing.yml"), "not_installed"):
        with pytest.raises(LinsangError, match="pipeline"):
            place.load(Reading((spec,)))
