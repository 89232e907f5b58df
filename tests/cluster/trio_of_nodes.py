"""Three real nodes, a gateway and a ledger for fault tests, and clients that never give up.

Why it exists: the fault tests break processes and links and then ask the same questions: is every
acknowledged order there once, did one node lead each term, are the states equal, is the ledger
complete. It must not know which fault a test makes.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

import httpx
import msgspec

from adapters.addresses import free_ports
from adapters.cli.up_cluster import Cluster, write_table_file
from adapters.cluster_client import ClusterClient, addresses_of
from adapters.key_store import create_key
from adapters.load import market
from adapters.parent_death import PARENT_VARIABLE
from adapters.rpc_client import CoreClient, CoreUnavailable
from core.events import OrderAccepted, decode_events
from tests.e2e.harness import Client, Credentials, until

ROOT: Final = Path(__file__).resolve().parent.parent.parent
WITHIN_S: Final = 60.0
WATCH_S: Final = 0.02
PAUSE_S: Final = 0.002
"""Between a client's requests: enough load to have orders in flight, on two cores."""


class Ack(msgspec.Struct, frozen=True):
    """What a client was told, and when."""

    key: str
    order_id: int
    at_s: float


class ThreeNodes:
    """`async with ThreeNodes(tmp_path) as cluster:`. `prefix` commands run each node elsewhere."""

    def __init__(
        self, folder: Path, hosts: dict[int, str] | None = None,
        prefixes: dict[int, list[str]] | None = None, settings: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        self.folder = folder
        ports = free_ports(7)
        hosts = hosts or dict.fromkeys((1, 2, 3), "127.0.0.1")
        self._prefixes = prefixes or {}
        grpc = ",".join(f"{n}={hosts[n]}:{ports[n]}" for n in hosts)
        peers = ",".join(f"{n}={hosts[n]}:{ports[n + 3]}" for n in hosts)
        self.cluster = Cluster(folder, 3, grpc, peers)
        self.core = self.cluster.core
        self.http = f"127.0.0.1:{ports[0]}"
        self._settings = {f"LOCKSTEP_NODE_{k.upper()}": v for k, v in (settings or {}).items()}
        self.nodes: dict[int, subprocess.Popen[bytes]] = {}
        self._gateway: subprocess.Popen[bytes] | None = None
        self.acks: list[Ack] = []
        self.unknown: dict[str, str] = {}
        self.leaders: dict[int, set[int]] = {}
        """Term -> the nodes that said that they lead it."""
        self._seen_leading: dict[int, float] = {}
        """Term -> when somebody was first seen to lead it."""
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.accounts: list[Credentials] = []

    # --- processes --------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self.cluster.found()
        for file, table in self.cluster.settings():
            write_table_file(file, {"node": {**table, "map_bytes": 1 << 28}})
        for node in (1, 2, 3):
            self.start(node)
        try:
            await self._set_up()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    def start(self, node: int) -> None:
        file = self.folder / f"node-{node}.toml"
        self.nodes[node] = self._process("node", "--config", str(file), node=node)

    def _process(self, *arguments: str, node: int = 0, **settings: str) -> subprocess.Popen[bytes]:
        name = f"{arguments[0]}-{node}" if node else arguments[0]
        environment = {
            **os.environ, **self._settings, **settings, PARENT_VARIABLE: str(os.getpid())
        }  # fmt: skip
        prefix = self._prefixes.get(node, [])
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*prefix, sys.executable, "-m", "adapters.cli.main", *arguments],
                cwd=ROOT, env=environment, stdout=log, stderr=log,
            )  # fmt: skip

    async def _set_up(self) -> None:
        async with self.client() as core:
            await core.ready(WITHIN_S)
            await market.list_market(core)
            names = [f"trader {n}" for n in range(4)]
            numbers = [await market.open_funded(core, name, 10**13, 10**13) for name in names]
        self.accounts = [Credentials(n, *create_key(self.folder, n)) for n in numbers]
        self._gateway = self._process(
            "gateway", LOCKSTEP_GATEWAY_LISTEN=self.http, LOCKSTEP_GATEWAY_CORE=self.core,
            LOCKSTEP_GATEWAY_DATA=str(self.folder),
        )  # fmt: skip
        async with Client(f"http://{self.http}", self.accounts[0]) as client:

            async def answers() -> bool:
                try:
                    return (await client("GET", "/v1/orders")).status_code == 200
                except httpx.HTTPError:
                    return False

            await until(answers, "the gateway answers", WITHIN_S)

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for process in (self._gateway, *self.nodes.values()):
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    def client(self) -> ClusterClient:
        return ClusterClient(addresses_of(self.core))

    def said(self, node: int) -> str:
        return (self.folder / f"node-{node}.log").read_text()[-2000:]

    # --- load -------------------------------------------------------------------------------

    def trade(self) -> None:
        """Clients begin: each order is repeated with its key until its outcome is known."""
        for number, credentials in enumerate(self.accounts):
            self._tasks.append(asyncio.create_task(self._trader(number, credentials)))
        self._tasks.append(asyncio.create_task(self._watch()))

    async def _trader(self, number: int, credentials: Credentials) -> None:
        async with Client(f"http://{self.http}", credentials) as client:
            count = 0
            while not self._stop.is_set():
                count += 1
                side = "BUY" if (count + number) % 2 else "SELL"
                order = {
                    "symbol": market.SYMBOL, "side": side, "type": "LIMIT", "qty": "0.001",
                    "price": str(50_000_000 + 1000 * (count % 7) * (1 if side == "SELL" else -1)),
                }  # fmt: skip
                await self._until_known(client, order, f"{number}-{count}")
                await self._pause(PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        """Until the load stops, at most so long.

        Not by `wait_for`: before Python 3.12 it forgets a cancellation that comes together with
        what it waits for, as in `give_up`, and the client would trade for ever.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    async def _until_known(self, client: Client, order: dict[str, str], key: str) -> None:
        while True:
            try:
                answer = await client("POST", "/v1/orders", order, key)
            except httpx.HTTPError:
                continue
            if answer.status_code in (200, 201):
                body = answer.json()
                self.acks.append(Ack(key, int(body["orderId"]), time.monotonic()))
                self.unknown.pop(key, None)
                return
            assert answer.status_code >= 500 or answer.status_code == 429, answer.text
            self.unknown[key] = answer.text
            await self._pause(PAUSE_S)

    async def _watch(self) -> None:
        """Which node says that it leads which term."""
        clients = {n: CoreClient(address) for n, address in addresses_of(self.core).items()}
        try:
            await asyncio.gather(*(self._watch_node(n, client) for n, client in clients.items()))
        finally:
            for client in clients.values():
                await client.close()

    async def _watch_node(self, node: int, client: CoreClient) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(CoreUnavailable, TimeoutError):
                async with asyncio.timeout(0.2):
                    status = await client.status()
                if status.role == "LEADER":
                    self.leaders.setdefault(status.term, set()).add(node)
                    self._seen_leading.setdefault(status.term, time.monotonic())
            await self._pause(WATCH_S)

    async def acknowledged(self, more: int) -> None:
        """Until so many more orders are acknowledged."""
        wanted = len(self.acks) + more

        async def enough() -> bool:
            for task in self._tasks:
                if task.done():
                    task.result()
            return len(self.acks) >= wanted

        await until(enough, f"{more} orders more", WITHIN_S)

    async def leader(self) -> int:
        found: list[int] = []

        async def known() -> bool:
            best = (0, 0)
            for node, address in addresses_of(self.core).items():
                async with CoreClient(address) as core:
                    try:
                        async with asyncio.timeout(0.3):
                            status = await core.status()
                    except (CoreUnavailable, TimeoutError):
                        continue
                    if status.role == "LEADER":
                        best = max(best, (status.term, node))
            found[:] = [best[1]]
            return best[1] > 0

        await until(known, "there is a leader", WITHIN_S)
        return found[0]

    def leaderless_s(self, since_s: float) -> float:
        """From a fault of the leader's until another is seen to lead, `WATCH_S` and a call late."""
        return min(at_s for at_s in self._seen_leading.values() if at_s >= since_s) - since_s

    def longest_gap_s(self, since_s: float) -> float:
        """The longest time without an acknowledgement."""
        times = [since_s, *(ack.at_s for ack in self.acks if ack.at_s >= since_s)]
        return max(b - a for a, b in itertools.pairwise(times))

    # --- the end ----------------------------------------------------------------------------

    async def end(self) -> None:
        """The load stops when every outcome is known; then all that must be so is checked."""
        self._stop.set()
        traders, watch = self._tasks[:-1], self._tasks[-1]
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*traders)
        watch.cancel()
        assert self.unknown == {}
        assert [term for term, nodes in self.leaders.items() if len(nodes) > 1] == []
        await self._check_orders()
        await self._check_hashes()

    async def give_up(self) -> None:
        """The clients end in doubt: what was acknowledged must be there all the same."""
        self._stop.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._check_orders(unknown_too=True)
        await self._check_hashes()

    async def _check_orders(self, *, unknown_too: bool = False) -> None:
        """Each acknowledged order was accepted once, and none besides, but those in doubt."""
        seen: dict[int, int] = {}
        traders = {account.account for account in self.accounts}
        async with self.client() as core:
            last = (await core.status()).index
            async with asyncio.timeout(WITHIN_S):
                async for entry in core.tail(1):
                    for event in decode_events(entry.packed_events):
                        if isinstance(event, OrderAccepted) and event.account in traders:
                            seen[event.order_id] = seen.get(event.order_id, 0) + 1
                    if entry.index >= last:
                        break
        told = [ack.order_id for ack in self.acks]
        assert len(set(told)) == len(told), "two orders were told one id"
        assert set(told) - set(seen) == set(), "acknowledged orders are lost"
        assert unknown_too or set(seen) <= set(told), "orders are there that nobody was told of"
        assert {n for n in seen.values() if n != 1} == set(), "orders were accepted twice"

    async def _check_hashes(self) -> None:
        digests: dict[int, tuple[int, bytes, bytes]] = {}

        async def equal() -> bool:
            for node, address in addresses_of(self.core).items():
                async with CoreClient(address) as core:
                    try:
                        status = await core.status(with_digest=True)
                    except CoreUnavailable:
                        return False  # it has only just been started again
                    digests[node] = (status.index, status.digest, status.chain)
            return len(set(digests.values())) == 1

        try:
            await until(equal, "the nodes are equal", WITHIN_S)
        except AssertionError as error:
            said = "\n".join(f"node {n}: {digests.get(n)}\n{self.said(n)}" for n in self.nodes)
            raise AssertionError(f"{error}\n{said}") from error
