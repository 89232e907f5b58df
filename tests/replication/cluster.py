"""A cluster of nodes in one thread, with time and the network in a test's hands.

Why it exists: tests of the protocol want to say who hears whom, whose disk is late and when the
clock moves, and to see everything. Messages wait in lists until `deliver`; writes are durable at
once unless a disk is held; nothing happens by itself.
"""

import random
from collections.abc import Callable

from core.commands import cancel
from replication.batching import Submission
from replication.membership import founding
from replication.messages import Message, decode, encode, node_number
from replication.node import Node
from replication.node_snapshots import machine_of
from replication.ports import Base, SnapshotData, SnapshotMeta, Submitted, Unknown, Write
from replication.recovery import recover
from replication.replica import ReplicaSettings, Role
from replication.settings import NodeSettings
from replication.snapshot_chunks import newest_outgoing
from tests.replication.memory import MemoryLog, MemorySnapshots
from tests.replication.tally import Tally

CLUSTER = bytes(range(16))
WALL_NS = 1_700_000_000_000_000_000


class Time:
    """One clock for all."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def monotonic_s(self) -> float:
        return self.now_s

    def wall_ns(self) -> int:
        return WALL_NS + int(self.now_s * 1e9)


class Dice:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def random_bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)


class Quiet:
    def applied(self, commands: int, seconds: float) -> None: ...

    def wrote(self, entries: int, seconds: float) -> None: ...

    def refused(self, code: int) -> None: ...

    def snapshot_taken(self, index: int, size: int) -> None: ...


class Host:
    """A machine with a disk; `node` is None while its process is down."""

    def __init__(self, member: int) -> None:
        self.member = member
        self.log = MemoryLog(CLUSTER)
        self.snapshots = MemorySnapshots()
        self.node: Node[Tally] | None = None
        self.held = False
        self.reads_held = False
        self.is_full = False
        """There is no room for snapshots."""
        self.failed_saves = 0
        self.write: tuple[int, Write] | None = None
        self.snapshot: tuple[SnapshotMeta, SnapshotData] | None = None
        self.to_read = 0
        self.arrived: tuple[SnapshotMeta, bytes] | None = None

    @property
    def up(self) -> Node[Tally]:
        assert self.node is not None, f"node {self.member} is down"
        return self.node


class Cluster:
    """Nodes 1 to `count`, all up."""

    def __init__(self, count: int = 3, settings: NodeSettings | None = None) -> None:
        self.settings = settings or NodeSettings()
        self.time = Time()
        self.founders = founding(range(1, count + 1))
        self.hosts = {member: Host(member) for member in range(1, count + 1)}
        self.wire: list[Message] = []
        self.deaf: set[tuple[int, int]] = set()
        """(from, to): messages on this way are lost."""
        self.drop: Callable[[Message], bool] = lambda message: False
        self.delivered = 0
        self.warnings: list[str] = []
        for member in self.hosts:
            self.start(member)

    def __getitem__(self, member: int) -> Node[Tally]:
        return self.hosts[member].up

    # --- processes --------------------------------------------------------------------------

    def start(self, member: int, seed: int | None = None) -> None:
        host = self.hosts[member]
        assert host.node is None
        founders = self.founders if member in self.founders.voters else None
        recovered = recover(host.log, host.snapshots, Tally, self.warnings.append, founders)
        host.node = Node(
            self.settings, member, CLUSTER, recovered, Tally, host.log,
            self.time, Dice(seed or member), self.warnings.append, Quiet(),
        )  # fmt: skip
        host.node.replica.nodes = tuple(sorted({node_number(m) for m in self.hosts}))
        self.settle(member)

    def crash(self, member: int) -> None:
        """What was not durable is gone."""
        host = self.hosts[member]
        host.node = host.write = host.snapshot = host.arrived = None
        host.to_read = 0
        self.wire = [message for message in self.wire if message.to != member]

    def join(self, member: int) -> None:
        """A host with an empty disk, under a new identity."""
        self.hosts[member] = Host(member)
        self.start(member)

    # --- disks ------------------------------------------------------------------------------

    def hold_disk(self, member: int) -> None:
        self.hosts[member].held = True

    def release_disk(self, member: int) -> None:
        self.hosts[member].held = False
        self.settle(member)

    def settle(self, member: int) -> None:
        """Take what the node has to give, until it has nothing more."""
        host = self.hosts[member]
        node = host.node
        while node is not None:
            while node.apply_next():
                pass
            if host.write is None:
                host.write = node.take_write()
            messages = node.take_messages()
            self.wire.extend(decode(encode(message)) for message in messages)
            if host.snapshot is None:
                host.snapshot = node.take_snapshot()
            host.arrived = node.snapshots.take_to_restore() or host.arrived
            if host.arrived is not None and not host.reads_held:
                arrived, host.arrived = host.arrived, None
                node.snapshot_restored(*arrived, machine_of(Tally, *arrived))
            host.to_read = host.to_read or node.snapshots.take_to_read()
            if host.to_read and not host.reads_held:
                base = node.replica.base.index
                read = newest_outgoing(host.snapshots, host.to_read, base)
                node.snapshot_read(host.to_read, read)
                host.to_read = 0
            if not self._disk_works(host, node) and not messages and not node.has_to_apply:
                return

    def _disk_works(self, host: Host, node: Node[Tally]) -> bool:
        if host.held:
            return False
        if host.write is not None:
            token, write = host.write
            host.write = None
            host.log.append_now(write)
            node.written(token)
            return True
        if host.snapshot is not None:
            meta, data = host.snapshot
            host.snapshot = None
            if host.is_full:
                host.failed_saves += 1
                node.snapshot_failed(meta, "no room")
                return True
            host.snapshots.save_now(meta, data)
            node.snapshot_saved(meta)
            return True
        return False

    # --- network and time -------------------------------------------------------------------

    def deliver(self, rounds: int = 1000) -> None:
        """Let messages arrive, and those that they cause, until there are none."""
        for _ in range(rounds):
            if not self.wire:
                return
            wire, self.wire = self.wire, []
            for message in wire:
                self.deliver_one(message)
        assert not self.wire, f"{len(self.wire)} messages after {rounds} rounds"

    def deliver_one(self, message: Message) -> None:
        way = (node_number(message.sender), node_number(message.to))
        if way in self.deaf or self.drop(message):
            return
        for host in self.hosts.values():
            if host.node is not None and node_number(host.member) == way[1]:
                self.delivered += 1
                host.node.receive(message)
                self.settle(host.member)

    def isolate(self, *members: int) -> None:
        """Nobody of these hears or is heard by the others."""
        inside = {node_number(member) for member in members}
        outside = {node_number(member) for member in self.hosts} - inside
        self.deaf |= {(a, b) for a in inside for b in outside}
        self.deaf |= {(b, a) for a in inside for b in outside}

    def heal(self) -> None:
        self.deaf.clear()

    def run(self, seconds: float) -> None:
        """Time passes; timers fire in their order, messages arrive at once."""
        end_s = self.time.now_s + seconds
        self.deliver()
        while True:
            up = [host for host in self.hosts.values() if host.node is not None]
            due_s, member = min((host.up.deadline_s, host.member) for host in up)
            if due_s > end_s:
                break
            self.time.now_s = max(self.time.now_s, due_s)
            self[member].tick()
            self.settle(member)
            self.deliver()
        self.time.now_s = end_s

    # --- what tests ask ---------------------------------------------------------------------

    @property
    def leaders(self) -> list[int]:
        return [
            host.member
            for host in self.hosts.values()
            if host.node is not None and host.node.replica.role is Role.LEADER
        ]

    def elect(self, member: int) -> None:
        """`member` stands first, and wins."""
        self.time.now_s += self.settings.replica.election_timeout_s * 2
        replica = self[member].replica
        replica._election_due_s = self.time.now_s
        self[member].tick()
        self.settle(member)
        self.deliver()
        assert replica.role is Role.LEADER, replica.role

    def send(self, member: int, count: int = 1, first: int = 1) -> list[Submitted | Unknown]:
        """Submits commands that can be told apart; the list gets the one answer."""
        answers: list[Submitted | Unknown] = []
        commands = b"".join(cancel(2, 1, first + n) for n in range(count))
        self[member].submit(Submission(commands, count, b"", answers.append))
        self.settle(member)
        return answers

    def terms(self, member: int) -> list[int]:
        """The terms of the records in a node's log, from the base on."""
        log = self.hosts[member].log
        return [log.record(i).term for i in range(log.first.index + 1, log.anchor.last_index + 1)]

    def assert_equal(self) -> None:
        """All that are up stand at one index with one state."""
        states = {
            (host.up.machine.index, host.up.machine.digest())
            for host in self.hosts.values()
            if host.node is not None
        }
        assert len(states) == 1, states


SMALL = NodeSettings(
    replica=ReplicaSettings(append_records_max=4, snapshot_chunk_bytes=64),
    snapshot_entries=10, retain_entries=3,
)  # fmt: skip
BASE = Base()
