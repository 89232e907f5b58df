"""The client's side of the `Submit` stream: many callers, one stream, batches that grow by load.

Why it exists: a gateway has thousands of callers with one order each, and the node wants few big
batches. While one write is under way the orders that arrive wait together, and the next write
carries them all: no timer, no wait for a lone order. Everything is bounded, and a broken stream
is never reported as "failed": what was written and not answered has an unknown outcome. It must
not know what a command does, nor where it came from.
"""

import asyncio
from collections import deque
from typing import Any, Final

import grpc
import grpc.aio
import msgspec

from adapters.rpc_metadata import joined
from contracts.gen.exchange.v1 import trading_pb2 as pb
from contracts.gen.exchange.v1 import trading_pb2_grpc
from core.codes import OK, OVERLOADED
from core.commands import check_commands
from core.events import REPLY_BYTES
from core.limits import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX
from replication.batching import METADATA_BYTES_MAX
from replication.ports import Submitted

BATCH_COMMANDS: Final = 2048
"""A joined batch is cut here: bigger ones gain nothing and make the answers lumpy."""
WINDOW_BATCHES: Final = 32
"""Unanswered batches on the stream; the rest waits in the queue and joins."""
QUEUE_COMMANDS_MAX: Final = 65_536
BACKOFF_S_MIN: Final = 0.05
BACKOFF_S_MAX: Final = 2.0


class OutcomeUnknown(Exception):
    """A peer's fault: the request was sent and no answer came. It may have taken effect.

    Send it again with the same idempotency key: the machine answers it once.
    """


class _Part(msgspec.Struct, eq=False):
    packed: bytes
    count: int
    metadata: bytes
    answer: asyncio.Future[Submitted]
    sent: bool = False


class SubmitStream:
    """One stream for all callers of one process; reconnects by itself."""

    def __init__(
        self, channel: grpc.aio.Channel, deadline_s: float, window_batches: int = WINDOW_BATCHES,
        queue_commands_max: int = QUEUE_COMMANDS_MAX,
    ) -> None:  # fmt: skip
        self._channel = channel
        self._stub = trading_pb2_grpc.TradingCoreServiceStub(channel)
        self._deadline_s = deadline_s
        self._window = window_batches
        self._queue_max = queue_commands_max
        self._queue: deque[_Part] = deque()
        self._queued = 0
        self._in_flight: dict[int, list[_Part]] = {}
        self._batch_id = 0
        self._wake = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(
        self, packed: bytes, count: int, metadata: bytes = b"", deadline_s: float | None = None
    ) -> Submitted:
        """The answer of the log. A code other than OK: nothing was accepted.

        Commands of one call stand together in one log entry, and calls enter the log in the
        order in which they were made. Raises `OutcomeUnknown`, or `ValueError` for bytes that
        are not `count` commands.
        """
        if check_commands(packed) != count or count == 0:
            raise ValueError(f"count: {count} is not the number of commands, or it is 0")
        if self._closed:
            raise RuntimeError("submit after close")
        if self._queued + count > self._queue_max:
            return Submitted(
                code=OVERLOADED, reason="the client's queue is full; nothing sent", sent=False
            )
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        patience_s = self._deadline_s if deadline_s is None else deadline_s
        part = _Part(packed, count, metadata, asyncio.get_running_loop().create_future())
        self._queue.append(part)
        self._queued += count
        self._wake.set()
        done, _ = await asyncio.wait((part.answer,), timeout=patience_s)
        if done:
            return part.answer.result()
        if part.sent:
            raise OutcomeUnknown(f"no answer within {patience_s} s")
        self._queue.remove(part)
        self._queued -= count
        reason = f"not sent within {patience_s} s: no connection, or a full window"
        return Submitted(code=OVERLOADED, reason=reason, sent=False)

    async def close(self) -> None:
        """Ends the stream; whoever still waits is told that the outcome is unknown."""
        self._closed = True
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.gather(self._runner, return_exceptions=True)
        while self._queue:
            part = self._queue.popleft()
            _settle(part, Submitted(code=OVERLOADED, reason="closed before it was sent"))
        self._queued = 0

    # --- the stream's life --------------------------------------------------------------------

    async def _run(self) -> None:
        backoff_s = BACKOFF_S_MIN
        while True:
            await self._ready()
            answered = await self._one_stream()
            backoff_s = BACKOFF_S_MIN if answered else min(2 * backoff_s, BACKOFF_S_MAX)
            await asyncio.sleep(backoff_s)

    async def _ready(self) -> None:
        """Nothing is written before there is a connection: what is unsent is known to be so."""
        while not self._queue:
            self._wake.clear()
            await self._wake.wait()
        await self._channel.channel_ready()

    async def _one_stream(self) -> bool:
        """Runs one stream to its end; True if it answered anything."""
        call = self._stub.Submit()
        writer = asyncio.create_task(self._write(call))
        answered = False
        why = "the server ended the stream"
        try:
            async for response in call:
                answered = True
                self._answer(response)
                self._wake.set()
        except grpc.aio.AioRpcError as error:
            why = f"{error.code().name}: {error.details()}"
        finally:
            writer.cancel()
            call.cancel()
            unanswered = [part for parts in self._in_flight.values() for part in parts]
            self._in_flight.clear()
            for part in unanswered:
                _settle(part, OutcomeUnknown(f"the stream broke before the answer ({why})"))
        return answered

    async def _write(self, call: "grpc.aio.StreamStreamCall[Any, Any]") -> None:
        while True:
            while not self._queue or len(self._in_flight) >= self._window:
                self._wake.clear()
                await self._wake.wait()
            parts = self._take()
            self._batch_id += 1
            request = pb.SubmitRequest(
                batch_id=self._batch_id, packed=b"".join(part.packed for part in parts),
                metadata=joined([(part.count, part.metadata) for part in parts]),
            )  # fmt: skip
            self._in_flight[self._batch_id] = parts
            try:
                await call.write(request)
            except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
                return  # the reading side sees the same end, and says why

    def _take(self) -> list[_Part]:
        """As many waiting parts as one batch holds, at least one."""
        parts: list[_Part] = []
        count = size = metadata = 0
        while self._queue:
            part = self._queue[0]
            grown = metadata + len(part.metadata) + 5 * part.count  # ordinals may get wider
            full = (
                count + part.count > BATCH_COMMANDS
                or size + len(part.packed) > BATCH_BYTES_MAX
                or grown > METADATA_BYTES_MAX
            )
            if parts and full:
                break
            assert part.count <= BATCH_COMMANDS_MAX, "check_commands bounds a part"
            self._queue.popleft()
            self._queued -= part.count
            part.sent = True
            parts.append(part)
            count += part.count
            size += len(part.packed)
            metadata = grown
        return parts

    def _answer(self, response: pb.SubmitResponse) -> None:
        parts = self._in_flight.pop(response.batch_id)
        if response.outcome_unknown:
            for part in parts:
                _settle(part, OutcomeUnknown(response.error))
            return
        if response.code != OK:
            hint = response.leader_hint
            leader = int(hint) if hint.isdecimal() else 0
            refusal = Submitted(code=int(response.code), reason=response.error, leader=leader)
            for part in parts:
                _settle(part, refusal)
            return
        at = 0
        for part in parts:
            size = part.count * REPLY_BYTES
            replies = response.packed_replies[at : at + size]
            at += size
            _settle(part, Submitted(
                index=response.index, term=response.term, ts_ns=response.ts_ns, replies=replies,
            ))  # fmt: skip
        assert at == len(response.packed_replies), "one reply per command"


def _settle(part: _Part, outcome: Submitted | Exception) -> None:
    if part.answer.done():
        return  # its caller gave up
    if isinstance(outcome, Submitted):
        part.answer.set_result(outcome)
    else:
        part.answer.set_exception(outcome)
        part.answer.exception()  # retrieved: its caller may have given up meanwhile
