"""The text of a condition -> IR over the search identifiers, whose conditions are given.

or > and > not > `1|N|any|all of them|pattern` > (condition), the least binding first
"""

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from math import comb

from sensor.compiler.ir import And, Node, Or
from sensor.compiler.logic import join, negate, size
from sensor.compiler.refused import Refused
from sensor.errors import nearest

DEPTH_MAX = 60  # of brackets and `not`
CHOICES_MAX = 2000  # ways to pick N of many; each becomes a branch
TESTS_MAX = 1_000_000  # those of a search identifier, each time that it is named
_TOKEN = re.compile(r"[()|]|[^\s()|]+")
_WORDS = frozenset({"and", "or", "not", "of"})


class _Sizes:
    """How many tests conditions have."""

    def __init__(self, names: Mapping[str, Node | None]) -> None:
        self._of = {name: 0 if node is None else size(node) for name, node in names.items()}
        self._sum = 0

    def add(self, name: str, times: int = 1) -> None:
        """The name stands in one so many times. Refused: that is too much."""
        self._sum += self._of[name] * times
        if self._sum > TESTS_MAX:
            raise Refused(f"its condition comes to more than {TESTS_MAX:,} tests", remedy="split it")


def parse_conditions(texts: Iterable[str], names: Mapping[str, Node | None]) -> Node | None:
    """Any of the conditions `texts` over `names`. A name may stand for nothing (None, after a pipeline dropped all it
    held); so does the whole when nothing is left of it. Refused: not a condition, of what is not in `names`, or of too
    many tests."""
    sizes = _Sizes(names)
    return join(Or, [_parsed(text, names, sizes) for text in texts])


def _parsed(text: str, names: Mapping[str, Node | None], sizes: _Sizes) -> Node | None:
    parser = _Parser(text, names, sizes)
    node = parser.alternatives()
    if parser.word:
        raise Refused(f"the condition goes on with `{parser.word}` where it should end")
    return node


class _Parser:
    def __init__(self, text: str, names: Mapping[str, Node | None], sizes: _Sizes) -> None:
        self._words: list[str] = _TOKEN.findall(text)
        self._at = 0
        self._depth = 0
        self._names = names
        self._sizes = sizes
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
        self._sizes.add(name)
        return self._names[name]

    def _some(self, quantity: str, pattern: str) -> Node | None:
        if not pattern or pattern in {"(", ")"}:
            raise Refused(f"`{quantity} of` needs `them` or a pattern of search identifiers")
        shape = "*" if pattern == "them" else pattern
        like = re.compile(".*".join(map(re.escape, shape.split("*"))), re.DOTALL)
        hidden = not shape.startswith("_")  # what begins with _ is meant only when it is called so
        found = [name for name in self._names if like.fullmatch(name) and not (hidden and name.startswith("_"))]
        if not found:
            raise Refused(f"no search identifier is like `{pattern}` of `{quantity} of {pattern}`")
        least = _least(quantity, len(found))
        for name in found:
            self._sizes.add(name, 1 if least in {1, len(found)} else comb(len(found) - 1, least - 1))
        return _some_of(least, [self._names[name] for name in found])


def _least(quantity: str, count: int) -> int:
    """How many of `count` search identifiers `all`, `any` or a number wants."""
    if quantity in {"all", "any"}:
        return count if quantity == "all" else 1
    least = int(quantity) if len(quantity) < 9 else count + 1
    if not 1 <= least <= count:
        raise Refused(f"`{quantity} of` {count} search identifiers can never be met")
    if least not in {1, count} and comb(count, least) > CHOICES_MAX:
        raise Refused(f"`{quantity} of` {count} search identifiers: more than {CHOICES_MAX:,} ways to pick them")
    return least


def _some_of(least: int, items: list[Node | None]) -> Node | None:
    if least in {1, len(items)}:
        return join(Or if least == 1 else And, items)
    return join(Or, [join(And, list(choice)) for choice in combinations(items, least)])
