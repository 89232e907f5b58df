"""A node: replica, machine, group commit, results, checkpoints and snapshots, joined without I/O.

Why it exists: what a node does in answer to an input is the product, and must be the same under
the simulator's clock as under the kernel's. So it is an object of inputs and outputs; a shell (on
trio `replication/driver.py`, in virtual time `sim/process.py`) brings it time, messages and the
disk's answers, and carries out what it asks. It knows ports only: not LMDB, sockets or threads.

What it holds to, whatever happens
 1. Nothing is answered or published before it is committed and applied here.
 2. Every queue has a bound; what does not fit is refused at the door with OVERLOADED.
 3. A submission is answered exactly once: with its replies, with a refusal that means that
    nothing was accepted, or with `Unknown`.
 4. Results ride in the next write; if none comes, they are written after a short while.
 5. An entry that was proposed here and lost the lead is answered by what the log says in the end:
    if the same record is applied, with its replies; if another stands there, with a refusal.
 6. An exception ends the node: state and log might no longer fit together.

The shell's duties
 1. One caller, one thread. After every input, and whenever `apply_next` did something, take the
    write, the messages and the snapshot, until there are none. What was submitted is made into
    an entry when the write is taken, so submissions that come together share one.
 2. The replica's duties 2 and 3: writes in order, durable, and no word of one that failed.
 3. Call `apply_next` until it is False; other inputs may come between.
 4. Call `tick` when `deadline_s` has come.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from core.codes import CMD_CHECKPOINT, FENCING_TOKEN, NOT_LEADER
from core.commands import BATCH_HEADER_BYTES, batch
from replication.batching import Submission, batch_metadata
from replication.checkpoints import Comparison
from replication.feed import Feed
from replication.initiative import Initiative
from replication.membership import Configuration
from replication.messages import Message, node_number
from replication.node_queries import NodeQueries
from replication.node_results import NodeResults
from replication.node_snapshots import NodeSnapshots
from replication.node_submissions import NodeSubmissions
from replication.ports import (
    FOLLOWED_BYTES, Clock, Committed, Entropy, LogStore, MachineKind, Observer, Refused, Result,
    SnapshotData, SnapshotMeta, StateMachine, Submitted, Unknown, Warner, Write,
)  # fmt: skip
from replication.progress import Outgoing
from replication.record import COMMANDS, Record
from replication.recovery import Recovered
from replication.replica import ChangeRefused, Replica, ReplicaWrite, Role, Start
from replication.settings import NodeSettings

M = TypeVar("M", bound=StateMachine)
T = TypeVar("T")

EMPTY_BATCH: Final = batch(b"", 0)
"""What a new leader writes first: an entry of no commands."""

_FRACTION_BITS: Final = 53


class Node(Generic[M]):
    """One member of one cluster, with its machine."""

    def __init__(
        self,
        settings: NodeSettings,
        member: int,
        cluster: bytes,
        recovered: Recovered[M],
        kind: MachineKind[M],
        store: LogStore,
        clock: Clock,
        entropy: Entropy,
        warn: Warner,
        observer: Observer,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._store = store
        self._warn = warn
        self._observer = observer
        self._machine = recovered.machine
        self.kind = kind
        self.replica = Replica(settings.replica, member, cluster, self._random_fraction)
        self._submissions = NodeSubmissions(settings.limits)
        self.feed = Feed(self._machine.index, settings.feed_bytes_max)
        self._to_apply: deque[Record] = deque()
        self._last_ts_ns = recovered.base.ts_ns
        self._results = NodeResults(store, settings.result_flush_s)
        self._initiative = Initiative(settings, clock)
        self._comparison = Comparison()
        self.snapshots: NodeSnapshots[M] = NodeSnapshots(settings, recovered.snapshot_indexes, warn)
        self._last_cut_s = -math.inf
        self._last_cut_commands = 0
        self._token = 0
        self._writing: tuple[ReplicaWrite | None, int] | None = None
        self._queries: NodeQueries[M] = NodeQueries()
        self._was_leader = False
        self._stopping = False
        start = Start(
            hard_state=recovered.hard_state, base=recovered.base,
            committed_index=recovered.known_index, applied_index=self._machine.index,
            configurations=recovered.configurations, damaged=recovered.damaged,
        )  # fmt: skip
        self.replica.start(start, store, EMPTY_BATCH, clock.monotonic_s())
        self.replica.version = self._machine.known_version
        self._work()

    def _random_fraction(self) -> float:
        """From 0 to below 1, in steps that a float holds exactly."""
        bits = int.from_bytes(self._entropy.random_bytes(8), "little") >> (64 - _FRACTION_BITS)
        return bits / (1 << _FRACTION_BITS)

    # --- what servers call ------------------------------------------------------------------

    @property
    def machine(self) -> M:
        return self._machine

    @property
    def accepting(self) -> bool:
        """Submissions are taken at this moment."""
        return self._leads and not self._stopping

    @property
    def _leads(self) -> bool:
        """With everything that it inherited decided and applied."""
        replica = self.replica
        return replica.may_propose and self._machine.index >= replica.term_start_index

    def submit(self, submission: Submission) -> None:
        """Admits or refuses; `submission.done` is called now, or when the outcome is known."""
        refusal = self._door(submission)
        if refusal is not None:
            self._observer.refused(refusal.code)
            submission.done(refusal)
            return
        self._work()

    def query(self, fn: Callable[[M], T], done: Callable[[T | Exception | Refused], None]) -> None:
        """Runs `fn` on a state that holds everything acknowledged before this call."""
        context = self._queries.ask(fn, done)  # type: ignore[arg-type]
        if self._stopping or not self.replica.read(context, self._clock.monotonic_s()):
            self._queries.refuse(context, self._refusal())
        else:
            self._work()

    def peek(self, fn: Callable[[M], T]) -> T:
        """The local state between two entries: committed, perhaps not the newest."""
        return fn(self._machine)

    @property
    def is_stopping(self) -> bool:
        return self._stopping

    @property
    def partition(self) -> int:
        return self._settings.partition

    @property
    def ts_ns(self) -> int:
        """Log time of the last applied entry."""
        return self._last_ts_ns

    @property
    def waiting_commands(self) -> int:
        """Admitted and not yet answered."""
        return self._submissions.open_commands

    @property
    def unstored_results(self) -> int:
        """Applied entries whose results ride in a write to come."""
        return max(0, self._machine.index - self._results.stored_index)

    def transfer(self, node: int) -> None:
        """Hand the lead over. Raises `ChangeRefused`."""
        voters = self.replica.configuration.voters
        members = [member for member in voters if node_number(member) == node]
        if not members:
            raise ChangeRefused(f"node {node}: is no voter of this cluster")
        self.replica.transfer(members[0], self._clock.monotonic_s())
        self._work()

    def change_members(self, change: Callable[[Configuration], Configuration]) -> int:
        """Propose what `change` makes of the present members; the index of the record.

        Raises `ChangeRefused` or `BadConfiguration`.
        """
        changed = change(self.replica.configuration)
        index = self.replica.change_members(changed, self._clock.monotonic_s())
        self._work()
        return index

    def snapshot_soon(self) -> int:
        """Take a snapshot at the applied index or after it, as if it were due; that index."""
        self.snapshots.begin(self._machine)
        return self._machine.index

    def stop(self) -> None:
        """Drain: nothing new is taken, the lead is handed over, what was taken is finished."""
        if self._stopping:
            return
        self._stopping = True
        self._work()

    @property
    def is_drained(self) -> bool:
        """Stopping, and nothing is left to answer, apply, store or hand over."""
        return (
            self._stopping
            and self._submissions.is_empty
            and not self._to_apply
            and self._writing is None
            and not self._results
            and not self._hands_over
        )

    @property
    def _hands_over(self) -> bool:
        """Still leads, and somebody could."""
        return self.replica.role is Role.LEADER and self.replica.successor is not None

    def end(self) -> None:
        """The shell gives up: whoever still waits is told that the outcome is unknown."""
        self._submissions.all_unknown("the node has stopped")
        self._queries.refuse_all(self._refusal())

    # --- inputs -----------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        self._look_for_room()
        self.replica.receive(message, self._clock.monotonic_s())
        self._work()

    def tick(self) -> None:
        self._look_for_room()
        self.replica.tick(self._clock.monotonic_s())
        if self.replica.may_propose and self._store.room_bytes() <= 0:
            self._hand_over()  # who cannot write must not be the one whom all wait for
        self._work()

    def written(self, token: int) -> None:
        """The write that was taken with this token is durable."""
        assert self._writing is not None, "written without a write"
        assert token == self._token, f"write {token} completed, {self._token} is under way"
        of_replica, stored = self._writing
        self._writing = None
        if of_replica is not None and of_replica.reset is not None:
            self._become(*self.snapshots.installed())
        if self._results.stored(stored):
            self.feed.stored(stored)
        if of_replica is not None:
            self.replica.persisted(of_replica.token, self._clock.monotonic_s())
        self._work()

    def snapshot_saved(self, meta: SnapshotMeta) -> None:
        """The snapshot that was taken is durable."""
        if self.snapshots.is_arriving(meta):
            base = self.replica.install(meta)
            if base is not None:
                self.snapshots.keep_log_above(base)
                if meta.index > self._machine.index:
                    self._become(*self.snapshots.installed())
                else:
                    self.snapshots.installed()
        else:
            self._observer.snapshot_taken(meta.index, self.snapshots.saved(meta))
            self.snapshots.compact(self.replica)
        self._work()

    def snapshot_failed(self, meta: SnapshotMeta, reason: str) -> None:
        self._warn(f"snapshot {meta.index}: not saved, the log alone is enough: {reason}")
        if self.snapshots.failed(meta):
            self.replica.refuse_snapshot()

    def snapshot_restored(self, meta: SnapshotMeta, data: bytes, machine: M | str) -> None:
        """What came of `snapshots.take_to_restore`."""
        if not self.snapshots.restored(meta, data, machine):
            self.replica.refuse_snapshot()
        self._work()

    def snapshot_read(self, index: int, snapshot: Outgoing | None) -> None:
        """What came of `snapshots.take_to_read`."""
        self.snapshots.was_read(index, snapshot)
        self._work()

    # --- outputs ----------------------------------------------------------------------------

    def take_messages(self) -> list[Message]:
        return self.replica.take_messages()

    def take_write(self) -> tuple[int, Write] | None:
        """At most one is under way: None until `written` told of the one before."""
        if self._writing is not None:
            return None
        self._propose_what_is_due()
        of_replica = self.replica.take_write()
        base = self.snapshots.take_base(of_replica)
        resets = of_replica is not None and of_replica.reset is not None
        installs = resets or (base is not None and base.index > self._results.stored_index)
        results: list[Result] = []
        if not installs and (of_replica is not None or base is not None or self._results_are_due):
            results = self._results.take()
        if of_replica is None and base is None and not results:
            return None
        stored = results[-1].index if results else 0
        if installs:
            stored = base.index if base is not None else _reset_index(of_replica)
            self._results.covered(stored)
        self._token += 1
        self._writing = (of_replica, stored)
        if of_replica is None:
            return self._token, Write(results=results, base=base)
        return self._token, Write(
            reset=of_replica.reset, cut_from=of_replica.cut_from, repaired=of_replica.repaired,
            records=of_replica.records, results=results, hard_state=of_replica.hard_state,
            base=base,
        )  # fmt: skip

    def take_snapshot(self) -> tuple[SnapshotMeta, SnapshotData] | None:
        """Save it durably, then call `snapshot_saved`; one at a time."""
        return self.snapshots.take(self._results.stored_index)

    @property
    def deadline_s(self) -> float:
        due_s = self.replica.deadline_s
        if self._writing is not None:
            return due_s  # what waits for the disk is not due before the disk has answered
        due_s = min(due_s, self._results.due_s)
        if self._leads and not self._machine_is_behind:
            if not self._stopping:
                due_s = min(due_s, self._initiative.due_s(self._machine))
            if self._submissions.has_queue:
                due_s = min(due_s, self._cut_due_s)
        return due_s

    @property
    def has_to_apply(self) -> bool:
        """Or to copy for a snapshot."""
        return bool(self._to_apply) or self.snapshots.is_taking

    def apply_next(self) -> bool:
        """Applies the next committed entry and answers who waits for it, and copies a part of a
        snapshot that is being taken; False: there was nothing to do."""
        applied = bool(self._to_apply)
        if applied:
            self._apply(self._to_apply.popleft())
            if self.snapshots.is_due(self._machine.index):
                self.snapshots.begin(self._machine)
        copied = self.snapshots.go_on(self._machine, self.replica, self._last_ts_ns)
        if applied or copied:
            self._work()
        return applied or copied

    # --- inside -----------------------------------------------------------------------------

    def _work(self) -> None:
        """What follows from any input."""
        replica = self.replica
        leads = replica.role is Role.LEADER
        if self._was_leader and not leads:
            self._lost_the_lead()
        elif leads and not self._was_leader:
            self._comparison = Comparison()
        self._was_leader = leads
        self._to_apply.extend(replica.take_committed())
        self._take_reads()
        self.snapshots.arrived(replica.take_arrived_snapshot())
        self.snapshots.give(replica, self._machine)
        if self._writing is not None and self._submissions.fills_a_batch:
            self._propose_what_is_due()  # it travels to the others while the disk is busy
        if self._stopping and self._leads and not self._submissions.has_queue:
            self._hand_over()

    def _lost_the_lead(self) -> None:
        """Rule 5; what was not proposed yet was not accepted either."""
        self._submissions.refuse_queue(
            FENCING_TOKEN, self._leader_node, "another term has begun; nothing was accepted"
        )

    def _take_reads(self) -> None:
        ready, lost = self.replica.take_reads()
        for context, index in ready:
            self._queries.proven(context, index)
        for context in lost:
            self._queries.refuse(context, self._refusal())
        self._queries.answer(self._machine)

    def _refusal(self) -> Refused:
        return Refused(code=NOT_LEADER, leader=self._leader_node, reason=self._why_not())

    def _door(self, submission: Submission) -> Submitted | None:
        if not self.accepting:
            deposed = self._submissions.has_proposals and self.replica.role is not Role.LEADER
            return Submitted(
                code=FENCING_TOKEN if deposed else NOT_LEADER,
                reason=self._why_not(),
                leader=self._leader_node,
            )
        refusal = self._comparison.version_refusal(submission, self.replica, self.machine)
        if refusal is not None:
            return refusal
        return self._submissions.admit(submission, self._store.room_bytes())

    def _why_not(self) -> str:
        if self._stopping:
            return "the node is stopping"
        if self.replica.role is Role.LEADER:
            return "the term has only begun, or the lead is handed over"
        leader = self._leader_node
        return f"the leader is node {leader}" if leader else "no leader is known"

    @property
    def _leader_node(self) -> int:
        return node_number(self.replica.leader)

    def _look_for_room(self) -> None:
        self.replica.has_room = self._store.room_bytes() > -FOLLOWED_BYTES
        self.replica.declines_lead = self._stopping or self._store.room_bytes() <= 0

    def _hand_over(self) -> None:
        successor = self.replica.successor
        if successor is not None:
            self.replica.transfer(successor, self._clock.monotonic_s())

    def _propose_what_is_due(self) -> None:
        if not self._leads or self._machine_is_behind:
            return
        now_s = self._clock.monotonic_s()
        if not self._stopping:
            for payload in self._initiative.payloads(self._machine, self.replica, self._comparison):
                self.replica.propose(payload, self._clock.wall_ns(), now_s)
        if now_s < self._cut_due_s:
            return
        for _ in range(self._settings.entries_per_write_max):
            if not self._submissions.has_queue or self._machine_is_behind:
                break
            cut = self._submissions.cut()
            record = self.replica.propose(cut.payload, self._clock.wall_ns(), now_s)
            self._submissions.proposed(record, cut)
            self._last_cut_commands = cut.commands
            self._last_cut_s = now_s

    def _apply(self, record: Record) -> None:
        machine = self._machine
        started_s = self._clock.monotonic_s()
        payload = record.payload if record.kind == COMMANDS else b""
        self._comparison.before_apply(machine, record)
        machine.apply(record.index, record.ts_ns, payload)
        events, chain = machine.events, machine.chain
        now_s = self._clock.monotonic_s()
        self._last_ts_ns = record.ts_ns
        self._initiative.applied(record.index, payload)
        if len(payload) > BATCH_HEADER_BYTES and payload[BATCH_HEADER_BYTES] == CMD_CHECKPOINT:
            self.replica.checkpoint = machine.last_checkpoint()
        self._results.keep(
            Result(
                index=record.index, term=record.term, ts_ns=record.ts_ns, chain=chain, events=events
            ),
            now_s,
        )  # fmt: skip
        self.feed.publish(
            Committed(
                index=record.index, term=record.term, ts_ns=record.ts_ns, events=events,
                metadata=batch_metadata(payload) if payload else b"", chain=chain,
            )
        )  # fmt: skip
        if self.replica.role is Role.LEADER and record.index == self.replica.term_start_index:
            self._initiative.begin()
        commands = self._submissions.applied(record, machine.replies, self._leader_node)
        self._observer.applied(commands, now_s - started_s)
        self.replica.evict(record.index)

    def _become(self, meta: SnapshotMeta, machine: M) -> None:
        """The machine of an installed snapshot takes the place of ours."""
        self._machine = machine
        self._last_ts_ns = meta.ts_ns
        self._to_apply = deque(r for r in self._to_apply if r.index > meta.index)
        self._results.forget()
        self.feed.restart_after(meta.index)
        self._submissions.skipped(meta.index)
        self.replica.checkpoint = machine.last_checkpoint()

    def keep_from(self, index: int) -> None:
        """A sink that is not the log's own, such as the outbox, has everything below `index`."""
        self.snapshots.wanted_from = index

    # --- conditions -------------------------------------------------------------------------

    @property
    def _machine_is_behind(self) -> bool:
        unapplied = self.replica.last_index - self._machine.index
        return unapplied >= self._settings.unapplied_entries_max

    @property
    def _results_are_due(self) -> bool:
        due_s = self._results.due_s
        waited = due_s < math.inf and self._clock.monotonic_s() >= due_s
        return waited or self._stopping or self.snapshots.waits_for_results

    @property
    def _cut_due_s(self) -> float:
        """At once when the node is idle or a batch is full; else the delay after the last cut."""
        idle = self._last_cut_commands < self._settings.busy_commands
        if idle or self._stopping or self._submissions.fills_a_batch:
            return -math.inf
        return self._last_cut_s + self._settings.batch_delay_s


def _reset_index(of_replica: ReplicaWrite | None) -> int:
    assert of_replica is not None
    assert of_replica.reset is not None
    return of_replica.reset.index


__all__ = ["EMPTY_BATCH", "ChangeRefused", "Node", "Unknown"]
