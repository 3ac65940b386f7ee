"""Rule files -> IR. Every fault is one line with file, line, rule and reason; nothing else is lost."""

import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaDetections, SigmaLogSource, SigmaRule
from sigma.rule.detection import EmptySigmaDetections

from sensor.compiler.condition import parse_condition
from sensor.compiler.detection import parse_detections
from sensor.compiler.documents import Document, documents
from sensor.compiler.filters import Filter, parse_filter
from sensor.compiler.ir import And, Logsource, Node, Or, Rule, RuleInfo
from sensor.compiler.logic import depth, join, settle
from sensor.compiler.lower import lower
from sensor.compiler.refused import Refused
from sensor.errors import RuleError
from sensor.rule_files import Reading, rule_files

FILE_BYTES_MAX = 16 << 20
DEPTH_MAX = 60  # of a condition with its detections: the compiler and the reference recurse
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RuleSet:
    """What was loaded: `rules` in the order of their files, `faults` of what was refused."""

    rules: tuple[Rule, ...]
    faults: tuple[RuleError, ...]


def load_rules(paths: Sequence[Path], progress: Progress | None = None, reading: Reading | None = None) -> RuleSet:
    """All rules of `paths`, with the filters among them. `progress` hears (files done, files in all).

    InputError: a path does not exist or none holds a rule. LinsangError: a pipeline cannot be used.
    """
    files = rule_files(paths)
    loader = _Loader(reading or Reading())
    for done, path in enumerate(files):
        if progress is not None:
            progress(done, len(files))
        loader.load(path)
    if progress is not None:
        progress(len(files), len(files))
    return loader.finish()


@dataclass(frozen=True)
class _Place:
    """Where a document is, for what is said of it."""

    path: Path
    document: Document

    def fault(self, error: Exception) -> RuleError:
        """The one line that says why it is refused."""
        content = self.document.content
        rule_id = str(content.get("id") or "") if isinstance(content, dict) else ""
        reason = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, Refused):
            return RuleError(str(self.path), self.document.line, rule_id, reason)
        keys = [key for key in error.where[1:] if isinstance(key, str)]  # without `detection`
        if keys and not reason.startswith("the condition"):
            reason = f"{' > '.join(keys)}: {reason}"
        line = error.line or self.document.line_of(error.where)
        return RuleError(str(self.path), line, rule_id, reason, error.remedy)


@dataclass(frozen=True)
class _Loaded:
    """A rule, and what a filter needs to know of it. Not its document: thousands of them are hundreds of MiB."""

    rule: Rule
    sigma: SigmaRule  # its detection apart


class _Loader:
    def __init__(self, reading: Reading) -> None:
        self._expand = reading.expand
        self._pipeline = _pipeline(reading.pipelines)
        self._loaded: list[_Loaded] = []
        self._filters: list[tuple[_Place, Filter]] = []
        self._faults: list[RuleError] = []
        self._known: dict[str, str] = {}  # id -> file

    def load(self, path: Path) -> None:
        """All that is in one file."""
        try:
            for document in documents(_read(path)):
                self._document(_Place(path, document))
        except Refused as error:
            self._faults.append(RuleError(str(path), error.line or 1, "", str(error), error.remedy))

    def _document(self, place: _Place) -> None:
        try:
            content = place.document.content
            if not isinstance(content, dict):
                raise Refused("no rule: the document is not a mapping")
            if "correlation" in content:
                why = "correlation documents join several events, and rules here judge each event on its own"
                raise Refused(why, "correlation", remedy="correlate the alerts of the rules that it names")
            if "action" in content:
                raise Refused("`action` makes rule collections, which are not part of Sigma 2", "action")
            if "filter" in content:
                made: Filter | _Loaded = _filter(content, self._expand)
            else:
                made = self._rule(place)
            self._claim(place, str(content.get("id") or "").lower())
            if isinstance(made, Filter):
                self._filters.append((place, made))
            else:
                self._loaded.append(made)
        except (SigmaError, Refused, RecursionError) as error:
            self._faults.append(place.fault(error))

    def _claim(self, place: _Place, rule_id: str) -> None:
        first = self._known.setdefault(rule_id, f"{place.path}:{place.document.line}") if rule_id else ""
        if first and first != f"{place.path}:{place.document.line}":
            raise Refused(f"the id is that of {first}", "id", remedy="give each rule an id of its own")

    def _rule(self, place: _Place) -> _Loaded:
        content = place.document.content
        sigma = _sigma_rule(content, self._expand)
        before = replace(sigma, detection=EmptySigmaDetections())  # pipelines change a rule in place
        unfilled: set[str] = set()
        condition = _condition(sigma, self._pipeline, unfilled)
        info = _info(place.path, place.document.line, content, sigma, tuple(sorted(unfilled)))
        return _Loaded(Rule(info, _checked(condition)), before)

    def finish(self) -> RuleSet:
        """What was loaded, filters applied."""
        rules = []
        for loaded in self._loaded:
            try:
                rules.append(self._filtered(loaded))
            except (SigmaError, Refused, RecursionError) as error:
                info = loaded.rule.info
                self._faults.append(RuleError(info.path, info.line, info.id, f"with its filters: {error}"))
        for place, each in self._filters:
            if each.unseen:
                why = f"no rule that is loaded has the id or name {', '.join(sorted(each.unseen))}"
                self._faults.append(place.fault(Refused(why, "filter", "rules")))
        return RuleSet(tuple(rules), tuple(self._faults))

    def _filtered(self, loaded: _Loaded) -> Rule:
        node, unfilled = loaded.rule.condition, set(loaded.rule.info.unfilled)
        for _, each in self._filters:
            if each.applies(loaded.sigma):
                part = replace(loaded.sigma, detection=each.for_rule())
                node = join(And, (node, _condition(part, self._pipeline, unfilled))) or node
        if node is loaded.rule.condition:
            return loaded.rule
        return Rule(replace(loaded.rule.info, unfilled=tuple(sorted(unfilled))), _checked(node))


def _pipeline(specs: Sequence[str]) -> ProcessingPipeline | None:
    if not specs:
        return None
    from sensor.compiler.pipeline import open_pipeline  # noqa: PLC0415 - pySigma's plugins take long to load

    return open_pipeline(specs)


def _read(path: Path) -> str:
    """The text of a file. Refused: not a file, unreadable, too large or not UTF-8."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Refused("not a regular file")
        with path.open("rb") as file:
            raw = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Refused(error.strerror or "unreadable") from None
    if len(raw) > FILE_BYTES_MAX:
        raise Refused(f"larger than {FILE_BYTES_MAX >> 20} MiB", remedy="split it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(f"not UTF-8 at byte {error.start}", line=line) from None


# Where the faults are that pySigma finds outside of the detection, by what it raises.
_PLACES = {"Identifier": "id", "Value": "tags", "Tag": "tags"}


def _sigma_rule(content: dict[Any, Any], expand: Mapping[str, Sequence[str]]) -> SigmaRule:
    try:
        known, errors = SigmaRule.from_dict_common_params(content)
        if errors:
            raise errors[0]
        if not isinstance(source := content.get("logsource"), dict):
            raise Refused("a rule needs a log source", "logsource")
        texts = {key: value.lower() if isinstance(value, str) else value for key, value in source.items()}
        logsource = SigmaLogSource.from_dict(texts)
    except SigmaError as error:
        name = type(error).__name__.removeprefix("Sigma").removesuffix("Error")
        raise Refused(str(error), _PLACES.get(name, name.lower())) from None
    except (AttributeError, TypeError, ValueError, KeyError) as error:
        raise Refused(f"not a Sigma rule: {error}") from None
    if "detection" not in content:
        raise Refused("a rule needs a detection")
    try:
        detections, conditions = parse_detections(content["detection"], frozenset(), expand)
    except Refused as error:
        raise error.below("detection") from None
    return SigmaRule(logsource=logsource, detection=SigmaDetections(detections, conditions), **known)


def _condition(rule: SigmaRule, pipeline: ProcessingPipeline | None, unfilled: set[str]) -> Node:
    """The condition of a rule or filter, after `pipeline`. Refused, with the place."""
    if pipeline is not None:
        try:
            pipeline.apply(rule)
        except SigmaError as error:
            raise Refused(f"by the pipeline: {error}") from None
    names: dict[str, Node | None] = {}
    for name, detection in rule.detection.detections.items():
        try:
            names[name] = lower(detection, unfilled)
        except Refused as error:
            raise error.below("detection", name) from None
    conditions = [each.condition for each in rule.detection.parsed_condition]
    try:
        node = join(Or, [parse_condition(text, names) for text in conditions])
    except Refused as error:
        raise error.below("detection", "condition") from None
    if node is None:
        raise Refused("the pipeline left nothing of its detection")
    return settle(node)


def _filter(content: dict[Any, Any], expand: Mapping[str, Sequence[str]]) -> Filter:
    made = parse_filter(content, expand)
    alone = SigmaRule(logsource=made.logsource, detection=made.for_rule())
    try:
        _condition(alone, None, set())
    except Refused as error:
        raise Refused(str(error), "filter", *error.where[1:], remedy=error.remedy) from None
    return made


def _checked(node: Node) -> Node:
    if depth(node) > DEPTH_MAX:
        raise Refused(f"its condition is nested more than {DEPTH_MAX} levels deep", "detection", "condition")
    return node


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def _info(path: Path, line: int, document: dict[str, Any], rule: SigmaRule, unfilled: tuple[str, ...]) -> RuleInfo:
    source = rule.logsource
    return RuleInfo(
        id=str(rule.id or ""),
        title=rule.title,
        level=rule.level.name.lower() if rule.level else "medium",
        logsource=Logsource(source.product or "", source.category or "", source.service or ""),
        path=str(path),
        line=line,
        status=rule.status.name.lower() if rule.status else "",
        tags=tuple(str(tag) for tag in rule.tags),
        author=rule.author or "",
        description=rule.description or "",
        references=_texts(document.get("references")),
        falsepositives=_texts(document.get("falsepositives")),
        unfilled=unfilled,
    )
