"""Orders through the API over the real machine: placing, reading back, canceling, amending."""

import json

import pytest

from core.commands import cancel, key128, place
from core.events import decode_reply
from tests.gateway.exchange import ALICE, SYMBOL, Exchange, order, told


def test_an_accepted_order_is_answered_with_its_number_and_log_time() -> None:
    exchange = Exchange()
    response = exchange.place("alice", clientOrderId="first")
    answer = told(response)
    assert response.status == 201
    assert answer == {
        "orderId": answer["orderId"], "status": "NEW", "symbol": SYMBOL, "seq": 3,
        "acceptedAt": 1_790_000_000_002, "filledQty": "0", "filledQuote": "0",
        "remainingQty": "0.001", "clientOrderId": "first",
    }  # fmt: skip
    assert (b"location", f"/v1/orders/{answer['orderId']}".encode()) in response.headers


@pytest.mark.parametrize(
    ("fields", "status", "filled", "remaining"),
    [
        ({"qty": "0.002"}, "FILLED", "0.002", "0"),
        ({"qty": "0.005"}, "PARTIALLY_FILLED", "0.003", "0.002"),
        ({"qty": "0.005", "timeInForce": "IOC"}, "EXPIRED", "0.003", "0"),
        ({"qty": "0.003", "timeInForce": "FOK"}, "FILLED", "0.003", "0"),
        ({"qty": "0.001", "price": "49000000"}, "NEW", "0", "0.001"),
        ({"qty": "0.001", "price": "49000000", "timeInForce": "POST_ONLY"}, "NEW", "0", "0.001"),
        ({"type": "MARKET", "price": None, "timeInForce": None, "qty": "0.002"}, "FILLED",
         "0.002", "0"),
        ({"type": "MARKET", "price": None, "timeInForce": "FOK", "qty": "0.002"}, "FILLED",
         "0.002", "0"),
        ({"type": "MARKET", "price": None, "timeInForce": None, "qty": None,
          "quoteQty": "120000"}, "FILLED", "0.002", "0"),
    ],
)  # fmt: skip
def test_every_kind_of_order_gets_the_status_that_the_machine_gave(
    fields: dict[str, str | None], status: str, filled: str, remaining: str
) -> None:
    exchange = Exchange()
    exchange.place("bob", side="SELL", qty="0.003")
    answer = told(exchange.place("alice", **fields))
    assert (answer["status"], answer["filledQty"], answer["remainingQty"]) == (
        status, filled, remaining,
    )  # fmt: skip
    seen = told(exchange.signed("alice", "GET", f"/v1/orders/{answer['orderId']}"))
    assert (seen["status"], seen["filledQty"], seen["remainingQty"]) == (status, filled, remaining)


def test_the_command_is_the_one_that_any_other_client_would_have_packed() -> None:
    exchange = Exchange()
    exchange.place("alice", key='"quoted"')
    packed = exchange.core.payloads[-1][16 : 16 + 64]
    assert packed == place(ALICE, 1, 0, 0, 0, 50_000, 1, key128("quoted"))


def test_the_same_key_answers_the_same_and_another_body_is_refused() -> None:
    exchange = Exchange()
    first = exchange.place("alice", key="k")
    again = exchange.place("alice", key="k")
    assert (again.status, again.body) == (201, first.body)
    assert (b"idempotency-replayed", b"true") in again.headers
    assert (b"idempotency-replayed", b"true") not in first.headers
    other = exchange.place("alice", key="k", qty="0.002")
    assert (other.status, told(other)["code"]) == (422, "IDEMPOTENCY_MISMATCH")
    assert told(other)["errors"][0]["field"] == "Idempotency-Key"
    assert exchange.place("bob", key="k").status == 201, "keys are the account's own"
    assert len(exchange.core.machine.open_orders(ALICE, 0)) == 1


def test_a_replayed_write_has_no_second_effect_with_or_without_a_key() -> None:
    exchange = Exchange()
    body = json.dumps(order()).encode()
    placing = exchange.headers("alice", "POST", "/v1/orders", body)
    first = exchange.send("POST", "/v1/orders", body, placing)
    assert exchange.send("POST", "/v1/orders", body, placing).body == first.body
    target = f"/v1/orders/{told(first)['orderId']}"
    canceling = exchange.headers("alice", "DELETE", target)
    assert b"idempotency-key" not in canceling
    canceled = exchange.send("DELETE", target, headers=canceling)
    assert canceled.status == 200
    assert exchange.send("DELETE", target, headers=canceling).body == canceled.body


def test_a_canceled_order_says_what_was_left_of_it() -> None:
    exchange = Exchange()
    order_id = told(exchange.place("alice", qty="0.005"))["orderId"]
    exchange.place("bob", side="SELL", qty="0.002")
    answer = told(exchange.signed("alice", "DELETE", f"/v1/orders/{order_id}"))
    assert (answer["status"], answer["filledQty"], answer["canceledQty"]) == (
        "CANCELED", "0.002", "0.003",
    )  # fmt: skip
    assert told(exchange.signed("alice", "GET", f"/v1/orders/{order_id}"))["status"] == "CANCELED"
    exchange.clock.ms += 1  # else it would be the same request, and have the same answer
    again = exchange.signed("alice", "DELETE", f"/v1/orders/{order_id}")
    assert (again.status, told(again)["code"]) == (404, "UNKNOWN_ORDER")


def test_another_accounts_order_does_not_exist() -> None:
    exchange = Exchange()
    order_id = told(exchange.place("alice"))["orderId"]
    target = f"/v1/orders/{order_id}"
    terms = b'{"price":"49000000","qty":"0.001"}'
    for method, body in (("GET", b""), ("DELETE", b""), ("PATCH", terms)):
        response = exchange.signed("bob", method, target, body)
        assert (response.status, told(response)["code"]) == (404, "UNKNOWN_ORDER"), method
    nobody = told(exchange.signed("bob", "GET", "/v1/orders/16777999"))
    theirs = told(exchange.signed("bob", "GET", target))
    assert nobody["detail"] == theirs["detail"]
    assert exchange.core.machine.order(int(order_id)) is not None


def test_an_amended_order_has_its_new_terms() -> None:
    exchange = Exchange()
    order_id = told(exchange.place("alice", qty="0.005"))["orderId"]
    target = f"/v1/orders/{order_id}"
    answer = told(exchange.signed("alice", "PATCH", target, b'{"price":"49000000","qty":"0.004"}'))
    assert (answer["orderId"], answer["remainingQty"]) == (order_id, "0.004")
    seen = told(exchange.signed("alice", "GET", target))
    assert (seen["price"], seen["qty"]) == ("49000000", "0.004")
    same = exchange.signed("alice", "PATCH", target, b'{"price":"49000000","qty":"0.004"}', "x")
    assert (same.status, told(same)["errors"][0]["field"]) == (400, "qty")
    half = exchange.signed("alice", "PATCH", target, b'{"price":"49000000"}')
    assert (half.status, told(half)["errors"][0]["field"]) == (400, "qty")


def test_cancel_all_takes_the_accounts_orders_and_no_other() -> None:
    exchange = Exchange()
    for _ in range(3):
        exchange.place("alice")
    exchange.place("bob")
    answer = told(exchange.signed("alice", "DELETE", f"/v1/orders?symbol={SYMBOL}"))
    assert (answer["canceled"], answer["more"]) == (3, False)
    assert told(exchange.signed("alice", "GET", "/v1/orders"))["orders"] == []
    assert len(told(exchange.signed("bob", "GET", "/v1/orders"))["orders"]) == 1
    assert told(exchange.signed("bob", "DELETE", "/v1/orders"))["canceled"] == 1


def test_open_orders_are_listed_oldest_first_up_to_the_limit() -> None:
    exchange = Exchange()
    ids = [told(exchange.place("alice"))["orderId"] for _ in range(4)]
    listed = told(exchange.signed("alice", "GET", f"/v1/orders?symbol={SYMBOL}&limit=3"))
    assert [o["orderId"] for o in listed["orders"]] == ids[:3]
    assert listed["more"] is True
    assert listed["asOfIndex"] == exchange.core.machine.index


def test_balances_are_decimal_strings_of_the_cores_own() -> None:
    exchange = Exchange()
    exchange.place("alice", qty="0.004")
    answer = told(exchange.signed("alice", "GET", "/v1/account/balances"))
    assert answer["asOfIndex"] == exchange.core.machine.index
    assert answer["balances"] == [
        {"asset": "KRW", "available": "999800000", "hold": "200000", "total": "1000000000"},
        {"asset": "BTC", "available": "100", "hold": "0", "total": "100"},
    ]


def test_a_read_after_an_acknowledged_write_never_sees_the_time_before_it() -> None:
    exchange = Exchange()
    exchange.core.withhold = True
    order_id = told(exchange.place("alice"))["orderId"]
    behind = exchange.signed("alice", "GET", f"/v1/orders/{order_id}")
    assert behind.status == 503, "rather no answer than an old one"
    assert exchange.signed("bob", "GET", "/v1/orders").status == 503, "it may be bob's trade"
    assert exchange.send("GET", f"/v1/markets/{SYMBOL}/orderbook").status == 200


def test_balances_of_the_ledger_need_a_ledger() -> None:
    response = Exchange().signed("alice", "GET", "/v1/balances")
    assert response.status == 503
    assert "ledger" in told(response)["detail"]


def test_a_trace_is_taken_from_the_caller_or_begun() -> None:
    exchange = Exchange()
    trace = "0af7651916cd43dd8448eb211c80319c"
    for given, wanted in (
        (f"00-{trace}-b7ad6b7169203331-01", trace),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-{trace}-{'0' * 16}-01", None),
        ("garbage", None),
    ):
        response = exchange.send("GET", "/healthz", headers={b"traceparent": given.encode()})
        found = dict(response.headers)[b"x-trace-id"].decode()
        assert len(found) == 32
        assert (found == trace) is (wanted is not None)


def test_the_log_carries_the_trace_and_the_clients_own_id() -> None:
    exchange = Exchange()
    body = json.dumps(order(clientOrderId="my-order")).encode()
    headers = exchange.headers("alice", "POST", "/v1/orders", body)
    headers[b"traceparent"] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    exchange.send("POST", "/v1/orders", body, headers)
    payload = exchange.core.payloads[-1]
    assert b"my-order" in payload
    assert bytes.fromhex("0af7651916cd43dd8448eb211c80319c") in payload


def test_a_cancel_by_the_machine_itself_is_seen_too() -> None:
    exchange = Exchange()
    order_id = told(exchange.place("alice"))["orderId"]
    exchange.core.apply([cancel(ALICE, 1, int(order_id))])
    assert decode_reply(exchange.core.machine.replies).code == 0
    seen = told(exchange.signed("alice", "GET", f"/v1/orders/{order_id}"))
    assert seen["status"] == "CANCELED"
