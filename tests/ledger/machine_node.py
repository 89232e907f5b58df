"""A node without a disk: the real machine behind the real `NodeApi`, for tests over real gRPC.

Why it exists: the ledger's process is tested from outside, over the wire, and what the durable
log adds is tested elsewhere. It commits what it is given at once.
"""

from collections.abc import Callable
from typing import TypeVar

from core import commands as c
from core.codes import OK
from core.machine import Machine
from replication.ports import Committed, NodeStatus, Submitted
from tests.committed_log import CommittedLog

T = TypeVar("T")
TS_NS = 1_700_000_000_000_000_000


class MachineNode(CommittedLog):
    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine()

    async def submit(self, commands: bytes, count: int, metadata: bytes = b"") -> Submitted:
        index = self.machine.index + 1
        self.machine.apply(index, TS_NS + index, c.batch(commands, count, metadata))
        self.commit(self.machine.events)
        return Submitted(
            code=OK, index=index, term=1, ts_ns=self.machine.ts_ns, replies=self.machine.replies
        )

    def commit(self, events: bytes) -> None:
        machine = self.machine
        self.add(
            Committed(
                index=machine.index, term=1, ts_ns=machine.ts_ns, events=events, metadata=b"",
                chain=machine.chain,
            )
        )  # fmt: skip

    async def query(self, fn: Callable[[Machine], T]) -> T:
        return fn(self.machine)

    async def peek(self, fn: Callable[[Machine], T]) -> T:
        return fn(self.machine)

    def status(self) -> NodeStatus:
        machine = self.machine
        return NodeStatus(
            role="LEADER", node_id=1, cluster_id="0" * 32, partition=0, term=1,
            index=machine.index, durable_index=machine.index, ts_ns=machine.ts_ns,
            chain=machine.chain.hex(), leader=1, accepting=True,
        )  # fmt: skip
