"""The settings: strict TOML, a flag for each.

Everything is made from the sections' settings: the TOML that is accepted, the flags, the checks and `dump`. A new
setting is one line here.
"""

import argparse
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from sensor.errors import ConfigError, UsageError, nearest
from sensor.folders import PLACES, TREES
from sensor.paths import SITE, own_folder
from sensor.rule_files import Reading
from sensor.rule_lists import lists
from sensor.settings import Section, Setting, checked, setting, size_text, toml_value

SYSTEM_FILE = str(SITE / "linsang.toml")
S = TypeVar("S", bound=Section)
_MOST_BYTES = 1 << 20  # of a file: /dev/zero has no end
_PROVIDERS = ("image", "network", "file", "registry", "dns", "powershell", "wmi")  # windows/providers.py


class Source(Section):
    """Where events come from."""

    kind: str = setting(
        "auto",
        "bpf: probes in the kernel; procconn: process connector and /proc, of lower fidelity; auto: bpf where it works",
        flag="--source",
        choices=("auto", "bpf", "procconn"),
    )
    ring_bytes: int = setting(
        16 << 20,
        "kernel ring, a power of two",
        flag="--ring-bytes",
        size=True,
        least=4096,
        most=1 << 30,
        power_of_two=True,
    )


class Files(Section):
    """What happens to files, who wrote them, and which libraries are loaded."""

    source: str = setting(
        "auto",
        "auto: fanotify where it is permitted; off: nothing is seen of files",
        flag="--files",
        choices=("auto", "off"),
    )
    places: tuple[str, ...] = setting(
        PLACES,
        "folders whose files all count; elsewhere those that are executable",
        flag="--files-place",
        metavar="DIR",
        absolute=True,
    )
    libraries: str = setting(
        "auto", "auto: by perf's records; off: not at all", flag="--libraries", choices=("auto", "off")
    )
    trees: tuple[str, ...] = setting(
        TREES,
        "folders that packages fill: a library there counts when somebody wrote it lately",
        metavar="DIR",
        absolute=True,
    )


class Windows(Section):
    """What is asked of Windows; processes always are. Elsewhere nothing."""

    providers: tuple[str, ...] = setting(
        _PROVIDERS, f"what trace sessions bring beside processes: {', '.join(_PROVIDERS)}", metavar="X", each=_PROVIDERS
    )
    channels: tuple[str, ...] = setting(
        ("Security", "Microsoft-Windows-Sysmon/Operational"),
        "channels of the event log; of Security process creations (4688) alone",
        metavar="NAME",
    )


class ProcessTable(Section):
    """What is remembered of processes."""

    entries: int = setting(8192, "processes kept", least=64, most=1 << 22)
    bytes: int = setting(8 << 20, "bytes of their paths and arguments", size=True, least=1 << 16, most=1 << 31)
    exited_keep_ms: int = setting(
        1000,
        "an exited process can be named for so long; those that living ones still need, longer",
        least=0,
        most=86_400_000,
    )


class Engine(Section):
    """The match thread."""

    ring_bytes: int = setting(
        1 << 20,
        "ring between capture and match, a power of two",
        size=True,
        least=1 << 17,
        most=1 << 30,
        power_of_two=True,
    )
    alert_bytes: int = setting(
        2 << 20, "ring of finished alerts, a power of two", size=True, least=1 << 18, most=1 << 30, power_of_two=True
    )
    lineage_max: int = setting(16, "ancestors named in an alert", least=0, most=64)
    fact_wait_ms: int = setting(
        200, "an event waits so long for facts of its files; later they are undecidable; 0: never", least=0, most=10_000
    )


class Rules(Section):
    """What is looked for."""

    paths: tuple[str, ...] = setting(
        (),
        "folders or files of Sigma rules; none: those shipped for the platform and /etc/linsang/rules.d",
        flag="--rules",
        metavar="DIR",
    )
    pipelines: tuple[str, ...] = setting(
        (),
        "pySigma processing pipelines that change the rules: files, folders, or names of installed ones",
        flag="--pipeline",
        metavar="FILE",
    )
    expand: Mapping[str, tuple[str, ...]] = setting(
        dict,
        'what placeholders of rules (the modifier expand) stand for, beside the lists: name = ["value", ...]',
        flag="--expand",
        metavar="NAME=VALUE",
    )
    skip_broken: bool = setting(False, "start without the rules that are refused", flag="--skip-broken-rules")

    @property
    def reading(self) -> Reading:
        """How the rules are read: `expand` wins over the lists. ConfigError: as rule_lists.lists."""
        return Reading(self.pipelines, {**lists(), **self.expand})


class Output(Section):
    """Where alerts go; one [[output]] each."""

    url: str = setting("stdout:", "stdout:, file:PATH, syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT; ?option=value")


class Rollup(Section):
    """Undecidables of the live sensor."""

    interval_s: int = setting(
        60, "further undecidables of one rule and cause become one alert with a count in so many seconds", least=1
    )


class Paths(Section):
    """Folders of the sensor's own."""

    runtime: str = setting(
        lambda: own_folder("run", "XDG_RUNTIME_DIR", ".local/state"),
        "runtime files",
        flag="--runtime-dir",
        nonempty=True,
    )
    cache: str = setting(
        lambda: own_folder("cache", "XDG_CACHE_HOME", ".cache"),
        "compiled rules and probes, the index of packages",
        flag="--cache-dir",
        nonempty=True,
    )
    state: str = setting(
        lambda: own_folder("lib", "XDG_STATE_HOME", ".local/state"),
        "which files were seen before",
        flag="--state-dir",
        nonempty=True,
    )


class Config(Section):
    """Every setting. A field is a section of the TOML file; `output` is its list of [[output]] tables."""

    source: Source = setting(Source)
    files: Files = setting(Files)
    windows: Windows = setting(Windows)
    process_table: ProcessTable = setting(ProcessTable)
    engine: Engine = setting(Engine)
    rules: Rules = setting(Rules)
    output: tuple[Output, ...] = setting(lambda: (Output(),))
    rollup: Rollup = setting(Rollup)
    paths: Paths = setting(Paths)


def _sections() -> dict[str, type[Section]]:
    return {
        "source": Source,
        "files": Files,
        "windows": Windows,
        "process_table": ProcessTable,
        "engine": Engine,
        "rules": Rules,
        "output": Output,
        "rollup": Rollup,
        "paths": Paths,
    }


def load(path: str | None = None, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Config:
    """The settings of the file at `path`, with `overrides` (from `flag_overrides`) on top.

    Without `path`, SYSTEM_FILE where there is one, else the defaults. ConfigError names file, line and the nearest
    known key.
    """
    config = Config()
    if path is not None or os.path.exists(SYSTEM_FILE):
        config = parse(_read(path or SYSTEM_FILE), path or SYSTEM_FILE)
    changed: dict[str, Any] = {}
    for section, values in (overrides or {}).items():
        if section == "output":
            changed[section] = tuple(Output(url) for url in values["url"])
        else:
            changed[section] = getattr(config, section).but(**values)
    return config.but(**changed)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ConfigError(f"{path}: more than {_MOST_BYTES >> 20} MiB", "give a file of settings to --config")
        return content.decode("utf-8-sig")  # Notepad may put a mark before it
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "give the path of a readable file to --config") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8") from error


class _Document(NamedTuple):
    """A configuration file's text, for messages: tomllib keeps no lines, so the text is searched for them."""

    path: str
    text: str

    def where(self, section: str, key: str = "", number: int = 0) -> str:
        """`path:line` of a key in the `number`th table called `section`; the table's own line where that fails."""
        header = re.compile(rf'\s*\[\[?\s*["\']?{re.escape(section)}["\']?\s*\]')
        dotted = re.compile(rf'\s*["\']?{re.escape(section)}["\']?\s*[.=].*')
        wanted = re.compile(rf'\s*["\']?{re.escape(key)}["\']?\s*[.=]')
        inside, seen, found = False, -1, 0
        for at, line in enumerate(self.text.splitlines(), 1):
            if line.lstrip().startswith("["):
                inside = header.match(line) is not None
                seen += inside
                found = found or (at if inside and seen == number else 0)
            elif (inside and seen == number and key and wanted.match(line)) or (seen < 0 and dotted.match(line)):
                return f"{self.path}:{at}"
        return f"{self.path}:{found}" if found else self.path

    def section(self, cls: type[S], name: str, content: object, number: int = 0) -> S:
        """The section `cls` from the table `content`."""
        if not isinstance(content, dict):
            raise ConfigError(f"{self.where(name)}: `{name}` must be a table", f"write [{name}] on its own line")
        values = {}
        for key, value in content.items():
            where = self.where(name, key, number)
            if key not in cls.settings:
                raise ConfigError(f"{where}: unknown key `{key}` in [{name}]", nearest(key, cls.settings))
            try:
                values[key] = checked(cls.settings[key], value)
            except ValueError as error:
                raise ConfigError(f"{where}: {name}.{key} is {json.dumps(value, default=str)}", str(error)) from error
        if cls is Output and not values:
            raise ConfigError(f"{self.where(name, number=number)}: [[output]] without `url`", 'write url = "stdout:"')
        return cls(**values)


def parse(text: str, path: str) -> Config:
    """The settings in the TOML `text`; `path` is for the messages. Raises ConfigError."""
    import tomllib  # noqa: PLC0415 - most commands find no file

    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).partition(" (at ")
        line = re.match(r"line (\d+)", place)
        raise ConfigError(f"{path}:{line[1] if line else text.count(chr(10)) + 1}: {reason}") from error
    document = _Document(path, text)
    known = _sections()
    changed: dict[str, Any] = {}
    for name, content in tree.items():
        if name not in known:
            raise ConfigError(f"{document.where(name)}: unknown section `{name}`", nearest(name, known))
        if name == "output":
            tables = content if isinstance(content, list) else [content]
            changed[name] = tuple(document.section(Output, name, t, i) for i, t in enumerate(tables))
        else:
            changed[name] = document.section(known[name], name, content)
    return Config().but(**changed)


# ---- flags ----


def add_flags(parser: argparse.ArgumentParser, only: Collection[str] = ()) -> None:
    """A flag for every setting, or `only` for those of these sections and `section.key`s, in one group; what was given
    comes out of `flag_overrides`. `--rules` and `--output` can be repeated and replace the file's lists."""
    group = parser.add_argument_group("settings (also in the configuration file)")
    for section, cls in _sections().items():
        for each in cls.settings.values():
            check, default = each.check, each.default
            flag, dest = _flag(section, each), f"{section}.{each.name}"
            if only and section not in only and dest not in only:
                continue
            shown = ", ".join(default) if isinstance(default, tuple) else default
            shown = size_text(default) if check.get("size") else shown
            text = each.help.replace("%", "%%") + ("" if shown in ("", {}, False) else f" ({shown})")
            if isinstance(default, bool):
                group.add_argument(flag, dest=dest, action=argparse.BooleanOptionalAction, default=None, help=text)
            elif isinstance(default, tuple | dict) or section == "output":
                metavar = check.get("metavar", "URL")
                group.add_argument(flag, dest=dest, action="append", metavar=metavar, help=text)
            else:
                metavar = "SIZE" if check.get("size") else "N" if isinstance(default, int) else "DIR"
                if check.get("choices"):
                    metavar = "|".join(check["choices"])
                group.add_argument(flag, dest=dest, metavar=metavar, help=text)


def flag_overrides(namespace: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """section -> key -> value of the flags that were given. UsageError when one has a wrong value."""
    given: dict[str, dict[str, Any]] = {}
    for section, cls in _sections().items():
        for each in cls.settings.values():
            value = getattr(namespace, f"{section}.{each.name}", None)
            if value is None:
                continue
            if isinstance(each.default, int) and isinstance(value, str) and value.strip().isdecimal():
                value = int(value)
            try:
                if section != "output":
                    value = checked(each, value)
            except ValueError as error:
                shown = " ".join(value) if isinstance(value, list) else value
                raise UsageError(f"{_flag(section, each)} {shown}", str(error)) from error
            given.setdefault(section, {})[each.name] = value
    return given


def _flag(section: str, setting: Setting) -> str:
    if section == "output":
        return "--output"
    return setting.flag or f"--{section}-{setting.name}".replace("_", "-")


# ---- dump ----


def dump(config: Config) -> str:
    """TOML that `parse` turns into an equal Config, with each setting's help as a comment."""
    parts = []
    for name, cls in _sections().items():
        value = getattr(config, name)
        tables: Sequence[Any] = value if name == "output" else (value,)
        for table in tables:
            lines = [f"# {cls.__doc__}", f"[[{name}]]" if name == "output" else f"[{name}]"]
            for each in cls.settings.values():
                lines += [
                    f"# {each.help}",
                    f"{each.name} = {toml_value(each, getattr(table, each.name))}",
                ]
            parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
