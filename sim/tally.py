"""How often each promise was checked, and the one that was not kept.

Why it exists: whoever judges a part of a run (checkers, clients, history, pipeline) counts and
raises in the same way, so that a report shows what was looked at at all. It must not know what is
promised.
"""

from typing import Final

NAMES: Final = (
    "ES", "LM", "LC", "SMS", "AD", "HASH", "REC", "MONEY", "BOUND", "FEN", "EO", "LIN", "LIVE",
    "DET", "UPG",
)  # fmt: skip


class CheckFailed(Exception):
    """A promise is broken: the run ends here."""

    def __init__(self, checker: str, what: str) -> None:
        super().__init__(f"{checker}: {what}")
        self.checker = checker
        self.what = what


class Tally:
    """How often each checker looked."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: dict[str, int] = dict.fromkeys(NAMES, 0)

    def check(self, name: str, is_good: bool, what: object) -> None:
        """`what` is shown if it is not good; a function is called for it only then."""
        self.counts[name] += 1
        if not is_good:
            raise CheckFailed(name, what() if callable(what) else str(what))
