"""The C core's own tests: every test_*.c under gcc and clang with sanitizers, every fuzz_*.c for a fixed number of
runs. See harness.py."""

from __future__ import annotations

from pathlib import Path

import harness
import pytest

TEST_TIMEOUT = 240.0  # s; hanging, not slowness, is what it is to catch
FUZZ_RUNS = 50_000
FUZZ_S = 3


def tail(text: str) -> str:
    return text[-4000:]


PROGRAMS = [(source, by) for source in sorted(harness.HERE.glob("test_*.c")) for by in harness.compilers(source)]


@pytest.mark.parametrize(("source", "compiler"), PROGRAMS, ids=[f"{source.stem}-{by}" for source, by in PROGRAMS])
def test_program(source: Path, compiler: str) -> None:
    if not harness.compiler_version(compiler):
        pytest.skip(f"{compiler} is not installed")
    program = harness.build(source, compiler, harness.directive(source, "sanitize", "address,undefined"))
    result = harness.run(program, timeout=TEST_TIMEOUT)
    if result.returncode == harness.SKIPPED:
        pytest.skip(result.stdout.strip())
    assert result.returncode == 0, tail(result.stdout + result.stderr)


@pytest.mark.parametrize("source", harness.fuzzers(), ids=lambda path: path.stem)
def test_fuzz(source: Path, tmp_path: Path) -> None:
    if not harness.compiler_version("clang"):
        pytest.skip("clang is not installed")
    program = harness.build_fuzzer(source)
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    args = [str(corpus), *harness.seeds(source, tmp_path), f"-runs={FUZZ_RUNS}", "-seed=1", f"-max_total_time={FUZZ_S}"]
    result = harness.run(program, *args, timeout=TEST_TIMEOUT, cwd=tmp_path)
    assert result.returncode == 0, tail(result.stderr)
