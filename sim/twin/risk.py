"""Rules of markets and accounts, as docs/machine.md has them.

Why it exists: bands, collars, breakers and limits in their plainest form: each rule is one sentence
there and one function here.
"""

from dataclasses import dataclass, field

from core.codes import (
    BUY,
    CANCEL_ONLY,
    LOT_SIZE,
    MARKET_HALTED,
    MAX_NOTIONAL,
    MODE_AUCTION,
    PRICE_BAND,
    TICK_SIZE,
    TOO_MANY_OPEN_ORDERS,
    TOO_MANY_REQUESTS,
    TRIPPED_BY_COUNT,
    TRIPPED_BY_MOVE,
)
from core.commands import RULE_NAMES
from core.limits import AMOUNT_MAX, DAY_NS, PRICE_TICKS_MAX, QTY_LOTS_MAX
from sim.twin.asking import CONDITIONAL, Wanted
from sim.twin.book import RESTING
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


def check_price_and_lots(symbol: Symbol, wanted: Wanted) -> None:
    if wanted.by_quote:
        return
    rules = symbol.rules
    if wanted.price:
        if rules.get("tick_step", 0) > 1 and wanted.price % rules["tick_step"]:
            raise Reject(TICK_SIZE, rules["tick_step"])
        side = "buy" if wanted.side == BUY else "sell"
        above, below = rules.get(f"{side}_up_bps", 0), rules.get(f"{side}_down_bps", 0)
        at = reference(symbol)
        if at and above and wanted.price > highest(at, above):
            raise Reject(PRICE_BAND, highest(at, above))
        if at and below and wanted.price < lowest(at, below):
            raise Reject(PRICE_BAND, lowest(at, below))
    if wanted.qty < rules.get("min_qty", 0):
        raise Reject(LOT_SIZE, rules["min_qty"])
    if rules.get("lot_step", 0) > 1 and wanted.qty % rules["lot_step"]:
        raise Reject(LOT_SIZE, rules["lot_step"])


def check_order(state: State, symbol: Symbol, wanted: Wanted, orders: int) -> None:
    if state.version < VERSION:
        return
    check_price_and_lots(symbol, wanted)
    account = wanted.account
    here = [o for o in state.open_orders.get(account, []) if o.symbol == symbol.id]
    open_max = limit(state, account, symbol, "open_orders")
    if open_max and wanted.may_rest and len(here) > open_max - orders:
        raise Reject(TOO_MANY_OPEN_ORDERS, open_max)
    parked_max = limit(state, account, symbol, "parked_orders")
    parked = sum(o.area != RESTING for o in here)
    if parked_max and wanted.order_type in CONDITIONAL and parked >= parked_max:
        raise Reject(TOO_MANY_OPEN_ORDERS, parked_max)
    _check_position(state, symbol, wanted, wanted.qty)
    _check_daily(state, symbol, wanted)


def check_amend(state: State, symbol: Symbol, wanted: Wanted, more: int) -> None:
    if state.version < VERSION:
        return
    check_price_and_lots(symbol, wanted)
    if more > 0:
        _check_position(state, symbol, wanted, more)
    _check_daily(state, symbol, wanted)


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
    if free <= 0 or (0 if wanted.by_quote else more) > free:
        raise Reject(LOT_SIZE, max(0, free))


def _check_daily(state: State, symbol: Symbol, wanted: Wanted) -> None:
    daily = limit(state, wanted.account, symbol, "daily_notional")
    if daily == 0:
        return
    desk = desk_of(state, wanted.account, symbol.id)
    traded = desk.traded if desk.day == state.now // DAY_NS else 0
    left = max(0, daily - traded)
    cost = wanted.qty if wanted.by_quote else symbol.cost(wanted.price, wanted.qty)
    if left == 0 or cost > left:
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


def collar(state: State, symbol: Symbol, side: int, price: int) -> int:
    """The worst price at which a taker with this limit (0: any) may trade; 0: any."""
    if state.version < VERSION:
        return price
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
    _look_at_window(state, symbol, symbol.last)
    symbol.window_count += 1
    if symbol.window_count >= most:
        _trip(state, symbol, TRIPPED_BY_COUNT)


def has_traded(state: State, symbol: Symbol, before: int) -> None:
    most = symbol.rules.get("move_bps", 0)
    if state.version < VERSION or most == 0:
        return
    _look_at_window(state, symbol, before or symbol.last)
    begin = symbol.window_price
    if not lowest(begin, most) <= symbol.last <= highest(begin, most):
        _trip(state, symbol, TRIPPED_BY_MOVE)


def _look_at_window(state: State, symbol: Symbol, price: int) -> None:
    start = symbol.window_start
    if start == 0 or state.now - start >= symbol.rules.get("window_ns", 0):
        symbol.window_start, symbol.window_price, symbol.window_count = state.now, price, 0


def _trip(state: State, symbol: Symbol, cause: int) -> None:
    if symbol.tripped == 0:
        symbol.tripped = cause
        state.note(symbol.id)
