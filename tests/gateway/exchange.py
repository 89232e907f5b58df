"""A whole gateway without a socket, over the real machine: for tests of what it answers.

Why it exists: `MachineCore` is the real `core.machine.Machine` behind `CorePort`, one command per
log entry, folded at once. Nothing here imitates the core.
"""

import asyncio
import itertools
import json
from typing import Any, Final

import msgspec

from core import commands
from core.codes import OK
from core.events import decode_reply
from core.machine import Machine
from core.versions import VERSION_FIRST, VERSION_KNOWN
from gateway.api import Api, ApiLimits, Ports
from gateway.feed_hub import FeedHub
from gateway.fold import ReadModel
from gateway.http import Request, Response
from gateway.ports import READ, TRADE, Answer, CommandIds, CoreBalance, CoreStatus, Key
from gateway.signing import canonical, sign

NOW_MS: Final = 1_790_000_000_000
KRW, BTC = 1, 2
ALICE, BOB = 2, 3
SYMBOL: Final = "BTC-KRW"


class MachineCore:
    """`CorePort` over a machine in this process."""

    def __init__(self, model: ReadModel) -> None:
        self.machine = Machine()
        self.model = model
        self.payloads: list[bytes] = []
        self.failure: Exception | None = None
        self.withhold = False
        """True: the fold is not told, as when the tail is slow."""

    def apply(self, records: list[bytes], metadata: bytes = b"") -> None:
        machine = self.machine
        payload = commands.batch_of(records, metadata)
        index = machine.index + 1
        ts_ns = NOW_MS * 1_000_000 + index * 1_000_000
        machine.apply(index, ts_ns, payload)
        self.payloads.append(payload)
        if not self.withhold:
            self.model.apply(index, ts_ns, machine.events, metadata)

    async def submit(self, command: bytes, ids: CommandIds) -> Answer:
        if self.failure is not None:
            raise self.failure
        self.apply([command], msgspec.msgpack.encode({0: ids}))
        return Answer(self.machine.index, self.machine.replies)

    async def balances(self, account: int) -> tuple[int, list[CoreBalance]]:
        rows = self.machine.balances(account)
        return self.machine.index, [CoreBalance(r.asset, r.available, r.hold) for r in rows]

    async def status(self) -> CoreStatus:
        if self.failure is not None:
            raise self.failure
        return CoreStatus(self.machine.index, "LEADER")


class Keys:
    def __init__(self) -> None:
        self.by_id: dict[str, Key] = {}

    def find(self, key_id: str) -> Key | None:
        return self.by_id.get(key_id)


class Clock:
    def __init__(self) -> None:
        self.ms = NOW_MS
        self.s = 1000.0

    def now_ms(self) -> int:
        return self.ms

    def monotonic_s(self) -> float:
        return self.s


class Progress:
    """The fold is moved by `MachineCore` at once, so what is not there will not come."""

    def __init__(self, model: ReadModel) -> None:
        self.model = model
        self.live = True

    async def reached(self, index: int, timeout_s: float) -> bool:
        return self.model.index >= index


class Counter:
    def __init__(self) -> None:
        self._count = itertools.count(1)

    def bytes16(self) -> bytes:
        return next(self._count).to_bytes(16, "big")


def listing() -> list[bytes]:
    """KRW (no decimals), BTC (8 decimals); tick 1,000 KRW, lot 0.001 BTC."""
    return [
        commands.list_asset("KRW", 0),
        commands.list_asset("BTC", 8),
        commands.list_symbol(
            SYMBOL, BTC, KRW, tick_units=1_000, lot_units=100_000, min_price=1_000,
            max_price=1_000_000, max_qty=10_000_000, min_notional=5_000,
            max_notional=10_000_000_000, maker_ppm=500, taker_ppm=1_000,
        ),
        commands.open_account((0, 2)),
        commands.open_account((0, 3)),
        commands.deposit(ALICE, KRW, 1_000_000_000, (1, 1)),
        commands.deposit(ALICE, BTC, 10_000_000_000, (1, 2)),
        commands.deposit(BOB, KRW, 1_000_000_000, (1, 3)),
        commands.deposit(BOB, BTC, 10_000_000_000, (1, 4)),
    ]  # fmt: skip


class Exchange:
    """The API over a machine with one market and two funded accounts."""

    def __init__(self, limits: ApiLimits | None = None) -> None:
        self.model = ReadModel(closed_max=100)
        self.core = MachineCore(self.model)
        self.keys = Keys()
        self.clock = Clock()
        self.hub = FeedHub(self.model, connections_max=10, per_address_max=5)
        for name, account in (("alice", ALICE), ("bob", BOB)):
            key = Key(name, account, f"{name}-secret".encode(), READ | TRADE)
            self.keys.by_id[name] = key
        self.progress = Progress(self.model)
        ports = Ports(self.core, self.keys, self.clock, self.progress, Counter())
        self.api = Api(self.model, ports, limits or ApiLimits())
        self.core.apply(listing())
        replies = self.core.machine.replies
        assert all(decode_reply(replies, n).code == OK for n in range(len(listing())))
        self._key_count = itertools.count(1)

    def state(self) -> tuple[bytes, int, bytes]:
        """All that a refused request must not have changed."""
        machine = self.core.machine
        return machine.digest(), machine.index, machine.balances_digest()

    def send(
        self, method: str, target: str, body: bytes = b"",
        headers: dict[bytes, bytes] | None = None, ip: str = "10.0.0.1",
    ) -> Response:  # fmt: skip
        path, _, query = target.partition("?")
        request = Request(
            method, path, query.encode(), target.encode(), headers or {}, body, ip
        )  # fmt: skip
        return asyncio.run(self.api.handle(request))

    def signed(
        self, who: str, method: str, target: str, body: bytes = b"", key: str | None = None,
        changes: dict[str, bytes | None] | None = None,
    ) -> Response:  # fmt: skip
        """`changes` replace headers after signing; None leaves one out."""
        headers = self.headers(who, method, target, body, key)
        for name, value in (changes or {}).items():
            header = name.encode()
            headers.pop(header, None)
            if value is not None:
                headers[header] = value
        return self.send(method, target, body, headers)

    def headers(
        self, who: str, method: str, target: str, body: bytes = b"", key: str | None = None
    ) -> dict[bytes, bytes]:
        ts = b"%d" % self.clock.ms
        if key is None and method == "POST":
            key = f"key-{next(self._key_count)}"
        idempotency = b"" if key is None else key.encode()
        message = canonical(method.encode(), target.encode(), ts, idempotency, body)
        headers = {
            b"x-api-key": who.encode(),
            b"x-ts": ts,
            b"x-signature": sign(f"{who}-secret".encode(), message).encode(),
        }
        if body:
            headers[b"content-type"] = b"application/json"
        if key is not None:
            headers[b"idempotency-key"] = idempotency
        return headers

    def place(self, who: str, key: str | None = None, **fields: Any) -> Response:
        return self.signed(who, "POST", "/v1/orders", json.dumps(order(**fields)).encode(), key)


def traded_exchange(version: int = VERSION_KNOWN) -> Exchange:
    """Bids of Bob: 1 at 49 M, asks: 1 at 51 M; the last trade was at 50 M."""
    exchange = Exchange()
    if version > VERSION_FIRST:
        exchange.core.apply([commands.set_version(version)])
    assert exchange.place("bob", side="SELL").status == 201
    assert told(exchange.place("alice"))["status"] == "FILLED"
    assert exchange.place("bob", side="BUY", price="49000000", qty="1").status == 201
    assert exchange.place("bob", side="SELL", price="51000000", qty="1").status == 201
    return exchange


def order(**changes: Any) -> dict[str, Any]:
    """A good limit order; a change to None leaves the field out."""
    fields: dict[str, Any] = {
        "symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "price": "50000000", "qty": "0.001",
        "timeInForce": "GTC",
    }  # fmt: skip
    fields |= changes
    return {name: value for name, value in fields.items() if value is not None}


def told(response: Response) -> dict[str, Any]:
    """The body of a response as an object."""
    found: dict[str, Any] = json.loads(response.body)
    return found
