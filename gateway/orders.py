"""An order as JSON in, a packed command out; a packed reply in, an order as JSON out.

Why it exists: this is the one place that knows both the public shape of an order and the
command's layout. It reads the symbol's scales and nothing else: whether an order is good is the
machine's to say, and what the machine rejects is a value here, never an exception.
"""

import re
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from core import codes
from core.commands import (
    FLAG_BY_QUOTE, NO_KEY, Key, amend, cancel, key128, place, place_terms,
)  # fmt: skip
from core.events import Reply
from core.limits import ORDER_ID_MAX
from gateway.asked import Asked
from gateway.order_body import PlaceBody, amend_bodies, place_bodies
from gateway.order_terms import (
    LIMIT_KINDS, NS_PER_MS, has_terms, price_of, terms_of, terms_shown,
)  # fmt: skip
from gateway.order_view import CLIENT_TEXT_MAX, Order
from gateway.problems import Problem, Refused, invalid, key_missing, rejected
from gateway.symbols import Symbol, Symbols
from gateway.term_words import unamendable

_CLIENT_ID: Final = re.compile(rf"[A-Za-z0-9._:/-]{{1,{CLIENT_TEXT_MAX}}}", re.ASCII)
_ORDER_ID: Final = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)
_IDEMPOTENCY_KEY: Final = re.compile(rb"[!-~]{1,128}")

SIDES: Final = {name: number for number, name in enumerate(codes.SIDE_NAMES)}
TYPES: Final = {name: number for number, name in enumerate(codes.ORDER_TYPE_NAMES)}
TIMES: Final = {name: number for number, name in enumerate(codes.TIME_IN_FORCE_NAMES)}
STATES: Final = ("RESTING", "PARKED")
"""The names that choose among orders in a mass cancel."""


class Placing(NamedTuple):
    command: bytes
    symbol: Symbol
    client_text: str
    asked: Asked


class Amending(NamedTuple):
    command: bytes
    asked: Asked


# --- in: headers, paths and bodies to commands -------------------------------------------------


def idempotency_key(header: bytes | None) -> Key:
    """The key of a request; the draft's quoted form and the bare form are the same key."""
    if header is None:
        return NO_KEY
    text = header[1:-1] if len(header) > 2 and header[:1] == header[-1:] == b'"' else header
    if _IDEMPOTENCY_KEY.fullmatch(text) is None:
        rule = "must be 1 to 128 visible ASCII characters"
        raise Refused(invalid("Idempotency-Key", rule))
    return key128(text.decode())


def signature_key(signature: str) -> Key:
    """The key of a write that brought none: its signature, which a replay repeats."""
    return key128("signature:" + signature.lower())


def place_command(body: bytes, symbols: Symbols, account: int, key: Key) -> Placing:
    if key == NO_KEY:
        raise Refused(key_missing())
    order = place_bodies.read(body)
    symbol = symbols.named(order.symbol)
    price = price_of(order, symbol)
    time_in_force = time_in_force_of(order)
    qty = quantity_of(order, symbol)
    side, order_type = SIDES[order.side], TYPES[order.type]
    text, client = client_id_of(order.client_order_id, "clientOrderId")
    if has_terms(order):
        terms = terms_of(order, symbol)
        command = place_terms(
            account, symbol.id, side, order_type, time_in_force, price=price, qty=qty, key=key,
            client=client, **terms,
        )  # fmt: skip
    else:
        by_quote = order.quote_qty is not UNSET
        terms = {"flags": FLAG_BY_QUOTE if by_quote else 0}
        command = place(
            account, symbol.id, side, order_type, time_in_force, price, qty, key, client, by_quote
        )
    asked = Asked(
        side=side, order_type=order_type, time_in_force=time_in_force, price=price, qty=qty,
        **terms,
    )  # fmt: skip
    return Placing(command, symbol, text, asked)


def time_in_force_of(order: PlaceBody) -> int:
    takes = order.type not in LIMIT_KINDS and order.type != "PEGGED"
    if order.quote_qty is not UNSET and not takes:
        raise Refused(invalid("quoteQty", f"must not be given for a {order.type} order"))
    if order.time_in_force is UNSET:
        return codes.IOC if takes else codes.GTC
    if takes and order.time_in_force not in ("IOC", "FOK"):
        rule = f"must be IOC or FOK for a {order.type} order"
        raise Refused(invalid("timeInForce", rule))
    if order.quote_qty is not UNSET and order.time_in_force == "FOK":
        raise Refused(invalid("timeInForce", "must be IOC when quoteQty is given"))
    return TIMES[order.time_in_force]


def quantity_of(order: PlaceBody, symbol: Symbol) -> int:
    """Lots, or quote units when the order is by quote amount."""
    if order.quote_qty is not UNSET:
        if order.qty is not UNSET:
            raise Refused(invalid("qty", "must not be given beside quoteQty"))
        return symbol.quote_units(order.quote_qty)
    if order.qty is UNSET:
        raise Refused(invalid("qty", "must be given"))
    return symbol.lots(order.qty)


def client_id_of(text: str | UnsetType, field: str) -> tuple[str, Key]:
    """The client's own id as text and as the machine keeps it; empty if there is none."""
    if text is UNSET:
        return "", NO_KEY
    if _CLIENT_ID.fullmatch(text) is None:
        rule = f"must be 1 to {CLIENT_TEXT_MAX} of A-Z a-z 0-9 . _ : / -"
        raise Refused(invalid(field, rule))
    return text, key128(text)


def order_id_of(text: str) -> int:
    """An order id from a path. What cannot be an id is an order that does not exist."""
    order_id = int(text) if _ORDER_ID.fullmatch(text) else 0
    if not 1 <= order_id <= ORDER_ID_MAX:
        raise Refused(unknown_order())
    return order_id


def unknown_order() -> Problem:
    """The same for an order that never was, is too old to be kept, or is somebody else's."""
    return rejected(
        codes.UNKNOWN_ORDER, "the account has no such order", "orderId",
        "must be an order of this account",
    )  # fmt: skip


def cancel_command(order_id: int, account: int, key: Key) -> bytes:
    return cancel(account, 0, order_id, key)


def amend_command(body: bytes, symbol: Symbol, order: Order, account: int, key: Key) -> Amending:
    terms = amend_bodies.read(body)
    asked = Asked(
        side=order.side, order_type=order.order_type, time_in_force=order.time_in_force,
        display=order.display, order=order,
    )  # fmt: skip
    if order.is_open and not order.may_be_amended:  # else its missing price would be asked for
        raise Refused(invalid(*unamendable(asked)))
    if (terms.price is UNSET) != (order.price == 0):
        rule = "must be given" if terms.price is UNSET else "must not be given: the order has none"
        raise Refused(invalid("price", rule))
    price = 0 if terms.price is UNSET else symbol.ticks(terms.price)
    trigger = 0
    if terms.trigger_price is not UNSET:
        trigger = symbol.ticks(terms.trigger_price, "triggerPrice")
    qty = symbol.lots(terms.qty)
    command = amend(account, symbol.id, order.order_id, price, qty, key, trigger)
    asked = msgspec.structs.replace(asked, price=price, qty=qty, trigger=trigger)
    return Amending(command, asked)


# --- out: replies and orders to JSON -----------------------------------------------------------


class PlacedBody(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`filledQty` and `filledQuote` are this command's; `acceptedAt` is log time, epoch ms."""

    order_id: str
    status: str
    symbol: str
    seq: int
    accepted_at: int
    filled_qty: str
    filled_quote: str
    remaining_qty: str
    client_order_id: str = ""


class CanceledBody(msgspec.Struct, frozen=True, rename="camel"):
    order_id: str
    status: str
    symbol: str
    seq: int
    accepted_at: int
    filled_qty: str
    remaining_qty: str
    canceled_qty: str


class OrderBody(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`state` is an open order's, `reason` of one that was not filled: why it ended; `refusal`:
    the code with which the market refused it when its trigger was reached."""

    order_id: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    status: str
    qty: str
    filled_qty: str
    filled_quote: str
    remaining_qty: str
    accepted_at: int
    updated_at: int
    price: str = ""
    quote_qty: str = ""
    client_order_id: str = ""
    collar: str = ""
    triggered_at: int = 0
    trigger_price: str = ""
    trail_by: str = ""
    trail_bps: str = ""
    display_qty: str = ""
    min_qty: str = ""
    expires_at: str = ""
    peg_to: str = ""
    peg_offset: str = ""
    on_cross: str = ""
    self_trade: str = ""
    self_trade_by: str = ""
    order_list_id: str = ""
    state: str = ""
    reason: str = ""
    refusal: str = ""


encode: Final = msgspec.json.Encoder().encode


def placed_body(reply: Reply, symbol: Symbol, client_text: str) -> bytes:
    return encode(
        PlacedBody(
            str(reply.id), codes.STATUS_NAMES[reply.status], symbol.name, reply.seq,
            reply.ts_ns // 1_000_000, symbol.qty_text(reply.filled),
            symbol.quote_text(reply.filled_quote), symbol.qty_text(reply.remaining), client_text,
        )
    )  # fmt: skip


def canceled_body(reply: Reply, symbol: Symbol) -> bytes:
    return encode(
        CanceledBody(
            str(reply.id), codes.STATUS_NAMES[reply.status], symbol.name, reply.seq,
            reply.ts_ns // 1_000_000, symbol.qty_text(reply.filled), "0",
            symbol.qty_text(reply.detail),
        )
    )  # fmt: skip


def order_body(order: Order, symbol: Symbol) -> OrderBody:
    type_name = codes.ORDER_TYPE_NAMES[order.order_type]
    price = symbol.price_text(order.price) if order.price else ""
    is_limit = type_name in LIMIT_KINDS or type_name == "PEGGED"
    return OrderBody(
        order_id=str(order.order_id), symbol=symbol.name, side=codes.SIDE_NAMES[order.side],
        type=type_name, time_in_force=codes.TIME_IN_FORCE_NAMES[order.time_in_force],
        status=codes.STATUS_NAMES[order.status], qty=symbol.qty_text(order.qty),
        filled_qty=symbol.qty_text(order.filled),
        filled_quote=symbol.quote_text(order.filled_quote),
        remaining_qty=symbol.qty_text(order.remaining),
        accepted_at=order.created_ns // NS_PER_MS, updated_at=order.updated_ns // NS_PER_MS,
        price=price if is_limit else "", collar="" if is_limit else price,
        quote_qty=symbol.quote_text(order.quote_qty) if order.quote_qty else "",
        client_order_id=order.client_text, triggered_at=order.triggered_ns // NS_PER_MS,
        state=STATES[order.is_parked] if order.is_open else "",
        reason=codes.CANCEL_REASON_NAMES[order.reason] if order.reason else "",
        refusal=codes.REJECT_NAMES[order.refusal] if order.refusal else "",
        **terms_shown(order, symbol),
    )  # fmt: skip
