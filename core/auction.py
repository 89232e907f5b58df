"""Call auctions: orders gather without trading, and then all trade at one price.

Why it exists: a market opens, closes and comes back from a halt best by letting everybody speak
first. While the call lasts the book may be crossed; the machine says after each command at which
price it would trade now. The price of the uncrossing is the one with, in this order: the greatest
volume, the least surplus, the side of the surplus (more to buy: the highest such price; more to
sell: the lowest), and then closest to the reference, the higher of two as close; without one, the
middle. It must not know who calls an auction, or why.

A call that ends by its time is extended where the price would lie too far from the last one.

An uncrossing may be thousands of trades, so it is worked off in parts: until it is over the symbol
stays in the call and takes no orders.
"""

from librt.vecs import append, vec
from mypy_extensions import i64

from core.book import Ladder
from core.codes import (
    BUY, CANCELED_AUCTION_OVER, CANCELED_TRIGGER_REJECTED, MODE_AUCTION, OK, SELL,
    TRIPPED_BY_AUCTION,
)  # fmt: skip
from core.limits import CANCELS_PER_COMMAND_MAX, TIME_NS_MAX, UNCROSS_TRADES_MAX
from core.listing import S_MODE, SYMBOL_WORDS
from core.markets import (
    M_AUCTION, M_CALL_END, M_CALL_FIRST, M_IND_PRICE, M_IND_SURPLUS, M_IND_VOLUME, M_LAST,
    M_TARGET, M_TRADED, M_UNCROSS, M_WINDOW_COUNT,
)  # fmt: skip
from core.order_store import (
    L_HIDDEN, L_TOTAL, LEVEL_SHIFT, O_ID, O_OWNER, O_REMAINING, O_TERMS, ORDER_SHIFT, OrderStore,
)  # fmt: skip
from core.risk import highest, lowest
from core.rules import U_CALL, U_MOVE, U_TICK_STEP
from core.table import NIL
from core.terms import ACCOUNT_MASK, RESTING, T_HOLD, T_LIMIT, T_ORDER, T_QTY, TERMS_SHIFT
from core.timers import CALLS
from core.trading import Trading


class Auction:
    """All symbols' calls."""

    def __init__(self, trading: Trading) -> None:
        self.trading = trading
        self.store: OrderStore = trading.store
        # The last reckoning.
        self.price: i64 = 0
        self.volume: i64 = 0
        self.surplus: i64 = 0  # lots more to buy (> 0) or to sell (< 0)
        self._lowest: i64 = 0
        self._highest: i64 = 0
        self._closest: i64 = 0
        self._closest_surplus: i64 = 0
        self._buy_side: bool = False
        self._sell_side: bool = False
        self._bids: vec[i64] = vec[i64]()
        self._asks: vec[i64] = vec[i64]()
        self.extends: bool = False
        """The machine version in force has extensions."""

    # --- the price ----------------------------------------------------------------------------

    def is_crossed(self, symbol: i64) -> bool:
        book = self.trading.books[symbol]
        bid = book.best(BUY)
        ask = book.best(SELL)
        return bid != 0 and ask != 0 and bid >= ask

    def reckon(self, symbol: i64) -> None:
        """Price, volume and surplus of an uncrossing now; zeros if nothing would trade."""
        self.price = 0
        self.volume = 0
        self.surplus = 0
        self._lowest = 0
        if not self.is_crossed(symbol):
            return
        book = self.trading.books[symbol]
        reference = self._reference(symbol)
        bid_at = book.bids.position(book.best(SELL))
        ask_at = book.asks.depth - 1
        buys = self._sum(book.bids, bid_at)
        sells: i64 = 0
        highest = book.best(BUY)
        while True:
            bid: i64 = book.bids.keys[bid_at] if bid_at < book.bids.depth else highest + 1
            ask: i64 = -book.asks.keys[ask_at] if ask_at >= 0 else highest + 1
            price = ask if ask < bid else bid
            if price > highest:
                break
            if ask == price:
                sells += self._lots(book.asks.levels[ask_at])
                ask_at -= 1
            self._consider(price, buys, sells, reference)
            if bid == price:
                buys -= self._lots(book.bids.levels[bid_at])
                bid_at += 1
        self.price = self._chosen(symbol, reference)

    def _reference(self, symbol: i64) -> i64:
        """What ties are decided by. Before `VERSION_STRICT` 0, no trade yet, was a price too."""
        if self.trading.execution.is_strict:
            return self.trading.risk.reference(symbol)
        return self.trading.markets.get(symbol, M_LAST)

    def _lots(self, level: i64) -> i64:
        at = level << LEVEL_SHIFT
        return self.store.levels.rows[at + L_TOTAL] + self.store.levels.rows[at + L_HIDDEN]

    def _sum(self, ladder: Ladder, at: i64) -> i64:
        """Lots of all levels from that place of the ladder up, to the best."""
        lots: i64 = 0
        while at < ladder.depth:
            lots += self._lots(ladder.levels[at])
            at += 1
        return lots

    def _consider(self, price: i64, buys: i64, sells: i64, reference: i64) -> None:
        """One price of the crossed range, in rising order."""
        volume = buys if buys < sells else sells
        surplus = buys - sells
        size = surplus if surplus > 0 else -surplus
        best_size = self.surplus if self.surplus > 0 else -self.surplus
        if volume < self.volume or (volume == self.volume and size > best_size):
            return
        if volume > self.volume or size < best_size or self._lowest == 0:
            self.volume = volume
            self.surplus = surplus
            self._lowest = price
            self._closest = price
            self._closest_surplus = surplus
            self._buy_side = False
            self._sell_side = False
        self._highest = price
        if surplus >= 0:
            self._buy_side = True
        if surplus <= 0:
            self._sell_side = True
        if _distance(price, reference) <= _distance(self._closest, reference):
            self._closest = price
            self._closest_surplus = surplus

    def _chosen(self, symbol: i64, reference: i64) -> i64:
        """Among prices of equal volume and surplus: by pressure, then by closeness."""
        if self._buy_side and not self._sell_side:
            return self._highest
        if self._sell_side and not self._buy_side:
            return self._lowest
        if reference == 0 and self.trading.execution.is_strict:
            return self._middle(symbol)
        self.surplus = self._closest_surplus
        return self._closest

    def _middle(self, symbol: i64) -> i64:
        """Between the prices that nothing else decides between: neither side is preferred.

        As much trades there as at each of them: no fewer lots are bid above it than at the highest,
        and none fewer offered below it than at the lowest.
        """
        price = (self._lowest + self._highest) // 2
        step = self.trading.risk.rules.get(symbol, U_TICK_STEP)
        if step > 1:
            price -= price % step
        if price < self._lowest:
            price = self._lowest
        book = self.trading.books[symbol]
        buys = self._sum(book.bids, book.bids.position(price))
        self.surplus = buys - self._sum(book.asks, book.asks.position(-price))
        return price

    # --- the call -----------------------------------------------------------------------------

    def begin(self, symbol: i64, until_ns: i64) -> None:
        """The symbol's mode is AUCTION from now on; it ends by itself at `until_ns`, 0: never."""
        trading = self.trading
        if self.extends:
            trading.risk.forget_window(symbol)
        trading.markets.watch(symbol, 1)
        trading.markets.set(symbol, M_CALL_END, until_ns)
        if until_ns != 0:
            trading.timers.add(until_ns, CALLS + symbol)
        trading.events.auction_called(symbol, until_ns)

    def extend(self, symbol: i64) -> bool:
        """The call's time is over: whether it goes on, because its price would be too far away.

        Too far is what trips the breaker, and once more as far with each extension, so that it
        ends: as the reopening auctions of the US Limit Up-Limit Down plan do it.
        """
        trading = self.trading
        markets = trading.markets
        move = trading.risk.rules.get(symbol, U_MOVE)
        call_ns = trading.risk.rules.get(symbol, U_CALL)
        now = trading.answer.ts_ns
        if not self.extends or move == 0 or call_ns == 0 or now > TIME_NS_MAX:
            return False
        reference = trading.risk.reference(symbol)
        if reference == 0 or markets.get(symbol, M_TARGET) != 0:
            return False
        self.reckon(symbol)
        extensions = markets.get(symbol, M_WINDOW_COUNT)
        most = move * (extensions + 1)
        if self.price == 0 or lowest(reference, most) <= self.price <= highest(reference, most):
            return False
        markets.set(symbol, M_WINDOW_COUNT, extensions + 1)
        markets.set(symbol, M_CALL_END, now + call_ns)
        trading.timers.add(now + call_ns, CALLS + symbol)
        trading.events.market_protected(
            symbol, TRIPPED_BY_AUCTION, MODE_AUCTION, self.price, reference
        )
        trading.events.auction_called(symbol, now + call_ns)
        return True

    def leave(self, symbol: i64) -> None:
        """The call is over, or interrupted by a halt."""
        trading = self.trading
        markets = trading.markets
        if self.extends:
            trading.risk.forget_window(symbol)
        markets.watch(symbol, -1)
        if markets.get(symbol, M_CALL_END) != 0:
            markets.set(symbol, M_CALL_END, 0)
            trading.timers.live -= 1
        self._forget(symbol)

    def indicate(self, symbol: i64) -> None:
        """Say what would trade, if that has changed."""
        self.reckon(symbol)
        markets = self.trading.markets
        if (
            self.price != markets.get(symbol, M_IND_PRICE)
            or self.volume != markets.get(symbol, M_IND_VOLUME)
            or self.surplus != markets.get(symbol, M_IND_SURPLUS)
        ):
            self._remember(symbol)
            self.trading.events.auction_indicated(symbol, self.price, self.volume, self.surplus)

    def _forget(self, symbol: i64) -> None:
        """Nothing is indicated any more."""
        self.price = 0
        self.volume = 0
        self.surplus = 0
        self._remember(symbol)

    def _remember(self, symbol: i64) -> None:
        markets = self.trading.markets
        markets.set(symbol, M_IND_PRICE, self.price)
        markets.set(symbol, M_IND_VOLUME, self.volume)
        markets.set(symbol, M_IND_SURPLUS, self.surplus)

    def enter(self, slot: i64) -> None:
        """An order that has waited for the auction joins the book."""
        trading = self.trading
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        side = rows[at + O_TERMS] & 0xF
        terms = self.store.terms.table
        terms_at = self.store.terms_of(slot) << TERMS_SHIFT
        symbol = trading.execution.symbol
        account = rows[at + O_OWNER] & ACCOUNT_MASK
        if trading.execution.is_strict and not trading.risk.may_trade(account, symbol):
            trading.events.order_triggered(
                symbol, side, trading.answer.code, rows[at + O_ID], account,
                trading.markets.get(symbol, M_LAST), 0, 0, RESTING,
            )  # fmt: skip
            trading.endings.take_out(slot, CANCELED_TRIGGER_REJECTED)
            trading.answer.code = OK
            return
        trading.endings.unpark(slot)
        terms.rows[terms_at + T_HOLD] = 0
        left = terms.rows[terms_at + T_QTY]
        price = terms.rows[terms_at + T_LIMIT]
        rows[at + O_REMAINING] = left
        trading.events.order_triggered(
            symbol, side, OK, rows[at + O_ID], account, trading.markets.get(symbol, M_LAST), 0,
            left, 0,
        )  # fmt: skip
        trading.hide(slot, left)
        trading.endings.join_call(slot, symbol)
        level = trading.books[symbol].rest(slot, side, price)
        trading.execution.delta_of(side, price, level)

    # --- the uncrossing -----------------------------------------------------------------------

    def end(self, symbol: i64, target: i64) -> None:
        """Uncross, and then go into the mode `target`; `go_on` does it in parts."""
        markets = self.trading.markets
        markets.set(symbol, M_TARGET, target + 1)
        markets.set(symbol, M_UNCROSS, 0)
        markets.set(symbol, M_TRADED, 0)

    def begin_uncrossing(self, symbol: i64, target: i64) -> None:
        """`end`, and its first part; what is left is the backlog's."""
        self.trading.execution.use(symbol)
        self.end(symbol, target)
        if not self.go_on(symbol):
            self.trading.markets.set_backlog(symbol, 1)

    def interrupt(self, symbol: i64) -> None:
        """The uncrossing does not go on: what has traded so far was the auction."""
        if self.trading.markets.get(symbol, M_TRADED) != 0:
            self._tell_end(symbol)

    def go_on(self, symbol: i64) -> bool:
        """One part of it, of the symbol in use; whether it is over, and the mode another."""
        markets = self.trading.markets
        # Whoever cancels between two parts may leave a book that is crossed at another price.
        while self.is_crossed(symbol):
            if markets.get(symbol, M_UNCROSS) == 0:
                self.reckon(symbol)
                markets.set(symbol, M_UNCROSS, self.price)
            if not self._trade(symbol, markets.get(symbol, M_UNCROSS)):
                return False
            if self.is_crossed(symbol):
                markets.set(symbol, M_UNCROSS, 0)
        if not self._sweep(symbol):
            return False
        execution = self.trading.execution
        rows = self.trading.listing.symbols.rows
        old_mode = rows[symbol * SYMBOL_WORDS + S_MODE]
        target = markets.get(symbol, M_TARGET) - 1
        self._tell_end(symbol)
        markets.set(symbol, M_TARGET, 0)
        if old_mode == MODE_AUCTION:
            self.leave(symbol)
        else:
            self._forget(symbol)
        rows[symbol * SYMBOL_WORDS + S_MODE] = target
        self.trading.events.symbol_mode_changed(symbol, target, old_mode)
        execution.use(symbol)
        return True

    def _tell_end(self, symbol: i64) -> None:
        """The market sees the price at which the auction has traded, if it has."""
        markets = self.trading.markets
        traded = markets.get(symbol, M_TRADED)
        price: i64 = markets.get(symbol, M_UNCROSS) if traded != 0 else 0
        if traded != 0:
            markets.see(symbol, price)
            markets.set(symbol, M_AUCTION, price)
            self.trading.trailing.follow(symbol, price)
        self.trading.events.auction_ended(symbol, price, traded)

    def _trade(self, symbol: i64, price: i64) -> bool:
        """Trades at `price`, best and oldest first on both sides; False if some are left."""
        trading = self.trading
        book = trading.books[symbol]
        store = self.store
        self._bids = vec[i64]()
        self._asks = vec[i64]()
        trades: i64 = 0
        while True:
            buyer = book.head(BUY)
            seller = book.head(SELL)
            if buyer == NIL or seller == NIL:
                break
            bid = store.price_of(buyer)
            ask = store.price_of(seller)
            if bid < price or ask > price:
                break
            if trades == UNCROSS_TRADES_MAX:
                self._tell_levels(symbol)
                return False
            lots = store.orders.rows[(buyer << ORDER_SHIFT) + O_REMAINING]
            offered = store.orders.rows[(seller << ORDER_SHIFT) + O_REMAINING]
            lots = lots if lots < offered else offered
            store.fill_count = 0
            book.match(SELL, bid, lots)
            book.match(BUY, ask, lots)
            trading.execution.settle_auction(price, bid)
            if trading.has_risk:
                quote = price * lots * trading.execution.tick_value
                trading.risk.note_trade(store.account_of(buyer), symbol, quote)
                trading.risk.note_trade(store.account_of(seller), symbol, quote)
            self._bids = _with(self._bids, bid)
            self._asks = _with(self._asks, ask)
            trading.endings.after_fills()
            trading.markets.set(symbol, M_TRADED, trading.markets.get(symbol, M_TRADED) + lots)
            trades += 1
        self._tell_levels(symbol)
        return True

    def _tell_levels(self, symbol: i64) -> None:
        i: i64 = 0
        while i < i64(len(self._bids)):
            self.trading.execution.level_delta(BUY, self._bids[i])
            i += 1
        i = 0
        while i < i64(len(self._asks)):
            self.trading.execution.level_delta(SELL, self._asks[i])
            i += 1

    def _sweep(self, symbol: i64) -> bool:
        """Orders for the auction only end, the oldest first; False if some are left."""
        markets = self.trading.markets
        taken: i64 = 0
        while markets.get(symbol, M_CALL_FIRST) != 0:
            if taken == CANCELS_PER_COMMAND_MAX:
                return False
            row = markets.get(symbol, M_CALL_FIRST) - 1
            slot = self.store.find(self.store.terms.table.rows[(row << TERMS_SHIFT) + T_ORDER])
            assert slot != NIL, "auction: an order of the call is not there"
            self.trading.endings.take_out(slot, CANCELED_AUCTION_OVER)
            taken += 1
        return True


def _distance(price: i64, reference: i64) -> i64:
    return price - reference if price > reference else reference - price


def _with(prices: vec[i64], price: i64) -> vec[i64]:
    """The prices, and this one if it is not the last of them."""
    count: i64 = len(prices)
    if count > 0 and prices[count - 1] == price:
        return prices
    return append(prices, price)
