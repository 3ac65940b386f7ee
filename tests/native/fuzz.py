"""make fuzz: every native fuzzer for so many seconds, from its seeds and the corpus that earlier runs found.

    python tests/native/fuzz.py --seconds 60 [NAME...]

The corpus and what breaks a fuzzer are kept in build/fuzz/NAME. Exit code 1 when one broke.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

import harness


def main() -> int:
    """Fuzzes one after the other; their output goes to the terminal."""
    parser = argparse.ArgumentParser(description="run the native fuzzers")
    parser.add_argument("--seconds", type=int, default=60, help="for each fuzzer")
    parser.add_argument("names", nargs="*", help="of fuzzers (fuzz_NAME.c); default all")
    options = parser.parse_args()
    sources = {source.stem.removeprefix("fuzz_"): source for source in harness.fuzzers()}
    if unknown := set(options.names) - sources.keys():
        parser.error(f"no such fuzzer: {', '.join(sorted(unknown))}; there are {', '.join(sources)}")
    broken = []
    for name in options.names or sources:
        folder = harness.ROOT / "build" / "fuzz" / name
        corpus = folder / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        program = harness.build_fuzzer(sources[name])
        seeds = harness.seeds(sources[name], folder)
        command = [str(program), str(corpus), *seeds, f"-max_total_time={options.seconds}"]
        print(f"fuzz {name}: {options.seconds} s", flush=True)
        if subprocess.run([*harness.RUNNER, *command], cwd=folder, env=harness.ENV, check=False).returncode:
            broken.append(name)
    if broken:
        print(f"broke: {', '.join(broken)}; the inputs are in build/fuzz/NAME", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
