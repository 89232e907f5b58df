"""Rules of markets and accounts, as docs/machine.md has them.

Why it exists: bands, collars, breakers and limits in their plainest form: each rule is one sentence
there and one function here.
"""

from dataclasses import dataclass, field

from core.codes import (
    AUCTION,
    BUY,
    CANCEL_ONLY,
    LOT_SIZE,
    MARKET_HALTED,
    MAX_NOTIONAL,
    MODE_AUCTION,
    PRICE_BAND,
    SELL,
    TICK_SIZE,
    TOO_MANY_OPEN_ORDERS,
    TOO_MANY_REQUESTS,
    TRIPPED_BY_COUNT,
    TRIPPED_BY_MOVE,
)
from core.commands import FLAG_BY_QUOTE, RULE_NAMES
from core.limits import AMOUNT_MAX, DAY_NS, PRICE_TICKS_MAX, QTY_LOTS_MAX
from sim.twin.asking import CONDITIONAL, Wanted
from sim.twin.book import RESTING, other
from sim.twin.state import Reject, State, Symbol

VERSION = 5
ACTIVE, FROZEN = 0, 2
BPS_MAX, COUNT_MAX, RATE_MAX = 1_000_000, 1_000_000, 10**9
MOST = (
    *(BPS_MAX,) * 6, COUNT_MAX, BPS_MAX, DAY_NS, MODE_AUCTION, DAY_NS, PRICE_TICKS_MAX,
    QTY_LOTS_MAX, QTY_LOTS_MAX, AMOUNT_MAX, 1 << 24, 1 << 24, RATE_MAX, COUNT_MAX, AMOUNT_MAX,
)  # fmt: skip
OWN = RULE_NAMES[-6:]


@dataclass
class Desk:
    """An account in a market."""

    own: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    is_left: bool = False
    """Some of its orders were more than the kill could cancel at once."""
    next_ns: int = 0
    day: int = 0
    traded: int = 0


def desk_of(state: State, account: int, symbol: int) -> Desk:
    desk = state.desks.get((account, symbol), Desk())
    assert isinstance(desk, Desk)
    return desk


def limit(state: State, account: int, symbol: Symbol, rule: str) -> int:
    """What holds for the account in the market; 0 is none."""
    own = desk_of(state, account, symbol.id).own.get(rule, 0)
    if own < 0:
        return 0
    return own or symbol.rules.get(rule, 0)


# --- who asks -----------------------------------------------------------------------------------


def check_may_act(state: State, account: int) -> None:
    if account and state.version >= VERSION and _state_of(state, account) == FROZEN:
        raise Reject(MARKET_HALTED, FROZEN)


def _state_of(state: State, account: int) -> int:
    return state.restrictions.get(account, (0, 0))[0]


def check_may_trade(state: State, account: int, symbol: int) -> None:
    if state.version < VERSION:
        return
    if _state_of(state, account) != ACTIVE:
        raise Reject(CANCEL_ONLY, _state_of(state, account))
    if desk_of(state, account, symbol).killed:
        raise Reject(CANCEL_ONLY, 0)


def check_may_place(state: State, account: int, symbol: Symbol) -> None:
    """And takes a token of the rate."""
    check_may_trade(state, account, symbol.id)
    rate = limit(state, account, symbol, "rate") if state.version >= VERSION else 0
    if rate == 0:
        return
    gap = 10**9 // rate
    burst = limit(state, account, symbol, "burst")
    desk = state.desks.setdefault((account, symbol.id), Desk())
    assert isinstance(desk, Desk)
    next_ns = max(desk.next_ns, state.now)
    if next_ns - state.now > max(0, burst - 1) * gap:
        raise Reject(TOO_MANY_REQUESTS, rate)
    desk.next_ns = min(next_ns + gap, 2**63 - 1)


def check_may_withdraw(state: State, account: int) -> None:
    if _state_of(state, account) == FROZEN:
        raise Reject(MARKET_HALTED, FROZEN)
    if any(state.restrictions.get(a, (0, 0))[1] for a in (0, account)):
        raise Reject(MARKET_HALTED, 0)


# --- what is asked for --------------------------------------------------------------------------


def _static(symbol: Symbol) -> int:
    return symbol.auction_price or symbol.reference


def reference(symbol: Symbol) -> int:
    return symbol.last or _static(symbol)


def highest(price: int, bps: int) -> int:
    return min(price + price * bps // 10_000, 2 * PRICE_TICKS_MAX)


def lowest(price: int, bps: int) -> int:
    return max(price - price * bps // 10_000, 1)


def check_price(symbol: Symbol, side: int, price: int) -> None:
    """Its step, and its band."""
    step = symbol.rules.get("tick_step", 0)
    if step > 1 and price % step:
        raise Reject(TICK_SIZE, step)
    above, below = band(symbol, side)
    if above is not None and price > above:
        raise Reject(PRICE_BAND, above)
    if below is not None and price < below:
        raise Reject(PRICE_BAND, below)


def band(symbol: Symbol, side: int) -> tuple[int | None, int | None]:
    """The highest and the lowest limit price of that side; None: any."""
    name, at = "buy" if side == BUY else "sell", reference(symbol)
    up, down = (symbol.rules.get(f"{name}_{way}_bps", 0) for way in ("up", "down"))
    return highest(at, up) if at and up else None, lowest(at, down) if at and down else None


def on_step(symbol: Symbol, side: int, price: int) -> int:
    """The next price on the step, away from the other side."""
    step = symbol.rules.get("tick_step", 0) or 1
    return price // step * step if side == BUY else -(-price // step) * step


def bounds(symbol: Symbol, side: int) -> tuple[int, int]:
    """From where to where an order may stand: the listing's bounds, its band, its collar."""
    above, below = band(symbol, side)
    lows = [symbol.min_price, below or 0]
    highs = [symbol.max_price, above or symbol.max_price]
    edge = edge_of(symbol, side, 0)
    if edge:
        (highs if side == BUY else lows).append(edge)
    return on_step(symbol, SELL, max(lows)), on_step(symbol, BUY, min(highs))


def check_price_and_lots(symbol: Symbol, wanted: Wanted) -> None:
    if wanted.by_quote:
        return
    if wanted.price:
        check_price(symbol, wanted.side, wanted.price)
    _check_lots(symbol, wanted.qty)


def _check_lots(symbol: Symbol, qty: int) -> None:
    rules = symbol.rules
    if qty < rules.get("min_qty", 0):
        raise Reject(LOT_SIZE, rules["min_qty"])
    if rules.get("lot_step", 0) > 1 and qty % rules["lot_step"]:
        raise Reject(LOT_SIZE, rules["lot_step"])


def check_order(
    state: State, symbol: Symbol, wanted: Wanted, orders: int, before: list[Wanted] | None = None
) -> None:
    """`before`: the legs before it in its list, which count as if they were there already."""
    if state.version < VERSION:
        return
    earlier = before or [] if state.is_strict else []
    check_price_and_lots(symbol, wanted)
    account = wanted.account
    here = [o for o in state.open_orders.get(account, []) if o.symbol == symbol.id]
    open_max = limit(state, account, symbol, "open_orders")
    if open_max and wanted.may_rest and len(here) > open_max - orders:
        raise Reject(TOO_MANY_OPEN_ORDERS, open_max)
    parked_max = limit(state, account, symbol, "parked_orders")
    parked = sum(o.area != RESTING for o in here)
    parked += sum(_parks(state, symbol, leg, at) for at, leg in enumerate(earlier))
    if parked_max and _parks(state, symbol, wanted, len(earlier)) and parked >= parked_max:
        raise Reject(TOO_MANY_OPEN_ORDERS, parked_max)
    lots = sum(leg.qty for leg in [*earlier, wanted] if leg.side == BUY and not leg.by_quote)
    _check_position(state, symbol, wanted, lots)
    quote = sum(notional(symbol, leg) for leg in [*earlier, wanted])
    _check_daily(state, symbol, wanted, quote, own=0)


def _parks(state: State, symbol: Symbol, wanted: Wanted, at: int) -> bool:
    """Whether it will wait outside of the book, as far as the limit of parked orders sees it."""
    if wanted.order_type in CONDITIONAL:
        return True
    for_auction = wanted.time_in_force == AUCTION and symbol.mode != MODE_AUCTION
    return state.is_strict and (at > 0 or for_auction)


def check_amend(state: State, symbol: Symbol, wanted: Wanted, more: int, was: int) -> None:
    """`was`: the quote units that the order named before."""
    if state.version < VERSION:
        return
    check_price_and_lots(symbol, wanted)
    if more > 0:
        _check_position(state, symbol, wanted, 0 if wanted.by_quote else more)
    now = notional(symbol, wanted)
    if not state.is_strict:
        _check_daily(state, symbol, wanted, now, own=0)
    elif now > was:
        _check_daily(state, symbol, wanted, now - was, own=0)


def check_reduction(state: State, symbol: Symbol, qty: int) -> None:
    """An order made smaller is still one of the market's lots."""
    if state.is_strict:
        _check_lots(symbol, qty)


def check_plan(
    state: State, symbol: Symbol, wanted: Wanted, lots: int, spent: int, own: int
) -> None:
    """A market order by what it is about to trade; `own` quote units of what is open are its."""
    if wanted.by_quote:
        _check_position(state, symbol, wanted, lots)
    _check_daily(state, symbol, wanted, spent, own)


def notional(symbol: Symbol, wanted: Wanted) -> int:
    """Quote units that it names."""
    return wanted.qty if wanted.by_quote else symbol.cost(wanted.price, wanted.qty)


def _notional_open(state: State, symbol: Symbol, account: int) -> int:
    """Of all its open orders here; beyond 2**62 nobody counts."""
    total = 0
    for order in state.open_orders.get(account, []):
        if order.symbol != symbol.id:
            continue
        if order.area == RESTING:
            total += symbol.cost(order.limit, order.remaining)
        elif order.terms is not None and order.terms.flags & FLAG_BY_QUOTE:
            total += order.terms.qty
        elif order.terms is not None:
            total += symbol.cost(order.terms.price, order.terms.qty)
    return min(total, AMOUNT_MAX)


def _check_position(state: State, symbol: Symbol, wanted: Wanted, more: int) -> None:
    most = limit(state, wanted.account, symbol, "max_position")
    if most == 0 or wanted.side != BUY:
        return
    base = (wanted.account, symbol.base)
    owned = (state.accounts.available[base] + state.accounts.hold[base]) // symbol.lot_units
    for order in state.open_orders.get(wanted.account, []):
        if order.symbol == symbol.id and order.side == BUY:
            owned += order.remaining
    free = most - owned
    if free <= 0 or more > free:
        raise Reject(LOT_SIZE, max(0, free))


def _check_daily(state: State, symbol: Symbol, wanted: Wanted, quote: int, own: int) -> None:
    daily = limit(state, wanted.account, symbol, "daily_notional")
    if daily == 0:
        return
    desk = desk_of(state, wanted.account, symbol.id)
    traded = desk.traded if desk.day == state.now // DAY_NS else 0
    if state.is_strict:
        others = _notional_open(state, symbol, wanted.account)
        traded += others - own if others < AMOUNT_MAX else others
    left = max(0, daily - traded)
    if left == 0 or quote > left:
        raise Reject(MAX_NOTIONAL, left)


def note_trade(state: State, symbol: Symbol, account: int, quote: int) -> None:
    if state.version < VERSION or limit(state, account, symbol, "daily_notional") == 0:
        return
    desk = state.desks.setdefault((account, symbol.id), Desk())
    assert isinstance(desk, Desk)
    if desk.day != state.now // DAY_NS:
        desk.day, desk.traded = state.now // DAY_NS, 0
    desk.traded += quote


# --- how far it may trade, and the breaker ------------------------------------------------------


NOBODY_BELOW, NOBODY_ABOVE = -1, 4 * PRICE_TICKS_MAX


def collar(state: State, symbol: Symbol, side: int, price: int) -> int:
    """The worst price at which a taker with this limit (0: any) may trade; 0: any."""
    if state.version < VERSION:
        return price
    if state.is_strict:
        best, far = symbol.book.best(other(side)), edge_of(symbol, other(side), 0)
        if best and far and (best < far if side == BUY else best > far):
            return NOBODY_BELOW if side == BUY else NOBODY_ABOVE
    return edge_of(symbol, side, price)


def edge_of(symbol: Symbol, side: int, price: int) -> int:
    """The nearest of a limit and both collars; 0: there is none."""
    edges = [price] if price else []
    for rule, at in (("static_bps", _static(symbol)), ("dynamic_bps", reference(symbol))):
        bps = symbol.rules.get(rule, 0)
        if bps and at:
            edges.append(highest(at, bps) if side == BUY else lowest(at, bps))
    if not edges:
        return 0
    return min(edges) if side == BUY else max(edges)


def was_stopped(state: State, symbol: Symbol) -> None:
    most = symbol.rules.get("stopped_orders", 0)
    if most == 0:
        return
    _look_at_window(state, symbol, _begin(state, symbol, symbol.last))
    symbol.window_count += 1
    if symbol.window_count >= most:
        _trip(state, symbol, TRIPPED_BY_COUNT)


def has_traded(state: State, symbol: Symbol, before: int) -> None:
    most = symbol.rules.get("move_bps", 0)
    if state.version < VERSION or most == 0:
        return
    before = _begin(state, symbol, before)
    _look_at_window(state, symbol, before)
    if state.is_strict and symbol.window_price == 0:
        symbol.window_price = before
    begin = symbol.window_price
    if not lowest(begin, most) <= symbol.last <= highest(begin, most):
        _trip(state, symbol, TRIPPED_BY_MOVE)


def _begin(state: State, symbol: Symbol, before: int) -> int:
    """Where a window begins."""
    return before or (_static(symbol) if state.is_strict else 0) or symbol.last


def _look_at_window(state: State, symbol: Symbol, price: int) -> None:
    start = symbol.window_start
    if start == 0 or state.now - start >= symbol.rules.get("window_ns", 0):
        symbol.window_start, symbol.window_price, symbol.window_count = state.now, price, 0


def _trip(state: State, symbol: Symbol, cause: int) -> None:
    if symbol.tripped == 0:
        symbol.tripped = cause
        state.note(symbol.id)
