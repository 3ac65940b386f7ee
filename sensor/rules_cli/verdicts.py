"""Which of a rule set's rules can fire, on which sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sensor.compiler import Rule
from sensor.compiler.logic import NEVER, settle
from sensor.coverage import CAN_FIRE, CANNOT_FIRE, DEGRADED, Source, Verdict, live_sources, replay_sources, verdict_of
from sensor.errors import UsageError, nearest

# As they are written on the command line.
KINDS = {"can-fire": CAN_FIRE, "degraded": DEGRADED, "cannot-fire": CANNOT_FIRE}


def sources_of(product: str = "", name: str = "") -> tuple[Source, ...]:
    """What the running sensor sees here; with a `product` or the `name` of a source, what replay reads of these.
    UsageError: there is no such source."""
    if not product and not name:
        return live_sources()
    found = tuple(source for source in replay_sources(product) if name in ("", source.name))
    if not found:
        known = sorted({source.name for source in replay_sources(product)})
        raise UsageError(f"unknown source `{name}`", nearest(name, known))
    return found


def judged(rule: Rule, sources: Sequence[Source]) -> Verdict:
    """Whether the rule can fire on `sources`; what it reads of placeholders without a value can never be met."""
    verdict = verdict_of(rule, sources)
    if not rule.info.unfilled or verdict.kind == CANNOT_FIRE:
        return verdict
    reason = f"no value for {', '.join(f'%{name}%' for name in rule.info.unfilled)} (--expand)"
    return replace(verdict, kind=CANNOT_FIRE if rule.condition == settle(NEVER) else DEGRADED, reason=reason)
