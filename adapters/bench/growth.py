"""`lockstep bench growth`: what a command costs as accounts and open orders grow.

Each point is a machine of its own with so many accounts (two balances each) and open orders, spread
over sixteen books. Then single-command entries are timed: half of them place an order of a random
account, half cancel a random order, so the number of open orders stays. Checkpoints come as often
as in a node and are told apart; the hashing before them is timed with the entry that it follows.
`building_us` has the entries that the state was built with, thirty commands each, without one.
"""

import argparse
import array
import gc
import random
import statistics
import sys
from typing import Any, Final

from adapters.bench.commands import CHECKPOINT_ENTRIES, ENTRY_STEP_NS, START_NS
from adapters.bench.latency import percentiles, timed
from adapters.cli.errors import usage_error
from core import commands as c
from core.codes import BUY, EV_ORDER_ACCEPTED, GTC, LIMIT
from core.events import event_rows
from core.machine import Machine
from core.versions import VERSION_KNOWN

SYMBOLS: Final = 16
FEW_ACCOUNTS: Final = 10_000
FEW_ORDERS: Final = 10_000
FIRST_USER: Final = 2
SUPPLY: Final = 1 << 61
FUNDS_MOST: Final = 1 << 40
MID_TICKS: Final = 50_000
DEEPEST_TICKS: Final = 2_000
RECORDS: Final = 30
"""Per entry, while a state is built: few, so that what a table's growth costs can be seen."""
WINDOW_NS: Final = 1_000 * ENTRY_STEP_NS


def add_arguments(p: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    p.add_argument("--largest-accounts", type=int, default=1_000_000, help="10,000 and up by tens")
    p.add_argument("--largest-orders", type=int, default=1_000_000, help="10,000 and up by tens")
    p.add_argument("--commands", type=int, default=50_000, help="timed at each point")
    p.add_argument("--seed", type=int, default=7)


def run(a: argparse.Namespace) -> dict[str, Any]:
    """Nanoseconds a command at each point, and what an order and an account occupy."""
    if a.largest_accounts < FEW_ACCOUNTS or a.largest_orders < FEW_ORDERS or a.commands < 1:
        raise usage_error("bench growth: --commands is at least 1, the others 10,000")
    points = [(accounts, FEW_ORDERS) for accounts in _tens(FEW_ACCOUNTS, a.largest_accounts)]
    points += [(FEW_ACCOUNTS, orders) for orders in _tens(FEW_ORDERS, a.largest_orders)][1:]
    measured = [_point(accounts, orders, a) for accounts, orders in points]
    return {
        "name": "growth",
        "unit": "ns per command (the slowest point's median)",
        "median": max(point["ns"]["p50"] for point in measured),
        "runs": [point["ns"]["p50"] for point in measured],
        "points": measured,
        "conditions": {
            "commands": a.commands, "seed": a.seed, "symbols": SYMBOLS, "batch": 1,
            "clock": "processor time of the thread", "gc": "off", "keys": "every command has one",
        },
    }  # fmt: skip


def _tens(first: int, largest: int) -> list[int]:
    found = [first]
    while found[-1] * 10 <= largest:
        found.append(found[-1] * 10)
    return found


def _point(accounts: int, orders: int, a: argparse.Namespace) -> dict[str, Any]:
    print(f"bench growth: {accounts:,} accounts, {orders:,} open orders", file=sys.stderr)
    gc.disable()
    grown = Grown(accounts, a.seed)
    per_account = (_resident_bytes() - grown.resident_before) / accounts
    before = _resident_bytes()
    grown.rest_orders(orders)
    per_order = (_resident_bytes() - before) / orders
    gc.enable()
    spent, checkpoints = grown.play(a.commands)
    return {
        "accounts": accounts, "open_orders": orders, "ns": percentiles(spent, 1),
        "mean_ns": statistics.fmean(spent), "checkpoint_us": percentiles(checkpoints, 1000),
        "building_us": percentiles(grown.building, 1000),
        "resident_bytes_per_account": round(per_account),
        "resident_bytes_per_order": round(per_order),
    }  # fmt: skip


class Grown:
    """A machine of a given size."""

    def __init__(self, accounts: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.accounts = accounts
        self.open: list[tuple[int, int, int]] = []
        self.building = array.array("q")
        """Nanoseconds."""
        self.resident_before = _resident_bytes()
        self.machine = Machine()
        self._list_markets()
        records: list[bytes] = []
        funds = min(FUNDS_MOST, SUPPLY // accounts)
        for n in range(accounts):
            user = FIRST_USER + n
            records.append(c.open_account((user, 1)))
            records.append(c.deposit(user, 1, funds, (user, 2)))
            records.append(c.deposit(user, 1 + _symbol_of(user), funds, (user, 3)))
            if len(records) >= RECORDS or n == accounts - 1:
                self._apply(records)
                records = []

    def rest_orders(self, count: int) -> None:
        """So many more rest."""
        while count > 0:
            more = min(count, RECORDS)
            self._apply([self._place((0, 0)) for _ in range(more)])
            self._learn()
            count -= more

    def play(self, commands: int) -> tuple[list[int], list[int]]:
        """Nanoseconds of each single-command entry, and of each checkpoint but the first two."""
        spent: list[int] = []
        checkpoints: list[int] = []
        gc.collect()
        gc.disable()
        try:
            for number in range(-2 * CHECKPOINT_ENTRIES, commands):
                if number % CHECKPOINT_ENTRIES == 0:
                    checkpoint = c.batch(c.checkpoint(0, bytes(32)), 1)
                    checkpoints.append(self._timed(checkpoint))
                spent.append(self._timed_command(number))
        finally:
            gc.enable()
        return spent[2 * CHECKPOINT_ENTRIES :], checkpoints[2:]

    def _timed_command(self, number: int) -> int:
        key = (self.rng.getrandbits(63) | 1, self.machine.index)
        if number % 2:
            at = self.rng.randrange(len(self.open))
            account, symbol, order = self.open[at]
            self.open[at] = self.open[-1]
            self.open.pop()
            payload = c.batch(c.cancel(account, symbol, order, key), 1)
        else:
            payload = c.batch(self._place(key), 1)
        spent = self._timed(payload)
        self._learn()
        return spent

    def _timed(self, payload: bytes) -> int:
        index = self.machine.index + 1
        return timed(self.machine.apply, index, START_NS + index * ENTRY_STEP_NS, payload)

    def _list_markets(self) -> None:
        records = [c.list_asset("USD", 2)]
        for n in range(SYMBOLS):
            records.append(c.list_asset(f"C{n}", 8))
            records.append(
                c.list_symbol(
                    f"C{n}-USD", n + 2, 1, tick_units=1, lot_units=100_000_000, min_price=1,
                    max_price=1_000_000, max_qty=1_000_000, min_notional=1,
                    max_notional=1 << 60, maker_ppm=1000, taker_ppm=2000,
                )
            )  # fmt: skip
        records.append(c.set_limits(1 << 24, WINDOW_NS, 1 << 22))
        records.append(c.set_version(VERSION_KNOWN))
        self._apply(records)

    def _place(self, key: c.Key) -> bytes:
        """It rests: at least one tick on its own side of the middle."""
        rng = self.rng
        account = FIRST_USER + rng.randrange(self.accounts)
        side = rng.randrange(2)
        away = min(int(rng.paretovariate(0.6)), DEEPEST_TICKS)
        price = MID_TICKS - away if side == BUY else MID_TICKS + away
        qty = rng.randint(1, 10)
        return c.place(account, _symbol_of(account), side, LIMIT, GTC, price, qty, key)

    def _apply(self, records: list[bytes]) -> None:
        self.building.append(self._timed(c.batch_of(records)))

    def _learn(self) -> None:
        for row in event_rows(self.machine.events):
            if row[0] & 0xFF == EV_ORDER_ACCEPTED:
                self.open.append((row[3], row[0] >> 16 & 0xFFFF, row[2]))


def _symbol_of(account: int) -> int:
    return 1 + account % SYMBOLS


def _resident_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096
