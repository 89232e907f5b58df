"""Refusals by the state of a market or an account, in words: who may do what now.

Why it exists: the machine says MARKET_HALTED and CANCEL_ONLY of a market's mode, of an account and
of an account in a market, each with a small number; a client must be told which of them it is, or
he looks for his fault in the market. It must not know what an order's numbers are.
"""

from typing import Final

from core import codes
from core.codes import ACCOUNT_STATE_NAMES, MODE_NAMES
from gateway.asked import Case, Words
from gateway.symbols import Symbol

_FROZEN: Final = ACCOUNT_STATE_NAMES.index("FROZEN")
_CANCEL_ONLY: Final = ACCOUNT_STATE_NAMES.index("CANCEL_ONLY")
_KILLED: Final = 0
_PLACES: Final = (codes.CMD_PLACE, codes.CMD_PLACE_TERMS)


def market_halted(c: Case) -> Words:
    """The detail is a mode, or the state FROZEN, which is the number of POST_ONLY too."""
    detail = c.reply.detail
    if detail == _FROZEN and (
        c.model.rules.state(c.account) == _FROZEN or not _mode_refuses(c, detail)
    ):
        return _frozen()
    if c.symbol is None:
        return Words(
            f"the market is in mode {_mode_name(detail)}", "symbol",
            f"must be in a mode that takes this; {_mode_name(detail)} does not",
        )  # fmt: skip
    return _halted_order(c, c.symbol, detail) or _halted_market(c.symbol, detail)


def _frozen() -> Words:
    rule = "must not be frozen; an operator froze it, and can set it free"
    return Words("the account is frozen and may do nothing", "account", rule)


def _mode_refuses(c: Case, mode: int) -> bool:
    """Whether the command could have been refused for the mode POST_ONLY."""
    if c.reply.command == codes.CMD_PLACE_LIST:
        return True
    if c.reply.command not in _PLACES or c.asked is None or mode != codes.MODE_POST_ONLY:
        return False
    takes = c.asked.time_in_force in (codes.IOC, codes.FOK) and not c.asked.is_conditional
    return c.asked.order_type == codes.MARKET or takes


def _mode_name(mode: int) -> str:
    return MODE_NAMES[mode] if 0 <= mode < len(MODE_NAMES) else str(mode)


def _halted_order(c: Case, s: Symbol, mode: int) -> Words | None:
    """What it is about this order that the mode does not take."""
    detail = f"{s.name} is in mode {_mode_name(mode)}"
    if c.reply.command == codes.CMD_PLACE_LIST:
        rule = f"must be given to a market in mode NORMAL; {s.name} takes no lists now"
        return Words(detail, "type", rule)
    asked = c.asked
    if asked is None or c.reply.command not in _PLACES:
        return None
    if mode not in (codes.MODE_POST_ONLY, codes.MODE_AUCTION):
        return None
    during = f"while {s.name} is in mode {_mode_name(mode)}"
    if asked.order_type in (codes.MARKET, codes.PEGGED):
        name = codes.ORDER_TYPE_NAMES[asked.order_type]
        return Words(detail, "type", f"must not be {name} {during}")
    if asked.time_in_force in (codes.IOC, codes.FOK) and not asked.is_conditional:
        return Words(detail, "timeInForce", f"must not be IOC or FOK {during}")
    if asked.min_qty and mode == codes.MODE_AUCTION:
        return Words(detail, "minQty", f"must not be given {during}")
    return None


def _halted_market(s: Symbol, mode: int) -> Words:
    taken = {
        codes.MODE_SOFT_HALT: "takes nothing but cancels",
        codes.MODE_HARD_HALT: "takes nothing, not even cancels",
        codes.MODE_AUCTION: "is at the end of its call and takes orders again when all has traded",
    }
    why = taken.get(mode, "does not take this now")
    name = _mode_name(mode)
    return Words(f"{s.name} is in mode {name}", "symbol", f"must take this; {s.name} {why}")


def cancel_only(c: Case) -> Words:
    """The detail is the mode CANCEL_ONLY, the account's state of the same number, or 0: killed."""
    detail = c.reply.detail
    where = c.symbol.name if c.symbol else "this market"
    if detail == _KILLED:
        rule = f"must not be stopped in {where}; an operator stopped it, and can set it free"
        return Words(f"the account may only cancel in {where}", "account", rule)
    if detail != codes.MODE_CANCEL_ONLY or c.model.rules.state(c.account) == _CANCEL_ONLY:
        rule = "must be ACTIVE; an operator has made it CANCEL_ONLY, and can set it free"
        return Words("the account may only cancel", "account", rule)
    rule = f"must take this; {where} takes only cancels, and amends that make an order smaller"
    return Words(f"{where} is in mode CANCEL_ONLY", "symbol", rule)
