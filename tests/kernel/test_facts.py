"""Facts of files on the running kernel: what a rule sees of a file that is run, and of one that is a payload."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ring_reader import Watch
from sensor_process import PATIENT, SensorProcess

sys.path.append(str(Path(__file__).parents[1] / "unit"))

from deb_root import DebRoot

from sensor.enrich.databases import open_database
from sensor.enrich.package_index import make

RULES = """\
title: marked
logsource: {product: linux, category: process_creation}
detection: {a: {CommandLine|contains: linsang-mark}, condition: a}
---
title: renamed
logsource: {product: linux, category: process_creation}
detection: {a: {CommandLine|contains: linsang-mark, ProxyIdentity: env, RenamedProxy: 'true'}, condition: a}
---
title: as the package of env
logsource: {product: linux, category: process_creation}
detection: {a: {CommandLine|contains: linsang-mark, ProxyIdentity: env, ImageTrust: packaged}, condition: a}
---
title: foreign payload
logsource: {product: linux, category: process_creation}
detection: {a: {CommandLine|contains: linsang-mark, PayloadTrust: unpackaged}, condition: a}
---
title: against the package
logsource: {product: linux, category: process_creation}
detection: {a: {Image|endswith: /linsang-probe, ImageTrust: [modified, unpackaged]}, condition: a}
---
title: as the package
logsource: {product: linux, category: process_creation}
detection: {a: {Image|endswith: /linsang-probe, ImageTrust: packaged}, condition: a}
"""


@pytest.fixture(autouse=True)
def _bpf_works(watch: Watch, names_are_ours: None) -> None:
    """Skips with its reason where there is no BPF, or in a chroot."""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "facts.yml").write_text(RULES)
    return tmp_path / "facts.yml"


def titled(title: str, pid: int) -> Callable[[dict[str, Any]], bool]:
    wanted = ("match", title, pid)
    return lambda a: (a["verdict"], a["rule"]["title"], a.get("process", {}).get("pid")) == wanted


def started(*command: str | Path) -> int:
    child = subprocess.Popen([str(part) for part in command], stdout=-3, stderr=-3)
    child.wait()
    return child.pid


def started_until(sensor: SensorProcess, title: str, *command: str | Path) -> dict[str, Any]:
    """The alert on the first run whose facts are there in time: not so while packages are being read."""
    while True:
        pid = started(*command)
        marked = started("env", "linsang-mark=1", "true")
        sensor.wait_for_alert(titled("marked", marked))  # alerts come in the order of the execs
        found = [alert for alert in sensor.alerts() if titled(title, pid)(alert)]
        if found:
            return found[0]


def index_of_packages(cache: Path) -> None:
    """Made beforehand, so that the sensor need not wait for it."""
    database = open_database()
    if database is None:
        pytest.skip("no packages")
    make(cache / "packages.bin", database)
    database.close()


def test_a_copy_under_another_name_and_a_script(rules: Path, tmp_path: Path) -> None:
    copy = shutil.copy(os.path.realpath("/usr/bin/env"), tmp_path / "updater")
    script = tmp_path / "job.sh"
    script.write_text("true\n")
    index_of_packages(tmp_path.parent / "cache")
    with SensorProcess(tmp_path, "run", "--rules", str(rules), *PATIENT) as sensor:
        own = started_until(sensor, "as the package of env", "env", "linsang-mark=1", "true")
        renamed = sensor.wait_for_alert(titled("renamed", started(copy, "linsang-mark=1", "true")))
        payload = sensor.wait_for_alert(titled("foreign payload", started("sh", script, "linsang-mark")))
        assert sensor.end() == 0
    assert own["facts"]["image"]["trust"] == "packaged"
    assert own["facts"]["image"]["package"] == "coreutils"
    assert own["fields"]["ProxyIdentity"] == "env"
    assert own["fields"]["RenamedProxy"] is False
    assert renamed["facts"]["image"]["trust"] == "unpackaged"
    assert renamed["facts"]["image"]["age_s"] < 600
    assert payload["facts"]["image"]["trust"] == "packaged"
    assert payload["facts"]["payload"]["trust"] == "unpackaged"
    assert payload["facts"]["payload"]["owner"] == "root"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that is on the disk in every mount namespace, for the package's files."""
    folder = Path(f"/opt/linsang-test-{os.getpid()}")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg")
def test_upgrades_while_it_runs(rules: Path, tmp_path: Path, place: Path, cache_dir: Path) -> None:
    """In a mount namespace where dpkg's database is another, so that nothing of the machine's own changes."""
    deb = DebRoot(tmp_path)
    probe = place / "linsang-probe"
    below = str(probe).lstrip("/")
    program = Path(os.path.realpath("/bin/true")).read_bytes()
    # the others make it long from the program's new content to its record
    others = {str(place / f"others/{number}").lstrip("/"): b"" for number in range(500)}
    packages = [deb.make("linsang-probe", {below: program + str(n).encode(), **others}, str(n)) for n in range(1, 4)]
    admin = deb.root / "var/lib/dpkg"
    prefix = ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /var/lib/dpkg && exec "$@"', str(admin)]
    deb.dpkg("-i", deb.make("base", {"usr/bin/base": b""}))  # a machine has packages
    (own := tmp_path / "sensor").mkdir()
    (tmp_path / "cache").mkdir(mode=0o700)  # its own: an index of these packages
    for probes in cache_dir.glob("probes-*.json"):
        shutil.copy2(probes, tmp_path / "cache")
    with SensorProcess(own, "run", "--rules", str(rules), prefix=prefix) as sensor:
        inside = ["nsenter", "-t", str(sensor.pid), "-m", "dpkg", "--log=/dev/null", "--force-unsafe-io", "-i"]
        pids = []
        for package in packages:
            with subprocess.Popen([*inside, str(package)], stdout=-3, stderr=-3) as upgrade:
                while upgrade.poll() is None:
                    pids += [started(probe)] if probe.exists() else []
        last = started_until(sensor, "as the package", probe)
        assert sensor.end() == 0
    found = [alert for alert in sensor.alerts() if alert["rule"]["title"] == "against the package"]
    assert [alert for alert in found if alert["verdict"] == "match"] == []
    assert last["facts"]["image"]["package"] == "linsang-probe"
    assert len(pids) > len(packages)
