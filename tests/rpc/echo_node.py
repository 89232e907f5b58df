"""A `NodeApi` without a log or a machine, for tests of the protocol alone.

It answers each command with a reply whose id is the number of the command since the start, so a
test sees order, joining and slicing. It can be told to hold answers, to refuse, and to break.
"""

import asyncio
import struct
from collections.abc import Callable
from typing import Any

import msgspec

from core.codes import OK, STATUS_NEW
from core.commands import check_commands
from replication.ports import Committed, NodeStatus, Submitted
from tests.committed_log import CommittedLog

_REPLY = struct.Struct("<8q")


class Named(msgspec.Struct):
    id: int
    name: str


class EchoMachine:
    """What the directory asks of a machine."""

    def __init__(self) -> None:
        self.index = 0
        self.looks = 0

    def symbols(self) -> list[Named]:
        self.looks += 1
        return [Named(1, "BTC-KRW"), Named(2, "ETH-KRW")]

    def assets(self) -> list[Named]:
        return [Named(1, "BTC"), Named(2, "KRW")]


class EchoNode(CommittedLog):
    def __init__(self) -> None:
        super().__init__()
        self.machine = EchoMachine()
        self.batches: list[tuple[bytes, int, bytes]] = []
        self.commands = 0
        self.open = asyncio.Event()
        self.open.set()
        self.code = OK
        self.reason = ""
        self.leader = 3
        self.broken: Exception | None = None
        self.arrived = asyncio.Condition()

    async def submit(self, commands: bytes, count: int, metadata: bytes = b"") -> Submitted:
        assert check_commands(commands) == count
        self.batches.append((commands, count, metadata))
        first = self.commands
        self.commands += count
        async with self.arrived:
            self.arrived.notify_all()
        await self.open.wait()
        if self.broken is not None:
            raise self.broken
        if self.code != OK:
            return Submitted(code=self.code, reason=self.reason)
        self.machine.index += 1
        head = OK | STATUS_NEW << 8
        replies = b"".join(
            _REPLY.pack(head, first + at + 1, 0, 7, 0, 0, 0, 0) for at in range(count)
        )
        return Submitted(index=self.machine.index, term=2, ts_ns=7, replies=replies)

    async def wait_for_batches(self, count: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.batches) >= count)

    async def query(self, fn: Callable[[Any], Any]) -> Any:
        return fn(self.machine)

    async def peek(self, fn: Callable[[Any], Any]) -> Any:
        return fn(self.machine)

    def commit(self, events: bytes, metadata: bytes = b"") -> None:
        self.add(
            Committed(
                index=len(self.log) + 1, term=2, ts_ns=1_000 + len(self.log), events=events,
                metadata=metadata, chain=bytes(32),
            )
        )  # fmt: skip
        self.machine.index = len(self.log)

    def status(self) -> NodeStatus:
        return NodeStatus(
            role="LEADER", node_id=1, cluster_id="0" * 32, partition=5, term=2,
            index=self.machine.index, durable_index=self.machine.index, ts_ns=7, chain="00" * 32,
            leader=self.leader, accepting=True,
        )  # fmt: skip
