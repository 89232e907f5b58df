"""Order lists through the API, over the real machine at its newest version."""

import json
from typing import Any

import pytest

from gateway.http import Response
from gateway.list_view import ListView
from tests.gateway.exchange import ALICE, SYMBOL, Exchange, told, traded_exchange


SELL_AT: dict[str, str] = {"side": "SELL", "type": "LIMIT", "price": "55000000", "qty": "0.5"}
STOP: dict[str, str] = {"side": "SELL", "type": "STOP", "triggerPrice": "45000000", "qty": "0.5"}
ENTRY: dict[str, str] = {"side": "BUY", "type": "LIMIT", "price": "51000000", "qty": "0.5"}


def body(kind: str, *legs: dict[str, str], **fields: Any) -> bytes:
    named = dict(zip(("first", "second", "third"), legs, strict=False))
    wanted = {"symbol": SYMBOL, "type": kind, **named, **fields}
    return json.dumps({name: value for name, value in wanted.items() if value is not None}).encode()


def place(exchange: Exchange, content: bytes, key: str | None = None) -> Response:
    return exchange.signed("alice", "POST", "/v1/order-lists", content, key)


def statuses(found: dict[str, Any]) -> list[str]:
    return [order["status"] for order in found["orders"]]


def test_of_an_oco_one_cancels_the_other() -> None:
    exchange = traded_exchange()
    response = place(exchange, body("OCO", SELL_AT, STOP))
    placed = told(response)
    assert response.status == 201
    assert (b"location", b"/v1/order-lists/%s" % placed["orderListId"].encode()) in response.headers
    assert (placed["type"], placed["status"]) == ("OCO", "EXECUTING")
    assert placed["orderIds"] == [order["orderId"] for order in placed["orders"]]
    assert [order["type"] for order in placed["orders"]] == ["LIMIT", "STOP"]
    assert {order["orderListId"] for order in placed["orders"]} == {placed["orderListId"]}
    assert exchange.place("bob", side="BUY", price="55000000", qty="1.5").status == 201
    found = told(exchange.signed("alice", "GET", f"/v1/order-lists/{placed['orderListId']}"))
    assert found["status"] == "DONE"
    assert statuses(found) == ["FILLED", "CANCELED"]


def test_an_otoco_that_fills_at_once_has_its_pair_at_work() -> None:
    exchange = traded_exchange()
    placed = told(place(exchange, body("OTOCO", ENTRY, SELL_AT, STOP)))
    assert statuses(placed) == ["FILLED", "NEW", "NEW"]
    assert placed["status"] == "EXECUTING"


def test_the_same_key_is_the_same_list() -> None:
    exchange = traded_exchange()
    content = body("OTO", ENTRY | {"price": "40000000"}, STOP)
    first = place(exchange, content, "one-key")
    again = place(exchange, content, "one-key")
    assert again.body == first.body
    assert (b"idempotency-replayed", b"true") in again.headers
    other = place(exchange, body("OTO", ENTRY, STOP), "one-key")
    assert told(other)["code"] == "IDEMPOTENCY_MISMATCH"


def test_own_ids_are_shown() -> None:
    exchange = traded_exchange()
    legs = [SELL_AT | {"clientOrderId": "up"}, STOP | {"clientOrderId": "down"}]
    placed = told(place(exchange, body("OCO", *legs, clientOrderListId="pair-1")))
    assert placed["clientOrderListId"] == "pair-1"
    assert [order["clientOrderId"] for order in placed["orders"]] == ["up", "down"]


def test_open_lists_are_the_accounts_own() -> None:
    exchange = traded_exchange()
    ids = [told(place(exchange, body("OCO", SELL_AT, STOP)))["orderListId"] for _ in range(3)]
    assert exchange.signed("alice", "DELETE", f"/v1/order-lists/{ids[0]}").status == 200
    listed = told(exchange.signed("alice", "GET", f"/v1/order-lists?symbol={SYMBOL}&limit=1"))
    assert [found["orderListId"] for found in listed["orderLists"]] == ids[1:2]
    assert listed["more"] is True
    assert told(exchange.signed("bob", "GET", "/v1/order-lists"))["orderLists"] == []
    for method in ("GET", "DELETE"):
        response = exchange.signed("bob", method, f"/v1/order-lists/{ids[1]}")
        assert response.status == 404
        assert told(response)["errors"][0]["field"] == "orderListId"


def test_a_list_is_canceled_by_any_leg_that_is_open() -> None:
    """The first leg is filled, and the list is canceled all the same, once."""
    exchange = traded_exchange()
    placed = told(place(exchange, body("OTOCO", ENTRY, SELL_AT, STOP)))
    target = f"/v1/order-lists/{placed['orderListId']}"
    first = exchange.signed("alice", "DELETE", target, key="cancel-1")
    assert first.status == 200
    assert statuses(told(first)) == ["FILLED", "CANCELED", "CANCELED"]
    assert told(first)["status"] == "DONE"
    again = exchange.signed("alice", "DELETE", target, key="cancel-1")
    assert (again.status, again.body) == (200, first.body)
    assert (b"idempotency-replayed", b"true") in again.headers
    later = exchange.signed("alice", "DELETE", target, key="cancel-2")
    assert later.status == 404


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (body("OCO", SELL_AT), "second"),
        (body("OCO", SELL_AT, STOP, STOP), "third"),
        (body("OTOCO", ENTRY, STOP), "third"),
        (body("OXO", SELL_AT, STOP), "type"),
        (body("OCO", SELL_AT, STOP, symbol="NONE"), "symbol"),
        (body("OCO", SELL_AT, STOP, legs="2"), "legs"),
        (body("OCO", SELL_AT, STOP, first=[]), "first"),
        (body("OCO", SELL_AT, STOP, first="LIMIT"), "first"),
        (body("OCO", SELL_AT | {"price": ""}, STOP), "first.price"),
        (body("OCO", SELL_AT | {"symbol": SYMBOL}, STOP), "first.symbol"),
        (body("OCO", SELL_AT, STOP | {"qty": "0.0005"}), "second.qty"),
        (body("OCO", SELL_AT, STOP | {"qty": "0.4"}), "second.qty"),
        (body("OCO", SELL_AT, STOP | {"side": "BUY"}), "second.side"),
        (body("OCO", SELL_AT, SELL_AT), "second.type"),
        (body("OCO", SELL_AT, STOP | {"minQty": "0.5"}), "second.minQty"),
        (body("OTO", STOP, SELL_AT), "first.type"),
        (body("OTO", ENTRY | {"timeInForce": "GTD", "expiresAt": "1"}, STOP), "first.expiresAt"),
        (body("OCO", SELL_AT | {"clientOrderId": " "}, STOP), "first.clientOrderId"),
        (body("OCO", SELL_AT, STOP, clientOrderListId="x" * 37), "clientOrderListId"),
        (body("OCO", SELL_AT, STOP, selfTrade="SOME"), "selfTrade"),
        (body("OCO", SELL_AT, STOP, selfTradeBy="GROUP"), "selfTradeBy"),
        (
            body(
                "OTOCO", ENTRY | {"clientOrderId": "a" * 36}, SELL_AT | {"clientOrderId": "b" * 36},
                STOP | {"clientOrderId": "c" * 36}, clientOrderListId="d" * 18,
            ),
            "clientOrderListId",
        ),
        (b"[]", "body"),
        (body("OCO", SELL_AT, STOP).replace(b"55000000", b"\xff"), "body"),
        (body("OCO", SELL_AT, STOP).replace(b'"55000000"', b"[" * 5000 + b"]" * 5000), "body"),
        (body("OCO", SELL_AT, STOP)[:-1] + b', "type": "OCO"}', "type"),
        (body("OCO", SELL_AT, STOP).replace(b'"side"', b'"qty": "1", "side"', 1), "first.qty"),
    ],
)  # fmt: skip
def test_a_bad_list_places_nothing(content: bytes, field: str) -> None:
    exchange = traded_exchange()
    _, _, balances = exchange.state()
    response = place(exchange, content)
    assert 400 <= response.status < 500, response.body
    assert told(response)["errors"][0]["field"] == field
    assert told(exchange.signed("alice", "GET", "/v1/orders"))["orders"] == []
    assert exchange.state()[2] == balances


def test_a_list_that_the_machine_does_not_know_is_refused() -> None:
    exchange = traded_exchange(version=1)
    before = exchange.state()
    response = place(exchange, body("OCO", SELL_AT, STOP))
    assert told(response)["errors"][0]["field"] == "type"
    assert exchange.state() == before


def test_a_list_needs_a_key() -> None:
    exchange = traded_exchange()
    content = body("OCO", SELL_AT, STOP)
    headers = exchange.headers("alice", "POST", "/v1/order-lists", content, key="")
    del headers[b"idempotency-key"]
    response = exchange.send("POST", "/v1/order-lists", content, headers)
    assert (response.status, told(response)["errors"][0]["field"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("list_id", ["0", "x", "-1", "9" * 20])
def test_what_is_no_id_is_no_list(list_id: str) -> None:
    response = traded_exchange().signed("alice", "GET", f"/v1/order-lists/{list_id}")
    assert (response.status, told(response)["errors"][0]["field"]) == (404, "orderListId")


def test_of_lists_that_are_over_the_newest_are_kept() -> None:
    view = ListView(closed_max=2)
    for list_id in (7, 8, 9):
        view.changed((18 | 1 << 16 | 1 << 52 | 1 << 56, 1, list_id, ALICE, 1, 2, 0, 0, 0), 5)
        view.changed((18 | 1 << 16 | 1 << 52 | 2 << 56, 2, list_id, ALICE, 0, 0, 0, 0, 0), 6)
    kept = [found.list_id for list_id in (7, 8, 9) if (found := view.find(list_id)) is not None]
    assert kept == [8, 9]
    assert view.open_lists(ALICE) == []
