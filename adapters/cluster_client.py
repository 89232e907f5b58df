"""The core as several nodes: who leads is found out, and a call is repeated where it belongs.

Why it exists: a gateway must not know which node leads today. `connect` takes the addresses of one
node or of all; what it gives answers the same calls either way. Submitting follows the rules of
`gateway/retry.py`; questions go to whoever leads; the log is followed at any node that is alive,
for all of them tell the same. It must not know what a command does.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Annotated, Any, Final, Self, TypeVar

import grpc
import grpc.aio
import msgspec

from adapters.rpc_client import CoreClient, CoreUnavailable, EventBatch, OutcomeUnknown, leader_in
from contracts.gen.exchange.v1 import admin_pb2, trading_pb2
from core.codes import FENCING_TOKEN, NOT_LEADER, OK
from gateway.retry import GiveUp, Retry, Try, Wait
from replication.ports import Submitted, TailGone

_ONE: Final = r"([0-9]{1,5}=)?[^\s:/=,]+:[0-9]{1,5}"
CoreAddresses = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^([0-9]{1,5}=)?[^\s:/=,]+:[0-9]{1,5}(,([0-9]{1,5}=)?[^\s:/=,]+:[0-9]{1,5})*$"
    ),
]
"""HOST:PORT of one node, or of several with commas between: `1=HOST:PORT,2=HOST:PORT`. Without
numbers the nodes are 1, 2, 3 in this order."""

ATTEMPT_S: Final = 0.5
"""A node that does not answer for so long is asked again elsewhere: its outcome is in doubt."""
DEADLINE_S: Final = 10.0
QUESTION_PAUSE_S: Final = 0.05
TAIL_SILENT_S: Final = 3.0
"""A tail without entries for so long looks whether its node still answers."""

T = TypeVar("T")


def addresses_of(text: str) -> dict[int, str]:
    """Node number -> HOST:PORT, of a setting whose form was checked. Raises `ValueError`."""
    found: dict[int, str] = {}
    for place, part in enumerate(text.split(","), 1):
        number, _, address = part.rpartition("=")
        node = int(number) if number else place
        if node in found or node < 1:
            raise ValueError(f"{text!r}: node {node} stands there twice, or is 0")
        found[node] = address
    return found


class ClusterClient:
    """All nodes of one cluster. Use as `async with ClusterClient({1: "127.0.0.1:7401", ...})`."""

    def __init__(
        self, addresses: Mapping[int, str], *, deadline_s: float = DEADLINE_S,
        attempt_s: float = ATTEMPT_S,
    ) -> None:  # fmt: skip
        self._clients = {
            node: CoreClient(address, deadline_s=deadline_s)
            for node, address in sorted(addresses.items())
        }
        self.address = ",".join(addresses.values())
        self._deadline_s = deadline_s
        self._attempt_s = attempt_s if len(self._clients) > 1 else deadline_s
        self._random = random.SystemRandom()
        self._leader = min(self._clients)
        self.admin: Any = _AtTheLeader(self, "admin")
        """As `CoreClient.admin`; a call goes to the leader, and is repeated until one takes it."""
        self.trading: Any = _AtTheLeader(self, "trading")
        self.transfers: Any = _AtTheLeader(self, "transfers")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.close()

    async def close(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients.values()))

    @property
    def nodes(self) -> tuple[int, ...]:
        return tuple(self._clients)

    @property
    def leader(self) -> int:
        """Whom the last answer came from: a guess."""
        return self._leader

    def at(self, node: int) -> CoreClient:
        """The client of one node, for what is asked of a node and not of the cluster."""
        return self._clients[node]

    async def ready(self, deadline_s: float) -> None:
        """Returns when some node leads. Raises `CoreUnavailable` after `deadline_s`."""
        await self._ask(lambda core: core.status(), deadline_s, leader_only=True)

    # --- commands -----------------------------------------------------------------------------

    async def submit(
        self, packed: bytes, count: int, metadata: bytes = b"", deadline_s: float | None = None
    ) -> Submitted:
        """As `CoreClient.submit`, at whoever leads. Every command needs an idempotency key.

        A code other than OK: certainly nothing was accepted. Raises `OutcomeUnknown`.
        """
        now_s = asyncio.get_running_loop().time()
        limit_s = now_s + (self._deadline_s if deadline_s is None else deadline_s)
        retry = Retry(self.nodes, self._leader, now_s, limit_s, self._random.random)
        answer = await submit_until_known(self, retry, packed, count, metadata)
        if isinstance(answer, Submitted):
            return answer
        self._leader = retry.node
        if answer.unknown:
            raise OutcomeUnknown(answer.reason)
        return Submitted(code=answer.code, reason=answer.reason)

    async def submit_at(
        self, node: int, packed: bytes, count: int, metadata: bytes, deadline_s: float
    ) -> Submitted:
        """One attempt at one node; an answer makes it the one to ask first."""
        attempt_s = min(self._attempt_s, deadline_s)
        answer = await self._clients[node].submit(packed, count, metadata, attempt_s)
        if answer.code == OK:
            self._leader = node
        return answer

    # --- the log ------------------------------------------------------------------------------

    async def tail(self, from_index: int = 1) -> AsyncIterator[EventBatch]:
        """Every committed entry from `from_index` on, then live, without gaps, for ever.

        From one node as long as it lives and answers, then from the next. Raises `TailGone` only
        if no node has the entry any more.
        """
        wanted = max(1, from_index)
        order = list(self._clients)
        gone = 0
        while True:
            node = order[0]
            try:
                async for entry in self._clients[node].tail_once(wanted, TAIL_SILENT_S):
                    assert entry.index == wanted, f"entry {entry.index} came for {wanted}"
                    wanted += 1
                    gone = 0
                    yield entry
            except TailGone:
                gone += 1
                if gone > 2 * len(order):
                    raise
            except CoreUnavailable:
                pass
            order.append(order.pop(0))
            await asyncio.sleep(QUESTION_PAUSE_S)

    # --- questions ----------------------------------------------------------------------------

    async def markets(self) -> admin_pb2.GetMarketsResponse:
        return await self._ask(lambda core: core.markets())

    async def symbols(self) -> dict[str, admin_pb2.Symbol]:
        return await self._ask(lambda core: core.symbols())

    async def assets(self) -> dict[str, admin_pb2.Asset]:
        return await self._ask(lambda core: core.assets())

    async def balances(self, account: int) -> trading_pb2.GetBalancesResponse:
        return await self._ask(lambda core: core.balances(account))

    async def open_orders(
        self, account: int, symbol: str = ""
    ) -> trading_pb2.ListOpenOrdersResponse:
        return await self._ask(lambda core: core.open_orders(account, symbol))

    async def order(self, order_id: int) -> trading_pb2.GetOrderResponse:
        return await self._ask(lambda core: core.order(order_id))

    async def book(self, symbol: str, depth: int = 20) -> trading_pb2.GetBookResponse:
        return await self._ask(lambda core: core.book(symbol, depth))

    async def status(self, with_digest: bool = False) -> admin_pb2.GetStatusResponse:
        """Of the leader."""
        return await self._ask(lambda core: core.status(with_digest), leader_only=True)

    async def _ask(
        self, question: Callable[[CoreClient], Awaitable[T]], deadline_s: float | None = None,
        *, leader_only: bool = False,
    ) -> T:  # fmt: skip
        """Until a leader answers, or the deadline has come; asking twice changes nothing."""
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + (self._deadline_s if deadline_s is None else deadline_s)
        node = self._leader
        while True:
            why: str
            try:
                async with asyncio.timeout(max(0.01, min(self._attempt_s, limit_s - loop.time()))):
                    answer = await question(self._clients[node])
                leads = not leader_only or getattr(answer, "role", "LEADER") == "LEADER"
                if leads:
                    self._leader = node
                    return answer
                why, hint = f"node {node} does not lead", _hint_in(answer)
            except CoreUnavailable as error:
                why, hint = str(error), error.leader
            except TimeoutError:
                why, hint = f"node {node} does not answer", 0
            node = hint if hint in self._clients and hint != node else self._after(node)
            if loop.time() >= limit_s:
                self._leader = node
                raise CoreUnavailable(why)
            await asyncio.sleep(QUESTION_PAUSE_S)

    def _after(self, node: int) -> int:
        order = self.nodes
        return order[(order.index(node) + 1) % len(order)]

    async def call(self, service: str, method: str, request: Any, timeout_s: float) -> Any:
        """One operator's call at whoever leads. Repeating it is safe: see `rpc_operator`."""

        async def once(core: CoreClient) -> Any:
            stub = getattr(getattr(core, service), method)
            try:
                response = await stub(request, timeout=timeout_s)
            except grpc.aio.AioRpcError as error:
                refused = error.code() == grpc.StatusCode.FAILED_PRECONDITION
                leader = leader_in(error)
                if error.code() == grpc.StatusCode.UNAVAILABLE or (refused and leader):
                    raise CoreUnavailable(str(error.details()), leader) from error
                raise
            reply = getattr(response, "reply", None)
            if reply is not None and reply.code in (NOT_LEADER, FENCING_TOKEN):
                raise CoreUnavailable("it does not lead", _hint_in(response))
            return response

        return await self._ask(once, timeout_s)


CoreClients = CoreClient | ClusterClient


async def submit_until_known(
    client: CoreClients, retry: Retry, packed: bytes, count: int, metadata: bytes
) -> Submitted | GiveUp:
    """Does what `retry` says until there is an answer, or it gives up."""
    loop = asyncio.get_running_loop()
    while True:
        match retry.next(loop.time()):
            case GiveUp() as end:
                return end
            case Wait(until_s):
                await asyncio.sleep(max(0.0, until_s - loop.time()))
            case Try(node):
                left_s = retry.deadline_s - loop.time()
                try:
                    answer = await client.submit_at(node, packed, count, metadata, left_s)
                except OutcomeUnknown as error:
                    retry.unknown(f"node {node}: {error}", loop.time())
                    continue
                if answer.code == OK:
                    return answer
                why = f"node {node}: {answer.reason}"
                if answer.sent:
                    retry.refused(answer.code, answer.leader, why, loop.time())
                else:
                    retry.not_sent(why, loop.time())


class _AtTheLeader:
    """A stub's methods, each sent to whoever leads."""

    def __init__(self, cluster: ClusterClient, service: str) -> None:
        self._cluster = cluster
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        async def call(request: Any, timeout: float = DEADLINE_S) -> Any:
            return await self._cluster.call(self._service, method, request, timeout)

        return call


def connect(addresses: str, deadline_s: float | None = None) -> CoreClients:
    """A client of one node, or of a cluster. Raises `ValueError`: see `CoreAddresses`."""
    found = addresses_of(addresses)
    if len(found) == 1:
        (address,) = found.values()
        return CoreClient(address) if deadline_s is None else CoreClient(
            address, deadline_s=deadline_s
        )  # fmt: skip
    return ClusterClient(found) if deadline_s is None else ClusterClient(
        found, deadline_s=deadline_s
    )  # fmt: skip


def _hint_in(response: Any) -> int:
    hint = getattr(response, "leader_hint", "")
    return int(hint) if hint.isdecimal() else 0
