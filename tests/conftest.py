"""For all tests."""

from pathlib import Path

import pytest
from hypothesis import settings

KERNEL = Path(__file__).parent / "kernel"

# A deadline is a timing assertion: it fails where the machine is busy, and says nothing of the code.
settings.register_profile("linsang", deadline=None)
settings.load_profile("linsang")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where the kernel's tests alone are asked for, no others are read: that takes as long as some of them."""
    other = collection_path.parent == KERNEL.parent and collection_path.is_dir() and collection_path != KERNEL
    return True if other and config.option.markexpr == "kernel" else None
