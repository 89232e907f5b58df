"""PLACE, and what every order that enters the market has in common, as docs/machine.md has it.

Why it exists: the rules of trading in their plainest form. Checks raise `Reject` and change
nothing; after the last check nothing can fail. It must not know idempotency, which stands around
every trading command in `machine`.
"""

from core.codes import (
    AUCTION,
    BUY,
    CANCEL_ONLY,
    CANCELED_IOC_REMAINDER,
    CANCELED_MARKET_REMAINDER,
    DUPLICATE_ORDER_ID,
    FOK,
    FOK_UNFILLABLE,
    GTC,
    INSUFFICIENT_FUNDS,
    IOC,
    LIMIT,
    LOT_SIZE,
    MARKET,
    MARKET_HALTED,
    MAX_NOTIONAL,
    MIN_NOTIONAL,
    MODE_AUCTION,
    MODE_CANCEL_ONLY,
    MODE_HARD_HALT,
    MODE_POST_ONLY,
    MODE_SOFT_HALT,
    NO_LIQUIDITY,
    OVERLOADED,
    PEGGED,
    POST_ONLY,
    POST_ONLY_WOULD_TRADE,
    PRICE_BAND,
    SELF_TRADE,
    SELL,
    STATUS_EXPIRED,
    STATUS_FILLED,
    STATUS_NEW,
    STATUS_PARTIALLY_FILLED,
    STP_DECREMENT,
    STP_EXPIRE_BOTH,
    STP_EXPIRE_TAKER,
    TOO_MANY_OPEN_ORDERS,
    VALIDATION,
)
from core.commands import FLAG_BY_QUOTE, FLAG_SLIDE
from core.events import OrderAccepted, OrderTermsAccepted, Reply
from core.limits import AMOUNT_MAX
from sim.twin import asking, ending, matching, risk
from sim.twin.asking import Wanted
from sim.twin.book import Order, Terms, other
from sim.twin.ending import emit_canceled, emit_deltas
from sim.twin.matching import Guard, Outcome
from sim.twin.state import SLOTS, Command, Reject, State, Symbol


def place(state: State, command: Command) -> Reply:
    symbol = state.use(command.symbol)
    wanted = asking.plain(command)
    check(state, symbol, wanted)
    return enter_new(state, symbol, command, wanted)


def enter_new(state: State, symbol: Symbol, command: Command, wanted: Wanted) -> Reply:
    """A LIMIT or MARKET order that has passed `check`: funds, acceptance, trade."""
    lots, hold = plan(state, symbol, wanted, held=0)
    check_market(state, symbol, wanted, lots, own=-1)
    order = accept(state, symbol, wanted, lots, hold)
    out = run(state, symbol, order, wanted, is_listed=False)
    return order_reply(state, command, order, out, symbol)


def order_reply(
    state: State, command: Command, order: Order, out: Outcome, symbol: Symbol
) -> Reply:
    gone = order.order_id not in state.orders
    if gone:
        status = STATUS_FILLED if out.left == 0 else STATUS_EXPIRED
    else:
        status = STATUS_PARTIALLY_FILLED if out.filled else STATUS_NEW
    return state.reply(
        command, status=status, id=order.order_id, seq=symbol.seq, filled=out.filled,
        filled_quote=out.filled_quote, remaining=0 if gone else order.remaining,
    )  # fmt: skip


# --- checks -------------------------------------------------------------------------------------


def check(state: State, symbol: Symbol, wanted: Wanted) -> None:
    """All checks of an order but those of liquidity and funds. POST_ONLY mode changes it."""
    _check_mode(symbol, wanted)
    if wanted.terms is not None:
        asking.check_terms(wanted, state.now, state.version)
    else:
        _check_plain(wanted)
    auction_only = wanted.time_in_force == AUCTION
    if symbol.mode == MODE_POST_ONLY and wanted.order_type == LIMIT and not auction_only:
        wanted.time_in_force = POST_ONLY
    check_bounds(symbol, wanted)
    risk.check_order(state, symbol, wanted, 1)
    check_account(state, wanted, 1)


def _check_mode(symbol: Symbol, wanted: Wanted) -> None:
    if symbol.mode in (MODE_HARD_HALT, MODE_SOFT_HALT):
        raise Reject(MARKET_HALTED, symbol.mode)
    if symbol.mode == MODE_CANCEL_ONLY:
        raise Reject(CANCEL_ONLY, symbol.mode)
    if symbol.mode in (MODE_POST_ONLY, MODE_AUCTION):
        only_takes = wanted.order_type == MARKET or wanted.time_in_force in (IOC, FOK)
        if only_takes and (wanted.terms is None or wanted.order_type in (LIMIT, MARKET)):
            raise Reject(MARKET_HALTED, symbol.mode)
    if symbol.mode == MODE_AUCTION:
        needs_more = wanted.order_type == PEGGED or (
            wanted.terms is not None and wanted.terms.min_qty != 0
        )
        if symbol.target is not None or needs_more:
            raise Reject(MARKET_HALTED, symbol.mode)


def _check_plain(wanted: Wanted) -> None:
    by_quote = wanted.flags == FLAG_BY_QUOTE
    market = wanted.order_type == MARKET
    tif = wanted.time_in_force
    if (
        wanted.side not in (BUY, SELL)
        or wanted.order_type not in (LIMIT, MARKET)
        or tif not in (GTC, IOC, FOK, POST_ONLY)
        or wanted.flags not in (0, FLAG_BY_QUOTE)
        or (market and tif in (GTC, POST_ONLY))
        or (by_quote and (not market or tif == FOK))
    ):
        raise Reject(VALIDATION, 0)
    if (market and wanted.price != 0) or (not market and wanted.price < 1):
        raise Reject(VALIDATION, 4)
    if wanted.qty < 1:
        raise Reject(VALIDATION, 5)


def check_bounds(symbol: Symbol, wanted: Wanted) -> None:
    if wanted.by_quote:
        check_notional(symbol, wanted.qty)
    else:
        if wanted.price != 0:
            check_band(symbol, wanted.price)
        if wanted.qty > symbol.max_qty:
            raise Reject(LOT_SIZE, symbol.max_qty)
        if wanted.is_limit_kind:
            check_notional(symbol, symbol.cost(wanted.price, wanted.qty))
    if wanted.terms is not None and wanted.terms.trigger:
        check_band(symbol, wanted.terms.trigger)


def check_band(symbol: Symbol, price: int) -> None:
    if price < symbol.min_price:
        raise Reject(PRICE_BAND, symbol.min_price)
    if price > symbol.max_price:
        raise Reject(PRICE_BAND, symbol.max_price)


def check_notional(symbol: Symbol, notional: int) -> None:
    if notional < symbol.min_notional:
        raise Reject(MIN_NOTIONAL, symbol.min_notional)
    if notional > symbol.max_notional:
        raise Reject(MAX_NOTIONAL, symbol.max_notional)


def check_account(state: State, wanted: Wanted, orders: int) -> None:
    """Room for so many orders, of which `wanted` is one; and its client id."""
    open_orders = state.open_orders.get(wanted.account, [])
    if orders > 1 or wanted.may_rest:
        if len(open_orders) + orders > state.limits.open_orders:
            raise Reject(TOO_MANY_OPEN_ORDERS, state.limits.open_orders)
    if len(state.free_slots) + SLOTS - len(state.generations) < orders:
        raise Reject(OVERLOADED, SLOTS)
    if wanted.client != (0, 0):
        for order in open_orders:
            if order.client == wanted.client:
                raise Reject(DUPLICATE_ORDER_ID, order.order_id)


# --- liquidity and funds ------------------------------------------------------------------------


def plan(state: State, symbol: Symbol, wanted: Wanted, held: int) -> tuple[int, int]:
    """Lots and hold of a LIMIT or MARKET order that holds `held` already; it may slide."""
    if symbol.mode == MODE_AUCTION:
        return _plan_in_call(state, symbol, wanted, held)
    side, book = other(wanted.side), symbol.book
    best = book.best(side)
    reached = book.within(side, wanted.price)
    bound = risk.collar(state, symbol, wanted.side, wanted.price)
    if wanted.order_type == MARKET and not book.within(side, bound):
        if reached:
            _note_stopped(state, symbol)
        raise Reject(NO_LIQUIDITY)
    if wanted.by_quote and best is not None and wanted.qty < symbol.cost(best, 1):
        raise Reject(MIN_NOTIONAL, symbol.cost(best, 1))
    if wanted.time_in_force == POST_ONLY and reached:
        if not wanted.flags & FLAG_SLIDE:
            raise Reject(POST_ONLY_WOULD_TRADE, reached[0])
        wanted.price = reached[0] + (1 if wanted.side == SELL else -1)
        if state.is_strict:
            wanted.price = risk.on_step(symbol, wanted.side, wanted.price)
        check_band(symbol, wanted.price)
        if state.is_strict:
            risk.check_price(symbol, wanted.side, wanted.price)
        check_notional(symbol, symbol.cost(wanted.price, wanted.qty))
    guard = guard_of(state, wanted)
    met = book.first(side, bound)
    if guard.mode == STP_EXPIRE_TAKER and met is not None and guard.owns(state, met):
        raise Reject(SELF_TRADE, met.order_id)
    _check_fillable(state, symbol, wanted, guard, bound)
    lots, hold = _lots_and_hold(state, symbol, wanted, guard, bound)
    available = held + state.accounts.available[wanted.account, symbol.hold_asset(wanted.side)]
    if hold > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    if state.is_strict and wanted.by_quote and lots == 0:
        raise Reject(NO_LIQUIDITY)
    return lots, hold


def _note_stopped(state: State, symbol: Symbol) -> None:
    """The collar alone keeps an order from trading."""
    if state.is_strict:
        risk.was_stopped(state, symbol)


def check_market(state: State, symbol: Symbol, wanted: Wanted, lots: int, own: int) -> None:
    """What a market order is about to trade; one that was triggered has passed the maximum."""
    if not state.is_strict or wanted.order_type != MARKET:
        return
    bound = risk.collar(state, symbol, wanted.side, wanted.price)
    guard = guard_of(state, wanted)
    walk = matching.plan_by_quote if wanted.by_quote else matching.plan_by_qty
    plan = walk(state, symbol, wanted.side, bound, wanted.qty, guard)
    spent = min(sum(symbol.cost(price, taken) for price, taken in plan), AMOUNT_MAX)
    if own < 0 and spent > symbol.max_notional:
        raise Reject(MAX_NOTIONAL, symbol.max_notional)
    risk.check_plan(state, symbol, wanted, lots, spent, max(own, 0))


def _plan_in_call(state: State, symbol: Symbol, wanted: Wanted, held: int) -> tuple[int, int]:
    """Nothing trades: only the money counts."""
    hold = symbol.hold_of(wanted.side, wanted.price, wanted.qty)
    available = held + state.accounts.available[wanted.account, symbol.hold_asset(wanted.side)]
    if hold > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    return wanted.qty, hold


def guard_of(state: State, wanted: Wanted) -> Guard:
    """How it meets its own orders. A leg of a list is not made smaller."""
    if wanted.terms is None:
        return Guard(wanted.account)
    mode = wanted.terms.stp
    is_leg = wanted.in_list or wanted.terms.list is not None
    if state.is_strict and mode == STP_DECREMENT and is_leg:
        mode = STP_EXPIRE_BOTH
    return Guard(wanted.account, mode, wanted.terms.by_group)


def _check_fillable(state: State, symbol: Symbol, wanted: Wanted, guard: Guard, bound: int) -> None:
    need = wanted.terms.min_qty if wanted.terms is not None else 0
    if wanted.time_in_force == FOK:
        need = wanted.qty
    if need > 0:
        there = matching.reachable_lots(state, symbol, wanted.side, bound, need, guard)
        if there < need:
            without = matching.reachable_lots(
                state, symbol, wanted.side, wanted.price, need, guard
            )  # fmt: skip
            if without >= need:
                _note_stopped(state, symbol)
            raise Reject(FOK_UNFILLABLE, there)


def _lots_and_hold(
    state: State, symbol: Symbol, wanted: Wanted, guard: Guard, bound: int
) -> tuple[int, int]:
    """Lots that the order is for, and what it reserves."""
    side, amount = wanted.side, wanted.qty
    if wanted.order_type == LIMIT:
        return amount, symbol.hold_of(side, wanted.price, amount)
    if wanted.by_quote:
        walk = matching.plan_by_quote(state, symbol, side, bound, amount, guard)
        lots = sum(taken for _, taken in walk)
    else:
        walk = matching.plan_by_qty(state, symbol, side, bound, amount, guard)
        lots = amount
    return lots, sum(symbol.hold_of(side, price, taken) for price, taken in walk)


# --- acceptance and trade -----------------------------------------------------------------------


def accept(
    state: State, symbol: Symbol, wanted: Wanted, lots: int, hold: int, price: int | None = None
) -> Order:
    """Its id, its events and its hold. `price`: where it is placed, if not as it was asked for."""
    at = wanted.price if price is None else price
    order = Order(
        order_id=state.take_order_id(), account=wanted.account, symbol=symbol.id,
        side=wanted.side, limit=at if wanted.order_type != MARKET else 0, qty=lots,
        time_in_force=wanted.time_in_force, client=wanted.client, terms=wanted.terms,
    )  # fmt: skip
    state.emit(
        OrderAccepted, symbol.id, side=order.side, order_type=wanted.order_type,
        time_in_force=order.time_in_force, order_id=order.order_id, account=order.account,
        price=at, qty=lots, quote_qty=wanted.qty if wanted.by_quote else 0, hold=hold,
        client_hi=wanted.client[0], client_lo=wanted.client[1],
    )  # fmt: skip
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), hold)
    if wanted.terms is not None:
        wanted.terms.price = wanted.price
        emit_terms(state, order, wanted.terms, wanted.list_id)
    return order


def emit_terms(state: State, order: Order, terms: Terms, list_id: int) -> None:
    state.emit(
        OrderTermsAccepted, order.symbol, order_id=order.order_id, account=order.account,
        trigger=terms.trigger, trail=terms.trail, display=terms.display, min_qty=terms.min_qty,
        expire_ns=terms.expire_ns, peg_offset=terms.peg, stp=terms.stp, by_group=terms.by_group,
        flags=terms.flags, list_id=list_id,
    )  # fmt: skip


def run(state: State, symbol: Symbol, order: Order, wanted: Wanted, is_listed: bool) -> Outcome:
    """Trade, then rest or end. `is_listed`: it stands among its account's open orders."""
    is_limit = wanted.order_type == LIMIT
    out = matching.match(state, symbol, order, wanted.price, guard_of(state, wanted))
    levels = out.levels
    if out.left > 0 and (not is_limit or wanted.time_in_force == IOC or out.stopped):
        reason = CANCELED_IOC_REMAINDER if is_limit else CANCELED_MARKET_REMAINDER
        if out.stopped:
            reason = out.stopped
        released = symbol.hold_of(order.side, order.limit, out.left) if is_limit else 0
        emit_canceled(state, symbol, order, reason, out.left, released, wanted.price)
        end_taker(state, order, reason, is_listed)
    elif out.left > 0:
        rest(state, symbol, order)
        if not is_listed:
            state.open_orders.setdefault(order.account, []).append(order)
        levels = [*levels, order.place]
    else:
        end_taker(state, order, ending.FILLED, is_listed)
    emit_deltas(state, symbol, levels)
    return out


def rest(state: State, symbol: Symbol, order: Order) -> None:
    """At the tail of its level; an iceberg shows its tip."""
    if order.terms is not None:
        order.shown = min(order.terms.display, order.remaining)
    if order.time_in_force == AUCTION and order not in symbol.in_call:
        symbol.in_call.append(order)
    symbol.book.join(order)
    state.orders[order.order_id] = order


def end_taker(state: State, order: Order, reason: int, is_listed: bool) -> None:
    """The end of an order that stands in no queue."""
    state.orders.pop(order.order_id, None)
    if is_listed:
        state.open_orders[order.account].remove(order)
    state.give_back(order.order_id)
    ending.ended(state, order, reason)
