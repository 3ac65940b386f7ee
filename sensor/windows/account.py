"""Where every event of the trace sessions is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sensor.windows.losses import Losses


@dataclass(frozen=True)
class WindowsAccount:
    """`sessions`: what each lost before its events came to the core; `core`: struct sn_etw_source_stats; `providers`:
    struct sn_etw_provider_stats of each; the rest is the engine's. What a session loses between two seconds is in it a
    second later."""

    sessions: Mapping[str, Losses]
    core: Mapping[str, int]
    providers: Mapping[str, Mapping[str, int]]
    received: int  # by the match thread
    decoded: int
    malformed: int

    @property
    def lost(self) -> int:
        """Events that no rule judged, a lost buffer counted as one: of how many events is not said."""
        in_sessions = sum(losses.total for losses in self.sessions.values())
        return in_sessions + self.core["dropped"] + self.core["oversized"] + self.malformed

    def as_dict(self) -> dict[str, Any]:
        """All counts by place and cause. `providers`: what the core lost of each, where it did."""
        lost = sum(losses.total for losses in self.sessions.values())
        by_provider = {
            name: {cause: counts[cause] for cause in ("dropped", "oversized")}
            for name, counts in self.providers.items()
        }
        return {
            "seen": self.core["received"],
            "missed": lost,
            "sessions": {name: losses.as_dict() for name, losses in self.sessions.items()},
            "providers": {name: counts for name, counts in by_provider.items() if any(counts.values())},
            **self.core,
            "match_received": self.received,
            "decoded": self.decoded,
            "malformed": self.malformed,
            "lost": self.lost,
        }

    def equations(self) -> list[tuple[str, bool]]:
        """From the callback to the ring, and from there to the match thread."""
        core = self.core
        causes = ("filtered", "recorded", "dropped", "oversized")
        text = " + ".join(f"{name} {core[name]}" for name in causes)
        handed = core["recorded"] + core["lines"]
        by_provider = sum(counts["recorded"] for counts in self.providers.values())
        return [
            (f"received {core['received']} = {text}", core["received"] == sum(core[name] for name in causes)),
            (
                f"recorded {core['recorded']} + lines {core['lines']} = judged {self.decoded} + malformed "
                f"{self.malformed}",
                handed == self.received == self.decoded + self.malformed,
            ),
            (f"recorded {core['recorded']} = of all providers {by_provider}", core["recorded"] == by_provider),
        ]
