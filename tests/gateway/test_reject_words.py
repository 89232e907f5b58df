"""Refusals say the truth: the field and the rule that decided, whoever laid the rule down.

Why it exists: one code stands for rules of the listing, of the market, of the account and of the
moment. Each row breaks one of them on the real machine, and says what a client must be told.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from core import codes
from core import commands as c
from core.codes import ACCOUNT_STATE_NAMES
from gateway.http import Response
from tests.gateway.exchange import ALICE, BOB, NOW_MS, SYMBOL, Exchange, told, traded_exchange

CANCEL_ONLY, FROZEN = ACCOUNT_STATE_NAMES.index("CANCEL_ONLY"), ACCOUNT_STATE_NAMES.index("FROZEN")
RULES: dict[str, int] = {
    "tick_step": 5, "lot_step": 10, "min_qty": 50, "max_position": 120_000, "open_orders": 4,
    "parked_orders": 3, "daily_notional": 30_000_000,
}  # fmt: skip
"""Prices of 5,000 KRW, quantities of 0.01 from 0.05 on; alice owns 100 BTC."""


def bare(**fields: Any) -> dict[str, Any]:
    """A MARKET kind: what `order` gives of a LIMIT order is left out."""
    return {"price": None, "timeInForce": None, **fields}


def stop(trigger: str = "52000000", **fields: Any) -> dict[str, Any]:
    return bare(type="STOP", triggerPrice=trigger, **fields)


class Told(NamedTuple):
    """What the machine was told before, what alice sends, and what she must be told."""

    name: str
    before: list[bytes]
    fields: dict[str, Any]
    code: str
    field: str
    rule: str
    first: tuple[dict[str, Any], ...] = ()
    """Orders of hers that are placed before."""


def rules(**found: int) -> list[bytes]:
    return [c.set_rules(1, **found)]


def mode(number: int) -> list[bytes]:
    return [c.set_mode(1, number)]


AT_40 = {"price": "40000000"}
RULED = [
    Told("qty between steps", rules(**RULES), {"qty": "0.101"}, "LOT_SIZE", "qty",
         "must be a multiple of 0.01"),
    Told("qty below the least", rules(**RULES), {"qty": "0.02"}, "LOT_SIZE", "qty",
         "must be at least 0.05"),
    Told("qty below step and least", rules(**RULES), {"qty": "0.001"}, "LOT_SIZE", "qty",
         "must be at least 0.05"),
    Told("qty below a step alone", rules(lot_step=10), {"qty": "0.005"}, "LOT_SIZE", "qty",
         "must be a multiple of 0.01"),
    Told("qty above the listing's", rules(**RULES), {"qty": "10001"}, "LOT_SIZE", "qty",
         "must be at most 10000"),
    Told("more than it may own", rules(max_position=100_020), {"qty": "0.03"}, "LOT_SIZE",
         "qty", "must be at most 0.02, which is what is left of the limit"),
    Told("owns what it may", rules(max_position=1_000), {"qty": "0.03"}, "LOT_SIZE", "qty",
         "may buy no more BTC here now"),
    Told("owns what it may, by amount", rules(max_position=1_000),
         bare(type="MARKET", qty=None, quoteQty="60000"), "LOT_SIZE", "quoteQty",
         "may buy no more BTC here now"),
    Told("price between steps", rules(**RULES), {"price": "50001000"}, "TICK_SIZE", "price",
         "must be a multiple of 5000"),
    Told("collar between steps", rules(tick_step=5),
         bare(type="MARKET", collar="52001000"), "TICK_SIZE", "collar",
         "must be a multiple of 5000"),
    Told("too fast", rules(rate=1, burst=1), AT_40, "TOO_MANY_REQUESTS", "account",
         "must place and amend in BTC-KRW at most 1 times a second, 1 at once", (AT_40,)),
    Told("too many parked here", rules(**RULES), stop(qty="0.05"), "TOO_MANY_OPEN_ORDERS",
         "account", "at most 3 parked orders in BTC-KRW", (stop(qty="0.05"),) * 3),
    Told("too many open here", rules(open_orders=2), AT_40, "TOO_MANY_OPEN_ORDERS", "account",
         "at most 2 open orders in BTC-KRW", (AT_40, AT_40)),
    Told("too many open anywhere", [c.set_limits(2, 10**9, 1000)], AT_40,
         "TOO_MANY_OPEN_ORDERS", "account", "with at most 2 open orders", (AT_40, AT_40)),
    Told("too many parked, where both have the limit", rules(open_orders=2, parked_orders=2),
         stop(), "TOO_MANY_OPEN_ORDERS", "account", "at most 2 open orders in BTC-KRW",
         (stop(), stop())),
    Told("beyond the day", rules(**RULES), {"qty": "1"}, "MAX_NOTIONAL", "qty",
         "must make an order worth at most 30000000 KRW, which is left of today's limit"),
    Told("beyond the day, by amount", rules(daily_notional=60_000),
         bare(type="MARKET", qty=None, quoteQty="70000"), "MAX_NOTIONAL", "quoteQty",
         "at most 60000 KRW, which is left of today's limit"),
    Told("nothing left of the day", rules(daily_notional=51_000), {"price": "51000000"},
         "MAX_NOTIONAL", "qty", "must wait for the next day (UTC)", ({"price": "51000000"},)),
    Told("beyond the listing's notional", rules(daily_notional=60_000), {"qty": "10000"},
         "MAX_NOTIONAL", "qty", "must make an order worth at most 10000000000 KRW"),
    Told("above the band", rules(buy_up_bps=100), {"price": "51000000"}, "PRICE_BAND", "price",
         "must be at most 50500000, where the band for buyers in BTC-KRW ends"),
    Told("below the band", rules(sell_down_bps=100), {"side": "SELL", "price": "49000000"},
         "PRICE_BAND", "price", "must be at least 49500000, where the band for sellers"),
    Told("collar beyond the band", rules(buy_up_bps=100),
         bare(type="MARKET", collar="52000000"), "PRICE_BAND", "collar", "at most 50500000"),
    Told("limit of a stop beyond the band", rules(buy_up_bps=500),
         {"type": "STOP_LIMIT", "triggerPrice": "51000000", "price": "53000000"}, "PRICE_BAND",
         "price", "must be at most 52500000, where the band"),
    Told("trigger passed beside a band", rules(buy_up_bps=500),
         {"type": "STOP_LIMIT", "triggerPrice": "49000000", "price": "51000000"}, "PRICE_BAND",
         "triggerPrice", "must be above 50000000, a price that the market has reached"),
    Told("the account's own limit", [*rules(max_position=1_000, open_orders=9),
                                     c.set_desk(ALICE, 1, max_position=-1, open_orders=1)], AT_40,
         "TOO_MANY_OPEN_ORDERS", "account", "at most 1 open orders in BTC-KRW", (AT_40,)),
]  # fmt: skip

MOMENT = [
    Told("frozen", [c.set_account(ALICE, FROZEN, 0)], {}, "MARKET_HALTED", "account",
         "must not be frozen"),
    Told("frozen, and the mode has its number",
         [*mode(codes.MODE_POST_ONLY), c.set_account(ALICE, FROZEN, 0)],
         bare(type="MARKET"), "MARKET_HALTED", "account", "must not be frozen"),
    Told("the mode, and not frozen", mode(codes.MODE_POST_ONLY), bare(type="MARKET"),
         "MARKET_HALTED", "type", "must not be MARKET while BTC-KRW is in mode POST_ONLY"),
    Told("taker in POST_ONLY", mode(codes.MODE_POST_ONLY), {"timeInForce": "FOK"},
         "MARKET_HALTED", "timeInForce", "must not be IOC or FOK while BTC-KRW is in mode POST"),
    Told("only cancels, the account", [c.set_account(ALICE, CANCEL_ONLY, 0)], {}, "CANCEL_ONLY",
         "account", "must be ACTIVE"),
    Told("only cancels, the market", mode(codes.MODE_CANCEL_ONLY), {}, "CANCEL_ONLY", "symbol",
         "BTC-KRW takes only cancels"),
    Told("killed", [c.set_desk(ALICE, 1, killed=1)], {}, "CANCEL_ONLY", "account",
         "must not be stopped in BTC-KRW"),
    Told("soft halt", mode(codes.MODE_SOFT_HALT), {}, "MARKET_HALTED", "symbol",
         "takes nothing but cancels"),
    Told("hard halt", mode(codes.MODE_HARD_HALT), {}, "MARKET_HALTED", "symbol",
         "not even cancels"),
    Told("market order in a call", mode(codes.MODE_AUCTION), bare(type="MARKET"),
         "MARKET_HALTED", "type", "must not be MARKET while BTC-KRW is in mode AUCTION"),
    Told("pegged in a call", mode(codes.MODE_AUCTION), {"type": "PEGGED"}, "MARKET_HALTED",
         "type", "must not be PEGGED while"),
    Told("minimum in a call", mode(codes.MODE_AUCTION), {"minQty": "0.001"}, "MARKET_HALTED",
         "minQty", "must not be given while"),
    Told("nothing within the collar", [], bare(type="MARKET", collar="50000000"), "NO_LIQUIDITY",
         "collar", "must reach 51000000, the best price on the other side"),
    Told("nothing within the market's collar", rules(dynamic_bps=100), bare(type="MARKET"),
         "NO_LIQUIDITY", "type", "must be LIMIT while nothing rests where the order may trade"),
    Told("nothing at all", [c.cancel_all(BOB, 1)], bare(type="MARKET"), "NO_LIQUIDITY", "type",
         "must be LIMIT while nothing rests there"),
    Told("nothing to follow", [c.cancel_all(BOB, 1)], {"type": "PEGGED", "price": None},
         "NO_LIQUIDITY", "pegTo", "must name a side on which an order rests"),
    Told("a limit beyond the listing, with a trigger", [],
         {"type": "STOP_LIMIT", "triggerPrice": "52000000", "price": "2000000000"}, "PRICE_BAND",
         "price", "must be from 1000000 to 1000000000"),
    Told("a trigger beyond the listing", [],
         {"type": "STOP_LIMIT", "triggerPrice": "2000000000"}, "PRICE_BAND", "triggerPrice",
         "must be from 1000000 to 1000000000"),
    Told("a take-profit that the market has passed", [],
         bare(type="TAKE_PROFIT", triggerPrice="50000000"), "PRICE_BAND", "triggerPrice",
         "must be below 50000000"),
    Told("a minimum that is not there", [], {"price": "51000000", "qty": "3", "minQty": "2"},
         "FOK_UNFILLABLE", "minQty", "must be at most 1 so that it is there at once"),
    Told("all of it is not there", [], {"price": "51000000", "qty": "2", "timeInForce": "FOK"},
         "FOK_UNFILLABLE", "qty", "must be at most 1 for FOK"),
    Told("own order", [], {"price": "50500000", "selfTrade": "EXPIRE_TAKER"}, "SELF_TRADE",
         "selfTrade", "must not be EXPIRE_TAKER while the account's own order",
         ({"side": "SELL", "price": "50500000"},)),
]  # fmt: skip

TERMS = [
    Told("tip below a hundredth", [], {"qty": "1", "displayQty": "0.009"}, "VALIDATION",
         "displayQty", "must be at least 0.01, a hundredth of qty"),
    Told("tip above all", [], {"displayQty": "0.002"}, "VALIDATION", "displayQty",
         "must be at most qty, 0.001"),
    Told("tip of a taker", [], {"displayQty": "0.001", "timeInForce": "IOC"}, "VALIDATION",
         "displayQty", "must be given only for a LIMIT order that may rest"),
    Told("minimum above all", [], {"minQty": "0.002"}, "VALIDATION", "minQty",
         "must be at most qty, 0.001"),
    Told("minimum of FOK", [], {"minQty": "0.001", "timeInForce": "FOK"}, "VALIDATION", "minQty",
         "must not be given with timeInForce FOK"),
    Told("minimum of a stop", [], stop(minQty="0.001"), "VALIDATION", "minQty",
         "must be given only for a LIMIT or MARKET order, not for STOP"),
    Told("minimum by amount", [],
         bare(type="MARKET", qty=None, quoteQty="60000", minQty="0.001"), "VALIDATION", "minQty",
         "must not be given beside quoteQty"),
    Told("an end that has passed", [], {"timeInForce": "GTD", "expiresAt": "1000"},
         "VALIDATION", "expiresAt", "must be in the future; log time was 17900000"),
    Told("an end of GTC", [], {"expiresAt": str(NOW_MS + 60_000)}, "VALIDATION", "expiresAt",
         "must be given only with GTD, POST_ONLY"),
    Told("an end of DAY", [], {"timeInForce": "DAY", "expiresAt": str(NOW_MS + 60_000)},
         "VALIDATION", "expiresAt", "must be given only with GTD, POST_ONLY"),
    Told("a huge offset", [], {"type": "PEGGED", "price": None, "pegOffset": "9" * 15 + "000"},
         "VALIDATION", "pegOffset", "must be from -1099511627776000 to 1099511627776000"),
    Told("a huge trigger", [], stop("9" * 15 + "000"), "VALIDATION", "triggerPrice",
         "must be at most 1099511627776000"),
    Told("pegged IOC", [], {"type": "PEGGED", "timeInForce": "IOC"}, "VALIDATION",
         "timeInForce", "must be GTC, GTD or DAY for a PEGGED order"),
    Told("a stop for the auction", [],
         {"type": "STOP_LIMIT", "triggerPrice": "52000000", "timeInForce": "AUCTION"},
         "VALIDATION", "timeInForce", "must not be AUCTION for a STOP_LIMIT order"),
    Told("a stop that slides", [],
         {"type": "STOP_LIMIT", "triggerPrice": "52000000", "timeInForce": "POST_ONLY",
          "onCross": "SLIDE"}, "VALIDATION", "onCross", "must be given only for a LIMIT order"),
    Told("an amount with a collar", [],
         bare(type="MARKET", qty=None, quoteQty="60000", collar="52000000"), "VALIDATION",
         "collar", "must not be given beside quoteQty"),
    Told("decrement by amount", [],
         bare(type="MARKET", qty=None, quoteQty="60000", selfTrade="DECREMENT"), "VALIDATION",
         "selfTrade", "must not be DECREMENT beside quoteQty"),
]  # fmt: skip


def check(response: Response, code: str, field: str, rule: str) -> None:
    answer = told(response)
    assert answer["code"] == code, answer
    (error,) = answer["errors"]
    assert error["field"] == field, answer
    assert rule in error["rule"], answer
    if code == "VALIDATION":
        assert answer["detail"] == f"{field} {error['rule']}"
    assert 400 <= response.status < 500


@pytest.mark.parametrize("row", RULED + MOMENT + TERMS, ids=lambda row: row.name)
def test_an_order_is_refused_by_the_rule_that_it_broke(row: Told) -> None:
    exchange = traded_exchange()
    for record in row.before:
        exchange.core.apply([record])
    for fields in row.first:
        assert exchange.place("alice", **fields).status == 201
    before = exchange.core.machine.balances_digest()
    check(exchange.place("alice", **row.fields), row.code, row.field, row.rule)
    assert exchange.core.machine.balances_digest() == before


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (stop(), "type"),
        ({"timeInForce": "DAY"}, "timeInForce"),
        ({"displayQty": "0.001"}, "displayQty"),
        ({"minQty": "0.001"}, "minQty"),
        ({"timeInForce": "POST_ONLY", "onCross": "SLIDE"}, "onCross"),
        ({"selfTrade": "DECREMENT"}, "selfTrade"),
        (bare(type="MARKET", collar="52000000"), "collar"),
    ],
)
def test_a_machine_that_does_not_know_a_term_yet_says_so(
    fields: dict[str, Any], field: str
) -> None:
    response = traded_exchange(version=1).place("alice", **fields)
    check(response, "VALIDATION", field, "needs machine version 3; 1 is in force")


def test_an_order_for_the_auction_needs_auctions() -> None:
    response = traded_exchange(version=3).place("alice", timeInForce="AUCTION")
    check(response, "VALIDATION", "timeInForce", "needs machine version 4; 3 is in force")


Send = Callable[[Exchange, str], Response]
SENDS: dict[str, Send] = {
    "DELETE one": lambda e, order_id: e.signed("alice", "DELETE", f"/v1/orders/{order_id}"),
    "DELETE nothing": lambda e, _: e.signed("alice", "DELETE", "/v1/orders/999999"),
    "DELETE all": lambda e, _: e.signed("alice", "DELETE", "/v1/orders"),
    "DELETE all of a symbol": lambda e, _: e.signed(
        "alice", "DELETE", f"/v1/orders?symbol={SYMBOL}"
    ),
    "PUT cancel-after": lambda e, _: e.signed(
        "alice", "PUT", "/v1/cancel-after", b'{"afterMs":"1000"}'
    ),
    "PATCH": lambda e, order_id: e.signed(
        "alice", "PATCH", f"/v1/orders/{order_id}", b'{"price":"40000000","qty":"0.002"}'
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SENDS)
def test_a_frozen_account_is_told_so_whatever_it_asks(name: str) -> None:
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", **AT_40))["orderId"]
    exchange.core.apply([c.set_account(ALICE, FROZEN, 0)])
    check(SENDS[name](exchange, order_id), "MARKET_HALTED", "account", "must not be frozen")


@pytest.mark.parametrize("name", ["DELETE one", "DELETE all of a symbol", "PATCH"])
def test_a_halt_is_the_markets(name: str) -> None:
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", **AT_40))["orderId"]
    exchange.core.apply([c.set_mode(1, codes.MODE_HARD_HALT)])
    check(SENDS[name](exchange, order_id), "MARKET_HALTED", "symbol", "not even cancels")


AMENDS: list[tuple[str, dict[str, Any], dict[str, str], str, str, str]] = [
    ("a trigger that the market has passed", stop(),
     {"qty": "0.001", "triggerPrice": "49000000"}, "PRICE_BAND", "triggerPrice",
     "must be above 50000000"),
    ("a trigger beyond the listing", stop(),
     {"qty": "0.001", "triggerPrice": "2000000000"}, "PRICE_BAND", "triggerPrice",
     "must be from 1000000 to 1000000000"),
    ("a pegged order", {"type": "PEGGED", "price": None}, {"qty": "0.002"}, "VALIDATION",
     "orderId", "must not be a PEGGED order: cancel it"),
    ("a trigger for an order without one", AT_40,
     {"price": "40000000", "qty": "0.001", "triggerPrice": "52000000"}, "VALIDATION",
     "triggerPrice", "must not be given: the order does not wait for one"),
    ("a trigger that trails", bare(type="TRAILING_STOP", trailBy="1000000"),
     {"qty": "0.001", "triggerPrice": "52000000"}, "VALIDATION", "triggerPrice",
     "must not be given: the order's trigger trails"),
    ("an iceberg beyond a hundred tips", AT_40 | {"qty": "0.01", "displayQty": "0.001"},
     {"price": "40000000", "qty": "0.101"}, "VALIDATION", "qty",
     "must leave at most 0.1, a hundred times displayQty"),
    ("nothing changes", AT_40, {"price": "40000000", "qty": "0.001"}, "VALIDATION", "qty",
     "must change, or another term"),
    ("a price beyond the listing", AT_40, {"price": "2000000000", "qty": "0.001"}, "PRICE_BAND",
     "price", "must be from 1000000 to 1000000000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("_name", "placed", "terms", "code", "field", "rule"), AMENDS, ids=lambda v: str(v)[:30]
)
def test_an_amend_is_refused_by_the_rule_that_it_broke(
    _name: str, placed: dict[str, Any], terms: dict[str, str], code: str, field: str, rule: str
) -> None:
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", **placed))["orderId"]
    before = exchange.core.machine.balances_digest()
    response = exchange.signed(
        "alice", "PATCH", f"/v1/orders/{order_id}", json.dumps(terms).encode()
    )
    check(response, code, field, rule)
    assert exchange.core.machine.balances_digest() == before


@pytest.mark.parametrize("filled", ["0.001", "0.004", "0.005", "0.006", "0.007"])
def test_an_amend_below_what_is_filled_is_told_by_the_quantity(filled: str) -> None:
    """The detail is the lots filled, which may be the number of a word."""
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", qty="0.01"))["orderId"]
    assert exchange.place("bob", side="SELL", qty=filled).status == 201
    body = json.dumps({"price": "50000000", "qty": filled}).encode()
    response = exchange.signed("alice", "PATCH", f"/v1/orders/{order_id}", body)
    check(response, "VALIDATION", "qty", f"must be above what is filled, {filled}")


def test_an_amend_of_what_is_left_is_told_by_what_is_left() -> None:
    exchange = traded_exchange()
    order_id = told(exchange.place("alice", qty="0.1"))["orderId"]
    assert exchange.place("bob", side="SELL", qty="0.05").status == 201
    exchange.core.apply(rules(lot_step=10, min_qty=50, max_position=100_120))
    for price, qty, rule in (
        ("49000000", "0.07", "must leave at least 0.05"),
        ("49000000", "0.111", "must leave a multiple of 0.01"),
        ("50000000", "0.2", "must grow by at most 0.0"),
    ):
        body = json.dumps({"price": price, "qty": qty}).encode()
        response = exchange.signed("alice", "PATCH", f"/v1/orders/{order_id}", body)
        check(response, "LOT_SIZE", "qty", rule)


LIMIT_LEG = {"side": "SELL", "type": "LIMIT", "price": "55000000", "qty": "0.5"}
STOP_LEG = {"side": "SELL", "type": "STOP", "triggerPrice": "45000000", "qty": "0.5"}
ENTRY = {"side": "BUY", "type": "LIMIT", "price": "40000000", "qty": "0.5"}
LISTS: list[tuple[str, tuple[dict[str, Any], ...], dict[str, int], str, str, str]] = [
    ("OCO", (LIMIT_LEG, STOP_LEG | {"side": "BUY", "triggerPrice": "55000000"}), {},
     "VALIDATION", "second.side", "must be that of the order before it"),
    ("OCO", (LIMIT_LEG, STOP_LEG | {"qty": "0.4"}), {}, "VALIDATION", "second.qty",
     "must be that of the order before it, 0.5"),
    ("OCO", (LIMIT_LEG, LIMIT_LEG), {}, "VALIDATION", "second.type", "must be one with a trigger"),
    ("OCO", (LIMIT_LEG | {"timeInForce": "IOC"}, STOP_LEG), {}, "VALIDATION",
     "first.timeInForce", "must be one that may rest"),
    ("OTO", (STOP_LEG, LIMIT_LEG), {}, "VALIDATION", "first.type", "must be LIMIT"),
    ("OTO", (ENTRY, LIMIT_LEG | {"type": "PEGGED"}), {}, "VALIDATION", "second.type",
     "must not be PEGGED in a list"),
    ("OTO", (ENTRY, LIMIT_LEG | {"timeInForce": "AUCTION"}), {}, "VALIDATION",
     "second.timeInForce", "must not be AUCTION in a list"),
    ("OTO", (ENTRY, LIMIT_LEG | {"displayQty": "0.001"}), {}, "VALIDATION",
     "second.displayQty", "must be at least 0.005, a hundredth of qty"),
    ("OCO", (LIMIT_LEG | {"price": "2000000000"}, STOP_LEG), {}, "PRICE_BAND", "first.price",
     "must be from 1000000 to 1000000000"),
    ("OCO", (LIMIT_LEG, STOP_LEG | {"triggerPrice": "50000000"}), {}, "PRICE_BAND",
     "second.triggerPrice", "must be below 50000000"),
    ("OTO", (ENTRY, LIMIT_LEG | {"price": "55001000"}), {"tick_step": 5}, "TICK_SIZE",
     "second.price", "must be a multiple of 5000"),
    ("OTO", (ENTRY, LIMIT_LEG | {"qty": "0.501"}), {"lot_step": 10}, "LOT_SIZE", "second.qty",
     "must be a multiple of 0.01"),
    ("OTO", (ENTRY, STOP_LEG), {"open_orders": 1}, "TOO_MANY_OPEN_ORDERS", "account",
     "at most 1 open orders in BTC-KRW"),
    ("OCO", (LIMIT_LEG | {"price": "49000000"}, STOP_LEG), {}, "POST_ONLY_WOULD_TRADE",
     "first.price", "must not reach 49000000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "legs", "law", "code", "field", "rule"), LISTS, ids=lambda v: str(v)[:24]
)
def test_a_list_is_refused_by_the_order_and_rule_that_it_broke(
    kind: str, legs: tuple[dict[str, Any], ...], law: dict[str, int], code: str, field: str,
    rule: str,
) -> None:  # fmt: skip
    exchange = traded_exchange()
    exchange.core.apply(rules(**law))
    named = dict(zip(("first", "second", "third"), legs, strict=False))
    body = json.dumps({"symbol": SYMBOL, "type": kind, **named}).encode()
    check(exchange.signed("alice", "POST", "/v1/order-lists", body), code, field, rule)


@pytest.mark.parametrize(
    ("before", "code", "field", "rule"),
    [
        (mode(codes.MODE_POST_ONLY), "MARKET_HALTED", "type", "in mode NORMAL"),
        ([c.set_account(ALICE, FROZEN, 0)], "MARKET_HALTED", "account", "must not be frozen"),
    ],
)
def test_a_list_is_not_taken_now(before: list[bytes], code: str, field: str, rule: str) -> None:
    exchange = traded_exchange()
    exchange.core.apply(before)
    body = json.dumps(
        {"symbol": SYMBOL, "type": "OCO", "first": LIMIT_LEG, "second": STOP_LEG}
    ).encode()
    check(exchange.signed("alice", "POST", "/v1/order-lists", body), code, field, rule)


def test_two_orders_of_a_list_with_one_id_are_not_told_of_an_order_that_is_none() -> None:
    exchange = traded_exchange()
    legs = {"first": {**ENTRY, "clientOrderId": "a"}, "second": {**STOP_LEG, "clientOrderId": "a"}}
    body = json.dumps({"symbol": SYMBOL, "type": "OTO", **legs}).encode()
    answer = told(exchange.signed("alice", "POST", "/v1/order-lists", body))
    assert answer["code"] == "DUPLICATE_ORDER_ID"
    assert answer["detail"] == "two orders of the list have the same clientOrderId"


def test_a_leg_cannot_be_amended_and_says_so() -> None:
    exchange = traded_exchange()
    body = json.dumps(
        {"symbol": SYMBOL, "type": "OCO", "first": LIMIT_LEG, "second": STOP_LEG}
    ).encode()
    ids = told(exchange.signed("alice", "POST", "/v1/order-lists", body))["orderIds"]
    for order_id in ids:
        terms = b'{"price":"56000000","qty":"0.5"}'
        response = exchange.signed("alice", "PATCH", f"/v1/orders/{order_id}", terms)
        check(response, "VALIDATION", "orderId", "must not be an order of a list")


@pytest.mark.parametrize("text", ["0", "-0", "0.0", "-0.000"])
def test_no_offset_is_no_offset_however_it_is_written(text: str) -> None:
    exchange = traded_exchange()
    placed = exchange.place("alice", type="PEGGED", price=None, pegOffset=text)
    assert placed.status == 201, placed.body
    shown = told(exchange.signed("alice", "GET", f"/v1/orders/{told(placed)['orderId']}"))
    assert (shown["pegOffset"], shown["price"]) == ("0", "49000000")


def test_a_fold_that_is_late_costs_words_and_not_the_answer() -> None:
    """The gateway's read side does not know the rule yet: what it says is still true."""
    exchange = traded_exchange()
    exchange.core.withhold = True
    exchange.core.apply(rules(lot_step=10))
    exchange.core.apply([c.set_account(BOB, FROZEN, 0)])
    check(exchange.place("alice", qty="0.005"), "LOT_SIZE", "qty", "must be at least 0.01")
    check(exchange.place("bob"), "MARKET_HALTED", "account", "must not be frozen")
