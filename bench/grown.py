"""Ten times the rules: copies of real ones with other names and other literals, to see what more rules cost.

A literal keeps its shape: each of its letters becomes another one that is about as frequent in rules, so that copies
look for texts which are as likely to be nearly there as the rules' own. What is no plain text (regexes, addresses,
placeholders, references to fields) stays, and so does the kind of file at the end of a name: nine copies of "everything
but .exe" would each find every event.
"""

from __future__ import annotations

import re
import shutil
import uuid
from pathlib import Path
from typing import Any

import yaml

from bench.builds import BUILT
from sensor.progress import Progress

CLASSES = (
    "aeiou",
    "tnshrdl",
    "cmpbgfwvkyjxqz",
)  # letters of like frequency, of 5, 7 and 14: no two shifts up to 9 agree
KIND = re.compile(r"\.[A-Za-z]{2,4}$")
KEPT = {"re", "cidr", "expand", "fieldref", "exists"}
MARK = "c0b1e50"  # what the ids of copies begin with


def is_copy(rule_id: str) -> bool:
    return rule_id.startswith(MARK)


def _letters(copy: int) -> dict[int, int]:
    table: dict[int, int] = {}
    for letters in CLASSES:
        shifted = letters[copy % len(letters) :] + letters[: copy % len(letters)]
        table |= str.maketrans(letters + letters.upper(), shifted + shifted.upper())
    return table


def _changed(value: Any, letters: dict[int, int]) -> Any:
    if isinstance(value, str):
        kind = KIND.search(value)
        end = kind.start() if kind else len(value)
        return value[:end].translate(letters) + value[end:]
    if isinstance(value, list):
        return [_changed(one, letters) for one in value]
    if isinstance(value, dict):
        return {
            name: one if KEPT & set(str(name).split("|")[1:]) else _changed(one, letters) for name, one in value.items()
        }
    return value


def copied(rule: dict[str, Any], copy: int) -> dict[str, Any]:
    """The rule under another id and title, looking for other literals. `copy` from 1 to 9."""
    letters = _letters(copy)
    detection = {
        name: part if name in {"condition", "timeframe"} else _changed(part, letters)
        for name, part in rule["detection"].items()
    }
    own = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{rule['id']} {copy}"))
    return {**rule, "id": MARK + own[len(MARK) :], "title": f"{rule['title']} {copy}", "detection": detection}


def folder(rules: Path, copies: int) -> Path:
    """The rules of a folder and so many copies of each, as a folder of its own. Made once."""
    made = BUILT / "rules" / f"{rules.name}-and-{copies}"
    if made.exists():
        return made
    partial = made.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    files = sorted(rules.glob("*.yml"))
    with Progress("copying rules", len(files)) as progress:
        for done, file in enumerate(files):
            shutil.copyfile(file, partial / file.name)
            rule = yaml.load(file.read_bytes(), yaml.CSafeLoader)
            for copy in range(1, copies + 1):
                text = yaml.dump(copied(rule, copy), Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False)
                (partial / f"{file.stem}-{copy}.yml").write_text(text, encoding="utf-8")
            progress.update(done + 1)
    partial.rename(made)
    return made
