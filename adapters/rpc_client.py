"""CoreClient: the exchange's core as other processes of ours see it, over gRPC.

Why it exists: the gateway, the ledger and the command line need the same few things: submit
packed commands, follow the log, ask for committed state. Failures mean one thing everywhere:
`OutcomeUnknown` = retry with the same key; a code in the answer = nothing was accepted;
`CoreUnavailable` = a question was not answered. It must not know what a command does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc
import grpc.aio
import msgspec

from adapters.rpc_calls import LEADER_KEY
from adapters.rpc_server import KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS, RESPONSE_BYTES_MAX
from adapters.rpc_stream import (
    BACKOFF_S_MAX, BACKOFF_S_MIN, QUEUE_COMMANDS_MAX, WINDOW_BATCHES, OutcomeUnknown, SubmitStream,
)  # fmt: skip
from contracts.gen.exchange.v1 import (
    admin_pb2, admin_pb2_grpc, events_pb2, events_pb2_grpc, trading_pb2, trading_pb2_grpc,
    transfers_pb2_grpc,
)  # fmt: skip
from replication.ports import Submitted, TailGone

__all__ = ["CoreClient", "CoreUnavailable", "EventBatch", "OutcomeUnknown", "TailGone"]

DEADLINE_S: Final = 5.0

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", RESPONSE_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Own connections for each client: a shared one would share its flow control too.
    ("grpc.use_local_subchannel_pool", 1),
)
_FINAL: Final = (
    grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED,
)  # fmt: skip
"""A retry changes nothing: the tail gives up and says why."""

T = TypeVar("T")


class CoreUnavailable(Exception):
    """A peer's fault: the core did not answer a question. Nothing was asked to change.

    `leader`: the number of the node that would answer, if the one that was asked knows it.
    """

    def __init__(self, why: str, leader: int = 0) -> None:
        super().__init__(why)
        self.leader = leader


class TailBroken(CoreUnavailable):
    """The tail ended, with the node or the connection: ask again, here or at another node."""


class EventBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One committed log entry, see `EventService.Tail`."""

    partition: int
    index: int
    epoch: int
    ts_ns: int
    packed_events: bytes
    metadata: bytes
    chain: bytes


class CoreClient:
    """One connection to one node. Use as `async with CoreClient("127.0.0.1:7401") as core:`."""

    def __init__(
        self, address: str, *, deadline_s: float = DEADLINE_S,
        window_batches: int = WINDOW_BATCHES, queue_commands_max: int = QUEUE_COMMANDS_MAX,
    ) -> None:  # fmt: skip
        self.address = address
        self._deadline_s = deadline_s
        self._channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self._stream = SubmitStream(self._channel, deadline_s, window_batches, queue_commands_max)
        self.trading = trading_pb2_grpc.TradingCoreServiceStub(self._channel)
        self.events = events_pb2_grpc.EventServiceStub(self._channel)
        self.admin = admin_pb2_grpc.AdminServiceStub(self._channel)
        self.transfers = transfers_pb2_grpc.TransferServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        await self.close()

    async def close(self) -> None:
        await self._stream.close()
        await self._channel.close()

    @property
    def nodes(self) -> tuple[int, ...]:
        """As a cluster of one would have it: a number, not this node's own."""
        return (1,)

    @property
    def leader(self) -> int:
        return 1

    async def submit_at(
        self, node: int, packed: bytes, count: int, metadata: bytes, deadline_s: float
    ) -> Submitted:
        return await self.submit(packed, count, metadata, deadline_s)

    async def ready(self, deadline_s: float) -> None:
        """Returns when the node listens. Raises `CoreUnavailable` after `deadline_s`."""
        try:
            async with asyncio.timeout(deadline_s):
                await self._channel.channel_ready()
        except TimeoutError as error:
            raise CoreUnavailable(
                f"no node answers at {self.address} within {deadline_s} s"
            ) from error

    async def submit(
        self, packed: bytes, count: int, metadata: bytes = b"", deadline_s: float | None = None
    ) -> Submitted:
        """See `SubmitStream.submit`."""
        return await self._stream.submit(packed, count, metadata, deadline_s)

    async def tail(self, from_index: int = 1) -> AsyncIterator[EventBatch]:
        """Every committed entry from `from_index` on, then live, without gaps, for ever.

        Survives restarts of the node: it asks again for the entry after the last one given.
        Raises `TailGone` if the log does not hold that entry.
        """
        wanted = max(1, from_index)
        backoff_s = BACKOFF_S_MIN
        while True:
            try:
                async for entry in self.tail_once(wanted):
                    wanted += 1
                    backoff_s = BACKOFF_S_MIN
                    yield entry
            except TailBroken:
                pass
            await asyncio.sleep(backoff_s)
            backoff_s = min(2 * backoff_s, BACKOFF_S_MAX)

    async def tail_once(
        self, wanted: int, silent_s: float | None = None
    ) -> AsyncIterator[EventBatch]:
        """The same until the connection breaks: raises `TailBroken`.

        Also if nothing comes for `silent_s` and the node does not answer a question then either.
        """
        call = self.events.Tail(events_pb2.TailRequest(from_index=wanted, packed=True))
        try:
            while True:
                read = asyncio.ensure_future(call.read())
                while not (await asyncio.wait((read,), timeout=silent_s))[0]:
                    await self._still_answers(silent_s)
                entry: Any = await read
                if entry is grpc.aio.EOF:
                    raise TailBroken("the node ended the tail")
                assert entry.index == wanted, f"entry {entry.index} came for {wanted}"
                wanted += 1
                yield EventBatch(
                    partition=entry.partition, index=entry.index, epoch=entry.epoch,
                    ts_ns=entry.ts_ns, packed_events=entry.packed_events,
                    metadata=entry.metadata, chain=entry.chain,
                )  # fmt: skip
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.OUT_OF_RANGE:
                raise TailGone(error.details()) from error
            if error.code() in _FINAL:
                raise CoreUnavailable(_why(error)) from error
            raise TailBroken(_why(error)) from error
        finally:
            call.cancel()

    async def _still_answers(self, patience_s: float | None) -> None:
        try:
            async with asyncio.timeout(patience_s):
                await self.status()
        except (TimeoutError, CoreUnavailable) as error:
            raise TailBroken(f"the node is silent: {error}") from error

    # --- questions about committed state: each answer says at which log index it stands ------

    async def markets(self) -> admin_pb2.GetMarketsResponse:
        """Every listed symbol and asset: ids, names, scales, bounds, modes."""
        return await self._asked(
            self.admin.GetMarkets(admin_pb2.GetMarketsRequest(), timeout=self._deadline_s)
        )

    async def symbols(self) -> dict[str, admin_pb2.Symbol]:
        return {symbol.name: symbol for symbol in (await self.markets()).symbols}

    async def assets(self) -> dict[str, admin_pb2.Asset]:
        return {asset.name: asset for asset in (await self.markets()).assets}

    async def balances(self, account: int) -> trading_pb2.GetBalancesResponse:
        request = trading_pb2.GetBalancesRequest(user_id=str(account))
        return await self._asked(self.trading.GetBalances(request, timeout=self._deadline_s))

    async def open_orders(
        self, account: int, symbol: str = ""
    ) -> trading_pb2.ListOpenOrdersResponse:
        request = trading_pb2.ListOpenOrdersRequest(user_id=str(account), symbol=symbol)
        return await self._asked(self.trading.ListOpenOrders(request, timeout=self._deadline_s))

    async def order(self, order_id: int) -> trading_pb2.GetOrderResponse:
        request = trading_pb2.GetOrderRequest(order_id=order_id)
        return await self._asked(self.trading.GetOrder(request, timeout=self._deadline_s))

    async def book(self, symbol: str, depth: int = 20) -> trading_pb2.GetBookResponse:
        request = trading_pb2.GetBookRequest(symbol=symbol, depth=depth)
        return await self._asked(self.trading.GetBook(request, timeout=self._deadline_s))

    async def status(self, with_digest: bool = False) -> admin_pb2.GetStatusResponse:
        request = admin_pb2.GetStatusRequest(with_digest=with_digest)
        return await self._asked(self.admin.GetStatus(request, timeout=self._deadline_s))

    async def _asked(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                raise ValueError(error.details()) from error
            raise CoreUnavailable(f"{self.address}: {_why(error)}", leader_in(error)) from error


def leader_in(error: grpc.aio.AioRpcError) -> int:
    """The number of the node that leads, which a refused call carries; 0 if it does not."""
    for key, value in error.trailing_metadata() or ():
        if key == LEADER_KEY:
            text = value.decode() if isinstance(value, bytes) else value
            return int(text) if text.isdecimal() else 0
    return 0


def _why(error: grpc.aio.AioRpcError) -> str:
    return f"{error.code().name}: {error.details()}"
