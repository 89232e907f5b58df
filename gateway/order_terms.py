"""An order's further terms: what a body says of triggers, icebergs, pegs and the like, and back.

Why it exists: a plain order needs none of it and is most of the traffic; the others have a dozen
fields, each with its unit. What is missing without question is refused here, by its public name;
which of them go together is the machine's to say (docs/machine.md, PLACE_TERMS).
"""

import re
from typing import Any, Final

from msgspec import UNSET, UnsetType

from core import codes
from core.commands import (
    FLAG_BY_QUOTE, FLAG_PEG_OTHER, FLAG_SLIDE, FLAG_TRAIL_BPS,
)  # fmt: skip
from core.limits import TIME_NS_MAX, TRAIL_BPS_MAX
from gateway.decimals import FRACTION_DIGITS_MAX
from gateway.order_body import PEG_TO, PlaceBody
from gateway.order_view import Order
from gateway.problems import Refused, invalid
from gateway.symbols import Symbol

NS_PER_MS: Final = 1_000_000
LIMIT_KINDS: Final = ("LIMIT", "STOP_LIMIT", "TAKE_PROFIT_LIMIT", "TRAILING_STOP_LIMIT")
WITH_TRIGGER: Final = ("STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
TRAILING: Final = ("TRAILING_STOP", "TRAILING_STOP_LIMIT")
_WHOLE: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_ZERO: Final = re.compile(rf"0(?:\.0{{1,{FRACTION_DIGITS_MAX}}})?", re.ASCII)

FIELDS: Final = (
    "trigger_price", "trail_by", "trail_bps", "collar", "display_qty", "min_qty", "expires_at",
    "peg_to", "peg_offset", "on_cross", "self_trade", "self_trade_by",
)  # fmt: skip
_LATER_TIMES: Final = ("GTD", "DAY", "AUCTION")


def has_terms(order: PlaceBody) -> bool:
    """Whether it is more than a LIMIT or MARKET order as every exchange has them."""
    if order.type not in ("LIMIT", "MARKET") or order.time_in_force in _LATER_TIMES:
        return True
    return any(getattr(order, name) is not UNSET for name in FIELDS)


def price_of(order: PlaceBody, symbol: Symbol) -> int:
    """The limit; the collar of an order without one, the cap of a pegged one; 0: none."""
    if order.type == "PEGGED":
        _refuse(order.collar, "collar", order)
        return 0 if order.price is UNSET else symbol.ticks(order.price)
    if order.type in LIMIT_KINDS:
        _refuse(order.collar, "collar", order)
        if order.price is UNSET:
            raise Refused(invalid("price", f"must be given for a {order.type} order"))
        return symbol.ticks(order.price)
    _refuse(order.price, "price", order)
    return 0 if order.collar is UNSET else symbol.ticks(order.collar, "collar")


def terms_of(order: PlaceBody, symbol: Symbol) -> dict[str, Any]:
    """What `core.commands.place_terms` wants beyond what every order has."""
    trail, is_bps = _trail(order, symbol)
    flags = (
        FLAG_BY_QUOTE * (order.quote_qty is not UNSET) | FLAG_TRAIL_BPS * is_bps
        | FLAG_SLIDE * (order.on_cross == "SLIDE") | FLAG_PEG_OTHER * (order.peg_to == "OTHER")
    )  # fmt: skip
    if order.on_cross is not UNSET and order.time_in_force != "POST_ONLY":
        raise Refused(invalid("onCross", "must be given only with timeInForce POST_ONLY"))
    if order.peg_to is not UNSET:
        _refuse_unless(order.type == "PEGGED", "pegTo", order)
    stp = 0 if order.self_trade is UNSET else codes.STP_NAMES.index(order.self_trade)
    if order.self_trade_by is not UNSET and stp == 0:
        raise Refused(invalid("selfTradeBy", "must be given only with selfTrade, not NONE"))
    return {
        "trigger": _trigger(order, symbol), "trail": trail, "flags": flags, "stp": stp,
        "by_group": order.self_trade_by == "GROUP", "expire_ns": _expiry(order),
        "display": _lots(order.display_qty, "displayQty", symbol),
        "min_qty": _lots(order.min_qty, "minQty", symbol), "peg_offset": _offset(order, symbol),
    }  # fmt: skip


def _refuse(value: str | UnsetType, field: str, order: PlaceBody) -> None:
    _refuse_unless(value is UNSET, field, order)


def _refuse_unless(fits: bool, field: str, order: PlaceBody) -> None:
    if not fits:
        raise Refused(invalid(field, f"must not be given for a {order.type} order"))


def _lots(text: str | UnsetType, field: str, symbol: Symbol) -> int:
    return 0 if text is UNSET else symbol.lots(text, field)


def _trigger(order: PlaceBody, symbol: Symbol) -> int:
    if order.type not in WITH_TRIGGER:
        _refuse(order.trigger_price, "triggerPrice", order)
        return 0
    if order.trigger_price is UNSET:
        raise Refused(invalid("triggerPrice", f"must be given for a {order.type} order"))
    return symbol.ticks(order.trigger_price, "triggerPrice")


def _trail(order: PlaceBody, symbol: Symbol) -> tuple[int, bool]:
    """Ticks, or hundredths of a per cent."""
    if order.type not in TRAILING:
        _refuse(order.trail_by, "trailBy", order)
        _refuse(order.trail_bps, "trailBps", order)
        return 0, False
    if (order.trail_by is UNSET) == (order.trail_bps is UNSET):
        raise Refused(invalid("trailBy", "must be given, or trailBps, and not both"))
    if order.trail_by is not UNSET:
        return symbol.ticks(order.trail_by, "trailBy"), False
    assert order.trail_bps is not UNSET
    bps = _whole(order.trail_bps)
    if not 1 <= bps <= TRAIL_BPS_MAX:
        raise Refused(invalid("trailBps", f"must be a whole number from 1 to {TRAIL_BPS_MAX}"))
    return bps, True


def _expiry(order: PlaceBody) -> int:
    """Log time in nanoseconds."""
    if order.expires_at is UNSET:
        if order.time_in_force == "GTD":
            raise Refused(invalid("expiresAt", "must be given for GTD"))
        return 0
    ns = _whole(order.expires_at) * NS_PER_MS
    if not 0 < ns <= TIME_NS_MAX:
        raise Refused(invalid("expiresAt", "must be epoch milliseconds, before the year 2116"))
    return ns


def _offset(order: PlaceBody, symbol: Symbol) -> int:
    """Ticks; the one number that may be below 0, or 0."""
    if order.peg_offset is UNSET:
        return 0
    _refuse_unless(order.type == "PEGGED", "pegOffset", order)
    text = order.peg_offset
    size = text.removeprefix("-")
    if _ZERO.fullmatch(size):
        return 0
    ticks = symbol.ticks(size, "pegOffset")
    return ticks if size == text else -ticks


def _whole(text: str) -> int:
    """0 if it is no whole number."""
    return int(text) if _WHOLE.fullmatch(text) else 0


def terms_shown(order: Order, symbol: Symbol) -> dict[str, str]:
    """The further terms of an order, by the names of `OrderBody`'s members."""
    if order.terms is None:
        return {}
    trigger, trail, display, min_qty, expire_ns, offset, stp, flags, list_id = order.terms
    shown: dict[str, str] = {}
    if trigger:
        shown["trigger_price"] = symbol.price_text(trigger)
    if trail and flags & FLAG_TRAIL_BPS:
        shown["trail_bps"] = str(trail)
    elif trail:
        shown["trail_by"] = symbol.price_text(trail)
    if display:
        shown["display_qty"] = symbol.qty_text(display)
    if min_qty:
        shown["min_qty"] = symbol.qty_text(min_qty)
    if expire_ns:
        shown["expires_at"] = str(expire_ns // NS_PER_MS)
    if codes.ORDER_TYPE_NAMES[order.order_type] == "PEGGED":
        shown["peg_to"] = PEG_TO[1 if flags & FLAG_PEG_OTHER else 0]
        shown["peg_offset"] = symbol.price_text(offset)
    if flags & FLAG_SLIDE:
        shown["on_cross"] = "SLIDE"
    if stp & 0xFF:
        shown["self_trade"] = codes.STP_NAMES[stp & 0xFF]
        shown["self_trade_by"] = "GROUP" if stp >> 8 else "ACCOUNT"
    if list_id:
        shown["order_list_id"] = str(list_id)
    return shown
