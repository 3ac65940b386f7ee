"""Which files rules are in, and how they are to be read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from sensor.errors import InputError
from sensor.rule_lists import shipped_lists

CASES = ".cases.yml"  # beside a rule; not a rule
GRAMMAR = ".grammar.yml"  # of programs that run others; not a rule
_SUFFIXES = (".yml", ".yaml")
Found = tuple[str, os.stat_result | None]  # a file's path and status; None: a link to nothing


class Reading:
    """How rules are read: `pipelines` (files, folders or names of pySigma's processing pipelines) and `expand`
    (placeholder of the modifier expand -> what it stands for; unless given, the shipped lists)."""

    def __init__(self, pipelines: tuple[str, ...] = (), expand: Mapping[str, Sequence[str]] | None = None) -> None:
        self.pipelines = pipelines
        self.expand = shipped_lists() if expand is None else expand


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """The rule files in `paths` (files, and folders with all below them), sorted within a folder, each once.

    Folders that are links are looked into, one that leads back to itself once. InputError: a path does not exist, or
    there is not one rule file in all of them.
    """
    return [Path(path) for path, _ in found_files(paths)]


def found_files(paths: Sequence[Path]) -> list[Found]:
    """As `rule_files`, with the status of each."""
    files: list[Found] = []
    for path in map(str, paths):
        try:
            status = os.stat(path)
        except OSError:
            if not os.path.lexists(path):
                remedy = "give --rules a folder of Sigma rules"
                raise InputError(path, -1, "no such rule file or folder", remedy) from None
            files.append((path, None))
            continue
        if os.path.isdir(path):
            _look_into(path, status, set(), files)
        else:
            files.append((path, status))
    if paths and not files:
        shown = ", ".join(map(str, paths))
        raise InputError(shown, -1, "no rules", "a folder of rules has files whose names end in .yml or .yaml")
    return list(dict(files).items())


def _look_into(folder: str, status: os.stat_result, seen: set[tuple[int, int]], files: list[Found]) -> None:
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if _is_folder(entry):
                    _look_into(entry.path, os.stat(entry.path), seen, files)
                elif entry.name.endswith(_SUFFIXES) and not entry.name.endswith((CASES, GRAMMAR)):
                    files.append((entry.path, _status(entry)))
    except OSError as error:
        raise InputError(folder, -1, error.strerror or "unreadable") from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None
