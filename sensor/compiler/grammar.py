"""Grammars of proxies: YAML (rules/grammars) -> the bytes of native/grammar.h."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sensor.errors import ConfigError
from sensor.paths import GRAMMARS
from sensor.rule_files import GRAMMAR

_MAGIC, _VERSION = b"LNSGGRAM", 4
# enum sn_give, enum sn_grammar_flag
_WORDS = (
    *("flag", "value", "attached", "command", "exec", "shell", "shell-rest", "words", "code", "script", "program"),
    *(
        "library",
        "url",
        "setting",
        "assign",
        "sub",
        "pair",
        "operand",
        "stdin",
        "comma",
        "sed",
        "exec-rest",
        "user",
        "stop",
        "fallback",
        "attached-shell",
        "splice",
        "codes",
        "seds",
        "module",
        "comma-words",
        "fallback-script",
    ),
    # of Windows
    *("open", "export", "com", "cmd", "powershell", "encoded", "braced", "title", "behind-comma", "arguments"),
    *("fallback-library", "handed"),
    # of Linux again
    *("direct", "entry", "libraries", "file"),
)
_GIVE = {word: number for number, word in enumerate(_WORDS)}
_FLAG = {
    "permute": 1,
    "words": 2,
    "bundle": 4,
    "stdin": 8,
    "children": 16,
    "applet": 32,
    "builtin": 64,
    "complete": 128,
    "prompt": 256,
    "odd": 8192,
    # of Windows
    "dash": 512,
    "glued": 1024,
    "prefix": 2048,
    "case": 4096,
    "hex": 16384,
}
_KEYS = {"class", "names", "flags", "options", "places", "settings", "subs", "markers"}
_OF_OPTIONS = {
    "attached",
    "flag",
    "pair",
    "operand",
    "stdin",
    "user",
    "stop",
    "attached-shell",
    "splice",
    "handed",
    "direct",
    "entry",
}
_OF_PLACES = {"assign", "sub", "cmd", "title"}
# Unless the grammar says otherwise.
_EVERYWHERE = {"--help": "stop", "--version": "stop"}
_EVERYWHERE_WINDOWS = {"-?": "stop"}
_WINDOWS = "windows"  # what the names of files with Windows' programs begin with
_SHORT = 8  # characters of a name that has no short form
_SLOTS_FREE = 2  # times as many slots as names, at least


def _hash_of(name: bytes) -> int:
    """As native/grammar.c."""
    value = 2166136261
    for byte in name:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value ^ value >> 15


def _key(name: str) -> int:
    """sn_grammar__key."""
    return int.from_bytes(name.encode()[:4].ljust(4, b"\0"), "big")


def _setting_key(name: str) -> int:
    """The same of what a setting begins with: see SN_GRAMMAR_KEY_FOLD."""
    literal = (name[1:] if name.startswith("^") and len(name) > 1 else name).partition("*")[0]
    return int.from_bytes(bytes(byte | 0x20 for byte in literal.encode()[:4]).ljust(4, b"\0"), "big")


def _letters(options: Iterable[str]) -> tuple[int, int]:
    """sn_grammar__has_letter."""
    masks = [0, 0]
    for name in options:
        if len(name) == 2 and name[0] == "-":
            masks[ord(name[1]) >> 5 & 1] |= 1 << (ord(name[1]) & 31)
    return masks[0], masks[1]


def _is_odd(option: str) -> bool:
    """-ls, which is not -l -s."""
    return len(option) > 2 and option[0] == "-" and option[1] != "-"


class _Writer:
    """The sections while they grow."""

    def __init__(self, everywhere: dict[str, str]) -> None:
        self._everywhere = everywhere
        self.programs: list[bytes | None] = []
        self.options: list[bytes] = []
        self.settings: list[bytes] = []
        self.places: list[bytes] = []
        self.subs: list[bytes] = []
        self.markers: list[bytes] = []
        self.text = bytearray()
        self._at: dict[bytes, int] = {}

    def name(self, text: str) -> bytes:
        """struct sn_grammar_text."""
        raw = text.encode()
        if raw not in self._at:
            self._at[raw] = len(self.text)
            self.text += raw
        return struct.pack("<II", self._at[raw], len(raw))

    def _range(self, section: list[bytes], items: Sequence[bytes]) -> bytes:
        first = len(section)
        section.extend(items)
        return struct.pack("<II", first, len(items))

    def _entries(
        self, section: list[bytes], items: Sequence[tuple[str, int]], key: Callable[[str], int] = _key
    ) -> bytes:
        return self._range(section, [self.name(name) + struct.pack("<II", give, key(name)) for name, give in items])

    def program(self, own: str, spec: Mapping[str, Any]) -> int:
        """The number of the program of that name; those of its subcommands are behind it."""
        number = len(self.programs)
        self.programs.append(None)
        subs = [(str(name), self.program(own, sub)) for name, sub in spec.get("subs", {}).items()]
        listed = {name.strip(): word for names, word in spec.get("options", {}).items() for name in names.split(",")}
        options = sorted((name, _GIVE[word]) for name, word in (self._everywhere | listed).items())
        ranges = [
            self._entries(self.options, options),
            self._entries(
                self.settings,
                # those that an option begins with stand first: native/given.c looks no further for one
                sorted(
                    ((str(k), _GIVE[v]) for k, v in spec.get("settings", {}).items()), key=lambda s: s[0][:1] != "-"
                ),
                _setting_key,
            ),
            self._range(self.places, [struct.pack("<I", _GIVE[word]) for word in spec.get("places", [])]),
            self._entries(self.subs, subs),
            self._range(self.markers, [self.name(str(marker)) for marker in spec.get("markers", [])]),
        ]
        flags = sum(_FLAG[flag] for flag in spec.get("flags", []))
        if set(spec.get("places", ())) <= {"value"}:
            flags |= _FLAG["complete"]  # no positional argument names a payload, so none can be mistaken for one
        if _has_prompt(spec):
            flags |= _FLAG["prompt"]
        names = [name for name, _ in options]
        if any(map(_is_odd, names)):
            flags |= _FLAG["odd"]
        head = struct.pack("<I", flags) + self.name(spec["class"])
        self.programs[number] = head + b"".join(ranges) + self.name(own) + struct.pack("<II", *_letters(names))
        return number

    def slots(self, programs: Mapping[str, int]) -> bytes:
        """The open addressing table of the names."""
        count = 1
        while count < _SLOTS_FREE * len(programs) + 1:
            count *= 2
        slots = [bytes(12)] * count
        for name, program in programs.items():
            at = _hash_of(name.encode()) & (count - 1)
            while slots[at] != bytes(12):
                at = (at + 1) & (count - 1)
            slots[at] = self.name(name) + struct.pack("<I", program)
        return b"".join(slots)


def _check(where: str, spec: Any) -> None:
    """ConfigError that names what is wrong; `where`: file and program."""
    if not isinstance(spec, dict) or not isinstance(spec.get("class"), str):
        raise ConfigError(f"{where}: a program needs a map with at least its class")
    for key in spec.keys() - _KEYS:
        raise ConfigError(f"{where}: unknown key {key}; known are {', '.join(sorted(_KEYS))}")
    for flag in set(spec.get("flags", [])) - _FLAG.keys():
        raise ConfigError(f"{where}: unknown flag {flag}; known are {', '.join(_FLAG)}")
    allowed = {
        "options": set(_WORDS) - _OF_PLACES | {"sub"},
        "settings": set(_WORDS) - _OF_PLACES - _OF_OPTIONS - {"setting"} | {"stop"},
        "places": set(_WORDS) - _OF_OPTIONS,
    }
    for key, words in allowed.items():
        given = spec.get(key, [])
        for word in given.values() if isinstance(given, dict) else given:
            if word not in words:
                raise ConfigError(f"{where}: {key}: {word} is none of {', '.join(sorted(words))}")
    for name, sub in spec.get("subs", {}).items():
        _check(f"{where} {name}", sub)


@cache
def shipped_grammars() -> bytes:
    """Those that come with the sensor, of Linux' programs."""
    return compile_grammars(GRAMMARS)


@cache
def shipped_win_grammars() -> bytes:
    """Those of Windows' programs."""
    return compile_grammars(GRAMMARS, windows=True)


def _documents(folder: Path, windows: bool = False) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    for path in sorted(folder.glob(f"*{GRAMMAR}")):
        if path.name.startswith(_WINDOWS) != windows:
            continue
        try:
            document = yaml.load(path.read_bytes(), yaml.CSafeLoader) or {}
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: {error}") from None
        for own, spec in document.items():
            _check(f"{path}: {own}", spec)
        yield path, document


def _names(own: Any, spec: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in (own, *spec.get("names", []))]


def _has_prompt(spec: Mapping[str, Any]) -> bool:
    """What an interpreter runs that reads its standard input is on somebody's word; a shell's is its every command."""
    return "stdin" in spec.get("flags", ()) and spec["class"] != "shell"


@cache
def grammar_flags(folder: Path = GRAMMARS, windows: bool = False) -> Mapping[str, frozenset[str]]:
    """Program -> the flags of its grammar, prompt where it is implied."""
    return {
        name: frozenset(spec.get("flags", ())) | ({"prompt"} if _has_prompt(spec) else set())
        for _, document in _documents(folder, windows)
        for own, spec in document.items()
        for name in _names(own, spec)
    }


@cache
def win_programs(folder: Path = GRAMMARS) -> Mapping[str, str]:
    """Each name of a program of Windows that is one -> the first of its names."""
    return {
        name: str(own)
        for _, document in _documents(folder, windows=True)
        for own, spec in document.items()
        if "builtin" not in spec.get("flags", ())
        for name in _names(own, spec)
    }


def grammar_class(name: str, folder: Path = GRAMMARS) -> str:
    """What a program is; empty: it has no grammar."""
    found = (
        spec["class"]
        for _, document in _documents(folder)
        for own, spec in document.items()
        if name in _names(own, spec)
    )
    return str(next(found, ""))


@cache
def grammar_places(folder: Path = GRAMMARS, windows: bool = False) -> Mapping[str, str]:
    """Program -> the file and line of its grammar."""
    places: dict[str, str] = {}
    for path, document in _documents(folder, windows):
        lines = path.read_text("utf-8").splitlines()
        for own, spec in document.items():
            line = next(n for n, text in enumerate(lines, 1) if text.startswith(f"{own}:"))
            places |= dict.fromkeys(_names(own, spec), f"{path}:{line}")
    return places


def _with_short_names(programs: Mapping[str, int]) -> dict[str, int]:
    """And 8.3 names, INSTAL~1.EXE for installutil, where no other program has the same."""
    short: dict[str, set[int]] = {}
    for name, program in programs.items():
        base, dot, extension = name.partition(".")
        if len(base) > _SHORT:
            short.setdefault(f"{base[:6]}~1{dot}{extension[:3]}", set()).add(program)
    return dict(programs) | {name: numbers.pop() for name, numbers in short.items() if len(numbers) == 1}


def compile_grammars(folder: Path, windows: bool = False) -> bytes:
    """The grammars of every *.grammar.yml in `folder`: of the files windows*, or of all others. ConfigError names the
    file, the program and what is wrong."""
    writer, programs = _Writer(_EVERYWHERE_WINDOWS if windows else _EVERYWHERE), {}
    for path, document in _documents(folder, windows):
        for own, spec in document.items():
            number = writer.program(str(own), spec)
            for name in _names(own, spec):
                if name in programs:
                    raise ConfigError(f"{path}: {own}: {name} has a grammar already")
                programs[name] = number
    if windows:
        programs = _with_short_names(programs)
    slots = writer.slots(programs)
    lists = (writer.programs, writer.options, writer.settings, writer.places, writer.subs, writer.markers)
    sections = [slots, *(b"".join(part for part in section if part) for section in lists), bytes(writer.text)]
    sections[-1] += bytes(-len(sections[-1]) % 4)
    offsets = [8 + 4 + 4 + 4 * (len(sections) + 1)]
    for section in sections:
        offsets.append(offsets[-1] + len(section))
    head = _MAGIC + struct.pack(f"<II{len(offsets)}I", _VERSION, offsets[-1], *offsets)
    return head + b"".join(sections)
