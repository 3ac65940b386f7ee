"""The index of a route: the scans of native/rule_index.h, made of its rules' witnesses."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, chain, islice
from math import log2
from operator import itemgetter
from struct import Struct, iter_unpack
from typing import NamedTuple

from sensor.compiler.ir import KEYWORD, Op
from sensor.compiler.marks import Marks
from sensor.compiler.normal import Check
from sensor.compiler.sample import grams
from sensor.compiler.witness import Literal

WHOLE, NAME, GRAMS, SHORT = range(1, 5)  # enum sn_scan_kind
WIDTH = 4  # SN_WIDTH_MAX: bytes of a window
SHORT_MAX = 5  # SN_SHORT_MAX: bytes of a literal that is looked for by its first four
FILTER_BITS = range(5, 16)  # up to SN_FILTER_BITS_MAX; fewer keep too little away
_COMMON = 4  # what a window in the sample weighs, beside one in a literal
# words of a filter for each key where they are so few that all fit into 2 KiB; else one, more or less: twice as many
# keep a third of a first-level cache busy for less than they spare
_ROOMY, _SMALL_BITS = 8, 9
BUCKET_BITS_MAX = 20  # SN_BUCKET_BITS_MAX
_SHORT_FILTER_BITS, _SHORT_BUCKET_BITS = 5, 3  # SN_SHORT_FILTER_BITS, SN_SHORT_BUCKET_BITS
_NOT_SO_SHORT = 3  # bytes of a short literal that has its group with others of any such length
# Short literals of a field from which those that have a window are found by it, though all windows are then looked at:
# groups of so many meet too much. With the 80 of Windows' command lines an event took two thirds more instructions.
_SHORT_MANY = 24
_MANY = 6  # values from which a scan for all costs less than to compare them one by one
_STRIDE_MAX = 16
_TOGETHER = 4  # SN_WINDOWS_TOGETHER: strides up to this take eight windows at once,
_ALONE = 12  # and those from here on cost less one by one
_SWEPT_STRIDE = 6  # SN_SWEPT_STRIDE: all keywords are looked for at once
_PAIRED_MAX = 256  # bytes of a literal among which its rarest two are; struct sn_entry has a byte for where
_WINDOWED_MAX = 1 << 15  # bytes of a literal in which its window is; an entry says where in 16 bits
_WEIGHED_MAX = 10_000  # literals whose windows are counted
_ENTRIES_MAX = 1 << 17  # of a scan; more cost more time in their misses than a stride spares
_WORD, _WORD_BITS = 0xFFFFFFFFFFFFFFFF, 64
_LOWER = 0x2020202020202020


# How a literal is found: the hash of its window (or of itself), the window, the literal's number in its scan, and where
# in it the window stands. Plain, since there are some 100,000 of them.
Entry = tuple[int, int, int, int]


@dataclass(frozen=True, order=True)
class Place:
    """Where a scan looks for literals; `width` and `stride` of GRAMS."""

    field: str
    kind: int
    width: int = 0
    stride: int = 0
    wide: bool = False


@dataclass(frozen=True)
class Scan:
    """What is looked for in one place: literals, each with the rules (by their numbers in the route) that it is a
    witness of, and their entries by bucket."""

    place: Place
    filter_bits: int
    bucket_bits: int
    literals: tuple[tuple[Literal, Sequence[int]], ...]
    entries: tuple[Entry, ...]

    def filter(self) -> list[int]:
        """Its words: see native/text_windows.h, or native/text_quads.h."""
        if self.place.kind == SHORT:
            return _quads((found, self.literals[number][0]) for found, _, number, _ in self.entries)
        words, shift = [0] * (1 << self.filter_bits), 32 - self.filter_bits
        for found, *_ in self.entries:
            words[found >> shift] |= 1 << (found >> 12 & 31) | 1 << (found >> 7 & 31)
        return words

    def buckets(self) -> list[int]:
        """Where each bucket begins in `entries`, and where the last ends."""
        sizes, shift = [0] * (1 << self.bucket_bits), 32 - self.bucket_bits
        for found, *_ in self.entries:
            sizes[found >> shift] += 1
        return list(accumulate(sizes, initial=0))


def hash_of(text: bytes) -> int:
    """As native/scan.c."""
    first, last = (int.from_bytes(part, "little") | _LOWER for part in (text[:8], text[-8:]))
    value = (first * 0x9E3779B97F4A7C15 & _WORD) ^ ((last + len(text)) * 0xC2B2AE3D27D4EB4F & _WORD)
    return ((value ^ value >> 32) & 0xFFFFFFFF) * 0x9E3779B1 & 0xFFFFFFFF


def hash_of_gram(gram: int) -> int:
    """As native/text_windows.h."""
    return (gram | _LOWER & 0xFFFFFFFF) * 0x9E3779B1 & 0xFFFFFFFF


def _quads(hashed: Iterable[tuple[int, Literal]]) -> list[int]:
    """struct sn_quads of these literals, as words."""
    low, high = ([bytearray(16) for _ in range(WIDTH)] for _ in range(2))
    for found, literal in hashed:
        raw, bit = _raw(literal), 1 << (found >> (32 - _SHORT_BUCKET_BITS))
        for at in range(WIDTH):
            for byte in raw[at : at + 1] or range(256):
                low[at][byte & 15] |= bit
                high[at][byte >> 4] |= bit
    return [number for half in (*low, *high) for (number,) in iter_unpack("<I", half)]


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
    """Where the literal is found; of GRAMS the stride is settled later."""
    size = len(_raw(literal))
    if literal.op is Op.EQUALS:
        return Place(literal.field, WHOLE)
    if literal.op is Op.ENDSWITH and _name(literal):
        return Place(literal.field, NAME)
    if not _is_wide(literal):
        return Place(literal.field, GRAMS, WIDTH) if size > SHORT_MAX else Place(literal.field, SHORT)
    return Place(literal.field, GRAMS, min(size, WIDTH), 0, True)


def _with_stride(place: Place, found: Collection[Literal]) -> Place:
    """Windows as far apart as the shortest literal allows, and as there is room: each literal has `stride` of them."""
    shortest = min(len(_raw(literal)) for literal in found)
    stride = max(min(shortest - place.width + 1, _STRIDE_MAX, _ENTRIES_MAX // len(found)), 1)
    if place.field == KEYWORD:
        stride = min(stride, _SWEPT_STRIDE)
    elif _TOGETHER < stride < _ALONE:
        stride = _TOGETHER
    return Place(place.field, GRAMS, place.width, stride, place.wide)


@cache
def _words(count: int) -> Struct:
    return Struct(f"<{count}I")


def _windows(raw: bytes, width: int) -> list[int]:
    """The numbers that each run of `width` bytes is, the first byte the lowest."""
    if width != WIDTH:
        return [int.from_bytes(raw[at : at + width], "little") for at in range(len(raw) - width + 1)]
    windows = [0] * (len(raw) - width + 1)
    for first in range(min(WIDTH, len(windows))):  # every fourth at once
        windows[first::WIDTH] = _words((len(raw) - first) // WIDTH).unpack_from(raw, first)
    return windows


@cache
def _common(width: int) -> Mapping[int, int]:
    """What the windows of ordinary text weigh."""
    return {int.from_bytes(gram, "little"): _COMMON * times for gram, times in grams(width).items()}


def _weights(windows: Iterable[list[int]], width: int) -> Counter[int]:
    """How much each window speaks against itself: ordinary text or other literals have it too. Of very many literals,
    the first tell."""
    weights = Counter(chain.from_iterable(map(set, islice(windows, _WEIGHED_MAX))))
    common = _common(width)
    for window in weights.keys() & common.keys():
        weights[window] += common[window]
    return weights


def _looked_up(literal: Literal, stride: int, weights: Sequence[int]) -> list[int]:
    """Places in the literal whose windows, which have these weights, are looked up: one for each remainder by the
    stride, so that the scan meets one of them. Where the text has to begin with it, the scan meets it at 0."""
    places = []
    for first in range(1 if literal.op is Op.STARTSWITH else stride):
        if first + stride >= len(weights):
            places.append(first)
            continue
        # of equals the last: what literals have in common, as a hash's name, stands before what tells them apart
        every = weights[first::stride]
        places.append(first + stride * (len(every) - 1 - every[::-1].index(min(every))))
    return places


def rare_pairs(literals: Iterable[Literal]) -> list[int]:
    """Where in each of them two bytes stand that ordinary text has least, if possible those that others have, too."""
    every = [_windows(_raw(literal)[:_PAIRED_MAX], 2) for literal in literals]
    shared, common = Counter(chain.from_iterable(map(set, every))), _common(2)

    def rank(pair: int) -> tuple[int, int]:
        hexadecimal = all(byte in b"0123456789abcdef" for byte in pair.to_bytes(2, "little"))
        return common.get(pair, 0) + hexadecimal * _COMMON, -shared[pair]

    def rarest(pairs: list[int]) -> int:
        ranks = list(map(rank, pairs))
        return ranks.index(min(ranks)) if ranks else 0

    return list(map(rarest, every))


def _bits(count: int) -> int:
    return max(1, (count - 1).bit_length())


def _key(literal: Literal, place: Place) -> int:
    """The hash by which a literal outside of GRAMS and SHORT is found."""
    return hash_of(_raw(literal) if place.kind == WHOLE else _name(literal))


def _grouped(raws: Sequence[bytes]) -> list[Entry]:
    """Short literals by group: those of one byte, those of two, since with them in it a group of others would meet half
    of all text; then those that begin alike."""
    entries, first, groups = list[Entry](), 0, 1 << _SHORT_BUCKET_BITS
    for size in range(1, _NOT_SO_SHORT + 1):
        own = sorted((raw, number) for number, raw in enumerate(raws) if min(len(raw), _NOT_SO_SHORT) == size)
        some = min(1 if size < _NOT_SO_SHORT else groups - first, len(own))
        for at, (raw, number) in enumerate(own):
            group = first + at * some // len(own)
            entries.append((group << 32 - _SHORT_BUCKET_BITS, int.from_bytes(raw[:WIDTH], "little"), number, 0))
        first += some
    return entries


def _entries(place: Place, literals: Collection[Literal]) -> list[Entry]:
    if place.kind == SHORT:
        return _grouped(list(map(_raw, literals)))
    if place.kind != GRAMS:
        keys = [_key(literal, place) for literal in literals]
        return [(key, key, number, 0) for number, key in enumerate(keys)]
    windows = [_windows(_raw(literal)[:_WINDOWED_MAX], place.width) for literal in literals]
    weight_of = _weights(windows, place.width).__getitem__
    entries = []
    for number, (literal, there) in enumerate(zip(literals, windows, strict=True)):
        for at in _looked_up(literal, place.stride, list(map(weight_of, there))):
            gram = there[at]
            entries.append((hash_of_gram(gram), gram, number, at))
    return entries


def _scan(place: Place, rules_of: Mapping[Literal, Sequence[int]]) -> Scan:
    literals = tuple(rules_of.items())
    entries = _entries(place, rules_of)
    small = min(_bits(_ROOMY * len(entries)), _SMALL_BITS)
    filter_bits = min(max(round(log2(len(entries))), small, FILTER_BITS[0]), FILTER_BITS[-1])
    bucket_bits = min(_bits(len(entries)), BUCKET_BITS_MAX)
    if place.kind == SHORT:
        filter_bits, bucket_bits = _SHORT_FILTER_BITS, _SHORT_BUCKET_BITS
    entries.sort(key=itemgetter(0))
    return Scan(place, filter_bits, bucket_bits, literals, tuple(entries))


Index = tuple[list[Scan], list[int]]


class Wanted(NamedTuple):
    """What the index of a route looks for: each rule's witness and veto, and the literals of tests with a mark."""

    found_by: Sequence[tuple[tuple[Literal, ...] | None, tuple[Literal, ...]]]
    marks: Marks


def mark_numbers(wanted: Wanted) -> Mapping[Check, int]:
    """The marks' numbers, from sn_route__mark on."""
    below = len(wanted.found_by) + sum(witness is None for witness, _ in wanted.found_by)
    return {check: number for number, check in enumerate(wanted.marks, -(-below // _WORD_BITS) * _WORD_BITS)}


def scans(wanted: Wanted) -> Index:
    """The scans, and the numbers of the rules that have no witness: the first of these is vetoed, in the scans, by the
    number that the last rule's number is followed by, and so on. Marks are set by their numbers."""
    always = [number for number, (witness, _) in enumerate(wanted.found_by) if witness is None]
    by_number = dict(enumerate(witness or () for witness, _ in wanted.found_by))
    by_number |= {len(wanted.found_by) + i: wanted.found_by[number][1] for i, number in enumerate(always)}
    by_number |= {number: wanted.marks[check] for check, number in mark_numbers(wanted).items()}
    places: dict[Place, dict[Literal, list[int]]] = {}
    for number, literals in by_number.items():
        for literal in literals:
            places.setdefault(_place(literal), {}).setdefault(literal, []).append(number)
    for place in [place for place, found in places.items() if place.kind == SHORT and len(found) >= _SHORT_MANY]:
        found = places.pop(place)
        for literal, numbers in found.items():
            where = place if len(_raw(literal)) < WIDTH else Place(place.field, GRAMS, WIDTH)
            places.setdefault(where, {})[literal] = numbers
    final: dict[Place, dict[Literal, list[int]]] = {}
    for place, rules_of in sorted(places.items()):
        where = _with_stride(place, rules_of) if place.kind == GRAMS else place
        final.setdefault(where, {}).update(rules_of)
    return [_scan(place, rules_of) for place, rules_of in final.items()], always


def list_scan(check: Check) -> tuple[tuple[str, ...], Scan | None]:
    """The values that are compared one by one, and a scan for the others where they are many."""
    every = [Literal(check.field, check.op, value) for value in check.values]
    listed: list[Literal] = []
    if check.op is Op.EQUALS:
        listed, place = every, Place(check.field, WHOLE)
    elif check.op is Op.ENDSWITH:
        listed, place = [literal for literal in every if _name(literal)], Place(check.field, NAME)
    elif check.op in (Op.CONTAINS, Op.STARTSWITH):
        sizes = [len(_raw(literal)) for literal in every]
        width = WIDTH if sum(size >= WIDTH for size in sizes) >= _MANY else max(1, min(sizes))
        listed = [literal for literal, size in zip(every, sizes, strict=True) if size >= width]
        # every place, though longer ones would allow fewer: run seldom, it had better be small (every fourth: two or
        # three per cent fewer instructions an event, a tenth more table)
        place = Place(check.field, GRAMS, width, 1, all(map(_is_wide, listed)))
    if len(listed) < _MANY:
        return check.values, None
    found = {literal.text for literal in listed}
    return tuple(value for value in check.values if value not in found), _scan(place, dict.fromkeys(listed, ()))
