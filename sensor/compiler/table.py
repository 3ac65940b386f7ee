"""IR -> the bytes of native/rule_table.h."""

import ipaddress
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from sensor.compiler import regex
from sensor.compiler.ir import And, Atom, Node, Not, Op, Rule, RuleInfo

MAGIC, VERSION = b"LSRT", 1
HEAD, SECTION = struct.Struct("<4sIQII"), struct.Struct("<IIQQ")
NAME, LOGSOURCE, RULE = struct.Struct("<II"), struct.Struct("<IIIIII"), struct.Struct("<II")
NODE, ATOM = struct.Struct("<III"), struct.Struct("<BBBBIIII")
STRINGS, FIELDS, NAMES, LOGSOURCES, RULES, NODES, ATOMS, REGEX = range(1, 9)
IS_ATOM, IS_AND, IS_OR, IS_NOT = 1, 2, 3, 4
CASED = 1


@dataclass(frozen=True)
class CompiledRules:
    """A rule table and what its numbers stand for: `rules` and `fields` are in the table's order."""

    bytes: bytes
    rules: tuple[RuleInfo, ...]
    fields: tuple[str, ...]


class _Strings:
    """The section STRINGS: every text once."""

    def __init__(self) -> None:
        self.blob = bytearray()
        self._at: dict[bytes, int] = {}

    def add(self, raw: bytes) -> tuple[int, int]:
        at = self._at.get(raw)
        if at is None:
            at = self._at[raw] = len(self.blob)
            self.blob += raw
        return at, len(raw)


class _Table:
    def __init__(self) -> None:
        self.strings = _Strings()
        self.fields: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.atoms: dict[Atom, int] = {}
        self.atom_rows: list[bytes] = []
        self.nodes: list[bytes] = []
        self.regexes = bytearray()

    def field(self, name: str) -> int:
        return self.fields.setdefault(name, len(self.fields))

    def name(self, text: str) -> int:
        """Number plus 1; 0 for an empty part."""
        return self.names.setdefault(text, len(self.names)) + 1 if text else 0

    def atom(self, atom: Atom) -> int:
        number = self.atoms.get(atom)
        if number is None:
            off, length, aux = self._value(atom)
            flags = CASED if atom.cased else 0
            row = ATOM.pack(atom.op, flags, atom.form, 0, self.field(atom.field), off, length, aux)
            number = self.atoms[atom] = len(self.atom_rows)
            self.atom_rows.append(row)
        return number

    def _value(self, atom: Atom) -> tuple[int, int, int]:
        if atom.op is Op.REGEX:
            blob = regex.compile_regex(str(atom.value), atom.flags)
            off = len(self.regexes)
            self.regexes += blob
            return off, len(blob), 0
        if atom.op is Op.CIDR:
            return (*self.strings.add(_network(str(atom.value))), 0)
        if atom.op in (Op.LT, Op.LTE, Op.GT, Op.GTE):
            return (*self.strings.add(struct.pack("<d", atom.value)), 0)
        if atom.op is Op.FIELD:
            return 0, 0, self.field(atom.other)
        return (*self.strings.add(str(atom.value).encode("utf-8", "surrogateescape")), 0)

    def node(self, node: Node) -> int:
        """Appends `node` in preorder; returns its span."""
        at = len(self.nodes)
        self.nodes.append(b"")
        if isinstance(node, Atom):
            self.nodes[at] = NODE.pack(IS_ATOM, 1, self.atom(node))
            return 1
        kind = IS_NOT if isinstance(node, Not) else IS_AND if isinstance(node, And) else IS_OR
        span = 1 + sum(map(self.node, (node.item,) if isinstance(node, Not) else node.items))
        self.nodes[at] = NODE.pack(kind, span, 0)
        return span

    def name_rows(self, names: Iterable[str]) -> list[bytes]:
        return [NAME.pack(*self.strings.add(name.encode())) for name in names]


def _network(text: str) -> bytes:
    network = ipaddress.ip_network(text)
    family = 2 if network.version == 4 else 10
    return bytes([family, network.prefixlen]) + network.network_address.packed.ljust(16, b"\0")


def check_atoms(node: Node) -> None:
    """Raises what `build` would raise for this condition: regex.Unsupported, re.error."""
    if isinstance(node, Atom):
        if node.op is Op.REGEX:
            regex.compile_regex(str(node.value), node.flags)
        return
    for item in (node.item,) if isinstance(node, Not) else node.items:
        check_atoms(item)


def build(rules: Sequence[Rule]) -> CompiledRules:
    """The table of `rules`, in their order; neighbours of one logsource share its entry."""
    table = _Table()
    sources: list[bytes] = []
    rows: list[bytes] = []
    for source, members in groupby(rules, key=lambda rule: rule.info.logsource):
        first_rule = len(rows)
        for rule in members:
            first = len(table.nodes)
            rows.append(RULE.pack(first, table.node(rule.condition)))
        parts = (table.name(source.product), table.name(source.category), table.name(source.service))
        sources.append(LOGSOURCE.pack(*parts, first_rule, len(rows) - first_rule, 0))
    field_rows, name_rows = table.name_rows(table.fields), table.name_rows(table.names)
    sections = [
        (FIELDS, len(field_rows), b"".join(field_rows)),
        (NAMES, len(name_rows), b"".join(name_rows)),
        (LOGSOURCES, len(sources), b"".join(sources)),
        (RULES, len(rows), b"".join(rows)),
        (NODES, len(table.nodes), b"".join(table.nodes)),
        (ATOMS, len(table.atom_rows), b"".join(table.atom_rows)),
        (REGEX, len(table.regexes), bytes(table.regexes)),
        (STRINGS, len(table.strings.blob), bytes(table.strings.blob)),
    ]
    return CompiledRules(_assemble(sections), tuple(rule.info for rule in rules), tuple(table.fields))


def _assemble(sections: list[tuple[int, int, bytes]]) -> bytes:
    at = HEAD.size + len(sections) * SECTION.size
    directory, body = [], bytearray()
    for kind, count, content in sections:
        directory.append(SECTION.pack(kind, count, at + len(body), len(content)))
        body += content.ljust(-(-len(content) // 8) * 8, b"\0")
    head = HEAD.pack(MAGIC, VERSION, at + len(body), len(sections), 0)
    return head + b"".join(directory) + bytes(body)
