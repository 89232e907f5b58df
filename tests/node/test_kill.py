"""SIGKILL at random moments under load: what was acknowledged is there, once, for ever.

A ledger follows the node through all of it, and ends with the same balances, account by account.

25 cycles in CI; `LOCKSTEP_KILL_CYCLES=1000` for the long run. The moments are drawn from a seed
(`LOCKSTEP_KILL_SEED`): after so many acknowledgements, with many more in flight, or while the
node recovers from the kill before.
"""

import asyncio
import os
import random
import re
from pathlib import Path

import msgspec
import pytest

from adapters.rpc_client import CoreClient
from core.codes import BUY, GTC, HOUSE, LIMIT, OK, SELL
from core.commands import place
from core.events import REPLY_BYTES, OrderAccepted, TradeExecuted, decode_events, decode_reply
from replication.ports import Submitted
from tests.node.books import Books, free_address
from tests.node.market import SYMBOL_ID, open_market
from tests.node.process import DEADLINE_S, NodeProcess, lockstep

CYCLES = int(os.environ.get("LOCKSTEP_KILL_CYCLES", "25"))
SEED = int(os.environ.get("LOCKSTEP_KILL_SEED", "1"))
WORKERS = 8
ORDERS_PER_CALL = 10
RECOVERED = re.compile("event=recovered")


class Order(msgspec.Struct):
    """One order that was sent; `reply` is None while its outcome is unknown."""

    number: int
    command: bytes
    reply: bytes | None = None
    index: int = 0


class Client:
    """What the outside knows: which orders it sent, and what it was told about them."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.orders: dict[int, Order] = {}
        self.accounts: list[int] = []
        self.acknowledged = 0
        self.enough = asyncio.Event()
        self.stop_at = 0
        self.checked_index = 0
        self.checked_chain = b""
        self.accepted_at: dict[int, int] = {}
        self.trades: set[int] = set()

    def new_orders(self) -> list[Order]:
        made = []
        for _ in range(ORDERS_PER_CALL):
            number = len(self.orders) + 1
            side = self.rng.choice((BUY, SELL))
            away = self.rng.randint(-2, 50)
            command = place(
                self.rng.choice(self.accounts), SYMBOL_ID, side, LIMIT, GTC,
                100_000 - away if side == BUY else 100_000 + away, self.rng.randint(1, 9),
                key=(number, 1), client=(number, 2),
            )  # fmt: skip
            self.orders[number] = Order(number, command)
            made.append(self.orders[number])
        return made

    def learn(self, orders: list[Order], answer: Submitted) -> None:
        assert answer.code == OK, answer
        for n, order in enumerate(orders):
            reply = answer.replies[n * REPLY_BYTES : (n + 1) * REPLY_BYTES]
            assert decode_reply(reply).code == OK, decode_reply(reply)
            order.reply, order.index = reply, answer.index
            self.acknowledged += 1
        if self.acknowledged >= self.stop_at:
            self.enough.set()

    async def work(self, core: CoreClient) -> None:
        """Sends until the connection breaks; what was in flight then stays unknown."""
        while True:
            orders = self.new_orders()
            try:
                answer = await core.submit(b"".join(o.command for o in orders), len(orders))
            except Exception:  # noqa: BLE001 - whatever broke it, the outcome is unknown
                return
            self.learn(orders, answer)

    async def check_what_was_acknowledged(self, core: CoreClient) -> None:
        """Sends a sample of old orders again, and everything unknown: one effect, one answer."""
        known = [order for order in self.orders.values() if order.reply is not None]
        unknown = [order for order in self.orders.values() if order.reply is None]
        for order in self.rng.sample(known, min(50, len(known))):
            answer = await core.submit(order.command, 1)
            again = decode_reply(answer.replies)
            assert again.duplicate, f"order {order.number} was forgotten: {again}"
            assert order.reply is not None
            first = decode_reply(order.reply)
            assert msgspec.structs.replace(again, duplicate=first.duplicate) == first
        for order in unknown:
            self.learn([order], await core.submit(order.command, 1))

    async def check_events(self, core: CoreClient) -> None:
        """Follows the log from where the last check ended: the same chain, nothing twice."""
        last = (await core.status()).index
        async with asyncio.timeout(DEADLINE_S):
            async for entry in core.tail(max(1, self.checked_index)):
                if entry.index == self.checked_index:
                    assert entry.chain == self.checked_chain, "history was rewritten"
                else:
                    self._fold(entry.index, entry.packed_events)
                self.checked_index, self.checked_chain = entry.index, entry.chain
                if entry.index >= last:
                    break
        for order in self.orders.values():
            if order.reply is None or decode_reply(order.reply).duplicate:
                continue
            assert self.accepted_at[order.number] == order.index, f"order {order.number}"

    def _fold(self, index: int, events: bytes) -> None:
        for event in decode_events(events):
            if isinstance(event, OrderAccepted):
                assert event.client_hi not in self.accepted_at, f"{event.client_hi} twice"
                self.accepted_at[event.client_hi] = index
            elif isinstance(event, TradeExecuted):
                assert event.trade_id not in self.trades
                self.trades.add(event.trade_id)


async def load_until_killed(node: NodeProcess, client: Client) -> None:
    async with CoreClient(node.address) as core:
        client.enough.clear()
        client.stop_at = client.acknowledged + client.rng.randint(1, 400)
        workers = [asyncio.create_task(client.work(core)) for _ in range(WORKERS)]
        async with asyncio.timeout(DEADLINE_S):
            await client.enough.wait()
        await node.kill()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(*workers)


@pytest.mark.asyncio
@pytest.mark.e2e
async def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    client = Client(SEED)
    address = free_address()
    settings = {"snapshot_entries": "40", "checkpoint_entries": "25", "listen": address}
    async with Books(tmp_path / "books", address) as books:
        starts = await kill_again_and_again(tmp_path / "node", settings, client)
        await check_the_end(tmp_path / "node", settings, client, starts, books)


async def kill_again_and_again(folder: Path, settings: dict[str, str], client: Client) -> int:
    """`CYCLES` lives of one node; how often it started."""
    starts = 0
    for cycle in range(CYCLES):
        node = await NodeProcess(folder, **settings).start()
        starts += 1
        async with CoreClient(node.address) as core:
            if cycle == 0:
                client.accounts = await open_market(core, 5)
            await client.check_what_was_acknowledged(core)
            await client.check_events(core)
        await load_until_killed(node, client)
        if client.rng.random() < 0.2:
            again = NodeProcess(folder, **settings)
            await again.launch()
            await again.line(RECOVERED)
            await again.kill()
    return starts


async def check_the_end(
    folder: Path, settings: dict[str, str], client: Client, starts: int, books: Books
) -> None:
    """The state after all kills is that of an uninterrupted run of the same log."""
    node = await NodeProcess(folder, **settings).start()
    async with CoreClient(node.address) as core:
        await client.check_what_was_acknowledged(core)
        await client.check_events(core)
        status = await core.status(with_digest=True)
        await books.caught_up(status.index)
        await books.equal_to(core, [HOUSE, *client.accounts])
    assert await node.stop() == 0
    assert await books.stop() == 0
    await books.sound()
    assert client.acknowledged >= CYCLES
    assert len(client.trades) > 0
    assert set(client.accepted_at) == set(client.orders), "each order has one effect"
    assert status.term > starts
    code, out, err = await lockstep("replay", "--data", str(folder), "--json")
    assert code == 0, err
    replayed = msgspec.json.decode(out)
    assert replayed["index"] >= status.index
    code, out, err = await lockstep(
        "replay", "--data", str(folder), "--to", str(status.index), "--json"
    )
    assert code == 0, err
    assert msgspec.json.decode(out)["digest"] == status.digest.hex()
    assert msgspec.json.decode(out)["chain_hash"] == status.chain.hex()
    code, out, err = await lockstep("audit", str(folder), "--json")
    assert code == 0, out + err
    assert msgspec.json.decode(out)["ok"] is True
