"""IR -> the bytes of native/rule_table.h."""

import ipaddress
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, starmap
from typing import NamedTuple

from sensor.compiler import regex
from sensor.compiler.index import Index, Scan, Wanted, list_scan, mark_numbers, rare_pairs, scans
from sensor.compiler.ir import KEYWORD, Atom, Logsource, Node, Not, Op, Rule, RuleInfo
from sensor.compiler.marks import marks
from sensor.compiler.normal import All, Check, Leaf, Tree, checks_of, normal
from sensor.compiler.witness import Literal, ordered, veto_of, witness_of
from sensor.compiler.workers import spread
from sensor.progress import Update

MAGIC, VERSION = b"LNSGRULE", 10
ANY, TO_NO, TO_MATCH = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF
HEAD, SECTION = struct.Struct("<8sIIQ"), struct.Struct("<IIQQ")
STRETCH = struct.Struct("<II")
ATOM, STEP, RULE = struct.Struct("<IBBBBIIIII"), struct.Struct("<IIII"), struct.Struct("<II")
ROUTE, SCAN, ENTRY = struct.Struct("<12I"), struct.Struct("<I8BIIII"), struct.Struct("<IIIHBBII")
# enum sn_section_kind
TEXT, REGEX, FIELDS, PRODUCTS, CATEGORIES, SERVICES, VALUES, ATOMS, STEPS, RULES = range(1, 11)
ROUTES, ROUTE_RULES, ROUTE_ALWAYS, ROUTE_FIELDS, SCANS, FILTERS, BUCKETS, ENTRIES, TARGETS, GRAMMARS, WIN_GRAMMARS = (
    range(11, 22)
)


_MANY = 400  # rules that are worth processes of their own
_AT_ONCE = 64


@dataclass(frozen=True)
class CompiledRules:
    """A rule table and what its numbers stand for: `rules` and `fields` are in the table's order."""

    bytes: bytes
    rules: tuple[RuleInfo, ...]
    fields: tuple[str, ...]


class _Section:
    """Elements, one after the other."""

    def __init__(self, packer: struct.Struct) -> None:
        self._packer = packer
        self.rows: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, *values: int) -> int:
        """Its number."""
        self.rows.append(values)
        return len(self.rows) - 1

    @property
    def content(self) -> bytes:
        return b"".join(starmap(self._packer.pack, self.rows))


class _Numbers:
    """Lists of numbers, one after the other. `form`: of one number, as struct has it."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._numbers: list[int] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, numbers: Iterable[int]) -> tuple[int, int]:
        """(first, count) of a list."""
        first = len(self._numbers)
        self._numbers.extend(numbers)
        return first, len(self._numbers) - first

    @property
    def content(self) -> bytes:
        return struct.pack(f"<{len(self)}{self._form}", *self._numbers)


class _Text:
    """The section TEXT: every text once."""

    def __init__(self) -> None:
        self.content = bytearray()
        self._known: dict[str | bytes, tuple[int, int]] = {}

    def add(self, text: str | bytes) -> tuple[int, int]:
        """(first, count) of its bytes."""
        place = self._known.get(text)
        if place is None:
            if isinstance(text, str):
                place = self.add(_raw(text))
            else:
                place = len(self.content), len(text)
                self.content += text
            self._known[text] = place
        return place


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _network(text: str) -> bytes:
    network = ipaddress.ip_network(text)
    family = 2 if network.version == 4 else 10
    return bytes([family, network.prefixlen]) + network.network_address.packed.ljust(16, b"\0")


class _Table:
    """The sections in the making. `fields` and the parts of logsources are known from the start, so that they can be
    sorted."""

    def __init__(self, fields: Iterable[str], sources: Iterable[Logsource]) -> None:
        self.text = _Text()
        self.regexes = bytearray()
        self.values, self.atoms, self.steps = _Section(STRETCH), _Section(ATOM), _Section(STEP)
        self.rules, self.routes, self.scans = _Section(RULE), _Section(ROUTE), _Section(SCAN)
        self.entries, self.filters = _Section(ENTRY), _Numbers("I")
        self.lists = {kind: _Numbers("I") for kind in (ROUTE_RULES, ROUTE_ALWAYS, ROUTE_FIELDS, BUCKETS, TARGETS)}
        parts: list[Callable[[Logsource], str]] = [lambda s: s.product, lambda s: s.category, lambda s: s.service]
        sources = list(sources)
        self.fields = sorted(set(fields), key=_raw)
        self.names = {
            kind: sorted({part(source) for source in sources} - {""}, key=_raw)
            for kind, part in zip((PRODUCTS, CATEGORIES, SERVICES), parts, strict=True)
        }
        self._field_number = {name: number for number, name in enumerate(self.fields)}
        self._atoms: dict[Hashable, int] = {}
        self._listed: list[tuple[int, Scan]] = []  # atoms and the scans of their lists

    def atom(self, check: Check) -> int:
        number = self._atoms.get(check)
        if number is None:
            first = len(self.values)
            plain, listed = list_scan(check)
            rest = [value for value in check.values if value not in plain] if listed else []
            for value in (*plain, *rest):
                self.values.add(*self._value(check, value))
            field, other, form = self._field_number[check.field], 0, 0
            if check.op is Op.FIELD:
                other, form = self._field_number[check.other], check.form
            elif check.op is Op.TIME:
                other, form = check.part, check.form
            row = (field, check.op, check.cased, form, 0, other, first, len(check.values), len(plain), ANY)
            number = self._atoms[check] = self.atoms.add(*row)
            if listed:
                self._listed.append((number, listed))
        return number

    def _value(self, check: Check, value: str) -> tuple[int, int]:
        if check.op is Op.REGEX:
            blob = regex.compile_regex(value, check.flags)
            self.regexes += blob
            return len(self.regexes) - len(blob), len(blob)
        return self.text.add(_network(value) if check.op is Op.CIDR else value)

    def rule(self, tree: Tree, marks: Mapping[Check, int]) -> None:
        """`marks`: the numbers of those that the rule's route has."""
        first = len(self.steps)
        self._steps(tree, marks, first, TO_MATCH, TO_NO)
        self.rules.add(first, len(self.steps) - first)

    def _steps(self, tree: Tree, marks: Mapping[Check, int], first: int, on_true: int, on_false: int) -> None:
        """Appends the tests of `tree`, which goes on at `on_true` or `on_false`, both numbers from `first`."""
        if isinstance(tree, Leaf):
            self.steps.add(self.atom(tree.check) << 1 | tree.negated, on_true, on_false, marks.get(tree.check, ANY))
            return
        for position, item in enumerate(tree.items):
            behind = len(self.steps) - first + _size(item)
            last = position == len(tree.items) - 1
            if isinstance(tree, All):
                self._steps(item, marks, first, on_true if last else behind, on_false)
            else:
                self._steps(item, marks, first, on_true, on_false if last else behind)

    def route(self, source: Logsource, numbers: Sequence[int], trees: Iterable[Tree], index: Index, marks: int) -> None:
        """A logsource, its rules' numbers and their conditions, what finds these, and how many tests it answers."""
        found, always = index
        checks = set(chain.from_iterable(map(checks_of, trees)))
        fields = {c.field for c in checks} | {c.other for c in checks if c.op is Op.FIELD}
        first_scan = len(self.scans)
        for scan in found:
            self._scan(scan)
        self.routes.add(
            *self.source(source),
            *self.lists[ROUTE_RULES].add(numbers),
            *self.lists[ROUTE_ALWAYS].add(always),
            *self.lists[ROUTE_FIELDS].add(sorted(self._field_number[field] for field in fields)),
            *(first_scan, len(self.scans) - first_scan),
            marks,
        )

    def source(self, source: Logsource) -> tuple[int, int, int]:
        """Its three parts as numbers; what the table's routes are sorted by."""

        def number(kind: int, name: str) -> int:
            return self.names[kind].index(name) if name else ANY

        return number(PRODUCTS, source.product), number(CATEGORIES, source.category), number(SERVICES, source.service)

    def list_scans(self) -> None:
        """The scans of lists, behind those of all routes."""
        for atom, scan in self._listed:
            self.atoms.rows[atom] = (*self.atoms.rows[atom][:-1], len(self.scans))
            self._scan(scan)

    def _scan(self, scan: Scan) -> None:
        first_filter, first_entry = len(self.filters), len(self.entries)
        self.filters.add(scan.filter())
        bucket, _ = self.lists[BUCKETS].add(scan.buckets())
        text, targets, rows = self.text.add, self.lists[TARGETS].add, self.entries.rows
        place = scan.place
        pairs = (
            rare_pairs(literal for literal, _ in scan.literals) if place.field == KEYWORD else [0] * len(scan.literals)
        )
        for _, key, number, at in scan.entries:
            literal, rules = scan.literals[number]
            rows.append((key, *text(literal.text), at, literal.op, pairs[number], *targets(rules)))
        shape = (place.kind, place.width, place.stride, place.wide, scan.filter_bits, scan.bucket_bits)
        field = self._field_number[place.field]
        self.scans.add(field, *shape, 0, 0, first_filter, bucket, first_entry, len(scan.entries))

    def assemble(self, grammars: bytes, win_grammars: bytes) -> bytes:
        """The table."""
        names: dict[int, _Section] = {}
        for kind, texts in [(FIELDS, self.fields), *self.names.items()]:
            names[kind] = _Section(STRETCH)
            for text in texts:
                names[kind].add(*self.text.add(text))
        sections: dict[int, _Section | _Numbers] = {
            **names,
            VALUES: self.values,
            ATOMS: self.atoms,
            STEPS: self.steps,
            RULES: self.rules,
            ROUTES: self.routes,
            SCANS: self.scans,
            FILTERS: self.filters,
            ENTRIES: self.entries,
            **self.lists,
        }
        parts = [(kind, len(section), section.content) for kind, section in sorted(sections.items())]
        more = {TEXT: self.text.content, REGEX: self.regexes, GRAMMARS: grammars, WIN_GRAMMARS: win_grammars}
        parts += [(kind, len(content), bytes(content)) for kind, content in more.items()]
        at = HEAD.size + len(parts) * SECTION.size
        directory, body = bytearray(), bytearray()
        for kind, count, content in parts:
            directory += SECTION.pack(kind, count, at + len(body), len(content))
            body += content.ljust(-(-len(content) // 8) * 8, b"\0")
        return HEAD.pack(MAGIC, VERSION, len(parts), at + len(body)) + directory + body


class _Plan(NamedTuple):
    """A rule's condition as it is tested, and the literals by which it is found."""

    tree: Tree
    witness: tuple[Literal, ...] | None
    veto: tuple[Literal, ...]


def _plan(rule: Rule) -> _Plan:
    tree = ordered(normal(rule.condition))
    return _Plan(tree, witness_of(tree), veto_of(tree))


def _wanted(plans: Sequence[_Plan]) -> Wanted:
    """What the index of a route with these rules looks for."""
    found_by = [(plan.witness, plan.veto if plan.witness is None else ()) for plan in plans]
    looked_for = (witness or veto for witness, veto in found_by)
    return Wanted(found_by, marks((plan.tree for plan in plans), looked_for))


def _size(tree: Tree) -> int:
    return 1 if isinstance(tree, Leaf) else sum(map(_size, tree.items))


def _nobody(done: int, total: int) -> None:
    """Hears no progress."""


def check_atoms(node: Node) -> None:
    """Raises what `build` would raise for this condition: regex.Unsupported, re.error."""
    if isinstance(node, Atom):
        if node.op is Op.REGEX:
            regex.compile_regex(str(node.value), node.flags)
        return
    for item in (node.item,) if isinstance(node, Not) else node.items:
        check_atoms(item)


def build(
    rules: Sequence[Rule], grammars: bytes = b"", progress: Update | None = None, win_grammars: bytes = b""
) -> CompiledRules:
    """The table of `rules`, in their order, and what compile_grammars made. `progress` hears (done, of how many)."""
    told, passes = progress or _nobody, 3 * len(rules)
    many = len(rules) >= _MANY
    plans: list[_Plan] = []
    parts = [rules[at : at + _AT_ONCE] for at in range(0, len(rules), _AT_ONCE)]
    for made in spread(lambda part: list(map(_plan, part)), parts, many=many):
        plans += made
        told(len(plans), passes)
    trees = [plan.tree for plan in plans]
    checks = list(chain.from_iterable(map(checks_of, trees)))
    fields = [c.field for c in checks] + [c.other for c in checks if c.op is Op.FIELD]
    by_source: dict[Logsource, list[int]] = {}
    for number, rule in enumerate(rules):
        by_source.setdefault(rule.info.logsource, []).append(number)
    table = _Table(fields, by_source)
    routes = sorted(by_source.items(), key=lambda item: table.source(item[0]))
    wanted = [_wanted([plans[number] for number in numbers]) for _, numbers in routes]
    marks_of: dict[int, Mapping[Check, int]] = {}  # by rule
    for (_, numbers), looked_for in zip(routes, wanted, strict=True):
        own = mark_numbers(looked_for)
        marks_of.update((number, own) for number in numbers)
    for done, (number, tree) in enumerate(enumerate(trees), len(rules)):
        told(done, passes)
        table.rule(tree, marks_of[number])
    done = 2 * len(rules)
    for (source, numbers), index in zip(routes, spread(scans, wanted, many=many), strict=True):
        table.route(source, numbers, [trees[number] for number in numbers], index, len(marks_of[numbers[0]]))
        done += len(numbers)
        told(done, passes)
    table.list_scans()
    compiled = CompiledRules(
        table.assemble(grammars, win_grammars), tuple(rule.info for rule in rules), tuple(table.fields)
    )
    told(passes, passes)
    return compiled
