"""The rule table as bytes: what the fuzzer of the verifier starts from, and what the verifier says no to.

The fuzzer's seed is a table with every operator, kept as bytes: WRITE_GOLDEN=1 writes it anew when the layout changes.
"""

import os
import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest
from random_rules import atom, condition

from sensor.compiler import Logsource, Rule, RuleInfo
from sensor.compiler.ir import Node, Op, Part
from sensor.compiler.marks import marks
from sensor.compiler.normal import All, Check, Leaf
from sensor.compiler.table import ANY, ROUTES, STEPS, TARGETS, build
from sensor.compiler.witness import Literal
from sensor.errors import LinsangError
from sensor.native import Rules

SEED = Path(__file__).parent.parent / "native/seeds/rule_table/every-operator.tab"
SOURCES = (Logsource("windows", "process_creation"), Logsource("windows"), Logsource("", "", "x"))
PLAIN: dict[str, Any] = {"cased": False, "flags": 0, "part": Part.MINUTE, "other": "", "form": Op.EQUALS}


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


def places(table: bytes, section: int, form: str) -> list[tuple[int, tuple[int, ...]]]:
    """Where each element of a section is, and its members."""
    for kind, count, offset, _ in struct.iter_unpack("<IIQQ", table[24 : 24 + 24 * 21]):
        if kind == section:
            size = struct.calcsize(form)
            return [(at, struct.unpack_from(form, table, at)) for at in range(offset, offset + count * size, size)]
    raise AssertionError(section)


def test_marks_are_of_the_routes(table: bytes) -> None:
    routes = [row for _, row in places(table, ROUTES, "<12I")]
    own = [(-(-(row[4] + row[6]) // 64) * 64, row[11]) for row in routes]
    steps = [(at, row[3]) for at, row in places(table, STEPS, "<IIII") if row[3] != ANY]
    assert {mark for _, mark in steps} == {first + i for first, count in own for i in range(count)}
    at, most = steps[0][0] + 12, max(first + count for first, count in own)
    for wrong in 0, 63, most:  # a rule, none of them, one too many
        with pytest.raises(LinsangError, match="mark of step"):
            Rules(table[:at] + struct.pack("<I", wrong) + table[at + 4 :])


def test_what_is_between_rules_and_marks_is_no_target(table: bytes) -> None:
    [first, *_] = [at for at, _ in places(table, TARGETS, "<I")]
    route = places(table, ROUTES, "<12I")[0][1]
    for wrong in route[4] + route[6], 63, 64 + route[11]:
        with pytest.raises(LinsangError, match="target of entry"):
            Rules(table[:first] + struct.pack("<I", wrong) + table[first + 4 :])
    Rules(table[:first] + struct.pack("<I", 64) + table[first + 4 :])


def test_a_test_whose_literals_are_looked_for_anyway_has_a_mark() -> None:
    def check(*values: str, **members: Any) -> Check:
        return Check("Image", Op.ENDSWITH, values, **{**PLAIN, **members})

    tests = [check("\\a.exe"), check("\\a.exe", "\\b.exe"), check("\\b.exe"), check("\\a.exe", cased=True)]
    tests.append(Check("*", Op.CONTAINS, ("\\a.exe",), **PLAIN))
    tree = All(tuple(Leaf(test, False) for test in tests))
    witness = [Literal("Image", Op.ENDSWITH, "\\a.exe"), Literal("*", Op.CONTAINS, "\\a.exe")]
    assert marks([tree], [(literal,) for literal in witness]) == {tests[0]: (witness[0],)}


def test_a_test_that_often_holds_has_a_mark_only_where_a_rule_is_found_by_it() -> None:
    often, rare = (Literal("Image", Op.ENDSWITH, text) for text in (".exe", "\\a.exe"))
    test = Check("Image", Op.ENDSWITH, (".exe",), **PLAIN)
    assert marks([Leaf(test, False)], [(often, rare)]) == {}
    assert marks([Leaf(test, False)], [(often,), (rare,)]) == {test: (often,)}


def test_every_cut_is_refused(table: bytes) -> None:
    for size in range(0, len(table), 997):
        with pytest.raises(LinsangError):
            Rules(table[:size])
