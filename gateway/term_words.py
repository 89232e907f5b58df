"""VALIDATION in words: which of an order's terms do not go together, and what would.

Why it exists: the machine names a word of the command by its number; a client gave a field, and
one word stands for several of them. The rules are those of docs/machine.md (PLACE_TERMS,
PLACE_LIST, AMEND), said as what the field must be. It must not know prices of the market.
"""

from collections.abc import Callable
from typing import Final

from core import codes
from core.commands import (
    AMEND_ORDER, AMEND_PRICE, AMEND_QTY, AMEND_TRIGGER, C_ACCOUNT, C_HEAD, FLAG_PEG_OTHER,
    FLAG_SLIDE, LEG_CLIENT_HI, LEG_CLIENT_LO, LEG_DISPLAY, LEG_EXPIRE, LEG_PRICE, LEG_QTY,
    LEG_TERMS, LEG_TRAIL, LEG_TRIGGER, LEG_WORDS, LIST_KIND, LIST_LEGS, LIST_STP, PLACE_PRICE,
    PLACE_QTY, TERMS_DISPLAY, TERMS_EXPIRE, TERMS_MIN_QTY, TERMS_PEG, TERMS_STP, TERMS_TRAIL,
    TERMS_TRIGGER,
)  # fmt: skip
from core.limits import ICEBERG_TIPS_MAX, PRICE_TICKS_MAX
from core.versions import VERSION_AUCTIONS, VERSION_ORDER_TERMS
from gateway.asked import Asked, Case
from gateway.problems import version_rule
from gateway.symbols import Symbol

Rule = tuple[str, str]
"""The field, and what it must be."""

_NS_PER_MS: Final = 1_000_000
_TYPES: Final = codes.ORDER_TYPE_NAMES
_TIMES: Final = codes.TIME_IN_FORCE_NAMES

# --- an order of its own, or as a leg ----------------------------------------------------------


def _head(c: Case, _s: Symbol, a: Asked) -> Rule:
    """Type, time in force and flags are one word; so is a machine that does not know them."""
    if c.model.version < VERSION_ORDER_TERMS:
        rule = version_rule(VERSION_ORDER_TERMS, c.model.version)
        return _first_term(a), rule
    name = _TYPES[a.order_type]
    if a.time_in_force == codes.AUCTION:
        if c.model.version < VERSION_AUCTIONS:
            rule = version_rule(VERSION_AUCTIONS, c.model.version)
            return "timeInForce", rule
        if a.order_type != codes.LIMIT:
            return "timeInForce", f"must not be AUCTION for a {name} order"
    if a.order_type == codes.PEGGED:
        return "timeInForce", f"must be GTC, GTD or DAY for a {name} order"
    if a.flags & FLAG_SLIDE:
        return "onCross", f"must be given only for a LIMIT order, not for {name}"
    if a.flags & FLAG_PEG_OTHER:
        return "pegTo", f"must not be given for a {name} order"
    return "type", f"must be one that takes timeInForce {_TIMES[a.time_in_force]}"


def _first_term(a: Asked) -> str:
    """What makes it an order that the first machine versions do not know."""
    given = (
        (a.order_type > codes.MARKET, "type"), (a.time_in_force > codes.POST_ONLY, "timeInForce"),
        (a.display, "displayQty"), (a.min_qty, "minQty"), (a.expire_ns, "expiresAt"),
        (a.flags & FLAG_SLIDE, "onCross"), (a.stp, "selfTrade"),
        (a.order_type == codes.MARKET and a.price, "collar"),
    )  # fmt: skip
    return next((field for is_given, field in given if is_given), "type")


def _account(_c: Case, _s: Symbol, _a: Asked) -> Rule:
    return "account", "must be open"


def _price(_c: Case, _s: Symbol, a: Asked) -> Rule:
    if a.by_quote:
        return a.price_field, "must not be given beside quoteQty"
    return a.price_field, "must be above 0"


def _qty(_c: Case, _s: Symbol, a: Asked) -> Rule:
    return a.qty_field, "must be above 0"


def _stp(_c: Case, _s: Symbol, a: Asked) -> Rule:
    if a.by_quote:
        return "selfTrade", "must not be DECREMENT beside quoteQty"
    return "selfTrade", "must be one of " + ", ".join(codes.STP_NAMES)


def _trigger(_c: Case, s: Symbol, _a: Asked) -> Rule:
    return "triggerPrice", f"must be at most {s.price_text(PRICE_TICKS_MAX)}"


def _trail(_c: Case, s: Symbol, a: Asked) -> Rule:
    return a.trail_field, f"must be at most {s.price_text(PRICE_TICKS_MAX)}"


def _display(_c: Case, s: Symbol, a: Asked) -> Rule:
    if a.order_type != codes.LIMIT or not a.may_rest:
        return "displayQty", "must be given only for a LIMIT order that may rest"
    if a.display > a.qty:
        return "displayQty", f"must be at most qty, {s.qty_text(a.qty)}"
    return "displayQty", f"must be at least {_least_tip(s, a.qty)}, a hundredth of qty"


def _least_tip(s: Symbol, lots: int) -> str:
    return s.qty_text((lots - 1) // ICEBERG_TIPS_MAX + 1)


def _min_qty(_c: Case, s: Symbol, a: Asked) -> Rule:
    if a.order_type > codes.MARKET:
        name = _TYPES[a.order_type]
        return "minQty", f"must be given only for a LIMIT or MARKET order, not for {name}"
    if a.by_quote:
        return "minQty", "must not be given beside quoteQty"
    if a.time_in_force in (codes.FOK, codes.POST_ONLY, codes.AUCTION):
        return "minQty", f"must not be given with timeInForce {_TIMES[a.time_in_force]}"
    return "minQty", f"must be at most qty, {s.qty_text(a.qty)}"


def _expiry(c: Case, _s: Symbol, a: Asked) -> Rule:
    tif = a.time_in_force
    may_end = tif in (codes.GTD, codes.POST_ONLY) or (a.is_conditional and not a.is_limit_kind)
    if may_end and tif != codes.DAY:
        now_ms = c.reply.ts_ns // _NS_PER_MS
        return "expiresAt", f"must be in the future; log time was {now_ms}"
    rule = "must be given only with GTD, POST_ONLY, or a conditional order without a limit"
    return "expiresAt", rule


def _peg_offset(_c: Case, s: Symbol, _a: Asked) -> Rule:
    most = s.price_text(PRICE_TICKS_MAX)
    return "pegOffset", f"must be from -{most} to {most}"


_PLACE_RULES: Final[dict[int, Callable[[Case, Symbol, Asked], Rule]]] = {
    C_HEAD: _head,
    C_ACCOUNT: _account,
    PLACE_PRICE: _price,
    PLACE_QTY: _qty,
    TERMS_STP: _stp,
    TERMS_TRIGGER: _trigger,
    TERMS_TRAIL: _trail,
    TERMS_DISPLAY: _display,
    TERMS_MIN_QTY: _min_qty,
    TERMS_EXPIRE: _expiry,
    TERMS_PEG: _peg_offset,
}


def place_rule(c: Case, s: Symbol, a: Asked) -> Rule:
    """Of PLACE and PLACE_TERMS; the detail is the number of the word that does not fit."""
    say = _PLACE_RULES.get(c.reply.detail)
    return say(c, s, a) if say else ("body", "must have terms that go together")


# --- a list ------------------------------------------------------------------------------------

_LEG_RULES: Final = {
    LEG_PRICE: PLACE_PRICE, LEG_QTY: PLACE_QTY, LEG_TRIGGER: TERMS_TRIGGER,
    LEG_TRAIL: TERMS_TRAIL, LEG_DISPLAY: TERMS_DISPLAY, LEG_EXPIRE: TERMS_EXPIRE,
}  # fmt: skip
"""The words of a leg that are those of an order of its own."""


def list_rule(c: Case, s: Symbol, kind: int, legs: tuple[Asked, ...]) -> tuple[int, str, str]:
    """Which leg (-1: none of them), its field and what it must be."""
    detail = c.reply.detail
    if detail == LIST_STP:
        return (-1, *_stp(c, s, next((leg for leg in legs if leg.by_quote), legs[0])))
    if detail < LIST_LEGS:
        field, rule = {C_ACCOUNT: _account(c, s, legs[0]), C_HEAD: _head(c, s, legs[0])}.get(
            detail, ("type" if detail == LIST_KIND else "clientOrderListId", "must be allowed")
        )
        return -1, field, rule
    at, word = divmod(detail - LIST_LEGS, LEG_WORDS)
    if at >= len(legs):
        return -1, "third", f"must not be given for {codes.LIST_KIND_NAMES[kind]}"
    leg = legs[at]
    if word == LEG_TERMS:
        return (at, *_leg_kind(c, s, kind, at, legs))
    if word in (LEG_CLIENT_HI, LEG_CLIENT_LO):
        return at, "clientOrderId", "must be another than those of the other orders"
    if word == LEG_QTY and leg.qty > 0:
        return at, "qty", f"must be that of the order before it, {s.qty_text(legs[at - 1].qty)}"
    return (at, *_PLACE_RULES[_LEG_RULES[word]](c, s, leg))


def _leg_kind(c: Case, s: Symbol, kind: int, at: int, legs: tuple[Asked, ...]) -> Rule:
    """A leg's first word: what it cannot be anywhere, then what it cannot be in its place."""
    leg, name = legs[at], codes.LIST_KIND_NAMES[kind]
    is_pair = kind == codes.LIST_OCO or (kind == codes.LIST_OTOCO and at > 0)
    if leg.order_type == codes.PEGGED:
        return "type", "must not be PEGGED in a list"
    if leg.time_in_force == codes.AUCTION:
        return "timeInForce", "must not be AUCTION in a list"
    if leg.flags & FLAG_SLIDE and leg.order_type != codes.LIMIT:
        return _head(c, s, leg)
    if not is_pair:
        return "type", f"must be LIMIT for the first order of {name}"
    if leg.by_quote:
        return "quoteQty", f"must not be given for an order of which only one may trade ({name})"
    if at == len(legs) - 1:
        if leg.is_conditional and leg.side != legs[at - 1].side:
            return "side", f"must be that of the order before it ({name})"
        return "type", f"must be one with a trigger for the last order of {name}"
    if leg.order_type == codes.LIMIT:
        return "timeInForce", f"must be one that may rest, for this order of {name}"
    return "type", f"must be LIMIT, or one with a trigger, for this order of {name}"


# --- an amend ----------------------------------------------------------------------------------


def amend_rule(c: Case, s: Symbol, a: Asked) -> Rule:
    """The detail is the number of a word, or the lots that are filled: the order says which."""
    detail, order = c.reply.detail, a.order
    assert order is not None, "an amend is asked of an order"
    if detail == C_ACCOUNT and a.qty > detail:
        return "account", "must be open"
    if detail == AMEND_ORDER and not order.may_be_amended:
        return unamendable(a)
    if detail == AMEND_TRIGGER and a.trigger:
        if a.is_trailing:
            return "triggerPrice", "must not be given: the order's trigger trails the market"
        return "triggerPrice", "must not be given: the order does not wait for one, or no longer"
    if detail == AMEND_PRICE and (a.price == 0) != (order.price == 0):
        return "price", "must be given if and only if the order has one"
    if detail == AMEND_QTY and a.display and _hides_too_much(a):
        most = s.qty_text(a.display * ICEBERG_TIPS_MAX)
        return "qty", f"must leave at most {most}, a hundred times displayQty"
    if detail == AMEND_QTY and a.qty > order.filled:
        return "qty", "must change, or another term: the order is like this already"
    return "qty", f"must be above what is filled, {s.qty_text(detail)}"


def _hides_too_much(a: Asked) -> bool:
    return a.left > a.display * ICEBERG_TIPS_MAX


def unamendable(a: Asked) -> Rule:
    """Of an order that can only be canceled and placed again."""
    if a.order_type == codes.PEGGED:
        return "orderId", "must not be a PEGGED order: cancel it and place another"
    return "orderId", "must not be an order of a list: cancel the list and place another"
