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

PEG_TO: Final = ("OWN", "OTHER")
ON_CROSS: Final = ("REJECT", "SLIDE")
SELF_TRADE_BY: Final = ("ACCOUNT", "GROUP")


class PlaceBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Every value is a string: a JSON number has already lost digits in somebody's parser."""

    symbol: str
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
    min_qty: Text = UNSET
    expires_at: Text = UNSET
    peg_to: Literal["OWN", "OTHER"] | UnsetType = UNSET
    peg_offset: Text = UNSET
    on_cross: Literal["REJECT", "SLIDE"] | UnsetType = UNSET
    self_trade: (
        Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"] | UnsetType
    ) = UNSET
    self_trade_by: Literal["ACCOUNT", "GROUP"] | UnsetType = UNSET


class AmendBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The order's new terms; `qty` is the new total, what is filled included."""

    qty: str
    price: Text = UNSET
    trigger_price: Text = UNSET


place_bodies: Final = BodyReader(
    PlaceBody,
    {
        "side": codes.SIDE_NAMES, "type": codes.ORDER_TYPE_NAMES,
        "timeInForce": codes.TIME_IN_FORCE_NAMES, "pegTo": PEG_TO, "onCross": ON_CROSS,
        "selfTrade": codes.STP_NAMES, "selfTradeBy": SELF_TRADE_BY,
    },
)  # fmt: skip
amend_bodies: Final = BodyReader(AmendBody, {})
