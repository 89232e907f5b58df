"""Orders that wait for a price: stops, take-profits and trailing stops.

Why it exists: an order that is no use yet must not stand in the book, must hold what it will cost
where that is known, and must come into the market by the same rules as an order that is placed at
that moment. It must not know why its moment has come: `core.cascade` says when.

What an order holds while it waits: a limit kind what it can cost at its limit, a selling one its
lots, a buying one by quote amount that amount, a buying market kind its lots at the collar. A
buying market kind by quantity and without a collar, and a selling one by quote amount, hold
nothing: what they will cost is not known, and is looked at when they are triggered.
"""

from mypy_extensions import i64

from core.codes import (
    BUY, CANCELED_TRIGGER_REJECTED, INSUFFICIENT_FUNDS, LIMIT, MARKET, OK, PRICE_BAND, SELL,
    STATUS_NEW, TOO_MANY_OPEN_ORDERS,
)  # fmt: skip
from core.endings import WAITING
from core.limits import TRAILING_PER_SYMBOL_MAX
from core.markets import M_HIGH, M_LAST, M_LOW, M_TRAILS
from core.order_store import O_ID, O_OWNER, O_REMAINING, O_TERMS, ORDER_SHIFT
from core.terms import (
    ACCOUNT_MASK, RESTING, T_DISPLAY, T_EXPIRE, T_HOLD, T_KIND, T_LIMIT, T_LIST, T_MIN_QTY, T_QTY,
    T_TRAIL, T_TRIGGER, TERMS_SHIFT, TRAILS, TRIGGERS, WAITS,
)  # fmt: skip
from core.ticket import Ticket
from core.trading import Trading


class Conditional:
    """Parks orders and brings them into the market."""

    def __init__(self, trading: Trading) -> None:
        self.trading = trading
        self._fired = Ticket()

    # --- parking ------------------------------------------------------------------------------

    def place(self, t: Ticket) -> None:
        """An order with a trigger that `Trading.check` let through."""
        trading = self.trading
        if not self.check_trigger(t):
            return
        hold = self.hold_for(t)
        trading.pays = trading.accounts.find(t.account, trading.execution.asset_paid(t.side))
        available = trading.accounts.available(trading.pays)
        if hold > available:
            trading.reject(INSUFFICIENT_FUNDS, available)
            return
        slot = self.accept(t, hold)
        self.park(t, slot)
        trading.answer.status = STATUS_NEW

    def place_for_auction(self, t: Ticket) -> None:
        """A LIMIT order for the next auction, which has not been called yet."""
        trading = self.trading
        hold = self.hold_for(t)
        trading.pays = trading.accounts.find(t.account, trading.execution.asset_paid(t.side))
        available = trading.accounts.available(trading.pays)
        if hold > available:
            trading.reject(INSUFFICIENT_FUNDS, available)
            return
        slot = self.accept(t, hold)
        trading.endings.park(slot, WAITS, t.symbol, SELL, WAITING)
        trading.answer.status = STATUS_NEW

    def check_trigger(self, t: Ticket) -> bool:
        """The market has not passed the trigger, and there is room for one that trails."""
        trading = self.trading
        symbol = trading.execution.symbol
        if t.is_trailing():
            if trading.markets.get(symbol, M_TRAILS) >= TRAILING_PER_SYMBOL_MAX:
                return trading.reject(TOO_MANY_OPEN_ORDERS, TRAILING_PER_SYMBOL_MAX)
            return True
        last = self.passing_price(t)
        return last == 0 or trading.reject(PRICE_BAND, last)

    def passing_price(self, t: Ticket) -> i64:
        """The last price, or one not yet looked at, if it reaches the fixed trigger; else 0."""
        markets = self.trading.markets
        symbol = self.trading.execution.symbol
        last = markets.get(symbol, M_LAST)
        rises = t.waits_for_rise()
        extreme = markets.get(symbol, M_HIGH if rises else M_LOW)
        if rises:
            if last >= t.trigger:
                return last
            return extreme if extreme >= t.trigger else 0
        if last != 0 and last <= t.trigger:
            return last
        return extreme if extreme <= t.trigger else 0

    def hold_for(self, t: Ticket) -> i64:
        """Units of the asset paid that it holds while it waits."""
        execution = self.trading.execution
        if t.by_quote():
            return t.qty if t.side == BUY else 0
        if t.side == SELL:
            return t.qty * execution.lot_units
        return execution.hold_of(BUY, t.price, t.qty)

    def accept(self, t: Ticket, hold: i64) -> i64:
        """The slot of an order that does not rest yet; it stands in its account's list."""
        trading = self.trading
        slot = trading.accept(t, 0 if t.by_quote() else t.qty, hold)
        trading.store.orders.rows[(slot << ORDER_SHIFT) + O_REMAINING] = 0
        self._set_hold(slot, hold)
        trading.open_orders.add(slot, t.account, t.client_hi, t.client_lo)
        trading.answer.remaining = 0 if t.by_quote() else t.qty
        return slot

    def _set_hold(self, slot: i64, hold: i64) -> None:
        terms = self.trading.store.terms
        row = self.trading.store.terms_of(slot)
        terms.table.rows[(row << TERMS_SHIFT) + T_HOLD] = hold
        terms.table.touch(row)

    def park(self, t: Ticket, slot: i64) -> None:
        """Where its trigger puts it: a ladder falls to its best level, or rises to it."""
        endings = self.trading.endings
        ladder_side: i64 = SELL if t.waits_for_rise() else BUY
        if t.is_trailing():
            last = self.trading.markets.get(t.symbol, M_LAST)
            trigger = self.trading.trailing.trigger(t.side, t.trail, t.flags, last)
            endings.park(slot, TRAILS, t.symbol, ladder_side, trigger)
        else:
            endings.park(slot, TRIGGERS, t.symbol, ladder_side, t.trigger)

    def park_waiting(self, t: Ticket, slot: i64) -> None:
        self.trading.endings.park(slot, WAITS, t.symbol, BUY, WAITING)

    # --- coming into the market ---------------------------------------------------------------

    def load(self, slot: i64) -> Ticket:
        """The ticket of a parked order, as it was placed."""
        t = self._fired
        store = self.trading.store
        rows = store.orders.rows
        at = slot << ORDER_SHIFT
        terms = store.terms.table.rows
        terms_at = store.terms_of(slot) << TERMS_SHIFT
        kind = terms[terms_at + T_KIND]
        order_terms = rows[at + O_TERMS]
        packed = (
            order_terms & 0xF | (kind & 0xF) << 4 | (order_terms >> 4 & 0xF) << 8
            | (kind >> 4 & 0xF) << 12
        )  # fmt: skip
        t.set_order(
            store.symbol_of(slot), rows[at + O_OWNER] & ACCOUNT_MASK, packed,
            terms[terms_at + T_LIMIT], terms[terms_at + T_QTY], 0, 0,
        )  # fmt: skip
        t.set_terms(
            kind >> 8 & 0x1FF, terms[terms_at + T_TRIGGER], terms[terms_at + T_TRAIL],
            terms[terms_at + T_DISPLAY], terms[terms_at + T_MIN_QTY], terms[terms_at + T_EXPIRE], 0,
        )  # fmt: skip
        t.list_leg = terms[terms_at + T_LIST]
        return t

    def activate(self, slot: i64) -> None:
        """The order's list has come to it: wait for its trigger now, or enter the market."""
        trading = self.trading
        trading.answer.code = OK
        t = self.load(slot)
        if not t.is_conditional() or (not t.is_trailing() and self.passing_price(t) != 0):
            self._enter(t, slot)
            return
        if trading.execution.is_strict and not trading.risk.may_trade(t.account, t.symbol):
            self._refuse(t, slot)
            return
        if not self.check_trigger(t):
            self._refuse(t, slot)
            return
        trading.pays = trading.accounts.find(t.account, trading.execution.asset_paid(t.side))
        hold = self._hold_beside(t)
        if hold > trading.accounts.available(trading.pays):
            trading.reject(INSUFFICIENT_FUNDS, 0)
            self._refuse(t, slot)
            return
        self.take_hold(slot, hold)
        trading.endings.unpark(slot)
        self.park(t, slot)
        self._tell(t, slot, hold, 0 if t.by_quote() else t.qty, True)

    def _hold_beside(self, t: Ticket) -> i64:
        """What it holds beyond what the other one of its pair holds already."""
        hold = self.hold_for(t)
        endings = self.trading.endings
        sibling = endings.sibling_slot(t.list_leg)
        if sibling >= 0:
            hold -= endings.held_by(sibling)
        return hold if hold > 0 else 0

    def take_hold(self, slot: i64, hold: i64) -> None:
        """Hold so much from now on, of the balance in `Trading.pays`."""
        trading = self.trading
        more = hold - self.held(slot)
        if more != 0:
            trading.accounts.reserve(trading.pays, more)
        at = slot << ORDER_SHIFT
        rows = trading.store.orders.rows
        rows[at + O_TERMS] = rows[at + O_TERMS] & 0xFF | trading.pays << 8
        self._set_hold(slot, hold)

    def fire(self, slot: i64) -> None:
        """The market has reached the order's trigger."""
        self._enter(self.load(slot), slot)

    def _enter(self, t: Ticket, slot: i64) -> None:
        """As a LIMIT or MARKET order placed now, with what it holds already."""
        trading = self.trading
        if t.is_conditional():
            trading.endings.leg_trades(trading.store.terms_of(slot))
        t.type = LIMIT if t.is_limit_kind() else MARKET
        trading.answer.code = OK
        held = self.held(slot)
        if trading.has_risk and not trading.risk.may_trade(t.account, t.symbol):
            self._refuse(t, slot)
            return
        if not trading.plan(t, held) or not self._check_plan(t):
            self._refuse(t, slot)
            return
        lots = trading.plan_lots if t.by_quote() else t.qty
        more = trading.hold - held
        if more != 0:
            trading.accounts.reserve(trading.pays, more)
        trading.endings.unpark(slot)
        self._set_hold(slot, 0)
        rows = trading.store.orders.rows
        at = slot << ORDER_SHIFT
        rows[at + O_TERMS] = t.side | t.tif << 4 | trading.pays << 8
        rows[at + O_REMAINING] = lots
        trading.store.orders.touch(slot)
        self._tell(t, slot, more, lots, False)
        trading.run(t, slot, True)

    def _check_plan(self, t: Ticket) -> bool:
        """From `VERSION_STRICT` on the account's limits hold for what it trades, too."""
        trading = self.trading
        if t.type != MARKET or not trading.execution.is_strict:
            return True
        return trading.risk.check_plan(t, trading.plan_lots, trading.plan_spent, True)

    def held(self, slot: i64) -> i64:
        """Units that a parked order holds."""
        row = self.trading.store.terms_of(slot)
        return self.trading.store.terms.table.rows[(row << TERMS_SHIFT) + T_HOLD]

    def _tell(self, t: Ticket, slot: i64, more: i64, lots: i64, is_parked: bool) -> None:
        """OrderTriggered: `more` units are held than before, for `lots`."""
        trading = self.trading
        order_id = trading.store.orders.rows[(slot << ORDER_SHIFT) + O_ID]
        trading.answer.id = order_id
        last = trading.markets.get(t.symbol, M_LAST)
        area: i64 = trading.store.area_of(slot) if is_parked else RESTING
        trading.events.order_triggered(
            t.symbol, t.side, trading.answer.code, order_id, t.account, last, more, lots, area
        )

    def _refuse(self, t: Ticket, slot: i64) -> None:
        """It cannot come into the market; the answer's code says why."""
        self._tell(t, slot, 0, 0, False)
        self.trading.endings.take_out(slot, CANCELED_TRIGGER_REJECTED)
        self.trading.answer.code = OK
