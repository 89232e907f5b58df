"""Refusals by a bound, in words: which field is beyond it, whose bound it is, and how far it goes.

Why it exists: a listing, an operator's rules for the market and for the account, and the market
itself bound the same fields under the same codes. The machine looks at them in an order, so that
what was asked tells most of them apart; where two rules could have said the same number, the rules
in force decide (`gateway.rule_view`). Each sentence is true of the bound that it names, also when
the rules have changed since. It must not know modes, or what a word of a command is.
"""

from typing import Final

from core import codes
from core.commands import FLAG_PEG_OTHER, FLAG_SLIDE
from core.limits import PEGGED_PER_SYMBOL_MAX, TRAILING_PER_SYMBOL_MAX
from gateway.asked import Asked, Case, Words
from gateway.decimals import format_units
from gateway.symbols import Symbol

_BPS: Final = 10_000

# --- prices ------------------------------------------------------------------------------------


def price_band(c: Case, s: Symbol, a: Asked) -> Words:
    """The listing's bounds, a band, a trigger that was passed, or a price that nobody gave."""
    bound = s.price_text(c.reply.detail)
    outside = _outside_listing(s, a)
    if outside:
        rule = f"must be from {s.price_text(s.min_price)} to {s.price_text(s.max_price)}"
        return Words(f"{outside} is beyond {bound}", outside, rule)
    if a.order_type == codes.PEGGED:
        rule = f"must lead to a price within the market's bounds, bands and collars; {bound} is one"
        field = "price" if a.price else "pegOffset"
        return Words(f"the order's price would have to be beyond {bound}", field, rule)
    passed = _is_passed(c, a)
    if passed and not _is_band(c, s, a):
        way = "above" if a.waits_for_rise else "below"
        rule = f"must be {way} {bound}, a price that the market has reached"
        return Words(f"the market has passed the trigger: it was at {bound}", "triggerPrice", rule)
    if a.flags & FLAG_SLIDE and c.reply.detail in (s.min_price, s.max_price):
        rule = f"must be REJECT: the price to slide to lies beyond {bound}"
        return Words(f"the order would have to slide beyond {bound}", "onCross", rule)
    who = f"{'buyers' if a.side == codes.BUY else 'sellers'} in {s.name}"
    way = "most" if a.price > c.reply.detail else "least"
    rule = f"must be at {way} {bound}, where the band for {who} ends"
    return Words(f"{a.price_field} is outside the band for {who}", a.price_field, rule)


def _outside_listing(s: Symbol, a: Asked) -> str:
    """The field whose price the listing does not allow; empty if it is none."""
    for field, price in ((a.price_field, a.price), ("triggerPrice", a.trigger)):
        if price and not s.min_price <= price <= s.max_price:
            return field
    return ""


def _is_passed(c: Case, a: Asked) -> bool:
    """The bound can be the last price, which has reached the trigger."""
    if a.trigger == 0:
        return False
    last = c.reply.detail
    return last >= a.trigger if a.waits_for_rise else last <= a.trigger


def _is_band(c: Case, s: Symbol, a: Asked) -> bool:
    """The bound is the band's, as the rules and the last price are known here."""
    law = c.model.rules.market(s.id)
    trades = c.model.market_data.markets[s.id].trades
    reference = trades[-1].price if trades else law.reference
    side = "buy" if a.side == codes.BUY else "sell"
    up, down = law.get(f"{side}_up_bps"), law.get(f"{side}_down_bps")
    highest = reference + reference * up // _BPS
    lowest = max(reference - reference * down // _BPS, 1)
    detail = c.reply.detail
    return (up != 0 and detail == highest < a.price) or (
        down != 0 and detail == lowest > a.price > 0
    )


def tick_size(c: Case, s: Symbol, a: Asked) -> Words:
    """The market's step: what is no whole tick is refused before the machine is asked."""
    field, rule = a.price_field, f"must be a multiple of {s.price_text(c.reply.detail)}"
    return Words(f"{field} {rule}", field, rule)


def post_only(c: Case, s: Symbol, a: Asked) -> Words:
    best = s.price_text(c.reply.detail)
    detail = f"the best price on the other side is {best}"
    if a.order_type == codes.PEGGED:
        rule = f"must not be PEGGED now: no price within bounds is left beside {best}"
        return Words(detail, "type", rule)
    return Words(detail, "price", f"must not reach {best}")


# --- quantities --------------------------------------------------------------------------------


def lot_size(c: Case, s: Symbol, a: Asked) -> Words:
    """The listing's most, the market's least and step, or how much the account may own.

    The machine looks at them in this order, so the first that fits the number said it.
    """
    bound, field, lots = c.reply.detail, a.qty_field, a.left
    text = s.qty_text(bound)
    what = "be" if lots == a.qty else "leave"
    if not a.by_quote:
        law = c.model.rules.market(s.id)
        if a.qty > s.max_qty:
            return Words("the quantity is too large", field, f"must be at most {text}")
        if lots < bound and law.get("lot_step") != bound:
            return Words("the quantity is too small", field, f"must {what} at least {text}")
        if bound and lots % bound and law.get("lot_step") == bound:
            return Words(
                "the quantity is between steps", field, f"must {what} a multiple of {text}"
            )
    limit = f"what the account owns and is buying in {s.name} is limited"
    if bound == 0:
        return Words(limit, field, f"must wait: the account may buy no more {s.base.name} here now")
    by = "be" if a.order is None else "grow by"
    return Words(limit, field, f"must {by} at most {text}, which is what is left of the limit")


def min_notional(c: Case, s: Symbol, a: Asked) -> Words:
    rule = f"must make an order worth at least {s.quote_text(c.reply.detail)} {s.quote.name}"
    return Words("the order is worth too little", a.qty_field, rule)


def max_notional(c: Case, s: Symbol, a: Asked) -> Words:
    """The listing's, or what is left of the account's day."""
    left, field = c.reply.detail, a.qty_field
    worth = _notional(s, a)
    money = f"{s.quote_text(left)} {s.quote.name}"
    if left == s.max_notional and (worth is None or worth > left):
        return Words(
            "the order is worth too much", field, f"must make an order worth at most {money}"
        )
    detail = f"what the account may trade in {s.name} in a day is limited"
    if left == 0:
        rule = "must wait for the next day (UTC): nothing is left of today's limit"
    else:
        rule = f"must make an order worth at most {money}, which is left of today's limit"
    return Words(detail, field, rule)


def _notional(s: Symbol, a: Asked) -> int | None:
    """Quote units; None of an order whose price is not given."""
    if a.by_quote:
        return a.qty
    return a.price * a.qty * s.tick_value if a.is_limit_kind else None


def funds(c: Case, s: Symbol, a: Asked) -> Words:
    asset = s.quote if a.side == codes.BUY else s.base
    money = f"{format_units(c.reply.detail, asset.scale)} {asset.name}"
    detail = f"the account has {money} available, less than the order would hold"
    return Words(detail, a.qty_field, "must be covered by the account's available balance")


# --- how many ----------------------------------------------------------------------------------


def open_orders(c: Case, s: Symbol, a: Asked) -> Words:
    """Of the account in this market, parked ones of it, of the account, or of the market."""
    bound, rules, account = c.reply.detail, c.model.rules, c.account
    here = c.model.orders.open_orders(account, s.id)
    is_open = bound == rules.limit(account, s.id, "open_orders") and a.may_rest
    is_parked = bound == rules.limit(account, s.id, "parked_orders") and a.is_conditional
    if is_open and is_parked:
        is_open = len(here) >= bound
    if is_open:
        rule = f"must leave the account with at most {bound} open orders in {s.name}"
        return Words(f"the account may have {bound} open orders in {s.name}", "account", rule)
    if is_parked:
        rule = f"must leave the account with at most {bound} parked orders in {s.name}"
        detail = f"the account may have {bound} orders in {s.name} that wait for a trigger"
        return Words(detail, "account", rule)
    full = {codes.PEGGED: PEGGED_PER_SYMBOL_MAX}.get(a.order_type, 0)
    if a.is_trailing:
        full = TRAILING_PER_SYMBOL_MAX
    if bound == full and bound != rules.open_orders_max:
        name = codes.ORDER_TYPE_NAMES[a.order_type]
        rule = f"must not be {name} while {bound} such orders wait in {s.name}"
        return Words(f"{s.name} takes {bound} such orders of all accounts", "type", rule)
    rule = f"must leave the account with at most {bound} open orders"
    return Words(f"the account may have {bound} open orders", "account", rule)


def too_many_requests(c: Case, s: Symbol, _a: Asked) -> Words:
    rate = c.reply.detail
    burst = max(1, c.model.rules.limit(c.account, s.id, "burst"))
    rule = f"must place and amend in {s.name} at most {rate} times a second, {burst} at once"
    return Words(f"the account has placed and amended too fast in {s.name}", "account", rule)


# --- what there is to trade with ---------------------------------------------------------------


def no_liquidity(c: Case, s: Symbol, a: Asked) -> Words:
    if a.order_type == codes.PEGGED:
        side = "other" if a.flags & FLAG_PEG_OTHER else "own"
        rule = "must name a side on which an order rests that is not pegged itself"
        return Words(f"nothing rests on the {side} side to follow", "pegTo", rule)
    market = c.model.market_data.markets[s.id]
    bids, asks = market.depth(1)
    other = asks if a.side == codes.BUY else bids
    if not other:
        rule = "must be LIMIT while nothing rests there"
        return Words("nothing rests on the other side", "type", rule)
    best, collar = other[0][0], a.price
    if collar and (collar < best if a.side == codes.BUY else collar > best):
        rule = f"must reach {s.price_text(best)}, the best price on the other side"
        return Words("nothing rests within the collar", "collar", rule)
    rule = "must be LIMIT while nothing rests where the order may trade"
    why = "the market's collar, or self-trade prevention"
    detail = f"nothing rests on the other side that the order may trade with ({why})"
    return Words(detail, "type", rule)


def fok(c: Case, s: Symbol, a: Asked) -> Words:
    have, field = c.reply.detail, "qty" if a.time_in_force == codes.FOK else "minQty"
    if have == 0:
        return Words("nothing can be had within the price", field, "must be there at once")
    what = "for FOK" if field == "qty" else "so that it is there at once"
    detail = f"only {s.qty_text(have)} can be had within the price"
    return Words(detail, field, f"must be at most {s.qty_text(have)} {what}")


def self_trade(c: Case, _s: Symbol, a: Asked) -> Words:
    """The order's number only where it is the account's own for certain."""
    own = f"the account's own order {c.reply.detail}"
    met = "an order of the account's group" if a.by_group else own
    rule = f"must not be EXPIRE_TAKER while {met} would be met first"
    return Words(f"the order would meet {met} first", "selfTrade", rule)


def duplicate(c: Case, _s: Symbol, _a: Asked) -> Words:
    """0: the same id twice in one list."""
    detail = f"the open order {c.reply.detail} of this account has the same clientOrderId"
    if c.reply.detail == 0:
        detail = "two orders of the list have the same clientOrderId"
    return Words(detail, "clientOrderId", "must be unique among the account's open orders")


# --- which order of a list ---------------------------------------------------------------------


def may_be_about(c: Case, s: Symbol, a: Asked) -> bool:
    """Whether the refusal of a list can be about this one of its orders."""
    code, bound = c.reply.code, c.reply.detail
    if code == codes.PRICE_BAND:
        is_beyond = a.price != 0 and _is_band(c, s, a)
        return _outside_listing(s, a) != "" or is_beyond or _is_passed(c, a)
    if code == codes.TICK_SIZE:
        return bound > 0 and a.price % bound != 0
    if code == codes.LOT_SIZE:
        return a.qty > s.max_qty or a.qty < bound or bound == 0 or a.qty % bound != 0
    if code in (codes.MIN_NOTIONAL, codes.MAX_NOTIONAL):
        worth = _notional(s, a)
        return worth is not None and (
            worth < bound if code == codes.MIN_NOTIONAL else worth > bound
        )
    if code == codes.TOO_MANY_OPEN_ORDERS:
        is_parked = bound == c.model.rules.limit(c.account, s.id, "parked_orders")
        return a.is_conditional and is_parked
    return code in (codes.POST_ONLY_WOULD_TRADE, codes.NO_LIQUIDITY, codes.FOK_UNFILLABLE)
