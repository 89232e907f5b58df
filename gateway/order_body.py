"""The bodies that place and change orders, as clients send them.

Why it exists: which fields there are, and that each is a string, is one thing; what they mean to
the machine is another (`gateway.orders`, `gateway.order_terms`). It must not know commands.
"""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from core import codes
from gateway.bodies import BodyReader

Text = str | UnsetType
SelfTrade = Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"] | UnsetType
SelfTradeBy = Literal["ACCOUNT", "GROUP"] | UnsetType
NO_RAW: Final = msgspec.Raw()

PEG_TO: Final = ("OWN", "OTHER")
ON_CROSS: Final = ("REJECT", "SLIDE")
SELF_TRADE_BY: Final = ("ACCOUNT", "GROUP")


class LegBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel", kw_only=True):
    """An order of a list; every value is a string: a JSON number has already lost digits in
    somebody's parser."""

    side: Literal["BUY", "SELL"]
    type: Literal[
        "LIMIT", "MARKET", "STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
        "TRAILING_STOP", "TRAILING_STOP_LIMIT", "PEGGED",
    ]  # fmt: skip
    price: Text = UNSET
    qty: Text = UNSET
    quote_qty: Text = UNSET
    time_in_force: (
        Literal["GTC", "IOC", "FOK", "POST_ONLY", "GTD", "DAY", "AUCTION"] | UnsetType
    ) = UNSET
    client_order_id: Text = UNSET
    trigger_price: Text = UNSET
    trail_by: Text = UNSET
    trail_bps: Text = UNSET
    collar: Text = UNSET
    display_qty: Text = UNSET
    expires_at: Text = UNSET
    on_cross: Literal["REJECT", "SLIDE"] | UnsetType = UNSET


class PlaceBody(LegBody, kw_only=True):
    """An order of its own has all that a leg has, and what a list says once or not at all."""

    symbol: str
    min_qty: Text = UNSET
    peg_to: Literal["OWN", "OTHER"] | UnsetType = UNSET
    peg_offset: Text = UNSET
    self_trade: SelfTrade = UNSET
    self_trade_by: SelfTradeBy = UNSET


class ListBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """An order list. Each leg is an object of its own, read as a `LegBody`."""

    symbol: str
    type: Literal["OCO", "OTO", "OTOCO"]
    first: msgspec.Raw
    second: msgspec.Raw
    third: msgspec.Raw = NO_RAW
    client_order_list_id: Text = UNSET
    self_trade: SelfTrade = UNSET
    self_trade_by: SelfTradeBy = UNSET


class AmendBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The order's new terms; `qty` is the new total, what is filled included."""

    qty: str
    price: Text = UNSET
    trigger_price: Text = UNSET


_LEG_CHOICES: Final = {
    "side": codes.SIDE_NAMES, "type": codes.ORDER_TYPE_NAMES,
    "timeInForce": codes.TIME_IN_FORCE_NAMES, "onCross": ON_CROSS,
}  # fmt: skip
_SELF_TRADE_CHOICES: Final = {"selfTrade": codes.STP_NAMES, "selfTradeBy": SELF_TRADE_BY}

place_bodies: Final = BodyReader(
    PlaceBody, {**_LEG_CHOICES, **_SELF_TRADE_CHOICES, "pegTo": PEG_TO}
)
leg_bodies: Final = BodyReader(LegBody, _LEG_CHOICES)
list_bodies: Final = BodyReader(
    ListBody, {**_SELF_TRADE_CHOICES, "type": codes.LIST_KIND_NAMES[1:]}
)
amend_bodies: Final = BodyReader(AmendBody, {})
