"""Which tests of a route's rules its index answers: those of literals that its scans look for anyway. Such a test has a
mark, which is set where any of its literals stands, so that no rule has to look at the text again."""

from collections.abc import Iterable
from itertools import chain

from sensor.compiler.ir import KEYWORD
from sensor.compiler.normal import Check, Tree, checks_of
from sensor.compiler.witness import EXACT, Literal, likelihood, literals

Marks = dict[Check, tuple[Literal, ...]]

# How many literals of a test with a mark an ordinary event has: to set it has its price, too, unless the test is what
# its rule is found by. To look for further literals for a mark's sake costs more than the tests, even where these are
# rare or of long lists. To order a rule's tests by which have a mark spares nothing.
_LIKELY_MAX = 0.2


def _literals(check: Check) -> tuple[Literal, ...]:
    """Those of which one stands in its field if, and only if, the check holds; empty: there are none."""
    if check.cased or check.op not in EXACT or check.field == KEYWORD:
        return ()
    return literals(check) or ()


def marks(trees: Iterable[Tree], witnesses: Iterable[tuple[Literal, ...]]) -> Marks:
    """The tests in these conditions that get a mark, each with its literals, those of `witnesses` (or vetoes)."""
    every, found = frozenset(witnesses), Marks()
    there = frozenset(chain.from_iterable(every))
    for check in dict.fromkeys(check for tree in trees for check in checks_of(tree)):
        wanted = _literals(check)
        if not wanted or not there.issuperset(wanted):
            continue
        if wanted in every or sum(map(likelihood, wanted)) <= _LIKELY_MAX:
            found[check] = wanted
    return found
