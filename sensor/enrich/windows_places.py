"""Where the file lies that an event of Windows names, if on a disk of this machine: whoever opened a file of another
machine would log on to that, with this machine's account, because of a name that somebody else chose.

The rules of names and of the loader's search (SafeDllSearchMode): Microsoft, "Naming Files, Paths, and Namespaces" and
"Dynamic-link library search order".
"""

from __future__ import annotations

import ctypes
import ntpath
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator

from sensor.enrich.exchange import Question

_DRIVE = re.compile(r"[A-Za-z]:\\")
_OWN_DRIVES = {2, 3, 5, 6}  # GetDriveType: removable, fixed, CD-ROM, RAM disk; not 4, remote
_LINKS_MAX = 16
_LINKS = {0xA000000C, 0xA0000003}  # IO_REPARSE_TAG_SYMLINK, IO_REPARSE_TAG_MOUNT_POINT

IsOwn = Callable[[str], bool]


def candidates(path: str, cwd: str = "", program: str = "", *, is_library: bool = False, system: str) -> Iterator[str]:
    """Whole paths of drives, the first that is there is meant; none: it cannot be told, or lies elsewhere. A library
    that is named without a folder is looked for where the loader does that `program` has. `system`: Windows' folder."""
    path = path.replace("/", "\\")
    for prefix in ("\\\\?\\", "\\??\\"):
        if path.startswith(prefix):
            path = path.removeprefix(prefix)
            cwd = program = ""  # such a name is whole: of a drive, or none that is looked at
    if is_library and "." not in ntpath.basename(path):
        path += ".dll"
    if _DRIVE.match(path):
        yield ntpath.normpath(path)
        return
    if path.startswith("\\\\") or ntpath.splitdrive(path)[0] or not path:
        return
    if is_library and "\\" not in path:
        for folder in (ntpath.dirname(program), f"{system}\\System32", system):
            if _DRIVE.match(folder + "\\"):
                yield ntpath.join(folder, path)
    joined = ntpath.normpath(ntpath.join(cwd, path))
    if _DRIVE.match(joined):
        yield joined


def resolved(path: str, is_own: IsOwn) -> str:
    """A whole path without links; "" where a part of it is not on a drive that `is_own` (its letter and colon) takes,
    or is not there. No part is opened before that is known."""
    hops = 0
    done, rest = path[:3], path[3:].split("\\")
    while rest:
        if not is_own(done[:2]):
            return ""
        part = rest.pop(0)
        status = os.lstat(ntpath.join(done, part))
        if getattr(status, "st_reparse_tag", 0) not in _LINKS:
            done = ntpath.join(done, part)
            continue
        hops += 1
        target = next(candidates(os.readlink(ntpath.join(done, part)), done, system=""), "")
        if not target or hops > _LINKS_MAX:
            return ""
        done, rest = target[:3], [*target[3:].split("\\"), *rest]
    return done


def place(question: Question) -> str:
    """The regular file that a question means; "": it is not there, cannot be told, or lies elsewhere. On Windows."""
    path, cwd, program = (text.decode("utf-8", "replace") for text in (question.path, question.cwd, question.program))
    system = os.environ.get("SYSTEMROOT", "")
    for candidate in candidates(path, cwd, program, is_library=question.is_library, system=system):
        try:
            found = resolved(candidate, _is_own_drive)
            if found and stat.S_ISREG(os.stat(found).st_mode):
                return found
        except (OSError, ValueError):
            continue
    return ""


def installed(names: Iterable[str]) -> Iterator[str]:
    """Windows' own programs of these names, without .exe. On Windows."""
    for folder in ("System32", "SysWOW64"):
        for name in sorted(names):
            path = ntpath.join(os.environ.get("SYSTEMROOT", ""), folder, f"{name}.exe")
            if os.path.isfile(path):
                yield path


def _is_own_drive(drive: str) -> bool:
    if sys.platform != "win32":
        return False
    return ctypes.WinDLL("kernel32").GetDriveTypeW(ctypes.c_wchar_p(f"{drive}\\")) in _OWN_DRIVES
