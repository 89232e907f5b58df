"""Deadlines come out in their order, and those that were moved leave no heap of remains."""

import random

from core.markets import Markets
from core.order_store import OrderStore
from core.timers import NOTHING_DUE, SWITCHES, W_ACCOUNT, W_DEADLINE, Timers

ACCOUNTS = 500


def switch_of(timers: Timers, what: int) -> tuple[int, int]:
    """Its account and its deadline."""
    at = (what - SWITCHES) * 3
    rows = timers.switches.rows
    return rows[at + W_ACCOUNT], rows[at + W_DEADLINE]


def take_due(timers: Timers, now_ns: int) -> list[tuple[int, int]]:
    taken: list[tuple[int, int]] = []
    while True:
        what = timers.due(now_ns)
        if what == NOTHING_DUE:
            return taken
        account, deadline = switch_of(timers, what)
        taken.append((deadline, account))
        assert timers.set_switch(account, 0, 0) == deadline


def test_moved_deadlines_leave_little_behind_and_come_in_order() -> None:
    rng = random.Random(7)
    timers = Timers(OrderStore(), Markets())
    armed: dict[int, int] = {}
    most = 0
    for step in range(60_000):
        account = 1 + rng.randrange(ACCOUNTS)
        deadline = 0 if rng.random() < 0.2 else step + rng.randrange(1, 5_000)
        assert timers.set_switch(account, 0, deadline) == armed.pop(account, 0)
        if deadline:
            armed[account] = deadline
        most = max(most, timers._count)
        if step % 50 == 0:
            due = sorted((at, account) for account, at in armed.items() if at <= step)
            assert sorted(take_due(timers, step)) == due
            for _, account in due:
                del armed[account]
        assert timers.live == len(armed)
    assert most < 3 * ACCOUNTS
    last = take_due(timers, 1 << 60)
    assert [at for at, _ in last] == sorted(armed.values())
    assert {account: at for at, account in last} == armed
    assert timers.next_ns() == 0
