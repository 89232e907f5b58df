"""Bad input: every item gets a problem that names the field, and nothing changes."""

import json

import pytest

from core import commands
from core.codes import MODE_CANCEL_ONLY, MODE_HARD_HALT, MODE_NAMES
from gateway.api import ApiLimits
from gateway.ports import READ, CoreUnavailable, Key, OutcomeUnknown
from gateway.signing import canonical, sign
from tests.gateway import bad_input
from tests.gateway.exchange import ALICE, SYMBOL, Exchange, order, told


@pytest.mark.parametrize("bad", bad_input.ALL, ids=lambda bad: bad.name)
def test_a_bad_order_names_its_field_and_changes_nothing(bad: bad_input.Bad) -> None:
    exchange = Exchange()
    before = exchange.state()
    response = exchange.signed(
        "alice", "POST", "/v1/orders", bad.body,
        changes={"content-type": b"application/json"},
    )  # fmt: skip
    answer = told(response)
    assert (response.status, answer["code"]) == (bad.status, bad.code), answer
    assert [e["field"] for e in answer["errors"]] == [bad.field]
    assert answer["errors"][0]["rule"]
    assert response.content_type == b"application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "traceId"} <= answer.keys()
    assert exchange.state() == before
    assert exchange.place("alice").status == 201, "a good order after it is taken"


@pytest.mark.parametrize(
    ("method", "target", "status", "field"),
    [
        ("GET", "/nothing", 404, "path"),
        ("GET", "/v1/orders/1/2", 404, "path"),
        ("GET", "/v1/orders/", 404, "path"),
        ("PUT", "/v1/orders", 405, "method"),
        ("POST", "/v1/markets", 405, "method"),
        ("BREW", "/readyz", 405, "method"),
        ("GET", "/v1/markets/DOGE-KRW/orderbook", 404, "symbol"),
        ("GET", "/v1/markets/BTC-KRW/orderbook?depth=0", 400, "depth"),
        ("GET", "/v1/markets/BTC-KRW/orderbook?depth=1e2", 400, "depth"),
        ("GET", "/v1/markets/BTC-KRW/orderbook?depth=99999999999999999999", 400, "depth"),
        ("GET", "/v1/markets/BTC-KRW/orderbook?depth=1&depth=2", 400, "depth"),
        ("GET", "/v1/markets/BTC-KRW/orderbook?deep=1", 400, "deep"),
        ("GET", "/v1/markets/BTC-KRW/orderbook?%ff", 400, "query"),
        ("GET", "/v1/markets/BTC-KRW/trades?limit=5000", 400, "limit"),
        ("GET", "/v1/markets/BTC-KRW/candles?interval=2m", 400, "interval"),
        ("GET", "/v1/markets/BTC-KRW/ticker?x", 400, "query"),
    ],
)
def test_a_bad_path_or_parameter_is_named(
    method: str, target: str, status: int, field: str
) -> None:
    response = Exchange().send(method, target)
    assert response.status == status
    assert told(response)["errors"][0]["field"] == field


def test_a_wrong_method_says_which_are_right() -> None:
    response = Exchange().send("PUT", "/v1/orders")
    assert (b"allow", b"DELETE, GET, HEAD, POST") in response.headers


@pytest.mark.parametrize("order_id", ["0", "-1", "1e3", "abc", "99999999999999999", "\u0661"])
def test_what_cannot_be_an_order_id_is_an_unknown_order(order_id: str) -> None:
    exchange = Exchange()
    for method in ("GET", "DELETE"):
        response = exchange.signed("alice", method, f"/v1/orders/{order_id}")
        assert (response.status, told(response)["code"]) == (404, "UNKNOWN_ORDER")


def test_a_body_that_is_not_json_by_name_is_415() -> None:
    for kind in (b"text/plain", b"application/x-www-form-urlencoded", None):
        exchange = Exchange()
        response = exchange.signed(
            "alice", "POST", "/v1/orders", bad_input.GOOD, changes={"content-type": kind}
        )
        assert response.status == 415
        assert told(response)["errors"][0]["field"] == "Content-Type"


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, "\x7f"])
def test_a_bad_idempotency_key_is_named(key: str) -> None:
    exchange = Exchange()
    response = exchange.signed("alice", "POST", "/v1/orders", bad_input.GOOD, key=key)
    assert response.status == 400
    assert told(response)["errors"][0]["field"] == "Idempotency-Key"


def test_a_new_order_without_an_idempotency_key_is_400() -> None:
    exchange = Exchange()
    headers = exchange.headers("alice", "GET", "/v1/orders")
    headers = {k: v for k, v in headers.items() if k != b"x-signature"}
    message = canonical(b"POST", b"/v1/orders", headers[b"x-ts"], b"", bad_input.GOOD)
    headers[b"x-signature"] = sign(b"alice-secret", message).encode()
    headers[b"content-type"] = b"application/json"
    response = exchange.send("POST", "/v1/orders", bad_input.GOOD, headers)
    assert response.status == 400
    assert told(response)["type"].endswith("idempotency-key")


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"price": "1000"}, 422, "PRICE_BAND", "price"),
        ({"price": "2000000000"}, 422, "PRICE_BAND", "price"),
        ({"qty": "10001"}, 422, "LOT_SIZE", "qty"),
        ({"price": "1000000", "qty": "0.001"}, 422, "MIN_NOTIONAL", "qty"),
        ({"qty": "10000"}, 422, "MAX_NOTIONAL", "qty"),
        ({"qty": "50"}, 422, "INSUFFICIENT_FUNDS", "qty"),
        ({"type": "MARKET", "price": None, "timeInForce": None}, 422, "NO_LIQUIDITY", "type"),
        ({"timeInForce": "FOK"}, 422, "FOK_UNFILLABLE", "qty"),
    ],
)
def test_a_business_reject_has_its_code_status_and_field(
    fields: dict[str, str | None], status: int, code: str, field: str
) -> None:
    exchange = Exchange()
    balances = exchange.core.machine.balances_digest()
    response = exchange.place("alice", **fields)
    answer = told(response)
    assert (response.status, answer["code"]) == (status, code), answer
    assert answer["errors"][0]["field"] == field
    assert exchange.core.machine.balances_digest() == balances
    assert exchange.core.machine.open_orders(ALICE, 0) == []


@pytest.mark.parametrize(
    ("side", "said"), [("BUY", "has 1000000000 KRW available"), ("SELL", "has 100 BTC available")]
)
def test_too_little_money_is_told_with_what_there_is(side: str, said: str) -> None:
    answer = told(Exchange().place("alice", side=side, qty="150"))
    assert answer["code"] == "INSUFFICIENT_FUNDS"
    assert said in answer["detail"]


def test_an_order_by_amount_is_refused_by_the_name_of_its_amount() -> None:
    exchange = Exchange()
    exchange.place("bob", side="SELL", qty="1")
    by_amount = {"type": "MARKET", "price": None, "timeInForce": None, "qty": None}
    response = exchange.place("alice", **by_amount, quoteQty="6000")
    answer = told(response)
    assert (response.status, answer["code"]) == (422, "MIN_NOTIONAL"), answer
    assert answer["errors"][0]["field"] == "quoteQty"


def test_post_only_that_would_trade_and_duplicate_client_ids_are_told() -> None:
    exchange = Exchange()
    assert exchange.place("bob", side="SELL", clientOrderId="mine").status == 201
    crossing = told(exchange.place("alice", timeInForce="POST_ONLY"))
    assert (crossing["code"], crossing["errors"][0]["field"]) == ("POST_ONLY_WOULD_TRADE", "price")
    twice = exchange.place("bob", side="SELL", clientOrderId="mine")
    assert (twice.status, told(twice)["code"]) == (409, "DUPLICATE_ORDER_ID")
    assert told(twice)["errors"][0]["field"] == "clientOrderId"


@pytest.mark.parametrize(
    ("mode", "code"), [(MODE_HARD_HALT, "MARKET_HALTED"), (MODE_CANCEL_ONLY, "CANCEL_ONLY")]
)
def test_a_halted_market_is_a_conflict_that_names_the_mode(mode: int, code: str) -> None:
    exchange = Exchange()
    exchange.core.apply([commands.set_mode(1, mode)])
    response = exchange.place("alice")
    assert (response.status, told(response)["code"]) == (409, code)
    assert MODE_NAMES[mode] in told(response)["detail"]


def test_a_key_without_the_permission_is_403_after_its_signature_was_checked() -> None:
    exchange = Exchange()
    exchange.keys.by_id["alice"] = Key("alice", ALICE, b"alice-secret", READ)
    assert exchange.place("alice").status == 403
    wrong = exchange.signed(
        "alice", "POST", "/v1/orders", bad_input.GOOD, changes={"x-signature": b"0" * 64}
    )
    assert wrong.status == 401
    assert exchange.signed("alice", "GET", "/v1/orders").status == 200


def test_a_key_from_an_address_that_it_does_not_allow_is_unknown() -> None:
    exchange = Exchange()
    only = Key("alice", ALICE, b"alice-secret", READ, ("192.0.2.1",))
    exchange.keys.by_id["alice"] = only
    headers = exchange.headers("alice", "GET", "/v1/orders")
    assert exchange.send("GET", "/v1/orders", headers=headers, ip="192.0.2.1").status == 200
    elsewhere = exchange.send("GET", "/v1/orders", headers=headers, ip="192.0.2.2")
    assert told(elsewhere)["errors"][0]["field"] == "X-SIGNATURE"


def test_rates_are_per_account_and_told_in_headers() -> None:
    exchange = Exchange(ApiLimits(account_per_s=1.0, account_burst=2))
    assert [exchange.place("alice").status for _ in range(3)] == [201, 201, 429]
    refused = exchange.place("alice")
    headers = dict(refused.headers)
    assert told(refused)["code"] == "TOO_MANY_REQUESTS"
    assert headers[b"retry-after"] == b"1"
    assert headers[b"ratelimit-policy"] == b'"account";q=2;w=2'
    assert headers[b"ratelimit"].startswith(b'"account";r=0;')
    assert exchange.place("bob").status == 201
    exchange.clock.s += 1.0
    assert exchange.place("alice").status == 201


def test_rates_per_address_hold_before_authentication() -> None:
    exchange = Exchange(ApiLimits(address_per_s=1.0, address_burst=1))
    assert exchange.send("GET", "/v1/markets", ip="198.51.100.1").status == 200
    assert exchange.send("GET", "/v1/markets", ip="198.51.100.1").status == 429
    assert exchange.send("GET", "/v1/markets", ip="198.51.100.2").status == 200


def test_an_unreachable_core_is_503_and_an_unknown_outcome_504() -> None:
    exchange = Exchange()
    exchange.core.failure = CoreUnavailable(23, "no connection")
    refused = exchange.place("alice")
    assert (refused.status, told(refused)["code"]) == (503, "OVERLOADED")
    assert dict(refused.headers)[b"retry-after"] == b"1"
    assert exchange.send("GET", "/readyz").status == 503
    assert exchange.send("GET", "/healthz").status == 200
    assert exchange.send("GET", f"/v1/markets/{SYMBOL}/orderbook").status == 200
    exchange.core.failure = OutcomeUnknown("the stream broke")
    unknown = exchange.place("alice")
    assert unknown.status == 504
    assert "same Idempotency-Key" in told(unknown)["detail"]


def test_a_gateway_that_still_reads_the_log_says_not_now_instead_of_no() -> None:
    exchange = Exchange()
    exchange.progress.live = False
    for target in ("/v1/markets/DOGE-KRW/ticker", "/v1/markets"):
        response = exchange.send("GET", target)
        assert (response.status, told(response)["code"]) == (503, "OVERLOADED")
    assert exchange.place("alice").status == 503
    assert exchange.send("GET", "/healthz").status == 200
    exchange.progress.live = True
    assert exchange.place("alice").status == 201


def test_json_of_every_depth_and_width_up_to_the_limit_is_answered() -> None:
    exchange = Exchange()
    for body in (b'{"a":' * 1_000 + b"1" + b"}" * 1_000, b"[" * 16_000, b'{"symbol":"' + b"\\" * 9):
        response = exchange.signed("alice", "POST", "/v1/orders", body)
        assert response.status == 400
    assert json.loads(exchange.place("alice", **order()).body)["status"] == "NEW"
