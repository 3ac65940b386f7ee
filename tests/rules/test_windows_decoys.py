"""Exceptions of rules look at what is run: their words behind an attack's own arguments hide nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from shipped import ROOT, searches, shipped

from sensor.compiler import compile_table, load_rules
from sensor.native import Engine, Rules

LOUD = {"medium", "high", "critical"}
SYSTEM = "C:\\Windows\\System32\\"
ROWS = ROOT / "tests" / "rows" / "red_team_windows.tsv"
# What is given to a shell as text is another text with something behind it; so is an archive of arguments.
TEXT = re.compile(r"^\W*(cmd|%comspec%|powershell|pwsh|wmic|bash|wsl|conhost)", re.IGNORECASE)


def words() -> set[str]:
    """What exceptions of rules on processes look for in command lines."""
    found = set[str]()
    for item in shipped():
        if item.rule["logsource"] != {"category": "process_creation", "product": "windows"}:
            continue
        for name, detection in item.rule["detection"].items():
            for part in detection if isinstance(detection, list) else [detection]:
                for search in searches(part) if name.startswith("filter") else ():
                    if search in {"CommandLine|contains", "CommandLine|endswith"}:
                        found |= {part[search]} if isinstance(part[search], str) else set(part[search])
    return {word.replace("\\\\", "\\") for word in found}


def attacks() -> Iterator[str]:
    for row in ROWS.read_text().splitlines():
        if row.endswith("\talert") and not TEXT.match(row):
            yield row.split("\t", maxsplit=1)[0]


@pytest.fixture(scope="module")
def loud() -> Iterator[tuple[Engine, set[int]]]:
    """An engine, and which of its rules count."""
    compiled = compile_table(load_rules([ROOT / "rules" / "windows"]))
    with Engine(alert_bytes=1 << 22) as engine:
        engine.swap_rules(Rules(compiled.bytes))
        yield engine, {number for number, rule in enumerate(compiled.rules) if rule.level in LOUD}


def heard(loud: tuple[Engine, set[int]], line: str) -> bool:
    engine, counted = loud
    name = re.split(r"[ /]", line.strip('"').replace("/", " "), maxsplit=1)[0].lower().rpartition("\\")[2].strip('"')
    image = SYSTEM + (name if name.endswith(".exe") else f"{name}.exe")
    event = {"Image": image, "CommandLine": line, "ParentImage": f"{SYSTEM}cmd.exe", "User": "CORP\\anna"}
    channel = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1}
    assert engine.feed_json(json.dumps(event | channel).encode())
    return any(frame.rule in counted for frame in engine.take())


def test_no_word_of_an_exception_hides_an_attack(loud: tuple[Engine, set[int]]) -> None:
    lines = [line for line in list(attacks())[::4] if heard(loud, line)]
    assert len(lines) >= 40
    hidden = {(line, word) for word in words() for line in lines if not heard(loud, f"{line} {word}")}
    assert hidden == set()
