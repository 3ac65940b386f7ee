"""Which pairs of neighbouring bytes a literal has: what lets the matcher see that a text does not contain it without
looking for it."""

from sensor.compiler.sample import grams

PAIRS, NONE = 4096, 0xFFFF  # SN_PAIRS, SN_PAIR_NONE
NO_PAIRS = (NONE, NONE)


def pairs_of(literal: bytes) -> tuple[int, int]:
    """The hashes, as native/atom_test.c makes them, of the two pairs that ordinary text has least; NONE where the
    literal has no more."""
    common = grams(2)
    found = {literal[at : at + 2] for at in range(len(literal) - 1)}
    rarest = sorted(found, key=lambda pair: (common[pair], pair))[:2]
    hashes = [(int.from_bytes(pair, "little") * 0x9E37 >> 4) % PAIRS for pair in rarest]
    first, second = (*hashes, NONE, NONE)[:2]
    return first, second
