"""The child that looks into Windows programs: an empty line once it can; then a path a line on standard input, what was
found a line on its output.

A process of its own, because libraries read there what an attacker wrote: it may take long or much memory, or end.
inspector.py starts it, and ends it when it takes too long.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any, BinaryIO

from sensor.enrich import authenticode
from sensor.enrich.authenticode import Signature
from sensor.enrich.inspector import NAMES, SIGNED_NAMES, is_program
from sensor.priority import lower_process

MEMORY_MAX = 1 << 30  # bytes of address space
SIZE_MAX = 512 << 20  # of a file


def inspect(path: str) -> dict[str, Any]:
    """`fields` under Sysmon's names, `unknown` those that could not be found out, `why` not. A file that is no program
    has digests and perhaps a signature."""
    from sensor.enrich import pe  # noqa: PLC0415 - main says what to do where its library is missing

    try:
        with open(path, "rb") as file:
            if file.seek(0, 2) > SIZE_MAX:
                return _nothing(f"larger than {SIZE_MAX >> 20} MiB")
            fields = pe.described(file) if is_program(file) else pe.digests(file)
            signature = _signature(path, file)
    except (OSError, ValueError, MemoryError, RecursionError) as error:
        return _nothing(str(error) or type(error).__name__)
    unknown = [] if signature.signed is not None else list(SIGNED_NAMES)
    return {"fields": fields | signature.fields, "unknown": unknown, "why": signature.why}


def _signature(path: str, file: BinaryIO) -> Signature:
    """By Windows where this is one. What a library thinks of a damaged file is no answer."""
    try:
        if sys.platform == "win32":
            from sensor.enrich import wintrust  # noqa: PLC0415 - of Windows only

            return wintrust.signature(path, file)
        file.seek(0)
        return authenticode.embedded(file)
    except Exception as error:
        return Signature(why=f"{type(error).__name__}: {error}")


def _nothing(why: str) -> dict[str, Any]:
    return {"fields": {}, "unknown": [*NAMES, *SIGNED_NAMES], "why": why}


def _bound_memory() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - of POSIX only

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))


def _begin() -> None:
    """Imports what looks into files, then says so with an empty line: that is no file's time."""
    with suppress(ImportError):
        from sensor.enrich import pe  # noqa: F401, PLC0415

        if sys.platform != "win32":
            authenticode.library()
    print(flush=True)


def main() -> None:
    """Until standard input ends."""
    lower_process()
    _bound_memory()
    _begin()
    for line in sys.stdin.buffer:
        try:
            answer = json.dumps(inspect(json.loads(line)))
        except ImportError as error:
            answer = json.dumps(_nothing(f"{error}: pip install 'linsang[pe]'"))
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
