"""How an order's life ends, wherever it lies, and what its end does to others.

Why it exists: a user's cancel, a mass cancel, an expiry, a self-trade, a list and a trigger that
cannot be carried out all take an order out, and each must give back the same money, unlink the
same rows and wake the same list. So it is written once. It must not know why; it is told a reason.

After a trade, `after_trade` does the same for makers that the match filled, and lets an OCO's leg
that traded cancel the other one.
"""

from typing import Final

from mypy_extensions import i64

from core.book import Book
from core.codes import BUY, CANCELED_LIST, LIMIT, LIST_DONE, LIST_OCO, PEGGED
from core.commands import FLAG_BY_QUOTE
from core.execution import Execution
from core.markets import M_CALL_FIRST, M_TRAILS, Markets
from core.order_lists import G_ACCOUNT, G_CLIENT_HI, G_ID, LIST_WORDS, OrderListTable
from core.order_store import (
    F_LEFT, F_SLOT, FILL_WORDS, L_PRICE, LEVEL_SHIFT, O_ID, O_LEVEL, O_OWNER, O_TERMS, ORDER_SHIFT,
    OrderStore,
)  # fmt: skip
from core.table import NIL
from core.terms import (
    ACCOUNT_MASK, OWNER_BITS, RESTING, T_EXPIRE, T_HOLD, T_KIND, T_LIMIT, T_LIST, T_PEG, T_QTY,
    TERMS_SHIFT, TRAILS, TRIGGERS, WAITS,
)  # fmt: skip
from core.timers import Timers

FILLED: Final = 0
"""The reason of an order that ends by being filled; others are those of OrderCanceled."""

IN_CALL: Final = 1
"""In T_PEG of a LIMIT order: it is for the auction only, and stands in the book now."""

WAITING: Final = 1
DUE: Final = 2
"""The two queues of orders that wait for their list, as levels of a book, BUY side. Its SELL side
has, at the first of these prices, those that wait for an auction."""


class Endings:
    """Over all books of a partition, resting and parked."""

    def __init__(self, execution: Execution, timers: Timers) -> None:
        self.execution = execution
        self.store: OrderStore = execution.store
        self.markets: Markets = execution.markets
        self.timers = timers
        self.lists = OrderListTable()
        self.trigger_books: list[Book] = []
        self.trail_books: list[Book] = []
        self.wait_books: list[Book] = []
        self.add_books(0)

    def add_books(self, symbol: i64) -> None:
        """Those of one more symbol."""
        self.trigger_books.append(Book(symbol, self.store, TRIGGERS))
        self.trail_books.append(Book(symbol, self.store, TRAILS))
        self.wait_books.append(Book(symbol, self.store, WAITS))

    def book_at(self, area: i64, symbol: i64) -> Book:
        if area == RESTING:
            return self.execution.books[symbol]
        if area == TRIGGERS:
            return self.trigger_books[symbol]
        if area == TRAILS:
            return self.trail_books[symbol]
        return self.wait_books[symbol]

    # --- parked orders ------------------------------------------------------------------------

    def park(self, slot: i64, area: i64, symbol: i64, side: i64, price: i64) -> None:
        """Put an order into a queue outside of the book."""
        self.book_at(area, symbol).rest(slot, side, price)
        self.markets.watch(symbol, 1)
        if area == TRAILS:
            self.markets.set(symbol, M_TRAILS, self.markets.get(symbol, M_TRAILS) + 1)

    def unpark(self, slot: i64) -> None:
        area = self.store.area_of(slot)
        symbol = self.store.symbol_of(slot)
        self.book_at(area, symbol).unlink(slot)
        self.markets.watch(symbol, -1)
        if area == TRAILS:
            self.markets.set(symbol, M_TRAILS, self.markets.get(symbol, M_TRAILS) - 1)

    def is_listed(self, slot: i64) -> bool:
        """It is a leg of an order list."""
        row = self.store.terms_of(slot)
        return row != NIL and self.store.terms.table.rows[(row << TERMS_SHIFT) + T_LIST] != 0

    # --- the end ------------------------------------------------------------------------------

    def take_out(self, slot: i64, reason: i64) -> i64:
        """Cancel a live order of the symbol in use; the lots that were left.

        Nothing can refuse it any more.
        """
        execution = self.execution
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        account = rows[at + O_OWNER] & ACCOUNT_MASK
        order_id = rows[at + O_ID]
        side = rows[at + O_TERMS] & 0xF
        terms = self.store.terms_of(slot)
        if terms != NIL and self.store.area_of(slot) != RESTING:
            left = self._take_parked(slot, side, reason)
        else:
            left = self.store.left_of(slot)
            level = rows[at + O_LEVEL]
            price = self.store.levels.rows[(level << LEVEL_SHIFT) + L_PRICE]
            released = execution.release_hold(slot, side, price, left)
            execution.books[execution.symbol].unlink(slot)
            execution.open_orders.remove(slot, account)
            execution.events.order_canceled(
                execution.symbol, side, reason, order_id, account, left, released, price
            )
            execution.delta_of(side, price, level)
        self.store.release(slot)
        if terms != NIL:
            self.ended(terms, reason)
        return left

    def _take_parked(self, slot: i64, side: i64, reason: i64) -> i64:
        execution = self.execution
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        account = rows[at + O_OWNER] & ACCOUNT_MASK
        terms_at = self.store.terms_of(slot) << TERMS_SHIFT
        terms = self.store.terms.table.rows
        held = terms[terms_at + T_HOLD]
        if held != 0:
            execution.accounts.reserve(rows[at + O_TERMS] >> 8, -held)
        self.unpark(slot)
        execution.open_orders.remove(slot, account)
        left = terms[terms_at + T_QTY]
        if (terms[terms_at + T_KIND] >> 4) & FLAG_BY_QUOTE != 0:
            left = 0
        execution.events.order_canceled(
            execution.symbol, side, reason, rows[at + O_ID], account, left, held,
            terms[terms_at + T_LIMIT],
        )  # fmt: skip
        return left

    def ended(self, terms: i64, reason: i64) -> None:
        """The order of this terms row is gone, its slot is free; `reason` FILLED or why not."""
        rows = self.store.terms.table.rows
        at = terms << TERMS_SHIFT
        if rows[at + T_EXPIRE] != 0:
            self.timers.live -= 1
        if rows[at + T_KIND] & 0xF == PEGGED:
            self.markets.remove_peg(self.execution.symbol, terms, self.store.terms)
        elif rows[at + T_KIND] & 0xF == LIMIT and rows[at + T_PEG] == IN_CALL:
            symbol = self.execution.symbol
            self.markets.remove_from_chain(symbol, M_CALL_FIRST, terms, self.store.terms)
        of_list = rows[at + T_LIST]
        self.store.terms.release(terms)
        if of_list != 0:
            self._leg_ended((of_list & ACCOUNT_MASK) - 1, of_list >> OWNER_BITS, reason)

    # --- lists --------------------------------------------------------------------------------

    def _leg_ended(self, row: i64, leg: i64, reason: i64) -> None:
        lists = self.lists
        lists.set_leg(row, leg, 0)
        other: i64 = 0
        if reason != FILLED and reason != CANCELED_LIST:
            while other < 3:
                self._cancel_leg(lists.leg(row, other))
                other += 1
        elif reason == FILLED and leg == 0 and lists.kind(row) != LIST_OCO:
            other = 1
            while other < 3:
                self._make_due(lists.leg(row, other))
                other += 1
        if lists.kind(row) != 0 and lists.is_over(row):
            at = row * LIST_WORDS
            rows = lists.table.rows
            self.execution.events.order_list_changed(
                self.execution.symbol, lists.kind(row), LIST_DONE, rows[at + G_ID],
                rows[at + G_ACCOUNT], 0, 0, 0, rows[at + G_CLIENT_HI], rows[at + G_CLIENT_HI + 1],
            )  # fmt: skip
            lists.release(row)

    def _cancel_leg(self, order_id: i64) -> None:
        slot = NIL if order_id == 0 else self.store.find(order_id)
        if slot != NIL:
            self.take_out(slot, CANCELED_LIST)

    def _make_due(self, order_id: i64) -> None:
        """From the queue of the waiting to that of the due; `core.cascade` goes on from there."""
        if order_id == 0:
            return
        slot = self.store.find(order_id)
        assert slot != NIL, "list: a leg that waits is not there"
        symbol = self.store.symbol_of(slot)
        self.wait_books[symbol].unlink(slot)
        self.wait_books[symbol].rest(slot, BUY, DUE)
        self.markets.note_due(symbol)

    def sibling_slot(self, of_list: i64) -> i64:
        """The other one of a pair, by a terms row's word; NIL if there is none."""
        if of_list == 0:
            return NIL
        row = (of_list & ACCOUNT_MASK) - 1
        order_id = self.lists.sibling(row, of_list >> OWNER_BITS)
        return NIL if order_id == 0 else self.store.find(order_id)

    def held_by(self, slot: i64) -> i64:
        """Units that a live order with further terms holds, resting or parked."""
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        if self.store.area_of(slot) == RESTING:
            side = rows[at + O_TERMS] & 0xF
            left = self.store.left_of(slot)
            return self.execution.hold_of(side, self.store.price_of(slot), left)
        return self.store.terms.table.rows[(self.store.terms_of(slot) << TERMS_SHIFT) + T_HOLD]

    def leg_trades(self, terms: i64) -> None:
        """An order that belongs to a list trades or is triggered: only one of a pair may."""
        slot = self.sibling_slot(self.store.terms.table.rows[(terms << TERMS_SHIFT) + T_LIST])
        if slot != NIL:
            self.take_out(slot, CANCELED_LIST)

    def join_call(self, slot: i64, symbol: i64) -> None:
        """Remember of an order in the book that it ends with the auction."""
        row = self.store.terms_of(slot)
        self.store.terms.table.rows[(row << TERMS_SHIFT) + T_PEG] = IN_CALL
        self.markets.add_to_chain(symbol, M_CALL_FIRST, row, self.store.terms)

    def after_trade(self, slot: i64) -> None:
        """The effects of the last trade's fills on lists and further terms; the taker's last."""
        self.after_fills()
        own = self.store.terms_of(slot)
        if own != NIL and self.store.fill_count > 0:
            self.leg_trades(own)

    def after_fills(self) -> None:
        """Those on the makers, in the order of the fills."""
        store = self.store
        fills = store.fills
        fill: i64 = 0
        end = store.fill_count * FILL_WORDS
        while fill < end:
            maker = fills[fill + F_SLOT]
            owner = store.orders.rows[(maker << ORDER_SHIFT) + O_OWNER]
            if owner >> OWNER_BITS != 0:
                terms = (owner >> OWNER_BITS) - 1
                self.leg_trades(terms)
                if fills[fill + F_LEFT] == 0:
                    self.ended(terms, FILLED)
            fill += FILL_WORDS
