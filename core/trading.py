"""Orders: the checks of risk, the hold, and what becomes of an order.

Why it exists: this is where an order meets money. It follows `docs/machine.md` section by
section, in the order given there. It must not know batches, idempotency, the log or who asks: it
is given a command's words and leaves its answer in an `Answer`.

Each command checks everything before it changes anything: after the first change nothing can
fail but an assertion, and that is our bug.
"""

from mypy_extensions import i64

from core.accounts import AC_OPEN_ORDERS, ACCOUNT_WORDS, Accounts
from core.answer import Answer
from core.book import (
    L_PRICE, L_TOTAL, LEVEL_SHIFT, O_ACCOUNT, O_FILLED, O_ID, O_LEVEL, O_REMAINING, O_TERMS,
    ORDER_SHIFT, Book, OrderStore,
)  # fmt: skip
from core.codes import (
    BUY, CANCEL_ONLY, CANCELED_BY_USER, CANCELED_IOC_REMAINDER, CANCELED_MARKET_REMAINDER,
    DUPLICATE_ORDER_ID, FOK, FOK_UNFILLABLE, GTC, INSUFFICIENT_FUNDS, IOC, LIMIT, LOT_SIZE, MARKET,
    MARKET_HALTED, MAX_NOTIONAL, MIN_NOTIONAL, MODE_CANCEL_ONLY, MODE_HARD_HALT, MODE_NORMAL,
    MODE_POST_ONLY, MODE_SOFT_HALT, NO_LIQUIDITY, NOT_OWNER, OVERLOADED, POST_ONLY,
    POST_ONLY_WOULD_TRADE, PRICE_BAND, SELL, STATUS_CANCELED, STATUS_EXPIRED, STATUS_FILLED,
    STATUS_NEW, STATUS_PARTIALLY_FILLED, TOO_MANY_OPEN_ORDERS, UNKNOWN_ORDER, VALIDATION,
)  # fmt: skip
from core.commands import (
    AMEND_PRICE, AMEND_QTY, C_HEAD, FLAG_BY_QUOTE, PLACE_PRICE, PLACE_QTY,
)  # fmt: skip
from core.emit import EventWriter
from core.execution import Execution
from core.limits import OPEN_ORDERS_PER_ACCOUNT_DEFAULT, SLOT_BITS
from core.listing import (
    S_MAX_NOTIONAL, S_MAX_PRICE, S_MAX_QTY, S_MIN_NOTIONAL, S_MIN_PRICE, SYMBOL_WORDS, Listing,
)  # fmt: skip
from core.open_orders import OpenOrders
from core.table import NIL


class Trading:
    """PLACE, CANCEL and AMEND over one partition's books and balances."""

    def __init__(
        self, listing: Listing, accounts: Accounts, events: EventWriter, answer: Answer
    ) -> None:
        self.answer = answer
        self.listing = listing
        self.accounts = accounts
        self.events = events
        self.store = OrderStore()
        self.books: list[Book] = [Book(0, self.store)]
        self.open_orders = OpenOrders(accounts.accounts)
        self.open_orders_max: i64 = OPEN_ORDERS_PER_ACCOUNT_DEFAULT
        # The plan of the order being placed.
        self.pays: i64 = 0  # the row of the balance that pays
        self.hold: i64 = 0
        self.plan_lots: i64 = 0
        self.execution = Execution(
            listing, accounts, self.store, self.books, self.open_orders, events, answer
        )

    def reject(self, code: i64, detail: i64) -> bool:
        return self.answer.reject(code, detail)

    # --- PLACE --------------------------------------------------------------------------------

    def place(
        self, symbol: i64, terms: i64, account: i64, price: i64, qty: i64, client_hi: i64,
        client_lo: i64,
    ) -> None:  # fmt: skip
        """`terms`: side, type, time in force and flags, four bits each, as in word 0."""
        self.execution.use(symbol)
        side = terms & 0xF
        order_type = (terms >> 4) & 0xF
        tif = (terms >> 8) & 0xF
        by_quote = terms >> 12 != 0
        if not self._check_terms(side, order_type, tif, terms >> 12, price, qty):
            return
        if self.execution.mode == MODE_POST_ONLY:
            tif = POST_ONLY
        if not self._check_bounds(order_type, by_quote, price, qty):
            return
        if not self._check_account(order_type, tif, account, client_hi, client_lo):
            return
        if not self._plan(side, order_type, tif, by_quote, account, price, qty):
            return
        lots = self.plan_lots if by_quote else qty
        slot = self.store.allocate()
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        rows[at + O_ACCOUNT] = account
        rows[at + O_TERMS] = side | tif << 4 | self.pays << 8
        rows[at + O_REMAINING] = lots
        rows[at + O_FILLED] = 0
        self.answer.id = rows[at + O_ID]
        self.accounts.reserve(self.pays, self.hold)
        self.events.order_accepted(
            symbol, side, order_type | tif << 4, self.answer.id, account, price, lots,
            qty if by_quote else 0, self.hold, client_hi, client_lo,
        )  # fmt: skip
        self.execution.trade(slot, side, price, lots)
        left = self.answer.remaining
        level: i64 = NIL
        if left > 0 and (order_type == MARKET or tif == IOC):
            self._drop_remainder(slot, side, order_type, account, price, left)
        elif left > 0:
            level = self._rest_new(slot, side, account, price, client_hi, client_lo)
        else:
            self.answer.status = STATUS_FILLED
            self.store.release(slot)
        self.execution.level_deltas(SELL if side == BUY else BUY)
        if level != NIL:
            self.execution.delta_of(side, price, level)

    def _check_terms(
        self, side: i64, order_type: i64, tif: i64, flags: i64, price: i64, qty: i64
    ) -> bool:
        if self.execution.mode != MODE_NORMAL:
            if self.execution.mode == MODE_HARD_HALT or self.execution.mode == MODE_SOFT_HALT:
                return self.reject(MARKET_HALTED, self.execution.mode)
            if self.execution.mode == MODE_CANCEL_ONLY:
                return self.reject(CANCEL_ONLY, self.execution.mode)
            if order_type == MARKET or tif == IOC or tif == FOK:
                return self.reject(MARKET_HALTED, self.execution.mode)
        if side > SELL or order_type > MARKET or tif > POST_ONLY or flags > FLAG_BY_QUOTE:
            return self.reject(VALIDATION, C_HEAD)
        if order_type == MARKET:
            if tif == GTC or tif == POST_ONLY or (flags != 0 and tif == FOK):
                return self.reject(VALIDATION, C_HEAD)
            if price != 0:
                return self.reject(VALIDATION, PLACE_PRICE)
        else:
            if flags != 0:
                return self.reject(VALIDATION, C_HEAD)
            if price < 1:
                return self.reject(VALIDATION, PLACE_PRICE)
        if qty < 1:
            return self.reject(VALIDATION, PLACE_QTY)
        return True

    def _check_bounds(self, order_type: i64, by_quote: bool, price: i64, qty: i64) -> bool:
        """Price band, lot size and notional. No product before its factors are checked."""
        if by_quote:
            return self._check_notional(qty)
        if order_type == LIMIT and not self._check_price(price):
            return False
        if not self._check_lots(qty):
            return False
        if order_type == MARKET:
            return True
        return self._check_notional(price * qty * self.execution.tick_value)

    def _check_price(self, price: i64) -> bool:
        rows = self.listing.symbols.rows
        at = self.execution.symbol * SYMBOL_WORDS
        if price < rows[at + S_MIN_PRICE]:
            return self.reject(PRICE_BAND, rows[at + S_MIN_PRICE])
        if price > rows[at + S_MAX_PRICE]:
            return self.reject(PRICE_BAND, rows[at + S_MAX_PRICE])
        return True

    def _check_lots(self, qty: i64) -> bool:
        most = self.listing.symbols.rows[self.execution.symbol * SYMBOL_WORDS + S_MAX_QTY]
        return qty <= most or self.reject(LOT_SIZE, most)

    def _check_notional(self, notional: i64) -> bool:
        rows = self.listing.symbols.rows
        at = self.execution.symbol * SYMBOL_WORDS
        if notional < rows[at + S_MIN_NOTIONAL]:
            return self.reject(MIN_NOTIONAL, rows[at + S_MIN_NOTIONAL])
        if notional > rows[at + S_MAX_NOTIONAL]:
            return self.reject(MAX_NOTIONAL, rows[at + S_MAX_NOTIONAL])
        return True

    def _check_account(
        self, order_type: i64, tif: i64, account: i64, client_hi: i64, client_lo: i64
    ) -> bool:
        if order_type == LIMIT and (tif == GTC or tif == POST_ONLY):
            open_now = self.accounts.accounts.rows[account * ACCOUNT_WORDS + AC_OPEN_ORDERS]
            if open_now >= self.open_orders_max:
                return self.reject(TOO_MANY_OPEN_ORDERS, self.open_orders_max)
        if not self.store.has_room():
            return self.reject(OVERLOADED, 1 << SLOT_BITS)
        if client_hi != 0 or client_lo != 0:
            known = self.open_orders.find_client(client_hi, client_lo, account)
            if known != NIL:
                other = self.store.orders.rows[(known << ORDER_SHIFT) + O_ID]
                return self.reject(DUPLICATE_ORDER_ID, other)
        return True

    def _plan(
        self, side: i64, order_type: i64, tif: i64, by_quote: bool, account: i64, price: i64,
        qty: i64,
    ) -> bool:  # fmt: skip
        """Liquidity, then funds: what the order will hold, in `hold` (and `plan_lots`)."""
        book = self.books[self.execution.symbol]
        best = book.best(SELL if side == BUY else BUY)
        self.pays = self.accounts.find(account, self.execution.asset_paid(side))
        available = self.accounts.available(self.pays)
        if order_type == MARKET and best == 0:
            return self.reject(NO_LIQUIDITY, 0)
        if by_quote and qty < best * self.execution.tick_value:
            return self.reject(MIN_NOTIONAL, best * self.execution.tick_value)
        if tif == POST_ONLY and self._would_trade(side, price, best):
            return self.reject(POST_ONLY_WOULD_TRADE, best)
        if tif == FOK:
            there = book.fillable(side, price, qty)
            if there < qty:
                return self.reject(FOK_UNFILLABLE, there)
        if order_type == MARKET:
            affordable = self._plan_market(side, by_quote, qty, available)
        else:
            self.hold = self.execution.hold_of(side, price, qty)
            affordable = self.hold <= available
        return affordable or self.reject(INSUFFICIENT_FUNDS, available)

    def _would_trade(self, side: i64, price: i64, best: i64) -> bool:
        return best != 0 and (best <= price if side == BUY else best >= price)

    def _plan_market(self, side: i64, by_quote: bool, qty: i64, available: i64) -> bool:
        """Walk the other side as the match will; False if `available` does not cover it.

        Every product is bounded by a division first: a level may hold more than anyone has.
        """
        book = self.books[self.execution.symbol]
        ladder = book.asks if side == BUY else book.bids
        levels = self.store.levels.rows
        lots: i64 = 0
        spent: i64 = 0
        i = ladder.depth - 1
        while i >= 0 and (by_quote or lots < qty):
            at = ladder.levels[i] << LEVEL_SHIFT
            lot_cost = levels[at + L_PRICE] * self.execution.tick_value
            there = levels[at + L_TOTAL]
            if by_quote:
                take = min((qty - spent) // lot_cost, there)
            else:
                take = min(qty - lots, there)
            if side == BUY and take > (available - spent) // lot_cost:
                return False
            if by_quote or side == BUY:
                spent += take * lot_cost
            lots += take
            if take < there:
                break
            i -= 1
        self.plan_lots = lots
        if side == SELL:
            if lots > available // self.execution.lot_units:
                return False
            self.hold = lots * self.execution.lot_units
        else:
            self.hold = spent
        return True

    def _drop_remainder(
        self, slot: i64, side: i64, order_type: i64, account: i64, price: i64, left: i64
    ) -> None:
        released: i64 = 0
        reason: i64 = CANCELED_MARKET_REMAINDER
        if order_type == LIMIT:
            reason = CANCELED_IOC_REMAINDER
            released = self.execution.release_hold(slot, side, price, left)
        self.events.order_canceled(
            self.execution.symbol, side, reason, self.answer.id, account, left, released, price
        )
        self.answer.status = STATUS_EXPIRED
        self.answer.remaining = 0
        self.store.release(slot)

    def _rest_new(
        self, slot: i64, side: i64, account: i64, price: i64, client_hi: i64, client_lo: i64
    ) -> i64:
        """The level where it rests."""
        level = self.books[self.execution.symbol].rest(slot, side, price)
        self.open_orders.add(slot, account, client_hi, client_lo)
        self.answer.status = STATUS_PARTIALLY_FILLED if self.answer.filled > 0 else STATUS_NEW
        return level

    # --- CANCEL -------------------------------------------------------------------------------

    def _find_own(self, symbol: i64, account: i64, order_id: i64) -> i64:
        """The slot of the account's resting order, its symbol in use; NIL if rejected."""
        self.answer.id = order_id
        self.execution.symbol = symbol
        slot = self.store.find(order_id)
        if slot == NIL:
            self.reject(UNKNOWN_ORDER, 0)
            return NIL
        of_symbol = self.execution.symbol_of(slot)
        if symbol != 0 and of_symbol != symbol:
            self.reject(UNKNOWN_ORDER, 0)
            return NIL
        self.execution.use(of_symbol)
        if self.store.orders.rows[(slot << ORDER_SHIFT) + O_ACCOUNT] != account:
            self.reject(NOT_OWNER, 0)
            return NIL
        return slot

    def cancel(self, symbol: i64, account: i64, order_id: i64) -> None:
        slot = self._find_own(symbol, account, order_id)
        if slot == NIL:
            return
        if self.execution.mode == MODE_HARD_HALT:
            self.reject(MARKET_HALTED, self.execution.mode)
            return
        self.take_out(slot, account, CANCELED_BY_USER)

    def take_out(self, slot: i64, account: i64, reason: i64) -> None:
        """Cancel a resting order of the symbol in use. Nothing can refuse it any more."""
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        left = rows[at + O_REMAINING]
        self.answer.filled = rows[at + O_FILLED]
        self.answer.detail = left
        side = rows[at + O_TERMS] & 0xF
        level = rows[at + O_LEVEL]
        price = self.store.levels.rows[(level << LEVEL_SHIFT) + L_PRICE]
        released = self.execution.release_hold(slot, side, price, left)
        self.books[self.execution.symbol].unlink(slot)
        self.open_orders.remove(slot, account)
        self.store.release(slot)
        self.answer.status = STATUS_CANCELED
        self.events.order_canceled(
            self.execution.symbol, side, reason, rows[at + O_ID], account, left, released, price
        )
        self.execution.delta_of(side, price, level)

    # --- AMEND --------------------------------------------------------------------------------

    def amend(self, symbol: i64, account: i64, order_id: i64, price: i64, qty: i64) -> None:
        """`qty` is the new total, what is already filled included."""
        slot = self._find_own(symbol, account, order_id)
        if slot == NIL:
            return
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        level = rows[at + O_LEVEL] << LEVEL_SHIFT
        old_price = self.store.levels.rows[level + L_PRICE]
        filled = rows[at + O_FILLED]
        old_left = rows[at + O_REMAINING]
        reduction = price == old_price and qty < filled + old_left
        if not self._check_amend(price, qty, old_price, filled, old_left, reduction):
            return
        side = rows[at + O_TERMS] & 0xF
        left = qty - filled
        if reduction:
            released = self.execution.release_hold(slot, side, price, old_left - left)
            self.books[self.execution.symbol].reduce(slot, old_left - left)
            self.events.order_amended(
                self.execution.symbol, side, order_id, account, price, qty, left, -released, 1
            )
            self.execution.level_delta(side, price)
            self.answer.remaining = left
        elif not self._requeue(slot, account, price, qty, left, old_price, old_left):
            return
        if self.answer.remaining == 0:
            self.answer.status = STATUS_FILLED
        else:
            any_filled = filled + self.answer.filled > 0
            self.answer.status = STATUS_PARTIALLY_FILLED if any_filled else STATUS_NEW

    def _check_amend(
        self, price: i64, qty: i64, old_price: i64, filled: i64, old_left: i64, reduction: bool
    ) -> bool:
        if self.execution.mode == MODE_HARD_HALT or self.execution.mode == MODE_SOFT_HALT:
            return self.reject(MARKET_HALTED, self.execution.mode)
        if self.execution.mode == MODE_CANCEL_ONLY and not reduction:
            return self.reject(CANCEL_ONLY, self.execution.mode)
        if price < 1:
            return self.reject(VALIDATION, AMEND_PRICE)
        if qty < 1 or (price == old_price and qty == filled + old_left):
            return self.reject(VALIDATION, AMEND_QTY)
        if not self._check_price(price) or not self._check_lots(qty):
            return False
        if qty <= filled:
            return self.reject(VALIDATION, filled)
        return self._check_notional(price * qty * self.execution.tick_value)

    def _requeue(
        self, slot: i64, account: i64, price: i64, qty: i64, left: i64, old_price: i64,
        old_left: i64,
    ) -> bool:  # fmt: skip
        """Leave the level, match as a taker, rest again; False if it was refused."""
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        side = rows[at + O_TERMS] & 0xF
        other = SELL if side == BUY else BUY
        book = self.books[self.execution.symbol]
        if (rows[at + O_TERMS] >> 4) & 0xF == POST_ONLY or self.execution.mode == MODE_POST_ONLY:
            best = book.best(other)
            if self._would_trade(side, price, best):
                return self.reject(POST_ONLY_WOULD_TRADE, best)
        execution = self.execution
        more = execution.hold_of(side, price, left) - execution.hold_of(side, old_price, old_left)
        pays = rows[at + O_TERMS] >> 8
        available = self.accounts.available(pays)
        if more > available:
            return self.reject(INSUFFICIENT_FUNDS, available)
        book.unlink(slot)
        self.accounts.reserve(pays, more)
        rows[at + O_REMAINING] = left
        self.events.order_amended(
            execution.symbol, side, self.answer.id, account, price, qty, left, more, 0
        )
        self.execution.trade(slot, side, price, left)
        if self.answer.remaining > 0:
            book.rest(slot, side, price)
        else:
            self.open_orders.remove(slot, account)
            self.store.release(slot)
        if price != old_price or self.answer.remaining == 0:
            self.execution.level_delta(side, old_price)
        self.execution.level_deltas(other)
        if self.answer.remaining > 0:
            self.execution.level_delta(side, price)
        return True
