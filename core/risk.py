"""Risk and market protection: whether an order may be placed, and how far it may trade.

Why it exists: a typing error, a program that runs wild and a market that falls into a hole are
stopped by the same machine that trades, with the state that trading sees. It must not know how an
order is matched; it is asked before, told after, and says when a market must be protected.

- **Bands** keep an order's limit near the reference, for each side apart.
- **Collars** keep a trade near the last one, and near the last auction. An order that would trade
  beyond its collar stops there.
- The **breaker** trips when too many orders were stopped, or the price moved too far, within a
  window of log time; `core.cascade` then changes the mode.
"""

from mypy_extensions import i64

from core.account_rows import B_AVAILABLE, B_HOLD, BALANCE_WORDS
from core.accounts import Accounts
from core.amounts import sum_of
from core.answer import Answer
from core.codes import (
    AUCTION, BUY, CANCEL_ONLY, LOT_SIZE, MARKET_HALTED, MAX_NOTIONAL, MODE_AUCTION, PRICE_BAND,
    SELL, TICK_SIZE, TOO_MANY_OPEN_ORDERS, TOO_MANY_REQUESTS, TRIPPED_BY_COUNT, TRIPPED_BY_MOVE,
)  # fmt: skip
from core.execution import Execution
from core.exposure import Exposure
from core.limits import AMOUNT_MAX, DAY_NS, PRICE_TICKS_MAX
from core.markets import (
    M_AUCTION, M_LAST, M_TRIPPED, M_WINDOW_COUNT, M_WINDOW_PRICE, M_WINDOW_START, Markets,
)  # fmt: skip
from core.open_orders import OpenOrders
from core.order_store import F_PRICE, F_QTY, F_SLOT, FILL_WORDS, OrderStore
from core.profiles import ACTIVE, FROZEN, Profiles
from core.rules import (
    D_DAY, D_KILLED, D_NEXT_NS, D_TRADED, DESK_WORDS, U_BURST, U_BUY_DOWN, U_BUY_UP, U_COUNT,
    U_DAILY, U_DYNAMIC, U_LOT_STEP, U_MIN_QTY, U_MOVE, U_OPEN, U_PARKED, U_POSITION, U_RATE,
    U_REFERENCE, U_SELL_DOWN, U_SELL_UP, U_STATIC, U_TICK_STEP, U_WINDOW, Rules,
)  # fmt: skip
from core.table import NIL
from core.ticket import Ticket

BPS: i64 = 10_000
SECOND_NS: i64 = 1_000_000_000
TIME_END: i64 = (1 << 63) - 1
"""The last log time that there can be."""
OUT_OF_REACH_BELOW: i64 = -1
OUT_OF_REACH_ABOVE: i64 = 4 * PRICE_TICKS_MAX
"""Bounds for a buyer and a seller at which nobody offers or bids."""


class Risk:
    """Reads the rules, keeps what they need, and answers."""

    def __init__(
        self, rules: Rules, profiles: Profiles, accounts: Accounts, markets: Markets,
        execution: Execution, open_orders: OpenOrders, answer: Answer,
    ) -> None:  # fmt: skip
        self.rules = rules
        self.profiles = profiles
        self.accounts = accounts
        self.markets = markets
        self.execution = execution
        self.store: OrderStore = execution.store
        self.answer = answer
        self.exposure = Exposure(self.store, open_orders, execution.listing)
        # What the legs before it in its list ask for; see `begin_list`.
        self._legs: i64 = 0
        self._waiting: i64 = 0  # those of them that will wait outside of the book
        self._lots: i64 = 0
        self._quote: i64 = 0
        # Between these an order may stand; see `bounds`.
        self.low: i64 = 0
        self.high: i64 = 0

    # --- who asks -----------------------------------------------------------------------------

    def may_act(self, account: i64) -> bool:
        """A frozen account may do nothing."""
        if self.profiles.restricted == 0 or self.profiles.state(account) != FROZEN:
            return True
        return self.answer.reject(MARKET_HALTED, FROZEN)

    def may_trade(self, account: i64, symbol: i64) -> bool:
        """Not one that may only cancel, everywhere or here."""
        if self.profiles.restricted != 0:
            state = self.profiles.state(account)
            if state != ACTIVE:
                return self.answer.reject(CANCEL_ONLY, state)
        row = self.rules.desk(account, symbol)
        if row != NIL and self.rules.desks.rows[row * DESK_WORDS + D_KILLED] != 0:
            return self.answer.reject(CANCEL_ONLY, 0)
        return True

    def may_place(self, account: i64, symbol: i64) -> bool:
        """Placing and amending also need to be within the rate."""
        if self.profiles.restricted == 0 and self.rules.is_free(symbol):
            return True
        if not self.may_trade(account, symbol):
            return False
        row = self.rules.desk(account, symbol)
        rate = self.rules.limit(row, symbol, U_RATE)
        return rate == 0 or self._take_token(account, symbol, row, rate)

    def _take_token(self, account: i64, symbol: i64, row: i64, rate: i64) -> bool:
        """The generic cell rate algorithm (ITU-T I.371): a bucket in one number."""
        gap = SECOND_NS // rate
        burst = self.rules.limit(row, symbol, U_BURST)
        row = self.rules.ensure_desk(account, symbol)
        at = row * DESK_WORDS + D_NEXT_NS
        now = self.answer.ts_ns
        next_ns = self.rules.desks.rows[at]
        if next_ns < now:
            next_ns = now
        if next_ns - now > (burst - 1 if burst > 0 else 0) * gap:
            return self.answer.reject(TOO_MANY_REQUESTS, rate)
        self.rules.desks.rows[at] = next_ns + gap if next_ns <= TIME_END - gap else TIME_END
        self.rules.desks.touch(row)
        return True

    # --- what is asked for --------------------------------------------------------------------

    def reference(self, symbol: i64) -> i64:
        """The last trade's price, else the last auction's, else the one that was set; 0: none."""
        last = self.markets.get(symbol, M_LAST)
        return last if last != 0 else self._static(symbol)

    def _static(self, symbol: i64) -> i64:
        auction = self.markets.get(symbol, M_AUCTION)
        return auction if auction != 0 else self.rules.get(symbol, U_REFERENCE)

    def check_price(self, side: i64, price: i64) -> bool:
        """A limit price: its step, and its band."""
        symbol = self.execution.symbol
        step = self.rules.get(symbol, U_TICK_STEP)
        if step > 1 and price % step != 0:
            return self.answer.reject(TICK_SIZE, step)
        reference = self.reference(symbol)
        if reference == 0:
            return True
        above = self.rules.get(symbol, U_BUY_UP if side == BUY else U_SELL_UP)
        below = self.rules.get(symbol, U_BUY_DOWN if side == BUY else U_SELL_DOWN)
        if above != 0 and price > highest(reference, above):
            return self.answer.reject(PRICE_BAND, highest(reference, above))
        if below != 0 and price < lowest(reference, below):
            return self.answer.reject(PRICE_BAND, lowest(reference, below))
        return True

    def check_lots(self, lots: i64) -> bool:
        symbol = self.execution.symbol
        least = self.rules.get(symbol, U_MIN_QTY)
        if lots < least:
            return self.answer.reject(LOT_SIZE, least)
        step = self.rules.get(symbol, U_LOT_STEP)
        return step <= 1 or lots % step == 0 or self.answer.reject(LOT_SIZE, step)

    def _check_terms(self, t: Ticket) -> bool:
        """Price and lots, of an order that has them."""
        if t.by_quote():
            return True
        if t.price != 0 and not self.check_price(t.side, t.price):
            return False
        return self.check_lots(t.qty)

    def on_step(self, side: i64, price: i64) -> i64:
        """The next price on the market's step, away from the other side."""
        step = self.rules.get(self.execution.symbol, U_TICK_STEP)
        if step <= 1:
            return price
        return price // step * step if side == BUY else (price + step - 1) // step * step

    def bounds(self, side: i64, least: i64, most: i64) -> None:
        """`low` and `high`: from where to where an order of that side may stand, on the step,
        within `least` and `most`, its band and its collar. No price is there if `low > high`."""
        symbol = self.execution.symbol
        self.low = least
        self.high = most
        reference = self.reference(symbol)
        above = self.rules.get(symbol, U_BUY_UP if side == BUY else U_SELL_UP)
        below = self.rules.get(symbol, U_BUY_DOWN if side == BUY else U_SELL_DOWN)
        if reference != 0 and above != 0:
            self.high = min(self.high, highest(reference, above))
        if reference != 0 and below != 0:
            self.low = max(self.low, lowest(reference, below))
        edge = self.edge(side, 0)
        if edge != 0 and side == BUY:
            self.high = min(self.high, edge)
        elif edge != 0:
            self.low = max(self.low, edge)
        self.low = self.on_step(SELL, self.low)
        self.high = self.on_step(BUY, self.high)

    def begin_list(self) -> None:
        """The next orders to be checked are legs of one list, which counts as a whole."""
        self._legs = 0
        self._waiting = 0
        self._lots = 0
        self._quote = 0

    def check_order(self, t: Ticket, orders: i64) -> bool:
        """A new order: price and lots, then the account's limits here; it is one of `orders`."""
        if self.rules.is_free(t.symbol):
            return True
        if not self._check_terms(t):
            return False
        if orders == 1 or not self.execution.is_strict:
            self.begin_list()
        if not self._check_desk(t, orders):
            return False
        self._waiting += 1 if self._parks(t) else 0
        self._legs += 1
        self._lots += t.qty if t.side == BUY and not t.by_quote() else 0
        self._quote = sum_of(self._quote, self.notional(t))
        return True

    def _check_desk(self, t: Ticket, orders: i64) -> bool:
        """The account's limits in the market."""
        symbol = t.symbol
        row = self.rules.desk(t.account, symbol)
        open_max = self.rules.limit(row, symbol, U_OPEN)
        parked_max = self.rules.limit(row, symbol, U_PARKED)
        position = self.rules.limit(row, symbol, U_POSITION)
        if open_max != 0 or parked_max != 0 or position != 0:
            self.exposure.count(t.account, symbol)
            if open_max != 0 and t.may_rest() and self.exposure.open > open_max - orders:
                return self.answer.reject(TOO_MANY_OPEN_ORDERS, open_max)
            parked = self.exposure.parked + self._waiting
            if parked_max != 0 and self._parks(t) and parked >= parked_max:
                return self.answer.reject(TOO_MANY_OPEN_ORDERS, parked_max)
            if position != 0 and t.side == BUY:
                lots = self._lots + (0 if t.by_quote() else t.qty)
                if not self._check_position(t.account, lots, position):
                    return False
        daily = self.rules.limit(row, symbol, U_DAILY)
        if daily == 0:
            return True
        wanted = sum_of(self._quote, self.notional(t))
        return self._check_daily(self._left_today(t, row, daily, 0), wanted)

    def _parks(self, t: Ticket) -> bool:
        """It will wait outside of the book: for a trigger or, which counts from `VERSION_STRICT`
        on, for an auction or as a later leg of its list."""
        if t.is_conditional() or not self.execution.is_strict:
            return t.is_conditional()
        return self._legs > 0 or (t.tif == AUCTION and self.execution.mode != MODE_AUCTION)

    def _check_position(self, account: i64, wanted: i64, most: i64) -> bool:
        """What it owns and is about to buy; an order by quote amount counts when it has bought,
        from `VERSION_STRICT` on when it is about to."""
        owned: i64 = 0
        row = self.accounts.find(account, self.execution.base)
        if row != NIL:
            at = row * BALANCE_WORDS
            rows = self.accounts.balances.rows
            owned = (rows[at + B_AVAILABLE] + rows[at + B_HOLD]) // self.execution.lot_units
        free = most - sum_of(owned, self.exposure.buying)
        if free <= 0 or wanted > free:
            return self.answer.reject(LOT_SIZE, free if free > 0 else 0)
        return True

    def check_amend(self, t: Ticket, more: i64, was: i64) -> bool:
        """An amended order, as it would be placed now, for `more` lots than it is (or fewer);
        `was`: the quote units that it counts for so far."""
        if not self._check_terms(t):
            return False
        symbol = t.symbol
        row = self.rules.desk(t.account, symbol)
        position = self.rules.limit(row, symbol, U_POSITION)
        if position != 0 and t.side == BUY and more > 0:
            self.exposure.count(t.account, symbol)
            if not self._check_position(t.account, 0 if t.by_quote() else more, position):
                return False
        daily = self.rules.limit(row, symbol, U_DAILY)
        if daily == 0:
            return True
        wanted = self.notional(t)
        if self.execution.is_strict:
            if wanted <= was:
                return True
            wanted -= was
        return self._check_daily(self._left_today(t, row, daily, 0), wanted)

    def check_plan(self, t: Ticket, lots: i64, spent: i64, is_open: bool) -> bool:
        """A market order that is about to trade so many lots and quote units; `is_open`: it was
        placed before, and what it named then is counted among the open orders."""
        symbol = t.symbol
        if self.rules.is_free(symbol):
            return True
        row = self.rules.desk(t.account, symbol)
        position = self.rules.limit(row, symbol, U_POSITION)
        if position != 0 and t.side == BUY and t.by_quote():
            self.exposure.count(t.account, symbol)
            if not self._check_position(t.account, lots, position):
                return False
        daily = self.rules.limit(row, symbol, U_DAILY)
        if daily == 0:
            return True
        own = self.notional(t) if is_open else 0
        return self._check_daily(self._left_today(t, row, daily, own), spent)

    def notional(self, t: Ticket) -> i64:
        """Quote units that the order names: its amount, or its lots at its price, 0 for none."""
        if t.by_quote():
            return t.qty
        return t.price * t.qty * self.execution.tick_value

    def _left_today(self, t: Ticket, row: i64, daily: i64, own: i64) -> i64:
        """What the account may still trade here beside, from `VERSION_STRICT` on, what it has
        open; `own` quote units of that are of the order in hand."""
        used: i64 = 0
        if row != NIL and self.rules.desks.rows[row * DESK_WORDS + D_DAY] == self._day():
            used = self.rules.desks.rows[row * DESK_WORDS + D_TRADED]
        if self.execution.is_strict:
            self.exposure.count(t.account, t.symbol)
            others = self.exposure.notional
            used = sum_of(used, others - own if others < AMOUNT_MAX else others)
        return daily - used if daily > used else 0

    def _check_daily(self, left: i64, wanted: i64) -> bool:
        if left == 0 or wanted > left:
            return self.answer.reject(MAX_NOTIONAL, left)
        return True

    def _day(self) -> i64:
        return self.answer.ts_ns // DAY_NS

    def note_fills(self, taker: i64, symbol: i64, before: i64) -> None:
        """The last match traded; `before`: the market's last price until then."""
        fills = self.store.fills
        end = self.store.fill_count * FILL_WORDS
        if self.rules.get(symbol, U_DAILY) != 0 or self.rules.desks.count > 0:
            at: i64 = 0
            while at < end:
                quote = fills[at + F_PRICE] * fills[at + F_QTY] * self.execution.tick_value
                self.note_trade(self.store.account_of(fills[at + F_SLOT]), symbol, quote)
                self.note_trade(taker, symbol, quote)
                at += FILL_WORDS
        self.has_traded(symbol, before)

    def note_trade(self, account: i64, symbol: i64, quote: i64) -> None:
        """Remembered where a day's notional is limited."""
        if self.rules.limit(self.rules.desk(account, symbol), symbol, U_DAILY) == 0:
            return
        row = self.rules.ensure_desk(account, symbol)
        at = row * DESK_WORDS
        rows = self.rules.desks.rows
        if rows[at + D_DAY] != self._day():
            rows[at + D_DAY] = self._day()
            rows[at + D_TRADED] = 0
        rows[at + D_TRADED] = sum_of(rows[at + D_TRADED], quote)
        self.rules.desks.touch(row)

    # --- how far it may trade -----------------------------------------------------------------

    def collar(self, side: i64, price: i64) -> i64:
        """The worst price at which a taker with this limit (0: any) may trade; 0: any.

        From `VERSION_STRICT` on a trade may not be too good to be true either: where the other
        side's best price lies beyond the collar's far edge, the bound is one that nothing reaches.
        """
        if self.rules.is_free(self.execution.symbol):
            return price
        if self.execution.is_strict and self._is_beyond(side):
            return OUT_OF_REACH_BELOW if side == BUY else OUT_OF_REACH_ABOVE
        return self.edge(side, price)

    def edge(self, side: i64, price: i64) -> i64:
        """The same, whatever the best price is."""
        symbol = self.execution.symbol
        bound = price
        static = self.rules.get(symbol, U_STATIC)
        if static != 0:
            bound = self._tighter(side, bound, self._static(symbol), static)
        dynamic = self.rules.get(symbol, U_DYNAMIC)
        if dynamic != 0:
            bound = self._tighter(side, bound, self.reference(symbol), dynamic)
        return bound

    def _is_beyond(self, side: i64) -> bool:
        """The best price for a taker of that side lies where no trade may be."""
        other: i64 = SELL if side == BUY else BUY
        best = self.execution.books[self.execution.symbol].best(other)
        far = self.edge(other, 0)
        return best != 0 and far != 0 and (best < far if side == BUY else best > far)

    def _tighter(self, side: i64, bound: i64, reference: i64, bps: i64) -> i64:
        if reference == 0:
            return bound
        edge = highest(reference, bps) if side == BUY else lowest(reference, bps)
        if bound == 0:
            return edge
        if side == BUY:
            return edge if edge < bound else bound
        return edge if edge > bound else bound

    # --- the breaker --------------------------------------------------------------------------

    def was_stopped(self, symbol: i64) -> None:
        """A collar has stopped an order."""
        most = self.rules.get(symbol, U_COUNT)
        if most == 0:
            return
        begin = self.markets.get(symbol, M_LAST)
        self._look_at_window(symbol, self._begin(symbol, begin, begin))
        count = self.markets.get(symbol, M_WINDOW_COUNT) + 1
        self.markets.set(symbol, M_WINDOW_COUNT, count)
        if count >= most:
            self._trip(symbol, TRIPPED_BY_COUNT)

    def has_traded(self, symbol: i64, before: i64) -> None:
        """The market has a new last price; `before`: the one that it had."""
        most = self.rules.get(symbol, U_MOVE)
        if most == 0:
            return
        last = self.markets.get(symbol, M_LAST)
        before = self._begin(symbol, before, last)
        self._look_at_window(symbol, before)
        begin = self.markets.get(symbol, M_WINDOW_PRICE)
        if begin == 0 and self.execution.is_strict:  # it began when there was no price at all
            begin = before
            self.markets.set(symbol, M_WINDOW_PRICE, begin)
        if last > highest(begin, most) or last < lowest(begin, most):
            self._trip(symbol, TRIPPED_BY_MOVE)

    def _begin(self, symbol: i64, before: i64, last: i64) -> i64:
        """Where a window begins: the price before, from `VERSION_STRICT` on in its place the
        reference, and only where there is none either the last price."""
        if before == 0 and self.execution.is_strict:
            before = self._static(symbol)
        return before if before != 0 else last

    def _look_at_window(self, symbol: i64, price: i64) -> None:
        """A window that is over gives way to a new one, which begins at `price`."""
        start = self.markets.get(symbol, M_WINDOW_START)
        now = self.answer.ts_ns
        if start == 0 or now - start >= self.rules.get(symbol, U_WINDOW):
            self.markets.set(symbol, M_WINDOW_START, now)
            self.markets.set(symbol, M_WINDOW_PRICE, price)
            self.markets.set(symbol, M_WINDOW_COUNT, 0)

    def _trip(self, symbol: i64, cause: i64) -> None:
        """Once; the cascade acts on it."""
        if self.markets.get(symbol, M_TRIPPED) == 0:
            self.markets.set(symbol, M_TRIPPED, cause)
            self.markets.note_due(symbol)

    def forget_window(self, symbol: i64) -> None:
        """The market has been protected: what comes next is looked at afresh."""
        self.markets.set(symbol, M_TRIPPED, 0)
        self.markets.set(symbol, M_WINDOW_START, 0)
        self.markets.set(symbol, M_WINDOW_COUNT, 0)


def highest(reference: i64, bps: i64) -> i64:
    """`floor(reference * (1 + bps / 10**4))`; at most twice the highest price."""
    price = reference + reference * bps // BPS
    return price if price < 2 * PRICE_TICKS_MAX else 2 * PRICE_TICKS_MAX


def lowest(reference: i64, bps: i64) -> i64:
    """`ceil(reference * (1 - bps / 10**4))`, at least 1."""
    price = reference - reference * bps // BPS
    return price if price > 1 else 1
