"""Typed orders with further terms, lists, switches: each field to its word, each fault by name."""

from typing import Any

import pytest
from google.protobuf.json_format import ParseDict

from adapters.rpc_codec import FieldError
from adapters.rpc_orders import command_of
from adapters.rpc_trading import check_trading
from contracts.gen.exchange.v1.trading_pb2 import Command
from core import codes, commands
from core.commands import MalformedBatch, key128

IDS = {"BTC-KRW": 3}
METADATA = {"user_id": "5", "symbol": "BTC-KRW", "idempotency_key": "k"}


def command(**body: Any) -> Command:
    return ParseDict({"metadata": METADATA, **body}, Command())


def stop(**changes: Any) -> dict[str, Any]:
    order = {
        "side": "SIDE_SELL", "type": "ORDER_TYPE_STOP_LIMIT",
        "time_in_force": "TIME_IN_FORCE_GTD", "price_ticks": 95, "qty_lots": 7,
        "client_order_id": "mine",
        "terms": {
            "trigger_ticks": 97, "trail": 1, "trail_is_bps": True, "display_lots": 2,
            "min_lots": 3, "expire_ns": 1_000, "peg_offset_ticks": -4, "peg_to_other_side": True,
            "slide": True, "self_trade": "SELF_TRADE_DECREMENT", "self_trade_by_group": True,
        },
    }  # fmt: skip
    return order | changes


def test_an_order_with_terms_has_each_field_in_its_word() -> None:
    flags = commands.FLAG_TRAIL_BPS | commands.FLAG_PEG_OTHER | commands.FLAG_SLIDE
    assert command_of(command(place_order=stop()), IDS) == commands.place_terms(
        5, 3, codes.SELL, codes.STOP_LIMIT, codes.GTD, price=95, qty=7, key=key128("k"),
        client=key128("mine"), flags=flags, stp=codes.STP_DECREMENT, by_group=True, trigger=97,
        trail=1, display=2, min_qty=3, expire_ns=1_000, peg_offset=-4,
    )  # fmt: skip


def test_empty_terms_still_ask_for_further_ones() -> None:
    """The kind is the sender's choice; what goes together is the machine's to judge."""
    record = command_of(command(place_order=stop(terms={})), IDS)
    assert record[0] == codes.CMD_PLACE_TERMS
    plain = stop(type="ORDER_TYPE_LIMIT", time_in_force="TIME_IN_FORCE_GTC")
    del plain["terms"]
    assert command_of(command(place_order=plain), IDS)[0] == codes.CMD_PLACE


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "ORDER_TYPE_UNSPECIFIED"}, "order.type"),
        ({"time_in_force": "TIME_IN_FORCE_UNSPECIFIED"}, "order.time_in_force"),
        ({"client_order_id": "x" * 129}, "order.client_order_id"),
        ({"qty_lots": None}, "order.size"),
    ],
)
def test_a_field_that_no_record_can_say_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError, match=field):
        command_of(command(place_order=stop(**changes)), IDS)


def test_without_terms_only_the_first_types_are_known() -> None:
    plain = stop()
    del plain["terms"]
    with pytest.raises(FieldError, match=r"order\.type"):
        command_of(command(place_order=plain), IDS)


def test_a_list_has_its_legs_in_order() -> None:
    leg = stop()
    leg["terms"] = {"trigger_ticks": 97, "expire_ns": 1_000, "self_trade": "SELF_TRADE_NONE"}
    made = command(place_list={"kind": "LIST_KIND_OCO", "legs": [leg, leg], "client_list_id": "l"})
    one = commands.leg(
        codes.SELL, codes.STOP_LIMIT, codes.GTD, price=95, qty=7, client=key128("mine"),
        trigger=97, expire_ns=1_000,
    )  # fmt: skip
    assert command_of(made, IDS) == commands.place_list(
        5, 3, codes.LIST_OCO, [one, one], key=key128("k"), client=key128("l")
    )


@pytest.mark.parametrize(
    ("placed", "field"),
    [
        ({"legs": [{}, {}]}, "list.kind"),
        ({"kind": "LIST_KIND_OTOCO", "legs": [{}, {}]}, "list.legs: 2; 3"),
        ({"kind": "LIST_KIND_OCO", "legs": [{}, {}]}, r"list.legs\[0\].size"),
        ({"kind": "LIST_KIND_OCO", "legs": [stop(), stop()]}, r"list.legs\[0\].terms.min_lots"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(placed: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError, match=field):
        command_of(command(place_list=placed), IDS)


def test_filters_switches_and_triggers() -> None:
    some = {"buys": True, "parked": True, "low_ticks": 4, "high_ticks": 9}
    assert command_of(command(cancel_all=some), IDS) == commands.cancel_all(
        5, 3, key128("k"), commands.FILTER_BUYS | commands.FILTER_PARKED, 4, 9
    )
    assert command_of(command(cancel_after={"after_ns": 7}), IDS) == commands.cancel_after(
        5, 3, 7, key128("k")
    )
    amended = {"order_id": 9, "price_ticks": 1, "qty_lots": 2, "trigger_ticks": 3}
    assert command_of(command(amend_order=amended), IDS) == commands.amend(
        5, 3, 9, 1, 2, key128("k"), 3
    )


def test_a_packed_batch_may_have_commands_of_every_length() -> None:
    records = [
        commands.place_terms(5, 3, 0, 0, 0, price=1, qty=1), commands.cancel(5, 3, 9),
        commands.place_list(5, 3, 1, []), commands.cancel_all(5, 3),
    ]  # fmt: skip
    assert check_trading(b"".join(records)) == 4
    with pytest.raises(MalformedBatch, match="command 4: account"):
        check_trading(b"".join([*records, commands.cancel_all(0, 3)]))
    with pytest.raises(MalformedBatch, match="command 4 is SET_GROUP"):
        check_trading(b"".join([*records, commands.set_group(5, 1)]))
