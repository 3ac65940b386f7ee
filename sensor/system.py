"""What Linux and Windows do by different calls: locks, reading at a place, whose a file is.

Elsewhere a module runs on both, or is one system's alone (sources/, enrich/, windows/).
"""

import os
import sys

if sys.platform == "win32":
    import msvcrt

    # bytes as they are, and not for the programs that we start
    OPEN_FLAGS = os.O_BINARY | os.O_NOINHERIT
    _MAX_PATH = 260
    _NO_WINDOW = 0x08000000  # CREATE_NO_WINDOW
    _COMMON_APPDATA = 0x23  # CSIDL_COMMON_APPDATA
    _GENERIC_READ, _SHARE_ALL, _OPEN_EXISTING = 0x80000000, 0x7, 3
    _LOCKED = 1 << 30  # a byte that no file of ours comes to: what is locked here nobody may read

    sync_data = os.fsync

    def lock(fd: int) -> None:
        """Holds the open file until it is closed. BlockingIOError: another process does."""
        at = os.lseek(fd, _LOCKED, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, error.strerror) from None
        finally:
            os.lseek(fd, at - _LOCKED, os.SEEK_SET)

    def read_at(fd: int, size: int, at: int) -> bytes:
        """At most `size` bytes from `at` on. Moves the place of the descriptor."""
        os.lseek(fd, at, os.SEEK_SET)
        return os.read(fd, size)

    def open_beside(path: str, flags: int) -> int:
        """An opener to read with: unlike by open(), who writes the file may still rename or delete it. OSError."""
        import ctypes  # noqa: PLC0415

        create = ctypes.WinDLL("kernel32", use_last_error=True).CreateFileW
        create.restype = ctypes.c_void_p
        handle = create(path, _GENERIC_READ, _SHARE_ALL, None, _OPEN_EXISTING, 0, None)
        if handle == ctypes.c_void_p(-1).value:
            number = OSError(0, "", path, ctypes.get_last_error()).errno
            raise OSError(number, os.strerror(number or 0), path)  # in the words that open() has
        return msvcrt.open_osfhandle(handle, flags)

    def files(name: str) -> list[str]:
        """Those that a FILE of the command line stands for: Windows' shells leave * and ? to programs. Of a name that
        stands for none, itself."""
        if not set(name) & set("*?"):  # no file has them in its name; [ is one's own
            return [name]
        from glob import glob  # noqa: PLC0415 - few need it

        return sorted(glob(name.replace("[", "[[]"))) or [name]

    def widen_pipe(fd: int, size: int) -> None:
        """Windows' pipes have the size that they were made with."""

    def is_ours(status: os.stat_result) -> bool:
        """Windows: what may write a file is said by its folder's access list, which an installation makes."""
        return True

    def is_administrator() -> bool:
        """Whether this process works for the whole machine: elevated, or a service."""
        import ctypes  # noqa: PLC0415 - slow

        return bool(ctypes.windll.shell32.IsUserAnAdmin())

    def child_flags() -> int:
        """How to start a child that needs no console: to one of a process that has none, a service, Windows would give
        one of its own."""
        import ctypes  # noqa: PLC0415

        return 0 if ctypes.windll.kernel32.GetConsoleCP() else _NO_WINDOW

    def program_data() -> str:
        """The folder of data that are nobody's own, as Windows has it: a variable can be set by who is not elevated."""
        import ctypes  # noqa: PLC0415

        folder = ctypes.create_unicode_buffer(_MAX_PATH)
        failed = ctypes.windll.shell32.SHGetFolderPathW(None, _COMMON_APPDATA, None, 0, folder)
        return r"C:\ProgramData" if failed else folder.value

    def system_program(name: str) -> str:
        """The path of a program of Windows. By its name alone, one in the current folder would be started; and who
        is elevated has the variables of who is not."""
        import ctypes  # noqa: PLC0415

        folder = ctypes.create_unicode_buffer(_MAX_PATH)
        ctypes.windll.kernel32.GetSystemDirectoryW(folder, len(folder))
        return f"{folder.value}\\{name}"

else:
    import fcntl

    OPEN_FLAGS = os.O_CLOEXEC
    open_beside = os.open

    def files(name: str) -> list[str]:
        """Those that a FILE of the command line stands for: itself, the shell has seen to the rest."""
        return [name]

    sync_data = os.fdatasync

    def lock(fd: int) -> None:
        """Holds the open file until it is closed. BlockingIOError: another process does."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def read_at(fd: int, size: int, at: int) -> bytes:
        """At most `size` bytes from `at` on."""
        return os.pread(fd, size, at)

    def widen_pipe(fd: int, size: int) -> None:
        """Gives a pipe room for `size` bytes. OSError: more than this user may ask for."""
        fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size)

    def is_ours(status: os.stat_result) -> bool:
        """Whether nobody but this user may have written what has this status."""
        return status.st_uid == os.geteuid() and not status.st_mode & 0o022

    def is_administrator() -> bool:
        """Whether this process works for the whole machine: root."""
        return os.geteuid() == 0

    def child_flags() -> int:
        """Windows' alone."""
        return 0

    def system_program(name: str) -> str:
        """Found where the system looks."""
        return name
