"""The index of a route: the scans of native/rule_index.h, made of its rules' witnesses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sensor.compiler.ir import Op
from sensor.compiler.pairs import pairs_of
from sensor.compiler.sample import grams
from sensor.compiler.witness import Literal

WHOLE, NAME, START, END, GRAMS, FIND = range(1, 7)  # enum sn_scan_kind
WIDTHS = range(3, 5)  # of windows; literals that are not longer than the narrowest are short
EDGE = 8  # SN_EDGE: bytes at an end of the text that are looked up at most
FILTER_BITS = range(1, 15)  # SN_FILTER_BITS_MIN .. SN_FILTER_BITS_MAX
_COMMON = 4  # what a window in the sample weighs, beside one in a literal
_SPARSE = 2  # keys for each word of a filter
BUCKET_BITS_MAX = 20  # SN_BUCKET_BITS_MAX
_STRIDES = (16, 8, 4, 2)
_FEW = 6  # literals up to which a search for each costs less than a look at every place
_FEW_SHORT = 16  # the same of short ones
_WORD = 0xFFFFFFFFFFFFFFFF


@dataclass(frozen=True)
class Entry:
    """A literal, how it is found, and the rules (by their numbers in the route) that it is a witness of."""

    key: int
    hash: int
    literal: Literal
    at: int
    rules: tuple[int, ...]


@dataclass(frozen=True, order=True)
class Place:
    """Where a scan looks for literals; `stride` of GRAMS."""

    field: str
    kind: int
    width: int = 0
    stride: int = 0
    wide: bool = False


@dataclass(frozen=True)
class Scan:
    """The entries of one place, by bucket."""

    place: Place
    filter_bits: int
    bucket_bits: int
    entries: tuple[Entry, ...]

    def filter(self) -> bytes:
        """See struct sn_scan."""
        words = [0] * (1 << self.filter_bits)
        for entry in self.entries:
            words[entry.hash >> (32 - self.filter_bits)] |= 1 << (entry.hash >> 12 & 63) | 1 << (entry.hash >> 6 & 63)
        return b"".join(word.to_bytes(8, "little") for word in words)

    def buckets(self) -> list[int]:
        """Where each bucket begins in `entries`, and where the last ends."""
        sizes = Counter(entry.hash >> (32 - self.bucket_bits) for entry in self.entries)
        starts = [0]
        for bucket in range(1 << self.bucket_bits):
            starts.append(starts[-1] + sizes[bucket])
        return starts


def hash_of(text: bytes) -> int:
    """As native/rule_index.c."""
    first, last = (int.from_bytes(part, "little") for part in (text[:8], text[-8:]))
    value = (first * 0x9E3779B97F4A7C15 & _WORD) ^ ((last + len(text)) * 0xC2B2AE3D27D4EB4F & _WORD)
    return ((value ^ value >> 32) & 0xFFFFFFFF) * 0x9E3779B1 & 0xFFFFFFFF


def hash_of_gram(gram: int) -> int:
    """As native/rule_index.c."""
    return gram * 0x9E3779B1 & 0xFFFFFFFF


def _raw(literal: Literal) -> bytes:
    return literal.text.encode("utf-8", "surrogateescape")


def _name(literal: Literal) -> bytes:
    """What stands behind the last slash; empty when there is none, or nothing behind it."""
    raw = _raw(literal)
    cut = max(raw.rfind(b"/"), raw.rfind(b"\\"))
    return raw[cut + 1 :] if cut >= 0 else b""


def _is_wide(literal: Literal) -> bool:
    return not literal.text.isascii()


def _place(literal: Literal) -> Place:
    """Where the literal is found. Of what may stand anywhere: `width` 0, or that of a short one."""
    size = len(_raw(literal))
    if literal.op is Op.EQUALS:
        return Place(literal.field, WHOLE)
    if literal.op is Op.ENDSWITH:
        return Place(literal.field, NAME) if _name(literal) else Place(literal.field, END, min(EDGE, size))
    if literal.op is Op.STARTSWITH:
        return Place(literal.field, START, min(EDGE, size))
    return Place(literal.field, GRAMS, size if size <= WIDTHS[0] else 0, 0, _is_wide(literal))


def _how_to_find(place: Place, found: Mapping[Literal, object]) -> Place:
    """A search for each of few literals; else windows, as far apart as the shortest literal allows."""
    if len(found) <= (_FEW_SHORT if place.width else _FEW):
        return Place(place.field, FIND, 0, 0, place.wide)
    if place.width:
        return Place(place.field, GRAMS, place.width, 1, place.wide)
    shortest = min(len(_raw(literal)) for literal in found)
    stride = next(s for s in _STRIDES if WIDTHS[0] + s - 1 <= shortest)
    return Place(place.field, GRAMS, min(shortest - stride + 1, WIDTHS[-1]), stride, place.wide)


def _windows(raw: bytes, place: Place, used: Mapping[bytes, int]) -> list[int]:
    """Places in the literal whose windows are looked up, one for each remainder by the stride, so that the scan meets
    one of them: those that ordinary text and the other literals have least."""
    common = grams(place.width)

    def rank(at: int) -> int:
        window = raw[at : at + place.width]
        return _COMMON * common[window] + used[window]

    last = len(raw) - place.width
    return [min(range(first, last + 1, place.stride), key=rank) for first in range(place.stride)]


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


def _keys(literal: Literal, place: Place, used: Mapping[bytes, int]) -> list[tuple[int, int, int]]:
    """(key, hash, at) of each entry that the literal needs."""
    raw, width = _raw(literal), place.width
    if place.kind in (WHOLE, NAME):
        hashed = hash_of(raw if place.kind == WHOLE else _name(literal))
        return [(hashed, hashed, 0)]
    if place.kind == FIND:
        first, second = pairs_of(raw)
        return [(first | second << 16, 0, 0)]
    if place.kind in (START, END):
        hashed = hash_of(raw[:width] if place.kind == START else raw[-width:])
        return [(hashed, hashed, 0)]
    grams_at = [(int.from_bytes(raw[at : at + width], "little"), at) for at in _windows(raw, place, used)]
    return [(gram, hash_of_gram(gram), at) for gram, at in grams_at]


def _scan(place: Place, rules_of: Mapping[Literal, Sequence[int]]) -> Scan:
    used: Counter[bytes] = Counter()
    for literal in rules_of if place.kind == GRAMS else ():
        raw = _raw(literal)
        used.update({raw[at : at + place.width] for at in range(len(raw) - place.width + 1)})
    entries = [
        Entry(key, hashed, literal, at, tuple(rules))
        for literal, rules in rules_of.items()
        for key, hashed, at in _keys(literal, place, used)
    ]
    filter_bits = min(max(_bits(-(-len(entries) // _SPARSE)), FILTER_BITS[0]), FILTER_BITS[-1])
    bucket_bits = min(_bits(len(entries)), BUCKET_BITS_MAX)
    entries.sort(key=lambda entry: entry.hash)
    return Scan(place, filter_bits, bucket_bits, tuple(entries))


def scans(witnesses: Sequence[tuple[Literal, ...] | None]) -> tuple[list[Scan], list[int]]:
    """The scans for rules with these witnesses, and the numbers of the rules that have none."""
    places: dict[Place, dict[Literal, list[int]]] = {}
    for number, witness in enumerate(witnesses):
        for literal in witness or ():
            places.setdefault(_place(literal), {}).setdefault(literal, []).append(number)
    final: dict[Place, dict[Literal, list[int]]] = {}
    for place, rules_of in sorted(places.items()):
        where = _how_to_find(place, rules_of) if place.kind == GRAMS else place
        final.setdefault(where, {}).update(rules_of)
    always = [number for number, witness in enumerate(witnesses) if witness is None]
    return [_scan(place, rules_of) for place, rules_of in final.items()], always
