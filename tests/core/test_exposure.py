"""Counts of open orders, beside a walk over them after every entry, with every order type."""

from core import commands as c
from core.codes import BUY
from core.commands import FLAG_BY_QUOTE, batch_of
from core.limits import AMOUNT_MAX
from core.machine import Machine
from core.order_store import O_TERMS, ORDER_SHIFT
from core.table import NIL
from core.terms import RESTING, T_KIND, T_QTY, TERMS_SHIFT
from core.versions import VERSION_KNOWN
from tests.core.pair import START_NS
from tests.core.subjects import Engine
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import setup_records

ENTRIES = 900


def walked(machine: Machine, account: int, symbol: int) -> tuple[int, int, int]:
    """Open orders, parked ones among them, lots to buy: order by order, as docs/machine.md says."""
    trading = machine._state.trading
    store = trading.store
    count = parked = buying = 0
    slot = trading.open_orders.first(account)
    while slot != NIL:
        if store.symbol_of(slot) == symbol:
            count += 1
            left = store.left_of(slot)
            if store.area_of(slot) != RESTING:
                parked += 1
                at = store.terms_of(slot) << TERMS_SHIFT
                left = store.terms.table.rows[at + T_QTY]
                if store.terms.table.rows[at + T_KIND] >> 4 & FLAG_BY_QUOTE:
                    left = 0
            if store.orders.rows[(slot << ORDER_SHIFT) + O_TERMS] & 0xF == BUY:
                buying += left
        slot = trading.open_orders.following(slot)
    return count, parked, min(buying, AMOUNT_MAX)


def counted(machine: Machine, account: int, symbol: int) -> tuple[int, int, int]:
    exposure = machine._state.trading.risk.exposure
    exposure.count(account, symbol)
    return exposure.open, exposure.parked, exposure.buying


def test_counts_are_what_a_walk_finds() -> None:
    most = [0, 0, 0]
    for seed in (1, 2, 3):
        engine = Engine()
        machine = engine.machine
        workload = TermsWorkload(seed)
        records = [*setup_records(), c.set_version(VERSION_KNOWN)]
        now_ns = START_NS
        for index in range(1, ENTRIES + 1):
            events, _ = engine.apply(index, now_ns, batch_of(records))
            workload.learn(events)
            now_ns += workload.time_step_ns()
            records = workload.batch()
            state = machine._state
            for account in range(1, state.accounts.accounts.count):
                if (account + seed) % 3 == 0 or index > ENTRIES // 2:  # others are watched later
                    for symbol in range(1, state.listing.symbols.count):
                        found = walked(machine, account, symbol)
                        assert counted(machine, account, symbol) == found
                        most = list(map(max, most, found))
    assert min(most) >= 3, f"{most}: there was hardly anything to count"


def test_a_market_without_limits_watches_nobody() -> None:
    engine = Engine()
    workload = TermsWorkload(4)
    workload.learn(engine.apply(1, START_NS, batch_of(setup_records()))[0])
    assert not engine.machine._state.trading.store.notes
    assert engine.machine._state.trading.risk.exposure._table.count == 0
