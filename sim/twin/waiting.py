"""Orders that wait for a price, orders that follow one, and how they come into the market.

Why it exists: stops, take-profits, trailing stops and pegged orders, sentence by sentence as
docs/machine.md has them. It must not know when a waiting order's moment has come: `following` does.
"""

from core.codes import (
    AUCTION,
    BUY,
    CANCELED_TRIGGER_REJECTED,
    CANCELED_UNFUNDED,
    INSUFFICIENT_FUNDS,
    LIMIT,
    MARKET,
    MODE_AUCTION,
    NO_LIQUIDITY,
    PEGGED,
    POST_ONLY_WOULD_TRADE,
    PRICE_BAND,
    SELL,
    STATUS_NEW,
    TOO_MANY_OPEN_ORDERS,
)
from core.commands import FLAG_PEG_OTHER, FLAG_TRAIL_BPS
from core.events import OrderAmended, OrderTriggered, Reply
from core.limits import PEGGED_PER_SYMBOL_MAX, PRICE_TICKS_MAX, TRAILING_PER_SYMBOL_MAX
from sim.twin import ending, risk, trading
from sim.twin.asking import CONDITIONAL, TRAILING, Wanted, with_terms
from sim.twin.book import RESTING, TRAILS, TRIGGERS, WAITS, Order, Terms, other
from sim.twin.state import Command, Reject, State, Symbol

NOT_YET_ABOVE = 2 * PRICE_TICKS_MAX
RISEN, FALLEN = 1, 2 * PRICE_TICKS_MAX
"""Queues of trailing stops that a price has reached: before all other triggers of their side."""


def place_terms(state: State, command: Command) -> Reply:
    symbol = state.use(command.symbol)
    wanted = with_terms(command)
    trading.check(state, symbol, wanted)
    if command.words[15] != 0:
        raise Reject(1, 15)
    if wanted.order_type == PEGGED:
        return _place_pegged(state, symbol, command, wanted)
    if wanted.time_in_force == AUCTION and symbol.mode != MODE_AUCTION:
        return _place_for_auction(state, symbol, command, wanted)
    if wanted.order_type not in CONDITIONAL:
        return trading.enter_new(state, symbol, command, wanted)
    check_trigger(symbol, wanted)
    hold = hold_for(symbol, wanted)
    available = state.accounts.available[wanted.account, symbol.hold_asset(wanted.side)]
    if hold > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    order = accept_parked(state, symbol, wanted, hold)
    park(symbol, order)
    return state.reply(
        command, status=STATUS_NEW, id=order.order_id, seq=symbol.seq, remaining=order.qty
    )


def _place_for_auction(state: State, symbol: Symbol, command: Command, wanted: Wanted) -> Reply:
    hold = hold_for(symbol, wanted)
    available = state.accounts.available[wanted.account, symbol.hold_asset(wanted.side)]
    if hold > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    order = accept_parked(state, symbol, wanted, hold)
    order.area = WAITS
    symbol.waits.join(order, SELL, 1)
    return state.reply(
        command, status=STATUS_NEW, id=order.order_id, seq=symbol.seq, remaining=order.qty
    )


# --- waiting for a trigger ----------------------------------------------------------------------


def check_trigger(symbol: Symbol, wanted: Wanted) -> None:
    """The market has not reached it yet, and there is room for one that trails."""
    if wanted.order_type in TRAILING:
        trails = sum(len(q) for side in (0, 1) for q in symbol.trails.levels[side].values())
        if trails >= TRAILING_PER_SYMBOL_MAX:
            raise Reject(TOO_MANY_OPEN_ORDERS, TRAILING_PER_SYMBOL_MAX)
        return
    reached_by = passing_price(symbol, wanted)
    if reached_by:
        raise Reject(PRICE_BAND, reached_by)


def passing_price(symbol: Symbol, wanted: Wanted) -> int:
    assert wanted.terms is not None
    trigger = wanted.terms.trigger
    seen = [symbol.last, symbol.high if wanted.rises else symbol.low]
    for price in seen:
        if price and (price >= trigger if wanted.rises else price <= trigger):
            return price
    return 0


def hold_for(symbol: Symbol, wanted: Wanted) -> int:
    if wanted.by_quote:
        return wanted.qty if wanted.side == BUY else 0
    if wanted.side == SELL:
        return wanted.qty * symbol.lot_units
    return symbol.cost(wanted.price, wanted.qty)


def accept_parked(state: State, symbol: Symbol, wanted: Wanted, hold: int) -> Order:
    """It gets its id and stands among its account's open orders; its queue comes later."""
    assert wanted.terms is not None
    order = trading.accept(state, symbol, wanted, 0 if wanted.by_quote else wanted.qty, hold)
    wanted.terms.held = hold
    state.orders[order.order_id] = order
    state.open_orders.setdefault(order.account, []).append(order)
    return order


def park(symbol: Symbol, order: Order) -> None:
    """Into the queue of its trigger."""
    terms = order.terms
    assert terms is not None
    wanted = wanted_again(order)
    order.area = TRAILS if terms.order_type in TRAILING else TRIGGERS
    trigger = terms.trigger
    if order.area == TRAILS:
        trigger = trailing_trigger(order, symbol.last)
    symbol.area(order.area).join(order, SELL if wanted.rises else BUY, trigger)


def trailing_trigger(order: Order, price: int) -> int:
    """Where it stands if `price` is the best that the order has seen; 0: it has seen none."""
    terms = order.terms
    assert terms is not None
    if price == 0:
        return 0 if order.side == SELL else NOT_YET_ABOVE
    distance = terms.trail
    if terms.flags & FLAG_TRAIL_BPS:
        distance = max(1, price * terms.trail // 10_000)
    return price + distance if order.side == BUY else max(0, price - distance)


def follow_trails(state: State, symbol: Symbol, price: int) -> None:
    """Triggers that trail follow a new price, but for those that were reached."""
    if state.is_strict:
        _follow_strictly(symbol, price)
        return
    for side, reached in ((BUY, symbol.low), (SELL, symbol.high)):
        moving = []
        for at in symbol.trails.prices(side):
            is_reached = reached != 0 and (at >= reached if side == BUY else at <= reached)
            for order in symbol.trails.queue(side, at):
                to = trailing_trigger(order, price)
                if not is_reached and (to > at if side == BUY else to < at):
                    moving.append(order)
        for order in moving:
            symbol.trails.leave(order)
            symbol.trails.join(order, side, trailing_trigger(order, price))


def _follow_strictly(symbol: Symbol, price: int) -> None:
    """What this price reaches waits for its turn in a queue before all others; the rest follows."""
    for side, turn in ((BUY, FALLEN), (SELL, RISEN)):
        reached, moving = [], []
        for at in symbol.trails.prices(side):
            if at == turn:
                continue
            is_reached = at >= price if side == BUY else at <= price
            for order in symbol.trails.queue(side, at):
                to = trailing_trigger(order, price)
                if is_reached:
                    reached.append(order)
                elif to > at if side == BUY else to < at:
                    moving.append(order)
        for order in reached:
            symbol.trails.leave(order)
            symbol.trails.join(order, side, turn)
        for order in moving:
            symbol.trails.leave(order)
            symbol.trails.join(order, side, trailing_trigger(order, price))


def wanted_again(order: Order) -> Wanted:
    """What a waiting order asked for."""
    terms = order.terms
    assert terms is not None
    return Wanted(
        order.account, order.symbol, order.side, terms.order_type, order.time_in_force,
        terms.price, terms.qty, order.client, terms.flags, terms,
    )  # fmt: skip


# --- coming into the market ---------------------------------------------------------------------


def enter(state: State, order: Order) -> None:
    """As a LIMIT or MARKET order placed now, with what it holds already."""
    symbol = state.symbols[order.symbol]
    wanted = wanted_again(order)
    terms = order.terms
    assert terms is not None
    if wanted.order_type in CONDITIONAL:
        ending.leg_trades(state, order)
    wanted.order_type = LIMIT if wanted.is_limit_kind else MARKET
    try:
        risk.check_may_trade(state, order.account, order.symbol)
        lots, hold = trading.plan(state, symbol, wanted, terms.held)
        trading.check_market(state, symbol, wanted, lots, own=risk.notional(symbol, wanted))
    except Reject as reject:
        refuse(state, symbol, order, reject.code)
        return
    more = hold - terms.held
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), more)
    symbol.area(order.area).leave(order)
    order.area = RESTING
    terms.held = 0
    order.qty = lots
    order.limit = wanted.price if wanted.order_type == LIMIT else 0
    _tell(state, symbol, order, 0, more, lots)
    trading.run(state, symbol, order, wanted, is_listed=True)


def activate(state: State, order: Order) -> None:
    """Its list has come to it."""
    symbol = state.symbols[order.symbol]
    wanted = wanted_again(order)
    terms = order.terms
    assert terms is not None
    is_fixed = wanted.order_type in CONDITIONAL and wanted.order_type not in TRAILING
    if wanted.order_type not in CONDITIONAL or (is_fixed and passing_price(symbol, wanted)):
        enter(state, order)
        return
    try:
        if state.is_strict:
            risk.check_may_trade(state, order.account, order.symbol)
        check_trigger(symbol, wanted)
    except Reject as reject:
        refuse(state, symbol, order, reject.code)
        return
    pair = ending.sibling(order)
    beside = ending.held_by(state, pair) if pair is not None else 0
    hold = max(0, hold_for(symbol, wanted) - beside)
    if hold > state.accounts.available[order.account, symbol.hold_asset(order.side)]:
        refuse(state, symbol, order, INSUFFICIENT_FUNDS)
        return
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), hold)
    terms.held = hold
    symbol.waits.leave(order)
    park(symbol, order)
    _tell(state, symbol, order, 0, hold, order.qty)


def _tell(state: State, symbol: Symbol, order: Order, code: int, more: int, lots: int) -> None:
    state.emit(
        OrderTriggered, symbol.id, side=order.side, code=code, order_id=order.order_id,
        account=order.account, price=symbol.last, hold_delta=more, qty=lots,
        area=0 if code else order.area,
    )  # fmt: skip


def refuse(state: State, symbol: Symbol, order: Order, code: int) -> None:
    _tell(state, symbol, order, code, 0, 0)
    ending.take_out(state, order, CANCELED_TRIGGER_REJECTED)


# --- pegged orders ------------------------------------------------------------------------------


def _place_pegged(state: State, symbol: Symbol, command: Command, wanted: Wanted) -> Reply:
    terms = wanted.terms
    assert terms is not None
    if len(symbol.pegs) >= PEGGED_PER_SYMBOL_MAX:
        raise Reject(TOO_MANY_OPEN_ORDERS, PEGGED_PER_SYMBOL_MAX)
    if _reference(symbol, wanted.side, terms) == 0:
        raise Reject(NO_LIQUIDITY)
    price = peg_price(state, symbol, wanted.side, terms)
    if price == 0:
        best = symbol.book.best(other(wanted.side)) or 0
        low, high = risk.bounds(symbol, wanted.side)
        nearest = risk.on_step(symbol, wanted.side, best + (1 if wanted.side == SELL else -1))
        is_shut = best and nearest < low if wanted.side == BUY else nearest > high
        if state.is_strict and not is_shut:
            raise Reject(PRICE_BAND, low if wanted.side == BUY else high)
        raise Reject(POST_ONLY_WOULD_TRADE, best)
    trading.check_notional(symbol, symbol.cost(price, wanted.qty))
    hold = symbol.hold_of(wanted.side, price, wanted.qty)
    available = state.accounts.available[wanted.account, symbol.hold_asset(wanted.side)]
    if hold > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    order = trading.accept(state, symbol, wanted, wanted.qty, hold, price)
    symbol.pegs.append(order)
    trading.rest(state, symbol, order)
    state.open_orders.setdefault(order.account, []).append(order)
    ending.emit_deltas(state, symbol, [order.place])
    return state.reply(
        command, status=STATUS_NEW, id=order.order_id, seq=symbol.seq, remaining=order.qty
    )


def _reference(symbol: Symbol, side: int, terms: Terms) -> int:
    return symbol.book.best_unpegged(other(side) if terms.flags & FLAG_PEG_OTHER else side)


def peg_price(state: State, symbol: Symbol, side: int, terms: Terms) -> int:
    """Where the order belongs now, 0 if there is no such price; `terms.price` is its cap."""
    reference = _reference(symbol, side, terms)
    if reference == 0:
        return 0
    price = reference + terms.peg
    best = symbol.book.best(other(side))
    if state.is_strict:
        return _strict_peg_price(symbol, side, terms, price)
    if side == BUY:
        price = min(price, terms.price or price)
        price = min(max(price, symbol.min_price), symbol.max_price)
        if best is not None:
            price = min(price, best - 1)
        return price if price >= symbol.min_price else 0
    price = max(price, terms.price)
    price = min(max(price, symbol.min_price), symbol.max_price)
    if best is not None:
        price = max(price, best + 1)
    return price if price <= symbol.max_price else 0


def _strict_peg_price(symbol: Symbol, side: int, terms: Terms, price: int) -> int:
    """As near as bounds, step and cap allow, and a step from the other side; else nowhere."""
    low, high = risk.bounds(symbol, side)
    if low > high:
        return 0
    cap, best = terms.price, symbol.book.best(other(side))
    if side == BUY:
        price = min(price, cap or price)
        price = risk.on_step(symbol, BUY, min(max(price, low), high))
        if best is not None and price >= best:
            price = risk.on_step(symbol, BUY, best - 1)
        return price if price >= low and price <= (cap or price) else 0
    price = max(price, cap)
    price = risk.on_step(symbol, SELL, min(max(price, low), high))
    if best is not None and price <= best:
        price = risk.on_step(symbol, SELL, best + 1)
    return price if cap <= price <= high else 0


def follow_pegs(state: State, symbol: Symbol) -> None:
    """Each moves to where it belongs, the oldest first."""
    for order in list(symbol.pegs):
        assert order.terms is not None
        price = peg_price(state, symbol, order.side, order.terms)
        if price in (0, order.limit):
            continue
        asset = symbol.hold_asset(order.side)
        more = symbol.hold_of(order.side, price, order.remaining)
        more -= symbol.hold_of(order.side, order.limit, order.remaining)
        if more > state.accounts.available[order.account, asset]:
            ending.take_out(state, order, CANCELED_UNFUNDED)
            continue
        before = order.place
        symbol.book.leave(order)
        state.accounts.reserve(order.account, asset, more)
        order.limit = price
        state.emit(
            OrderAmended, symbol.id, side=order.side, order_id=order.order_id,
            account=order.account, price=price, qty=order.qty, remaining=order.remaining,
            hold_delta=more, kept_priority=0,
        )  # fmt: skip
        ending.emit_deltas(state, symbol, [before])
        symbol.book.join(order)
        ending.emit_deltas(state, symbol, [order.place])
