"""PLACE, CANCEL, AMEND and CANCEL_ALL, sentence by sentence as docs/machine.md has them.

Why it exists: the rules of trading in their plainest form. Checks raise `Reject` and change
nothing; after the last check nothing can fail. It must not know idempotency, which stands around
every trading command in `machine`.
"""

from core.codes import (
    BUY,
    CANCEL_ONLY,
    CANCELED_BY_USER,
    CANCELED_IOC_REMAINDER,
    CANCELED_MARKET_REMAINDER,
    CANCELED_MASS,
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
    MODE_CANCEL_ONLY,
    MODE_HARD_HALT,
    MODE_POST_ONLY,
    MODE_SOFT_HALT,
    NO_LIQUIDITY,
    NOT_OWNER,
    OVERLOADED,
    POST_ONLY,
    POST_ONLY_WOULD_TRADE,
    PRICE_BAND,
    SELL,
    STATUS_CANCELED,
    STATUS_EXPIRED,
    STATUS_FILLED,
    STATUS_NEW,
    STATUS_PARTIALLY_FILLED,
    TOO_MANY_OPEN_ORDERS,
    UNKNOWN_ORDER,
    VALIDATION,
)
from core.commands import FLAG_BY_QUOTE
from core.events import (
    BookDelta,
    OrderAccepted,
    OrderAmended,
    OrderCanceled,
    Reply,
    TradeExecuted,
)
from core.limits import CANCELS_PER_COMMAND_MAX
from sim.twin.book import Order, other
from sim.twin.state import SLOTS, Command, Reject, State, Symbol

Levels = list[tuple[int, int]]
"""(side, price) of levels that changed, in the order in which their deltas are due."""


# --- PLACE ------------------------------------------------------------------------------------


def place(state: State, command: Command) -> Reply:
    symbol = state.symbols[command.symbol]
    time_in_force = _time_in_force_in_mode(symbol, command)
    _check_place_fields(command, time_in_force)
    price, amount, client = command.words[4], command.words[5], command.words[6:8]
    by_quote = command.flags == FLAG_BY_QUOTE
    is_limit = command.order_type == LIMIT
    if is_limit:
        _check_band(symbol, price)
    if not by_quote and amount > symbol.max_qty:
        raise Reject(LOT_SIZE, symbol.max_qty)
    if is_limit or by_quote:
        _check_notional(symbol, amount if by_quote else symbol.cost(price, amount))
    open_orders = state.open_orders.get(command.account, [])
    may_rest = is_limit and time_in_force in (GTC, POST_ONLY)
    if may_rest and len(open_orders) >= state.limits.open_orders:
        raise Reject(TOO_MANY_OPEN_ORDERS, state.limits.open_orders)
    if not state.slot_is_left():
        raise Reject(OVERLOADED, SLOTS)
    if client != (0, 0):
        for order in open_orders:
            if order.client == client:
                raise Reject(DUPLICATE_ORDER_ID, order.order_id)
    _check_liquidity(symbol, command, time_in_force)
    qty, hold = _lots_and_hold(symbol, command)
    available = state.accounts.available[command.account, symbol.hold_asset(command.side)]
    if hold > available:
        raise Reject(INSUFFICIENT_FUNDS, available)

    order = Order(
        order_id=state.take_order_id(), account=command.account, symbol=symbol.id,
        side=command.side, limit=price, qty=qty, time_in_force=time_in_force,
        client=(client[0], client[1]),
    )  # fmt: skip
    state.emit(
        OrderAccepted, symbol.id, side=order.side, order_type=command.order_type,
        time_in_force=time_in_force, order_id=order.order_id, account=order.account, price=price,
        qty=qty, quote_qty=amount if by_quote else 0, hold=hold, client_hi=client[0],
        client_lo=client[1],
    )  # fmt: skip
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), hold)
    filled_quote, levels = _match(state, symbol, order)
    expired = order.remaining > 0 and (not is_limit or time_in_force in (IOC, FOK))
    if expired:
        reason = CANCELED_IOC_REMAINDER if is_limit else CANCELED_MARKET_REMAINDER
        _emit_canceled(state, symbol, order, reason)
    if order.remaining == 0 or expired:
        state.give_back(order.order_id)
    else:
        _rest(state, symbol, order)
        state.open_orders.setdefault(order.account, []).append(order)
        levels.append((order.side, order.limit))
    _emit_deltas(state, symbol, levels)
    return state.reply(
        command, status=STATUS_EXPIRED if expired else _status(order), id=order.order_id,
        seq=symbol.seq, filled=order.filled, filled_quote=filled_quote,
        remaining=0 if expired else order.remaining,
    )  # fmt: skip


def _time_in_force_in_mode(symbol: Symbol, command: Command) -> int:
    """The order's time in force; in POST_ONLY mode a GTC order becomes a POST_ONLY one."""
    if symbol.mode in (MODE_HARD_HALT, MODE_SOFT_HALT):
        raise Reject(MARKET_HALTED, symbol.mode)
    if symbol.mode == MODE_CANCEL_ONLY:
        raise Reject(CANCEL_ONLY, symbol.mode)
    if symbol.mode == MODE_POST_ONLY:
        if command.order_type == MARKET or command.time_in_force in (IOC, FOK):
            raise Reject(MARKET_HALTED, symbol.mode)
        if command.time_in_force == GTC:
            return POST_ONLY
    return command.time_in_force


def _check_place_fields(command: Command, time_in_force: int) -> None:
    by_quote = command.flags == FLAG_BY_QUOTE
    market = command.order_type == MARKET
    if (
        command.side not in (BUY, SELL)
        or command.order_type not in (LIMIT, MARKET)
        or time_in_force not in (GTC, IOC, FOK, POST_ONLY)
        or command.flags not in (0, FLAG_BY_QUOTE)
        or (market and time_in_force in (GTC, POST_ONLY))
        or (by_quote and (not market or time_in_force == FOK))
    ):
        raise Reject(VALIDATION, 0)
    price, qty = command.words[4], command.words[5]
    if (market and price != 0) or (not market and price < 1):
        raise Reject(VALIDATION, 4)
    if qty < 1:
        raise Reject(VALIDATION, 5)


def _check_band(symbol: Symbol, price: int) -> None:
    if price < symbol.min_price:
        raise Reject(PRICE_BAND, symbol.min_price)
    if price > symbol.max_price:
        raise Reject(PRICE_BAND, symbol.max_price)


def _check_notional(symbol: Symbol, notional: int) -> None:
    if notional < symbol.min_notional:
        raise Reject(MIN_NOTIONAL, symbol.min_notional)
    if notional > symbol.max_notional:
        raise Reject(MAX_NOTIONAL, symbol.max_notional)


def _check_liquidity(symbol: Symbol, command: Command, time_in_force: int) -> None:
    price, qty = command.words[4], command.words[5]
    side = other(command.side)
    best = symbol.book.best(side)
    if command.order_type == MARKET and best is None:
        raise Reject(NO_LIQUIDITY)
    if command.flags == FLAG_BY_QUOTE and best is not None and qty < symbol.cost(best, 1):
        raise Reject(MIN_NOTIONAL, symbol.cost(best, 1))
    if time_in_force == POST_ONLY and best in symbol.book.within(side, price):
        raise Reject(POST_ONLY_WOULD_TRADE, best or 0)
    if time_in_force == FOK and symbol.book.liquidity(side, price) < qty:
        raise Reject(FOK_UNFILLABLE, symbol.book.liquidity(side, price))


def _lots_and_hold(symbol: Symbol, command: Command) -> tuple[int, int]:
    """Lots that the order is for, and what it reserves."""
    price, amount = command.words[4], command.words[5]
    if command.order_type == LIMIT:
        return amount, symbol.hold_of(command.side, price, amount)
    side = other(command.side)
    if command.flags == FLAG_BY_QUOTE:
        plan = symbol.book.plan_by_quote(side, amount, symbol.tick_value)
        qty = sum(lots for _, lots in plan)
    else:
        plan = symbol.book.plan_by_qty(side, amount)
        qty = amount
    return qty, sum(symbol.hold_of(command.side, at, lots) for at, lots in plan)


# --- matching, and what every order's life has in common ---------------------------------------


def _match(state: State, symbol: Symbol, taker: Order) -> tuple[int, Levels]:
    """Trade with the other side; quote units traded, and the levels that did."""
    side = other(taker.side)
    traded_quote = 0
    levels: Levels = []
    for price in symbol.book.within(side, taker.limit):
        for maker in list(symbol.book.queue(side, price)):
            if taker.remaining == 0:
                break
            traded_quote += _trade(state, symbol, maker, taker)
            if (side, price) not in levels:
                levels.append((side, price))
    return traded_quote, levels


def _trade(state: State, symbol: Symbol, maker: Order, taker: Order) -> int:
    price = maker.limit
    lots = min(maker.remaining, taker.remaining)
    quote_units = symbol.cost(price, lots)
    base_units = lots * symbol.lot_units
    release = 0
    if taker.side == BUY and taker.limit != 0:
        release = symbol.cost(taker.limit, lots) - quote_units
    buyer, seller = (taker, maker) if taker.side == BUY else (maker, taker)
    buyer_ppm = symbol.taker_ppm if buyer is taker else symbol.maker_ppm
    seller_ppm = symbol.taker_ppm if seller is taker else symbol.maker_ppm
    buyer_fee = base_units * buyer_ppm // 10**6
    seller_fee = quote_units * seller_ppm // 10**6
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
    if maker.remaining == 0:
        symbol.book.leave(maker)
        _close(state, maker)
    return quote_units


def _rest(state: State, symbol: Symbol, order: Order) -> None:
    symbol.book.join(order)
    state.orders[order.order_id] = order


def _close(state: State, order: Order) -> None:
    """The end of life of an order that has rested."""
    del state.orders[order.order_id]
    state.open_orders[order.account].remove(order)
    state.give_back(order.order_id)


def _emit_canceled(state: State, symbol: Symbol, order: Order, reason: int) -> None:
    """What the order still reserves goes back to available. A market order reserves no more."""
    released = 0
    if order.limit != 0:
        released = symbol.hold_of(order.side, order.limit, order.remaining)
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), -released)
    state.emit(
        OrderCanceled, symbol.id, side=order.side, reason=reason, order_id=order.order_id,
        account=order.account, qty=order.remaining, released=released, price=order.limit,
    )  # fmt: skip


def _emit_deltas(state: State, symbol: Symbol, levels: Levels) -> None:
    """One for each level, as it stands now; a level named twice has its delta at the end."""
    for at, (side, price) in enumerate(levels):
        if (side, price) not in levels[at + 1 :]:
            state.emit(
                BookDelta, symbol.id, side=side, price=price,
                total=symbol.book.total(side, price), orders=len(symbol.book.queue(side, price)),
            )  # fmt: skip


def _status(order: Order) -> int:
    if order.remaining == 0:
        return STATUS_FILLED
    return STATUS_PARTIALLY_FILLED if order.filled else STATUS_NEW


# --- CANCEL -----------------------------------------------------------------------------------


def _find_owned(state: State, command: Command) -> tuple[Symbol, Order]:
    order = state.orders.get(command.words[4])
    if order is None or command.symbol not in (0, order.symbol):
        raise Reject(UNKNOWN_ORDER)
    if order.account != command.account:
        raise Reject(NOT_OWNER, stream=order.symbol)
    return state.symbols[order.symbol], order


def cancel(state: State, command: Command) -> Reply:
    symbol, order = _find_owned(state, command)
    if symbol.mode == MODE_HARD_HALT:
        raise Reject(MARKET_HALTED, symbol.mode, stream=symbol.id)
    _cancel_resting(state, symbol, order, CANCELED_BY_USER)
    return state.reply(
        command, status=STATUS_CANCELED, id=order.order_id, seq=symbol.seq, filled=order.filled,
        detail=order.remaining,
    )  # fmt: skip


def _cancel_resting(state: State, symbol: Symbol, order: Order, reason: int) -> None:
    symbol.book.leave(order)
    _emit_canceled(state, symbol, order, reason)
    _close(state, order)
    _emit_deltas(state, symbol, [(order.side, order.limit)])


# --- AMEND ------------------------------------------------------------------------------------


def amend(state: State, command: Command) -> Reply:
    symbol, order = _find_owned(state, command)
    price, qty = command.words[5], command.words[6]
    reduction = price == order.limit and qty < order.qty
    try:
        hold_delta = _check_amend(state, symbol, order, price, qty)
    except Reject as reject:
        reject.stream = symbol.id
        raise

    filled_before = order.filled
    levels: Levels = [(order.side, order.limit)]
    if not reduction:
        symbol.book.leave(order)
    order.limit, order.qty = price, qty
    state.accounts.reserve(order.account, symbol.hold_asset(order.side), hold_delta)
    state.emit(
        OrderAmended, symbol.id, side=order.side, order_id=order.order_id, account=order.account,
        price=price, qty=qty, remaining=order.remaining, hold_delta=hold_delta,
        kept_priority=int(reduction),
    )  # fmt: skip
    filled_quote = 0
    if not reduction:
        filled_quote, traded = _match(state, symbol, order)
        levels += traded
        if order.remaining > 0:
            _rest(state, symbol, order)
            levels.append((order.side, order.limit))
        else:
            _close(state, order)
    _emit_deltas(state, symbol, levels)
    return state.reply(
        command, status=_status(order), id=order.order_id, seq=symbol.seq,
        filled=order.filled - filled_before, filled_quote=filled_quote,
        remaining=order.remaining,
    )  # fmt: skip


def _check_amend(state: State, symbol: Symbol, order: Order, price: int, qty: int) -> int:
    """How much more the order will hold than it does, negative for less."""
    reduction = price == order.limit and qty < order.qty
    if symbol.mode in (MODE_HARD_HALT, MODE_SOFT_HALT):
        raise Reject(MARKET_HALTED, symbol.mode)
    if symbol.mode == MODE_CANCEL_ONLY and not reduction:
        raise Reject(CANCEL_ONLY, symbol.mode)
    if price < 1:
        raise Reject(VALIDATION, 5)
    if qty < 1 or (price, qty) == (order.limit, order.qty):
        raise Reject(VALIDATION, 6)
    _check_band(symbol, price)
    if qty > symbol.max_qty:
        raise Reject(LOT_SIZE, symbol.max_qty)
    if qty <= order.filled:
        raise Reject(VALIDATION, order.filled)
    _check_notional(symbol, symbol.cost(price, qty))
    post_only = order.time_in_force == POST_ONLY or symbol.mode == MODE_POST_ONLY
    reached = symbol.book.within(other(order.side), price)
    if not reduction and post_only and reached:
        raise Reject(POST_ONLY_WOULD_TRADE, reached[0])
    held = symbol.hold_of(order.side, order.limit, order.remaining)
    hold_delta = symbol.hold_of(order.side, price, qty - order.filled) - held
    available = state.accounts.available[order.account, symbol.hold_asset(order.side)]
    if hold_delta > available:
        raise Reject(INSUFFICIENT_FUNDS, available)
    return hold_delta


# --- CANCEL_ALL -------------------------------------------------------------------------------


def cancel_all(state: State, command: Command) -> Reply:
    named = state.symbols.get(command.symbol)
    if named is not None and named.mode == MODE_HARD_HALT:
        raise Reject(MARKET_HALTED, named.mode)
    if command.account == 0:
        assert named is not None  # both 0 was refused before
        orders = [*named.book.orders(BUY), *named.book.orders(SELL)]
    else:
        orders = [
            order
            for order in state.open_orders.get(command.account, [])
            if command.symbol in (0, order.symbol)
            and state.symbols[order.symbol].mode != MODE_HARD_HALT
        ]
    doomed = orders[:CANCELS_PER_COMMAND_MAX]
    for order in doomed:
        _cancel_resting(state, state.symbols[order.symbol], order, CANCELED_MASS)
    return state.reply(
        command, status=STATUS_CANCELED, seq=named.seq if named is not None and doomed else 0,
        remaining=int(len(orders) > len(doomed)), detail=len(doomed),
    )  # fmt: skip
