"""Pegged orders: they rest in the book and follow its best prices.

Why it exists: an order that is to stand one tick behind the best bid must move when the bid does,
at once and in a fixed order, without a message from its owner. It only ever rests: it is priced at
least one tick away from the other side, so that following never makes a trade, and ends.

A pegged order looks at the best price of orders that are not pegged themselves; else two of them
would chase each other. It must not know why the book has changed.
"""

from mypy_extensions import i64

from core.codes import (
    BUY, CANCELED_UNFUNDED, INSUFFICIENT_FUNDS, NO_LIQUIDITY, POST_ONLY_WOULD_TRADE, PRICE_BAND,
    SELL, STATUS_NEW, TOO_MANY_OPEN_ORDERS,
)  # fmt: skip
from core.commands import FLAG_PEG_OTHER
from core.limits import PEGGED_PER_SYMBOL_MAX
from core.listing import S_MAX_PRICE, S_MIN_PRICE, SYMBOL_WORDS
from core.markets import M_PEG_FIRST, M_PEGS
from core.order_store import O_FILLED, O_ID, O_LEVEL, O_OWNER, O_REMAINING, O_TERMS, ORDER_SHIFT
from core.table import NIL
from core.terms import ACCOUNT_MASK, T_KIND, T_LIMIT, T_NEXT, T_ORDER, T_PEG, TERMS_SHIFT
from core.ticket import Ticket
from core.trading import Trading


class Pegs:
    """All symbols' pegged orders."""

    def __init__(self, trading: Trading) -> None:
        self.trading = trading

    def place(self, t: Ticket) -> None:
        """A PEGGED order that `Trading.check` let through; its price is the cap, 0 for none."""
        trading = self.trading
        execution = trading.execution
        symbol = execution.symbol
        if trading.markets.get(symbol, M_PEGS) >= PEGGED_PER_SYMBOL_MAX:
            trading.reject(TOO_MANY_OPEN_ORDERS, PEGGED_PER_SYMBOL_MAX)
            return
        if self._reference(t.side, t.flags) == 0:
            trading.reject(NO_LIQUIDITY, 0)
            return
        price = self._price(t.side, t.flags, t.peg, t.price)
        if price == 0:
            self._reject(t)
            return
        if not trading.check_notional(price * t.qty * execution.tick_value):
            return
        hold = execution.hold_of(t.side, price, t.qty)
        trading.pays = trading.accounts.find(t.account, execution.asset_paid(t.side))
        available = trading.accounts.available(trading.pays)
        if hold > available:
            trading.reject(INSUFFICIENT_FUNDS, available)
            return
        cap = t.price
        t.price = price
        slot = trading.accept(t, t.qty, hold)
        terms = trading.store.terms
        row = trading.store.terms_of(slot)
        terms.table.rows[(row << TERMS_SHIFT) + T_LIMIT] = cap
        trading.markets.add_peg(symbol, row, terms)
        level = trading.books[symbol].rest(slot, t.side, price)
        trading.open_orders.add(slot, t.account, t.client_hi, t.client_lo)
        execution.delta_of(t.side, price, level)
        trading.answer.remaining = t.qty
        trading.answer.status = STATUS_NEW

    def _reject(self, t: Ticket) -> None:
        """There is no price for it: the other side leaves none or, from `VERSION_STRICT` on, the
        market's rules and its own cap."""
        trading = self.trading
        book = trading.books[trading.execution.symbol]
        best = book.best(SELL if t.side == BUY else BUY)
        if trading.execution.is_strict and not self._is_shut_by(t.side, best):
            risk = trading.risk
            trading.reject(PRICE_BAND, risk.low if t.side == BUY else risk.high)
            return
        trading.reject(POST_ONLY_WOULD_TRADE, best)

    def _is_shut_by(self, side: i64, best: i64) -> bool:
        """Between the other side's best price and the bounds that were found last is no price."""
        risk = self.trading.risk
        if side == BUY:
            return best != 0 and risk.on_step(BUY, best - 1) < risk.low
        return risk.on_step(SELL, best + 1) > risk.high

    def _reference(self, side: i64, flags: i64) -> i64:
        """The best price that is not pegged, of the own side or of the other; 0: none."""
        book = self.trading.books[self.trading.execution.symbol]
        if flags & FLAG_PEG_OTHER != 0:
            return book.best_unpegged(SELL if side == BUY else BUY)
        return book.best_unpegged(side)

    def _price(self, side: i64, flags: i64, offset: i64, cap: i64) -> i64:
        """Where the order belongs now; 0 if there is no such price."""
        reference = self._reference(side, flags)
        if reference == 0:
            return 0
        execution = self.trading.execution
        rows = self.trading.listing.symbols.rows
        at = execution.symbol * SYMBOL_WORDS
        lowest = rows[at + S_MIN_PRICE]
        highest = rows[at + S_MAX_PRICE]
        price = reference + offset
        book = self.trading.books[execution.symbol]
        if execution.is_strict:
            self.trading.risk.bounds(side, lowest, highest)
            return self._within_bounds(side, price, cap, book.best(SELL if side == BUY else BUY))
        if side == BUY:
            if cap != 0 and price > cap:
                price = cap
            price = min(max(price, lowest), highest)
            best = book.best(SELL)
            if best != 0 and price >= best:
                price = best - 1
            return price if price >= lowest else 0
        price = max(price, cap)
        price = min(max(price, lowest), highest)
        best = book.best(BUY)
        if price <= best:
            price = best + 1
        return price if price <= highest else 0

    def _within_bounds(self, side: i64, price: i64, cap: i64, best: i64) -> i64:
        """The price nearest to `price` that the bounds, the step, the cap and the other side's
        best allow, in this order; 0 if there is none."""
        risk = self.trading.risk
        if risk.low > risk.high:
            return 0
        if cap != 0 and (price > cap if side == BUY else price < cap):
            price = cap
        price = risk.on_step(side, min(max(price, risk.low), risk.high))
        if side == BUY:
            if best != 0 and price >= best:
                price = risk.on_step(BUY, best - 1)
            fits = price >= risk.low and (cap == 0 or price <= cap)
        else:
            if price <= best:
                price = risk.on_step(SELL, best + 1)
            fits = price <= risk.high and price >= cap
        return price if fits else 0

    def follow(self, symbol: i64) -> None:
        """Move every pegged order of the symbol in use to where it belongs, the oldest first."""
        row = self.trading.markets.get(symbol, M_PEG_FIRST) - 1
        while row != NIL:
            rows = self.trading.store.terms.table.rows
            at = row << TERMS_SHIFT
            following = rows[at + T_NEXT] - 1
            slot = self.trading.store.find(rows[at + T_ORDER])
            assert slot != NIL, "pegs: an order that follows is not there"
            side = self.trading.store.orders.rows[(slot << ORDER_SHIFT) + O_TERMS] & 0xF
            flags = (rows[at + T_KIND] >> 4) & 0xF
            price = self._price(side, flags, rows[at + T_PEG], rows[at + T_LIMIT])
            now = self.trading.store.price_of(slot)
            if price != 0 and price != now:
                self._move(slot, side, now, price)
            row = following

    def _move(self, slot: i64, side: i64, now: i64, price: i64) -> None:
        """To another level, at the tail; or out, if the account cannot pay for it."""
        trading = self.trading
        execution = trading.execution
        rows = trading.store.orders.rows
        at = slot << ORDER_SHIFT
        left = rows[at + O_REMAINING]
        more = execution.hold_of(side, price, left) - execution.hold_of(side, now, left)
        pays = rows[at + O_TERMS] >> 8
        if more > trading.accounts.available(pays):
            trading.endings.take_out(slot, CANCELED_UNFUNDED)
            return
        book = trading.books[execution.symbol]
        level = rows[at + O_LEVEL]
        book.unlink(slot)
        if more != 0:
            trading.accounts.reserve(pays, more)
        trading.events.order_amended(
            execution.symbol, side, rows[at + O_ID], rows[at + O_OWNER] & ACCOUNT_MASK, price,
            rows[at + O_FILLED] + left, left, more, 0,
        )  # fmt: skip
        execution.delta_of(side, now, level)
        level = book.rest(slot, side, price)
        execution.delta_of(side, price, level)
