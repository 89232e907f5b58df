"""Orders live as the tables in `sim.lives` say, and the pages in docs/orders show those tables.

That nothing happens beside the tables is held by every test that drives a `Pair`; here, that what
stands in them does happen.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import commands as c
from core.codes import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    LIST_OTO,
    ORDER_TYPE_NAMES,
    PEGGED,
    SELL,
    STOP,
    STOP_LIMIT,
    TAKE_PROFIT,
    TAKE_PROFIT_LIMIT,
    TRAILING_STOP,
    TRAILING_STOP_LIMIT,
)
from core.versions import VERSION_KNOWN
from sim.lives import LIVES, WAITING, Step, drawn
from tests.core.pair import Pair
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import setup_records

PAGES = Path(__file__).parents[2] / "docs" / "orders"
SEEDS = range(500, 1500)
COMMANDS = 1_500
ONLY_IN_A_BACKLOG = ((WAITING, "CANCEL_AFTER"), (WAITING, "KILLED"))
"""The first leg of its list is older, and is canceled before it; so its list must have come to it
already, in a cascade that went beyond its bound."""


def test_every_step_of_every_table_happens() -> None:
    missing = {
        (kind, step)
        for kind, steps in LIVES.items()
        for step in steps
        if (step.before, step.cause) not in ONLY_IN_A_BACKLOG
    }
    for pair in _rare_ones():
        missing -= _steps(pair)
    for seed in SEEDS:
        pair, workload = Pair(), TermsWorkload(seed)
        pair.apply(*setup_records(), c.set_version(VERSION_KNOWN))
        for _ in range(COMMANDS // 20):
            workload.now_ns = pair.now_ns
            events, _ = pair.apply(*workload.batch())
            workload.learn(events)
            pair.now_ns += workload.time_step_ns()
        missing -= _steps(pair)
        if not missing:
            return
    told = sorted(f"{ORDER_TYPE_NAMES[kind]}: {' '.join(step)}" for kind, step in missing)
    pytest.fail("never seen: " + "; ".join(told))


def _steps(pair: Pair) -> set[tuple[int, Step]]:
    return {(kind, step) for kind, steps in pair.lives.seen.items() for step in steps}


def _rare_ones() -> Iterator[Pair]:
    """What random commands meet too seldom, step by step."""
    for order_type in range(STOP, TRAILING_STOP_LIMIT + 1):
        yield _waits_in_a_list(order_type)
        yield _meets_a_collar(order_type)
    yield _pegged_and_poor()


def _begun(account: int = 6, quote: int = 100_000) -> Pair:
    """A market that trades at 100, and an account that has only so much of the quote asset."""
    pair = Pair()
    pair.apply(*setup_records(), c.set_version(VERSION_KNOWN), c.open_account((9, 9)))
    pair.apply(c.deposit(account, 2, quote, (9, 9)))
    pair.apply(_limit(2, SELL, 100, 1), _limit(3, BUY, 100, 1))
    return pair


def _limit(account: int, side: int, price: int, qty: int) -> bytes:
    return c.place(account, 1, side, LIMIT, GTC, price, qty)


def _conditional(order_type: int, side: int) -> dict[str, Any]:
    """Fields of an order that a rise (of a seller's stop: a fall) triggers next."""
    trails = order_type in (TRAILING_STOP, TRAILING_STOP_LIMIT)
    takes_profit = order_type in (TAKE_PROFIT, TAKE_PROFIT_LIMIT)
    rises = takes_profit == (side == SELL)
    fields = {"qty": 9, "trail": 1} if trails else {"qty": 9, "trigger": 101 if rises else 99}
    if order_type in (STOP_LIMIT, TAKE_PROFIT_LIMIT, TRAILING_STOP_LIMIT):
        fields["price"] = 70 if side == SELL else 130
    return fields


def _waits_in_a_list(order_type: int) -> Pair:
    """The second leg of an OTO: canceled while it waits, and refused when its turn comes."""
    pair = _begun()
    fields = _conditional(order_type, SELL)
    tif = GTC if "price" in fields else IOC
    legs = [
        c.leg(BUY, LIMIT, GTC, price=90, qty=1), c.leg(SELL, order_type, tif, **fields)
    ]  # fmt: skip
    pair.apply(c.place_list(6, 1, LIST_OTO, legs))
    pair.apply(c.cancel_all(6, 1, what=c.FILTER_PARKED))
    pair.apply(c.place_list(6, 1, LIST_OTO, legs))
    pair.apply(_limit(2, SELL, 90, 1))
    return pair


def _meets_a_collar(order_type: int) -> Pair:
    """Triggered, it trades a little, is stopped, and if it may rest is tried again and killed."""
    pair = _begun()
    side = SELL if order_type in (TAKE_PROFIT, TAKE_PROFIT_LIMIT) else BUY
    fields = _conditional(order_type, side)
    tif = GTC if "price" in fields else IOC
    pair.apply(c.set_rules(1, dynamic_bps=200))
    pair.apply(_limit(2, SELL, 101, 1), _limit(2, SELL, 102, 1), _limit(2, SELL, 120, 9))
    pair.apply(_limit(3, BUY, 100, 1), _limit(3, BUY, 80, 9))
    pair.apply(c.place_terms(4, 1, side, order_type, tif, **fields))
    pair.apply(_limit(5, BUY, 101, 1))
    if "price" in fields:
        pair.apply(c.set_rules(1), c.cancel_all(0, 1))
        rests = fields | {"price": 130 if side == SELL else 70, "trigger": 0}
        if "trigger" in fields:
            rests["trigger"] = 102
        pair.apply(c.place_terms(4, 1, side, order_type, tif, **rests))
        pair.apply(_limit(2, SELL, 103, 1), _limit(5, BUY, 103, 1), c.set_desk(4, 1, killed=1))
    return pair


def _pegged_and_poor() -> Pair:
    pair = _begun(quote=4_000)
    pair.apply(_limit(2, BUY, 95, 1))
    pair.apply(c.place_terms(6, 1, BUY, PEGGED, GTC, qty=4))
    pair.apply(_limit(2, BUY, 101, 1))
    return pair


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_diagrams_are_drawn_from_the_tables(page: Path) -> None:
    assert page.read_text() == drawn(page.read_text()), "run `just diagrams`"
