"""The demonstration's listings are lawful, and its flow keeps within its promises."""

import itertools
from collections.abc import Iterable

import pytest

from adapters.cli.demo_market import (
    ASSETS, COMMANDS_PER_TURN, FLOW_FUNDS, MARKETS, TRADER_FUNDS, TRADERS, Flow, Market,
)  # fmt: skip
from core import commands
from core.codes import MODE_NORMAL, OK, REJECT_NAMES
from core.events import REPLY_BYTES
from core.machine import Machine

MAKERS = (2, 3)
TAKER = 4


class Cycle:
    """Chance that goes round: every bound sees every value."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def below(self, bound: int) -> int:
        return next(self._numbers) * 7919 % bound


class Exchange:
    """The real machine with the demonstration's listings and three funded accounts."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.ids = {name: n for n, name in enumerate(ASSETS, 1)}
        self.apply([commands.list_asset(name, scale) for name, scale in ASSETS.items()])
        self.apply([self.listing(market) for market in MARKETS])
        self.apply([commands.open_account((0, n)) for n in (*MAKERS, TAKER)])
        for account in (*MAKERS, TAKER):
            self.apply(
                commands.deposit(
                    account, self.ids[name], coins * 10 ** ASSETS[name], (account, self.ids[name])
                )
                for name, coins in FLOW_FUNDS.items()
            )

    def listing(self, m: Market) -> bytes:
        return commands.list_symbol(
            m.name, self.ids[m.base], self.ids[m.quote], tick_units=m.tick_units,
            lot_units=m.lot_units, min_price=1, max_price=m.max_price, max_qty=m.max_qty,
            min_notional=m.min_notional, max_notional=m.max_notional, maker_ppm=m.maker_ppm,
            taker_ppm=m.taker_ppm,
        )  # fmt: skip

    def apply(self, records: Iterable[bytes]) -> list[int]:
        """Reject codes, in order."""
        batch = commands.batch_of(list(records))
        index = self.machine.index + 1
        self.machine.apply(index, index * 1_000_000, batch)
        replies = self.machine.replies
        return [replies[at] for at in range(0, len(replies), REPLY_BYTES)]


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange()


def test_listings_and_funds_are_accepted(exchange: Exchange) -> None:
    symbols = exchange.machine.symbols()
    assert [s.name for s in symbols] == [m.name for m in MARKETS]
    assert all(s.mode == MODE_NORMAL for s in symbols)
    assert len(exchange.machine.balances(TAKER)) == len(ASSETS)


def test_funds_of_all_accounts_fit_an_asset(exchange: Exchange) -> None:
    for name, scale in ASSETS.items():
        coins = 3 * FLOW_FUNDS[name] + len(TRADERS) * TRADER_FUNDS[name]
        assert coins * 10**scale < 1 << 62


@pytest.mark.parametrize("number", range(len(MARKETS)))
def test_a_turn_keeps_its_bound_and_the_book_full(number: int) -> None:
    exchange = Exchange()
    symbol = number + 1
    flow = Flow(MARKETS[number], symbol, MAKERS, TAKER, Cycle())
    rejects: dict[str, int] = {}
    placed = 0
    for turn in range(300):
        records = flow.turn()
        assert len(records) <= COMMANDS_PER_TURN
        codes = exchange.apply(records)
        placed += len(codes)
        for code in codes:
            if code != OK:
                rejects[REJECT_NAMES[code]] = rejects.get(REJECT_NAMES[code], 0) + 1
        if turn > 1:
            book = exchange.machine.book(symbol, 5)
            assert book.bids
            assert book.asks
    assert exchange.machine.symbols()[number].trades > 50
    assert set(rejects) <= {"POST_ONLY_WOULD_TRADE"}
    assert sum(rejects.values()) < placed // 10


def test_leaving_empties_the_book() -> None:
    exchange = Exchange()
    flow = Flow(MARKETS[0], 1, MAKERS, TAKER, Cycle())
    for _ in range(5):
        exchange.apply(flow.turn())
    exchange.apply(flow.leave())
    book = exchange.machine.book(1, 5)
    assert (book.bids, book.asks) == ([], [])


def test_the_same_chance_gives_the_same_orders() -> None:
    first, second = (Flow(MARKETS[0], 1, MAKERS, TAKER, Cycle()) for _ in range(2))
    assert [first.turn() for _ in range(20)] == [second.turn() for _ in range(20)]
    assert first.mid == second.mid
