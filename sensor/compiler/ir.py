"""What a rule means, as plain data: the compiler's middle and the reference's input.

Rule ── condition: And(Or(Atom, ...), Not(Atom)) ── Atom(field, op, value)
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple


class Op(IntEnum):
    """Operators, numbered as enum sn_op of native/rule_table.h."""

    __hash__ = int.__hash__  # an enum's own is Python, and checks and literals are hashed a million times

    EQUALS = 1
    CONTAINS = 2
    STARTSWITH = 3
    ENDSWITH = 4
    GLOB = 5
    NULL = 6
    EXISTS = 7
    CIDR = 8
    REGEX = 9
    LT = 10
    LTE = 11
    GT = 12
    GTE = 13
    TIME = 14
    FIELD = 15


class Part(IntEnum):
    """Parts of a point in time, numbered as enum sn_time_part of native/scalar.h."""

    __hash__ = int.__hash__

    MINUTE = 0
    HOUR = 1
    DAY = 2
    WEEK = 3
    MONTH = 4
    YEAR = 5


COMPARISONS = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})
KEYWORD = "*"  # the field of atoms that look at every value of the event
# In the value of a GLOB: characters that no rule can hold, since a rule is valid UTF-8.
ANY_RUN, ANY_ONE = "\udcff", "\udcfe"


class Atom(NamedTuple):
    """One comparison. `value`: text (EQUALS .. GLOB, REGEX), a network (CIDR), a decimal number (LT .. GTE, TIME).

    Text of EQUALS .. GLOB is case-folded unless `cased`. REGEX: `flags` of `re`. TIME: `part`. FIELD: compare with
    field `other` by `form` (EQUALS .. ENDSWITH).
    """

    field: str
    op: Op
    value: str = ""
    cased: bool = False
    flags: int = 0
    part: Part = Part.MINUTE
    other: str = ""
    form: Op = Op.EQUALS


@dataclass(frozen=True)
class Not:
    """The opposite; of undecidable, undecidable."""

    item: "Node"


@dataclass(frozen=True)
class And:
    """All of `items` (at least one)."""

    items: "tuple[Node, ...]"


@dataclass(frozen=True)
class Or:
    """Any of `items` (at least one)."""

    items: "tuple[Node, ...]"


Node = Atom | Not | And | Or


@dataclass(frozen=True)
class Logsource:
    """Which events a rule looks at; an empty part is any."""

    product: str = ""
    category: str = ""
    service: str = ""

    def applies(self, event: "Logsource") -> bool:
        """Whether rules of this logsource look at events of that one."""
        pairs = ((self.product, event.product), (self.category, event.category), (self.service, event.service))
        return all(not ours or ours == theirs for ours, theirs in pairs)

    def __str__(self) -> str:
        return "/".join(part or "*" for part in (self.product, self.category, self.service))


@dataclass(frozen=True)
class RuleInfo:
    """What is said of a rule in lists and alerts; all but its condition. `unfilled`: placeholders of it (the modifier
    expand) for which no value is known, so that what they stand in can not be met."""

    id: str
    title: str
    level: str
    logsource: Logsource
    path: str
    line: int = 1
    status: str = ""
    tags: tuple[str, ...] = ()
    author: str = ""
    description: str = ""
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    unfilled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One rule."""

    info: RuleInfo
    condition: Node = field(repr=False)
