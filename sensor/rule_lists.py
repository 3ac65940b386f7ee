"""The lists that shipped rules read by the modifier expand, and what a site changes of them.

rules/lists/NAME.txt stands for %NAME%: a value a line, with the wildcards of rules; empty lines and those that begin
with # are nothing. A file of the same name in the site's folder adds its values; there a line `!VALUE` takes a shipped
value away, and `!*` all of them.
"""

from __future__ import annotations

import os
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

from sensor.errors import ConfigError, nearest
from sensor.paths import SHIPPED_LISTS, SITE_LISTS

SUFFIX = ".txt"
ADDRESSES = "RemoteDomainAllowlist"  # rules ask whether an address begins with a value of it
EXPRESSIONS = "CommandLineRegex"
BYTES_MAX = 1 << 20  # of one file
Lists = dict[str, tuple[str, ...]]  # placeholder -> its values


def shipped_lists(folder: Path = SHIPPED_LISTS) -> Lists:
    """The lists as they are shipped. ConfigError: a file cannot be read."""
    files = [folder / name for name in sorted(os.listdir(folder)) if name.endswith(SUFFIX)]
    return {path.stem: tuple(value for _, value in _lines(path)) for path in files}


def lists(site: Path = SITE_LISTS, shipped: Path = SHIPPED_LISTS) -> Lists:
    """The lists with the site's changes. ConfigError, with file and line: a file that is no list's, or cannot be read;
    a value that is taken away and was not there."""
    found = shipped_lists(shipped)
    for path in sorted(site.iterdir()) if os.path.isdir(site) else []:
        if path.name.startswith("."):
            continue
        if path.suffix != SUFFIX or path.stem not in found:
            near = nearest(path.name, [f"{name}{SUFFIX}" for name in found])
            raise ConfigError(f"{path}: there is no such list", near)
        found[path.stem] = _changed(found[path.stem], path)
    return found


def _changed(shipped: tuple[str, ...], path: Path) -> tuple[str, ...]:
    values = dict.fromkeys(shipped)
    for number, value in _lines(path):
        if value == "!*":
            values.clear()
        elif value.startswith("!"):
            if value[1:] not in values:
                near = nearest(value[1:], values, "`!*` takes all of them away")
                raise ConfigError(f"{path}:{number}: `{value[1:]}` is not in the list", near)
            del values[value[1:]]
        else:
            if refused := _refused(path.stem, value):
                raise ConfigError(f"{path}:{number}: `{value}` {refused[0]}", refused[1])
            values[value] = None
    return tuple(values)


def _refused(name: str, value: str) -> tuple[str, str] | None:
    """Why a list cannot have a value, and what to do: a rule would be refused for it, or let by what nobody meant."""
    if name == ADDRESSES and "://" in value and value.count("/") < 3:
        return "is how the address of another host may begin, too", f"write `{value}/`, or the host alone for all of it"
    if name == EXPRESSIONS:
        try:
            re.compile(value)
        except re.error as error:
            return f"is no regular expression: {error}", "a backslash makes a character stand for itself"
    return None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """(number, value) of the lines that hold one."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "a list is a file that can be read") from None
    if len(raw) > BYTES_MAX:
        raise ConfigError(f"{path}: larger than {BYTES_MAX >> 20} MiB", "split it by wildcards")
    for number, line in enumerate(raw.removeprefix(BOM_UTF8).splitlines(), 1):
        try:
            text = line.decode().strip()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}:{number}: not UTF-8 at byte {error.start} of the line") from None
        if text and not text.startswith("#"):
            yield number, text
