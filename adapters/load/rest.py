"""The load generator of `lockstep bench rest`: signed orders over keep-alive connections.

Why it exists: it shares the machine with what it measures, so an order must cost it little: one
protocol class on raw bytes, bodies made beforehand, one HMAC per order, no HTTP library. It runs
as a process of its own: It must not know the core.

    python -m adapters.load.rest < plan.json > result.json

Closed loop (`rate` 0): each connection sends its next order when the last is answered. Open loop:
orders fall due at the rate, whether or not the exchange keeps up, and latency counts from the
moment an order was due; what finds too many waiting is dropped, and counted.
"""

import array
import asyncio
import hmac
import itertools
import random
import struct
import sys
import time
from collections import deque
from pathlib import Path
from typing import Final

import msgspec
import uvloop

BODIES: Final = 4096
WAITING_MAX: Final = 20_000
ANSWER_BYTES_MAX: Final = 64 * 1024
DRAIN_S: Final = 10.0
TURN_S: Final = 0.001


class Plan(msgspec.Struct):
    """What to send. `keys` are (api key, secret); `acked_path` receives the order ids, packed."""

    host: str
    port: int
    symbol: str
    keys: list[tuple[str, str]]
    connections: int
    seconds: float
    rate: float
    seed: int
    run: str
    acked_path: str


class Result(msgspec.Struct):
    """What came of it. `failed`: broken connections; `first_refusal` explains `rejected`."""

    sent: int
    acked: int
    rejected: int
    failed: int
    dropped: int
    seconds: float
    orders_per_s: float
    ack_ms: dict[str, float]
    cpu_s: float
    first_refusal: str


def bodies(symbol: str, seed: int) -> list[bytes]:
    """Orders around one price, so that about half of them trade and the book stays small."""
    chance = random.Random(seed)  # noqa: S311  a workload, not a secret
    made = []
    for _ in range(BODIES):
        side = chance.choice(("BUY", "SELL"))
        price = (50_000 + chance.randint(-10, 10)) * 1_000
        qty = f"0.00{chance.randint(1, 9)}"
        made.append(
            b'{"symbol":"%b","side":"%b","type":"LIMIT","price":"%d","qty":"%b"}'
            % (symbol.encode(), side.encode(), price, qty.encode())
        )
    return made


class Load:
    """One run: the connections, what is due, and what was measured."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._bodies = bodies(plan.symbol, plan.seed)
        self._keys = [(name.encode(), secret.encode()) for name, secret in plan.keys]
        self._numbers = itertools.count()
        self._prefix = plan.run.encode()
        self.latencies_s = array.array("d")
        self.acked = array.array("Q")
        self.sent = self.rejected = self.failed = self.dropped = 0
        self.first_refusal = ""
        self.ends_s = 0.0
        self.idle: list[Connection] = []
        self.due: deque[float] = deque()
        self.open = 0

    def request(self) -> bytes:
        """The next order, signed now: a signature is good for five seconds only."""
        number = next(self._numbers)
        body = self._bodies[number % BODIES]
        name, secret = self._keys[number % len(self._keys)]
        ts = b"%d" % (time.time_ns() // 1_000_000)
        key = b"%b-%d" % (self._prefix, number)
        message = b"LOCKSTEP-V1\nPOST\n/v1/orders\n%b\n%b\n%b" % (ts, key, body)
        signature = hmac.digest(secret, message, "sha256").hex().encode()
        self.sent += 1
        return (
            b"POST /v1/orders HTTP/1.1\r\nhost: load\r\nx-api-key: %b\r\nx-ts: %b\r\n"
            b"x-signature: %b\r\nidempotency-key: %b\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (name, ts, signature, key, len(body), body)
        )

    def answered(self, connection: "Connection", status: bytes, body: bytes) -> None:
        now_s = time.perf_counter()
        self.latencies_s.append(now_s - connection.since_s)
        if status == b"201":
            at = body.index(b'"orderId":"') + 11
            self.acked.append(int(body[at : body.index(b'"', at)]))
        else:
            self.rejected += 1
            self.first_refusal = self.first_refusal or body.decode(errors="replace")
        if self._plan.rate:
            if self.due:
                connection.send(self.request(), self.due.popleft())
            else:
                self.idle.append(connection)
        elif now_s < self.ends_s:
            connection.send(self.request(), now_s)
        else:
            connection.finish()

    async def run(self) -> Result:
        loop = asyncio.get_running_loop()
        plan = self._plan
        connections = []
        for _ in range(plan.connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self), plan.host, plan.port
            )
            connections.append(connection)
        self.open = len(connections)
        started_s = time.perf_counter()
        self.ends_s = started_s + plan.seconds
        if plan.rate:
            self.idle = list(connections)
            await self._pace(started_s)
        else:
            for connection in connections:
                connection.send(self.request(), time.perf_counter())
        await self._drain(connections)
        took_s = time.perf_counter() - started_s
        for connection in connections:
            connection.finish()
        return self._result(min(took_s, plan.seconds) if plan.rate else took_s)

    async def _pace(self, started_s: float) -> None:
        """Every millisecond, send what has fallen due since; never slow down for the exchange."""
        due_count = 0
        while (now_s := time.perf_counter()) < self.ends_s:
            wanted = int((now_s - started_s) * self._plan.rate)
            while due_count < wanted:
                due_s = started_s + due_count / self._plan.rate
                due_count += 1
                if self.idle:
                    self.idle.pop().send(self.request(), due_s)
                elif len(self.due) < WAITING_MAX:
                    self.due.append(due_s)
                else:
                    self.dropped += 1
            await asyncio.sleep(TURN_S)

    async def _drain(self, connections: list["Connection"]) -> None:
        """Until nothing is on its way, or the time for that is up: the rest has failed."""
        give_up_s = self.ends_s + DRAIN_S
        while time.perf_counter() < give_up_s:
            if not self.due and not any(c.waiting for c in connections):
                return
            await asyncio.sleep(TURN_S * 10)
        self.failed += sum(c.waiting for c in connections) + len(self.due)

    def _result(self, seconds: float) -> Result:
        ordered = sorted(self.latencies_s)

        def at(share: float) -> float:
            if not ordered:
                return 0.0
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 3)

        return Result(
            sent=self.sent, acked=len(self.acked), rejected=self.rejected, failed=self.failed,
            dropped=self.dropped, seconds=round(seconds, 3),
            orders_per_s=round(len(self.acked) / seconds, 1),
            ack_ms={"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0)},
            cpu_s=round(time.process_time(), 3), first_refusal=self.first_refusal[:500],
        )  # fmt: skip


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one order on its way."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.waiting = False
        self.since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, _exc: Exception | None) -> None:
        if self.waiting:
            self.waiting = False
            self._load.failed += 1
        self._transport = None
        self._load.open -= 1

    def send(self, request: bytes, since_s: float) -> None:
        if self._transport is None:
            self._load.failed += 1
            return
        self.waiting = True
        self.since_s = since_s
        self._transport.write(request)

    def finish(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        head_end = buffer.find(b"\r\n\r\n")
        if head_end < 0:
            self._buffer = buffer
            assert len(buffer) < ANSWER_BYTES_MAX, "an answer without an end"
            return
        at = buffer.find(b"content-length: ") + 16
        assert 16 <= at < head_end, "an answer without a length"
        end = head_end + 4 + int(buffer[at : buffer.index(b"\r\n", at)])
        if len(buffer) < end:
            self._buffer = buffer
            return
        assert len(buffer) == end, "more than one answer to one order"
        self._buffer = b""
        self.waiting = False
        self._load.answered(self, buffer[9:12], buffer[head_end + 4 :])


def main() -> int:
    plan = msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)
    load = Load(plan)
    result = uvloop.run(load.run())
    Path(plan.acked_path).write_bytes(struct.pack(f"<{len(load.acked)}Q", *load.acked))
    sys.stdout.buffer.write(msgspec.json.encode(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
