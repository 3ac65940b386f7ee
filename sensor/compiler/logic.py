"""And, Or and Not of conditions, some of which may be settled already or be nothing at all."""

from collections.abc import Iterable

from sensor.compiler.ir import And, Atom, Node, Not, Op, Or

NEVER, ALWAYS = Or(()), And(())  # within the compiler only: the IR of a rule has no empty And or Or


def join(kind: type[And] | type[Or], items: Iterable[Node | None]) -> Node | None:
    """`kind` of what is there of `items`, None when nothing is; an And in an And, or an Or in an Or, is taken apart."""
    there = [item for item in items if item is not None]
    if not there:
        return None
    settled = NEVER if kind is And else ALWAYS
    flat: list[Node] = []
    for item in there:
        if isinstance(item, Atom):  # nearly all are
            flat.append(item)
        elif item == settled:
            return settled
        elif isinstance(item, (And, Or)) and type(item) is kind:
            flat.extend(item.items)
        else:
            flat.append(item)
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def negate(node: Node) -> Node:
    """Not `node`."""
    if node in (NEVER, ALWAYS):
        return ALWAYS if node == NEVER else NEVER
    return Not(node)


def settle(node: Node) -> Node:
    """`node` as IR: what is settled is said of whether a field exists (any will do), which is never undecidable."""
    exists = Atom("Image", Op.EXISTS)
    if node == NEVER:
        return And((exists, Not(exists)))
    return Or((exists, Not(exists))) if node == ALWAYS else node


def depth(node: Node) -> int:
    """How many levels deep a condition is nested; an atom is one."""
    if isinstance(node, Atom):
        return 1
    items = (node.item,) if isinstance(node, Not) else node.items
    return 1 + max(map(depth, items))


def size(node: Node) -> int:
    """Tests in a condition, one that stands in it twice counted twice."""
    if isinstance(node, Atom):
        return 1
    items = (node.item,) if isinstance(node, Not) else node.items
    return sum(map(size, items))
