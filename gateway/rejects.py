"""The machine's reject codes in words: which field decided, and by which bound.

Why it exists: a reply carries a code and one number; a client is told a field, a rule and the
number in its own units. The mapping is total over the codes that the machine can answer; what
each says is said beside its like (`gateway.bound_words`, `gateway.state_words`,
`gateway.term_words`). It must not know how an answer is sent.
"""

from collections.abc import Callable
from typing import Final

from core import codes
from gateway import bound_words, state_words
from gateway.asked import Asked, Case, Words
from gateway.orders import unknown_order
from gateway.problems import Problem, invalid, rejected
from gateway.symbols import Symbol
from gateway.term_words import amend_rule, list_rule, place_rule

LEGS: Final = ("first", "second", "third")

BY_RULES: Final = frozenset(
    {
        codes.PRICE_BAND, codes.LOT_SIZE, codes.MAX_NOTIONAL, codes.MARKET_HALTED,
        codes.CANCEL_ONLY, codes.TOO_MANY_REQUESTS, codes.TOO_MANY_OPEN_ORDERS,
        codes.NO_LIQUIDITY, codes.VALIDATION,
    }
)  # fmt: skip
"""Codes whose words need what the log said until then."""

_OF_ORDERS: Final[dict[int, Callable[[Case, Symbol, Asked], Words]]] = {
    codes.PRICE_BAND: bound_words.price_band,
    codes.TICK_SIZE: bound_words.tick_size,
    codes.LOT_SIZE: bound_words.lot_size,
    codes.MIN_NOTIONAL: bound_words.min_notional,
    codes.MAX_NOTIONAL: bound_words.max_notional,
    codes.INSUFFICIENT_FUNDS: bound_words.funds,
    codes.TOO_MANY_REQUESTS: bound_words.too_many_requests,
    codes.TOO_MANY_OPEN_ORDERS: bound_words.open_orders,
    codes.NO_LIQUIDITY: bound_words.no_liquidity,
    codes.POST_ONLY_WOULD_TRADE: bound_words.post_only,
    codes.FOK_UNFILLABLE: bound_words.fok,
    codes.SELF_TRADE: bound_words.self_trade,
    codes.DUPLICATE_ORDER_ID: bound_words.duplicate,
}
_OF_ANY: Final[dict[int, Callable[[Case], Words]]] = {
    codes.MARKET_HALTED: state_words.market_halted,
    codes.CANCEL_ONLY: state_words.cancel_only,
}

_PLAIN: Final[dict[int, Words]] = {
    codes.IDEMPOTENCY_MISMATCH: Words(
        "the key was used before, with another request", "Idempotency-Key",
        "must be new for each different request",
    ),
    codes.OVERLOADED: Words(
        "a table of the exchange is full; send the request again later", "", "",
    ),
}  # fmt: skip

_OF_THE_ORDER: Final = ("account", "symbol", "orderId", "selfTrade", "Idempotency-Key", "body")
"""Fields that are not one leg's."""


def reject_problem(c: Case) -> Problem:
    """The problem that a rejected reply means."""
    code = c.reply.code
    if code in (codes.UNKNOWN_ORDER, codes.NOT_OWNER):
        return unknown_order()
    if code in _PLAIN:
        return rejected(code, *_PLAIN[code])
    if code in _OF_ANY:
        return rejected(code, *_OF_ANY[code](c))
    if c.symbol is not None and c.asked is not None:
        if code in _OF_ORDERS:
            return rejected(code, *_OF_ORDERS[code](c, c.symbol, c.asked))
        if code == codes.VALIDATION:
            rule = amend_rule if c.reply.command == codes.CMD_AMEND else place_rule
            return invalid(*rule(c, c.symbol, c.asked))
    if code == codes.VALIDATION:
        return invalid("account", "must be open")
    return rejected(code, f"the exchange answered {codes.REJECT_NAMES[code]}")


def list_problem(c: Case, kind: int, legs: tuple[Asked, ...]) -> Problem:
    """The problem that a rejected list means, told under the name of the order that it is about."""
    assert c.symbol is not None, "a list is placed in a market"
    if c.reply.code == codes.VALIDATION:
        at, field, rule = list_rule(c, c.symbol, kind, legs)
        return invalid(field if at < 0 else f"{LEGS[at]}.{field}", rule)
    if c.reply.code not in _OF_ORDERS:
        return reject_problem(c)
    about = [at for at, leg in enumerate(legs) if bound_words.may_be_about(c, c.symbol, leg)]
    at = about[0] if about else 0
    words = _OF_ORDERS[c.reply.code](c, c.symbol, legs[at])
    if about and words.field not in _OF_THE_ORDER:
        name = f"{LEGS[at]}.{words.field}"
        words = Words(words.detail.replace(words.field, name, 1), name, words.rule)
    return rejected(c.reply.code, *words)
