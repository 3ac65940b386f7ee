"""One file of rules -> the rules and filters in it. Every fault is one line with file, line and reason; nothing else is
lost."""

import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sigma.exceptions import SigmaError
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaDetections, SigmaLevel, SigmaLogSource, SigmaRule, SigmaStatus
from sigma.rule.detection import EmptySigmaDetections

from sensor.compiler.condition import parse_conditions
from sensor.compiler.detection import parse_detections
from sensor.compiler.documents import Document, documents
from sensor.compiler.filters import Filter, parse_filter
from sensor.compiler.ir import And, Logsource, Node, Rule, RuleInfo
from sensor.compiler.logic import depth, join, settle
from sensor.compiler.lower import lower
from sensor.compiler.refused import Refused
from sensor.errors import RuleError, nearest
from sensor.rule_files import Reading
from sensor.terminal import clip

FILE_BYTES_MAX = 16 << 20
_PIECE = 1 << 16  # some file systems do not say how large a file is
_SHOWN_MAX = 500  # columns of a reason
DEPTH_MAX = 60  # of a condition with its detections: the compiler and the reference recurse


@dataclass(frozen=True)
class ReadRule:
    """A rule, and what a filter needs to know of it. Not its document: thousands of them are hundreds of MiB."""

    rule: Rule
    name: str
    sigma: SigmaRule | None  # for a pipeline, which the conditions of filters go through, too; its detection apart


@dataclass(frozen=True)
class Found:
    """A rule or filter, and the lines of what it can still be refused for."""

    what: ReadRule | Filter
    path: str
    line: int
    id: str
    id_line: int
    rules_line: int  # of a filter: where it names its rules


class Reader:
    """Reads files of rules as `reading` says. LinsangError: a pipeline cannot be used."""

    def __init__(self, reading: Reading) -> None:
        self._expand = reading.expand
        self._pipeline = _pipeline(reading.pipelines)

    def read(self, path: Path) -> list[Found | RuleError]:
        """What the documents of a file are, in their order."""
        found: list[Found | RuleError] = []
        try:
            found.extend(self._document(path, document) for document in documents(_read(path)))
        except Refused as error:
            found.append(RuleError(str(path), error.line, "", _short(str(error)), error.remedy))
        return found

    def _document(self, path: Path, document: Document) -> Found | RuleError:
        try:
            content = document.content
            if not isinstance(content, dict):
                raise Refused("no rule: the document is not a mapping")
            if "correlation" in content:
                why = "correlation documents join several events, and rules here judge each event on its own"
                raise Refused(why, "correlation", remedy="correlate the alerts of the rules that it names")
            if "action" in content:
                raise Refused("`action` makes rule collections, which are not part of Sigma 2", "action")
            what = _filter(content, self._expand) if "filter" in content else self._rule(path, document)
        except (SigmaError, Refused, RecursionError) as error:
            return _fault(path, document, error)
        lines = document.line_of(("id",)), document.line_of(("filter", "rules"))
        return Found(what, str(path), document.line, str(content.get("id") or ""), *lines)

    def _rule(self, path: Path, document: Document) -> ReadRule:
        sigma = _sigma_rule(document.content, self._expand)
        before = None
        if self._pipeline is not None:  # which changes a rule in place
            before = replace(sigma, detection=EmptySigmaDetections())
        unfilled: set[str] = set()
        condition = _condition(sigma, self._pipeline, unfilled)
        info = _info(path, document.line, document.content, sigma, tuple(sorted(unfilled)))
        return ReadRule(Rule(info, _checked(condition)), sigma.name or "", before)

    def filtered(self, read: ReadRule, filters: Sequence[Filter]) -> Rule:
        """The rule with the conditions of those filters that apply to it. SigmaError, Refused, RecursionError: one
        cannot be applied."""
        node, unfilled = read.rule.condition, set(read.rule.info.unfilled)
        for each in filters:
            if each.applies(read.rule.info, read.name):
                part = each.alone() if read.sigma is None else replace(read.sigma, detection=each.for_rule())
                node = join(And, (node, _condition(part, self._pipeline, unfilled))) or node
        if node is read.rule.condition:
            return read.rule
        return Rule(replace(read.rule.info, unfilled=tuple(sorted(unfilled))), _checked(node))


def _fault(path: Path, document: Document, error: Exception) -> RuleError:
    """The one line that says why a document is refused."""
    content = document.content
    rule_id = _short(str(content.get("id") or "")) if isinstance(content, dict) else ""
    reason = " ".join(str(error).split()) or type(error).__name__
    if not isinstance(error, Refused):
        return RuleError(str(path), document.line, rule_id, _short(reason))
    keys = [key for key in error.where[1:] if isinstance(key, str)]  # without `detection`
    if keys and not reason.startswith("the condition"):
        reason = f"{' > '.join(keys)}: {reason}"
    line = error.line or document.line_of(error.where)
    return RuleError(str(path), line, rule_id, _short(reason), _short(error.remedy))


def _short(text: str) -> str:
    """What quotes a rule, which may quote very much."""
    return text if len(text) <= _SHOWN_MAX else clip(text, _SHOWN_MAX)


def _pipeline(specs: Sequence[str]) -> ProcessingPipeline | None:
    if not specs:
        return None
    from sensor.compiler.pipeline import open_pipeline  # noqa: PLC0415 - pySigma's plugins take long to load

    return open_pipeline(specs)


def _read(path: Path) -> str:
    """The text of a file. Refused: not a file, unreadable, too large or not UTF-8."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        with open(path, "rb", buffering=0) as file:
            raw = file.read(min(max(status.st_size, _PIECE), FILE_BYTES_MAX) + 1)  # a buffer of what can come
    except OSError as error:
        raise Refused(error.strerror or "unreadable") from None
    if len(raw) > FILE_BYTES_MAX:
        raise Refused(f"larger than {FILE_BYTES_MAX >> 20} MiB", remedy="split it")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Refused(f"not UTF-8 at byte {error.start}", line=line, remedy="save it as UTF-8") from None


# Where the faults are that pySigma finds outside of the detection, by what it raises.
_PLACES = {"Identifier": "id", "Value": "tags", "Tag": "tags"}


_KNOWN = {
    "level": [each.name.lower() for each in SigmaLevel],
    "status": [each.name.lower() for each in SigmaStatus],
}


def _remedy(place: str, content: Mapping[Any, Any]) -> str:
    """For what pySigma refuses at `place` of a rule."""
    if place in _KNOWN:
        return nearest(str(content.get(place)), _KNOWN[place])
    return {"id": "give it a UUID, as uuidgen makes them", "tags": "write namespace.name"}.get(place, "")


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
        place = _PLACES.get(name, name.lower())
        raise Refused(str(error), place, remedy=_remedy(place, content)) from None
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
    try:
        node = parse_conditions([each.condition for each in rule.detection.parsed_condition], names)
    except Refused as error:
        raise error.below("detection", "condition") from None
    if node is None:
        raise Refused("the pipeline left nothing of its detection")
    return settle(node)


def _filter(content: dict[Any, Any], expand: Mapping[str, Sequence[str]]) -> Filter:
    made = parse_filter(content, expand)
    try:
        _condition(made.alone(), None, set())
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
