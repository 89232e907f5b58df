"""The whole way once: an order goes in over HTTP and comes out as balanced money in PostgreSQL.

A real `lockstep up --demo`: node, ledger, database, gateway, market makers. No browser.
"""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from tests.e2e.harness import Client, Credentials, until
from tests.e2e.test_up import Up

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
SYMBOL = "BTC-KRW"
WAIT_S = 30.0


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    running = Up(tmp_path_factory.mktemp("whole") / "data", "--demo")
    try:
        yield running
    finally:
        running.process.terminate()
        running.ended()


def credentials(data: Path, number: int) -> Credentials:
    account = json.loads((data / "demo-accounts.json").read_text())[number]
    return Credentials(int(account["user_id"]), account["api_key"], account["secret"])


def by_asset(answer: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    return {b["asset"]: (b["available"], b["hold"], b["total"]) for b in answer["balances"]}


async def test_an_order_over_http_becomes_money_in_the_books(up: Up) -> None:
    async with (
        Client(f"http://{up.http}", credentials(up.data, 0)) as client,
        connect(f"ws://{up.http}/ws") as socket,
    ):
        await socket.send(json.dumps({"op": "subscribe", "ch": "trades", "symbol": SYMBOL}))
        before = by_asset((await client("GET", "/v1/account/balances")).json())

        buying = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "qty": "0.01"}
        answer = await client("POST", "/v1/orders", buying)
        placed = answer.json()
        assert (answer.status_code, placed["status"], placed["filledQty"]) == (
            201, "FILLED", "0.01",
        )  # fmt: skip

        heard = Decimal(0)
        while heard < Decimal("0.01"):
            message = json.loads(await asyncio.wait_for(socket.recv(), WAIT_S))
            for trade in message.get("data", ()):
                if trade["ts"] == placed["acceptedAt"] and trade["side"] == "BUY":
                    heard += Decimal(trade["qty"])

        core = (await client("GET", "/v1/account/balances")).json()
        after = by_asset(core)
        paid = Decimal(before["KRW"][2]) - Decimal(after["KRW"][2])
        assert paid == Decimal(placed["filledQuote"])
        gained = Decimal(after["BTC"][2]) - Decimal(before["BTC"][2])
        assert Decimal(0) < gained <= Decimal("0.01"), "the fee is taken from what is received"
        assert Decimal("0.01") - gained <= Decimal("0.01") * Decimal("0.001")

        async def booked() -> bool:
            books = (await client("GET", "/v1/balances")).json()
            return bool(books.get("asOfIndex", 0) >= core["asOfIndex"])

        await until(booked, "the ledger has booked the trade", WAIT_S)
        books = by_asset((await client("GET", "/v1/balances")).json())
        assert books == after
