"""Libraries on the running kernel: what is told of, by whom it was loaded, who wrote it, and what is left out."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ring_reader import Watch
from sensor_process import PATIENCE_S, PATIENT, SensorProcess

from sensor.config import Config, Files, Paths
from sensor.live import Live
from sensor.sources import linux
from sensor.sources.kernel import KernelSource
from sensor.sources.linux import LinuxSource
from sensor.sources.snapshot import processes

pytestmark = pytest.mark.usefixtures("names_are_ours")
PYTHON = "/usr/bin/python3"
NUMBERS = itertools.count()
RULE = {
    "title": "loaded",
    "id": "7d1d6a54-7a4e-4a51-8f0e-3c0c1f7a2b11",
    "status": "test",
    "level": "high",
    "logsource": {"product": "linux", "category": "image_load"},
    "detection": {"name": {"ImageLoaded|contains": "linsang-test"}, "condition": "name"},
}


@pytest.fixture(scope="module")
def sensor(watch: Watch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SensorProcess]:
    folder = tmp_path_factory.mktemp("sensor")
    (folder / "rules").mkdir()
    (folder / "rules" / "loaded.yml").write_text(yaml.safe_dump(RULE))
    with SensorProcess(folder, "run", "--rules", str(folder / "rules"), *PATIENT) as running:
        yield running
        assert running.end() == 0
        assert "0 events lost" in running.said


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that does nothing."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "nothing.c").write_text("int linsang_nothing;\n")
    made = folder / "nothing.so"
    subprocess.run(["gcc", "-shared", "-fPIC", str(folder / "nothing.c"), "-o", str(made)], check=True)
    return made


@pytest.fixture
def copy(library: Path, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Puts it by `cp` into a folder, under a name of its own; it is gone afterwards."""
    made = []

    def put(folder: str) -> Path:
        to = Path(folder or tmp_path) / f"linsang-test-{os.getpid()}-{next(NUMBERS)}.so"
        made.append(to)
        subprocess.run(["cp", str(library), str(to)], check=True)
        return to

    yield put
    for path in made:
        path.unlink(missing_ok=True)


def of(path: Path | str) -> Callable[[dict[str, Any]], bool]:
    return lambda alert: alert["fields"].get("ImageLoaded") == str(path)


@pytest.mark.parametrize("folder", ["", "/dev/shm", "/usr/lib"], ids=["disk", "tmpfs", "among those of packages"])
def test_preloaded(sensor: SensorProcess, copy: Callable[[str], Path], folder: str) -> None:
    path = copy(folder)
    pids = set()
    end = time.monotonic() + PATIENCE_S
    while not any(map(of(path), sensor.alerts())):  # among those of packages: once it is known that it was written
        assert time.monotonic() < end
        child = subprocess.Popen(["/bin/true"], env={"LD_PRELOAD": str(path)})
        pids.add(child.pid)
        child.wait()
    fields = sensor.wait_for_alert(of(path))["fields"]
    assert (fields["Image"], fields["CommandLine"]) == ("/usr/bin/true", "/bin/true")
    assert fields["ProcessId"] in pids
    assert fields["ImageLoadedWriterImage"] == "/usr/bin/cp"
    assert fields["ImageLoadedWriterCommandLine"].endswith(str(path))
    assert fields["ImageTrust"] == "packaged"


def test_each_program_of_a_process_has_its_own(sensor: SensorProcess, copy: Callable[[str], Path]) -> None:
    """Each loads it, the last two on different CPUs, one right after the other."""
    path = copy("")
    cpus = os.sched_getaffinity(0)
    command = ["taskset", "-c", str(max(cpus)), "taskset", "-c", str(min(cpus)), "true"]
    pids = []
    for _ in range(23):
        child = subprocess.Popen(command, env={"PATH": "/usr/bin", "LD_PRELOAD": str(path)})
        child.wait()
        pids.append(child.pid)
    programs = ["/usr/bin/taskset", "/usr/bin/taskset", "/usr/bin/true"]
    sensor.wait_until(lambda alerts: len(list(filter(of(path), alerts))) == len(pids) * len(programs))
    found: dict[int, list[str]] = {pid: [] for pid in pids}
    for alert in filter(of(path), sensor.alerts()):
        found[alert["fields"]["ProcessId"]].append(alert["fields"].get("Image", "not known"))
    assert {pid: sorted(images) for pid, images in found.items()} == dict.fromkeys(pids, programs)


def test_opened_by_a_program_that_runs(sensor: SensorProcess, copy: Callable[[str], Path]) -> None:
    path = copy("/dev/shm")
    subprocess.run([PYTHON, "-c", f"import ctypes; ctypes.CDLL('{path}')"], check=True)
    assert sensor.wait_for_alert(of(path))["fields"]["CommandLine"].startswith(f"{PYTHON} -c import ctypes")


def test_from_memory(sensor: SensorProcess, library: Path) -> None:
    name = f"linsang-test-{os.getpid()}"
    script = f"import ctypes, os; f = os.memfd_create('{name}'); os.write(f, open('{library}', 'rb').read())"
    subprocess.run([PYTHON, "-c", f"{script}; ctypes.CDLL(f'/proc/self/fd/{{f}}')"], check=True)
    fields = sensor.wait_for_alert(of(f"memfd:{name}"))["fields"]
    assert fields["ImageLoadedMemfd"] is True
    assert "ImageLoadedTrust" not in fields


def test_the_program_itself_is_none(sensor: SensorProcess, copy: Callable[[str], Path], tmp_path: Path) -> None:
    """Neither when it is executed nor when the dynamic loader maps it into a process that still is its parent."""
    program = tmp_path / "linsang-test-program"
    shutil.copy("/bin/true", program)
    for _ in range(23):
        subprocess.run([str(program)], check=True)
    path = copy("")
    subprocess.run([str(program)], env={"LD_PRELOAD": str(path)}, check=True)
    sensor.wait_for_alert(of(path))
    assert not [a for a in sensor.alerts() if of(program)(a)]


def test_removed_while_it_is_mapped(sensor: SensorProcess, copy: Callable[[str], Path]) -> None:
    path = copy("")
    script = f"import ctypes, os; f = os.open('{path}', 0); os.unlink('{path}'); ctypes.CDLL(f'/proc/self/fd/{{f}}')"
    subprocess.run([PYTHON, "-c", script], check=True)
    assert sensor.wait_for_alert(of(path))["fields"]["ImageLoadedDeleted"] is True


def test_a_path_that_the_kernel_cannot_say(sensor: SensorProcess, library: Path, tmp_path: Path) -> None:
    """Longer than PATH_MAX: its name is no name, and the rule cannot be decided."""
    name = "d" * 250
    script = (
        f"import ctypes, os, shutil; lib = open('{library}', 'rb').read()\n"
        f"for _ in range(17): os.mkdir('{name}'); os.chdir('{name}')\n"
        "open('x.so', 'wb').write(lib); ctypes.CDLL('./x.so')"
    )
    subprocess.run([PYTHON, "-c", script], check=True, cwd=tmp_path)
    alert = sensor.wait_for_alert(lambda a: a["verdict"] == "undecidable")
    assert alert["undecidable"]["cause"] == "ImageLoaded"
    assert not [a for a in sensor.alerts() if str(a["fields"].get("ImageLoaded")).startswith("//")]
    shutil.rmtree(tmp_path / name)


def source_of(live: Live) -> LinuxSource:
    assert isinstance(live.source, LinuxSource)
    return live.source


def test_all_is_accounted_for(cache_dir: Path, watch: Watch, tmp_path: Path) -> None:
    with Live(Config(paths=Paths(str(tmp_path), str(cache_dir)))) as live:
        libraries = source_of(live).libraries
        if libraries is None:
            pytest.skip(source_of(live).libraries_refused)
        subprocess.run(["sh", "-c", "ls; id; true"], check=True, capture_output=True)
        live.stop()
        stats, engine = libraries.stats(), live.engine.stats()
        assert stats["filtered"] > 23
        assert all(holds for _, holds in live.account().equations())
        assert source_of(live).account(engine).libraries + engine["loads_own"] == stats["recorded"]


@pytest.fixture
def counted(
    cache_dir: Path, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[], object], Files], dict[str, int]]:
    """Counters of a run in which something is `busy` before the first look."""

    def run(busy: Callable[[], object], files: Files) -> dict[str, int]:
        def after(kernel: KernelSource | None) -> Iterator[bytes]:
            busy()
            return processes(kernel)

        monkeypatch.setattr(linux, "processes", after)
        with Live(Config(paths=Paths(str(tmp_path), str(cache_dir)), files=files)) as live:
            libraries = source_of(live).libraries
            if libraries is None:
                pytest.skip(source_of(live).libraries_refused)
            live.stop()
            return libraries.stats()

    return run


def test_while_our_ring_is_full_the_kernels_keeps_them(
    counted: Callable[[Callable[[], object], Files], dict[str, int]],
) -> None:
    """What was mapped before the first look is more than our ring holds."""
    stats = counted(lambda: [subprocess.run(["/bin/true"], check=True) for _ in range(200)], Files(trees=()))
    assert stats["dropped"] == 0
    assert stats["recorded"] > 3 * 200


def test_a_storm_before_the_first_look_loses_nothing(
    counted: Callable[[Callable[[], object], Files], dict[str, int]], program: Callable[[str], Path]
) -> None:
    """The kernel's buffers hold less than what is mapped while the snapshot is taken."""
    stats = counted(lambda: subprocess.run([program("spawn"), "2000", "/bin/true"], check=True), Files())
    assert stats["lost"] == 0
    assert stats["filtered"] > 3 * 2000


def test_switched_off(cache_dir: Path, watch: Watch, tmp_path: Path) -> None:
    with Live(Config(paths=Paths(str(tmp_path), str(cache_dir)), files=Files(libraries="off"))) as live:
        assert source_of(live).status(live.engine.stats())["libraries"] == {"off": "switched off"}
