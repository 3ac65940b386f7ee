"""What an engine raised, by rules' names: as a list, or against what each event may have raised."""

from __future__ import annotations

from collections.abc import Sequence

from sensor.native import Frame, lib

_WORDS = {lib.SN_MATCH: "match", lib.SN_UNDECIDABLE: "undecidable"}


def raised(frames: Sequence[Frame], names: Sequence[str]) -> list[tuple[str, str]]:
    """Rule and verdict of each; `names` are the rules', by number."""
    return [(names[frame.rule], _WORDS[frame.verdict]) for frame in frames]


class Ledger:
    """Alerts of many events that come in any order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._seen: dict[tuple[int, str], list[str]] = {}
        self._allowed: dict[tuple[int, str], set[str]] = {}

    def allow(self, index: int, rule: str, *verdicts: str) -> None:
        """The verdicts of an event that are right; "no": none is raised."""
        self._allowed[index, rule] = set(verdicts)

    def collect(self, frames: Sequence[Frame]) -> None:
        for frame, (rule, verdict) in zip(frames, raised(frames, self._names), strict=True):
            self._seen.setdefault((frame.index, rule), []).append(verdict)

    def check(self, *, matches: int) -> None:
        """Each verdict is an allowed one and came once, and there were more than so many matches."""
        assert all(len(verdicts) == 1 for verdicts in self._seen.values())
        for key, allowed in self._allowed.items():
            assert self._seen.get(key, ["no"])[0] in allowed, key
        assert sum(verdicts == ["match"] for verdicts in self._seen.values()) > matches
