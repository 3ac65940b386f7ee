"""Files as Windows has them: what a FILE of the command line stands for, and one that somebody else writes."""

import sys
from pathlib import Path

import pytest

if sys.platform != "win32":
    pytest.skip("names and locks of Windows' files: make test-windows", allow_module_level=True)

from sensor.cli import main
from sensor.system import files, open_beside

NAMES = ["a.json", "b.json", "c [1].json", "d.txt"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(name).write_bytes(b"")
    Path("folder").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("*.json", NAMES[:3]),
        ("?.json", NAMES[:2]),
        ("c [1].*", NAMES[2:3]),
        ("A*", NAMES[:1]),
        ("x*", ["x*"]),
        ("a.json", NAMES[:1]),
        ("[ab].json", ["[ab].json"]),
        ("-", ["-"]),
        ("", [""]),
    ],
)
def test_what_a_pattern_stands_for(place: Path, given: str, found: list[str]) -> None:
    assert files(given) == found
    assert files(f"{place}\\{given}") == [f"{place}\\{name}" for name in found]


def test_a_command_takes_all_that_a_pattern_stands_for(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "*.json"]) == 0
    assert capfd.readouterr().out == "no alert, of 0 that were read\n"
    assert main(["alerts", "*.jsn"]) == 1
    assert "*.jsn: " in capfd.readouterr().err


def test_who_reads_is_in_nobodys_way(place: Path) -> None:
    with open("a.json", "rb", opener=open_beside) as file:
        Path("a.json").rename("a.json.1")
        Path("a.json.1").write_bytes(b"more")
        assert file.read() == b"more"
        Path("a.json.1").unlink()


@pytest.mark.parametrize(("name", "error"), [("nowhere", FileNotFoundError), ("folder", PermissionError)])
def test_what_cannot_be_read_is_said_as_by_open(place: Path, name: str, error: type[OSError]) -> None:
    said = []
    for opener in (None, open_beside):
        with pytest.raises(error) as caught:
            open(name, "rb", opener=opener)  # noqa: SIM115 - it is not opened
        said.append((caught.value.errno, caught.value.strerror))
    assert said[0] == said[1]
