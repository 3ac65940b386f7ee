"""What is looked at before anybody asks: facts of what runs are told, what does not run stays unseen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from sensor.enrich.databases import open_database
from sensor.enrich.facts import Facts
from sensor.enrich.model import FileFacts
from sensor.enrich.programs import Programs
from sensor.enrich.warming import Warming

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux")
PROGRAMS = Programs({"env": 0}, frozenset())
PATIENCE_S = 60.0


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    database = open_database()
    if database is None:
        pytest.skip("no packages")
    database.close()
    return Facts(tmp_path / "cache", tmp_path / "state", PROGRAMS)


def all_told(facts: Facts) -> list[FileFacts]:
    warming, told, more = Warming(facts), [], True
    end = time.monotonic() + PATIENCE_S
    while more:
        facts.refresh()
        found, more = warming.step()
        told += [found] if found else []
        assert time.monotonic() < end
    return told


def test_the_first_start_waits_for_the_packages(facts: Facts) -> None:
    with closing(facts):
        assert facts.counters()["index_files"] == 0
        assert facts.await_packages(PATIENCE_S)
        assert facts.counters()["index_files"] > 0


def test_what_runs_is_told_once(facts: Facts, tmp_path: Path) -> None:
    program = Path(shutil.copy("/bin/sleep", tmp_path / "runs"))
    with closing(facts), subprocess.Popen([program, "60"]) as one, subprocess.Popen([program, "60"]) as other:
        try:
            assert facts.await_packages(PATIENCE_S)
            told = all_told(facts)
            (found,) = (each for each in told if each.key.inode == program.stat().st_ino)
            assert found.final
            assert found.first_seen
            assert (again := facts.of_path(program, one.pid)) is not None
            assert again.first_seen is False
        finally:
            one.kill()
            other.kill()


def test_what_is_installed_is_read_and_not_seen(facts: Facts) -> None:
    with closing(facts):
        assert facts.await_packages(PATIENCE_S)
        assert list(facts.installed()) == ["/usr/bin/env"]
        all_told(facts)
        hashed = facts.counters()["hashed_bytes"]
        assert hashed >= os.stat("/usr/bin/env").st_size
        found = facts.of_path("/usr/bin/env", os.getpid())
        assert found is not None
        assert found.first_seen or found.again
        assert facts.counters()["hashed_bytes"] == hashed
