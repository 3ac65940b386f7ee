"""What a setting may be: checks, and its forms as text. The settings themselves are in config.py."""

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from sensor.errors import LinsangError
from sensor.escape import escape_one

_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(r"(\d+) ?(B|KiB|MiB|GiB)?\Z")


def checked(setting: "dataclasses.Field[Any]", value: object) -> Any:
    """`value` from TOML or a flag as the setting holds it; ValueError says what is expected."""
    check = setting.metadata
    kind = type(default_of(setting))
    if kind is int:
        return _number(check, value)
    if kind is tuple:
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            if (each := check.get("each")) and (strange := set(value) - set(each)):
                raise ValueError(f"{min(strange)} is none of {', '.join(each)}")
            if check.get("absolute") and (strange := {v for v in value if not v.startswith("/")}):
                raise ValueError(f"`{min(strange)}` does not begin with /")
            return tuple(value)
        raise ValueError('expected a list of texts, such as ["/etc/linsang/rules.d"]')
    if kind is dict:
        return _table(value)
    if not isinstance(value, kind):
        raise ValueError("expected true or false" if kind is bool else "expected a text in quotes")
    if (choices := check.get("choices")) and value not in choices:
        raise ValueError(f"expected one of {', '.join(choices)}")
    if check.get("nonempty") and not value:
        raise ValueError("expected a path")
    return value


def _table(value: object) -> dict[str, tuple[str, ...]]:
    """Name -> texts, from a TOML table of lists or the NAME=VALUE of flags, where a name can stand again."""
    table: dict[str, tuple[str, ...]] = {}
    if isinstance(value, list):
        for name, equals, text in (str(each).partition("=") for each in value):
            if not name or not equals:
                raise ValueError("expected NAME=VALUE, such as admins=root")
            table[name] = (*table.get(name, ()), text)
        return table
    if not isinstance(value, dict):
        raise ValueError('expected a table of lists, such as {admins = ["root"]}')
    for name, texts in value.items():
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f'expected a list of texts for {name}, such as ["root"]')
        table[name] = tuple(texts)
    return table


def _number(check: Mapping[str, Any], value: object) -> int:
    size = check.get("size", False)
    least, most = check.get("least", 0), check.get("most", (1 << 63) - 1)
    shown = size_text if size else str
    expected = f"expected {'bytes or a size such as 16MiB' if size else 'a whole number'}, "
    expected += f"{shown(least)} or more" if "most" not in check else f"{shown(least)} to {shown(most)}"
    if size and isinstance(value, str) and (match := _SIZE.match(value.strip())):
        value = int(match[1]) * _UNITS[match[2] or ""]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(expected)
    if check.get("power_of_two") and value & (value - 1):
        raise ValueError(f"expected a power of two, such as {size_text(1 << value.bit_length())}")
    return value


def default_of(setting: "dataclasses.Field[Any]") -> Any:
    """What a setting is when nobody says anything."""
    factory = setting.default_factory
    return setting.default if factory is dataclasses.MISSING else factory()


def size_text(size: int) -> str:
    """Bytes as people write them: 16MiB."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def toml_value(setting: "dataclasses.Field[Any]", value: Any) -> str:
    """`value` as TOML that `checked` takes. LinsangError for text that is no Unicode."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_text(k)} = {toml_value(setting, v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_text(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        size = size_text(value) if setting.metadata.get("size") else str(value)
        return size if size.isdecimal() else f'"{size}"'
    return _toml_text(value)


def _toml_text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LinsangError(f"{text!a} is no Unicode text", "TOML cannot hold it: give it as a flag") from error
    return "".join(c if escape_one(c) == c else f"\\U{ord(c):08x}" for c in json.dumps(text, ensure_ascii=False))
