"""From typed trading commands to the machine's records.

Why it exists: an order can ask for much, and each public field has its place in a record. What no
record can say is refused with the field's name; whether terms go together is the machine's to
judge. It must not know calls, streams or the node.
"""

from collections.abc import Mapping
from typing import Final

from adapters.rpc_codec import (
    UNLISTED_SYMBOL, FieldError, account_of, enum_of, key_of, names_of, order_id_of,
)  # fmt: skip
from adapters.rpc_metadata import Metadata
from contracts.gen.exchange.v1 import trading_pb2 as trading
from contracts.gen.exchange.v1 import types_pb2 as types
from core import commands
from core.codes import LIST_KIND_NAMES
from core.commands import (
    FILTER_BUYS, FILTER_PARKED, FILTER_RESTING, FILTER_SELLS, FLAG_BY_QUOTE, FLAG_PEG_OTHER,
    FLAG_SLIDE, FLAG_TRAIL_BPS, Key,
)  # fmt: skip

BODIES: Final = "place_order, cancel_order, amend_order, cancel_all, place_list, cancel_after"


def symbol_names(batch: list[trading.Command]) -> set[str]:
    """The names that must be looked up before `command_of` is called."""
    return {command.metadata.symbol for command in batch if command.metadata.symbol}


def command_of(command: trading.Command, ids: Mapping[str, int], at: str = "") -> bytes:
    """The record of one typed command. `at` is the prefix of the fields' names in errors."""
    body = command.WhichOneof("body")
    if body is None:
        raise FieldError(f"{at}body: one of {BODIES}")
    metadata = command.metadata
    place = f"{at}metadata."
    account = account_of(metadata.user_id, place + "user_id", 0 if body == "cancel_all" else 1)
    key = key_of(metadata.idempotency_key, place + "idempotency_key")
    symbol = ids.get(metadata.symbol, UNLISTED_SYMBOL) if metadata.symbol else 0
    if body in ("place_order", "place_list") and not metadata.symbol:
        raise FieldError(f"{place}symbol: required")
    if body == "place_order":
        return _place(command.place_order, account, symbol, key, f"{at}order.")
    if body == "place_list":
        return _place_list(command.place_list, account, symbol, key, f"{at}list.")
    if body == "cancel_order":
        order_id = order_id_of(command.cancel_order.order_id, f"{at}cancel.order_id")
        return commands.cancel(account, symbol, order_id, key)
    if body == "amend_order":
        amend = command.amend_order
        order_id = order_id_of(amend.order_id, f"{at}amend.order_id")
        return commands.amend(
            account, symbol, order_id, amend.price_ticks, amend.qty_lots, key, amend.trigger_ticks
        )
    if body == "cancel_after":
        return commands.cancel_after(account, symbol, command.cancel_after.after_ns, key)
    if account == 0 and symbol == 0:
        raise FieldError(f"{place}symbol: required when user_id is 0 (everybody)")
    return _cancel_all(command.cancel_all, account, symbol, key)


def _cancel_all(which: trading.CancelAll, account: int, symbol: int, key: Key) -> bytes:
    what = (
        FILTER_BUYS * which.buys | FILTER_SELLS * which.sells | FILTER_RESTING * which.resting
        | FILTER_PARKED * which.parked
    )  # fmt: skip
    return commands.cancel_all(account, symbol, key, what, which.low_ticks, which.high_ticks)


def _place(order: trading.PlaceOrder, account: int, symbol: int, key: Key, at: str) -> bytes:
    qty, by_quote = _size(order, at)
    side = enum_of(order.side, types.SIDE_SELL, at + "side")
    client = key_of(order.client_order_id, at + "client_order_id")
    if not order.HasField("terms"):
        return commands.place(
            account, symbol, side,
            enum_of(order.type, types.ORDER_TYPE_MARKET, at + "type"),
            enum_of(order.time_in_force, types.TIME_IN_FORCE_POST_ONLY, at + "time_in_force"),
            order.price_ticks, qty, key, client, by_quote,
        )  # fmt: skip
    terms = order.terms
    return commands.place_terms(
        account, symbol, side, enum_of(order.type, types.ORDER_TYPE_PEGGED, at + "type"),
        enum_of(order.time_in_force, types.TIME_IN_FORCE_AUCTION, at + "time_in_force"),
        price=order.price_ticks, qty=qty, key=key, client=client,
        flags=_flags(terms, by_quote), stp=_self_trade(terms, at),
        by_group=terms.self_trade_by_group, trigger=terms.trigger_ticks, trail=terms.trail,
        display=terms.display_lots, min_qty=terms.min_lots, expire_ns=terms.expire_ns,
        peg_offset=terms.peg_offset_ticks,
    )  # fmt: skip


def _size(order: trading.PlaceOrder, at: str) -> tuple[int, bool]:
    size = order.WhichOneof("size")
    if size is None:
        raise FieldError(f"{at}size: one of qty_lots and quote_units is required")
    by_quote = size == "quote_units"
    return order.quote_units if by_quote else order.qty_lots, by_quote


def _flags(terms: trading.OrderTerms, by_quote: bool) -> int:
    return (
        FLAG_BY_QUOTE * by_quote | FLAG_SLIDE * terms.slide | FLAG_TRAIL_BPS * terms.trail_is_bps
        | FLAG_PEG_OTHER * terms.peg_to_other_side
    )  # fmt: skip


def _self_trade(terms: trading.OrderTerms, at: str) -> int:
    if terms.self_trade == types.SELF_TRADE_UNSPECIFIED:
        return 0
    return enum_of(terms.self_trade, types.SELF_TRADE_DECREMENT, at + "terms.self_trade")


def _place_list(
    placed: trading.PlaceOrderList, account: int, symbol: int, key: Key, at: str
) -> bytes:
    kind = enum_of(placed.kind, len(LIST_KIND_NAMES) - 1, at + "kind") + 1
    count = 3 if placed.kind == types.LIST_KIND_OTOCO else 2
    if len(placed.legs) != count:
        raise FieldError(f"{at}legs: {len(placed.legs)}; {count} for this kind")
    first = placed.legs[0].terms
    legs = [_leg(leg, f"{at}legs[{number}].") for number, leg in enumerate(placed.legs)]
    return commands.place_list(
        account, symbol, kind, legs, key=key,
        client=key_of(placed.client_list_id, at + "client_list_id"),
        stp=_self_trade(first, f"{at}legs[0]."), by_group=first.self_trade_by_group,
    )  # fmt: skip


def _leg(order: trading.PlaceOrder, at: str) -> tuple[int, ...]:
    qty, by_quote = _size(order, at)
    terms = order.terms
    for field in ("min_lots", "peg_offset_ticks"):
        if getattr(terms, field):
            raise FieldError(f"{at}terms.{field}: not for an order of a list")
    return commands.leg(
        enum_of(order.side, types.SIDE_SELL, at + "side"),
        enum_of(order.type, types.ORDER_TYPE_TRAILING_STOP_LIMIT, at + "type"),
        enum_of(order.time_in_force, types.TIME_IN_FORCE_DAY, at + "time_in_force"),
        price=order.price_ticks, qty=qty,
        client=key_of(order.client_order_id, at + "client_order_id"),
        flags=_flags(terms, by_quote), trigger=terms.trigger_ticks, trail=terms.trail,
        display=terms.display_lots, expire_ns=terms.expire_ns,
    )  # fmt: skip


def batch_of(batch: list[trading.Command], ids: Mapping[str, int]) -> tuple[bytes, Metadata]:
    """The records of a typed batch, and its metadata."""
    records: list[bytes] = []
    metadata: Metadata = {}
    for ordinal, command in enumerate(batch):
        at = f"commands[{ordinal}]."
        records.append(command_of(command, ids, at))
        names = names_of(command.metadata, at + "metadata")
        if names is not None:
            metadata[ordinal] = names
    return b"".join(records), metadata
