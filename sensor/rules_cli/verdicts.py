"""Which of a rule set's rules can fire, on which sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sensor.compiler import Rule
from sensor.compiler.logic import NEVER, settle
from sensor.config import Windows
from sensor.coverage import (
    CAN_FIRE,
    CANNOT_FIRE,
    DEGRADED,
    HOST,
    Source,
    Verdict,
    live_sources,
    replay_sources,
    verdict_of,
)
from sensor.errors import UsageError, nearest

# As they are written on the command line.
_LIVE = "live"
KINDS = {"can-fire": CAN_FIRE, "degraded": DEGRADED, "cannot-fire": CANNOT_FIRE}


def sources_of(product: str = "", name: str = "", windows: Windows | None = None) -> tuple[Source, ...]:
    """What the running sensor sees here, with the settings `windows` on Windows; as `live` also on another `product`;
    with that alone or the `name` of a source, what replay reads of these. UsageError: there is no such source."""
    if name == _LIVE or not (product or name):
        found = live_sources(windows, product or HOST)
        if not found:
            raise UsageError(f"no sensor runs on {product or HOST}", "--seen-by names what replay reads")
        return found
    found = tuple(source for source in replay_sources(product) if name in ("", source.name))
    if not found:
        known = sorted({_LIVE, *(source.name for source in replay_sources(product))})
        raise UsageError(f"unknown source `{name}`", nearest(name, known))
    return found


def judged(rule: Rule, sources: Sequence[Source]) -> Verdict:
    """Whether the rule can fire on `sources`; what it reads of placeholders without a value can never be met."""
    verdict = verdict_of(rule, sources)
    if not rule.info.unfilled or verdict.kind == CANNOT_FIRE:
        return verdict
    reason = f"no value for {', '.join(f'%{name}%' for name in rule.info.unfilled)} (--expand)"
    return replace(verdict, kind=CANNOT_FIRE if rule.condition == settle(NEVER) else DEGRADED, reason=reason)
