"""Rule files -> IR, with the filters among them. What is refused is a fault; nothing else is lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sigma.exceptions import SigmaError

from sensor.compiler import regex
from sensor.compiler.filters import Filter
from sensor.compiler.ir import Rule
from sensor.compiler.reader import Found, Reader, ReadRule
from sensor.compiler.refused import Refused
from sensor.compiler.workers import spread
from sensor.errors import RuleError
from sensor.progress import Update
from sensor.rule_files import Reading, rule_files

_MANY = 400  # files that are worth processes of their own
_AT_ONCE = 16  # files


@dataclass(frozen=True)
class RuleSet:
    """What was loaded: `rules` in the order of their files, `faults` of what was refused."""

    rules: tuple[Rule, ...]
    faults: tuple[RuleError, ...]


def load_rules(paths: Sequence[Path], progress: Update | None = None, reading: Reading | None = None) -> RuleSet:
    """All rules of `paths`, with the filters among them. `progress` hears (files done, files in all).

    InputError: a path does not exist or none holds a rule. LinsangError: a pipeline cannot be used, or a process that
    helps was killed.
    """
    files = rule_files(paths)
    reader = Reader(reading or Reading())
    loader = _Loader(reader)
    for done, found in enumerate(_read(reader, files)):
        if progress is not None:
            progress(done, len(files))
        loader.add(found)
    if progress is not None:
        progress(len(files), len(files))
    return loader.finish()


class _Loader:
    """Joins what was found in all files."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._rules: list[ReadRule] = []
        self._filters: list[tuple[Found, Filter]] = []
        self._faults: list[RuleError] = []
        self._known: dict[str, str] = {}  # id -> file and line

    def add(self, found: Sequence[Found | RuleError]) -> None:
        """What is in the next file."""
        for each in found:
            if isinstance(each, RuleError):
                self._faults.append(each)
            elif each.id and (first := self._first(each)):
                remedy = "give each rule an id of its own"
                self._faults.append(RuleError(each.path, each.id_line, each.id, f"the id is that of {first}", remedy))
            elif isinstance(each.what, Filter):
                self._filters.append((each, each.what))
            else:
                self._rules.append(each.what)

    def _first(self, found: Found) -> str:
        """Where its id was met before."""
        place = f"{found.path}:{found.line}"
        first = self._known.setdefault(found.id.lower(), place)
        return first if first != place else ""

    def finish(self) -> RuleSet:
        """What was loaded, filters applied."""
        rules = []
        filters = [each for _, each in self._filters]
        for read in self._rules:
            try:
                rules.append(self._reader.filtered(read, filters))
            except (SigmaError, Refused, RecursionError) as error:
                info = read.rule.info
                self._faults.append(RuleError(info.path, info.line, info.id, f"with its filters: {error}"))
        for found, each in self._filters:
            if each.unseen:
                why = f"rules: no rule that is loaded has the id or name {', '.join(sorted(each.unseen))}"
                self._faults.append(RuleError(found.path, found.rules_line, found.id, why))
        return RuleSet(tuple(rules), tuple(self._faults))


# ---- many files, by several processes ----


def _read(reader: Reader, files: Sequence[Path]) -> Iterator[list[Found | RuleError]]:
    """What is in each file, in their order."""

    def read(part: Sequence[Path]) -> tuple[list[list[Found | RuleError]], Mapping[regex.Key, bytes]]:
        """What is in each, and the regular expressions that were compiled for it."""
        before = regex.known()
        found = [reader.read(file) for file in part]
        return found, {key: blob for key, blob in regex.known().items() if key not in before}

    parts = [files[at : at + _AT_ONCE] for at in range(0, len(files), _AT_ONCE)]
    for found, regexes in spread(read, parts, many=len(files) >= _MANY):
        regex.know(regexes)
        yield from found
