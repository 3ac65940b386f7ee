"""Every error that Linsang raises on purpose. str() is one printable line that ends in what to do about it, where
that is known.

LinsangError
├── UsageError      the command line is wrong (exit code 2)
├── ConfigError     a configuration file or a value in it is wrong
├── RuleError       a rule was refused: file, line, rule id, reason, remedy
├── NativeError     a function of the native core failed: errno
├── Unsupported     this machine, kernel or rule language lacks something: name, remedy
└── InputError      a file that was to be read is damaged or is something else: file, offset, reason
"""

import os
from collections.abc import Collection

from sensor.escape import escape


def _one_line(text: str) -> str:
    """`text` with every run of whitespace, line breaks included, made a single space. It may quote names that somebody
    else chose: nothing of it is obeyed by a terminal."""
    return escape(" ".join(text.split()))


def _with_remedy(text: str, remedy: str) -> str:
    return _one_line(f"{text}; {remedy}" if remedy else text)


def nearest(word: str, known: Collection[str], otherwise: str = "") -> str:
    """The remedy for an unknown `word`: the nearest of `known`; else `otherwise`, or all of them."""
    from difflib import get_close_matches  # noqa: PLC0415 - for errors only

    near = get_close_matches(word, known, 1)
    return f"did you mean `{near[0]}`?" if near else otherwise or f"known are {', '.join(known)}"


class LinsangError(Exception):
    """Base of the tree. The command line prints str() of it and exits with 1, without a traceback."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(_with_remedy(reason, remedy))


class UsageError(LinsangError):
    """Wrong usage of the command line: exit code 2."""


class ConfigError(LinsangError):
    """A configuration file, or a value from it, is refused."""


class RuleError(LinsangError):
    """A rule was refused. `line` is 1-based, 0 when it is not known; `rule_id` may be empty."""

    def __init__(self, path: str, line: int, rule_id: str, reason: str, remedy: str = "") -> None:
        self.path = path
        self.line = line
        self.rule_id = rule_id
        where = f"{path}:{line}" if line else path
        super().__init__(f"{where}: {f'rule {rule_id}: ' if rule_id else ''}{reason}", remedy)
        self.reason = reason

    def __reduce__(self) -> tuple[object, ...]:
        """Its arguments, to be sent from one process to another: Exception would send str() of it."""
        return RuleError, (self.path, self.line, self.rule_id, self.reason, self.remedy)


class NativeError(LinsangError):
    """A function of the native core returned -errno. `errno` is positive."""

    def __init__(self, errno: int, what: str, remedy: str = "") -> None:
        self.errno = errno
        super().__init__(f"{what}: {os.strerror(errno)}", remedy)


class Unsupported(LinsangError):
    """Something that this machine, kernel or version does not have. `name` says what, `remedy` what to do."""

    def __init__(self, name: str, remedy: str = "") -> None:
        self.name = name
        super().__init__(f"{name} is not supported here", remedy)


class InputError(LinsangError):
    """An input is damaged or is not what it should be. `offset` is in bytes, -1 when it does not apply."""

    def __init__(self, path: str, offset: int, reason: str, remedy: str = "") -> None:
        self.path = path
        self.offset = offset
        super().__init__(f"{path}{f' at byte {offset}' if offset >= 0 else ''}: {reason}", remedy)
        self.reason = reason
