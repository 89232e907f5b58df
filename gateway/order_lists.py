"""An order list as JSON in, a packed command out; what became of it as JSON out.

Why it exists: two or three orders are one request, one command and one answer. Each leg is read as
an order of its own is, and what is wrong with it is told under its leg's name; which legs make a
list is the machine's to say (docs/machine.md, PLACE_LIST). It must not know which lists there are.
"""

from typing import Final, NamedTuple

import msgspec

from core import codes
from core.commands import NO_KEY, Key, key128, leg, place_list
from core.versions import VERSION_ORDER_TERMS
from gateway.asked import Asked
from gateway.list_view import OrderList
from gateway.order_body import LegBody, ListBody, PlaceBody, leg_bodies, list_bodies
from gateway.order_terms import NS_PER_MS, price_of, terms_of
from gateway.orders import (
    SIDES, TYPES, OrderBody, client_id_of, order_id_of, quantity_of, time_in_force_of,
)  # fmt: skip
from gateway.problems import (
    FieldError, Problem, Refused, check_version, invalid, key_missing, rejected,
)  # fmt: skip
from gateway.rejects import LEGS
from gateway.symbols import Symbol, Symbols

TEXTS_MAX: Final = 128
"""Of all own ids together, a space between them: one name of the log's metadata."""

KINDS: Final = {name: number for number, name in enumerate(codes.LIST_KIND_NAMES)}


class ListPlacing(NamedTuple):
    command: bytes
    symbol: Symbol
    texts: str
    """The list's own id and its orders', for the log's metadata."""
    kind: int
    legs: tuple[Asked, ...]


class ListOrdersBody(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """`orders`: the legs that are still kept; `orderIds`: all of them. Times are epoch ms."""

    order_list_id: str
    type: str
    symbol: str
    status: str
    order_ids: tuple[str, ...]
    orders: tuple[OrderBody, ...]
    accepted_at: int
    updated_at: int
    client_order_list_id: str = ""


def place_list_command(
    body: bytes, symbols: Symbols, version: int, account: int, key: Key
) -> ListPlacing:
    if key == NO_KEY:
        raise Refused(key_missing())
    wanted = list_bodies.read(body)
    check_version("type", VERSION_ORDER_TERMS, version)
    symbol = symbols.named(wanted.symbol)
    text, client = client_id_of(wanted.client_order_list_id, "clientOrderListId")
    legs = [_leg(name, raw, wanted, symbol) for name, raw in _legs_of(wanted)]
    texts = " ".join(found for found in (text, *(found.text for found in legs)) if found)
    if len(texts) > TEXTS_MAX:
        rule = f"must be, with its orders' own ids, at most {TEXTS_MAX} characters"
        raise Refused(invalid("clientOrderListId", rule))
    command = place_list(
        account, symbol.id, KINDS[wanted.type], [found.words for found in legs], key=key,
        client=client, stp=legs[0].asked.stp, by_group=legs[0].asked.by_group,
    )  # fmt: skip
    asked = tuple(found.asked for found in legs)
    return ListPlacing(command, symbol, texts, KINDS[wanted.type], asked)


class _Leg(NamedTuple):
    words: tuple[int, ...]
    text: str
    asked: Asked


def _legs_of(wanted: ListBody) -> list[tuple[str, msgspec.Raw]]:
    """As many as the kind has."""
    has_third = bytes(wanted.third) != b""
    if has_third != (wanted.type == "OTOCO"):
        rule = "must not be given for" if has_third else "must be given for"
        raise Refused(invalid("third", f"{rule} {wanted.type}"))
    raws = (wanted.first, wanted.second, wanted.third)
    return list(zip(LEGS, raws, strict=True))[: 3 if has_third else 2]


def _leg(name: str, raw: msgspec.Raw, wanted: ListBody, symbol: Symbol) -> _Leg:
    try:
        order = _as_order(leg_bodies.read(bytes(raw)), wanted)
        text, client = client_id_of(order.client_order_id, "clientOrderId")
        asked = Asked(
            side=SIDES[order.side], order_type=TYPES[order.type],
            time_in_force=time_in_force_of(order), price=price_of(order, symbol),
            qty=quantity_of(order, symbol), **terms_of(order, symbol),
        )  # fmt: skip
    except Refused as refused:
        raise Refused(_under(name, refused.problem)) from None
    words = leg(
        asked.side, asked.order_type, asked.time_in_force, price=asked.price, qty=asked.qty,
        client=client, flags=asked.flags, trigger=asked.trigger, trail=asked.trail,
        display=asked.display, expire_ns=asked.expire_ns,
    )  # fmt: skip
    return _Leg(words, text, asked)


def _as_order(found: LegBody, wanted: ListBody) -> PlaceBody:
    fields = {name: getattr(found, name) for name in LegBody.__struct_fields__}
    return PlaceBody(
        symbol=wanted.symbol, self_trade=wanted.self_trade, self_trade_by=wanted.self_trade_by,
        **fields,
    )  # fmt: skip


def _under(name: str, problem: Problem) -> Problem:
    """What is wrong with a leg, told under its name; what the list says for all legs is not."""
    field, rule = problem.errors[0].field, problem.errors[0].rule
    if field in ("selfTrade", "selfTradeBy"):
        return problem
    field = name if field == "body" else f"{name}.{field}"
    detail = f"{field} {rule}" if problem.code == codes.VALIDATION else problem.detail
    return msgspec.structs.replace(problem, detail=detail, errors=(FieldError(field, rule),))


def cancel_keys(key: Key) -> tuple[Key, ...]:
    """One for each leg: it is canceled by the first that is still open."""
    return tuple(key128(f"order-list:{name}:{key[0]}:{key[1]}") for name in LEGS)


def list_id_of(text: str) -> int:
    """A list's id from a path. What cannot be an id is a list that does not exist."""
    try:
        return order_id_of(text)
    except Refused:
        raise Refused(unknown_list()) from None


def unknown_list() -> Problem:
    """The same for a list that never was, is too old to be kept, or is somebody else's."""
    return rejected(
        codes.UNKNOWN_ORDER, "the account has no such order list", "orderListId",
        "must be an order list of this account",
    )  # fmt: skip


def list_body(found: OrderList, symbol: Symbol, orders: tuple[OrderBody, ...]) -> ListOrdersBody:
    return ListOrdersBody(
        str(found.list_id), codes.LIST_KIND_NAMES[found.kind], symbol.name,
        codes.LIST_STATE_NAMES[codes.LIST_DONE if found.is_done else codes.LIST_EXECUTING],
        tuple(str(order_id) for order_id in found.legs), orders, found.created_ns // NS_PER_MS,
        found.updated_ns // NS_PER_MS, found.client_text,
    )  # fmt: skip
