"""Sigma's value modifiers: pySigma's, and those that the specification means otherwise.

| modifier | differs |
|---|---|
| windash | all five dashes in the pattern too; keeps `cased`; any number of dashes up to DASHES_MAX |
| wide, utf16le, utf16be, utf16 | any character, not only ASCII; the bytes are kept as such |
| base64, base64offset | of those bytes; a placeholder without a value is refused |
| cased | of a field reference too |
| fieldref | no wildcard and no escape: a name |
| startswith, endswith, contains | leave a regular expression as it is: lower.py anchors it |
"""

import re
from base64 import b64encode
from itertools import product
from typing import Any

from sigma.exceptions import SigmaValueError
from sigma.modifiers import (
    SigmaBase64Modifier,
    SigmaBase64OffsetModifier,
    SigmaCaseSensitiveModifier,
    SigmaContainsModifier,
    SigmaEndswithModifier,
    SigmaFieldReferenceModifier,
    SigmaModifier,
    SigmaRegularExpressionModifier,
    SigmaStartswithModifier,
    SigmaUTF16BEModifier,
    SigmaUTF16Modifier,
    SigmaWideModifier,
    SigmaWindowsDashModifier,
    modifier_mapping,
)
from sigma.policy.profiles import TrustedPolicy
from sigma.types import (
    SigmaCasedString,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaRegularExpression,
    SigmaString,
    SpecialChars,
)

DASHES = "-/\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}"
DASHES_MAX = 4  # in one value; every one of them multiplies its forms by five
_ANY = SpecialChars.WILDCARD_MULTI
_DASH = re.compile(rf"\B[{DASHES}]\b")  # where an option begins, not within a word or a path

StringOrOther = SigmaString | SigmaRegularExpression | SigmaFieldReference


def string_of(parts: list[Any], like: SigmaString | None = None) -> SigmaString:
    """The value with these parts; cased when `like` is."""
    return _made(parts, like)._merge_strs()


def _made(parts: list[Any], like: SigmaString | None) -> SigmaString:
    """The same of parts of which no two texts stand side by side."""
    kind = SigmaString if like is None or type(like) is SigmaString else SigmaCasedString
    value = kind.__new__(kind)  # its __init__ would parse a text
    value.original, value.s = "", parts
    return value


class _Windash(SigmaWindowsDashModifier):
    def modify(self, val: SigmaString) -> SigmaExpansion:
        pieces: list[list[Any]] = []
        dashes = 0
        for part in val.s:
            if not isinstance(part, str):
                pieces.append([part])
                continue
            begin = 0
            for match in _DASH.finditer(part):
                pieces += [[part[begin : match.start()]], list(DASHES)]
                begin = match.end()
                dashes += 1
            pieces.append([part[begin:]])
        if dashes > DASHES_MAX:
            forms = f"each of which has {len(DASHES)} forms"
            raise SigmaValueError(f"more than {DASHES_MAX} dashes in a value, {forms}; split it, with `all`")

        return SigmaExpansion([string_of([p for p in form if p != ""], val) for form in product(*pieces)])


def _encoded(val: SigmaString, encoding: str, front: str = "") -> SigmaString:
    """The text as bytes of another encoding; a byte that is no UTF-8 stands as the surrogate that stands for it."""
    parts = [
        part.encode(encoding).decode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in val.s
    ]
    return string_of([front, *parts] if front else parts, val)


class _Wide(SigmaWideModifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return _encoded(val, "utf-16le")


class _Utf16be(SigmaUTF16BEModifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return _encoded(val, "utf-16be")


class _Utf16(SigmaUTF16Modifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return _encoded(val, "utf-16le", front=b"\xff\xfe".decode("utf-8", "surrogateescape"))


def _octets(val: SigmaString) -> bytes:
    if not all(isinstance(part, str) for part in val.s):
        what = "wildcards" if val.contains_special() else "a placeholder that has no value"
        raise SigmaValueError(f"base64 of a text with {what}")
    return "".join(map(str, val.s)).encode("utf-8", "surrogateescape")


class _Base64(SigmaBase64Modifier):
    def modify(self, val: SigmaString) -> SigmaString:
        return string_of([b64encode(_octets(val)).decode()])


class _Base64Offset(SigmaBase64OffsetModifier):
    def modify(self, val: SigmaString) -> SigmaExpansion:
        raw = _octets(val)
        texts = [
            b64encode(b" " * shift + raw).decode()[self.start_offsets[shift] : self.end_offsets[(len(raw) + shift) % 3]]
            for shift in range(3)
        ]
        return SigmaExpansion([string_of([text] if text else []) for text in texts])


def _opened(val: StringOrOther, front: bool, behind: bool) -> StringOrOther:
    """With anything in front of it or behind it."""
    if isinstance(val, SigmaFieldReference):
        val.ends_with |= front
        val.starts_with |= behind
    if not isinstance(val, SigmaString):
        return val
    parts = list(val.s)
    if front and (not parts or parts[0] is not _ANY):
        parts.insert(0, _ANY)
    if behind and (not parts or parts[-1] is not _ANY):
        parts.append(_ANY)
    return _made(parts, val)


class _Contains(SigmaContainsModifier):
    def modify(self, val: StringOrOther) -> StringOrOther:
        return _opened(val, front=True, behind=True)


class _Startswith(SigmaStartswithModifier):
    def modify(self, val: StringOrOther) -> StringOrOther:
        return _opened(val, front=False, behind=True)


class _Endswith(SigmaEndswithModifier):
    def modify(self, val: StringOrOther) -> StringOrOther:
        return _opened(val, front=True, behind=False)


class _Fieldref(SigmaFieldReferenceModifier):
    def modify(self, val: SigmaString) -> SigmaFieldReference:
        if not all(isinstance(part, str) for part in val.s) or not val.s:
            raise SigmaValueError("fieldref takes the plain name of a field")
        return SigmaFieldReference("".join(map(str, val.s)))


class _Cased(SigmaCaseSensitiveModifier):
    """Of a field reference too; lower.py looks for the modifier itself there."""

    def modify(self, val: SigmaString | SigmaFieldReference) -> Any:
        return val if isinstance(val, SigmaFieldReference) else SigmaCasedString.from_sigma_string(val)


class _Regex(SigmaRegularExpressionModifier):
    """Checked by Python's parser here and by regex.py; pySigma's own choice writes to standard error."""

    def modify(self, val: SigmaString) -> SigmaRegularExpression:
        if self.applied_modifiers:
            raise SigmaValueError("re comes first")
        return SigmaRegularExpression(val if val.contains_placeholder() else val.original, policy=TrustedPolicy)


MODIFIERS: dict[str, type[SigmaModifier[Any, Any]]] = {
    **modifier_mapping,
    "base64": _Base64,
    "base64offset": _Base64Offset,
    "cased": _Cased,
    "contains": _Contains,
    "endswith": _Endswith,
    "fieldref": _Fieldref,
    "re": _Regex,
    "startswith": _Startswith,
    "utf16": _Utf16,
    "utf16be": _Utf16be,
    "utf16le": _Wide,
    "wide": _Wide,
    "windash": _Windash,
}
