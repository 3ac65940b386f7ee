"""The C matcher and the reference on random rules and random events: the same verdict for every pair.

As long as one likes, with other rules each time: python tests/unit/test_differential.py SECONDS [SEED]
"""

import json
import sys
import time
from random import Random
from typing import Any

import pytest
from native_records import exec_record
from random_rules import condition, event, text

from sensor.compiler import Logsource, Rule, RuleInfo, RuleSet, compile_table
from sensor.compiler.ir import Node
from sensor.native import Engine, Rules, lib
from sensor.reference import Truncated, judge

ROUNDS, RULES, EVENTS = 14, 150, 50  # 105,000 pairs
CUT_FIELDS = ("Image", "CommandLine", "CurrentDirectory")


def swap(engine: Engine, conditions: list[Node], source: Logsource) -> Rules:
    infos = [RuleInfo(str(n), f"rule {n}", "low", source, "x.yml") for n in range(len(conditions))]
    ruleset = RuleSet(tuple(Rule(info, c) for info, c in zip(infos, conditions, strict=True)), ())
    rules = Rules(compile_table(ruleset).bytes)
    engine.swap_rules(rules)
    return rules


def verdicts(engine: Engine) -> dict[int, bool | None]:
    """By rule, of the event that was fed last; False is left out."""
    return {frame.rule: True if frame.verdict == lib.SN_MATCH else None for frame in engine.take()}


def expected(conditions: list[Node], fields: dict[str, Any]) -> dict[int, bool | None]:
    judged = ((number, judge(condition, fields)) for number, condition in enumerate(conditions))
    return {number: verdict for number, verdict in judged if verdict is not False}


def compare_lines(random: Random) -> None:
    conditions = [condition(random) for _ in range(RULES)]
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 22, table_entries=64, table_bytes=1 << 16) as engine:
        route = swap(engine, conditions, Logsource("windows", "process_creation")).route("windows", "process_creation")
        for _ in range(EVENTS):
            fields = event(random)
            assert engine.feed_json(json.dumps(fields).encode(), route=route)
            assert verdicts(engine) == expected(conditions, fields), fields


def cut_record(random: Random) -> tuple[bytes, dict[str, Any]]:
    """An exec whose argv lost its middle, whose image and cwd their fronts; its fields. Characters are torn."""
    head, tail = (text(random, 20).encode() for _ in range(2))
    head, tail = head[: random.randint(0, len(head))], tail[random.randint(0, len(tail)) :]
    image, cwd = (text(random, 5).encode()[random.randint(0, 2) :] or b"x" for _ in range(2))
    flags = lib.SN_F_ARGV_TRUNCATED | lib.SN_F_IMAGE_TRUNCATED | lib.SN_F_CWD_TRUNCATED
    argv = head + tail or b"x"
    record = exec_record(
        image=image, cwd=cwd, argv=argv, pid=5, start=9, flags=flags, argv_head=len(head), argv_bytes=1 << 20
    )
    ends = (part.decode("utf-8", "surrogateescape") for part in (argv[: len(head)], argv[len(head) :]))
    fields = (Truncated("", part.decode("utf-8", "surrogateescape")) for part in (image, cwd))
    return record, dict(zip(CUT_FIELDS, (next(fields), Truncated(*ends), next(fields)), strict=True))


def compare_cut(random: Random) -> None:
    conditions = [condition(random, CUT_FIELDS) for _ in range(RULES)]
    with Engine(ring_bytes=1 << 17, alert_bytes=1 << 22, table_entries=64, table_bytes=1 << 16) as engine:
        swap(engine, conditions, Logsource("linux", "process_creation"))
        for _ in range(EVENTS):
            record, fields = cut_record(random)
            assert engine.feed(record)
            assert verdicts(engine) == expected(conditions, fields), fields


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_agrees_with_the_reference(seed: int) -> None:
    compare_lines(Random(seed))


@pytest.mark.parametrize("seed", range(2))
def test_agrees_on_what_is_cut(seed: int) -> None:
    compare_cut(Random(seed))


if __name__ == "__main__":
    end = time.monotonic() + float(sys.argv[1])
    first = seed = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns()
    while time.monotonic() < end:
        print(f"seed {seed}", end="\r", flush=True)  # stands in front of what does not agree
        compare_lines(Random(seed))
        compare_cut(Random(seed))
        seed += 1
    print(f"\n{(seed - first) * 2 * RULES * EVENTS:,} pairs agree")
