"""What a console of Windows is told, so that it shows what is written."""

import atexit
import ctypes
import os
import sys
from typing import Any

import pytest

if sys.platform != "win32":
    pytest.skip("consoles are Windows': make test-windows", allow_module_level=True)

from sensor import streams


class Console:
    """FAKE: kernel32 with a console as both outputs."""

    def __init__(self, mode: int, code_page: int) -> None:
        self.modes = {-11: mode, -12: mode}
        self.code_page = code_page

        class GetStdHandle:
            restype: Any = None

            def __call__(self, number: int) -> int:
                return number & 0xFFFFFFFF

        self.GetStdHandle = GetStdHandle()

    @staticmethod
    def _number(handle: Any) -> int:
        return int(ctypes.c_int32(handle.value).value)

    def GetConsoleMode(self, handle: Any, mode: Any) -> int:
        mode._obj.value = self.modes[self._number(handle)]
        return 1

    def SetConsoleMode(self, handle: Any, mode: int) -> int:
        self.modes[self._number(handle)] = mode
        return 1

    def GetConsoleOutputCP(self) -> int:
        return self.code_page

    def SetConsoleOutputCP(self, code_page: int) -> int:
        self.code_page = code_page
        return 1


@pytest.mark.parametrize("code_page", [437, 850, 65001])
@pytest.mark.parametrize("mode", [0x3, 0x7])
def test_it_is_told_and_has_its_own_back(mode: int, code_page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(mode, code_page)
    at_end: list[tuple[Any, ...]] = []
    monkeypatch.setattr(ctypes, "WinDLL", lambda name: console)
    monkeypatch.setattr(atexit, "register", lambda *call: at_end.append(call))
    streams._open_console()
    assert (set(console.modes.values()), console.code_page) == ({0x7}, 65001)
    streams._open_console()
    for call, *arguments in reversed(at_end):
        call(*arguments)
    assert (set(console.modes.values()), console.code_page) == ({mode}, code_page)


@pytest.mark.parametrize("terminals", [(), (1,), (2,), (1, 2)])
def test_only_a_terminal_is(terminals: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool] = []
    monkeypatch.setattr(streams, "_open_console", lambda: told.append(True))
    monkeypatch.setattr(os, "isatty", lambda fd: fd in terminals)
    streams.open_streams()
    assert bool(told) == bool(terminals)
