"""The node's gRPC server: trading, events and administration over the `NodeApi` port.

Why it exists: it is the door of the machine. Bytes and fields are checked here and refused with
the caller's mistake named; batches are handed on in the order in which they came; and nothing
here can grow: messages, streams, batches in flight. It runs in one asyncio loop. It must not
know how a batch becomes durable, nor what a command does.

What a caller sees: INVALID_ARGUMENT = your request, nothing was submitted (in the stream: code
VALIDATION of that batch, and the stream lives on). A code in the answer = a business reject,
nothing was accepted. UNAVAILABLE = the node is stopping, outcome unknown.
"""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import grpc
import grpc.aio

from adapters.addresses import split
from adapters.rpc_admin import AdminServicer, TakeSnapshot
from adapters.rpc_calls import Context, NodeCalls
from adapters.rpc_directory import Directory
from adapters.rpc_envelopes import envelopes
from adapters.rpc_trading import TradingServicer
from adapters.rpc_transfers import TransferServicer
from contracts.gen.exchange.v1 import (
    admin_pb2_grpc, events_pb2_grpc, trading_pb2_grpc, transfers_pb2_grpc,
)  # fmt: skip
from contracts.gen.exchange.v1 import events_pb2 as pb
from core.events import event_rows
from core.limits import BATCH_BYTES_MAX
from replication.ports import ClusterApi, Committed, NodeApi, TailGone

if TYPE_CHECKING:
    from core.machine import Machine

STREAMS_MAX: Final = 1024
"""Calls at once on one connection."""
CALLS_MAX: Final = 4096
"""Calls at once on all connections; one more is RESOURCE_EXHAUSTED."""
REQUEST_BYTES_MAX: Final = 2 * BATCH_BYTES_MAX
"""A full packed batch with its metadata."""
RESPONSE_BYTES_MAX: Final = 256 << 20
"""One entry's events: a batch of mass cancels answers far longer than it asks."""
KEEPALIVE_MS: Final = 10_000
KEEPALIVE_TIMEOUT_MS: Final = 5_000

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", REQUEST_BYTES_MAX),
    ("grpc.max_send_message_length", RESPONSE_BYTES_MAX),
    ("grpc.max_concurrent_streams", STREAMS_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    # Else a second node would share the port silently, and each would see half the calls.
    ("grpc.so_reuseport", 0),
)


class AddressTaken(OSError):
    """The environment's fault: the server cannot listen where it was told to."""


class EventServicer:
    """The log's events: as they are stored, or typed."""

    def __init__(self, calls: NodeCalls, directory: Directory) -> None:
        self._node = calls.node
        self._directory = directory

    async def Tail(  # noqa: N802  the name is the protocol's
        self, request: pb.TailRequest, context: Context
    ) -> AsyncIterator[pb.TailResponse]:
        partition = self._node.status().partition
        tail = self._node.tail(max(1, request.from_index))
        try:
            async for entry in tail:
                out = pb.TailResponse(
                    partition=partition, index=entry.index, epoch=entry.term, ts_ns=entry.ts_ns,
                    chain=entry.chain,
                )  # fmt: skip
                if request.packed:
                    out.packed_events = entry.events
                    out.metadata = entry.metadata
                else:
                    names = await self._directory.symbol_names(_symbols_in(entry))
                    out.events.extend(envelopes(entry, partition, names.__getitem__))
                yield out
        except TailGone as error:
            await context.abort(grpc.StatusCode.OUT_OF_RANGE, str(error))
        await context.abort(grpc.StatusCode.UNAVAILABLE, "the node is stopping")


def _symbols_in(entry: Committed) -> set[int]:
    return {row[0] >> 16 & 0xFFFF for row in event_rows(entry.events)} - {0}


class RpcServer:
    """A server that listens. `stop` ends it; calls in flight get `grace_s` to finish."""

    def __init__(self, server: grpc.aio.Server, host: str, port: int) -> None:
        self._server = server
        self.host = host
        self.port = port

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    async def stop(self, grace_s: float = 1.0) -> None:
        await self._server.stop(grace_s)

    async def wait(self) -> None:
        """Returns when the server was stopped."""
        await self._server.wait_for_termination()


async def serve(
    node: "NodeApi[Machine]", address: str, take_snapshot: TakeSnapshot | None = None,
    cluster: ClusterApi | None = None,
) -> RpcServer:  # fmt: skip
    """Listens on `address` ("host:port", port 0 = any free one) and serves `node`.

    Called on the asyncio loop on which `node` may be called. Raises `AddressTaken`.
    """
    calls = NodeCalls(node)
    directory = Directory(node)
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=CALLS_MAX)
    trading_pb2_grpc.add_TradingCoreServiceServicer_to_server(
        TradingServicer(calls, directory), server
    )
    events_pb2_grpc.add_EventServiceServicer_to_server(EventServicer(calls, directory), server)
    admin_pb2_grpc.add_AdminServiceServicer_to_server(
        AdminServicer(calls, directory, take_snapshot, cluster), server
    )
    transfers_pb2_grpc.add_TransferServiceServicer_to_server(
        TransferServicer(calls, directory), server
    )
    host, _ = split(address)
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise AddressTaken(f"cannot listen on {address}: is another node running?") from error
    await server.start()
    return RpcServer(server, host, port)
