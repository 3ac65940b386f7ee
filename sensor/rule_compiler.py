"""The child of sensor/loaded_rules.py: compiled rules onto standard output, from the cache or by compiling.

Standard input: JSON of {cache, paths, pipelines, expand}. Standard output: what RuleCache keeps.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from sensor.alert import rule_lines
from sensor.errors import LinsangError, Unsupported
from sensor.interruption import end_with_reader, take_up
from sensor.loaded_rules import FAILED, FAULT, INFO
from sensor.priority import lower_process
from sensor.progress import Progress, halves
from sensor.rule_cache import Compiled, RuleCache
from sensor.rule_files import Reading
from sensor.terminal import say


def compiled(paths: Sequence[Path], reading: Reading) -> Compiled:
    """The rules, by compiling. Unsupported without pySigma."""
    try:
        from sensor.compiler import compile_table, load_rules  # noqa: PLC0415 - not needed when the cache has it
    except ImportError as error:
        raise Unsupported(f"compiling rules without {error.name}", "pip install 'linsang[rules]'") from None
    with Progress("compiling rules") as progress:
        loading, compiling = halves(lambda done, total: progress.update(done, total=total))
        ruleset = load_rules(paths, loading, reading)
        made = compile_table(ruleset, compiling)
    faults = [{name: getattr(fault, name) for name in FAULT} for fault in ruleset.faults]
    rules = "".join(json.dumps([getattr(rule, name) for name in INFO]) + "\n" for rule in made.rules).encode()
    meta = {"fields": made.fields, "faults": faults}
    return Compiled(meta, len(made.rules), rules, rule_lines(made.rules), made.bytes)


def _keep(cache: RuleCache, key: str, content: bytes | None) -> None:
    """`content` None: it has it."""
    try:
        if content is not None:
            cache.keep(key, content)
        cache.remember(key)
    except OSError as error:
        where = error.filename2 or error.filename
        say(f"warning: compiled rules cannot be kept, every start compiles them: {where}: {error.strerror}")


def main() -> int:
    """Writes what is compiled to standard output; FAILED and the reason as JSON when there is nothing."""
    lower_process()
    gc.disable()  # a short life: looking for cycles among thousands of rules is a fifth of it
    asked = json.load(sys.stdin)
    paths = [Path(path) for path in asked["paths"]]
    reading = Reading(tuple(asked["pipelines"]), asked["expand"])
    try:
        cache = RuleCache(Path(asked["cache"]), paths, reading)
        key = cache.content_key()
        found = cache.by_content(key)
        content = found.pack() if found else compiled(paths, reading).pack()
        _keep(cache, key, content if found is None else None)
    except LinsangError as error:
        sys.stdout.write(json.dumps({"reason": error.reason, "remedy": error.remedy}))
        return FAILED
    sys.stdout.buffer.write(content)
    return 0


def _quietly() -> int:
    """main(), or 130 without a word after Ctrl-C: the parent, who heard it, too, says what there is to say. Out of an
    import it can come as any error."""
    heard = False

    def hear(*_: object) -> None:
        nonlocal heard
        heard = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    end_with_reader()
    try:
        take_up()
        return main()
    except BaseException:
        if heard:
            return 130
        raise


if __name__ == "__main__":
    raise SystemExit(_quietly())
