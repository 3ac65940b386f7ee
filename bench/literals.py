"""The plain texts that rules look for: for engines that find nothing but those, and for texts made of near-misses."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_NO_TEXT = {"re", "cidr", "expand", "fieldref", "exists", "base64", "base64offset", "wide", "gt", "gte", "lt", "lte"}
_FILLER = " "


def _items(part: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, value in part.items():
            if not _NO_TEXT & set(str(name).split("|")[1:]):
                yield from _items(value, str(name).split("|")[0])
    elif isinstance(part, list):
        for value in part:
            yield from _items(value, field)
    elif isinstance(part, str):
        yield field, part


def _searched(rules: Path) -> Iterator[tuple[str, str]]:
    """(field, text) of every plain text that the rules of a folder look for; keywords have the field ""."""
    for file in sorted(rules.glob("*.yml")):
        for name, part in yaml.load(file.read_bytes(), yaml.CSafeLoader)["detection"].items():
            if name not in {"condition", "timeframe"}:
                yield from _items(part)


def literals(rules: Path, field: str | None = None) -> list[str]:
    """What the rules of a folder look for (in `field` only), without wildcards, each once, sorted."""
    texts = (text for name, text in _searched(rules) if field in {None, name})
    return sorted({piece for text in texts for piece in re.split(r"(?<!\\)[*?]", text) if piece})


def fields(rules: Path) -> set[str]:
    """The fields that the rules of a folder look at for plain texts."""
    return {name for name, _ in _searched(rules) if name}


def _filled(pieces: list[str], size: int) -> str:
    """Pieces from all over the list, each as often as there is room."""
    whole = sum(map(len, pieces)) + len(pieces) * len(_FILLER)
    text = _FILLER.join(pieces[:: whole // size + 1]) + _FILLER
    return (text * (size // len(text) + 1)).encode()[:size].decode(errors="ignore")


@cache
def near_misses(rules: Path, field: str, size: int) -> dict[str, str]:
    """Texts of at most `size` bytes that come close to what the rules look for in `field`, by kind."""
    found = [text for text in literals(rules, field) if len(text) > 1]
    [(common, _)] = Counter(text[:4] for text in found).most_common(1)
    return {
        "whole": _filled(found, size),  # all literals: every rule is looked at more closely
        "no-end": _filled([text[:-1] for text in found], size),
        "no-begin": _filled([text[1:] for text in found], size),
        "other-middle": _filled([text[: len(text) // 2] + "~" + text[len(text) // 2 + 1 :] for text in found], size),
        "one-begin": (common * size)[:size],  # one common beginning over and over
        "one-letter": "a" * size,
        "marks": (string.punctuation * size)[:size],  # what regexes against obfuscation look for
        "dashes": _filled(["-e", "/e", "-c", "/c"], size),
    }
