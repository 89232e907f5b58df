"""What operators laid down, as the read model has it and as a market shows it."""

from typing import Any

from core import commands as c
from core.codes import MODE_AUCTION
from core.commands import RULE_NAMES
from core.risk import highest, lowest
from core.versions import VERSION_KNOWN
from gateway.rule_view import RuleView
from tests.gateway.exchange import ALICE, BOB, SYMBOL, Exchange, told

EVERY_RULE: dict[str, int] = {name: at + 1 for at, name in enumerate(RULE_NAMES)} | {
    "action": MODE_AUCTION, "window_ns": 60_000_000_000, "daily_notional": 1_000_000,
}  # fmt: skip
SHOWN: dict[str, str | int] = {
    "buyUpBps": 1, "buyDownBps": 2, "sellUpBps": 3, "sellDownBps": 4, "staticBps": 5,
    "dynamicBps": 6, "stoppedOrders": 7, "moveBps": 8, "windowNs": 60_000_000_000,
    "action": "AUCTION", "callNs": 11, "tickStep": "12000", "lotStep": "0.013",
    "minQty": "0.014", "maxPosition": "0.015", "openOrders": 16, "parkedOrders": 17, "rate": 18,
    "burst": 19, "dailyNotional": "1000000", "referencePrice": "50000000",
}  # fmt: skip


def new_exchange() -> Exchange:
    exchange = Exchange()
    exchange.core.apply([c.set_version(VERSION_KNOWN)])
    return exchange


def market(exchange: Exchange) -> dict[str, Any]:
    one = told(exchange.send("GET", f"/v1/markets/{SYMBOL}"))
    (listed,) = told(exchange.send("GET", "/v1/markets"))["markets"]
    assert listed == one
    return one


def test_a_market_shows_every_rule_that_is_laid_down_in_its_own_units() -> None:
    exchange = new_exchange()
    assert market(exchange)["rules"] == {}
    exchange.core.apply([c.set_rules(1, **EVERY_RULE), c.set_reference(1, 50_000)])
    assert market(exchange)["rules"] == SHOWN
    exchange.core.apply([c.set_rules(1, lot_step=10), c.set_reference(1, 0)])
    assert market(exchange)["rules"] == {"lotStep": "0.01"}


def test_a_market_shows_the_fees_that_everybody_pays() -> None:
    exchange = new_exchange()
    shown = market(exchange)
    assert shown["fees"] == [{"volume": "0", "makerPpm": 500, "takerPpm": 1_000}]
    tiers = [(0, 100, 300), (1_000_000, -50, 200)]
    exchange.core.apply([c.set_fees(0, 1, tiers)])
    exchange.core.apply([c.set_fees(ALICE, 1, [(0, 1, 2)]), c.set_fees(ALICE, 0, [(0, 3, 4)])])
    shown = market(exchange)
    assert shown["fees"] == [
        {"volume": "0", "makerPpm": 100, "takerPpm": 300},
        {"volume": "1000000", "makerPpm": -50, "takerPpm": 200},
    ]
    assert (shown["makerFeePpm"], shown["takerFeePpm"]) == (100, 300)
    exchange.core.apply([c.set_fees(0, 1, [])])
    assert market(exchange)["fees"] == [{"volume": "0", "makerPpm": 500, "takerPpm": 1_000}]


def test_what_holds_for_an_account_is_its_own_then_the_markets() -> None:
    exchange = new_exchange()
    rules: RuleView = exchange.model.rules
    exchange.core.apply([c.set_rules(1, open_orders=7, rate=5, burst=9)])
    exchange.core.apply([c.set_desk(ALICE, 1, killed=1, open_orders=-1, rate=3)])
    exchange.core.apply([c.set_account(BOB, 2, 0), c.set_limits(50, 10**9, 100)])
    names = ("open_orders", "rate", "burst", "max_position")
    assert [rules.limit(ALICE, 1, name) for name in names] == [0, 3, 9, 0]
    assert [rules.limit(BOB, 1, name) for name in names] == [7, 5, 9, 0]
    assert (rules.is_killed(ALICE, 1), rules.is_killed(BOB, 1)) == (True, False)
    assert (rules.state(ALICE), rules.state(BOB), rules.open_orders_max) == (0, 2, 50)
    exchange.core.apply([c.set_desk(ALICE, 1), c.set_account(BOB, 0, 0)])
    assert rules.limit(ALICE, 1, "open_orders") == 7
    assert (rules.is_killed(ALICE, 1), rules.state(BOB)) == (False, 0)


def test_a_refusal_by_a_band_is_reckoned_as_the_machine_reckons_it() -> None:
    """The words tell a band from a trigger by its edge, so the edges must be the machine's."""
    for bps, reference in ((1, 50_001), (333, 49_999), (9_999, 50_000), (500, 777)):
        exchange = new_exchange()
        rules = {"buy_up_bps": bps, "buy_down_bps": bps}
        exchange.core.apply([c.set_rules(1, **rules), c.set_reference(1, reference)])
        for edge, step in ((highest(reference, bps), 1), (lowest(reference, bps), -1)):
            price = str((edge + step) * 1_000)
            if not 1_000 <= edge + step <= 1_000_000:
                continue
            sent = {"type": "STOP_LIMIT", "triggerPrice": "900000000", "price": price, "qty": "9"}
            answer = told(exchange.place("alice", **sent))
            assert answer["code"] == "PRICE_BAND", answer
            assert answer["errors"][0]["field"] == "price"
            assert str(edge * 1_000) in answer["errors"][0]["rule"]
