"""Matching, self-trade prevention, and looking ahead at what matching would do.

Why it exists: the taker meets the other side's orders one by one; this is that walk, for real and
as a rehearsal on copies. It must not know why the taker trades or what becomes of its rest.
"""

from dataclasses import dataclass

from core.codes import (
    BUY,
    CANCELED_COLLAR,
    CANCELED_SELF_TRADE,
    MODE_AUCTION,
    STP_DECREMENT,
    STP_EXPIRE_BOTH,
    STP_EXPIRE_MAKER,
    STP_EXPIRE_TAKER,
)
from core.events import OrderAmended, TradeExecuted
from sim.twin import ending, fees, risk
from sim.twin.book import Order, other
from sim.twin.ending import Levels
from sim.twin.state import State, Symbol


@dataclass
class Guard:
    """How a taker meets its own orders: mode 0 as any other."""

    account: int
    mode: int = 0
    by_group: int = 0

    def owns(self, state: State, maker: Order) -> bool:
        if self.mode == 0:
            return False
        if maker.account == self.account:
            return True
        group = state.groups.get(self.account, 0) if self.by_group else 0
        return group != 0 and state.groups.get(maker.account, 0) == group

    def stops(self, state: State, maker: Order) -> bool:
        """Whether meeting this own order ends the taker."""
        if self.mode == STP_DECREMENT:
            return state.is_strict and maker.terms is not None and maker.terms.list is not None
        return self.mode in (STP_EXPIRE_TAKER, STP_EXPIRE_BOTH)


@dataclass
class Outcome:
    """What a taker's trade came to. `left` lots are still its own, and must go if `stopped`."""

    filled: int
    filled_quote: int
    left: int
    levels: Levels
    stopped: int
    """Why it must go: the reason of a cancel, 0 if it need not."""


def rehearse(state: State, queue: list[Order], lots: int, guard: Guard) -> tuple[int, int, bool]:
    """One level, on copies: lots that others would give, lots still wanted, whether it stops."""
    rows = [[order.visible, order.hidden, order] for order in queue]
    taken = 0
    while rows and lots > 0:
        tip, hidden, order = rows[0]
        assert isinstance(order, Order) and isinstance(tip, int) and isinstance(hidden, int)
        if guard.owns(state, order):
            if guard.stops(state, order):
                return taken, lots, True
            rows.pop(0)
            if guard.mode == STP_DECREMENT:
                lots -= min(lots, order.remaining)
            continue
        now = min(lots, tip)
        lots -= now
        taken += now
        rows.pop(0)
        if now == tip and hidden > 0:
            assert order.terms is not None
            shown = min(order.terms.display, hidden)
            rows.append([shown, hidden - shown, order])
        elif now < tip:
            rows.insert(0, [tip - now, hidden, order])
    return taken, lots, False


def reachable_lots(
    state: State, symbol: Symbol, side: int, limit: int, lots: int, guard: Guard
) -> int:
    """How many of `lots` a taker on `side` would get from others."""
    found = 0
    for price in symbol.book.within(other(side), limit):
        taken, lots, stopped = rehearse(state, symbol.book.queue(other(side), price), lots, guard)
        found += taken
        if stopped or lots == 0:
            break
    return found


def plan_by_qty(
    state: State, symbol: Symbol, side: int, limit: int, lots: int, guard: Guard
) -> list[tuple[int, int]]:
    """(price, lots) of a market order for `lots`."""
    plan = []
    for price in symbol.book.within(other(side), limit):
        taken, lots, stopped = rehearse(state, symbol.book.queue(other(side), price), lots, guard)
        plan.append((price, taken))
        if stopped or lots == 0:
            break
    return plan


def plan_by_quote(
    state: State, symbol: Symbol, side: int, limit: int, quote: int, guard: Guard
) -> list[tuple[int, int]]:
    """(price, lots) that `quote` units pay for; ends at the first level not taken whole."""
    plan = []
    for price in symbol.book.within(other(side), limit):
        queue = symbol.book.queue(other(side), price)
        there = sum(order.remaining for order in queue if not guard.owns(state, order))
        taken, _, stopped = rehearse(state, queue, quote // symbol.cost(price, 1), guard)
        quote -= symbol.cost(price, taken)
        plan.append((price, taken))
        if stopped or taken < there or quote == 0:
            break
    return plan


def match(state: State, symbol: Symbol, taker: Order, limit: int, guard: Guard) -> Outcome:
    """Trade with the other side at `limit` or better (0: any), then tell the lists."""
    out = Outcome(0, 0, taker.remaining, [], 0)
    before, bound = symbol.last, risk.collar(state, symbol, taker.side, limit)
    makers: list[Order] = []
    fills: list[tuple[int, int]] = []
    side = other(taker.side)
    if symbol.mode == MODE_AUCTION:
        return out
    while taker.remaining > 0 and not out.stopped:
        maker = symbol.book.first(side, bound)
        if maker is None:
            break
        if guard.owns(state, maker):
            _meet_own(state, symbol, maker, taker, guard, out)
            continue
        lots = min(maker.visible, taker.remaining)
        quote = _trade(state, symbol, maker, taker, lots)
        fills.append((maker.account, quote))
        out.filled_quote += quote
        out.filled += lots
        makers.append(maker)
        if maker.place not in out.levels:
            out.levels.append(maker.place)
    if makers:
        _see(state, symbol, makers[0].place[1])
        if makers[-1].place[1] != makers[0].place[1]:
            _see(state, symbol, makers[-1].place[1])
        for account, quote in fills:
            risk.note_trade(state, symbol, account, quote)
            risk.note_trade(state, symbol, taker.account, quote)
        risk.has_traded(state, symbol, before)
        # A maker that was filled has ended by its last fill.
        for at, maker in enumerate(makers):
            ending.leg_trades(state, maker)
            if maker.remaining == 0 and maker not in makers[at + 1 :]:
                ending.ended(state, maker, ending.FILLED)
        ending.leg_trades(state, taker)
    out.left = taker.remaining
    if out.left and bound != limit and not out.stopped:
        if symbol.book.first(side, limit):
            out.stopped = CANCELED_COLLAR
            risk.was_stopped(state, symbol)
        elif state.is_strict and taker.limit:
            if risk.edge_of(symbol, taker.side, limit) != limit:
                out.stopped = CANCELED_COLLAR  # it may not rest there either
    return out


def _trade(state: State, symbol: Symbol, maker: Order, taker: Order, lots: int) -> int:
    price = maker.limit
    quote_units = symbol.cost(price, lots)
    base_units = lots * symbol.lot_units
    release = 0
    if taker.side == BUY and taker.limit != 0:
        release = symbol.cost(taker.limit, lots) - quote_units
    buyer, seller = (taker, maker) if taker.side == BUY else (maker, taker)
    of_maker, of_taker = fees.rates_of(state, symbol, maker.account, taker.account)
    fees.note(state, symbol, maker.account, taker.account, quote_units)
    buyer_rate = of_taker if buyer is taker else of_maker
    seller_rate = of_taker if seller is taker else of_maker
    buyer_fee = fees.fee(state, symbol.base, base_units, buyer_rate[0])
    seller_fee = fees.fee(state, symbol.quote, quote_units, seller_rate[0])
    accounts = state.accounts
    accounts.pay(buyer.account, seller.account, symbol.quote, quote_units, seller_fee)
    accounts.pay(seller.account, buyer.account, symbol.base, base_units, buyer_fee)
    accounts.reserve(taker.account, symbol.quote, -release)
    maker.filled += lots
    taker.filled += lots
    symbol.trades += 1
    state.emit(
        TradeExecuted, symbol.id, side=taker.side, trade_id=symbol.trades, price=price, qty=lots,
        maker_order=maker.order_id, taker_order=taker.order_id, maker_account=maker.account,
        taker_account=taker.account, quote_units=quote_units,
        maker_fee=buyer_fee if buyer is maker else seller_fee,
        taker_fee=buyer_fee if buyer is taker else seller_fee,
        maker_remaining=maker.remaining, taker_remaining=taker.remaining, taker_release=release,
    )  # fmt: skip
    fees.tell(state, symbol, of_maker, of_taker)
    if maker.remaining == 0:
        symbol.book.leave(maker)
        ending.close(state, maker)
    elif maker.terms is not None and maker.terms.display:
        maker.shown -= lots
        if maker.shown == 0:
            symbol.book.leave(maker)
            maker.shown = min(maker.terms.display, maker.remaining)
            symbol.book.join(maker)
    return quote_units


def _meet_own(
    state: State, symbol: Symbol, maker: Order, taker: Order, guard: Guard, out: Outcome
) -> None:
    if guard.mode == STP_DECREMENT and not guard.stops(state, maker):
        _decrement(state, symbol, maker, taker, out)
        return
    if guard.mode != STP_EXPIRE_TAKER:
        ending.take_out(state, maker, CANCELED_SELF_TRADE)
    if guard.mode != STP_EXPIRE_MAKER:
        out.stopped = CANCELED_SELF_TRADE


def _decrement(state: State, symbol: Symbol, maker: Order, taker: Order, out: Outcome) -> None:
    """Both lose what the smaller one has; a taker that would have nothing left stops instead."""
    have = maker.remaining
    lots = min(have, taker.remaining)
    if lots < taker.remaining:
        taker.qty -= lots
        _emit_less(state, symbol, taker, lots, kept_priority=0)
    else:
        out.stopped = CANCELED_SELF_TRADE
    if lots == have:
        ending.take_out(state, maker, CANCELED_SELF_TRADE)
        return
    hidden = min(maker.hidden, lots)
    maker.qty -= lots
    maker.shown -= lots - hidden
    _emit_less(state, symbol, maker, lots, kept_priority=1)
    ending.emit_deltas(state, symbol, [maker.place])


def _emit_less(state: State, symbol: Symbol, order: Order, lots: int, kept_priority: int) -> None:
    """The order is for so many lots less, and holds as much less; a market order held nothing."""
    released = symbol.hold_of(order.side, order.limit, lots) if order.limit else 0
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), -released)
    state.emit(
        OrderAmended, symbol.id, side=order.side, order_id=order.order_id, account=order.account,
        price=order.limit, qty=order.qty, remaining=order.remaining, hold_delta=-released,
        kept_priority=kept_priority,
    )  # fmt: skip


def _see(state: State, symbol: Symbol, price: int) -> None:
    """The market sees a price: triggers are reached, and those that trail follow."""
    from sim.twin import waiting  # noqa: PLC0415

    symbol.last = price
    if symbol.is_watched():
        if state.is_strict:
            state.note(symbol.id)
        symbol.high = max(symbol.high, price)
        symbol.low = min(symbol.low or price, price)
    waiting.follow_trails(state, symbol, price)
