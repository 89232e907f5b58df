"""The invariants of DESIGN.md section 4, computed from events and queries alone.

Why it exists: that two implementations agree does not make both right. What must hold after every
command is computed here in the plainest way from what the machine says about itself; it must not
look into either implementation.
"""

from collections import defaultdict

from core.codes import (
    BUY,
    MODE_NORMAL,
    MODE_POST_ONLY,
    SELL,
    TRANSFER_CONFIRMED,
    TRANSFER_CREDITED,
    TRANSFER_REFUNDED,
    TRANSFER_RESERVED,
)
from core.events import (
    AccountOpened,
    AnyEvent,
    BalanceChanged,
    SymbolListed,
    SymbolModeChanged,
    TradeExecuted,
    TransferChanged,
    VersionChanged,
)
from core.versions import VERSION_STRICT
from sim.twin.book import RESTING
from sim.twin.machine import BookRow, OrderRow
from tests.core.subjects import ALL_LEVELS, Subject


class Invariants:
    """Fold every event in; check the machine whenever it is at rest."""

    def __init__(self) -> None:
        self.specs: dict[int, SymbolListed] = {}
        self.accounts = 1
        self._seqs: dict[int, int] = defaultdict(int)
        self._trades: dict[int, int] = defaultdict(int)
        self._modes: dict[int, int] = {}
        self._supply: dict[int, int] = defaultdict(int)
        self._version = 1
        self._reserved: dict[tuple[int, int], int] = defaultdict(int)
        """By account and asset: what open transfers hold."""

    def fold(self, events: list[AnyEvent]) -> None:
        for event in events:
            self._seqs[event.symbol] += 1
            assert event.seq == self._seqs[event.symbol], f"sequence number: {event}"
            if isinstance(event, SymbolListed):
                assert event.seq == 1, f"a symbol's first event: {event}"
                self.specs[event.symbol] = event
            elif isinstance(event, AccountOpened):
                self.accounts += 1
                assert event.account == self.accounts
            elif isinstance(event, SymbolModeChanged):
                self._modes[event.symbol] = event.mode
            elif isinstance(event, BalanceChanged):
                self._supply[event.asset] += event.delta
            elif isinstance(event, TransferChanged):
                self._transfer(event)
            elif isinstance(event, TradeExecuted):
                self._trades[event.symbol] += 1
                assert event.trade_id == self._trades[event.symbol], f"trade id: {event}"
                self._check_rebate(event)
            elif isinstance(event, VersionChanged):
                self._version = event.version

    def _check_rebate(self, trade: TradeExecuted) -> None:
        """The house loses less, at the trade's price, than a unit of what the taker receives."""
        if self._version < VERSION_STRICT or min(trade.maker_fee, trade.taker_fee) >= 0:
            return
        assert trade.taker_fee >= 0, f"a taker has a rebate: {trade}"
        assert trade.maker_account != trade.taker_account, f"a rebate by oneself: {trade}"
        base = trade.qty * self.specs[trade.symbol].lot_units
        received = (trade.quote_units, base) if trade.side == BUY else (base, trade.quote_units)
        of_maker, of_taker = received
        assert -trade.maker_fee * of_taker < (trade.taker_fee + 1) * of_maker, f"rebate: {trade}"

    def _transfer(self, event: TransferChanged) -> None:
        if event.transfer_state == TRANSFER_RESERVED:
            self._reserved[event.account, event.asset] += event.amount
        elif event.transfer_state in (TRANSFER_CONFIRMED, TRANSFER_REFUNDED):
            self._reserved[event.account, event.asset] -= event.amount
        if event.transfer_state == TRANSFER_CREDITED:
            self._supply[event.asset] += event.amount
        elif event.transfer_state == TRANSFER_CONFIRMED:
            self._supply[event.asset] -= event.amount

    def check(self, subject: Subject) -> None:
        orders = [
            order
            for account in range(1, self.accounts + 1)
            for order in subject.open_orders(account, 0)
        ]
        assert len({order.order_id for order in orders}) == len(orders)
        for order in orders:
            assert order.remaining > 0 or order.terms.area != RESTING
            assert order.filled >= 0
            assert subject.order(order.order_id) == order
        self._check_books(subject, orders)
        self._check_money(subject, orders)

    def _check_books(self, subject: Subject, orders: list[OrderRow]) -> None:
        for symbol in self.specs:
            book = subject.book(symbol, ALL_LEVELS)
            assert book.seq == self._seqs[symbol]
            mode = self._modes.get(symbol, MODE_NORMAL)
            _check_prices(book, mode in (MODE_NORMAL, MODE_POST_ONLY))
            for side, levels in ((BUY, book.bids), (SELL, book.asks)):
                queues: dict[int, list[int]] = defaultdict(list)
                for order in orders:
                    if (order.symbol, order.side, order.terms.area) == (symbol, side, RESTING):
                        queues[order.price].append(order.remaining - order.terms.hidden)
                summed = {price: (sum(lots), len(lots)) for price, lots in queues.items()}
                assert {price: (total, count) for price, total, count in levels} == summed

    def _check_money(self, subject: Subject, orders: list[OrderRow]) -> None:
        cost: dict[tuple[int, int], int] = defaultdict(int, self._reserved)
        for order in orders:
            spec = self.specs[order.symbol]
            if order.terms.area != RESTING:
                asset = spec.quote if order.side == BUY else spec.base
                cost[order.account, asset] += order.terms.held
            elif order.side == BUY:
                units = order.price * order.remaining * spec.tick_value
                cost[order.account, spec.quote] += units
            else:
                cost[order.account, spec.base] += order.remaining * spec.lot_units
        sums: dict[int, int] = defaultdict(int)
        holds = {}
        for row in subject.all_balances():
            assert row.available >= 0
            assert row.hold >= 0
            assert row in subject.balances(row.account)
            sums[row.asset] += row.available + row.hold
            if row.hold:
                holds[row.account, row.asset] = row.hold
        cost = {key: units for key, units in cost.items() if units}
        assert holds == cost, "a hold is what its open orders and transfers can still cost"
        assert {k: v for k, v in sums.items() if v} == {k: v for k, v in self._supply.items() if v}


def _check_prices(book: BookRow, trades: bool) -> None:
    """A book may be crossed in a call, and in a halt that interrupts one."""
    bids, asks = [row[0] for row in book.bids], [row[0] for row in book.asks]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    if bids and asks and trades:
        assert bids[0] < asks[0], f"crossed or locked: {bids[0]} {asks[0]}"
