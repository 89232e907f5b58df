"""Call auctions, as docs/machine.md has them, in the plainest form.

Why it exists: the price of an uncrossing is a maximum over all prices of the crossed range, written
here as just that; and the uncrossing is one trade after the other.
"""

from core.codes import (
    BUY,
    CANCELED_AUCTION_OVER,
    MODE_AUCTION,
    MODE_NORMAL,
    MODE_POST_ONLY,
    OK,
    SELL,
    TRIPPED_BY_AUCTION,
)
from core.events import (
    AuctionCalled,
    AuctionEnded,
    AuctionIndicated,
    MarketProtected,
    OrderTriggered,
    SymbolModeChanged,
    TradeExecuted,
)
from core.limits import (
    CANCELS_PER_COMMAND_MAX,
    CASCADE_PER_COMMAND_MAX,
    TIME_NS_MAX,
    UNCROSS_TRADES_MAX,
)
from core.versions import VERSION_EXTENSIONS
from sim.twin import ending, fees, risk, trading, waiting
from sim.twin.book import RESTING, Order
from sim.twin.state import Reject, State, Symbol

FOR_AUCTION = 1
"""The price of the queue, on the SELL side of `Symbol.waits`, of orders for the next auction."""


def is_crossed(symbol: Symbol) -> bool:
    bid, ask = symbol.book.best(BUY), symbol.book.best(SELL)
    return bid is not None and ask is not None and bid >= ask


def reckon(state: State, symbol: Symbol) -> tuple[int, int, int]:
    """Price, volume and surplus of an uncrossing now; zeros if nothing would trade."""
    if not is_crossed(symbol):
        return 0, 0, 0
    bids = [(o.limit, o.remaining) for o in symbol.book.orders(BUY)]
    asks = [(o.limit, o.remaining) for o in symbol.book.orders(SELL)]
    low, high = asks[0][0], bids[0][0]
    rows = []
    for price in sorted({p for p, _ in bids + asks if low <= p <= high}):
        buys = sum(lots for limit, lots in bids if limit >= price)
        sells = sum(lots for limit, lots in asks if limit <= price)
        rows.append((price, min(buys, sells), buys - sells))
    most = max(volume for _, volume, _ in rows)
    rows = [row for row in rows if row[1] == most]
    least = min(abs(surplus) for *_, surplus in rows)
    rows = [row for row in rows if abs(row[2]) == least]
    if all(surplus > 0 for *_, surplus in rows):
        return rows[-1]
    if all(surplus < 0 for *_, surplus in rows):
        return rows[0]
    reference = risk.reference(symbol) if state.is_strict else symbol.last
    if state.is_strict and reference == 0:
        price = _middle(symbol, rows[0][0], rows[-1][0])
        buys = sum(lots for limit, lots in bids if limit >= price)
        sells = sum(lots for limit, lots in asks if limit <= price)
        return price, min(buys, sells), buys - sells
    return min(rows, key=lambda row: (abs(row[0] - reference), -row[0]))


def _middle(symbol: Symbol, low: int, high: int) -> int:
    """Of two prices, on the market's step of prices, but never below the lower one."""
    middle = (low + high) // 2
    return max(low, middle - middle % (symbol.rules.get("tick_step", 0) or 1))


def set_mode(state: State, symbol: Symbol, mode: int, until_ns: int) -> None:
    """From version 4 on."""
    old_mode = symbol.mode
    may_trade = mode in (MODE_NORMAL, MODE_POST_ONLY)
    if state.is_strict and symbol.target is not None:
        if may_trade:
            symbol.target = mode
            return
        if symbol.traded:
            _tell_end(state, symbol)
    symbol.target = None
    if may_trade and (old_mode == MODE_AUCTION or symbol.in_call or is_crossed(symbol)):
        _begin_uncrossing(state, symbol, mode)
        return
    if old_mode == MODE_AUCTION:
        _forget_extensions(state, symbol)
        _leave(symbol)
    symbol.mode = mode
    state.emit(SymbolModeChanged, symbol.id, mode=mode, old_mode=old_mode)
    if mode == MODE_AUCTION:
        _forget_extensions(state, symbol)
        symbol.call_end = until_ns
        state.emit(AuctionCalled, symbol.id, until_ns=until_ns)


def _leave(symbol: Symbol) -> None:
    symbol.call_end = 0
    symbol.indicated = (0, 0, 0)


def _forget_extensions(state: State, symbol: Symbol) -> None:
    if state.version >= VERSION_EXTENSIONS:
        symbol.tripped = symbol.window_start = symbol.window_count = 0


def time_is_over(state: State, symbol: Symbol) -> None:
    """Of the call: it is extended while the price is too far away, or it ends."""
    symbol.call_end = 0
    if state.is_strict and symbol.target is not None:
        return
    price = reckon(state, symbol)[0]
    if symbol.target is None and _extends(state, symbol, price):
        symbol.window_count += 1
        symbol.call_end = state.now + symbol.rules["call_ns"]
        state.emit(
            MarketProtected, symbol.id, tripped_by=TRIPPED_BY_AUCTION, action=MODE_AUCTION,
            price=price, begin=risk.reference(symbol),
        )  # fmt: skip
        state.emit(AuctionCalled, symbol.id, until_ns=symbol.call_end)
        return
    if state.is_strict:
        _begin_uncrossing(state, symbol, MODE_NORMAL)
    else:
        end(symbol, MODE_NORMAL)
    state.note(symbol.id)


def _extends(state: State, symbol: Symbol, price: int) -> bool:
    if state.version < VERSION_EXTENSIONS or state.now > TIME_NS_MAX:
        return False
    reference = risk.reference(symbol)
    move = symbol.rules.get("move_bps", 0) * (1 + symbol.window_count)
    if not (price and reference and move and symbol.rules["call_ns"]):
        return False
    return not risk.lowest(reference, move) <= price <= risk.highest(reference, move)


def end(symbol: Symbol, target: int) -> None:
    symbol.target = target
    symbol.uncross = symbol.traded = 0


def _begin_uncrossing(state: State, symbol: Symbol, target: int) -> None:
    """And its first part."""
    end(symbol, target)
    if not go_on(state, symbol):
        symbol.backlog = True


def go_on(state: State, symbol: Symbol) -> bool:
    """One part of an uncrossing; whether it is over."""
    assert symbol.target is not None
    while is_crossed(symbol):
        symbol.uncross = symbol.uncross or reckon(state, symbol)[0]
        if not _trade(state, symbol):
            return False
        if is_crossed(symbol):
            symbol.uncross = 0
    for order in symbol.in_call[:CANCELS_PER_COMMAND_MAX]:
        ending.take_out(state, order, CANCELED_AUCTION_OVER)
    if symbol.in_call:
        return False
    _tell_end(state, symbol)
    old_mode, symbol.mode, symbol.target = symbol.mode, symbol.target, None
    if old_mode == MODE_AUCTION:
        _forget_extensions(state, symbol)
    _leave(symbol)
    state.emit(SymbolModeChanged, symbol.id, mode=symbol.mode, old_mode=old_mode)
    return True


def _tell_end(state: State, symbol: Symbol) -> None:
    if symbol.traded:
        symbol.last = symbol.auction_price = symbol.uncross
        if symbol.is_watched():
            symbol.high = max(symbol.high, symbol.last)
            symbol.low = min(symbol.low or symbol.last, symbol.last)
        waiting.follow_trails(state, symbol, symbol.last)
    state.emit(
        AuctionEnded, symbol.id, price=symbol.uncross if symbol.traded else 0, volume=symbol.traded
    )


def _trade(state: State, symbol: Symbol) -> bool:
    price, levels, trades = symbol.uncross, [], 0
    is_over = True
    while True:
        buyer, seller = symbol.book.first(BUY, 0), symbol.book.first(SELL, 0)
        if buyer is None or seller is None or buyer.limit < price or seller.limit > price:
            break
        if trades == UNCROSS_TRADES_MAX:
            is_over = False
            break
        trades += 1
        levels += [buyer.place, seller.place]
        _cross(state, symbol, buyer, seller, price)
    unique = sorted(set(levels), key=levels.index)
    for side in (BUY, SELL):
        ending.emit_deltas(state, symbol, [level for level in unique if level[0] == side])
    return is_over


def _cross(state: State, symbol: Symbol, buyer: Order, seller: Order, price: int) -> None:
    """One trade; in its event the buyer stands as the taker, and both pay as makers."""
    lots = min(buyer.visible, seller.visible)
    quote_units, base_units = symbol.cost(price, lots), lots * symbol.lot_units
    of_seller, of_buyer = fees.rates_of(
        state, symbol, seller.account, buyer.account, in_auction=True
    )
    fees.note(state, symbol, seller.account, buyer.account, quote_units)
    buyer_fee = fees.fee(state, symbol.base, base_units, of_buyer[0])
    seller_fee = fees.fee(state, symbol.quote, quote_units, of_seller[0])
    release = symbol.cost(buyer.limit - price, lots)
    accounts = state.accounts
    accounts.pay(buyer.account, seller.account, symbol.quote, quote_units, seller_fee)
    accounts.pay(seller.account, buyer.account, symbol.base, base_units, buyer_fee)
    accounts.reserve(buyer.account, symbol.quote, -release)
    buyer.filled += lots
    seller.filled += lots
    symbol.trades += 1
    symbol.traded += lots
    state.emit(
        TradeExecuted, symbol.id, side=BUY, trade_id=symbol.trades, price=price, qty=lots,
        maker_order=seller.order_id, taker_order=buyer.order_id, maker_account=seller.account,
        taker_account=buyer.account, quote_units=quote_units, maker_fee=seller_fee,
        taker_fee=buyer_fee, maker_remaining=seller.remaining, taker_remaining=buyer.remaining,
        taker_release=release,
    )  # fmt: skip
    fees.tell(state, symbol, of_seller, of_buyer)
    for account in (buyer.account, seller.account):
        risk.note_trade(state, symbol, account, quote_units)
    for order in (buyer, seller):
        if order.remaining == 0:
            symbol.book.leave(order)
            ending.close(state, order)
        elif order.terms is not None and order.terms.display:
            order.shown -= lots
            if order.shown == 0:
                symbol.book.leave(order)
                order.shown = min(order.terms.display, order.remaining)
                symbol.book.join(order)
    for order in (buyer, seller):
        ending.leg_trades(state, order)
        if order.remaining == 0:
            ending.ended(state, order, ending.FILLED)


# --- during the call ----------------------------------------------------------------------------


def settle(state: State, symbol: Symbol) -> None:
    """Orders that waited for the auction join it; then what would trade, if that has changed."""
    queue = symbol.waits.queue(SELL, FOR_AUCTION)
    for order in queue[:CASCADE_PER_COMMAND_MAX]:
        enter(state, symbol, order)
    now = reckon(state, symbol)
    if now != symbol.indicated:
        symbol.indicated = now
        state.emit(
            AuctionIndicated, symbol.id, price=now[0], volume=now[1], surplus=now[2]
        )  # fmt: skip
    symbol.backlog = bool(symbol.waits.queue(SELL, FOR_AUCTION))


def enter(state: State, symbol: Symbol, order: Order) -> None:
    assert order.terms is not None
    if state.is_strict:
        try:
            risk.check_may_trade(state, order.account, symbol.id)
        except Reject as reject:
            waiting.refuse(state, symbol, order, reject.code)
            return
    symbol.waits.leave(order)
    order.area, order.terms.held, order.limit = RESTING, 0, order.terms.price
    state.emit(
        OrderTriggered, symbol.id, side=order.side, code=OK, order_id=order.order_id,
        account=order.account, price=symbol.last, hold_delta=0, qty=order.qty, area=0,
    )  # fmt: skip
    trading.rest(state, symbol, order)
    ending.emit_deltas(state, symbol, [order.place])
