"""What Windows says of a provider's sessions, read as bytes."""

import struct
import sys
from collections.abc import Callable

import pytest

if sys.platform != "win32":
    pytest.skip("Windows' event tracing is not here: make test-windows", allow_module_level=True)

import ctypes

from sensor.windows import enabled

PROVIDER = "22fb2cd6-0e7b-422b-a0c7-2fad1fd0e716"
Answer = Callable[..., int]


def instance(*sessions: tuple[int, int, int, int], last: bool = True, on: int = 1, gap: int = 0) -> bytes:
    """Of (number, level, any, all); the next one is behind a gap."""
    enables = b"".join(struct.pack("<IBBHIIQQ", on, s[1], 0, s[0], 0, 0, s[2], s[3]) for s in sessions)
    return struct.pack("<4I", 0 if last else 16 + len(enables) + gap, len(sessions), 4, 0) + enables + bytes(gap)


def say(monkeypatch: pytest.MonkeyPatch, answer: bytes, *, code: int = 0) -> list[int]:
    """The room of each call."""
    rooms: list[int] = []

    def told(_what: int, _guid: int, _size: int, *where: object) -> int:
        out, room, returned = where
        rooms.append(room)  # type: ignore[arg-type]
        returned[0] = len(answer)  # type: ignore[index]
        if len(answer) > rooms[-1]:
            return 122
        ctypes.memmove(out, answer, len(answer))  # type: ignore[arg-type]
        return code

    made = ctypes.WINFUNCTYPE(ctypes.c_ulong, *enabled._arguments)(told)  # type: ignore[attr-defined,unused-ignore]
    monkeypatch.setattr(enabled, "EnumerateTraceGuidsEx", made)
    return rooms


OURS, ALSO = (7, 4, 0x10, 0), (7, 5, 0x10, 1)
ANSWERS: dict[str, tuple[int, bytes, enabled.Settings | None]] = {
    "ours": (1, instance(OURS), frozenset({OURS[1:]})),
    "among others": (1, instance((6, 1, 1, 1), OURS, (8, 2, 2, 2)), frozenset({OURS[1:]})),
    "in two processes": (2, instance(OURS, last=False) + instance(ALSO), frozenset({OURS[1:], ALSO[1:]})),
    "in the second": (2, instance((6, 1, 1, 1), last=False) + instance(OURS), frozenset({OURS[1:]})),
    "behind a gap": (2, instance(last=False, gap=24) + instance(OURS), frozenset({OURS[1:]})),
    "others'": (1, instance((6, 1, 1, 1)), frozenset()),
    "off": (1, instance(OURS, on=0), frozenset()),
    "of no process": (0, b"", None),
    "cut off": (1, instance(OURS)[:-1], None),
    "fewer than it says": (2, instance(OURS, last=False), None),
    "an end before it": (9, instance(OURS), frozenset({OURS[1:]})),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_it_is_read(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count, instances, settings = ANSWERS[case]
    say(monkeypatch, struct.pack("<II", count, 0) + instances)
    assert enabled.settings(PROVIDER, 7) == settings


def test_it_is_given_room(monkeypatch: pytest.MonkeyPatch) -> None:
    many = struct.pack("<II", 1, 0) + instance(*[OURS] * 1000)
    rooms = say(monkeypatch, many)
    assert enabled.settings(PROVIDER, 7) == {OURS[1:]}
    assert rooms == [4096, len(many)]


def test_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, struct.pack("<II", 1, 0) + instance(OURS) + bytes(1 << 23))
    assert enabled.settings(PROVIDER, 7) is None


@pytest.mark.parametrize("code", [1, 5, 87, 4201])
def test_no_answer(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, struct.pack("<II", 1, 0) + instance(OURS), code=code)
    assert enabled.settings(PROVIDER, 7) is None


def test_a_system_that_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """wine."""
    monkeypatch.setattr(enabled, "EnumerateTraceGuidsEx", None)
    assert enabled.settings(PROVIDER, 7) is None
