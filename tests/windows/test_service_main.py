"""`linsang service` and what it starts, as wine's service control manager runs them: the real command line, settings
under ProgramData, the log. Trace sessions are wine's own, which cannot be opened, or fake_trace.py's."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("services are Windows': make test-windows", allow_module_level=True)

import winreg

from sensor import config, service_main
from sensor.cli import main
from sensor.errors import LinsangError
from sensor.paths import SITE
from sensor.runtime import ask_status
from sensor.windows import event_source, scm, service
from sensor.windows.service_log import ServiceLog

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60
SOURCE = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\Linsang"
# the service over scripted calls of event tracing
FAKED = (
    f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / 'tests' / 'windows')!r}]; "
    "from fake_trace import FakeWindows; from sensor.windows.library import evntrace; "
    "FakeWindows(evntrace).put_in(setattr); from sensor.service_main import main; main()"
)


@pytest.fixture
def site(compiled: Path, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Writes settings there; the service and the folder are gone afterwards."""
    shutil.rmtree(SITE, ignore_errors=True)

    def settings(more: str) -> None:
        SITE.mkdir()
        (SITE / "linsang.toml").write_text(
            f"[windows]\nchannels = []\n[rules]\npaths = ['{compiled / 'rules'}']\n"
            f"[paths]\nruntime = '{tmp_path / 'run'}'\ncache = '{compiled / 'cache'}'\nstate = '{tmp_path / 'lib'}'\n"
            f"{more}"
        )

    yield settings
    with suppress(LinsangError):
        scm.remove()
    shutil.rmtree(SITE, ignore_errors=True)


def logged() -> str:
    """What the service has said, without times."""
    lines = (SITE / "service.log").read_text("utf-8").splitlines()
    return "\n".join(re.sub(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", "", line) for line in lines)


def test_installed_over_itself_and_removed(
    site: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FAKE: that only administrators may change where this tree lies. Settings that are there stay as they are."""
    monkeypatch.setattr(service, "check_program", lambda places: None)
    assert main(["service", "install"]) == 0
    assert "installed; settings are in" in capsys.readouterr().err
    assert config.load().output[0].url == f"file:{SITE.as_posix()}/alerts.json"
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, SOURCE) as key:
        assert winreg.QueryValueEx(key, "EventMessageFile")[0].endswith("EventCreate.exe")
    assert main(["service", "status"]) == 1
    assert capsys.readouterr().out == "stopped\n"
    (SITE / "linsang.toml").write_text("# mine\n")
    assert main(["service", "install"]) == 0
    assert (SITE / "linsang.toml").read_text() == "# mine\n"
    assert main(["service", "remove"]) == 0
    assert f"stay in {SITE}" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError):
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, SOURCE)


def test_what_users_may_change_is_not_installed(
    site: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FAKE: that Users may write where this interpreter lies."""
    home = Path(sys.executable).parent
    monkeypatch.setattr("sensor.windows.folders.strangers", lambda path, rights: ["Users"] if path == home else [])
    assert main(["service", "install"]) == 1
    assert f"error: {home} may be changed by Users, who would get" in capsys.readouterr().err
    assert not SITE.exists()
    with pytest.raises(LinsangError, match="error 1060"):
        scm.state()


def test_a_start_that_fails_says_why(
    site: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """wine's sessions start and cannot be opened."""
    site(f"[[output]]\nurl = 'file:{tmp_path.as_posix()}/alerts'\n")
    scm.install(scm.command_line())
    with pytest.raises(LinsangError, match="the service Linsang is stopped"):
        scm.start()
    assert "error: trace session linsang-process: " in logged()
    assert main(["service", "status"]) == 1
    assert capsys.readouterr().out.startswith("stopped; it failed with exit code 1: wevtutil qe ")


WRONG = [
    ("[[output]]\nurl = 'fiel:x'\n", "error: output fiel:x: unknown scheme `fiel`"),
    ("[engine]\nlineage = 3\n", "unknown key `lineage` in [engine]; did you mean `lineage_max`?"),
    ("", "linsang.toml: a service has no standard output; write [[output]] and url = 'file:PATH'"),
]


@pytest.mark.parametrize(("more", "said"), WRONG)
def test_settings_that_are_wrong_are_named(site: Callable[[str], None], more: str, said: str) -> None:
    site(more)
    scm.install(scm.command_line())
    with pytest.raises(LinsangError, match="the service Linsang is stopped"):
        scm.start()
    assert said in logged()


def other(folder: Path) -> Path:
    """Settings with another folder for what runs."""
    settings = folder / "other.toml"
    settings.write_text((SITE / "linsang.toml").read_text().replace("run'", "other'"))
    return settings


def pid_of(runtime: Path) -> int:
    return int((runtime / "lock").read_text())


def test_it_runs_answers_and_stops_while_an_output_is_dead(
    site: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """FAKE: event tracing. Nobody is behind that address (RFC 5737)."""
    site(f"[[output]]\nurl = 'syslog+tcp://192.0.2.1:601'\n[[output]]\nurl = 'file:{tmp_path.as_posix()}/alerts'\n")
    scm.install(subprocess.list2cmdline([sys.executable, "-I", "-c", FAKED]))
    try:
        scm.start()
    except LinsangError:
        pytest.fail(logged())
    status = ask_status(str(tmp_path / "run"))
    assert set(status["probes"].values()) == {"attached"}
    for command in (["doctor"], ["record", str(tmp_path / "events")], ["selftest", "--windows"]):
        assert main([*command, "--config", str(other(tmp_path))]) == 1
        said = capsys.readouterr()
        assert f"a sensor runs already on this machine (pid {pid_of(tmp_path / 'run')})" in said.out + said.err
    scm.reload()
    end = time.monotonic() + PATIENCE_S
    while "reloaded: 1 rules" not in logged():
        assert time.monotonic() < end
        time.sleep(0.05)
    begin = time.monotonic()
    scm.stop()
    assert time.monotonic() - begin < 20  # SERVICE_PRESHUTDOWN_INFO
    assert scm.exit_code() == 0
    assert "linsang: ready: 1 rules, 3 trace sessions" in logged()
    assert "linsang: stopped; 0 events lost" in logged()


def test_its_children_heed_no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PYTHONPATH": "x", "PythonHome": "y", "PATH": "z"})
    service_main._isolate_children()
    assert os.environ == {"PATH": "z", "PYTHONNOUSERSITE": "1"}


# ---- what it says ----

KINDS = [
    ("linsang: error: no room", 1),
    ("error: no sessions", 1),
    ("linsang: warning: it is slow", 2),
    ("linsang: left out: a rule", 2),
    ("linsang: ready: 3 rules", 4),
    ("linsang: stopped; 0 events lost, error: none", 4),
]


@pytest.mark.parametrize(("line", "kind"), KINDS)
def test_kinds(line: str, kind: int) -> None:
    assert event_source._kind_of(line) == kind


def test_a_log_that_grew_is_begun_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAKE: the event log; what it does not take is in the file."""
    events: list[str] = []
    monkeypatch.setattr(event_source.EventLog, "write", lambda self, line: events.append(line))
    path = tmp_path / "service.log"
    path.write_bytes(b"x" * ((1 << 20) + 1))
    log = ServiceLog()
    print("before there is a file", file=log)
    log.keep(path)
    print("whole\nha", end="", file=log)
    print("lf \ud800é", file=log)
    print("", file=log)
    log.close()
    assert (tmp_path / "service.log.1").stat().st_size == (1 << 20) + 1
    assert [line.partition(" ")[2] for line in path.read_text("utf-8").splitlines()] == ["whole", "half \\ud800é"]
    assert events == ["before there is a file", "whole", "half \ud800é"]


def test_the_settings_that_are_written_are_read(tmp_path: Path) -> None:
    assert config.parse(service._SETTINGS, "x").windows == config.Windows()
