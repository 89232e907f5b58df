"""The gateway's way into the core: many small commands joined into few submissions.

Why it exists: each HTTP request brings one command, and each submission costs about as much
processor time as ten orders do: messages, a log entry, an fsync, a dozen thread switches. So the
rule is Nagle's: with nothing on its way a command goes at once; otherwise commands gather until
the answer comes or `BATCH_FULL` wait. After a batch that was a crowd they gather `GATHER_S` more,
which a lone client never meets. So batches grow with the load. It must not know what a command
asks for.

A submission whose outcome is unknown is sent again, the same bytes, to whoever leads by then, until
the deadline: every command carries an idempotency key, so the machine answers a repeated one with
its first reply. Implements `gateway.ports.CorePort`.
"""

import asyncio
import random
from typing import Final

import msgspec

from adapters.cluster_client import CoreClients, submit_until_known
from adapters.rpc_client import CoreUnavailable as ClientUnavailable
from core.codes import NOT_LEADER, OVERLOADED, REJECT_NAMES
from core.events import REPLY_BYTES
from gateway.ports import (
    Answer,
    CommandIds,
    CoreBalance,
    CoreStatus,
    CoreUnavailable,
    OutcomeUnknown,
)
from gateway.retry import Retry
from replication.ports import Submitted

IN_FLIGHT_MAX: Final = 4
BATCH_FULL: Final = 32
"""So many waiting commands are worth a submission beside those on their way."""
CROWD: Final = 8
GATHER_S: Final = 0.002
"""A third less of the node's time per order at 5,000 orders/s, for two milliseconds more."""
BATCH_MAX: Final = 1024
WAITING_MAX: Final = 16_384
"""Commands that wait for a place in a submission; one more is OVERLOADED at once."""
DEADLINE_S: Final = 10.0
"""Until then an unknown outcome is asked for again: longer than a node's restart."""

_Waiting = tuple[bytes, CommandIds, "asyncio.Future[Answer]"]
_encode: Final = msgspec.msgpack.Encoder().encode


class GatewayCore:
    def __init__(self, client: CoreClients, deadline_s: float = DEADLINE_S) -> None:
        self._client = client
        self._random = random.SystemRandom()
        self._deadline_s = deadline_s
        self._waiting: list[_Waiting] = []
        self._in_flight: set[asyncio.Task[None]] = set()
        self._flush_due = False
        self._gathering: asyncio.TimerHandle | None = None
        self._last_batch = 0

    async def submit(self, command: bytes, ids: CommandIds) -> Answer:
        if len(self._waiting) >= WAITING_MAX:
            raise CoreUnavailable(OVERLOADED, "too many commands wait for the core")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((command, ids, future))
        if self._gathering is not None and len(self._waiting) >= BATCH_FULL:
            self._gathering.cancel()
            self._gathering = None
        if self._gathering is None and not self._flush_due and self._may_send:
            # Not now: requests that arrived in the same turn of the loop come along.
            self._flush_due = True
            loop.call_soon(self._flush)
        return await future

    async def balances(self, account: int) -> tuple[int, list[CoreBalance]]:
        try:
            answer = await self._client.balances(account)
        except ClientUnavailable as error:
            raise CoreUnavailable(OVERLOADED, str(error)) from error
        rows = [
            CoreBalance(row.asset_id, row.available_units, row.hold_units)
            for row in answer.balances
        ]
        return answer.index, rows

    async def status(self) -> CoreStatus:
        try:
            status = await self._client.status()
        except ClientUnavailable as error:
            raise CoreUnavailable(OVERLOADED, str(error)) from error
        if status.role != "LEADER":
            raise CoreUnavailable(NOT_LEADER, f"the node is {status.role}")
        return CoreStatus(status.index, status.role)

    async def close(self) -> None:
        """Let what is on its way be answered, as far as the deadline allows."""
        if self._in_flight:
            await asyncio.wait(self._in_flight, timeout=self._deadline_s)

    @property
    def _may_send(self) -> bool:
        waiting, on_their_way = len(self._waiting), len(self._in_flight)
        if on_their_way == 0:
            return waiting > 0
        return waiting >= BATCH_FULL and on_their_way < IN_FLIGHT_MAX

    def _flush(self) -> None:
        self._flush_due = False
        self._gathering = None
        while self._may_send:
            batch = self._waiting[:BATCH_MAX]
            del self._waiting[:BATCH_MAX]
            self._last_batch = len(batch)
            task = asyncio.get_running_loop().create_task(self._send(batch))
            self._in_flight.add(task)
            task.add_done_callback(self._sent)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._in_flight.discard(task)
        if self._flush_due or self._gathering is not None:
            return
        if self._last_batch < CROWD or len(self._waiting) >= BATCH_FULL:
            self._flush()
        else:
            loop = asyncio.get_running_loop()
            self._gathering = loop.call_later(GATHER_S, self._flush)

    async def _send(self, batch: list[_Waiting]) -> None:
        packed = b"".join([command for command, _, _ in batch])
        metadata = _encode({n: _names(ids) for n, (_, ids, _) in enumerate(batch)})
        try:
            index, replies = await self._submit_until_known(packed, len(batch), metadata)
        except (CoreUnavailable, OutcomeUnknown) as error:
            for _, _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        except BaseException:
            for _, _, future in batch:
                future.cancel()
            raise
        assert len(replies) == len(batch) * REPLY_BYTES, "one reply per command"
        at = 0
        for _, _, future in batch:
            if not future.done():  # done: its client went away
                future.set_result(Answer(index, replies[at : at + REPLY_BYTES]))
            at += REPLY_BYTES

    async def _submit_until_known(
        self, packed: bytes, count: int, metadata: bytes
    ) -> tuple[int, bytes]:
        """Log index and replies. How it is repeated, and what a refusal means then: gateway.retry.

        One node alone is retried here too: it may be starting again.
        """
        loop = asyncio.get_running_loop()
        retry = Retry(
            self._client.nodes, self._client.leader, loop.time(), loop.time() + self._deadline_s,
            self._random.random,
        )  # fmt: skip
        answer = await submit_until_known(self._client, retry, packed, count, metadata)
        if isinstance(answer, Submitted):
            return answer.index, answer.replies
        if answer.unknown:
            raise OutcomeUnknown(answer.reason)
        name = REJECT_NAMES[answer.code]
        raise CoreUnavailable(answer.code, f"the core took nothing ({name}): {answer.reason}")


def _names(ids: CommandIds) -> tuple[bytes, bytes, bytes]:
    """The ids as text: the contract's names are UTF-8, and a trace is searched for as it is shown
    to the client, in hexadecimal."""
    return ids.command_id.hex().encode(), ids.correlation_id, ids.trace_id.hex().encode()
