"""The standard streams, however the command was started."""

from __future__ import annotations

import atexit
import errno
import io
import os
import sys

# What writing to a full disk, a quota's end or a broken device gives.
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def open_streams() -> None:
    """One that is closed becomes the null device: else the next file that is opened would be standard output, and
    print() writes to standard output what is meant for a standard error that is not there. What is written is UTF-8,
    as every form of output is, whatever the locale."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - the process's own, to its end
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if os.isatty(1) or os.isatty(2):
        _open_console()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


if sys.platform == "win32":
    _ESCAPES = 0x4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
    _UTF_8 = 65001
    _OUTPUTS = (-11, -12)  # STD_OUTPUT_HANDLE, STD_ERROR_HANDLE

    def _open_console() -> None:
        """Has a console show UTF-8 and obey escape sequences until the process ends: by itself it takes what is
        written for the code page of old programs, and shows the sequences."""
        import ctypes  # noqa: PLC0415 - slow, and most commands write into pipes and files

        kernel = ctypes.WinDLL("kernel32")
        kernel.GetStdHandle.restype = ctypes.c_void_p
        for number in _OUTPUTS:
            handle, mode = ctypes.c_void_p(kernel.GetStdHandle(number)), ctypes.c_uint32()
            if kernel.GetConsoleMode(handle, ctypes.byref(mode)) and not mode.value & _ESCAPES:
                kernel.SetConsoleMode(handle, mode.value | _ESCAPES)
                atexit.register(kernel.SetConsoleMode, handle, mode.value)
        if (before := kernel.GetConsoleOutputCP()) not in {0, _UTF_8}:
            kernel.SetConsoleOutputCP(_UTF_8)
            atexit.register(kernel.SetConsoleOutputCP, before)

else:

    def _open_console() -> None:
        """Terminals do both."""


def is_unwritable(error: OSError) -> bool:
    """Whether it says that standard output has no room or does not work: other files' errors name the file."""
    return error.filename is None and error.errno in _UNWRITABLE


def drop_output() -> None:
    """Nothing more is written to standard output, at the exit neither."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
