"""Whatever is refused, the sentence is true of what was sent: no bound is told that the order kept.

Why it exists: rows of a table hold what their author thought of. Here rules, moments and orders are
drawn, and each sentence is read back and held against the order. It must not know which rule it
was.
"""

import json
import random
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest

from core import codes
from core import commands as c
from core.codes import ACCOUNT_STATE_NAMES
from core.versions import VERSION_KNOWN
from gateway.http import Response
from tests.gateway.exchange import ALICE, BOB, SYMBOL, Exchange, told

ORDERS: Final = 120
TYPES: Final = codes.ORDER_TYPE_NAMES
NUMBER: Final = r"(-?[0-9]+(?:\.[0-9]+)?)"
CLAIMS: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    rf"must (?:be )?at most {NUMBER}": lambda sent, bound: sent > bound,
    rf"must be at least {NUMBER}": lambda sent, bound: sent < bound,
    rf"must be a multiple of {NUMBER}": lambda sent, bound: sent % bound != 0,
    rf"must be above {NUMBER}": lambda sent, bound: sent <= bound,
    rf"must be below {NUMBER}": lambda sent, bound: sent >= bound,
}
"""What a rule says of its field, and what must hold of a value that broke it."""
WORTH: Final = re.compile(rf"worth at (most|least) {NUMBER} KRW")
RANGE: Final = re.compile(rf"must be from {NUMBER} to {NUMBER}")


def drawn_rules(rng: random.Random) -> dict[str, int]:
    pool = {
        "tick_step": rng.choice((1, 2, 5)), "lot_step": rng.choice((1, 2, 10)),
        "min_qty": rng.choice((0, 3, 50)), "max_position": rng.choice((99_000, 100_100, 10**6)),
        "open_orders": rng.choice((2, 5, 9)), "parked_orders": rng.choice((1, 5, 9)),
        "daily_notional": rng.choice((100_000, 5_000_000, 10**12)),
        "buy_up_bps": rng.choice((100, 500)), "buy_down_bps": rng.choice((100, 5_000)),
        "sell_up_bps": rng.choice((100, 5_000)), "sell_down_bps": rng.choice((100, 500)),
        "dynamic_bps": rng.choice((50, 300)), "rate": 1_000_000, "burst": 1,
    }  # fmt: skip
    return {name: pool[name] for name in rng.sample(sorted(pool), rng.randint(0, 5))}


def price(rng: random.Random) -> str:
    ticks = rng.choice((rng.randint(48_000, 52_000), rng.randint(900, 1_100_000)))
    return str(ticks * 1_000)


def qty(rng: random.Random) -> str:
    lots = rng.choice((rng.randint(1, 60), rng.randint(1, 2_000), rng.randint(1, 11_000_000)))
    return str(Decimal(lots) / 1000)


def drawn_order(rng: random.Random) -> dict[str, Any]:
    kind = rng.choice((*TYPES, "LIMIT", "LIMIT"))
    order: dict[str, Any] = {
        "symbol": SYMBOL, "side": rng.choice(("BUY", "SELL")), "type": kind, "qty": qty(rng),
    }  # fmt: skip
    if kind.endswith("LIMIT") or (kind == "PEGGED" and rng.random() < 0.5):
        order["price"] = price(rng)
    if kind in ("STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"):
        order["triggerPrice"] = price(rng)
    if kind.startswith("TRAILING"):
        order["trailBy"] = price(rng)
    if kind in ("MARKET", "STOP", "TAKE_PROFIT") and rng.random() < 0.4:
        order["collar"] = price(rng)
    if kind == "MARKET" and "collar" not in order and rng.random() < 0.4:
        order["quoteQty"] = str(rng.choice((1, 60_000, 10**11)))
        del order["qty"]
    if kind.endswith("LIMIT"):
        order["timeInForce"] = rng.choice(codes.TIME_IN_FORCE_NAMES)
        if order["timeInForce"] == "GTD":
            order["expiresAt"] = rng.choice(("1000", "1790000100000"))
    for name, chance in (("displayQty", 0.1), ("minQty", 0.1)):
        if rng.random() < chance:
            order[name] = qty(rng)
    if rng.random() < 0.2:
        order["selfTrade"] = rng.choice(codes.STP_NAMES[1:])
    return order


def moment(rng: random.Random, exchange: Exchange) -> None:
    """Rules, modes, states and a book that change between orders."""
    what = rng.random()
    core = exchange.core
    if what < 0.15:
        core.apply([c.set_rules(1, **drawn_rules(rng))])
    elif what < 0.2:
        core.apply([c.set_mode(1, rng.randrange(len(codes.MODE_NAMES)))])
    elif what < 0.3:
        core.apply([c.set_mode(1, codes.MODE_NORMAL)])
    elif what < 0.34:
        core.apply([c.set_account(ALICE, rng.randrange(len(ACCOUNT_STATE_NAMES)), 0)])
    elif what < 0.4:
        core.apply([c.set_account(ALICE, 0, 0), c.set_desk(ALICE, 1)])
    elif what < 0.43:
        core.apply([c.set_desk(ALICE, 1, killed=rng.randint(0, 1), open_orders=3)])
    elif what < 0.6:
        core.apply([c.cancel_all(ALICE, 1)])
    else:
        side = rng.randint(0, 1)
        near = 50_000 + (rng.randint(1, 900) if side else -rng.randint(1, 900))
        core.apply([c.place(BOB, 1, side, codes.LIMIT, codes.GTC, near, rng.randint(100, 900))])


def hold_true(response: Response, sent: dict[str, Any]) -> str:
    """The code of a refusal whose words were held against what was sent."""
    answer = told(response)
    if response.status < 300:
        return "OK"
    code: str = answer["code"]
    (error,) = answer["errors"]
    field, rule = error["field"], error["rule"]
    assert "allowed together" not in rule, answer
    assert "the exchange answered" not in answer["detail"], answer
    if field not in sent:
        return code
    told_range = RANGE.search(rule)
    if told_range and field != "pegOffset":
        low, high = map(Decimal, told_range.groups())
        assert not low <= Decimal(sent[field]) <= high, (sent, answer)
    worth = WORTH.search(rule)
    if worth and "price" in sent and sent["type"].endswith("LIMIT"):
        value = Decimal(sent["price"]) * Decimal(sent["qty"])
        bound = Decimal(worth[2])
        assert value > bound if worth[1] == "most" else value < bound, (sent, answer)
    for claim, broke in CLAIMS.items():
        found = re.match(claim, rule)
        if found:
            assert broke(Decimal(sent[field]), Decimal(found[1])), (sent, answer)
    return code


@pytest.mark.parametrize("seed", range(24))
def test_no_bound_is_told_that_the_order_kept(seed: int) -> None:
    rng = random.Random(seed)
    exchange = Exchange()
    exchange.core.apply([c.set_version(VERSION_KNOWN), c.set_reference(1, 50_000)])
    found = set()
    for _ in range(ORDERS):
        moment(rng, exchange)
        sent = drawn_order(rng)
        body = json.dumps(sent).encode()
        found.add(hold_true(exchange.signed("alice", "POST", "/v1/orders", body), sent))
    assert len(found) >= 5, found
