"""The ledger behind the real core: random commands, and the same balances on both sides."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import codes
from core import commands as c
from core.machine import Machine
from ledger.memory import MemoryStore, Tables
from ledger.ports import OUTSIDE, LogEvents
from tests.ledger.harness import project
from tests.ledger.test_postgres import project_on, tables_of

ACCOUNTS = (1, 2, 3, 4, 5)
SYMBOLS = (1, 2)
TS_NS = 1_700_000_000_000_000_000


def setup() -> list[bytes]:
    bounds = {
        "min_price": 1, "max_price": 1000, "max_qty": 500, "min_notional": 0,
        "max_notional": 1 << 40, "maker_ppm": 1500, "taker_ppm": 25_000,
    }  # fmt: skip
    records = [c.list_asset("BTC", 2), c.list_asset("KRW", 0), c.list_asset("ETH", 3)]
    records.append(c.list_symbol("BTC-KRW", 1, 2, tick_units=100, lot_units=3, **bounds))
    records.append(c.list_symbol("ETH-KRW", 3, 2, tick_units=1000, lot_units=7, **bounds))
    records += [c.open_account((n, n)) for n in ACCOUNTS[1:]]
    for account in ACCOUNTS:
        for asset in (1, 2, 3):
            records.append(c.deposit(account, asset, 40_000 + account, (account, asset)))
    return records


def command(draw: Random, known: list[int]) -> bytes:
    account, symbol = draw.choice(ACCOUNTS), draw.choice(SYMBOLS)
    kind = draw.randrange(20)
    if kind < 11:
        price, qty = draw.randrange(95, 106), draw.randrange(1, 30)
        side, tif = draw.randrange(2), draw.randrange(4)
        return c.place(account, symbol, side, codes.LIMIT, tif, price, qty)
    if kind < 13:
        by_quote = draw.random() < 0.5
        qty = draw.randrange(1, 9000 if by_quote else 30)
        side = draw.randrange(2)
        return c.place(account, symbol, side, codes.MARKET, codes.IOC, 0, qty, by_quote=by_quote)
    order = draw.choice(known) if known else 1
    if kind < 15:
        return c.cancel(account, 0, order)
    if kind < 17:
        return c.amend(account, 0, order, draw.randrange(95, 106), draw.randrange(1, 40))
    if kind == 17:
        return c.cancel_all(account, 0)
    if kind == 18:
        reference = (draw.randrange(1, 1 << 40), 9)
        move = c.deposit if draw.random() < 0.5 else c.withdraw
        return move(account, draw.randrange(1, 4), draw.randrange(1, 9000), reference)
    return c.checkpoint()


def drive(seed: int, entries: int) -> tuple[Machine, list[LogEvents]]:
    draw = Random(seed)
    machine = Machine()
    log: list[LogEvents] = []

    def apply(records: list[bytes]) -> None:
        index = machine.index + 1
        machine.apply(index, TS_NS + index, c.batch_of(records))
        log.append(LogEvents(0, index, 1, machine.ts_ns, machine.events, machine.chain))

    apply(setup())
    for _ in range(entries):
        known = [o.order_id for account in ACCOUNTS for o in machine.open_orders(account, 0)]
        apply([command(draw, known) for _ in range(draw.randrange(1, 12))])
    apply([c.checkpoint()])
    return machine, log


def check_equal(tables: Tables, machine: Machine) -> None:
    mine = {
        key: (balance.available, balance.hold)
        for key, balance in tables.balances.items()
        if key[0] != OUTSIDE and (balance.available or balance.hold)
    }
    its = {
        (view.account, view.asset): (view.available, view.hold)
        for view in machine.all_balances()
        if view.available or view.hold
    }
    assert mine == its
    last = max(tables.reconciliations.values())
    assert last.ok
    assert last.core_digest == machine.balances_digest()
    supply = {view.id: view.supply for view in machine.assets()}
    outside = {key[1]: -b.available for key, b in tables.balances.items() if key[0] == OUTSIDE}
    assert outside == supply


@settings(max_examples=25)
@given(st.integers(0, 1 << 30), st.lists(st.integers(1, 9), min_size=1, max_size=3))
def test_the_ledger_follows_the_core(seed: int, cuts: list[int]) -> None:
    machine, log = drive(seed, 25)
    store = MemoryStore()
    asyncio.run(project(store, log, cuts))
    check_equal(store.tables, machine)


def test_the_core_reaches_what_matters() -> None:
    """Every kind of entry, and trades between all kinds of sides, in one fixed run."""
    machine, log = drive(1, 150)
    store = MemoryStore()
    asyncio.run(project(store, log, (7,)))
    check_equal(store.tables, machine)
    assert {entry.kind for entry in store.tables.entries.values()} == {1, 2, 3, 4, 5, 6}
    assert len(store.tables.trades) > 50
    assert len(store.tables.reconciliations) > 10


@pytest.mark.parametrize("seed", [1, 2])
def test_the_ledger_follows_the_core_on_postgres(
    ledger_url: str, new_partition: Callable[[], int], seed: int
) -> None:
    machine, log = drive(seed, 80)
    partition = new_partition()
    asyncio.run(project_on(ledger_url, partition, log, [9]))
    check_equal(tables_of(ledger_url, partition), machine)
