"""What it costs others to find nothing but the rules' literals in an event's texts: a floor, no engine."""

from __future__ import annotations

import importlib
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import corpus
from bench.builds import Unavailable, hyperscan_match
from bench.corpus import Definition
from bench.literals import fields, literals
from bench.matching import run_program

Figures = dict[str, float]


def _texts(definition: Definition, rules: Path) -> Iterator[str]:
    """An event's values of the fields that rules look at, as one line."""
    wanted = fields(rules)
    for line in corpus.events(definition["events"]).read_text().splitlines():
        event = json.loads(line)
        values = event.get("event", event)
        yield "\t".join(str(value) for name, value in values.items() if name in wanted).replace("\n", " ")


def hyperscan_floor(definition: Definition, _peer: Definition) -> Figures:
    """us an event by Hyperscan, called from C."""
    program = hyperscan_match()
    rules = corpus.rule_folder(definition)
    with tempfile.TemporaryDirectory(prefix="linsang-bench-") as folder:
        wanted, texts = Path(folder) / "literals", Path(folder) / "texts"
        wanted.write_text("".join(text.replace("\n", " ") + "\n" for text in literals(rules)))
        texts.write_text("".join(text + "\n" for text in _texts(definition, rules)))
        found = run_program([program, wanted, texts, str(definition["seconds"])])
    times = {f"{name}.us": found[name] / 1000 for name in ("mean", "p50", "p99", "p99.9", "max")}
    return {"literals": found["literals"], "found_an_event": found["found"], **times}


def ahocorasick_floor(definition: Definition, _peer: Definition) -> Figures:
    """us an event by pyahocorasick; what it finds is counted in Python."""
    try:
        module = importlib.import_module("ahocorasick")
    except ImportError:
        raise Unavailable("pyahocorasick is not installed") from None
    rules = corpus.rule_folder(definition)
    automaton = module.Automaton()
    for text in literals(rules):
        automaton.add_word(text.lower(), True)
    automaton.make_automaton()
    texts = [text.lower() for text in _texts(definition, rules)]
    begin = time.perf_counter()
    found = sum(1 for text in texts for _ in automaton.iter(text))
    mean = (time.perf_counter() - begin) / len(texts)
    return {"literals": len(automaton), "found_an_event": found / len(texts), "mean.us": mean * 1e6}
