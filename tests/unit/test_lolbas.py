"""docs/lolbas.md: current, and wide enough."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sensor.compiler.lolbas import WHY, all_seen, lacking, page, share

PAGE = Path(__file__).parents[2] / "docs" / "lolbas.md"
CORPUS = os.environ.get("LINSANG_CORPUS", "")
LEAST = 0.95

pytestmark = pytest.mark.skipif(not CORPUS, reason="LINSANG_CORPUS is not set")


def test_page_is_current() -> None:
    """Else: python -m sensor.compiler.lolbas > docs/lolbas.md."""
    assert PAGE.read_text() == page(all_seen(Path(CORPUS)))


def test_most_commands_are_covered() -> None:
    assert share(all_seen(Path(CORPUS))) >= LEAST


def test_each_that_is_not_says_why() -> None:
    assert lacking(all_seen(Path(CORPUS))) == set(WHY)
