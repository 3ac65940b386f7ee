"""Tests against the running kernel. Without root or BPF they are skipped, with the reason."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.append(str(HERE))

from ring_reader import Watch  # noqa: E402

from sensor.errors import Unsupported  # noqa: E402
from sensor.sources.kernel import open_kernel_source  # noqa: E402

LOAD = HERE / "load"
STATIC = {"nothing"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kernel)


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of the sensors that run as processes, too: the probes are compiled once."""
    return tmp_path_factory.getbasetemp() / "cache"


@pytest.fixture(scope="session")
def watch(cache_dir: Path) -> Iterator[Watch]:
    try:
        source = open_kernel_source(cache_dir=cache_dir)
    except Unsupported as e:
        pytest.skip(str(e))
    assert source.failed == {}
    watch = Watch(source)
    watch.learn_prefix()
    yield watch
    watch.close()


@pytest.fixture
def names_are_ours(watch: Watch) -> None:
    """Skips in a chroot: what the kernel names there is in no package, and rules about folders do not fit."""
    if watch.seen("/") != b"/":
        pytest.skip("in a chroot the kernel names files from another root than ours")


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The path of a load generator, built on first use from tests/kernel/load/NAME.c."""
    folder = tmp_path_factory.mktemp("load")

    def build(name: str) -> Path:
        made = folder / name
        if not made.exists():
            static = ["-static"] if name in STATIC else []
            flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", *static]
            subprocess.run(["gcc", *flags, str(LOAD / f"{name}.c"), "-o", str(made), "-lpthread"], check=True)
        return made

    return build
