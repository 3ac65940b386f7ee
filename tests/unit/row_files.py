"""Rows of tests/rows: columns between tabs, lines with # are comments."""

from pathlib import Path

_FOLDER = Path(__file__).parents[1] / "rows"


def rows(name: str) -> list[list[str]]:
    """The columns of each row of the file `name`."""
    lines = (_FOLDER / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]
