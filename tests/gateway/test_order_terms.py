"""Orders with further terms through the API, over the real machine at its newest version."""

import json
from typing import Any

import pytest

from core import commands as c
from core.codes import CMD_PLACE_TERMS, ORDER_TYPE_NAMES, TIME_IN_FORCE_NAMES
from core.commands import (
    FLAG_BY_QUOTE, FLAG_PEG_OTHER, FLAG_SLIDE, FLAG_TRAIL_BPS, key128, place_terms,
)  # fmt: skip
from gateway.order_terms import NS_PER_MS
from tests.gateway.exchange import ALICE, NOW_MS, SYMBOL, told, traded_exchange

MINUTE_MS = 60_000
SOON = str(NOW_MS + MINUTE_MS)
KEY = key128("the-key")


def bare(**fields: str | None) -> dict[str, Any]:
    """A MARKET kind: what `order` gives of a LIMIT order is left out."""
    return {"price": None, "timeInForce": None, **fields}


PLACED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (bare(type="STOP", triggerPrice="52000000"), {"trigger": 52_000}),
    (
        bare(type="STOP", triggerPrice="52000000", collar="53000000"),
        {"trigger": 52_000, "price": 53_000},
    ),
    (
        bare(type="STOP", triggerPrice="52000000", qty=None, quoteQty="50000"),
        {"trigger": 52_000, "qty": 50_000, "flags": FLAG_BY_QUOTE},
    ),
    ({"type": "STOP_LIMIT", "triggerPrice": "52000000"}, {"trigger": 52_000}),
    (bare(type="TAKE_PROFIT", triggerPrice="48000000"), {"trigger": 48_000}),
    (
        {"type": "TAKE_PROFIT_LIMIT", "triggerPrice": "48000000", "timeInForce": "DAY"},
        {"trigger": 48_000},
    ),
    (bare(type="TRAILING_STOP", trailBy="1000000"), {"trail": 1_000}),
    (
        {"type": "TRAILING_STOP_LIMIT", "trailBps": "150"},
        {"trail": 150, "flags": FLAG_TRAIL_BPS},
    ),
    (
        {"type": "PEGGED", "price": "49500000", "pegOffset": "-1000"},
        {"price": 49_500, "peg_offset": -1},
    ),
    (
        {"type": "PEGGED", "price": None, "pegTo": "OTHER", "pegOffset": "-2000"},
        {"price": 0, "peg_offset": -2, "flags": FLAG_PEG_OTHER},
    ),
    ({"displayQty": "0.001", "qty": "0.01"}, {"display": 1, "qty": 10}),
    ({"minQty": "0.005", "qty": "0.01", "price": "51000000"}, {"min_qty": 5, "qty": 10}),
    (
        {"timeInForce": "GTD", "expiresAt": SOON},
        {"expire_ns": int(SOON) * NS_PER_MS},
    ),
    ({"timeInForce": "AUCTION"}, {}),
    (
        {"timeInForce": "POST_ONLY", "onCross": "SLIDE", "price": "51000000"},
        {"flags": FLAG_SLIDE, "price": 51_000},
    ),
    ({"timeInForce": "POST_ONLY", "onCross": "REJECT"}, {}),
    ({"selfTrade": "EXPIRE_BOTH"}, {"stp": 3}),
    ({"selfTrade": "DECREMENT", "selfTradeBy": "GROUP"}, {"stp": 4, "by_group": True}),
    (bare(type="MARKET", collar="52000000"), {"price": 52_000}),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "words"), PLACED, ids="-".join)
def test_the_command_is_the_one_that_any_other_client_would_have_packed(
    fields: dict[str, Any], words: dict[str, Any]
) -> None:
    exchange = traded_exchange()
    response = exchange.place("alice", "the-key", **fields)
    assert response.status == 201, response.body
    order_type = fields.get("type", "LIMIT")
    tif = fields.get("timeInForce", "GTC") or "IOC"
    limit = 0 if fields.get("price", "") is None else 50_000
    wanted = {"price": limit, "qty": 1, **words}
    if "price" in words:
        wanted["price"] = words["price"]
    elif fields.get("price"):
        wanted["price"] = int(fields["price"]) // 1_000
    packed = place_terms(
        ALICE, 1, 0, ORDER_TYPE_NAMES.index(order_type), TIME_IN_FORCE_NAMES.index(tif), key=KEY,
        **wanted,
    )  # fmt: skip
    assert packed[0] == CMD_PLACE_TERMS
    assert exchange.core.payloads[-1][16 : 16 + len(packed)] == packed


@pytest.mark.parametrize(
    ("fields", "_words"), [one for one in PLACED if one[0].get("type") != "MARKET"],
    ids="-".join,
)  # fmt: skip
def test_what_was_sent_is_shown(fields: dict[str, Any], _words: dict[str, Any]) -> None:
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", **fields))["orderId"]
    shown = told(exchange.signed("alice", "GET", f"/v1/orders/{order_id}"))
    sent = {name: value for name, value in fields.items() if value is not None}
    if sent.get("onCross"):
        sent.pop("price", None)  # it slid
        if sent["onCross"] == "REJECT":
            del sent["onCross"]
    if sent.get("type") == "PEGGED":
        sent["price"] = shown["price"]  # where it stands, not its cap
        sent.setdefault("pegTo", "OWN")
    if "selfTrade" in sent:
        sent.setdefault("selfTradeBy", "ACCOUNT")
    if "quoteQty" in sent:
        del sent["quoteQty"]
        assert shown["quoteQty"] == "50000"
    for name, value in sent.items():
        assert shown[name] == value, (name, shown)
    assert (shown["status"], shown["orderId"]) != ("", "")
    listed = told(exchange.signed("alice", "GET", "/v1/orders"))["orders"]
    assert shown in listed or shown["status"] != "NEW"


def test_a_stop_waits_is_triggered_and_trades() -> None:
    exchange = traded_exchange()
    sent = bare(side="SELL", type="STOP", triggerPrice="49000000", qty="0.002")
    order_id = told(exchange.place("alice", **sent))["orderId"]
    waiting = told(exchange.signed("alice", "GET", f"/v1/orders/{order_id}"))
    assert (waiting["status"], waiting.get("triggeredAt")) == ("NEW", None)
    exchange.place("alice", side="SELL", price="49000000", timeInForce="IOC")
    done = told(exchange.signed("alice", "GET", f"/v1/orders/{order_id}"))
    assert (done["status"], done["filledQty"], done["type"]) == ("FILLED", "0.002", "STOP")
    assert done["triggeredAt"] >= waiting["acceptedAt"]
    assert done["triggerPrice"] == "49000000"


def test_a_trigger_is_moved() -> None:
    exchange = traded_exchange()
    sent = bare(type="STOP", triggerPrice="52000000")
    path = "/v1/orders/" + told(exchange.place("alice", **sent))["orderId"]
    body = json.dumps({"qty": "0.003", "triggerPrice": "53000000"}).encode()
    assert exchange.signed("alice", "PATCH", path, body).status == 200
    shown = told(exchange.signed("alice", "GET", path))
    assert (shown["triggerPrice"], shown["qty"]) == ("53000000", "0.003")
    for bad, field in (
        ({"qty": "0.003", "price": "50000000"}, "price"),
        ({"qty": "0.003", "triggerPrice": "0"}, "triggerPrice"),
        ({"triggerPrice": "54000000"}, "qty"),
    ):
        before = exchange.state()
        response = exchange.signed("alice", "PATCH", path, json.dumps(bad).encode())
        assert (response.status, told(response)["errors"][0]["field"]) == (400, field)
        assert exchange.state() == before


REFUSED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("VALIDATION", "expiresAt", "end that has passed", {"timeInForce": "GTD", "expiresAt": "1000"}),
    ("VALIDATION", "expiresAt", "end of a GTC order", {"expiresAt": SOON}),
    ("VALIDATION", "collar", "amount with a collar",
     bare(type="MARKET", qty=None, quoteQty="50000", collar="52000000")),
    ("VALIDATION", "displayQty", "tip larger than the order", {"displayQty": "0.002"}),
    ("VALIDATION", "minQty", "minimum of all", {"timeInForce": "FOK", "minQty": "0.001"}),
    ("VALIDATION", "timeInForce", "pegged IOC", {"type": "PEGGED", "timeInForce": "IOC"}),
    ("VALIDATION", "selfTrade", "decrement by amount",
     bare(type="MARKET", qty=None, quoteQty="50000", selfTrade="DECREMENT")),
    ("PRICE_BAND", "triggerPrice", "trigger that was passed",
     {"type": "STOP_LIMIT", "triggerPrice": "49000000"}),
    ("FOK_UNFILLABLE", "minQty", "minimum that is not there",
     {"price": "50000000", "minQty": "0.001"}),
    ("SELF_TRADE", "selfTrade", "oneself", {"price": "51000000", "selfTrade": "EXPIRE_TAKER"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "field", "_name", "fields"), REFUSED, ids=lambda v: str(v)[:24])
def test_what_the_machine_refuses_names_the_field_of_the_request(
    code: str, field: str, _name: str, fields: dict[str, Any]
) -> None:
    exchange = traded_exchange()
    if code == "SELF_TRADE":
        exchange.place("alice", side="SELL", price="50000000", timeInForce="POST_ONLY")
        fields = {**fields, "price": "50000000"}
    before = exchange.core.machine.balances_digest()
    response = exchange.place("alice", **fields)
    answer = told(response)
    assert 400 <= response.status < 500
    assert answer["code"] == code, answer
    assert [e["field"] for e in answer["errors"]] == [field], answer
    assert exchange.core.machine.balances_digest() == before


def test_a_closed_order_keeps_its_terms() -> None:
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", displayQty="0.001", qty="0.01"))["orderId"]
    path = f"/v1/orders/{order_id}"
    before = told(exchange.signed("alice", "GET", path))
    assert exchange.signed("alice", "DELETE", path).status == 200
    after = told(exchange.signed("alice", "GET", path))
    assert after["status"] == "CANCELED"
    assert after["displayQty"] == before["displayQty"] == "0.001"
    assert after["symbol"] == SYMBOL


def test_legs_name_their_list() -> None:
    exchange = traded_exchange()
    legs = [
        c.leg(1, ORDER_TYPE_NAMES.index("LIMIT"), 0, price=52_000, qty=2),
        c.leg(1, ORDER_TYPE_NAMES.index("STOP"), 1, qty=2, trigger=48_000),
    ]
    exchange.core.apply([c.place_list(ALICE, 1, 1, legs)])
    listed = told(exchange.signed("alice", "GET", "/v1/orders"))["orders"]
    assert len(listed) == 2
    assert len({order["orderListId"] for order in listed}) == 1
