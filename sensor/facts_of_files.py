"""Who finds out facts of files for `linsang run`: opened before the source, so as to be there for its first event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sensor.config import Config
from sensor.enrich.facts import Facts
from sensor.enrich.programs import grammar_names
from sensor.errors import LinsangError
from sensor.terminal import say

_PACKAGES_S = 20.0  # 0.5 s of work at the first start, 15 measured among eight other busy programs


@contextmanager
def opened_facts(config: Config, table: bytes | memoryview) -> Iterator[Facts | None]:
    """`table`: the rules'. None, and said, where what was seen cannot be kept."""
    try:
        facts = Facts(Path(config.paths.cache), Path(config.paths.state), grammar_names(table))
    except LinsangError as error:
        say(f"facts of files will not be known: {error}")
        yield None
        return
    with closing(facts):
        if not facts.await_packages(_PACKAGES_S):
            say("the lists of packages are still being read: whether a program is packaged is not known yet")
        yield facts
