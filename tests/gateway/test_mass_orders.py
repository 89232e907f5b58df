"""Cancel some, or all, or unless one is heard of: through the API, over the real machine."""

import json
from typing import Any

import pytest

from core.commands import set_version
from core.versions import VERSION_KNOWN
from tests.gateway.exchange import NOW_MS, SYMBOL, Exchange, told


def four_orders(version: int = VERSION_KNOWN) -> tuple[Exchange, dict[str, str]]:
    """Of Alice: a bid at 40 M, one at 45 M, an ask at 60 M, and a stop at 70 M."""
    exchange = Exchange()
    if version > 1:
        exchange.core.apply([set_version(version)])
    exchange.place("bob", side="SELL", qty="0.001")
    exchange.place("bob", qty="0.001")
    placed = {
        "low": exchange.place("alice", price="40000000"),
        "high": exchange.place("alice", price="45000000"),
        "ask": exchange.place("alice", price="60000000", side="SELL"),
    }
    if version >= 3:
        placed["stop"] = exchange.place(
            "alice", type="STOP_LIMIT", price="75000000", triggerPrice="70000000"
        )
    assert {response.status for response in placed.values()} == {201}
    return exchange, {told(response)["orderId"]: name for name, response in placed.items()}


def left(exchange: Exchange, names: dict[str, str]) -> set[str]:
    orders = told(exchange.signed("alice", "GET", "/v1/orders"))["orders"]
    return {names[order["orderId"]] for order in orders}


@pytest.mark.parametrize(
    ("query", "stay"),
    [
        ("", set()),
        (f"?symbol={SYMBOL}", set()),
        ("?side=BUY", {"ask"}),
        ("?side=SELL", {"low", "high", "stop"}),
        ("?state=RESTING", {"stop"}),
        ("?state=PARKED", {"low", "high", "ask"}),
        (f"?symbol={SYMBOL}&minPrice=45000000", {"low"}),
        (f"?symbol={SYMBOL}&maxPrice=45000000&side=BUY", {"ask", "stop"}),
        (f"?symbol={SYMBOL}&minPrice=41000000&maxPrice=61000000", {"low", "stop"}),
    ],
)
def test_filters_choose(query: str, stay: set[str]) -> None:
    exchange, names = four_orders()
    response = exchange.signed("alice", "DELETE", "/v1/orders" + query)
    assert response.status == 200
    assert left(exchange, names) == stay
    assert told(response)["canceled"] == 4 - len(stay)
    assert told(response)["more"] is False


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?side=buy", "side"), ("?state=OPEN", "state"), ("?minPrice=40000000", "minPrice"),
        ("?maxPrice=40000000", "maxPrice"), (f"?symbol={SYMBOL}&minPrice=x", "minPrice"),
        (f"?symbol={SYMBOL}&minPrice=50000000&maxPrice=40000000", "maxPrice"),
        ("?sides=BUY", "sides"), ("?symbol=NONE&side=BUY", "symbol"),
    ],
)  # fmt: skip
def test_a_bad_filter_cancels_nothing(query: str, field: str) -> None:
    exchange, names = four_orders()
    before = exchange.state()
    response = exchange.signed("alice", "DELETE", "/v1/orders" + query)
    assert 400 <= response.status < 500
    assert told(response)["errors"][0]["field"] == field
    assert exchange.state() == before
    assert left(exchange, names) == set(names.values())


def test_a_filter_that_the_machine_does_not_know_cancels_nothing() -> None:
    """An old machine ignores the words of filters, and would cancel everything."""
    exchange, names = four_orders(version=2)
    response = exchange.signed("alice", "DELETE", "/v1/orders?side=BUY")
    assert response.status == 400
    assert "machine version 3" in told(response)["errors"][0]["rule"]
    assert left(exchange, names) == set(names.values())
    assert told(exchange.signed("alice", "DELETE", "/v1/orders"))["canceled"] == 3


def switch(exchange: Exchange, **body: Any) -> Any:
    return exchange.signed("alice", "PUT", "/v1/cancel-after", json.dumps(body).encode())


def test_the_switch_cancels_unless_it_is_set_again() -> None:
    exchange, names = four_orders()
    answer = told(switch(exchange, afterMs="5"))
    assert answer["cancelsAt"] == answer["acceptedAt"] + 5
    for _ in range(3):
        exchange.core.apply([])
    assert len(left(exchange, names)) == 4
    again = told(switch(exchange, afterMs="5", symbol=SYMBOL))
    assert again["cancelsAt"] > answer["cancelsAt"]
    for _ in range(6):
        exchange.core.apply([])
    assert left(exchange, names) == set()
    assert again["cancelsAt"] > NOW_MS


def test_the_switch_is_called_off() -> None:
    exchange, names = four_orders()
    assert told(switch(exchange, afterMs="5"))["cancelsAt"]
    assert told(switch(exchange, afterMs="0"))["cancelsAt"] == 0
    for _ in range(9):
        exchange.core.apply([])
    assert len(left(exchange, names)) == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "afterMs"), ({"afterMs": "-1"}, "afterMs"), ({"afterMs": "1.5"}, "afterMs"),
        ({"afterMs": "86400001"}, "afterMs"), ({"afterMs": 5}, "afterMs"),
        ({"afterMs": "5", "symbol": "NONE"}, "symbol"), ({"afterMs": "5", "all": "1"}, "all"),
    ],
)  # fmt: skip
def test_a_bad_switch_is_named_and_arms_nothing(body: dict[str, Any], field: str) -> None:
    exchange, _ = four_orders()
    before = exchange.state()
    response = switch(exchange, **body)
    assert 400 <= response.status < 500
    assert told(response)["errors"][0]["field"] == field
    assert exchange.state() == before


def test_an_old_machine_has_no_switch() -> None:
    exchange, _ = four_orders(version=2)
    response = switch(exchange, afterMs="5")
    assert response.status == 400
    assert "machine version 3" in told(response)["errors"][0]["rule"]
