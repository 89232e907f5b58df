"""CANCEL, AMEND and CANCEL_ALL, sentence by sentence as docs/machine.md has them.

Why it exists: what becomes of orders that are there already. Checks raise `Reject` and change
nothing. It must not know how an order is placed, but for what an amended one does when it trades.
"""

from core.codes import (
    BUY,
    CANCEL_ONLY,
    CANCELED_BY_USER,
    CANCELED_MASS,
    INSUFFICIENT_FUNDS,
    LIMIT,
    LOT_SIZE,
    MARKET_HALTED,
    MODE_AUCTION,
    MODE_CANCEL_ONLY,
    MODE_HARD_HALT,
    MODE_POST_ONLY,
    MODE_SOFT_HALT,
    NOT_OWNER,
    PEGGED,
    POST_ONLY,
    POST_ONLY_WOULD_TRADE,
    SELL,
    STATUS_CANCELED,
    STATUS_EXPIRED,
    STATUS_FILLED,
    STATUS_NEW,
    STATUS_PARTIALLY_FILLED,
    UNKNOWN_ORDER,
    VALIDATION,
)
from core.commands import FILTER_BUYS, FILTER_PARKED, FILTER_RESTING, FILTER_SELLS
from core.events import OrderAmended, Reply
from core.limits import CANCELS_PER_COMMAND_MAX, PRICE_TICKS_MAX
from sim.twin import ending, matching, risk, trading, waiting
from sim.twin.asking import TIPS, Wanted
from sim.twin.book import RESTING, Order, other
from sim.twin.ending import Levels
from sim.twin.matching import Guard
from sim.twin.state import Command, Reject, State, Symbol


def _find_owned(state: State, command: Command) -> tuple[Symbol, Order]:
    order = state.orders.get(command.words[4])
    if order is None or command.symbol not in (0, order.symbol):
        raise Reject(UNKNOWN_ORDER)
    state.use(order.symbol)
    if order.account != command.account:
        raise Reject(NOT_OWNER, stream=order.symbol)
    return state.symbols[order.symbol], order


def cancel(state: State, command: Command) -> Reply:
    symbol, order = _find_owned(state, command)
    if symbol.mode == MODE_HARD_HALT:
        raise Reject(MARKET_HALTED, symbol.mode, stream=symbol.id)
    filled = order.filled
    left = ending.take_out(state, order, CANCELED_BY_USER)
    return state.reply(
        command, status=STATUS_CANCELED, id=order.order_id, seq=symbol.seq, filled=filled,
        detail=left,
    )  # fmt: skip


# --- AMEND --------------------------------------------------------------------------------------


def amend(state: State, command: Command) -> Reply:
    symbol, order = _find_owned(state, command)
    try:
        risk.check_may_place(state, command.account, symbol)
        if order.area == RESTING:
            return _amend_resting(state, symbol, order, command)
        return _amend_parked(state, symbol, order, command)
    except Reject as reject:
        reject.stream = symbol.id
        raise


def _check_mode(symbol: Symbol, reduction: bool) -> None:
    if symbol.mode in (MODE_HARD_HALT, MODE_SOFT_HALT):
        raise Reject(MARKET_HALTED, symbol.mode)
    if symbol.mode == MODE_AUCTION and symbol.target is not None:
        raise Reject(MARKET_HALTED, symbol.mode)
    if symbol.mode == MODE_CANCEL_ONLY and not reduction:
        raise Reject(CANCEL_ONLY, symbol.mode)


def _amend_resting(state: State, symbol: Symbol, order: Order, command: Command) -> Reply:
    price, qty = command.words[5], command.words[6]
    reduction = price == order.limit and qty < order.qty
    _check_mode(symbol, reduction)
    _check_terms(state, order, qty - order.filled, command.words[7])
    _check_amend(symbol, order, price, qty)
    if not reduction:
        wanted = Wanted(
            order.account, order.symbol, order.side, LIMIT, order.time_in_force, price,
            qty - order.filled, (0, 0), 0,
        )  # fmt: skip
        was = symbol.cost(order.limit, order.remaining)
        risk.check_amend(state, symbol, wanted, qty - order.qty, was)
    else:
        risk.check_reduction(state, symbol, qty)
    hold_delta = _amended_hold(state, symbol, order, price, qty)

    filled_before, before = order.filled, order.place
    if reduction:
        less = order.qty - qty
        order.shown -= less - min(less, order.hidden)
    else:
        symbol.book.leave(order)
    order.limit, order.qty = price, qty
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), hold_delta)
    state.emit(
        OrderAmended, symbol.id, side=order.side, order_id=order.order_id, account=order.account,
        price=price, qty=qty, remaining=order.remaining, hold_delta=hold_delta,
        kept_priority=int(reduction),
    )  # fmt: skip
    if reduction:
        ending.emit_deltas(state, symbol, [before])
        return _amend_reply(state, command, symbol, order, 0, 0, stopped=False)
    out = matching.match(state, symbol, order, price, _guard(order))
    levels: Levels = [before, *out.levels]
    if out.stopped:
        released = symbol.hold_of(order.side, price, out.left)
        ending.emit_canceled(
            state, symbol, order, out.stopped, out.left, released, price
        )  # fmt: skip
        trading.end_taker(state, order, out.stopped, is_listed=True)
    elif out.left > 0:
        trading.rest(state, symbol, order)
        levels.append(order.place)
    else:
        trading.end_taker(state, order, ending.FILLED, is_listed=True)
    ending.emit_deltas(state, symbol, levels)
    filled = order.filled - filled_before
    return _amend_reply(state, command, symbol, order, filled, out.filled_quote, bool(out.stopped))


def _amend_reply(
    state: State, command: Command, symbol: Symbol, order: Order, filled: int, filled_quote: int,
    stopped: bool,
) -> Reply:  # fmt: skip
    if stopped:
        status = STATUS_EXPIRED
    elif order.remaining == 0:
        status = STATUS_FILLED
    else:
        status = STATUS_PARTIALLY_FILLED if order.filled else STATUS_NEW
    return state.reply(
        command, status=status, id=order.order_id, seq=symbol.seq, filled=filled,
        filled_quote=filled_quote, remaining=0 if stopped else order.remaining,
    )  # fmt: skip


def _guard(order: Order) -> Guard:
    if order.terms is None:
        return Guard(order.account)
    return Guard(order.account, order.terms.stp, order.terms.by_group)


def _check_terms(state: State, order: Order, left: int, trigger: int) -> None:
    terms = order.terms
    if terms is not None:
        if terms.list is not None or terms.order_type == PEGGED:
            raise Reject(VALIDATION, 4)
        if terms.display and left > terms.display * TIPS:
            raise Reject(VALIDATION, 6)
    if state.version >= 3 and trigger != 0:
        raise Reject(VALIDATION, 7)


def _check_amend(symbol: Symbol, order: Order, price: int, qty: int) -> None:
    """The new terms by themselves."""
    if price < 1:
        raise Reject(VALIDATION, 5)
    if qty < 1 or (price, qty) == (order.limit, order.qty):
        raise Reject(VALIDATION, 6)
    trading.check_band(symbol, price)
    if qty > symbol.max_qty:
        raise Reject(LOT_SIZE, symbol.max_qty)
    if qty <= order.filled:
        raise Reject(VALIDATION, order.filled)
    trading.check_notional(symbol, symbol.cost(price, qty))


def _amended_hold(state: State, symbol: Symbol, order: Order, price: int, qty: int) -> int:
    """How much more the order will hold than it does, negative for less."""
    reduction = price == order.limit and qty < order.qty
    post_only = order.time_in_force == POST_ONLY or symbol.mode == MODE_POST_ONLY
    reached = symbol.book.within(other(order.side), price)
    if not reduction and post_only and reached and symbol.mode != MODE_AUCTION:
        raise Reject(POST_ONLY_WOULD_TRADE, reached[0])
    held = symbol.hold_of(order.side, order.limit, order.remaining)
    hold_delta = symbol.hold_of(order.side, price, qty - order.filled) - held
    available = state.accounts.available[order.account, symbol.hold_asset(order.side)]
    if hold_delta > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    return hold_delta


def _amend_parked(state: State, symbol: Symbol, order: Order, command: Command) -> Reply:
    """An order that waits for its trigger: its price, quantity and trigger."""
    price, qty, trigger = command.words[5:8]
    terms = order.terms
    assert terms is not None
    wanted = waiting.wanted_again(order)
    _check_mode(symbol, price == terms.price and qty < terms.qty and trigger == 0)
    if terms.list is not None:
        raise Reject(VALIDATION, 4)
    if price < 0 or (price == 0) != (terms.price == 0):
        raise Reject(VALIDATION, 5)
    if not 0 <= trigger <= PRICE_TICKS_MAX or (trigger and not terms.trigger):
        raise Reject(VALIDATION, 7)
    moves = trigger not in (0, terms.trigger)
    if qty < 1 or (not moves and (price, qty) == (terms.price, terms.qty)):
        raise Reject(VALIDATION, 6)
    if state.is_strict and terms.display and qty > terms.display * TIPS:
        raise Reject(VALIDATION, 6)
    asked, was = (terms.price, terms.qty, terms.trigger), risk.notional(symbol, wanted)
    wanted.price, wanted.qty, terms.trigger = price, qty, trigger or terms.trigger
    try:
        trading.check_bounds(symbol, wanted)
        if not (price == asked[0] and qty < asked[1] and trigger == 0):
            risk.check_amend(state, symbol, wanted, qty - asked[1], was)
        elif not wanted.by_quote:
            risk.check_reduction(state, symbol, qty)
        if moves:
            waiting.check_trigger(symbol, wanted)
        more = waiting.hold_for(symbol, wanted) - terms.held
        available = state.accounts.available[order.account, symbol.hold_asset(order.side)]
        if more > available:
            raise Reject(INSUFFICIENT_FUNDS, available)
    except Reject:
        terms.price, terms.qty, terms.trigger = asked
        raise
    terms.price, terms.qty = price, qty
    terms.held += more
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), more)
    order.qty = 0 if wanted.by_quote else qty
    if moves:
        symbol.area(order.area).leave(order)
        waiting.park(symbol, order)
    state.emit(
        OrderAmended, symbol.id, side=order.side, order_id=order.order_id, account=order.account,
        price=price, qty=order.qty, remaining=order.qty, hold_delta=more,
        kept_priority=int(not moves),
    )  # fmt: skip
    if moves:
        trading.emit_terms(state, order, terms, 0)
    return state.reply(
        command, status=STATUS_NEW, id=order.order_id, seq=symbol.seq, remaining=order.qty
    )


# --- CANCEL_ALL ---------------------------------------------------------------------------------


def cancel_all(state: State, command: Command) -> Reply:
    what, low, high = command.words[4:7] if state.version >= 3 else (0, 0, 0)
    if not 0 <= what <= 15:
        raise Reject(VALIDATION, 4)
    if low < 0:
        raise Reject(VALIDATION, 5)
    if high < 0 or 0 < high < low:
        raise Reject(VALIDATION, 6)
    named = state.use(command.symbol) if command.symbol else None
    if named is not None and named.mode == MODE_HARD_HALT:
        raise Reject(MARKET_HALTED, named.mode)
    if command.account == 0:
        assert named is not None  # both 0 was refused before
        orders = [
            order
            for area in range(4) for side in (BUY, SELL)
            for order in named.area(area).orders(side)
            if _matches(order, what, low, high)
        ]  # fmt: skip
    else:
        orders = _of_account(state, command.account, command.symbol, (what, low, high), False)
    canceled = take_out_all(state, orders, CANCELED_MASS)
    return state.reply(
        command, status=STATUS_CANCELED, seq=named.seq if named is not None and canceled else 0,
        remaining=int(len(orders) > CANCELS_PER_COMMAND_MAX), detail=canceled,
    )  # fmt: skip


def _of_account(
    state: State, account: int, symbol: int, wanted: tuple[int, int, int], in_every_mode: bool
) -> list[Order]:
    """Those that may be canceled, the oldest first, up to one more than the bound."""
    found: list[Order] = []
    for order in state.open_orders.get(account, []):
        if symbol in (0, order.symbol):
            state.use(order.symbol)
            is_halted = state.symbols[order.symbol].mode == MODE_HARD_HALT
            if (in_every_mode or not is_halted) and _matches(order, *wanted):
                found.append(order)
                if len(found) > CANCELS_PER_COMMAND_MAX:
                    break
    return found


def of_account(state: State, account: int, symbol: int, reason: int) -> tuple[int, bool]:
    """Cancel them all, or as many as one command may: how many, and whether that was all."""
    orders = _of_account(state, account, symbol, (0, 0, 0), state.is_strict)
    taken = take_out_all(state, orders, reason)
    return taken, len(orders) <= CANCELS_PER_COMMAND_MAX


def take_out_all(state: State, orders: list[Order], reason: int) -> int:
    """How many of them were still there when their turn came."""
    taken = 0
    for order in orders[:CANCELS_PER_COMMAND_MAX]:
        if order.order_id in state.orders:
            state.use(order.symbol)
            ending.take_out(state, order, reason)
            taken += 1
    return taken


def _matches(order: Order, what: int, low: int, high: int) -> bool:
    sides, areas = what & 3, what & 12
    if sides and not sides & (FILTER_BUYS if order.side == BUY else FILTER_SELLS):
        return False
    if areas and not areas & (FILTER_RESTING if order.area == RESTING else FILTER_PARKED):
        return False
    price = order.limit
    if order.area != RESTING:
        assert order.terms is not None
        price = order.terms.price
    return low <= price and (high == 0 or price <= high)
