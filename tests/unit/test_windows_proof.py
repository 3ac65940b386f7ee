"""docs/windows-proof.md, and what it says of the package itself."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "windows-proof.md").read_text()
ROWS = [
    (number, cell.strip())
    for number, table in re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", PAGE, flags=re.M | re.S)
    for line in table.splitlines()
    if line.startswith("|") and not line.startswith(("| what |", "|---"))
    for cell in line.split("|")[2].split("<br>")
]


@pytest.mark.parametrize("shown_by", sorted({cell for _, cell in ROWS}))
def test_what_it_names_is_there(shown_by: str) -> None:
    path, _, test = shown_by.partition("::")
    assert (ROOT / path).is_file()
    if test:
        assert re.search(rf"^(?:    )?def {re.escape(test)}\(", (ROOT / path).read_text(), flags=re.M)


def test_each_requirement_has_rows() -> None:
    """Of section 5 of the facts that Windows was built by: sessions and core, then events, files and what users run."""
    numbers = [int(number) for number, _ in ROWS]
    assert set(numbers) >= set(range(1, 7))
    assert numbers == sorted(numbers)


def test_pywintrace_is_windows_alone() -> None:
    """On Linux its import fails, and another version would be another library: nobody looks after it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    asked = [one for one in [*project["dependencies"], *extras] if "pywintrace" in one]
    assert asked == ["pywintrace==0.2.0; sys_platform=='win32'"]


EVERYWHERE = ("account", "codes", "event_xml", "losses", "providers", "watch")


def test_what_is_data_imports_everywhere() -> None:
    imports = "; ".join(f"import sensor.windows.{name}" for name in EVERYWHERE)
    program = f"import sys; sys.modules['etw'] = None; {imports}"
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)
