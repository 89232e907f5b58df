"""A WebSocket client that stops reading: closed, forgotten, and nobody else is held up."""

import asyncio
import json
import os
import re
import socket

import pytest
from websockets.asyncio.client import connect

from adapters.rpc_client import CoreClient
from core.codes import BUY, GTC, IOC, LIMIT, SELL
from core.commands import place
from gateway.sessions import OUTBOX_BYTES_MAX
from tests.e2e.harness import SYMBOL, Credentials, Exchange, until

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
WAIT_S = 60.0
BATCH = 500
SUBSCRIBE = json.dumps({"op": "subscribe", "ch": "trades", "symbol": SYMBOL}).encode()


def deaf_socket(exchange: Exchange) -> socket.socket:
    """A subscribed client with a tiny receive buffer that will never read again."""
    host, port = exchange.http_address.split(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((host, int(port)))
    sock.sendall(
        b"GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    assert b"101 Switching" in sock.recv(1024)
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(SUBSCRIBE))
    sock.sendall(bytes([0x81, 0x80 | len(SUBSCRIBE)]) + mask + masked)
    return sock


async def test_a_deaf_client_is_closed_and_a_good_one_misses_nothing(
    exchange: Exchange, alice: Credentials, bob: Credentials
) -> None:
    trades_sent = 0
    async with (
        exchange.client(alice) as client, CoreClient(exchange.core_address) as core,
        connect(f"ws://{exchange.http_address}/ws") as good,
    ):  # fmt: skip
        await good.send(SUBSCRIBE)
        await good.recv()
        await good.recv()
        deaf = await asyncio.to_thread(deaf_socket, exchange)

        async def sessions() -> int:
            text = (await client.http.get("/metrics")).text
            found = re.search(r"^lockstep_gateway_websocket_sessions (\d+)$", text, re.MULTILINE)
            assert found is not None
            return int(found[1])

        async def both() -> bool:
            return await sessions() == 2

        await until(both, "both clients are connected", WAIT_S)

        async def count_good() -> int:
            heard, previous = 0, 0
            while heard < trades_sent or not closed.is_set():
                message = json.loads(await asyncio.wait_for(good.recv(), WAIT_S))
                if message["type"] == "delta":
                    assert message["prevSeq"] == previous or not previous
                    previous = message["seq"]
                    heard += len(message["data"])
            return heard

        closed = asyncio.Event()
        counting = asyncio.create_task(count_good())
        pair = place(alice.account, 1, SELL, LIMIT, GTC, 50_000, 1)
        pair += place(bob.account, 1, BUY, LIMIT, IOC, 50_000, 1)
        while await sessions() == 2:
            assert trades_sent * 50 < 100 * OUTBOX_BYTES_MAX, "the deaf client was never closed"
            await core.submit(pair * BATCH, 2 * BATCH)
            trades_sent += BATCH
        trades_sent += 1  # before the end may be seen: it is waited for
        closed.set()
        await core.submit(pair, 2)
        assert await counting == trades_sent
        assert (await client.http.get("/readyz")).status_code == 200
        deaf.close()
