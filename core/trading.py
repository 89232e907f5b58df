"""Orders that trade or rest at once: the checks of risk, the hold, and what becomes of an order.

Why it exists: this is where an order meets money. It follows `docs/machine.md` section by
section, in the order given there. It must not know batches, idempotency, the log or who asks: it
is given a ticket and leaves its answer in an `Answer`. Orders that wait for a trigger, a list or
the best price are parked by their own modules, and come here when their time has come.

Each command checks everything before it changes anything: after the first change nothing can
fail but an assertion, and that is our bug.
"""

from mypy_extensions import i64

from core.accounts import Accounts
from core.amounts import product_of, sum_of
from core.answer import Answer
from core.book import Book
from core.codes import (
    AUCTION, BUY, CANCELED_COLLAR, CANCELED_IOC_REMAINDER, CANCELED_MARKET_REMAINDER,
    CANCELED_SELF_TRADE, FOK, FOK_UNFILLABLE, INSUFFICIENT_FUNDS, IOC, LIMIT, MARKET,
    MAX_NOTIONAL, MIN_NOTIONAL, MODE_AUCTION, NO_LIQUIDITY, POST_ONLY, POST_ONLY_WOULD_TRADE,
    SELF_TRADE, SELL, STATUS_EXPIRED, STATUS_FILLED, STATUS_NEW, STATUS_PARTIALLY_FILLED, STP_NONE,
)  # fmt: skip
from core.commands import FLAG_SLIDE
from core.emit import EventWriter
from core.endings import FILLED, Endings
from core.execution import Execution
from core.listing import S_MAX_NOTIONAL, SYMBOL_WORDS, Listing
from core.markets import M_LAST, Markets
from core.open_orders import OpenOrders
from core.order_checks import OrderChecks
from core.order_store import (
    F_PRICE, FILL_WORDS, L_HIDDEN, L_PRICE, L_TOTAL, LEVEL_SHIFT, O_FILLED, O_ID, O_OWNER,
    O_REMAINING, O_TERMS, ORDER_SHIFT, OrderStore,
)  # fmt: skip
from core.profiles import Profiles
from core.risk import Risk
from core.rules import Rules
from core.self_trade import SelfTrade
from core.table import NIL
from core.terms import (
    OWNER_BITS, T_DISPLAY, T_EXPIRE, T_HIDDEN, T_KIND, T_LIMIT, T_LIST, T_MIN_QTY, T_PEG, T_QTY,
    T_TRAIL, T_TRIGGER, TERMS_SHIFT,
)  # fmt: skip
from core.ticket import Ticket
from core.timers import Timers
from core.trailing import Trailing


class Trading(OrderChecks):
    """Checks, plans and carries out orders over one partition's books and balances."""

    def __init__(
        self, listing: Listing, accounts: Accounts, profiles: Profiles, rules: Rules,
        markets: Markets, events: EventWriter, answer: Answer, open_orders: OpenOrders,
    ) -> None:  # fmt: skip
        store = OrderStore()
        books = [Book(0, store)]
        execution = Execution(
            listing, accounts, store, books, open_orders, markets, events, answer
        )  # fmt: skip
        risk = Risk(rules, profiles, accounts, markets, execution, open_orders, answer)
        super().__init__(listing, markets, answer, store, open_orders, execution, risk)
        self.accounts = accounts
        self.events = events
        self.books: list[Book] = books
        self.timers = Timers(store, markets)
        self.endings = Endings(execution, self.timers)
        self.trailing = Trailing(self.endings)
        self.self_trade = SelfTrade(execution, self.endings, profiles)
        # The plan of the order being placed.
        self.pays: i64 = 0  # the row of the balance that pays
        self.hold: i64 = 0
        self.plan_lots: i64 = 0
        self.plan_spent: i64 = 0  # quote units, of a market order
        self.bound: i64 = 0  # the worst price at which it may trade, 0 = any
        self.stop_reason: i64 = 0  # why the rest of the last taker must not stay, 0 = it may

    def add_symbol(self, symbol: i64) -> None:
        self.add_books(symbol)
        self.markets.add()
        self.risk.rules.add()

    def add_books(self, symbol: i64) -> None:
        self.books.append(Book(symbol, self.store))
        self.endings.add_books(symbol)

    # --- the plan -----------------------------------------------------------------------------

    def plan(self, t: Ticket, held: i64) -> bool:
        """Liquidity, then funds: what a LIMIT or MARKET order will hold, in `hold`.

        `held`: units that the order holds already. A sliding order may change its price here.
        """
        side = t.side
        book = self.books[self.execution.symbol]
        best = book.best(SELL if side == BUY else BUY)
        self.pays = self.accounts.find(t.account, self.execution.asset_paid(side))
        available = self.accounts.available(self.pays) + held
        if self.execution.mode == MODE_AUCTION:
            self.hold = self.execution.hold_of(side, t.price, t.qty)
            return self.hold <= available or self.reject(INSUFFICIENT_FUNDS, available)
        by_quote = t.by_quote()
        self.bound = self.risk.collar(side, t.price) if self.has_risk else t.price
        if t.type == MARKET and not self.crosses(side, self.bound, best):
            if self.crosses(side, t.price, best):
                self._note_stopped()
            return self.reject(NO_LIQUIDITY, 0)
        if by_quote and t.qty < best * self.execution.tick_value:
            return self.reject(MIN_NOTIONAL, best * self.execution.tick_value)
        if t.tif == POST_ONLY and self.crosses(side, t.price, best):
            if t.flags & FLAG_SLIDE == 0:
                return self.reject(POST_ONLY_WOULD_TRADE, best)
            if not self._slide(t, best):
                return False
        if t.stp != STP_NONE and not self._plan_self_trade(t):
            return False
        if t.tif == FOK or t.min_qty > 0:
            need = t.qty if t.tif == FOK else t.min_qty
            there = self._fillable(t, need, self.bound)
            if there < need:
                if self.bound != t.price and self._fillable(t, need, t.price) >= need:
                    self._note_stopped()
                return self.reject(FOK_UNFILLABLE, there)
        if t.type != MARKET:
            self.hold = self.execution.hold_of(side, t.price, t.qty)
            return self.hold <= available or self.reject(INSUFFICIENT_FUNDS, available)
        if not self._plan_market(t, by_quote, available):
            return self.reject(INSUFFICIENT_FUNDS, available)
        if self.plan_lots == 0 and by_quote and self.execution.is_strict:
            return self.reject(NO_LIQUIDITY, 0)  # it would meet its own orders alone
        return True

    def _note_stopped(self) -> None:
        """The collar alone keeps an order from trading: from `VERSION_STRICT` on it counts."""
        if self.execution.is_strict:
            self.risk.was_stopped(self.execution.symbol)

    def crosses(self, side: i64, price: i64, best: i64) -> bool:
        """Whether an order would trade at once; price 0 is any, and no best price none."""
        if best == 0:
            return False
        return price == 0 or (best <= price if side == BUY else best >= price)

    def _slide(self, t: Ticket, best: i64) -> bool:
        """One tick away from the other side, which must be a price that may be asked for."""
        t.price = best - 1 if t.side == BUY else best + 1
        if self.execution.is_strict:
            t.price = self.risk.on_step(t.side, t.price)
        if not self.check_price(t.price):
            return False
        if self.execution.is_strict and not self.risk.check_price(t.side, t.price):
            return False
        return self.check_notional(t.price * t.qty * self.execution.tick_value)

    def _plan_self_trade(self, t: Ticket) -> bool:
        self.self_trade.begin(t.account, t.stp, t.by_group, t.list_leg != 0)
        own = self.self_trade.refusing_order(t.side, self.bound)
        return own == 0 or self.reject(SELF_TRADE, own)

    def _fillable(self, t: Ticket, lots: i64, bound: i64) -> i64:
        if t.stp == STP_NONE:
            return self.books[self.execution.symbol].fillable(t.side, bound, lots)
        self.self_trade.walk(t.side, bound, lots, False, -1)
        return self.self_trade.lots

    def _plan_market(self, t: Ticket, by_quote: bool, available: i64) -> bool:
        """Walk the other side as the match will; False if `available` does not cover it.

        Every product is bounded by a division first: a level may hold more than anyone has.
        """
        if t.stp != STP_NONE:
            return self._plan_guarded(t, by_quote, available)
        side = t.side
        qty = t.qty
        book = self.books[self.execution.symbol]
        ladder = book.asks if side == BUY else book.bids
        worst = book.worst_key(side, self.bound)
        levels = self.store.levels.rows
        lots: i64 = 0
        spent: i64 = 0
        i = ladder.depth - 1
        while i >= 0 and (by_quote or lots < qty) and ladder.keys[i] >= worst:
            at = ladder.levels[i] << LEVEL_SHIFT
            lot_cost = levels[at + L_PRICE] * self.execution.tick_value
            there = levels[at + L_TOTAL] + levels[at + L_HIDDEN]
            if by_quote:
                take = min((qty - spent) // lot_cost, there)
            else:
                take = min(qty - lots, there)
            if side == BUY and take > (available - spent) // lot_cost:
                return False
            spent = sum_of(spent, product_of(take, lot_cost))
            lots += take
            if take < there:
                break
            i -= 1
        return self._hold_for_market(side, lots, spent, available)

    def _plan_guarded(self, t: Ticket, by_quote: bool, available: i64) -> bool:
        guard = self.self_trade
        budget: i64 = available if t.side == BUY else -1
        if not guard.walk(t.side, self.bound, t.qty, by_quote, budget):
            return False
        return self._hold_for_market(t.side, guard.lots, guard.spent, available)

    def _hold_for_market(self, side: i64, lots: i64, spent: i64, available: i64) -> bool:
        self.plan_lots = lots
        self.plan_spent = spent
        if side == SELL:
            if lots > available // self.execution.lot_units:
                return False
            self.hold = lots * self.execution.lot_units
        else:
            self.hold = spent
        return True

    # --- carrying it out ----------------------------------------------------------------------

    def place(self, t: Ticket) -> None:
        """A LIMIT or MARKET order that `check` let through."""
        if not self.plan(t, 0):
            return
        if self.execution.is_strict and t.type == MARKET and not self._check_plan(t):
            return
        slot = self.accept(t, self.plan_lots if t.by_quote() else t.qty, self.hold)
        self.run(t, slot, False)

    def _check_plan(self, t: Ticket) -> bool:
        """What a market order is about to trade is held to the limits as if it had a price."""
        most = self.listing.symbols.rows[t.symbol * SYMBOL_WORDS + S_MAX_NOTIONAL]
        if self.plan_spent > most:
            return self.reject(MAX_NOTIONAL, most)
        return self.risk.check_plan(t, self.plan_lots, self.plan_spent, False)

    def accept(self, t: Ticket, lots: i64, hold: i64) -> i64:
        """A slot, with its row, its further terms, its hold and its event."""
        slot = self.store.allocate()
        rows = self.store.orders.rows
        at = slot << ORDER_SHIFT
        order_id = rows[at + O_ID]
        rows[at + O_OWNER] = t.account
        rows[at + O_TERMS] = t.side | t.tif << 4 | self.pays << 8
        rows[at + O_REMAINING] = lots
        rows[at + O_FILLED] = 0
        self.answer.id = order_id
        if hold != 0:
            self.accounts.reserve(self.pays, hold)
        self.events.order_accepted(
            t.symbol, t.side, t.type | t.tif << 4, order_id, t.account, t.price, lots,
            t.qty if t.by_quote() else 0, hold, t.client_hi, t.client_lo,
        )  # fmt: skip
        if t.has_terms:
            rows[at + O_OWNER] |= (self._accept_terms(t, order_id) + 1) << OWNER_BITS
        return slot

    def _accept_terms(self, t: Ticket, order_id: i64) -> i64:
        row = self.store.terms.allocate(order_id)
        rows = self.store.terms.table.rows
        at = row << TERMS_SHIFT
        rows[at + T_KIND] = t.type | t.flags << 4 | t.stp << 8 | t.by_group << 16
        rows[at + T_QTY] = t.qty
        rows[at + T_LIMIT] = t.price
        rows[at + T_TRIGGER] = t.trigger
        rows[at + T_TRAIL] = t.trail
        rows[at + T_DISPLAY] = t.display
        rows[at + T_EXPIRE] = t.expire_ns
        rows[at + T_LIST] = t.list_leg
        rows[at + T_PEG] = t.peg
        rows[at + T_MIN_QTY] = t.min_qty
        if t.expire_ns != 0:
            self.timers.add(t.expire_ns, order_id)
        self.tell_terms(t, order_id)
        return row

    def tell_terms(self, t: Ticket, order_id: i64) -> None:
        self.events.order_terms(
            t.symbol, order_id, t.account, t.trigger, t.trail, t.display, t.min_qty, t.expire_ns,
            t.peg, t.stp | t.by_group << 8, t.flags, t.list_id,
        )  # fmt: skip

    def run(self, t: Ticket, slot: i64, is_listed: bool) -> None:
        """Trade, then rest or end. `is_listed`: it stands in its account's list of open orders."""
        side = t.side
        limit = t.price if t.type == LIMIT else 0
        lots = self.store.orders.rows[(slot << ORDER_SHIFT) + O_REMAINING]
        left = self.cross(slot, t.account, side, t.price, lots, limit, t.stp, t.by_group)
        level: i64 = NIL
        if left > 0 and (t.type == MARKET or t.tif == IOC or self.stop_reason != 0):
            self._drop_remainder(slot, t, limit, left, is_listed)
        elif left > 0:
            level = self.books[t.symbol].rest(slot, side, t.price)
            if not is_listed:
                self.open_orders.add(slot, t.account, t.client_hi, t.client_lo)
            if t.tif == AUCTION:
                self.endings.join_call(slot, t.symbol)
            self.answer.status = STATUS_PARTIALLY_FILLED if self.answer.filled > 0 else STATUS_NEW
        else:
            self.answer.status = STATUS_FILLED
            self.end_taker(slot, t.account, FILLED, is_listed)
        self.execution.level_deltas(SELL if side == BUY else BUY)
        if level != NIL:
            self.execution.delta_of(side, t.price, level)

    def cross(
        self, slot: i64, account: i64, side: i64, price: i64, lots: i64, limit: i64, stp: i64,
        by_group: i64,
    ) -> i64:  # fmt: skip
        """Trade as a taker, and all that follows for others; the lots left over, ready to rest.

        `limit`: the price by which its hold is reckoned, 0 for a market order.
        """
        prevented: i64 = 0
        self.stop_reason = 0
        symbol = self.execution.symbol
        before = self.markets.get(symbol, M_LAST)
        bound = self.risk.collar(side, price) if self.has_risk else price
        if self.execution.mode == MODE_AUCTION:
            self.store.fill_count = 0
            left = lots
        elif stp == STP_NONE:
            left = self.execution.trade(slot, side, bound, lots, limit)
        else:
            self.self_trade.begin(account, stp, by_group, self.endings.is_listed(slot))
            left = self.self_trade.trade(slot, side, bound, lots, limit)
            prevented = self.self_trade.prevented
            if self.self_trade.stopped:
                self.stop_reason = CANCELED_SELF_TRADE
        self.execution.close_trade(slot, lots, left, prevented)
        if self.store.fill_count > 0:
            self._see_prices()
            if self.has_risk:
                self.risk.note_fills(account, symbol, before)
            self.endings.after_trade(slot)
        if left > 0 and bound != price and self.stop_reason == 0:
            self._stop_at_collar(symbol, side, price, limit)
        if self.store.orders.rows[(slot << ORDER_SHIFT) + O_OWNER] >> OWNER_BITS != 0:
            self.hide(slot, left)
        return left

    def _stop_at_collar(self, symbol: i64, side: i64, price: i64, limit: i64) -> None:
        """A taker with lots left that its own limit would let trade on, or rest beyond a collar."""
        if self.execution.mode == MODE_AUCTION:
            return
        if self.books[symbol].reachable(side, price) != NIL:
            self.stop_reason = CANCELED_COLLAR
            self.risk.was_stopped(symbol)
        elif self.execution.is_strict and limit != 0:
            if self.risk.edge(side, price) != price:
                self.stop_reason = CANCELED_COLLAR

    def _see_prices(self) -> None:
        """The first and the last price of a match are its extremes; the market sees both."""
        store = self.store
        symbol = self.execution.symbol
        first = store.fills[F_PRICE]
        last = store.fills[(store.fill_count - 1) * FILL_WORDS + F_PRICE]
        if self.execution.is_strict:
            self.markets.note(symbol)  # a list's own legs may be the first that wait here
        self.markets.see(symbol, first)
        self.trailing.follow(symbol, first)
        if last != first:
            self.markets.see(symbol, last)
            self.trailing.follow(symbol, last)

    def hide(self, slot: i64, left: i64) -> None:
        """An iceberg shows no more than its tip from now on."""
        terms = self.store.terms.table
        row = self.store.terms_of(slot)
        at = row << TERMS_SHIFT
        display = terms.rows[at + T_DISPLAY]
        hidden = left - display if display != 0 and left > display else 0
        terms.rows[at + T_HIDDEN] = hidden
        terms.touch(row)
        self.store.orders.rows[(slot << ORDER_SHIFT) + O_REMAINING] = left - hidden

    def _drop_remainder(self, slot: i64, t: Ticket, limit: i64, left: i64, is_listed: bool) -> None:
        released: i64 = 0
        reason: i64 = CANCELED_MARKET_REMAINDER
        if t.type == LIMIT:
            reason = CANCELED_IOC_REMAINDER
            released = self.execution.release_hold(slot, t.side, limit, left)
        if self.stop_reason != 0:
            reason = self.stop_reason
        self.events.order_canceled(
            t.symbol, t.side, reason, self.answer.id, t.account, left, released, t.price
        )
        self.answer.status = STATUS_EXPIRED
        self.answer.remaining = 0
        self.end_taker(slot, t.account, reason, is_listed)

    def end_taker(self, slot: i64, account: i64, reason: i64, is_listed: bool) -> None:
        """An order that is in no queue has ended."""
        if is_listed:
            self.open_orders.remove(slot, account)
        terms = self.store.terms_of(slot)
        self.store.release(slot)
        if terms != NIL:
            self.endings.ended(terms, reason)
