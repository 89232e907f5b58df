"""A failing run made small: fewer faults, fewer commands, less time, the same failed check.

Why it exists: a run of forty faults tells a person nothing. It must not know how a run is run: it
proposes orders and is told what failed. Bounded by a number of runs, so that it always ends.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from sim.order import Order

RUNS_MAX: Final = 160


class Shrunk(msgspec.Struct, frozen=True):
    """The smallest run found that still fails the same check, and how many were tried."""

    order: Order
    runs: int


def shrink(order: Order, checker: str, failed_check: Callable[[Order], str]) -> Shrunk:
    """`failed_check` runs an order and names the check that failed, or nothing."""
    search = _Search(order, checker, failed_check)
    search.shorten_time()
    search.drop_faults()
    search.drop_commands()
    search.shorten_time()
    search.drop_faults()
    return Shrunk(search.best, search.runs)


class _Search:
    def __init__(self, order: Order, checker: str, failed_check: Callable[[Order], str]) -> None:
        self.best = order
        self.runs = 0
        self._checker = checker
        self._failed_check = failed_check

    def _try(self, order: Order) -> bool:
        if self.runs >= RUNS_MAX or order == self.best:
            return False
        self.runs += 1
        if self._failed_check(order) != self._checker:
            return False
        self.best = order
        return True

    def shorten_time(self) -> None:
        """Halve the first phase while it still fails, then take eighths off."""
        while True:
            run_ms = self.best.plan().run_ms
            for shorter in (run_ms // 2, run_ms * 3 // 4, run_ms * 7 // 8):
                if shorter >= 500 and self._try(msgspec.structs.replace(self.best, run_ms=shorter)):
                    break
            else:
                return

    def drop_faults(self) -> None:
        """Delta debugging: leave out ever smaller parts of the list."""
        kept = [fault.ordinal for fault in self.best.plan().faults]
        size = max(1, len(kept) // 2)
        while kept:
            at, dropped = 0, False
            while at < len(kept):
                rest = kept[:at] + kept[at + size :]
                if self._try(msgspec.structs.replace(self.best, keep=tuple(rest))):
                    kept, dropped = rest, True
                else:
                    at += size
            if size == 1 and not dropped:
                return
            if self.runs >= RUNS_MAX:
                return
            size = max(1, size // 2)

    def drop_commands(self) -> None:
        while True:
            commands = self.best.plan().commands
            for fewer in (0, commands // 4, commands // 2, commands * 3 // 4):
                if fewer < commands and self._try(
                    msgspec.structs.replace(self.best, commands=fewer)
                ):
                    break
            else:
                return
