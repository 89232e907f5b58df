"""The ports of replication: everything that the replica and its driver ask of the world.

Why it exists: consensus and the driver loop run unchanged on LMDB and sockets, in a test with a
mock clock, and in the simulator. Each port below is a contract: what an implementation promises,
and what becomes of the whole when it breaks the promise. This module must not know LMDB, gRPC,
trio or what an order is; of `core` it knows that there is a machine that applies entries.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import msgspec

from core.codes import OK
from replication.messages import Message
from replication.record import Record

FOLLOWED_BYTES: Final = 32 << 20
"""What a follower takes after its own door closed: who fills up first is not left behind."""
Sections = dict[str, bytes]
"""Digests of the parts of a state, by the parts' names."""

MachineT = TypeVar("MachineT")
MachineT_co = TypeVar("MachineT_co", covariant=True)
T = TypeVar("T")

# --- what a node offers to its servers --------------------------------------------------------


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one submission.

    `code` OK: the commands stand in the log at `index`, are durable and were applied; `replies`
    holds one reply per command, in order. Any other code (OVERLOADED, NOT_LEADER, VALIDATION...):
    nothing was accepted, nothing will happen later, `reason` says why, the rest is empty.
    """

    index: int = 0
    term: int = 0
    ts_ns: int = 0
    replies: bytes = b""
    code: int = OK
    reason: str = ""
    leader: int = 0  # with NOT_LEADER or FENCING_TOKEN: node number to ask instead, 0 = unknown
    sent: bool = True  # False, of a client: it never reached a node


class Unknown(msgspec.Struct, frozen=True, kw_only=True):
    """The other answer to a submission: it may stand in the log, or never will; ask again.

    Given only when the node can no longer learn the outcome: it stops, or a snapshot has taken
    it past the index. Whoever asks again with the same idempotency key gets the one true answer.
    """

    reason: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A question was not answered: this node cannot prove that it leads. Nothing changed."""

    code: int
    leader: int  # node number, 0 = unknown
    reason: str


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """One committed and applied log entry, as those who follow the node see it.

    `events` and `metadata` may be empty; `chain` is the machine's result chain after the entry.
    """

    index: int
    term: int
    ts_ns: int
    events: bytes
    metadata: bytes
    chain: bytes


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the node knows about itself, read without waiting."""

    role: str  # LEADER, FOLLOWER, CANDIDATE or STOPPING
    node_id: int
    cluster_id: str  # 32 hexadecimal digits
    partition: int
    term: int
    index: int  # last applied
    durable_index: int  # last on this node's disk
    ts_ns: int  # log time of the last applied entry
    chain: str  # hexadecimal, after `index`
    leader: int  # node id, 0 = unknown
    accepting: bool  # submissions are taken at this moment
    machine_version: str = ""


class TailGone(Exception):
    """The caller's fault: a tail asks for an index that the log does not hold (any more)."""


class OutcomeLost(Exception):
    """The node can no longer tell what became of a submission: the answer `Unknown`."""


class NotLeading(Exception):
    """A question was refused: this node cannot prove that its state is the newest."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.reason)
        self.code = refused.code
        self.leader = refused.leader


class ClusterRefused(Exception):
    """The caller's fault or bad luck: the cluster does not change. The text says why."""


class MemberView(msgspec.Struct, frozen=True, kw_only=True):
    """One member as the node that was asked sees it; what only a leader knows is 0 elsewhere."""

    member: int
    node: int
    role: str  # LEADER, VOTER, LEARNER or OUTGOING
    match_index: int = 0
    lag_entries: int = 0
    connected: bool = False
    damaged: int = 0
    version: int = 0
    address: str = ""


class ClusterView(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster as one node sees it."""

    node: int
    leader: int
    term: int
    commit_index: int
    applied_index: int
    base_index: int
    is_joint: bool
    damaged: int
    members: tuple[MemberView, ...]


class ClusterApi(Protocol):
    """What operators may ask of the cluster, at its leader. Each raises `ClusterRefused`."""

    def cluster(self) -> ClusterView: ...

    async def add_member(self, node: int, address: str, note: bytes) -> int:
        """The node may join; returns the log index of the change."""
        ...

    async def remove_member(self, node: int, note: bytes) -> int: ...

    async def transfer(self, node: int) -> None: ...


class NodeApi(Protocol[MachineT_co]):
    """What a node offers to servers on another thread (gRPC on asyncio).

    All methods may be called from the asyncio thread that the node started, and only there. If a
    call fails with an exception, the node is stopping: the caller ends its streams; whether a
    submission in flight took effect is then unknown, never "failed".
    """

    async def submit(self, commands: bytes, count: int, metadata: bytes = b"") -> Submitted:
        """Resolves after commit and apply. `commands` are `count` whole records, one per reply.

        The bytes are checked at the door: malformed ones give `VALIDATION` and never reach the
        log. Cancelling the call does not undo the submission. Raises `OutcomeLost`.
        """
        ...

    async def query(self, fn: Callable[[MachineT_co], T]) -> T:
        """Runs `fn` between two entries on the machine's thread, on a state that holds
        everything acknowledged before the call. Raises `NotLeading`.

        `fn` must be short (the machine waits) and must not keep a reference to the machine. What
        it raises is raised to the caller.
        """
        ...

    async def peek(self, fn: Callable[[MachineT_co], T]) -> T:
        """The same without the promise: this node's own state, perhaps not the newest."""
        ...

    def tail(self, from_index: int) -> AsyncIterator[Committed]:
        """Every committed entry from `from_index` (1 = all) in order, then live, without gaps.

        An index more than one ahead of the log raises `TailGone`. A slow reader costs the node
        nothing: it falls back to reading the store.
        """
        ...

    def status(self) -> NodeStatus: ...


# --- the machine, as replication knows it -----------------------------------------------------


class SnapshotData(Protocol):
    """A snapshot's `size` bytes in pieces, which can be gone through once, on any thread."""

    @property
    def size(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class StateMachine(Protocol):
    """A deterministic function of the log. `core.machine.Machine` is one; tests have another.

    Promise: the same entries give the same chain, events, replies and digest, in any process, on
    any replica. Broken: replicas diverge; the next checkpoint stops the odd one.
    """

    @property
    def index(self) -> int:
        """Last applied log index, 0 = none."""
        ...

    @property
    def chain(self) -> bytes:
        """32 bytes over every entry and its events so far."""
        ...

    @property
    def events(self) -> bytes:
        """Of the last apply."""
        ...

    @property
    def replies(self) -> bytes:
        """Of the last apply: `core.events.REPLY_BYTES` per command, in order."""
        ...

    def apply(self, index: int, ts_ns: int, payload: bytes) -> None:
        """Applies entry `index == self.index + 1`. A business reject is a reply, not an error.

        An exception means that state and log no longer fit together, or that the log asks for a
        machine version that this program does not know: the node stops.
        """
        ...

    def digest(self) -> bytes: ...

    def digest_sections(self) -> dict[str, bytes]: ...

    @property
    def checkpoint_sections(self) -> "Sections":
        """Digests of the state's sections at the last checkpoint; empty after a restore."""
        ...

    @property
    def next_due_ns(self) -> int:
        """The log time from which on an entry without commands would do something; 0: never."""
        ...

    @property
    def version(self) -> int:
        """Whose rules are in force, from 1; a logged command raises it."""
        ...

    @property
    def known_version(self) -> int:
        """The newest one that this program can run."""
        ...

    def last_checkpoint(self) -> tuple[int, bytes]:
        """Log index of the last checkpoint command and the digest there; 0 and zeros if none."""
        ...

    def begin_snapshot(self, step_bytes: int) -> None:
        """A snapshot is to be taken, in steps of so many bytes; one before it is forgotten."""
        ...

    def copy_snapshot(self) -> bool:
        """One step. True: what is left is no more than a step. It comes to that within a bounded
        number of steps, whatever is applied between them."""
        ...

    def take_snapshot(self) -> SnapshotData:
        """The state at `index`, such that `restore` gives an equal machine. Whatever is applied
        afterwards does not change it. Ends what `begin_snapshot` began."""
        ...

    def drop_snapshot(self) -> None:
        """Ends it without a snapshot."""
        ...


class MachineKind(Protocol[MachineT_co]):
    """How to get a machine: a class whose call makes an empty one and `restore` an old one."""

    def __call__(self) -> MachineT_co: ...

    def restore(self, data: bytes) -> MachineT_co:
        """Raises `ValueError` if `data` is not a snapshot of this machine."""
        ...


# --- the log ----------------------------------------------------------------------------------


class HardState(msgspec.Struct, frozen=True, kw_only=True):
    """What a replica must never forget: the anchor of the log, its term, and whom it voted for.

    Written in the same transaction as the records that it speaks of. It is what makes a record
    at or below `last_index` that cannot be read *corrupt*, and not *missing*.
    """

    term: int = 0
    vote: int = 0  # node id, 0 = nobody in this term
    last_index: int = 0
    last_hash: bytes = bytes(32)


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """Where the kept log begins: the last record that is gone, zeros if none is.

    `members` is the encoded configuration (`replication.membership`) that was in force at
    `index`, empty at the very beginning, where the folder's own formatting says who votes.
    """

    index: int = 0
    term: int = 0
    ts_ns: int = 0
    hash: bytes = bytes(32)
    members: bytes = b""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What applying one entry gave. Derivable from the log; stored so that nobody has to."""

    index: int
    term: int
    ts_ns: int
    chain: bytes
    events: bytes


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction of the log: all of it is durable, or none of it happened.

    The parts take effect in the order of the fields. `reset`: forget every record and result, the
    log goes on after this base (a snapshot that a leader sent). `cut_from`: remove the records at
    and above this index, which another leader's records replace; there are no results there, for
    only what is committed has one. `repaired`: put in place of damaged records, at or below the
    anchor. `records`: appended, each at the last index + 1. `results`: each at the last result's
    index + 1. `base`: forget records and results up to and with this index, which a snapshot
    covers; never below the reset or the base that the log has.
    """

    reset: Base | None = None
    cut_from: int = 0
    repaired: Sequence[Record] = ()
    records: Sequence[Record] = ()
    results: Sequence[Result] = ()
    hard_state: HardState | None = None
    base: Base | None = None


class LogStore(Protocol):
    """The durable log of one replica, with the results of what was applied.

    Promise: when `append` returns, the write survives power loss; writes happen in the order of
    the calls, each whole or not at all. Broken: an acknowledged order is lost, and no other part
    can notice. Therefore an implementation that cannot keep the promise (a failed sync, a failed
    commit, an impossible map) must end the process and never return or raise: the caller has no
    state in which it could go on, and a second attempt after a failed sync can report success
    for data that is gone.
    """

    def hard_state(self) -> HardState: ...

    def base(self) -> Base: ...

    def record(self, index: int) -> Record:
        """The record at `index`, its bytes and place checked, its chain not: that is recovery's.

        From `base().index + 1` to `hard_state().last_index`, else `record.MissingRecord`. Raises
        the kind of `record.CorruptRecord` that names the damage.
        """
        ...

    def result_index(self) -> int:
        """Index of the last stored result, at least the base's; never ahead of the records."""
        ...

    def result_chain(self, index: int) -> bytes | None:
        """The stored chain after `index`; None if no result is stored there."""
        ...

    async def append(self, write: Write) -> None:
        """Returns when `write` is durable. Called by one task, one call at a time."""
        ...

    async def read(self, from_index: int, bytes_max: int) -> list[Committed]:
        """Entries with stored results from `from_index`, at least one if there is one.

        Stops after the entry that passes `bytes_max`. An empty list: no result stored there yet.
        """
        ...

    def room_bytes(self) -> int:
        """How many bytes of entries may still be accepted; 0 or less: refuse at the door.

        Promise: what this admits, `append` can write, and down to `FOLLOWED_BYTES` below 0 what
        a leader has admitted. Broken: the map fills up inside a commit and the process ends.
        """
        ...


class SnapshotMeta(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the log a snapshot stands, and what the machine said of itself there."""

    index: int
    term: int
    ts_ns: int
    chain: bytes
    record_hash: bytes  # of the record at `index`: ties the snapshot to this log
    digest: bytes
    members: bytes = b""  # the configuration in force at `index`, encoded


class SnapshotStore(Protocol):
    """Snapshots on the side of the log. They save time; the log alone is enough.

    Promise: `save` leaves either a whole, verified snapshot or none; `newest_first` yields only
    snapshots whose every byte was checked, and warns about the others by name. Broken: recovery
    starts from a wrong state; the comparison with stored results and checkpoints then stops it.
    """

    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None: ...

    def newest_first(self) -> Iterator[tuple[SnapshotMeta, bytes]]: ...


# --- the rest of the world --------------------------------------------------------------------


class Clock(Protocol):
    """Time as a port. Only the driver asks; the replica and the machine are told.

    Promise: `monotonic_s` never goes back and is the scale of the runtime's deadlines, so that a
    test's mock clock moves both. Broken: batches are cut early or late, no more than that.
    `wall_ns` may jump either way: the replica never lets log time go back.
    """

    def monotonic_s(self) -> float: ...

    def wall_ns(self) -> int: ...


class Entropy(Protocol):
    """Randomness as a port: election timeouts, identities of new clusters.

    Promise: independent between nodes. Broken: elections tie again and again; two clusters with
    one identity could read each other's log. Never asked by the machine.
    """

    def random_bytes(self, count: int) -> bytes: ...


class Transport(Protocol):
    """Messages between the replicas of one cluster, over bounded queues.

    A cluster of one voter has nobody to talk to, and its driver holds no transport.

    Promise: a message arrives whole, from the member that it names, or not at all; it may be
    late, doubled, or overtaken by another. Broken (altered or forged messages): anything may
    happen; so an implementation checksums and authenticates. `send` never waits: what does not
    fit into a peer's queue is dropped, and the protocol repeats it.
    """

    def send(self, message: Message) -> None: ...

    async def receive(self) -> Message: ...

    def know(self, addresses: Mapping[int, str]) -> None:
        """Node number -> HOST:PORT, as the log has it, of nodes that the settings do not name."""
        ...


Warner = Callable[[str], None]
"""Where a condition is reported that a person should read and that stops nothing."""


class Observer(Protocol):
    """Who is told how the driver fares, for metrics. Calls are short and must not raise."""

    def applied(self, commands: int, seconds: float) -> None: ...

    def wrote(self, entries: int, seconds: float) -> None: ...

    def refused(self, code: int) -> None: ...

    def snapshot_taken(self, index: int, size: int) -> None: ...
