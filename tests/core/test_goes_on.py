"""What one command leaves goes on by itself: with an entry of its own, and after a restart.

What it says meanwhile is in the golden scenario `strict_kill_goes_on`, on the twin too.
"""

from core import codes
from core import commands as c
from core.commands import batch_of
from core.limits import CANCELS_PER_COMMAND_MAX
from core.machine import Machine
from core.versions import VERSION_STRICT
from tests.core.workload import setup_records

RICH = 1 << 40
BATCH = 5_000


def apply(machine: Machine, *records: bytes) -> None:
    machine.apply(machine.index + 1, machine.ts_ns + 1, batch_of(list(records)))


def with_orders(count: int) -> Machine:
    """Of account 2 in symbol 1."""
    machine = Machine()
    room = c.set_limits(1 << 20, 10**9, 100)
    apply(machine, *setup_records(), c.deposit(2, 2, RICH, (9, 9)), room)
    order = c.place(2, 1, codes.BUY, codes.LIMIT, codes.GTC, 50, 1)
    for at in range(0, count, BATCH):
        apply(machine, *[order] * min(BATCH, count - at))
    apply(machine, c.set_version(VERSION_STRICT))
    return machine


def test_a_large_kill_survives_a_restart_and_wakes_the_leader() -> None:
    machine = with_orders(CANCELS_PER_COMMAND_MAX + 3)
    apply(machine, c.set_desk(2, 1, killed=1))
    assert len(machine.open_orders(2, 1)) == 3
    assert machine.next_due_ns == machine.ts_ns
    machine = Machine.restore(machine.snapshot())
    assert machine.next_due_ns == machine.ts_ns
    apply(machine)
    assert machine.open_orders(2, 1) == []
    assert machine.next_due_ns == 0


def test_whoever_is_let_in_again_is_not_canceled_after_a_restart() -> None:
    machine = with_orders(2 * CANCELS_PER_COMMAND_MAX + 3)
    apply(machine, c.set_desk(2, 1, killed=1), c.set_desk(2, 1))
    assert machine.next_due_ns == 0
    machine = Machine.restore(machine.snapshot())
    apply(machine)
    assert len(machine.open_orders(2, 1)) == 3
