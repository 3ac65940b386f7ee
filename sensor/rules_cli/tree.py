"""A rule's condition as a tree of lines, each with what became of it on an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sensor.compiler.ir import ANY_ONE, ANY_RUN, KEYWORD, And, Atom, Node, Not, Op
from sensor.reference import LOST, Truncated, Verdict, judge, text_of
from sensor.rules_cli.wording import Page
from sensor.terminal import clip

_ITEMS_MAX = 6  # of a list; more are told by --verbose
_VALUE_COLUMNS = 70
VERBS = {
    Op.EQUALS: "is",
    Op.CONTAINS: "contains",
    Op.STARTSWITH: "starts with",
    Op.ENDSWITH: "ends with",
    Op.GLOB: "is like",
    Op.NULL: "is empty or absent",
    Op.EXISTS: "is there",
    Op.CIDR: "is in network",
    Op.REGEX: "matches regex",
    Op.LT: "<",
    Op.LTE: "<=",
    Op.GT: ">",
    Op.GTE: ">=",
}
_MARKS = {True: ("yes", "32"), False: ("no ", "31"), None: ("?  ", "33")}


def quoted(text: str) -> str:
    """A value as it is shown: short, and nothing in it that a terminal would obey."""
    return f"'{clip(text, _VALUE_COLUMNS)}'"


def atom_text(atom: Atom) -> str:
    """One comparison in words."""
    field = "any field" if atom.field == KEYWORD else atom.field
    if atom.op is Op.FIELD:
        return f"{field} {VERBS[atom.form]} what {atom.other} has{' (cased)' if atom.cased else ''}"
    if atom.op is Op.TIME:
        verb = "is" if atom.form is Op.EQUALS else VERBS[atom.form]
        return f"{atom.part.name.lower()} of {field} {verb} {atom.value}"
    if atom.op in (Op.NULL, Op.EXISTS):
        return f"{field} {VERBS[atom.op]}"
    value = quoted(atom.value.replace(ANY_RUN, "*").replace(ANY_ONE, "?"))
    return f"{field} {VERBS[atom.op]} {value}{' (cased)' if atom.cased else ''}"


def seen(field: str, event: Mapping[str, Any]) -> str:
    """What the event has in `field`."""
    if field == KEYWORD:
        return f"{len(event)} fields"
    if field not in event:
        return "absent"
    values = event[field] if isinstance(event[field], list) else [event[field]]
    return ", ".join(map(_value, values)) or "empty"


def _value(value: object) -> str:
    if value is None:
        return "empty"
    if value is LOST:
        return "lost"
    if isinstance(value, Truncated):
        return f"cut: {quoted(f'{value.head}[...]{value.tail}')}"
    return quoted(text_of(value))


def fields_of(node: Node) -> Iterator[str]:
    """Every field that the condition reads, once for each time."""
    if isinstance(node, Atom):
        yield from (name for name in (node.field, node.other) if name)
        return
    for item in (node.item,) if isinstance(node, Not) else node.items:
        yield from fields_of(item)


class Tree:
    """Writes conditions on `page`. `event`: Sigma field -> value as the reference takes it, None: no event.
    `verbose`: every item of long lists, of which else those that settle it are told, or the first few."""

    def __init__(self, page: Page, event: Mapping[str, Any] | None, verbose: bool) -> None:
        self._page = page
        self._event = event
        self._verbose = verbose

    def write(self, node: Node, depth: int = 0) -> None:
        """`node` and all below it."""
        if isinstance(node, Atom):
            self._line(node, depth, atom_text(node))
            return
        if isinstance(node, Not):
            self._line(node, depth, "not")
            self.write(node.item, depth + 1)
            return
        self._line(node, depth, f"{'all' if isinstance(node, And) else 'any'} of {len(node.items)}")
        shown = self._shown(node.items, isinstance(node, And))
        for item in shown:
            self.write(item, depth + 1)
        if len(shown) < len(node.items):
            rest = [self._judge(item) for item in node.items if not any(item is each for each in shown)]
            truths = "" if self._event is None else f": {self._summary(rest)}"
            self._page.line(
                f"{'    ' if self._event is not None else ''}{'  ' * (depth + 1)}and {len(rest)} more{truths}"
            )

    def _shown(self, items: tuple[Node, ...], conjunction: bool) -> list[Node]:
        if self._verbose or len(items) <= _ITEMS_MAX:
            return list(items)
        complex_ones = [item for item in items if not isinstance(item, Atom)]
        telling = [item for item in items if isinstance(item, Atom) and self._tells(item, conjunction)]
        atoms = telling or [item for item in items if isinstance(item, Atom)]
        return [*atoms[:_ITEMS_MAX], *complex_ones]

    def _tells(self, item: Node, conjunction: bool) -> bool:
        return self._event is not None and self._judge(item) is not conjunction

    def _judge(self, node: Node) -> Verdict:
        return None if self._event is None else judge(node, self._event)

    @staticmethod
    def _summary(verdicts: list[Verdict]) -> str:
        counts = [(verdicts.count(truth), name) for truth, name in ((True, "yes"), (False, "no"), (None, "unknown"))]
        return ", ".join(f"{count} {name}" for count, name in counts if count)

    def _line(self, node: Node, depth: int, text: str) -> None:
        mark: list[str] = []
        if self._event is not None:
            word, colour = _MARKS[self._judge(node)]
            mark = [self._page.paint(word, colour), " "]
        self._page.line(*mark, f"{'  ' * depth}{text}")
