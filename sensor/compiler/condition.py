"""The text of a condition -> IR over the search identifiers, whose conditions are given.

or > and > not > `1|N|any|all of them|pattern` > (condition), the least binding first
"""

import re
from collections.abc import Mapping
from itertools import combinations
from math import comb

from sensor.compiler.ir import And, Node, Or
from sensor.compiler.logic import join, negate
from sensor.compiler.refused import Refused
from sensor.errors import nearest

DEPTH_MAX = 60  # of brackets and `not`
CHOICES_MAX = 2000  # ways to pick N of many; each becomes a branch
_TOKEN = re.compile(r"[()|]|[^\s()|]+")
_WORDS = frozenset({"and", "or", "not", "of"})


def parse_condition(text: str, names: Mapping[str, Node | None]) -> Node | None:
    """The condition `text` over `names`. A name may stand for nothing (None, after a pipeline dropped all it held);
    so does the whole when nothing is left of it. Refused: not a condition, or of what is not in `names`."""
    parser = _Parser(text, names)
    node = parser.alternatives()
    if parser.word:
        raise Refused(f"the condition goes on with `{parser.word}` where it should end")
    return node


class _Parser:
    def __init__(self, text: str, names: Mapping[str, Node | None]) -> None:
        self._words: list[str] = _TOKEN.findall(text)
        self._at = 0
        self._depth = 0
        self._names = names
        if "|" in self._words:
            raise Refused(
                "aggregations (`|` in the condition) are not part of Sigma 2",
                remedy="a correlation of another tool can count this rule's alerts",
            )

    @property
    def word(self) -> str:
        """The next word; empty at the end. Operators are in lower case unless something else has their name."""
        if self._at >= len(self._words):
            return ""
        word = self._words[self._at]
        return word.lower() if word.lower() in _WORDS and word not in self._names else word

    def alternatives(self) -> Node | None:
        items = [self._all()]
        while self.word == "or":
            self._at += 1
            items.append(self._all())
        return join(Or, items)

    def _all(self) -> Node | None:
        items = [self._one()]
        while self.word == "and":
            self._at += 1
            items.append(self._one())
        return join(And, items)

    def _one(self) -> Node | None:
        word = self.word
        self._at += 1
        if word in {"not", "("}:
            self._depth += 1
            if self._depth > DEPTH_MAX:
                raise Refused(f"its condition is nested more than {DEPTH_MAX} levels deep")
            inner = self._one() if word == "not" else self.alternatives()
            if word == "(":
                if self.word != ")":
                    raise Refused("a `(` in the condition is not closed")
                self._at += 1
            self._depth -= 1
            return inner if word == "(" or inner is None else negate(inner)
        if self.word == "of" and (word in {"all", "any"} or word.isdecimal()):
            self._at += 2
            return self._some(word, self._words[self._at - 1] if self._at <= len(self._words) else "")
        if not word or word in {")", "and", "or"}:
            raise Refused(f"the condition has {f'`{word}`' if word else 'nothing'} where a search identifier should be")
        return self._named(word)

    def _named(self, name: str) -> Node | None:
        if name not in self._names:
            raise Refused(
                f"the condition names `{name}`, which the detection does not define", remedy=nearest(name, self._names)
            )
        return self._names[name]

    def _some(self, quantity: str, pattern: str) -> Node | None:
        if not pattern or pattern in {"(", ")"}:
            raise Refused(f"`{quantity} of` needs `them` or a pattern of search identifiers")
        shape = "*" if pattern == "them" else pattern
        like = re.compile(".*".join(map(re.escape, shape.split("*"))), re.DOTALL)
        hidden = not shape.startswith("_")  # what begins with _ is meant only when it is called so
        found = [n for name, n in self._names.items() if like.fullmatch(name) and not (hidden and name.startswith("_"))]
        if not found:
            raise Refused(f"no search identifier is like `{pattern}` of `{quantity} of {pattern}`")
        return some_of(quantity, found)


def some_of(quantity: str, items: list[Node | None]) -> Node | None:
    """`all`, `any`, or at least a number of `items`."""
    if quantity in {"all", "any"}:
        return join(And if quantity == "all" else Or, items)
    least = int(quantity) if len(quantity) < 9 else len(items) + 1
    if not 1 <= least <= len(items):
        raise Refused(f"`{quantity} of` {len(items)} search identifiers can never be met")
    if comb(len(items), least) > CHOICES_MAX:
        raise Refused(f"`{quantity} of` {len(items)} search identifiers: more than {CHOICES_MAX:,} ways to pick them")
    return join(Or, [join(And, list(choice)) for choice in combinations(items, least)])
