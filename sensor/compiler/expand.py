"""Texts of rules -> pySigma's values: wildcards, escapes, and the placeholders of the modifier expand."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

from sigma.types import Placeholder, SigmaExpansion, SigmaString, SpecialChars

from sensor.compiler.refused import Refused

FORMS_MAX = 100_000  # that the placeholders of one value may make of it
_WILDCARDS = {"*": SpecialChars.WILDCARD_MULTI, "?": SpecialChars.WILDCARD_SINGLE}
_SPECIAL = re.compile(r"\\([\\*?])|([*?])")
_MARK = re.compile(r"(\\%)|\\[\\*?]|%([^%\\]+)%")  # a backslash keeps a percent sign from opening a placeholder

Values = Mapping[str, Sequence[str]]  # placeholder -> what it stands for


def text_value(text: str) -> SigmaString:
    """The text of a rule as a value."""
    value = SigmaString.from_str(text)
    value.s = _parts(text)
    return value


def _parts(text: str) -> list[Any]:
    if not _SPECIAL.search(text):
        return [text] if text else []
    parts: list[Any] = []
    plain, begin = "", 0
    for match in _SPECIAL.finditer(text):
        plain += text[begin : match.start()] + (match[1] or "")
        begin = match.end()
        if match[2]:
            parts += [plain, _WILDCARDS[match[2]]] if plain else [_WILDCARDS[match[2]]]
            plain = ""
    plain += text[begin:]
    return [*parts, plain] if plain else parts


def expanded(text: str, values: Values, regex: bool) -> SigmaString | SigmaExpansion:
    """`text` with each %name% replaced by each of its values; a name that has none stays a placeholder. `regex`: text
    and values are pieces of a regular expression. Refused: more than FORMS_MAX forms."""
    pieces: list[Sequence[str | Placeholder]] = []
    begin = 0
    for match in _MARK.finditer(text):
        pieces.append([text[begin : match.start()]])
        begin = match.end()
        if match[2] is None:
            pieces.append(["%" if match[1] else match[0]])
        else:
            pieces.append(values.get(match[2]) or [Placeholder(match[2])])
    pieces.append([text[begin:]])
    if prod(map(len, pieces)) > FORMS_MAX:
        raise Refused(f"expand: the placeholders make more than {FORMS_MAX:,} values of `{text[:40]}`")
    forms = [_form(form, regex) for form in product(*pieces)]
    return forms[0] if len(forms) == 1 else SigmaExpansion(list(forms))


def _form(pieces: Iterable[str | Placeholder], regex: bool) -> SigmaString:
    pieces = list(pieces)
    value = SigmaString.from_str("".join(p if isinstance(p, str) else f"%{p.name}%" for p in pieces))
    parts: list[Any] = []
    for piece in pieces:
        parts += [piece] if isinstance(piece, Placeholder) or regex else _parts(piece)
    value.s = [part for part in parts if part != ""]
    return value._merge_strs()
