"""What a setting is and may be: checks, and its forms as text. The settings themselves are in config.py."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self, dataclass_transform

from sensor.errors import LinsangError
from sensor.escape import escape_one

_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = r"(\d+) ?(B|KiB|MiB|GiB)?\Z"


class Setting:
    """One setting of a section: `help`, its `flag` ("": --section-key), and in `check` what it may be."""

    name = ""

    def __init__(self, default: Any, help: str, flag: str, check: Mapping[str, Any]) -> None:
        self._default = default
        self.help = help
        self.flag = flag
        self.check = check

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    @property
    def default(self) -> Any:
        """What it is when nobody says anything."""
        return self._default() if callable(self._default) else self._default


def setting(default: Any, help: str = "", *, flag: str = "", **check: Any) -> Any:
    """An attribute of a section. `default`: called, where it can be, for each section that is made."""
    return Setting(default, help, flag, check)


@dataclass_transform(frozen_default=True)
class Section:
    """Settings by name, given by position or by name. No dataclass: each start makes these classes, and to make
    dataclasses of them took a sixth of it."""

    settings: ClassVar[dict[str, Setting]]

    def __init_subclass__(cls) -> None:
        cls.settings = {name: each for name, each in vars(cls).items() if isinstance(each, Setting)}

    def __init__(self, *values: Any, **named: Any) -> None:
        given = dict(zip(self.settings, values, strict=False)) | named
        if len(given) < len(values) + len(named) or not given.keys() <= self.settings.keys():
            raise TypeError(f"{type(self).__name__} has the settings {', '.join(self.settings)}")
        vars(self).update({name: each.default for name, each in self.settings.items()} | given)

    def __setattr__(self, name: str, _value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({shown})"

    def but(self, **changed: Any) -> Self:
        """The same with some of them changed."""
        return type(self)(**{**vars(self), **changed})


def checked(setting: Setting, value: object) -> Any:
    """`value` from TOML or a flag as the setting holds it; ValueError says what is expected."""
    check = setting.check
    kind = type(setting.default)
    if kind is int:
        return _number(check, value)
    if kind is tuple:
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            if "" in value:
                raise ValueError("expected no empty text")
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
    if size and isinstance(value, str) and (match := re.match(_SIZE, value.strip())):
        value = int(match[1]) * _UNITS[match[2] or ""]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(expected)
    if check.get("power_of_two") and value & (value - 1):
        raise ValueError(f"expected a power of two, such as {size_text(1 << value.bit_length())}")
    return value


def size_text(size: int) -> str:
    """Bytes as people write them: 16MiB."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def toml_value(setting: Setting, value: Any) -> str:
    """`value` as TOML that `checked` takes. LinsangError for text that is no Unicode."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_text(k)} = {toml_value(setting, v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_text(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        size = size_text(value) if setting.check.get("size") else str(value)
        return size if size.isdecimal() else f'"{size}"'
    return _toml_text(value)


def _toml_text(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise LinsangError(f"{text!a} is no Unicode text", "TOML cannot hold it: give it as a flag") from error
    return "".join(c if escape_one(c) == c else f"\\U{ord(c):08x}" for c in json.dumps(text, ensure_ascii=False))
