"""What an administrator tries first: each command does something on Windows, or says what it does not."""

import shutil
import sys
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("commands on Windows: make test-windows", allow_module_level=True)

from sensor.cli import main
from sensor.paths import SITE

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
ROWS = [
    (["alerts", str(GOLDEN / "demo.alerts.ndjson")], 0, "uid 0 made find run the program wc through sh."),
    (["alerts", "no.json"], 1, "error: no.json: No such file"),
    (["tree", f"{GOLDEN / 'demo.alerts.ndjson'}:1"], 0, "find /etc"),
    (["tree", "4"], 1, "error: the tree of a process of Windows is not supported here; an alert's is: "),
    (["dump", str(GOLDEN / "demo.linsang")], 0, '"type":"exec"'),
    (["unwind", "--windows", "cmd /c rundll32 x.dll,y"], 0, "runs dll export: x.dll,y"),
    (["trust", sys.executable], 0, sys.executable),
    (["status"], 1, "error: no sensor runs in "),
    (["service", "status"], 1, "(error 1060); install it first: linsang service install"),
    (["service", "begin"], 2, "error: unknown action `begin`"),
    (["selftest", "--windows", "--list"], 0, "HKCU\\Software"),
    (["run", "--print-config"], 0, "[windows]"),
    (["rules", "list", "--rules", "none"], 1, "none: no such rule file or folder"),
    (["rnu"], 2, "error: unknown command `rnu`; did you mean `run`?"),
]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(SITE, ignore_errors=True)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("arguments", "code", "said"), ROWS, ids=[" ".join(row[0][:2]) for row in ROWS])
def test_commands(arguments: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    found = capfd.readouterr()
    assert said in found.out + found.err
    assert "defect" not in found.err
