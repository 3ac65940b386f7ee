"""Case folding is the same in C and in Python."""

from sensor.compiler.fold import fold_char
from sensor.native import ffi, lib


def test_every_character() -> None:
    table: dict[int, int] = {}
    number = 0
    while (run := lib.sn_fold__range(number)) != ffi.NULL:
        table.update((c, c + run.delta) for c in range(run.first, run.last + 1, run.step))
        number += 1
    beyond_ascii = (*range(0x80, 0xD800), *range(0xE000, 0x110000))
    assert [c for c in beyond_ascii if ord(fold_char(chr(c))) != table.get(c, c)] == []
