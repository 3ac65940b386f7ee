"""The one rule that is meant by an id, the beginning of one, a title or a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sensor.compiler import Rule
from sensor.errors import UsageError, nearest

_SHOWN_MAX = 5


def find_rule(rules: Sequence[Rule], name: str) -> Rule:
    """The rule of that id, title, beginning of an id, or file. UsageError: none, with the nearest; or several."""
    wanted = name.strip().lower()
    path = Path(name)
    tests = (
        [r for r in rules if r.info.id.lower() == wanted],
        [r for r in rules if r.info.title.lower() == wanted],
        [r for r in rules if path.exists() and path.samefile(r.info.path)],
        [r for r in rules if wanted and r.info.id.lower().startswith(wanted)],
        [r for r in rules if Path(r.info.path).stem.lower() == wanted],
        [r for r in rules if wanted and wanted in r.info.title.lower()],
    )
    found = next((some for some in tests if some), [])
    if len(found) == 1:
        return found[0]
    if not found:
        known = {r.info.id.lower(): r for r in rules} | {r.info.title.lower(): r for r in rules}
        remedy = nearest(wanted, known, "see `linsang rules list`; --rules says where the rules are")
        raise UsageError(f"no rule `{name}` among {len(rules)}", remedy)
    shown = ", ".join(f"{rule.info.id} ({rule.info.title})" for rule in found[:_SHOWN_MAX])
    more = f" and {len(found) - _SHOWN_MAX} more" if len(found) > _SHOWN_MAX else ""
    raise UsageError(f"`{name}` means {len(found)} rules", f"give one's id: {shown}{more}")
