"""Requests about many orders at once: cancel all, or some, and the dead man's switch.

Why it exists: they name no order, so what they leave behind must be said instead: how many were
canceled, whether there are more, when the switch will cancel. It must not know which orders there
are.
"""

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import UNSET

from core import codes
from core.commands import (
    FILTER_BUYS, FILTER_PARKED, FILTER_RESTING, FILTER_SELLS, Key, cancel_after, cancel_all,
)  # fmt: skip
from core.events import Reply
from core.limits import CANCEL_AFTER_NS_MAX
from core.versions import VERSION_ORDER_TERMS
from gateway.bodies import BodyReader
from gateway.order_body import Text
from gateway.order_terms import NS_PER_MS
from gateway.problems import Refused, check_version, invalid
from gateway.symbols import Symbol, Symbols

FILTERS: Final = ("side", "state", "minPrice", "maxPrice")
"""Parameters that choose among the orders, from machine version 3 on."""
_SIDES: Final = {"BUY": FILTER_BUYS, "SELL": FILTER_SELLS}
_STATES: Final = {"RESTING": FILTER_RESTING, "PARKED": FILTER_PARKED}
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_AFTER_MS_MAX: Final = CANCEL_AFTER_NS_MAX // NS_PER_MS

encode: Final = msgspec.json.Encoder().encode


class CancelAfterBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """`after_ms` "0" calls it off; without a symbol it is about all of them."""

    after_ms: str
    symbol: Text = UNSET


class MassCanceledBody(msgspec.Struct, frozen=True, rename="camel"):
    """`more` true: the command's limit was reached, repeat it with another key."""

    status: str
    canceled: int
    more: bool
    accepted_at: int


class SwitchBody(msgspec.Struct, frozen=True, rename="camel"):
    """`cancels_at`: epoch ms of log time, 0 if it is off."""

    cancels_at: int
    accepted_at: int


_after_bodies: Final = BodyReader(CancelAfterBody, {})


def cancel_all_command(
    params: Mapping[str, str], symbol: Symbol | None, version: int, account: int, key: Key
) -> bytes:
    """Of those that the filters leave; `version`: the machine's, which must know filters."""
    for name in FILTERS:
        if name in params:
            check_version(name, VERSION_ORDER_TERMS, version)
    what = _choice(params, "side", _SIDES) | _choice(params, "state", _STATES)
    low, high = _price(params, "minPrice", symbol), _price(params, "maxPrice", symbol)
    if 0 < high < low:
        raise Refused(invalid("maxPrice", "must not be below minPrice"))
    return cancel_all(account, symbol.id if symbol else 0, key, what, low, high)


def _choice(params: Mapping[str, str], name: str, choices: Mapping[str, int]) -> int:
    text = params.get(name)
    if text is None:
        return 0
    if text not in choices:
        raise Refused(invalid(name, f"must be one of {', '.join(choices)}"))
    return choices[text]


def _price(params: Mapping[str, str], name: str, symbol: Symbol | None) -> int:
    text = params.get(name)
    if text is None:
        return 0
    if symbol is None:
        raise Refused(invalid(name, "must be given only with a symbol"))
    return symbol.ticks(text, name)


def mass_canceled_body(reply: Reply) -> bytes:
    return encode(
        MassCanceledBody(
            codes.STATUS_NAMES[reply.status], reply.detail, bool(reply.remaining),
            reply.ts_ns // NS_PER_MS,
        )
    )  # fmt: skip


def cancel_after_command(
    body: bytes, symbols: Symbols, version: int, account: int, key: Key
) -> tuple[bytes, Symbol | None]:
    """And the symbol that it is about."""
    wanted = _after_bodies.read(body)
    after_ms = int(wanted.after_ms) if _WHOLE.fullmatch(wanted.after_ms) else -1
    if not 0 <= after_ms <= _AFTER_MS_MAX:
        rule = f"must be whole milliseconds from 0 to {_AFTER_MS_MAX}"
        raise Refused(invalid("afterMs", rule))
    check_version("afterMs", VERSION_ORDER_TERMS, version)
    symbol = None if wanted.symbol is UNSET else symbols.named(wanted.symbol)
    return cancel_after(account, symbol.id if symbol else 0, after_ms * NS_PER_MS, key), symbol


def switch_body(reply: Reply) -> bytes:
    return encode(SwitchBody(reply.detail // NS_PER_MS, reply.ts_ns // NS_PER_MS))
