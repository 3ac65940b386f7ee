"""The rule table as bytes: what the fuzzer of the verifier starts from, and what the verifier says no to.

The fuzzer's seed is a table with every operator, kept as bytes: WRITE_GOLDEN=1 writes it anew when the layout changes.
"""

import os
import struct
from pathlib import Path
from random import Random

import pytest
from random_rules import atom, condition

from sensor.compiler import Logsource, Rule, RuleInfo
from sensor.compiler.ir import Node, Op
from sensor.compiler.table import build
from sensor.errors import LinsangError
from sensor.native import Rules

SEED = Path(__file__).parent.parent / "native/seeds/rule_table/every-operator.tab"
SOURCES = (Logsource("windows", "process_creation"), Logsource("windows"), Logsource("", "", "x"))


@pytest.fixture(scope="module")
def table() -> bytes:
    random = Random(1)
    conditions: list[Node] = [condition(random) for _ in range(20)]
    while {a.op for a in conditions[20:]} != set(Op):  # type: ignore[union-attr]
        conditions.append(atom(random, ("A", "B", "*")))
    infos = (RuleInfo(str(n), str(n), "low", SOURCES[n % len(SOURCES)], "x.yml") for n in range(len(conditions)))
    rules = tuple(Rule(info, c) for info, c in zip(infos, conditions, strict=True))
    return build(rules).bytes


def test_the_fuzzer_has_a_table_of_this_layout(table: bytes) -> None:
    if os.environ.get("WRITE_GOLDEN"):
        SEED.parent.mkdir(exist_ok=True)
        SEED.write_bytes(table)
    assert SEED.read_bytes() == table, "made by another compiler: WRITE_GOLDEN=1 writes it anew"


REFUSED = [
    ("not a rule table", 0, b"X"),
    ("another version", 8, struct.pack("<I", 99)),
    ("cut off or too long", 16, struct.pack("<Q", 12)),
    ("number of sections", 12, struct.pack("<I", 1 << 30)),
    ("bounds of section", 32, struct.pack("<Q", 1 << 40)),
]


@pytest.mark.parametrize(("why", "at", "bytes_"), REFUSED, ids=[row[0] for row in REFUSED])
def test_says_what_is_wrong(table: bytes, why: str, at: int, bytes_: bytes) -> None:
    broken = table[:at] + bytes_ + table[at + len(bytes_) :]
    with pytest.raises(LinsangError, match=why):
        Rules(broken)


def test_every_cut_is_refused(table: bytes) -> None:
    for size in range(0, len(table), 997):
        with pytest.raises(LinsangError):
            Rules(table[:size])
