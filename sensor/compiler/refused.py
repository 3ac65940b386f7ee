"""Why a part of a rule file is not taken."""


class Refused(ValueError):
    """str() is the reason. `where`: the keys that lead to the place, from the document's root; `line` (1-based) where
    it is known already. `remedy`: what to do about it."""

    def __init__(self, reason: str, *where: str | int, line: int = 0, remedy: str = "") -> None:
        super().__init__(reason)
        self.where = where
        self.line = line
        self.remedy = remedy

    def below(self, *where: str | int) -> "Refused":
        """The same, its place being below `where`."""
        return Refused(str(self), *where, *self.where, line=self.line, remedy=self.remedy)
