"""The ids of alerts about the sensor are a promise: receivers build on them."""

from __future__ import annotations

from pathlib import Path

from sensor import health

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def test_documented_with_id_title_and_level() -> None:
    kinds = [value for value in vars(health).values() if isinstance(value, health.Health)]
    assert len(kinds) == 12
    text = OPERATIONS.read_text()
    assert all(f"| {kind.id} | {kind.title} | {kind.level} |" in text for kind in kinds)
