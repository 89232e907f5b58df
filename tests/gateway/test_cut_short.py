"""A server that stops while a request waits for the core: the caller learns what to do next."""

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from adapters.http_asgi import GatewayApp
from gateway.ports import Answer, CommandIds
from tests.gateway.exchange import Clock, Exchange, order

pytestmark = pytest.mark.asyncio


async def test_an_order_cut_short_is_told_that_its_outcome_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange = Exchange()
    waits = asyncio.Event()

    async def never(_command: bytes, _ids: CommandIds) -> Answer:
        waits.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(exchange.core, "submit", never)
    body = json.dumps(order()).encode()
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/orders", "raw_path": b"/v1/orders",
        "query_string": b"", "client": ("10.0.0.1", 1),
        "headers": list(exchange.headers("alice", "POST", "/v1/orders", body, "key-1").items()),
    }  # fmt: skip
    serving = asyncio.create_task(GatewayApp(exchange.api, exchange.hub, Clock())(
        scope, receive, send
    ))  # fmt: skip
    await waits.wait()
    serving.cancel()
    await serving
    start, answer = sent
    problem = json.loads(answer["body"])
    assert (start["status"], problem["status"]) == (504, 504)
    assert problem["type"].endswith("outcome-unknown")
    assert (b"content-type", b"application/problem+json") in start["headers"]
