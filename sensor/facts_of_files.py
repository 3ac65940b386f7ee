"""Who finds out facts of files for `linsang run`: opened before the source, so as to be there for its first event."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Protocol

from sensor.config import Config
from sensor.errors import LinsangError
from sensor.native import Engine
from sensor.terminal import say

_PACKAGES_S = 20.0  # 0.5 s of work at the first start, 15 measured among eight other busy programs


class Answering(Protocol):
    """A running enrich.service.Enrichment. `failure`: why it answers no more."""

    @property
    def failure(self) -> str: ...
    def counters(self) -> dict[str, int]: ...


if sys.platform == "win32":
    from sensor.enrich.images import Images
    from sensor.enrich.inspector import Inspector
    from sensor.enrich.programs import grammar_names
    from sensor.enrich.windows_places import installed, place

    Looking = Callable[[Engine], AbstractContextManager[Answering]]

    @contextmanager
    def opened_facts(config: Config, table: bytes | memoryview) -> Iterator[Looking | None]:
        """What programs say of themselves, and their signatures; packages and owners are Linux'. `table`: the rules',
        whose proxies are looked at before they are started. None, and said, without the library that reads them."""
        if find_spec("pefile") is None:
            say("facts of files will not be known: pip install 'linsang[pe]'")
            yield None
            return
        ahead = chain([sys.executable], installed(grammar_names(table, windows=True).numbers))
        with Inspector() as inspector:
            yield lambda engine: Images(engine, inspector, place, ahead)

    def answering(engine: Engine, facts: Looking, *, provenance: bool) -> AbstractContextManager[Answering]:
        """While it is entered, what `engine` asks of files is answered."""
        return facts(engine)

else:
    from sensor.enrich.facts import Facts
    from sensor.enrich.programs import grammar_names
    from sensor.enrich.service import Enrichment

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

    def answering(engine: Engine, facts: Facts, *, provenance: bool) -> AbstractContextManager[Answering]:
        """While it is entered, what `engine` asks of files is answered. `provenance`: who wrote them, too."""
        return Enrichment(engine, facts, provenance=provenance)
