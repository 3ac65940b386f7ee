"""What is said of Windows to its users: that it never ran there, what is simulated, and by what."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
FAKES = sorted(path.name for path in (ROOT / "tests" / "windows").glob("fake_*.py"))


def row(name: str) -> str:
    """Of the table in its section on Windows."""
    section = README.partition("\n## Windows\n")[2].partition("\n## ")[0]
    (line,) = (line for line in section.splitlines() if line.startswith(f"| {name}"))
    return line


def test_that_it_never_ran_stands_first() -> None:
    section = README.partition("\n## Windows\n")[2]
    assert section.startswith("**Nothing of this sensor has ever run on real Windows**")


@pytest.mark.parametrize("fake", FAKES)
def test_what_is_scripted_is_not_called_verified(fake: str) -> None:
    assert fake in row("simulated")
    assert "FAKE, and named so" in (ROOT / "tests" / "windows" / fake).read_text()


@pytest.mark.parametrize("words", ["accepts the sessions", "events come", "are lost", "cost", "catalogs"])
def test_what_only_windows_can_show_is_called_unverified(words: str) -> None:
    assert words in row("unverified")


def test_what_users_can_run_there_is_called_unexecuted() -> None:
    assert "it has never been executed" in README
    assert (ROOT / "packaging" / "windows" / "windows-latest.yml").read_text().startswith("# UNEXECUTED: ")
