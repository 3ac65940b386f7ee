"""Settings: strict TOML with the line of each fault, a flag for everything, and a dump that loads back."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensor import config
from sensor.errors import ConfigError, UsageError

ROOT = Path(__file__).parents[2]

FAULTS = [
    ("[source]\n\nrign_bytes = 3\n", ":3: unknown key `rign_bytes` in [source]; did you mean `ring_bytes`?"),
    ("# x\n[sorce]\n", ":2: unknown section `sorce`; did you mean `source`?"),
    ("[paths]\nzzz = 1\n", ":2: unknown key `zzz` in [paths]; known are runtime, cache"),
    ("[source]\nkind = 'ebpf'\n", ':2: source.kind is "ebpf"; expected one of auto, bpf, procconn'),
    (
        "[source]\nring_bytes = '17MB'\n",
        ':2: source.ring_bytes is "17MB"; expected bytes or a size such as 16MiB, 4KiB',
    ),
    ("source.ring_bytes = 5000\n", ":1: source.ring_bytes is 5000; expected a power of two, such as 8KiB"),
    (
        "[source]\nring_bytes = 1024\n",
        ":2: source.ring_bytes is 1024; expected bytes or a size such as 16MiB",
    ),
    ("[source]\nring_bytes = true\n", ":2: source.ring_bytes is true; expected bytes or a size"),
    ("[engine]\nlineage_max = 65\n", ":2: engine.lineage_max is 65; expected a whole number, 0 to 64"),
    ("[engine]\nlineage_max = 1.5\n", ":2: engine.lineage_max is 1.5; expected a whole number"),
    ("[rules]\nskip_broken = 1\n", ":2: rules.skip_broken is 1; expected true or false"),
    ("[rules]\npaths = 'a'\n", ':2: rules.paths is "a"; expected a list of texts'),
    ("[paths]\ncache = ''\n", ':2: paths.cache is ""; expected a path'),
    ("[[output]]\nurl = 'stdout:'\n[[output]]\nurl = 3\n", ":4: output.url is 3; expected a text in quotes"),
    ("[[output]]\nurl = 'stdout:'\n\n[[output]]\n", ":4: [[output]] without `url`; write url"),
    ("source = 3\n", ":1: `source` must be a table; write [source]"),
    ("[source]\nkind = auto\n", ":2: Invalid value"),
    ("a = 1\n\na = 2\n", ":3: Cannot overwrite a value"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_faults_name_file_line_and_remedy(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(f"{path}{message}")):
        config.load(str(path))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        config.load(str(tmp_path / "no"))
    (tmp_path / "bytes").write_bytes(b"a = '\xff'")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        config.load(str(tmp_path / "bytes"))


def test_what_editors_of_windows_write(tmp_path: Path) -> None:
    """Notepad's mark and line ends; what Windows PowerShell's > writes is told."""
    text = config.dump(config.Config()).replace("\n", "\r\n")
    (tmp_path / "notepad").write_bytes(text.encode("utf-8-sig"))
    assert config.load(str(tmp_path / "notepad")) == config.Config()
    (tmp_path / "powershell").write_bytes(text.encode("utf-16"))
    with pytest.raises(ConfigError, match="powershell: not UTF-8 at byte 0; save it as UTF-8"):
        config.load(str(tmp_path / "powershell"))


@pytest.mark.skipif(sys.platform == "win32", reason="/dev/zero")
def test_a_file_without_end_is_none() -> None:
    with pytest.raises(ConfigError, match="more than 1 MiB"):
        config.load("/dev/zero")


def test_file_then_flags(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[source]\nring_bytes = '32MiB'\nkind = 'bpf'\n[rules]\npaths = ['a']\n")
    parser = argparse.ArgumentParser()
    config.add_flags(parser)
    flags = ["--ring-bytes", "64KiB", "--output", "stdout:", "--output", "file:y", "--skip-broken-rules"]
    made = config.load(str(path), config.flag_overrides(parser.parse_args(flags)))
    assert (made.source.ring_bytes, made.source.kind) == (65536, "bpf")
    assert made.output == (config.Output("stdout:"), config.Output("file:y"))
    assert (made.rules.paths, made.rules.skip_broken) == (("a",), True)
    assert config.load(str(path), config.flag_overrides(parser.parse_args([]))) == config.load(str(path))


def test_flags_of_some_settings_only() -> None:
    parser = argparse.ArgumentParser()
    config.add_flags(parser, ["rules", "paths.cache"])
    found = config.flag_overrides(parser.parse_args(["--rules", "a", "--skip-broken-rules", "--cache-dir", "c"]))
    assert found == {"rules": {"paths": ("a",), "skip_broken": True}, "paths": {"cache": "c"}}
    assert "--runtime-dir" not in parser.format_help()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--ring-bytes", "5000"], "--ring-bytes 5000; expected a power of two"),
        (["--source", "x"], "--source x; expected one of auto"),
        (["--rollup-interval-s", "0"], "--rollup-interval-s 0; expected a whole number, 1 or more"),
        (["--rules", "a", "--rules", ""], "--rules a ; expected no empty text"),
        (["--process-table-entries", "many"], "--process-table-entries many; expected a whole number"),
    ],
)
def test_wrong_flags_are_wrong_usage(flags: list[str], message: str) -> None:
    parser = argparse.ArgumentParser()
    config.add_flags(parser)
    with pytest.raises(UsageError, match=re.escape(message)):
        config.flag_overrides(parser.parse_args(flags))


TEXTS = st.text(st.characters(codec="utf-8"), min_size=1)
CONFIGS = st.builds(
    config.Config,
    source=st.builds(
        config.Source, kind=st.sampled_from(["auto", "bpf"]), ring_bytes=st.integers(12, 30).map(lambda n: 1 << n)
    ),
    process_table=st.builds(config.ProcessTable, bytes=st.integers(1 << 16, 1 << 31)),
    rules=st.builds(config.Rules, paths=st.lists(TEXTS).map(tuple), skip_broken=st.booleans()),
    output=st.lists(st.builds(config.Output, url=TEXTS), min_size=1).map(tuple),
    paths=st.builds(config.Paths, cache=TEXTS),
)


@given(CONFIGS)
def test_dump_loads_back(made: config.Config) -> None:
    assert config.parse(config.dump(made), "dump") == made


def test_dump_explains_every_key() -> None:
    lines = config.dump(config.Config()).splitlines()
    keys = [at for at, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(keys) >= 14
    assert all(lines[at - 1].startswith("# ") for at in keys)


@pytest.mark.skipif(sys.platform == "win32", reason="Linux' folders")
@pytest.mark.parametrize(
    ("root", "environment", "runtime", "cache"),
    [
        (True, {"XDG_RUNTIME_DIR": "/x"}, "/run/linsang", "/var/cache/linsang"),
        (False, {"XDG_RUNTIME_DIR": "/x", "XDG_CACHE_HOME": "relative"}, "/x/linsang", "/home/u/.cache/linsang"),
        (False, {}, "/home/u/.local/state/linsang", "/home/u/.cache/linsang"),
    ],
)
def test_folders_of_root_and_of_others(
    root: bool, environment: dict[str, str], runtime: str, cache: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sensor.paths.is_administrator", lambda: root)
    monkeypatch.setenv("HOME", "/home/u")
    for name in ("XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (config.Paths().runtime, config.Paths().cache) == (runtime, cache)


NOBODY = """
import os
from sensor.paths import own_folder
os.setuid(54321)
print(own_folder("cache", "XDG_CACHE_HOME", ".cache"))
"""


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="becomes another user")
def test_who_has_no_home() -> None:
    """Neither a variable nor an account says where it is: what is to be kept there says so, not what reads settings."""
    told = subprocess.run([sys.executable, "-c", NOBODY], env={}, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout == "/nonexistent/.cache/linsang\n"
