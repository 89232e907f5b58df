"""The checks of an order that need neither the book nor money: mode, fields, bounds, room.

Why it exists: PLACE, PLACE_TERMS, the legs of a list, amended and pegged orders are all held to the
same bounds, and `core.trading`, which asks first, has enough to do with liquidity and funds. It
must not know what an order would trade, nor what it holds.
"""

from mypy_extensions import i64

from core.answer import Answer
from core.codes import (
    AUCTION, CANCEL_ONLY, DUPLICATE_ORDER_ID, FOK, GTC, IOC, LIMIT, LOT_SIZE, MARKET,
    MARKET_HALTED, MAX_NOTIONAL, MIN_NOTIONAL, MODE_AUCTION, MODE_CANCEL_ONLY, MODE_HARD_HALT,
    MODE_NORMAL, MODE_POST_ONLY, MODE_SOFT_HALT, OVERLOADED, PEGGED, POST_ONLY, PRICE_BAND, SELL,
    TOO_MANY_OPEN_ORDERS, VALIDATION,
)  # fmt: skip
from core.commands import C_HEAD, FLAG_BY_QUOTE, PLACE_PRICE, PLACE_QTY
from core.execution import Execution
from core.limits import OPEN_ORDERS_PER_ACCOUNT_DEFAULT, SLOT_BITS
from core.listing import (
    S_MAX_NOTIONAL, S_MAX_PRICE, S_MAX_QTY, S_MIN_NOTIONAL, S_MIN_PRICE, SYMBOL_WORDS, Listing,
)  # fmt: skip
from core.markets import M_TARGET, Markets
from core.open_orders import OpenOrders
from core.order_store import O_ID, ORDER_SHIFT, OrderStore
from core.risk import Risk
from core.table import NIL
from core.ticket import NOTHING_WRONG, Ticket


class OrderChecks:
    """What `core.trading` begins with. Each check is True, or False with a reject in the answer."""

    def __init__(
        self, listing: Listing, markets: Markets, answer: Answer, store: OrderStore,
        open_orders: OpenOrders, execution: Execution, risk: Risk,
    ) -> None:  # fmt: skip
        self.listing = listing
        self.markets = markets
        self.answer = answer
        self.store = store
        self.open_orders = open_orders
        self.open_orders_max: i64 = OPEN_ORDERS_PER_ACCOUNT_DEFAULT
        self.execution = execution
        self.risk = risk
        self.has_risk: bool = False
        """The machine version in force has rules."""

    def reject(self, code: i64, detail: i64) -> bool:
        return self.answer.reject(code, detail)

    def check(self, t: Ticket) -> bool:
        """All checks of PLACE and PLACE_TERMS but those of liquidity and funds."""
        self.execution.use(t.symbol)
        if not self.check_mode(t):
            return False
        if t.has_terms:
            wrong = t.wrong_word(self.answer.ts_ns)
            if wrong != NOTHING_WRONG:
                return self.reject(VALIDATION, wrong)
        elif not self._check_plain(t):
            return False
        if self.execution.mode == MODE_POST_ONLY and t.type == LIMIT and t.tif != AUCTION:
            t.tif = POST_ONLY
        if not self.check_bounds(t):
            return False
        if self.has_risk and not self.risk.check_order(t, 1):
            return False
        return self.check_account(t, 1)

    def check_mode(self, t: Ticket) -> bool:
        mode = self.execution.mode
        if mode == MODE_NORMAL:
            return True
        if mode == MODE_HARD_HALT or mode == MODE_SOFT_HALT:
            return self.reject(MARKET_HALTED, mode)
        if mode == MODE_CANCEL_ONLY:
            return self.reject(CANCEL_ONLY, mode)
        could_only_take = t.type == MARKET or t.tif == IOC or t.tif == FOK
        if could_only_take and not (t.has_terms and t.type > MARKET):
            return self.reject(MARKET_HALTED, mode)
        if mode != MODE_AUCTION:
            return True
        if self.is_uncrossing() or t.type == PEGGED or t.min_qty != 0:
            return self.reject(MARKET_HALTED, mode)
        return True

    def is_uncrossing(self) -> bool:
        """The symbol in use is at the end of a call, and not all of it has traded yet."""
        return self.markets.get(self.execution.symbol, M_TARGET) != 0

    def _check_plain(self, t: Ticket) -> bool:
        """The fields of PLACE, which knows only the first types and times in force."""
        flags = t.flags
        if t.side > SELL or t.type > MARKET or t.tif > POST_ONLY or flags > FLAG_BY_QUOTE:
            return self.reject(VALIDATION, C_HEAD)
        if t.type == MARKET:
            if t.tif == GTC or t.tif == POST_ONLY or (flags != 0 and t.tif == FOK):
                return self.reject(VALIDATION, C_HEAD)
            if t.price != 0:
                return self.reject(VALIDATION, PLACE_PRICE)
        else:
            if flags != 0:
                return self.reject(VALIDATION, C_HEAD)
            if t.price < 1:
                return self.reject(VALIDATION, PLACE_PRICE)
        if t.qty < 1:
            return self.reject(VALIDATION, PLACE_QTY)
        return True

    def check_bounds(self, t: Ticket) -> bool:
        """Price band, lot size and notional. No product before its factors are checked."""
        if t.by_quote():
            if not self.check_notional(t.qty):
                return False
        else:
            if t.price != 0 and not self.check_price(t.price):
                return False
            if not self.check_lots(t.qty):
                return False
            if t.is_limit_kind():
                if not self.check_notional(t.price * t.qty * self.execution.tick_value):
                    return False
        return t.trigger == 0 or self.check_price(t.trigger)

    def check_price(self, price: i64) -> bool:
        rows = self.listing.symbols.rows
        at = self.execution.symbol * SYMBOL_WORDS
        if price < rows[at + S_MIN_PRICE]:
            return self.reject(PRICE_BAND, rows[at + S_MIN_PRICE])
        if price > rows[at + S_MAX_PRICE]:
            return self.reject(PRICE_BAND, rows[at + S_MAX_PRICE])
        return True

    def check_lots(self, qty: i64) -> bool:
        most = self.listing.symbols.rows[self.execution.symbol * SYMBOL_WORDS + S_MAX_QTY]
        return qty <= most or self.reject(LOT_SIZE, most)

    def check_notional(self, notional: i64) -> bool:
        rows = self.listing.symbols.rows
        at = self.execution.symbol * SYMBOL_WORDS
        if notional < rows[at + S_MIN_NOTIONAL]:
            return self.reject(MIN_NOTIONAL, rows[at + S_MIN_NOTIONAL])
        if notional > rows[at + S_MAX_NOTIONAL]:
            return self.reject(MAX_NOTIONAL, rows[at + S_MAX_NOTIONAL])
        return True

    def check_account(self, t: Ticket, orders: i64) -> bool:
        """Room for so many open orders; `t` is one of them."""
        if orders > 1 or t.may_rest():
            open_now = self.open_orders.count_of(t.account)
            if open_now > self.open_orders_max - orders:
                return self.reject(TOO_MANY_OPEN_ORDERS, self.open_orders_max)
        has_room = self.store.has_room() if orders == 1 else self.store.has_room_for(orders)
        if not has_room:
            return self.reject(OVERLOADED, 1 << SLOT_BITS)
        return self.check_client(t)

    def check_client(self, t: Ticket) -> bool:
        """The client's own id stands on no open order of the account."""
        if t.client_hi != 0 or t.client_lo != 0:
            known = self.open_orders.find_client(t.client_hi, t.client_lo, t.account)
            if known != NIL:
                other = self.store.orders.rows[(known << ORDER_SHIFT) + O_ID]
                return self.reject(DUPLICATE_ORDER_ID, other)
        return True
