"""CANCEL and AMEND: what becomes of an order that is there already.

Why it exists: both begin with the same search (found, of that symbol, one's own) and end in the
same rows. It must not know how an order is placed, but for what an amended one does when it trades.

An amend that only makes the quantity smaller keeps the order's place; any other one leaves the
level and joins its new level at the tail, after having traded what it can. An order that waits for
a trigger has no place to lose.
"""

from mypy_extensions import i64

from core.book import Book
from core.codes import (
    BUY, CANCEL_ONLY, CANCELED_BY_USER, INSUFFICIENT_FUNDS, MARKET_HALTED, MODE_AUCTION,
    MODE_CANCEL_ONLY, MODE_HARD_HALT, MODE_POST_ONLY, MODE_SOFT_HALT, NOT_OWNER, PEGGED, POST_ONLY,
    POST_ONLY_WOULD_TRADE, SELL, STATUS_CANCELED, STATUS_EXPIRED, STATUS_FILLED, STATUS_NEW,
    STATUS_PARTIALLY_FILLED, UNKNOWN_ORDER, VALIDATION,
)  # fmt: skip
from core.commands import AMEND_ORDER, AMEND_PRICE, AMEND_QTY, AMEND_TRIGGER
from core.conditional import Conditional
from core.endings import FILLED
from core.limits import PRICE_TICKS_MAX
from core.order_store import O_FILLED, O_ID, O_REMAINING, O_TERMS, ORDER_SHIFT, OrderStore
from core.table import NIL
from core.terms import RESTING, T_DISPLAY, T_KIND, T_LIMIT, T_LIST, T_QTY, T_TRIGGER, TERMS_SHIFT
from core.ticket import Ticket, least_tip
from core.trading import Trading


class Amending:
    """Over orders that rest or wait."""

    def __init__(self, trading: Trading, conditional: Conditional) -> None:
        self.trading = trading
        self.conditional = conditional
        self.store: OrderStore = trading.store
        self._asked = Ticket()

    def reject(self, code: i64, detail: i64) -> bool:
        return self.trading.reject(code, detail)

    def _find_own(self, symbol: i64, account: i64, order_id: i64) -> i64:
        """The slot of the account's live order, its symbol in use; NIL if rejected."""
        execution = self.trading.execution
        self.trading.answer.id = order_id
        execution.symbol = symbol
        slot = self.store.find(order_id)
        if slot == NIL:
            self.reject(UNKNOWN_ORDER, 0)
            return NIL
        of_symbol = self.store.symbol_of(slot)
        if symbol != 0 and of_symbol != symbol:
            self.reject(UNKNOWN_ORDER, 0)
            return NIL
        execution.use(of_symbol)
        if self.store.account_of(slot) != account:
            self.reject(NOT_OWNER, 0)
            return NIL
        return slot

    # --- CANCEL -------------------------------------------------------------------------------

    def cancel(self, symbol: i64, account: i64, order_id: i64) -> None:
        slot = self._find_own(symbol, account, order_id)
        if slot == NIL:
            return
        trading = self.trading
        if trading.execution.mode == MODE_HARD_HALT:
            self.reject(MARKET_HALTED, trading.execution.mode)
            return
        trading.answer.filled = self.store.orders.rows[(slot << ORDER_SHIFT) + O_FILLED]
        trading.answer.detail = trading.endings.take_out(slot, CANCELED_BY_USER)
        trading.answer.status = STATUS_CANCELED

    # --- AMEND --------------------------------------------------------------------------------

    def amend(
        self, symbol: i64, account: i64, order_id: i64, price: i64, qty: i64, trigger: i64
    ) -> None:
        """`qty` is the new total, what is already filled included; `trigger` 0 is as it is."""
        slot = self._find_own(symbol, account, order_id)
        if slot == NIL:
            return
        trading = self.trading
        if trading.has_risk and not trading.risk.may_place(account, trading.execution.symbol):
            return
        if self.store.area_of(slot) == RESTING:
            self._amend_resting(slot, account, price, qty, trigger)
        else:
            self._amend_parked(slot, account, price, qty, trigger)

    def _check_mode(self, reduction: bool) -> bool:
        mode = self.trading.execution.mode
        if mode == MODE_HARD_HALT or mode == MODE_SOFT_HALT:
            return self.reject(MARKET_HALTED, mode)
        if mode == MODE_AUCTION and self.trading.is_uncrossing():
            return self.reject(MARKET_HALTED, mode)
        return mode != MODE_CANCEL_ONLY or reduction or self.reject(CANCEL_ONLY, mode)

    def _amend_resting(self, slot: i64, account: i64, price: i64, qty: i64, trigger: i64) -> None:
        trading = self.trading
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        old_price = self.store.price_of(slot)
        filled = rows[at + O_FILLED]
        old_left = self.store.left_of(slot)
        reduction = price == old_price and qty < filled + old_left
        if not self._check_mode(reduction) or not self._check_terms(slot, qty, trigger):
            return
        if not self._check_amend(price, qty, old_price, filled, old_left):
            return
        if trading.has_risk and not reduction:
            t = self._asked
            terms = rows[at + O_TERMS] & 0xF
            t.set_order(trading.execution.symbol, account, terms, price, qty - filled, 0, 0)
            was = old_price * old_left * trading.execution.tick_value
            if not trading.risk.check_amend(t, qty - filled - old_left, was):
                return
        elif trading.execution.is_strict and not trading.risk.check_lots(qty):
            return
        side = rows[at + O_TERMS] & 0xF
        left = qty - filled
        if reduction:
            execution = trading.execution
            released = execution.release_hold(slot, side, price, old_left - left)
            trading.books[execution.symbol].reduce(slot, old_left - left)
            trading.events.order_amended(
                execution.symbol, side, rows[at + O_ID], account, price, qty, left, -released, 1
            )
            execution.level_delta(side, price)
            trading.answer.remaining = left
        elif not self._requeue(slot, account, price, qty, left, old_price, old_left):
            return
        if not reduction and trading.stop_reason != 0:
            trading.answer.status = STATUS_EXPIRED
        elif trading.answer.remaining == 0:
            trading.answer.status = STATUS_FILLED
        else:
            any_filled = filled + trading.answer.filled > 0
            trading.answer.status = STATUS_PARTIALLY_FILLED if any_filled else STATUS_NEW

    def _check_terms(self, slot: i64, qty: i64, trigger: i64) -> bool:
        """What only an order with further terms, or only a plain one, may be asked for."""
        row = self.store.terms_of(slot)
        if row != NIL:
            terms = self.store.terms.table.rows
            at = row << TERMS_SHIFT
            if terms[at + T_LIST] != 0 or terms[at + T_KIND] & 0xF == PEGGED:
                return self.reject(VALIDATION, AMEND_ORDER)
            display = terms[at + T_DISPLAY]
            filled = self.store.orders.rows[(slot << ORDER_SHIFT) + O_FILLED]
            # `qty` may be any number here, and must not be reckoned with below zero.
            if display != 0 and qty > filled and least_tip(qty - filled) > display:
                return self.reject(VALIDATION, AMEND_QTY)
        return trigger == 0 or self.reject(VALIDATION, AMEND_TRIGGER)

    def _check_amend(
        self, price: i64, qty: i64, old_price: i64, filled: i64, old_left: i64
    ) -> bool:
        trading = self.trading
        if price < 1:
            return self.reject(VALIDATION, AMEND_PRICE)
        if qty < 1 or (price == old_price and qty == filled + old_left):
            return self.reject(VALIDATION, AMEND_QTY)
        if not trading.check_price(price) or not trading.check_lots(qty):
            return False
        if qty <= filled:
            return self.reject(VALIDATION, filled)
        return trading.check_notional(price * qty * trading.execution.tick_value)

    def _requeue(
        self, slot: i64, account: i64, price: i64, qty: i64, left: i64, old_price: i64,
        old_left: i64,
    ) -> bool:  # fmt: skip
        """Leave the level, match as a taker, rest again; False if it was refused."""
        trading = self.trading
        execution = trading.execution
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        side = rows[at + O_TERMS] & 0xF
        other = SELL if side == BUY else BUY
        book: Book = trading.books[execution.symbol]
        if (rows[at + O_TERMS] >> 4) & 0xF == POST_ONLY or execution.mode == MODE_POST_ONLY:
            best = book.best(other)
            if execution.mode != MODE_AUCTION and trading.crosses(side, price, best):
                return self.reject(POST_ONLY_WOULD_TRADE, best)
        more = execution.hold_of(side, price, left) - execution.hold_of(side, old_price, old_left)
        pays = rows[at + O_TERMS] >> 8
        available = trading.accounts.available(pays)
        if more > available:
            return self.reject(INSUFFICIENT_FUNDS, available)
        book.unlink(slot)
        trading.accounts.reserve(pays, more)
        rows[at + O_REMAINING] = left
        trading.events.order_amended(
            execution.symbol, side, trading.answer.id, account, price, qty, left, more, 0
        )
        kind = self._kind(slot)
        left = trading.cross(slot, account, side, price, left, price, kind >> 8 & 0xFF, kind >> 16)
        is_gone = left == 0 or trading.stop_reason != 0
        if not is_gone:
            book.rest(slot, side, price)
        elif left == 0:
            trading.end_taker(slot, account, FILLED, True)
        else:
            released = execution.release_hold(slot, side, price, left)
            trading.events.order_canceled(
                execution.symbol, side, trading.stop_reason, trading.answer.id, account, left,
                released, price,
            )  # fmt: skip
            trading.answer.remaining = 0
            trading.end_taker(slot, account, trading.stop_reason, True)
        if price != old_price or is_gone:
            execution.level_delta(side, old_price)
        execution.level_deltas(other)
        if not is_gone:
            execution.level_delta(side, price)
        return True

    def _kind(self, slot: i64) -> i64:
        row = self.store.terms_of(slot)
        return 0 if row == NIL else self.store.terms.table.rows[(row << TERMS_SHIFT) + T_KIND]

    # --- an order that waits for its trigger --------------------------------------------------

    def _amend_parked(self, slot: i64, account: i64, price: i64, qty: i64, trigger: i64) -> None:
        trading = self.trading
        t = self.conditional.load(slot)
        reduction = price == t.price and qty < t.qty and trigger == 0
        if not self._check_mode(reduction):
            return
        if not self._check_parked(t, price, qty, trigger):
            return
        more_lots = qty - t.qty
        was = trading.risk.notional(t)
        moves = trigger != 0 and trigger != t.trigger
        t.price = price
        t.qty = qty
        if trigger != 0:
            t.trigger = trigger
        if not trading.check_bounds(t):
            return
        if trading.has_risk and not reduction:
            if not trading.risk.check_amend(t, more_lots, was):
                return
        elif trading.execution.is_strict and not t.by_quote():
            if not trading.risk.check_lots(qty):
                return
        if moves and not self.conditional.check_trigger(t):
            return
        hold = self.conditional.hold_for(t)
        trading.pays = trading.accounts.find(account, trading.execution.asset_paid(t.side))
        more = hold - self.conditional.held(slot)
        available = trading.accounts.available(trading.pays)
        if more > available:
            self.reject(INSUFFICIENT_FUNDS, available)
            return
        self.conditional.take_hold(slot, hold)
        self._write_parked(t, slot, moves)
        left: i64 = 0 if t.by_quote() else qty
        trading.events.order_amended(
            t.symbol, t.side, trading.answer.id, account, price, left, left, more,
            0 if moves else 1,
        )  # fmt: skip
        if moves:
            trading.tell_terms(t, trading.answer.id)
        trading.answer.remaining = left
        trading.answer.status = STATUS_NEW

    def _check_parked(self, t: Ticket, price: i64, qty: i64, trigger: i64) -> bool:
        if t.list_leg != 0:
            return self.reject(VALIDATION, AMEND_ORDER)
        if price < 0 or (price == 0) != (t.price == 0):
            return self.reject(VALIDATION, AMEND_PRICE)
        if trigger < 0 or trigger > PRICE_TICKS_MAX or (trigger != 0 and t.trigger == 0):
            return self.reject(VALIDATION, AMEND_TRIGGER)
        same_trigger = trigger == 0 or trigger == t.trigger
        if qty < 1 or (price == t.price and qty == t.qty and same_trigger):
            return self.reject(VALIDATION, AMEND_QTY)
        if t.display != 0 and self.trading.execution.is_strict and least_tip(qty) > t.display:
            return self.reject(VALIDATION, AMEND_QTY)
        return True

    def _write_parked(self, t: Ticket, slot: i64, moves: bool) -> None:
        terms = self.store.terms
        row = self.store.terms_of(slot)
        at = row << TERMS_SHIFT
        terms.table.rows[at + T_LIMIT] = t.price
        terms.table.rows[at + T_QTY] = t.qty
        terms.table.rows[at + T_TRIGGER] = t.trigger
        terms.table.touch(row)
        if self.store.notes:
            self.store.note(slot)
        if moves:
            self.trading.endings.unpark(slot)
            self.conditional.park(t, slot)
