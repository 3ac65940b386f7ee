"""YAML text -> documents, in bounded time and memory whatever the text holds.

libyaml finds the nodes; values are made from them here, in one walk that also counts: aliases can be recursive or grow
a small file without end, keys can stand twice, and nesting is recursion in libyaml's binding.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import yaml

from sensor.compiler.refused import Refused

NODES_MAX = 500_000  # of a document, its aliases written out; the largest rule of SigmaHQ has some 4,500
DEPTH_MAX = 100
_CAREFUL_BYTES = 1 << 20
_CAREFUL_BRACKETS = 500
_LONG_LINE = re.compile(r"^[^\n]{1000}", re.M)  # a block that is nested so deeply is indented at least half as much
_TAG = "tag:yaml.org,2002:"
_LOOKS = yaml.CSafeLoader.yaml_implicit_resolvers  # by first character, of scalars that are no text
_WORD = 64  # a longer one does not come again
_STR, _SEQ, _MAP, _MERGE = _TAG + "str", _TAG + "seq", _TAG + "map", _TAG + "merge"


@lru_cache(1024)
def _tag(value: str) -> str:
    """What a scalar without quotes is, by its look."""
    return next((tag for tag, look in _LOOKS.get(value[:1], ()) if look.match(value)), _STR)


class _Loader(yaml.CSafeLoader):
    """libyaml's nodes; the same words stand in all rules, so their tags are looked up."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: tuple[bool, bool]) -> str:
        if kind is not yaml.ScalarNode:
            return _MAP if kind is yaml.MappingNode else _SEQ
        if not implicit[0] or value[:1] not in _LOOKS:
            return _STR
        return _tag(value) if len(value) < _WORD else _tag.__wrapped__(value)


@dataclass(frozen=True)
class Document:
    """One document of a file: `content` as plain Python values, `line` where it begins (1-based)."""

    content: Any
    line: int
    _node: yaml.Node = field(repr=False)

    def line_of(self, where: tuple[str | int, ...]) -> int:
        """The line of the value below the keys `where`; of the last of them that is there."""
        node = self._node
        line = self.line
        for key in where:
            if isinstance(node, yaml.MappingNode):
                found = [(k, v) for k, v in node.value if k.value == key]
                if not found:
                    return line
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                line = node.start_mark.line + 1
        return line


def documents(text: str) -> Iterator[Document]:
    """The documents of a YAML file; empty ones are left out. Refused, with its line, at the first fault."""
    try:
        if _is_odd(text):
            _check_size(text)
        loader = _Loader(text)
        try:
            while loader.check_node():
                node = loader.get_node()
                assert node is not None
                content = _Values(loader).of(node)
                if content is not None:
                    yield Document(content, node.start_mark.line + 1, node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = min(mark.line, text.rstrip("\n").count("\n")) + 1 if mark else 1  # the last for what ends too soon
        remedy = "indent with spaces" if "tab character" in str(error.problem) else ""
        raise Refused(f"no YAML: {error.problem}", line=line, remedy=remedy) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise Refused(f"no YAML: {error.reason}", line=line) from None
    except yaml.YAMLError as error:
        raise Refused(f"no YAML: {str(error).splitlines()[0]}", line=1) from None
    except RecursionError:
        raise Refused(f"nested more than {DEPTH_MAX} levels deep", line=1) from None


def _is_odd(text: str) -> bool:
    """Whether the text may be too deep or too much for what makes nodes of it."""
    brackets = text.count("[") + text.count("{")
    return len(text) > _CAREFUL_BYTES or brackets > _CAREFUL_BRACKETS or _LONG_LINE.search(text) is not None


def _check_size(text: str) -> None:
    """Refused for what is nested too deeply or has too many values. Events come one by one, without recursion."""
    depth = count = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.DocumentStartEvent):
            count = 0
        count += 1
        if depth > DEPTH_MAX:
            raise Refused(f"nested more than {DEPTH_MAX} levels deep", line=_line(event))
        if count > NODES_MAX:
            raise Refused(f"more than {NODES_MAX:,} values", line=_line(event), remedy="split it")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


class _Values:
    """The values of one document's nodes."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._count = 0  # of nodes, aliases written out
        self._done: dict[int, tuple[Any, int]] = {}  # of a collection: its value, and of how many nodes it is
        self._open: set[int] = set()

    def of(self, node: yaml.Node) -> Any:
        self._count += 1
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.tag == _STR else self._scalar(node)
        if (known := self._done.get(id(node))) is not None:
            value, size = known
            self._count += size - 1
            self._check(node)
            return value
        if id(node) in self._open:
            raise _refused("an alias that holds itself", node, "write out what it stands for")
        if len(self._open) >= DEPTH_MAX:
            raise _refused(f"nested more than {DEPTH_MAX} levels deep", node)
        if node.tag not in {_SEQ, _MAP}:
            raise _refused(f"the tag {node.tag.replace(_TAG, '!!')} is not taken in rules", node, "leave it out")
        self._open.add(id(node))
        before = self._count
        value = self._mapping(node) if isinstance(node, yaml.MappingNode) else [self.of(item) for item in node.value]
        self._open.remove(id(node))
        self._done[id(node)] = value, self._count - before + 1
        self._check(node)
        return value

    def _check(self, node: yaml.Node) -> None:
        if self._count > NODES_MAX:
            raise _refused(f"more than {NODES_MAX:,} values, aliases written out", node, "split it")

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            return self._loader.construct_object(node)
        except (ValueError, OverflowError) as error:
            raise _refused(f"`{node.value[:40]}` is no {node.tag.removeprefix(_TAG)}: {error}", node) from None

    def _mapping(self, node: yaml.MappingNode) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        merged: dict[Any, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _refused("a key that is a list or a mapping", key, "put it in quotes")
            if key.tag == _MERGE:
                merged = self._merged(value) | merged
                continue
            name = self.of(key)
            if name in made:
                raise _refused(f"the key `{key.value}` stands twice", key, "give one key all its values, as a list")
            made[name] = self.of(value)
        return merged | made

    def _merged(self, node: yaml.Node) -> dict[Any, Any]:
        """What `<<` brings: a mapping, or a list of them of which the first that has a key counts."""
        value = self.of(node)
        merged: dict[Any, Any] = {}
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, dict):
                raise _refused("`<<` takes mappings", node)
            merged = each | merged
        return merged


def _refused(reason: str, node: yaml.Node, remedy: str = "") -> Refused:
    return Refused(reason, line=node.start_mark.line + 1, remedy=remedy)
