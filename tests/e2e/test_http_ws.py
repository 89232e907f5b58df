"""End to end over real sockets: a node, a gateway, HTTP and WebSocket clients. No browser."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect

from adapters.addresses import free_ports
from contracts.gen.exchange.v1.events_pb2 import TailRequest
from contracts.gen.exchange.v1.events_pb2_grpc import EventServiceStub
from tests.e2e.harness import ROOT, SYMBOL, Credentials, Exchange, until
from tests.gateway import bad_input
from tests.gateway.exchange import order

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio]
WAIT_S = 20.0


async def subscribe(socket: ClientConnection, channel: str) -> dict[str, Any]:
    await socket.send(json.dumps({"op": "subscribe", "ch": channel, "symbol": SYMBOL}))
    assert (await heard(socket))["type"] == "subscribed"
    return await heard(socket)


async def heard(socket: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), WAIT_S))
    return found


async def hear_all(socket: ClientConnection) -> None:
    while True:
        await heard(socket)


async def flood(socket: ClientConnection) -> None:
    for _ in range(100):
        await socket.send('{"op":"ping"}')
    await hear_all(socket)


async def test_an_order_goes_in_over_http_and_is_seen_everywhere(
    exchange: Exchange, alice: Credentials, bob: Credentials
) -> None:
    async with (
        exchange.client(alice) as buyer, exchange.client(bob) as seller,
        connect(f"ws://{exchange.http_address}/ws") as trades,
        connect(f"ws://{exchange.http_address}/ws") as books,
    ):  # fmt: skip
        await subscribe(trades, "trades")
        snapshot = await subscribe(books, "book")
        resting = await buyer("POST", "/v1/orders", order(qty="0.005", clientOrderId="e2e-1"))
        assert (resting.status_code, resting.json()["status"]) == (201, "NEW")
        assert resting.headers["x-trace-id"]
        taking = await seller("POST", "/v1/orders", order(side="SELL", qty="0.002"))
        assert taking.json()["status"] == "FILLED"

        seen = (await buyer("GET", resting.headers["location"])).json()
        assert (seen["status"], seen["filledQty"], seen["clientOrderId"]) == (
            "PARTIALLY_FILLED", "0.002", "e2e-1",
        )  # fmt: skip
        trade = await heard(trades)
        assert [(t["price"], t["qty"], t["side"]) for t in trade["data"]] == [
            ("50000000", "0.002", "SELL")
        ]
        bids: dict[str, str] = dict(snapshot["data"]["bids"])
        seq = snapshot["seq"]
        while bids.get("50000000") != "0.003":
            delta = await heard(books)
            assert delta["prevSeq"] == seq
            seq = delta["seq"]
            bids.update(delta["data"]["bids"])

        book = (await buyer.http.get(f"/v1/markets/{SYMBOL}/orderbook")).json()
        assert book["bids"] == [["50000000", "0.003"]]
        balances = (await buyer("GET", "/v1/account/balances")).json()["balances"]
        krw = next(b for b in balances if b["asset"] == "KRW")
        assert (krw["hold"], krw["total"]) == ("150000", str(10**12 - 100_000))
        canceled = await buyer("DELETE", resting.headers["location"])
        assert canceled.json()["canceledQty"] == "0.003"


async def test_the_whole_table_of_bad_orders_changes_nothing_and_the_process_lives(
    exchange: Exchange, alice: Credentials
) -> None:
    before = await exchange.state()
    pid = exchange.gateway.pid
    async with exchange.client(alice) as client:
        for bad in bad_input.ALL:
            answer = await client(
                "POST", "/v1/orders", bad.body, headers={"content-type": "application/json"}
            )
            found = answer.json()
            assert (answer.status_code, found["code"]) == (bad.status, bad.code), bad.name
            assert found["errors"][0]["field"] == bad.field, bad.name
            assert answer.headers["content-type"] == "application/problem+json"
    assert await exchange.state() == before
    assert exchange.gateway.running
    assert exchange.gateway.pid == pid


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"x-signature": "0" * 64}, "X-SIGNATURE"),
        ({"x-api-key": "lk_nobody"}, "X-SIGNATURE"),
        ({"x-ts": "1500000000000"}, "X-TS"),
        ({"idempotency-key": "another"}, "X-SIGNATURE"),
    ],
)
async def test_wrong_signatures_and_stale_times_are_401(
    exchange: Exchange, alice: Credentials, changes: dict[str, str], field: str
) -> None:
    before = await exchange.state()
    async with exchange.client(alice) as client:
        answer = await client("POST", "/v1/orders", order(), headers=changes)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["field"] == field
    assert await exchange.state() == before


async def raw(exchange: Exchange, data: bytes) -> bytes:
    """The first whole answer of the server to these bytes."""
    host, port = exchange.http_address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        async with asyncio.timeout(WAIT_S):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return head + await reader.readexactly(length)
    finally:
        writer.close()


HEAD = b"POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    ("data", "status", "field"),
    [
        (HEAD + b"content-length: 16385\r\n\r\n", 413, b'"body"'),
        (HEAD + b"content-length: 9999999999999\r\n\r\n", 413, b'"body"'),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n8000\r\n" + b"x" * 0x8000, 413, b'"body"'),
        (HEAD + b"x-ts: 1\r\nx-ts: 2\r\ncontent-length: 0\r\n\r\n", 400, b'"x-ts"'),
        (b"GET /v1/markets?" + b"a=1&" * 3_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414, b'"query"'),
        (HEAD + b"".join(b"h%d: x\r\n" % n for n in range(70)) + b"\r\n", 431, b'"headers"'),
        (HEAD + b"big: " + b"x" * 20_000 + b"\r\n\r\n", 431, b'"headers"'),
        (b"NOT HTTP AT ALL\r\n\r\n", 400, b'"request"'),
        (HEAD + b"content-length: -1\r\n\r\n", 400, b'"request"'),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400, b'"request"'),
    ],
)
async def test_requests_beyond_the_limits_are_refused_by_name(
    exchange: Exchange, data: bytes, status: int, field: bytes
) -> None:
    answer = await raw(exchange, data)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert b"application/problem+json" in answer
    assert field in answer
    assert b"HTTP/1.1 200" in await raw(exchange, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")


async def test_head_is_answered_at_once_like_get_without_a_body(exchange: Exchange) -> None:
    host, port = exchange.http_address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"HEAD /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    async with asyncio.timeout(WAIT_S):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert b"content-length: 15" in head
        writer.write(b"HEAD /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        rest = await reader.read()
    writer.close()
    assert rest.startswith(b"HTTP/1.1 404")
    assert rest.endswith(b"\r\n\r\n")


async def test_a_status_in_a_problem_is_that_of_the_answer(exchange: Exchange) -> None:
    answer = await raw(exchange, HEAD + b"big: " + b"x" * 20_000 + b"\r\n\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 431


async def test_an_order_over_http_is_in_the_typed_tail_under_its_trace(
    exchange: Exchange, alice: Credentials
) -> None:
    async with exchange.client(alice) as client:
        placed = await client("POST", "/v1/orders", order(clientOrderId="tail-1"))
        await client("DELETE", placed.headers["location"])
    order_id = int(placed.json()["orderId"])
    async with (
        grpc.aio.insecure_channel(exchange.core_address) as channel,
        asyncio.timeout(WAIT_S),
    ):
        tail = EventServiceStub(channel).Tail(TailRequest(from_index=1))
        async for entry in tail:
            for event in entry.events:
                if event.order_accepted.order_id == order_id:
                    assert event.trace_id == placed.headers["x-trace-id"]
                    assert event.correlation_id == "tail-1"
                    assert len(event.causation_id) == 32
                    return


async def test_pipelined_requests_are_answered_in_order(exchange: Exchange) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    two = b"GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    host, port = exchange.http_address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(one + two)
    answer = await asyncio.wait_for(reader.read(), WAIT_S)
    writer.close()
    assert answer.index(b"HTTP/1.1 200") < answer.index(b"HTTP/1.1 404")


async def test_a_client_that_asks_before_it_sends_is_told_to_go_on(exchange: Exchange) -> None:
    host, port = exchange.http_address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(HEAD + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    async with asyncio.timeout(WAIT_S):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 401")
    writer.close()


async def test_a_websocket_elsewhere_is_404_and_a_long_message_closes(exchange: Exchange) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(f"ws://{exchange.http_address}/elsewhere")
    assert refused.value.response.status_code == 404
    async with connect(f"ws://{exchange.http_address}/ws") as socket:
        await socket.send("x" * 5_000)
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await heard(socket)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_a_rude_websocket_is_closed_and_others_go_on(exchange: Exchange) -> None:
    async with (
        connect(f"ws://{exchange.http_address}/ws") as rude,
        connect(f"ws://{exchange.http_address}/ws") as good,
    ):
        await subscribe(good, "book")
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await flood(rude)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "TOO_MANY_REQUESTS")
        await good.send('{"op":"ping","id":"still here"}')
        assert (await heard(good))["id"] == "still here"


async def test_metrics_and_health_are_plain(exchange: Exchange, alice: Credentials) -> None:
    async with exchange.client(alice) as client:
        assert (await client.http.get("/healthz")).json() == {"status": "ok"}
        ready = (await client.http.get("/readyz")).json()
        assert (ready["ready"], ready["checks"]) == (True, {"core": "ok", "fold": "ok"})
        text = (await client.http.get("/metrics")).text
    assert 'lockstep_gateway_requests_total{route="GET /healthz",status="200"}' in text
    assert "lockstep_gateway_fold_index" in text


async def test_a_killed_node_loses_and_repeats_no_acknowledged_order(
    exchange: Exchange, bob: Credentials
) -> None:
    """The gateway carries orders over the restart: same key, one effect, one answer."""
    async with exchange.client(bob) as client:
        await client("DELETE", "/v1/orders")

        async def place(number: int) -> str:
            """As a client should: the same key again while the outcome is not known."""
            status = 504
            while status in (503, 504):
                answer = await client(
                    "POST", "/v1/orders", order(price="2000000", qty="0.003"), key=f"kill-{number}"
                )
                status = answer.status_code
            assert status == 201, answer.text
            return str(answer.json()["orderId"])

        placing = [asyncio.create_task(place(n)) for n in range(60)]
        await asyncio.wait(placing, return_when=asyncio.FIRST_COMPLETED)
        exchange.node.kill()
        exchange.node.start()
        acknowledged = await asyncio.gather(*placing)
        await exchange.ready()
        listed = (await client("GET", "/v1/orders")).json()["orders"]
        assert sorted(o["orderId"] for o in listed) == sorted(acknowledged)
        assert (await client("DELETE", "/v1/orders")).json()["canceled"] == 60


async def test_a_gateway_stops_cleanly_and_comes_back_with_the_same_market(
    exchange: Exchange, alice: Credentials
) -> None:
    async with exchange.client(alice) as client:
        placed = (await client("POST", "/v1/orders", order(price="3000000", qty="0.002"))).json()
        async with connect(f"ws://{exchange.http_address}/ws") as socket:
            await subscribe(socket, "book")
            assert exchange.gateway.stop() == 0, exchange.gateway.said()
            with pytest.raises(websockets.ConnectionClosed):
                await hear_all(socket)
        exchange.gateway.start()
        await exchange.ready()
        seen = (await client("GET", f"/v1/orders/{placed['orderId']}")).json()
        assert seen["status"] == "NEW"
        assert (await client("DELETE", f"/v1/orders/{placed['orderId']}")).status_code == 200


async def test_a_taken_port_and_a_wrong_setting_are_told_in_one_line(
    exchange: Exchange, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "adapters.cli.main", "gateway", "--config"]
    config = tmp_path / "lockstep.toml"
    for text, code, words in (
        (f'listen = "{exchange.http_address}"\ndata = "{tmp_path}"', 3, "cannot listen on"),
        ("conflate_ms = 5", 2, "conflate_ms"),
        (f'core = "127.0.0.1:{free_ports(1)[0]}"\nlistn = "x"', 2, "listn"),
    ):
        config.write_text(f"[gateway]\n{text}\n")
        ended = await asyncio.to_thread(
            subprocess.run, [*command, str(config)], cwd=ROOT, capture_output=True, text=True,
            timeout=60, check=False,
        )  # fmt: skip
        assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr
        assert "Traceback" not in ended.stderr


async def test_without_a_core_the_gateway_lives_says_so_and_recovers(
    exchange: Exchange, alice: Credentials
) -> None:
    exchange.node.stop()
    async with exchange.client(alice) as client:

        async def unready() -> bool:
            return (await client.http.get("/readyz")).status_code == 503

        await until(unready, "the gateway sees that the core is gone", WAIT_S)
        assert (await client.http.get("/healthz")).status_code == 200
        assert (await client.http.get(f"/v1/markets/{SYMBOL}/orderbook")).status_code == 200
        exchange.node.start()
        await exchange.ready()
        assert (await client("POST", "/v1/orders", order())).status_code == 201
    assert exchange.gateway.running
