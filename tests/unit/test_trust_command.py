"""`linsang trust`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from sensor.cli import main
from sensor.enrich.databases import open_database

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Linux"),
    pytest.mark.skipif(open_database() is None, reason="a package database"),
]
RULE = """\
title: any
logsource: {product: linux, category: process_creation}
detection: {a: {Image: /x}, condition: a}
"""


def test_facts_as_a_user_reads_them(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The first call makes the index of the packages, by a child."""
    (tmp_path / "rule.yml").write_text(RULE)
    evil = tmp_path / "evil\x1b[2J"
    evil.write_bytes(Path(os.path.realpath("/usr/bin/env")).read_bytes())
    evil.chmod(0o666)
    flags = ["--rules", str(tmp_path / "rule.yml"), "--cache-dir", str(tmp_path / "cache")]
    assert main(["trust", *flags, "/usr/bin/env", str(evil)]) == 0
    said, errors = capfd.readouterr()
    own, foreign = said.split("evil")
    assert errors == ""
    assert "+ as coreutils" in own
    assert "    is env\n" in own
    assert "\x1b" not in said
    assert "- of no package\n  - anyone may write it\n" in foreign
    assert "    is env\n" in foreign
    assert main(["trust", *flags, "--format", "json", "/usr/bin/env", str(tmp_path)]) == 1
    said, errors = capfd.readouterr()
    facts = json.loads(said)
    assert errors == f"linsang: error: {tmp_path}: no regular file\n"
    assert (facts["path"], facts["trust"], facts["package"], facts["identity"]) == (
        "/usr/bin/env",
        "packaged",
        "coreutils",
        "env",
    )
    assert facts["unknown"] == []
    assert facts["age_s"] >= 0


def test_a_cache_that_cannot_be_written_is_told_and_not_waited_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(RULE)
    flags = ["--rules", str(rule), "--cache-dir", str(rule / "cache")]
    assert main(["trust", *flags, "--format", "json", "/usr/bin/env"]) == 0
    said, errors = capfd.readouterr()
    assert errors.splitlines() == [
        f"linsang: warning: compiled rules cannot be kept, every start compiles them: {rule}/cache: Not a directory",
        f"linsang: packages are not known: {rule}/cache: Not a directory; --cache-dir names another folder",
    ]
    assert "trust" in json.loads(said)["unknown"]
