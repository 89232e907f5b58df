"""The machine's reject codes in words: which field decided, and by which bound.

Why it exists: a reply carries a code and one number; a client is told a field, a rule and the
number in its own units. The mapping is total over the codes that the machine can answer.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from core import codes
from core.commands import (
    AMEND_PRICE, AMEND_QTY, AMEND_TRIGGER, C_ACCOUNT, C_HEAD, PLACE_PRICE, PLACE_QTY,
    TERMS_DISPLAY, TERMS_EXPIRE, TERMS_MIN_QTY, TERMS_PEG, TERMS_STP, TERMS_TRAIL, TERMS_TRIGGER,
)  # fmt: skip
from core.events import Reply
from gateway.orders import unknown_order
from gateway.problems import FieldError, Problem, rejected
from gateway.symbols import Symbol

_Texts = Callable[[Symbol, int], tuple[str, str, str]]
"""(symbol, bound) -> (detail, field, rule)."""


def _price_band(s: Symbol, bound: int) -> tuple[str, str, str]:
    rule = f"must be from {s.price_text(s.min_price)} to {s.price_text(s.max_price)}"
    return f"the price is beyond {s.price_text(bound)}", "price", rule


def _trigger_band(s: Symbol, bound: int) -> tuple[str, str, str]:
    """The machine says the same of a limit outside its band and of a trigger that was passed."""
    rule = (
        "must be a price that the market has not passed, and like price from"
        f" {s.price_text(s.min_price)} to {s.price_text(s.max_price)}"
    )
    return f"the price or the trigger is beyond {s.price_text(bound)}", "triggerPrice", rule


def _lot_size(s: Symbol, bound: int) -> tuple[str, str, str]:
    return "the quantity is too large", "qty", f"must be at most {s.qty_text(bound)}"


def _min_notional(s: Symbol, bound: int) -> tuple[str, str, str]:
    rule = f"must make an order worth at least {s.quote_text(bound)} {s.quote.name}"
    return "the order is worth too little", "qty", rule


def _max_notional(s: Symbol, bound: int) -> tuple[str, str, str]:
    rule = f"must make an order worth at most {s.quote_text(bound)} {s.quote.name}"
    return "the order is worth too much", "qty", rule


def _mode(s: Symbol, bound: int) -> tuple[str, str, str]:
    name = codes.MODE_NAMES[bound] if 0 <= bound < len(codes.MODE_NAMES) else str(bound)
    return f"{s.name} is in mode {name}", "symbol", f"must allow this in mode {name}"


def _open_orders(_s: Symbol, bound: int) -> tuple[str, str, str]:
    rule = f"must leave the account with at most {bound} open orders"
    return f"the account has {bound} open orders", "account", rule


def _post_only(s: Symbol, bound: int) -> tuple[str, str, str]:
    best = s.price_text(bound)
    return f"the best price on the other side is {best}", "price", f"must not reach {best}"


def _fok(s: Symbol, bound: int) -> tuple[str, str, str]:
    have = s.qty_text(bound)
    return f"only {have} can be had within the price", "qty", f"must be at most {have} for FOK"


def _duplicate(_s: Symbol, bound: int) -> tuple[str, str, str]:
    detail = f"the open order {bound} of this account has the same clientOrderId"
    return detail, "clientOrderId", "must be unique among the account's open orders"


_WORDS: Final[dict[int, _Texts]] = {
    codes.PRICE_BAND: _price_band,
    codes.LOT_SIZE: _lot_size,
    codes.MIN_NOTIONAL: _min_notional,
    codes.MAX_NOTIONAL: _max_notional,
    codes.MARKET_HALTED: _mode,
    codes.CANCEL_ONLY: _mode,
    codes.TOO_MANY_OPEN_ORDERS: _open_orders,
    codes.POST_ONLY_WOULD_TRADE: _post_only,
    codes.FOK_UNFILLABLE: _fok,
    codes.DUPLICATE_ORDER_ID: _duplicate,
}

_PLAIN_WORDS: Final[dict[int, tuple[str, str, str]]] = {
    codes.INSUFFICIENT_FUNDS: (
        "the account has less available than the order would hold", "qty",
        "must be covered by the account's available balance",
    ),
    codes.NO_LIQUIDITY: (
        "nothing rests on the other side", "type", "must be LIMIT while nothing rests there",
    ),
    codes.IDEMPOTENCY_MISMATCH: (
        "the key was used before, with another request", "Idempotency-Key",
        "must be new for each different request",
    ),
    codes.OVERLOADED: (
        "a table of the exchange is full; send the request again later", "", "",
    ),
}  # fmt: skip
"""(detail, field, rule) of the codes whose words need neither a symbol nor the bound."""

_PLACE_FIELDS: Final = {
    C_HEAD: "type",
    C_ACCOUNT: "account",
    PLACE_PRICE: "price",
    PLACE_QTY: "qty",
    TERMS_STP: "selfTrade",
    TERMS_TRIGGER: "triggerPrice",
    TERMS_TRAIL: "trailBy",
    TERMS_DISPLAY: "displayQty",
    TERMS_MIN_QTY: "minQty",
    TERMS_EXPIRE: "expiresAt",
    TERMS_PEG: "pegOffset",
}
_AMEND_FIELDS: Final = {
    C_ACCOUNT: "account", AMEND_PRICE: "price", AMEND_QTY: "qty", AMEND_TRIGGER: "triggerPrice",
}  # fmt: skip


def reject_problem(reply: Reply, symbol: Symbol | None, fields: Mapping[str, str]) -> Problem:
    """The problem that a rejected reply means. `symbol` None: the command named none; `fields`:
    what the request calls `qty` and `price`, where it is another name, and its `trigger`."""
    problem = _problem(reply, symbol)
    if reply.code == codes.PRICE_BAND and symbol and "trigger" in fields:
        problem = rejected(reply.code, *_trigger_band(symbol, reply.detail))
    if not problem.errors or problem.errors[0].field not in fields:
        return problem
    error = FieldError(fields[problem.errors[0].field], problem.errors[0].rule)
    return msgspec.structs.replace(problem, errors=(error,))


def _problem(reply: Reply, symbol: Symbol | None) -> Problem:
    code = reply.code
    if code in (codes.UNKNOWN_ORDER, codes.NOT_OWNER):
        return unknown_order()
    if code in _PLAIN_WORDS:
        return rejected(code, *_PLAIN_WORDS[code])
    words = _WORDS.get(code)
    if words is not None and symbol is not None:
        return rejected(code, *words(symbol, reply.detail))
    if code == codes.VALIDATION:
        return _validation(reply)
    return rejected(code, f"the exchange answered {codes.REJECT_NAMES[code]}")


def _validation(reply: Reply) -> Problem:
    """The detail is the number of the word that was wrong, or for an amend the lots filled."""
    if reply.command == codes.CMD_AMEND:
        field = _AMEND_FIELDS.get(reply.detail, "qty")
        rule = "must change the order, and leave more than what is filled"
        return rejected(codes.VALIDATION, f"{field} {rule}", field, rule)
    field = _PLACE_FIELDS.get(reply.detail, "body")
    rule = "must be open" if field == "account" else "must be allowed together with the others"
    return rejected(codes.VALIDATION, f"{field} {rule}", field, rule)
