"""Where an order stands while it is open, and why it ended: the folds against the machine."""

import json
from typing import Any, NamedTuple

import pytest

from core import codes
from core import commands as c
from core.codes import ACCOUNT_STATE_NAMES, CANCEL_REASON_NAMES
from core.events import decode_events
from core.machine import Machine
from core.versions import VERSION_KNOWN
from gateway.fold import ReadModel
from gateway.order_view import unpack
from tests.core.terms_workload import TermsWorkload
from tests.core.workload import setup_records
from tests.gateway.exchange import ALICE, BOB, NOW_MS, SYMBOL, Exchange, told, traded_exchange
from tests.gateway.test_reject_words import bare, stop

ACCOUNTS = range(1, 40)
AT_40 = {"price": "40000000"}


@pytest.mark.parametrize("seed", range(16))
def test_parked_is_what_the_machine_has_parked(seed: int) -> None:
    machine, model, workload = Machine(), ReadModel(), TermsWorkload(seed)
    now_ns = NOW_MS * 1_000_000
    parked = 0
    records = [*setup_records(), c.set_version(VERSION_KNOWN)]
    for _ in range(60):
        machine.apply(machine.index + 1, now_ns, c.batch_of(records))
        model.apply(machine.index, now_ns, machine.events)
        workload.learn(decode_events(machine.events))
        for account in ACCOUNTS:
            wanted = {o.order_id: o.terms.area != 0 for o in machine.open_orders(account, 0)}
            found = {o.order_id: o.is_parked for o in model.orders.open_orders(account)}
            assert found == wanted
            parked += sum(wanted.values())
        now_ns += workload.time_step_ns()
        workload.now_ns = now_ns
        records = workload.batch()
    assert parked > 0


def shown(exchange: Exchange, order_id: str, who: str = "alice") -> dict[str, Any]:
    return told(exchange.signed(who, "GET", f"/v1/orders/{order_id}"))


def test_an_open_order_says_where_it_stands() -> None:
    exchange = traded_exchange()
    resting = told(exchange.place("alice", **AT_40))["orderId"]
    parked = told(exchange.place("alice", **stop(side="SELL", trigger="48000000")))["orderId"]
    waits = told(exchange.place("alice", **AT_40, timeInForce="AUCTION"))["orderId"]
    states = [shown(exchange, one)["state"] for one in (resting, parked, waits)]
    assert states == ["RESTING", "PARKED", "PARKED"]
    exchange.core.apply([c.set_mode(1, codes.MODE_AUCTION)])
    joined = told(exchange.place("alice", **AT_40, timeInForce="AUCTION"))["orderId"]
    states = [shown(exchange, one)["state"] for one in (waits, joined, parked)]
    assert states == ["RESTING", "RESTING", "PARKED"]
    exchange.core.apply([c.set_mode(1, codes.MODE_NORMAL)])
    over = shown(exchange, joined)
    assert (over["status"], over["reason"], "state" in over) == ("EXPIRED", "AUCTION_OVER", False)


def test_the_second_of_two_waits_for_the_first() -> None:
    exchange = traded_exchange()
    legs = {
        "first": {"side": "BUY", "type": "LIMIT", "price": "40000000", "qty": "0.5"},
        "second": {"side": "SELL", "type": "LIMIT", "price": "55000000", "qty": "0.5"},
    }
    body = json.dumps({"symbol": SYMBOL, "type": "OTO", **legs}).encode()
    placed = told(exchange.signed("alice", "POST", "/v1/order-lists", body))
    assert [order["state"] for order in placed["orders"]] == ["RESTING", "PARKED"]
    assert exchange.place("bob", side="SELL", price="40000000", qty="1.5").status == 201
    found = told(exchange.signed("alice", "GET", f"/v1/order-lists/{placed['orderListId']}"))
    assert [order.get("state") for order in found["orders"]] == [None, "RESTING"]
    assert "reason" not in found["orders"][0], "it was filled"


class End(NamedTuple):
    reason: str
    order: dict[str, Any]
    """Of alice, who is asked why it ended."""
    before: list[bytes] = []
    after: list[bytes] = []
    """In an entry of its own each."""


MINUTE_AFTER = str(NOW_MS + 50)
BOBS = {"side": codes.SELL, "order_type": codes.LIMIT, "time_in_force": codes.GTC}
ENDS = [
    End("USER", AT_40),
    End("MASS", AT_40, after=[c.cancel_all(ALICE, 0)]),
    End("KILLED", AT_40, after=[c.set_desk(ALICE, 1, killed=1)]),
    End("IOC_REMAINDER", {"timeInForce": "IOC"}),
    End("MARKET_REMAINDER", bare(type="MARKET", qty="2")),
    End("COLLAR", bare(type="MARKET", qty="3", collar="53000000"),
        before=[c.set_rules(1, dynamic_bps=300),
                c.place(BOB, 1, codes.SELL, codes.LIMIT, codes.GTC, 52_000, 1_000)]),
    End("SELF_TRADE", {"price": "51000000", "qty": "2", "selfTrade": "EXPIRE_BOTH"},
        before=[c.place(ALICE, 1, codes.SELL, codes.LIMIT, codes.GTC, 51_000, 1_000)]),
    End("EXPIRED", AT_40 | {"timeInForce": "GTD", "expiresAt": MINUTE_AFTER},
        after=[c.checkpoint()] * 60),
    End("CANCEL_AFTER", AT_40, after=[c.cancel_after(ALICE, 0, 5_000_000)] + [c.checkpoint()] * 9),
    End("AUCTION_OVER", AT_40 | {"timeInForce": "AUCTION"},
        after=[c.set_mode(1, codes.MODE_AUCTION), c.set_mode(1, codes.MODE_NORMAL)]),
    End("UNFUNDED", {"type": "PEGGED", "price": None, "qty": "20"},
        after=[c.place(BOB, 1, codes.BUY, codes.LIMIT, codes.GTC, 50_500, 1)]),
]  # fmt: skip


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.reason)
def test_an_order_that_was_not_filled_says_why_it_ended(end: End) -> None:
    exchange = traded_exchange()
    for record in end.before:
        exchange.core.apply([record])
    placed = exchange.place("alice", **end.order)
    assert placed.status == 201, placed.body
    order_id = told(placed)["orderId"]
    for record in end.after:
        exchange.core.apply([record])
    if end.reason == "USER":
        exchange.signed("alice", "DELETE", f"/v1/orders/{order_id}")
    found = shown(exchange, order_id)
    assert found["reason"] == end.reason
    assert found["status"] in ("CANCELED", "EXPIRED")
    assert found["remainingQty"] == "0"
    assert "state" not in found
    assert "refusal" not in found


def test_a_stop_that_the_market_refused_says_by_which_code() -> None:
    exchange = traded_exchange()
    sent = stop(side="SELL", trigger="49000000", qty="0.002")
    order_id = told(exchange.place("alice", **sent))["orderId"]
    cancel_only = ACCOUNT_STATE_NAMES.index("CANCEL_ONLY")
    exchange.core.apply([c.set_account(ALICE, cancel_only, 0)])
    assert exchange.place("bob", side="SELL", price="49000000", timeInForce="IOC").status == 201
    found = shown(exchange, order_id)
    assert (found["status"], found["reason"]) == ("EXPIRED", "TRIGGER_REJECTED")
    assert found["refusal"] == "CANCEL_ONLY"


def test_every_reason_is_packed_beside_everything_else() -> None:
    exchange = traded_exchange()
    order_id = int(told(exchange.place("alice", **AT_40, displayQty="0.001"))["orderId"])
    order = exchange.model.orders.find(order_id)
    assert order is not None
    for reason in range(len(CANCEL_REASON_NAMES)):
        order.reason, order.refusal = reason, codes.OVERLOADED
        again = unpack(order.pack())
        assert (again.reason, again.refusal) == (reason, codes.OVERLOADED)
        assert (again.terms, again.status, again.symbol) == (order.terms, order.status, 1)


# --- what a call would do ----------------------------------------------------------------------


def ticker(exchange: Exchange) -> dict[str, Any]:
    return told(exchange.send("GET", f"/v1/markets/{SYMBOL}/ticker"))


NAMES = ("indicativePrice", "indicativeQty", "indicativeSurplus")


def test_a_call_shows_what_would_trade_and_only_a_call() -> None:
    exchange = traded_exchange()
    assert not set(NAMES) & ticker(exchange).keys()
    exchange.core.apply([c.set_mode(1, codes.MODE_AUCTION)])
    found = ticker(exchange)
    assert [found[name] for name in NAMES] == [None, "0", "0"]
    exchange.place("alice", side="BUY", price="52000000", qty="1.5")
    found = ticker(exchange)
    assert [found[name] for name in NAMES] == ["52000000", "1", "0.5"]
    exchange.place("bob", side="SELL", price="50000000", qty="2")
    found = ticker(exchange)
    assert [found[name] for name in NAMES] == ["50000000", "1.5", "-0.5"]
    exchange.core.apply([c.set_mode(1, codes.MODE_SOFT_HALT)])
    assert not set(NAMES) & ticker(exchange).keys(), "a halt interrupts it"
    exchange.core.apply([c.set_mode(1, codes.MODE_AUCTION)])
    found = ticker(exchange)
    assert [found[name] for name in NAMES] == ["50000000", "1.5", "-0.5"]
    exchange.core.apply([c.set_mode(1, codes.MODE_NORMAL)])
    found = ticker(exchange)
    assert not set(NAMES) & found.keys()
    assert found["last"] == "50000000"
