"""Which files rules are in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from sensor.errors import InputError

CASES = ".cases.yml"  # beside a rule; not a rule
_SUFFIXES = (".yml", ".yaml")


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """The rule files in `paths` (files, and folders with all below them), sorted within a folder, each once.

    Folders that are links are looked into, one that leads back to itself once. InputError: a path does not exist, or
    there is not one rule file in all of them.
    """
    files: list[str] = []
    for path in paths:
        if path.is_dir():
            files += _below(str(path), set())
        elif os.path.lexists(path):
            files.append(str(path))
        else:
            raise InputError(str(path), -1, "no such file or folder", "give --rules a folder of Sigma rules")
    if paths and not files:
        shown = ", ".join(map(str, paths))
        raise InputError(shown, -1, "no rules", "a folder of rules has files whose names end in .yml or .yaml")
    return [Path(file) for file in dict.fromkeys(files)]


def _below(folder: str, seen: set[tuple[int, int]]) -> list[str]:
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            return []
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            found = sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise InputError(folder, -1, error.strerror or "unreadable") from None
    files: list[str] = []
    for name, is_folder in found:
        path = f"{folder}/{name}"
        if is_folder:
            files += _below(path, seen)
        elif name.endswith(_SUFFIXES) and not name.endswith(CASES):
            files.append(path)
    return files
