"""The service under the service control manager of the system that the test runs on: wine's is a real one."""

import ctypes
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("services are Windows': make test-windows", allow_module_level=True)

import winreg

from sensor.errors import LinsangError
from sensor.windows import scm

ROOT = Path(__file__).resolve().parents[2]
# A sensor that writes down what it is told, and ends with that code.
HOST = """\
import sys, threading
sys.path.append({root!r})
from sensor.errors import LinsangError
from sensor.windows.service_host import Host
told = open({file!r}, "a", buffering=1)
sys.stdout = sys.stderr = told

class Sensor:
    def __init__(self): self.over = threading.Event()
    def ask_stop(self, number, frame): ...
    def ask_reload(self, number, frame): print("reload")
    def end(self):
        print("end")
        self.over.set()

def run(orders):
    sensor = Sensor()
    if {fails!r}:
        raise LinsangError("no sessions", "look")
    with orders(sensor):
        print("runs")
        sensor.over.wait()
    return 0

Host(run).dispatch()
print("over")
"""


class Service:
    """An installed service whose host writes into `file`."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "told"
        self.script = folder / "host.py"

    def install(self, *, fails: bool = False) -> list[str]:
        self.script.write_text(HOST.format(root=str(ROOT), file=str(self.file), fails=fails))
        return scm.install(subprocess.list2cmdline([sys.executable, str(self.script)]))

    def told(self) -> list[str]:
        return self.file.read_text().split("\n")[:-1] if self.file.exists() else []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[int, bytes]:
    """FAKE: what ChangeServiceConfig2W is given, by level; wine knows no failure actions."""
    levels: dict[int, bytes] = {}

    def change(service: object, level: int, content: object) -> int:
        levels[level] = ctypes.string_at(content, {1: 8, 2: 40, 4: 4, 7: 4}[level])
        return 1

    monkeypatch.setattr(scm.api, "ChangeServiceConfig2W", change)
    return levels


@pytest.fixture
def service(tmp_path: Path, asked: dict[int, bytes]) -> Iterator[Service]:
    yield Service(tmp_path)
    for step in (scm.stop, scm.remove):
        with suppress(LinsangError):  # the test did it
            step()


def until_gone() -> None:
    """A removed service is there as long as its process has not ended. LinsangError: it is not."""
    while True:
        scm.state()


def test_installed_started_told_stopped_removed(service: Service) -> None:
    service.install()
    assert scm.state() == "stopped"
    scm.start()
    assert scm.state() == "running"
    assert service.told() == ["runs"]
    scm.reload()
    scm.stop()
    assert scm.state() == "stopped"
    assert service.told()[:3] == ["runs", "reload", "end"]
    scm.remove()
    with pytest.raises(LinsangError, match=r"error 1060\); install it first"):
        until_gone()


def test_it_is_started_again_when_it_ends_by_itself(service: Service, asked: dict[int, bytes]) -> None:
    """After 5, 30 and 60 s; forgotten after a day; a stop with an error counts, too (SERVICE_FAILURE_ACTIONS)."""
    service.install()
    forget_s, _, _, count, address = struct.unpack("<I4xQQI4xQ", asked[2])
    assert (forget_s, count) == (86_400, 3)
    assert address
    assert asked[4] == b"\1\0\0\0"
    assert asked[7] == struct.pack("<I", 20_000)  # SERVICE_PRESHUTDOWN_INFO


def refused(code: int, *levels: int) -> Callable[..., int]:
    """FAKE: ChangeServiceConfig2W that does not take these levels."""

    def change(service: object, level: int, content: object) -> int:
        ctypes.set_last_error(code)
        return int(level not in levels)

    return change


def test_half_an_installation_is_none(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scm.api, "ChangeServiceConfig2W", refused(5, 2))
    with pytest.raises(LinsangError, match=r"start it again when it fails: .*\(error 5\)"):
        service.install()
    with pytest.raises(LinsangError, match="error 1060"):
        scm.state()


def test_what_wine_does_not_know_is_said(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scm.api, "ChangeServiceConfig2W", refused(124, 2, 4))
    assert service.install() == [
        "wine cannot be told to start it again when it fails",
        "wine cannot be told to take a stop with an error for a failure",
    ]
    assert scm.state() == "stopped"


def test_a_windows_that_does_not_know_it_is_at_fault(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scm.api, "ChangeServiceConfig2W", refused(124, 2))
    monkeypatch.setattr(scm, "is_wine", lambda: False)
    with pytest.raises(LinsangError, match="error 124"):
        service.install()
    with pytest.raises(LinsangError, match="error 1060"):
        scm.state()


def test_the_command_installs_under_wine_as_it_is() -> None:
    """No call is faked: wine's own answers."""
    warnings = scm.install(subprocess.list2cmdline([sys.executable, "-c", ""]))
    try:
        assert scm.state() == "stopped"
        assert all(warning.startswith("wine cannot be told to ") for warning in warnings)
    finally:
        scm.remove()


def test_one_that_cannot_start_says_so(service: Service) -> None:
    service.install(fails=True)
    with pytest.raises(LinsangError, match=r"the service Linsang is stopped; wevtutil qe Application .* says why"):
        scm.start()
    assert service.told()[0] == "error: no sessions; look"
    assert scm.exit_code() == 1


STEPS = [
    (scm.remove, "error 1060"),
    (scm.start, "error 1060"),
    (scm.stop, "error 1060"),
    (scm.reload, "error 1060"),
]


@pytest.mark.parametrize(("step", "error"), STEPS)
def test_without_a_service(step: object, error: str) -> None:
    with pytest.raises(LinsangError, match=error):
        step()  # type: ignore[operator]


def image_path() -> str:
    key = winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Services\Linsang")
    with key:
        return str(winreg.QueryValueEx(key, "ImagePath")[0])


def test_an_upgrade_installs_over_what_is_there(service: Service) -> None:
    scm.install("old.exe")
    service.install()
    assert image_path() == subprocess.list2cmdline([sys.executable, str(service.script)])
    scm.start()
    assert service.told() == ["runs"]
    with pytest.raises(LinsangError, match="error 1056"):
        scm.start()


def test_an_upgrade_that_fails_leaves_what_is_there(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.install()
    monkeypatch.setattr(scm.api, "ChangeServiceConfig2W", refused(5, 2))
    with pytest.raises(LinsangError, match=r"\(error 5\)"):
        service.install()
    assert scm.state() == "stopped"


def test_one_that_runs_is_stopped_before_it_is_removed(service: Service) -> None:
    service.install()
    scm.start()
    scm.remove()
    assert service.told()[:2] == ["runs", "end"]
    with pytest.raises(LinsangError, match="error 1060"):
        until_gone()


def test_stopped_twice(service: Service) -> None:
    service.install()
    with pytest.raises(LinsangError, match="error 1062"):
        scm.stop()
    assert scm.exit_code() == 0


def test_what_windows_starts_is_isolated() -> None:
    """Nothing of the environment, the user's packages or the folder that it is started in."""
    line = scm.command_line()
    assert line.startswith((sys.executable, f'"{sys.executable}"'))
    assert " -I -c " in line
    assert line.endswith(str(ROOT)) or line.endswith(f'"{ROOT}"')
