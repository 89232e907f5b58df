"""CANCEL_ALL: every open order of an account, or of a symbol, in a fixed order.

Why it exists: one command may take out thousands of orders, so it has a bound of its own and
says whether that bound stopped it. It must not know how a single order is taken out.

The orders are chosen first, then taken out: an order's end may take others of its list with it.
"""

from librt.vecs import append, vec
from mypy_extensions import i64

from core.book import Book
from core.codes import (
    BUY, CANCELED_MASS, MARKET_HALTED, MODE_HARD_HALT, SELL, STATUS_CANCELED, VALIDATION,
)  # fmt: skip
from core.commands import (
    FILTER_ALL, FILTER_BUYS, FILTER_HIGH, FILTER_LOW, FILTER_PARKED, FILTER_RESTING, FILTER_SELLS,
    FILTER_WHAT,
)  # fmt: skip
from core.limits import CANCELS_PER_COMMAND_MAX
from core.order_store import L_HEAD, LEVEL_SHIFT, O_ID, O_NEXT, O_TERMS, ORDER_SHIFT, OrderStore
from core.table import NIL
from core.terms import RESTING, T_LIMIT, TERMS_SHIFT
from core.trading import Trading


class MassCancel:
    """Chooses, in order, and takes out."""

    def __init__(self, trading: Trading) -> None:
        self.trading = trading
        self.store: OrderStore = trading.store
        self._chosen: vec[i64] = vec[i64]()
        self.taken: i64 = 0
        """How many the last call of `of_account` canceled."""
        self._count: i64 = 0
        self._in_every_mode: bool = False
        self._what: i64 = FILTER_ALL
        self._low: i64 = 0
        self._high: i64 = 0

    def run(self, symbol: i64, account: i64, what: i64, low: i64, high: i64) -> None:
        """The symbol, if not 0, is listed; the account, if not 0, is open; not both are 0.

        `what`, `low` and `high` choose among the orders, as in `core.commands`.
        """
        answer = self.trading.answer
        execution = self.trading.execution
        if not self._check_filter(what, low, high):
            return
        if symbol != 0:
            execution.use(symbol)
            if execution.mode == MODE_HARD_HALT:
                answer.reject(MARKET_HALTED, execution.mode)
                return
        self._filter(what, low, high)
        if account != 0:
            self._choose_of_account(symbol, account)
        else:
            self._choose_of_symbol(symbol)
        answer.remaining = 1 if self._count > CANCELS_PER_COMMAND_MAX else 0
        answer.status = STATUS_CANCELED
        answer.filled = 0
        answer.detail = self._take_out(CANCELED_MASS)
        if symbol != 0 and answer.detail > 0:
            answer.seq = self.trading.events.last_seq(symbol)

    def of_account(self, symbol: i64, account: i64, reason: i64) -> bool:
        """All of the account's orders, on `symbol` or everywhere; False if some were left.

        Nobody asks for it at this moment, so nobody could ask again after a halt: from
        `VERSION_STRICT` on a halt does not keep an order.
        """
        self._filter(0, 0, 0)
        self._in_every_mode = self.trading.execution.is_strict
        self._choose_of_account(symbol, account)
        is_all = self._count <= CANCELS_PER_COMMAND_MAX
        self.taken = self._take_out(reason)
        return is_all

    def _check_filter(self, what: i64, low: i64, high: i64) -> bool:
        answer = self.trading.answer
        if what < 0 or what > FILTER_ALL:
            return answer.reject(VALIDATION, FILTER_WHAT)
        if low < 0:
            return answer.reject(VALIDATION, FILTER_LOW)
        if high < 0 or (high != 0 and high < low):
            return answer.reject(VALIDATION, FILTER_HIGH)
        return True

    def _filter(self, what: i64, low: i64, high: i64) -> None:
        if what & (FILTER_BUYS | FILTER_SELLS) == 0:
            what |= FILTER_BUYS | FILTER_SELLS
        if what & (FILTER_RESTING | FILTER_PARKED) == 0:
            what |= FILTER_RESTING | FILTER_PARKED
        self._what = what
        self._low = low
        self._high = high
        self._count = 0
        self._in_every_mode = False

    def _choose(self, slot: i64) -> bool:
        """Take the order up if the filter lets it through; False when there are enough."""
        at = slot << ORDER_SHIFT
        side = self.store.orders.rows[at + O_TERMS] & 0xF
        is_parked = self.store.area_of(slot) != RESTING
        area_bit: i64 = FILTER_PARKED if is_parked else FILTER_RESTING
        side_bit: i64 = FILTER_BUYS if side == BUY else FILTER_SELLS
        if self._what & area_bit == 0 or self._what & side_bit == 0:
            return True
        if self._low != 0 or self._high != 0:
            price = self.store.price_of(slot)
            if is_parked:
                terms = self.store.terms_of(slot)
                price = self.store.terms.table.rows[(terms << TERMS_SHIFT) + T_LIMIT]
            if price < self._low or (self._high != 0 and price > self._high):
                return True
        if self._count == i64(len(self._chosen)):
            self._chosen = append(self._chosen, 0)
        self._chosen[self._count] = self.store.orders.rows[at + O_ID]
        self._count += 1
        return self._count <= CANCELS_PER_COMMAND_MAX

    def _choose_of_account(self, symbol: i64, account: i64) -> None:
        """Oldest first. Orders of other symbols, and mostly of halted ones, are passed over."""
        trading = self.trading
        slot = trading.open_orders.first(account)
        while slot != NIL:
            of_symbol = self.store.symbol_of(slot)
            if symbol == 0 or of_symbol == symbol:
                trading.execution.use(of_symbol)
                is_kept = trading.execution.mode == MODE_HARD_HALT and not self._in_every_mode
                if not is_kept and not self._choose(slot):
                    return
            slot = trading.open_orders.following(slot)

    def _choose_of_symbol(self, symbol: i64) -> None:
        """The book, then what waits beside it: bids, asks; best price first, oldest first."""
        endings = self.trading.endings
        area: i64 = RESTING
        while area < 4:
            book = endings.book_at(area, symbol)
            if not self._choose_of_ladder(book, BUY) or not self._choose_of_ladder(book, SELL):
                return
            area += 1

    def _choose_of_ladder(self, book: Book, side: i64) -> bool:
        ladder = book.side(side)
        i = ladder.depth - 1
        while i >= 0:
            slot = self.store.levels.rows[(ladder.levels[i] << LEVEL_SHIFT) + L_HEAD]
            while slot != NIL:
                if not self._choose(slot):
                    return False
                slot = self.store.orders.rows[(slot << ORDER_SHIFT) + O_NEXT]
            i -= 1
        return True

    def _take_out(self, reason: i64) -> i64:
        """How many of the chosen were still there, up to the bound."""
        taken: i64 = 0
        at: i64 = 0
        while at < self._count and at < CANCELS_PER_COMMAND_MAX:
            slot = self.store.find(self._chosen[at])
            if slot != NIL:
                self.trading.execution.use(self.store.symbol_of(slot))
                self.trading.endings.take_out(slot, reason)
                taken += 1
            at += 1
        return taken
