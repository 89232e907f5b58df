"""What must hold of a machine after any commands, asked of the machine and of its events.

Why it exists: that `apply` does not raise is the least that can be said. Two judges: one costs
nothing and looks at money at every entry's end of a pass, the other folds all events and looks at
everything that `tests.core.invariants` knows. It must not know where commands come from.
"""

from collections import defaultdict

from core.events import REPLY_BYTES, decode_events
from core.machine import Machine
from tests.core.invariants import Invariants
from tests.core.subjects import Engine


class Broken(AssertionError):
    """A check failed; the text says which."""


def check_replies(machine: Machine, count: int) -> None:
    if len(machine.replies) != count * REPLY_BYTES:
        raise Broken(f"{len(machine.replies)} bytes of replies to {count} commands")


def check_money(machine: Machine) -> None:
    """Nothing negative, and of each asset what all accounts have is its supply."""
    sums: dict[int, int] = defaultdict(int)
    for row in machine.all_balances():
        if row.available < 0 or row.hold < 0:
            raise Broken(f"negative: {row}")
        sums[row.asset] += row.available + row.hold
    for asset in machine.assets():
        if sums.pop(asset.id, 0) != asset.supply:
            raise Broken(f"the accounts have not the supply of {asset}")
    if any(sums.values()):
        raise Broken(f"money of no asset: {dict(sums)}")


def check_restored(machine: Machine) -> Machine:
    """The machine from a snapshot: every digest made anew, every index built again."""
    snapshot = machine.snapshot()
    restored = Machine.restore(snapshot)
    ours, theirs = machine.digest_sections(), restored.digest_sections()
    if ours != theirs:
        raise Broken(f"digests differ in {[name for name in ours if ours[name] != theirs[name]]}")
    if restored.snapshot() != snapshot:
        raise Broken("the snapshot of a restored machine is another")
    return restored


class Folded:
    """Follows the events from the first entry on; `check` looks at everything."""

    def __init__(self) -> None:
        self._invariants = Invariants()

    def follow(self, machine: Machine) -> None:
        self._invariants.fold(decode_events(machine.events))

    def check(self, machine: Machine) -> None:
        self._invariants.check(Engine(machine))
