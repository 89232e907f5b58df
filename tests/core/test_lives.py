"""Orders live as the tables in `sim.lives` say, and the pages in docs/orders show those tables.

That nothing happens beside the tables is held by every test that drives a `Pair`; here, that what
stands in them does happen.
"""

from pathlib import Path

import pytest

from core import commands as c
from core.codes import (
    BUY,
    GTC,
    IOC,
    LIMIT,
    LIST_OTO,
    ORDER_TYPE_NAMES,
    SELL,
    STOP,
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
ONLY_IN_A_BACKLOG = (WAITING, "CANCEL_AFTER")
"""The first leg of its list is older, and is canceled before it; so its list must have come to it
already, in a cascade that went beyond its bound."""


def test_every_step_of_every_table_happens() -> None:
    missing = {
        (kind, step)
        for kind, steps in LIVES.items()
        for step in steps
        if (step.before, step.cause) != ONLY_IN_A_BACKLOG
    }
    missing -= _steps(_refused_when_its_list_comes_to_it())
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


def _refused_when_its_list_comes_to_it() -> Pair:
    """Whoever has nothing to sell: each conditional second leg of an OTO, which random ones rarely
    lack the money for."""
    pair = Pair()
    pair.apply(*setup_records(), c.set_version(VERSION_KNOWN), c.open_account((9, 9)))
    pair.apply(c.deposit(6, 2, 100_000, (9, 9)))
    first = c.leg(BUY, LIMIT, GTC, price=90, qty=1)
    seconds = (
        c.leg(SELL, STOP, IOC, qty=9, trigger=80),
        c.leg(SELL, TRAILING_STOP, IOC, qty=9, trail=5),
        c.leg(SELL, TRAILING_STOP_LIMIT, GTC, price=70, qty=9, trail=5),
    )
    for second in seconds:
        pair.apply(c.place_list(6, 1, LIST_OTO, [first, second]))
        pair.apply(c.place(2, 1, SELL, LIMIT, IOC, 90, 1))
    return pair


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_diagrams_are_drawn_from_the_tables(page: Path) -> None:
    assert page.read_text() == drawn(page.read_text()), "run `just diagrams`"
