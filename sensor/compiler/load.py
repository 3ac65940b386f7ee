"""Rule files -> IR. Every fault is one line with file, line, rule and reason; nothing else is lost."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from sensor.compiler.ir import Logsource, Or, Rule, RuleInfo
from sensor.compiler.lower import Refused, lower
from sensor.compiler.regex import Unsupported
from sensor.compiler.table import check_atoms
from sensor.errors import InputError, RuleError

FILE_BYTES_MAX = 16 << 20
CASES = ".cases.yml"  # beside a rule; not a rule
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class RuleSet:
    """What was loaded: `rules` in the order of their files, `faults` of what was refused."""

    rules: tuple[Rule, ...]
    faults: tuple[RuleError, ...]


def _check_node(node: Any, seen: set[int]) -> None:
    """Refuses aliases (they can be recursive, or grow a small file without bound) and keys that stand twice."""
    if id(node) in seen:
        raise yaml.MarkedYAMLError(None, None, "aliases are not taken in rules", node.start_mark)
    if isinstance(node, yaml.ScalarNode):
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            _check_node(item, seen)
        return
    keys: set[str] = set()
    for key, value in node.value:
        _check_node(key, seen)
        _check_node(value, seen)
        if isinstance(key, yaml.ScalarNode):
            if key.value in keys:
                raise yaml.MarkedYAMLError(None, None, f"the key `{key.value}` stands twice", key.start_mark)
            keys.add(key.value)


def rule_files(paths: Sequence[Path]) -> list[Path]:
    """The rule files in `paths` (files, and folders with all below them), sorted within a folder.

    InputError: a path does not exist.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            found = (p for p in path.rglob("*") if p.suffix in {".yml", ".yaml"} and not p.name.endswith(CASES))
            files.extend(sorted(p for p in found if p.is_file()))
        elif path.exists():
            files.append(path)
        else:
            raise InputError(str(path), -1, "no such file or folder")
    return list(dict.fromkeys(files))


def load_rules(paths: Sequence[Path], progress: Progress | None = None) -> RuleSet:
    """All rules of `paths`. `progress` hears (files done, files in all). InputError: a path does not exist."""
    files = rule_files(paths)
    rules: list[Rule] = []
    faults: list[RuleError] = []
    known: dict[str, str] = {}
    for done, path in enumerate(files):
        if progress is not None:
            progress(done, len(files))
        for item in _load_file(path):
            if isinstance(item, RuleError):
                faults.append(item)
                continue
            first = known.setdefault(item.info.id, str(path)) if item.info.id else str(path)
            if item.info.id and first != str(path):
                why = f"the id is that of {first}"
                faults.append(
                    RuleError(str(path), item.info.line, item.info.id, why, "give each rule an id of its own")
                )
                continue
            rules.append(item)
    if progress is not None:
        progress(len(files), len(files))
    return RuleSet(tuple(rules), tuple(faults))


def _load_file(path: Path) -> Iterator[Rule | RuleError]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            yield RuleError(str(path), 1, "", f"larger than {FILE_BYTES_MAX >> 20} MiB", "split it")
            return
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"not UTF-8 at byte {error.start}"
        yield RuleError(str(path), 1, "", str(why), "")
        return
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            _check_node(node, set())
            document = loader.construct_document(node)
            if document is not None:
                yield _load_document(path, node.start_mark.line + 1, document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        yield RuleError(str(path), mark.line + 1 if mark else 1, "", f"{error.problem}", "")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        yield RuleError(str(path), 1, "", f"no YAML: {error}".splitlines()[0], "")
    finally:
        loader.dispose()


def _load_document(path: Path, line: int, document: Any) -> Rule | RuleError:
    def fault(reason: str, remedy: str = "") -> RuleError:
        rule_id = str(document.get("id", "")) if isinstance(document, dict) else ""
        return RuleError(str(path), line, rule_id, " ".join(reason.split()), remedy)

    if not isinstance(document, dict):
        return fault("no rule: the document is not a mapping")
    for kind in ("correlation", "filter"):
        if kind in document:
            return fault(f"{kind} documents are not supported yet")
    try:
        parsed = SigmaRule.from_dict(document)
        conditions = tuple(lower(condition.parsed) for condition in parsed.detection.parsed_condition)
        condition = conditions[0] if len(conditions) == 1 else Or(conditions)
        check_atoms(condition)
        return Rule(_info(path, line, document, parsed), condition)
    except (SigmaError, Refused, Unsupported, re.error) as error:
        return fault(str(error) or type(error).__name__)
    except (AttributeError, TypeError, ValueError, KeyError, RecursionError) as error:
        return fault(f"not a Sigma rule: {error}")


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def _info(path: Path, line: int, document: dict[str, Any], rule: SigmaRule) -> RuleInfo:
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
    )
