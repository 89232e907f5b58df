"""The driver: the loop that joins replica, machine, disk, clock and callers on trio.

Why it exists: the replica and the machine are functions; something has to wait. Two tasks do:
the *writer* gathers submissions into entries and gives them to the disk, the *applier* lets the
machine apply what is committed and answers. So while entry N is being synced, entry N-1 is
applied and entry N+1 is gathered, and one sync pays for all that came meanwhile. The driver
knows ports only: not LMDB, not gRPC, not what an order is.

What it holds to, whatever happens
 1. Nothing is answered or published before it is committed and applied.
 2. Every queue has a bound; what does not fit is refused at the door with OVERLOADED.
 3. A submission is answered exactly once, or the node stops.
 4. Results ride in the next write; if none comes, they are written after a short while.
 5. An exception in either task ends both: state and log might no longer fit together.
"""

import math
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, TypeVar

import msgspec
import trio

from core.codes import NOT_LEADER
from core.commands import batch, checkpoint
from replication.batching import Batch, Intake, Limits, Submission, answers, batch_metadata
from replication.checkpoints import CheckpointPlan
from replication.feed import Feed
from replication.ports import (
    Clock,
    Committed,
    LogStore,
    NodeStatus,
    Observer,
    Result,
    SnapshotMeta,
    SnapshotStore,
    StateMachine,
    Submitted,
    TailGone,
    Warner,
    Write,
)
from replication.record import Record
from replication.recovery import Recovered
from replication.replica import Ready, Replica

M = TypeVar("M", bound=StateMachine)
T = TypeVar("T")

EMPTY_BATCH: Final = batch(b"", 0)
"""What a new leader writes first: an entry of no commands."""


class DriverConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the loop weighs latency against throughput, and how often it takes stock."""

    limits: Limits = Limits()
    batch_delay_s: float = 0.001
    busy_commands: int = 32
    """The delay buys larger batches; after an entry smaller than this there is nothing to buy."""
    unapplied_entries_max: int = 4
    """The writer waits for the machine when so many written entries are not applied yet."""
    entries_per_write_max: int = 4
    result_flush_s: float = 0.05
    checkpoint_entries: int = 10_000
    checkpoint_s: float = 10.0
    snapshot_entries: int = 200_000
    feed_bytes_max: int = 64 << 20
    partition: int = 0


class Stage(Enum):
    """A node takes submissions while RUNNING; before, it decides what it found in its log."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DRAINING = "DRAINING"
    STOPPED = "STOPPED"


class Pulse:
    """Wakes everybody who waits for a change; who is not waiting looks at the state first."""

    def __init__(self) -> None:
        self._event = trio.Event()

    def fire(self) -> None:
        if self._event.statistics().tasks_waiting:
            self._event.set()
            self._event = trio.Event()

    async def wait(self, deadline_s: float = math.inf) -> None:
        with trio.move_on_at(deadline_s):
            await self._event.wait()


class Driver(Generic[M]):
    """One node's loop. Everything here runs on one trio thread, `run` in one task tree."""

    def __init__(
        self,
        config: DriverConfig,
        replica: Replica,
        recovered: Recovered[M],
        store: LogStore,
        snapshots: SnapshotStore,
        clock: Clock,
        warn: Warner,
        observer: Observer,
    ) -> None:
        self._config = config
        self._replica = replica
        self._machine = recovered.machine
        self._store = store
        self._snapshots = snapshots
        self._clock = clock
        self._warn = warn
        self._observer = observer
        self._stage = Stage.STARTING
        self._intake = Intake(config.limits)
        self._feed = Feed(self._machine.index, config.feed_bytes_max)
        self._batches: dict[int, Batch] = {}
        self._to_apply: deque[Record] = deque()
        self._applied = recovered.applied
        self._results: list[Result] = []
        self._results_due_s = math.inf
        self._stored_index = store.result_index()
        self._last_cut_s = -math.inf
        self._last_cut_commands = 0
        self._checkpoints = CheckpointPlan(config.checkpoint_entries, config.checkpoint_s)
        self._snapshot_index = recovered.snapshot_index
        self._saving_snapshot = False
        self._snapshot_turn = trio.Lock()
        self._work = Pulse()  # for the writer
        self._committed = Pulse()  # for the applier
        self._published = Pulse()  # for those who tail
        self._stored = Pulse()  # for snapshots
        self._started = trio.Event()
        replica.start(
            recovered.hard_state, recovered.applied, recovered.tail, empty_payload=EMPTY_BATCH
        )

    # --- what servers call -------------------------------------------------------------------

    def submit(self, submission: Submission) -> None:
        """Admits or refuses; `submission.done` is called now, or after commit and apply."""
        refusal: Submitted | None
        if self._stage is not Stage.RUNNING:
            refusal = Submitted(code=NOT_LEADER, reason=f"the node is {self._stage.value}")
        else:
            refusal = self._intake.admit(submission, self._store.room_bytes())
        if refusal is not None:
            self._observer.refused(refusal.code)
            submission.done(refusal)
        else:
            self._work.fire()

    def query(self, fn: Callable[[M], T]) -> T:
        """Between two entries: `apply` never waits, so no caller can see half of one."""
        return fn(self._machine)

    async def entries(self, from_index: int, bytes_max: int) -> list[Committed]:
        """At least one committed entry from `from_index` on; waits until there is one."""
        if from_index < 1 or from_index > self._replica.last_index + 1:
            raise TailGone(f"from_index: {from_index} is outside 1..{self._replica.last_index + 1}")
        while True:
            found = self._feed.after(from_index, bytes_max)
            if found is None:
                found = await self._store.read(from_index, bytes_max)
                assert found, f"entry {from_index} left the feed before it was stored"
            if found:
                return found
            await self._published.wait()

    def status(self) -> NodeStatus:
        replica = self._replica
        stopping = self._stage in (Stage.DRAINING, Stage.STOPPED)
        return NodeStatus(
            role="STOPPING" if stopping else replica.role.value,
            node_id=replica.node_id,
            cluster_id=replica.cluster.hex(),
            partition=self._config.partition,
            term=replica.term,
            index=self._machine.index,
            durable_index=replica.durable_index,
            ts_ns=0 if self._applied is None else self._applied.ts_ns,
            chain=self._machine.chain.hex(),
            leader=replica.leader,
            accepting=self._stage is Stage.RUNNING,
        )

    @property
    def waiting_commands(self) -> int:
        """Admitted and not yet answered."""
        return self._intake.open_commands

    @property
    def unstored_results(self) -> int:
        """Applied entries whose results ride in a write to come."""
        return self._machine.index - self._stored_index

    async def snapshot(self) -> int:
        """Saves a snapshot of the state, one at a time; gives its index. 0: nothing to save."""
        async with self._snapshot_turn:
            return await self._snapshot()

    async def _snapshot(self) -> int:
        if self._applied is None:
            return 0
        assert self._applied.index == self._machine.index, "the machine is between entries"
        meta = SnapshotMeta(
            index=self._machine.index,
            term=self._applied.term,
            ts_ns=self._applied.ts_ns,
            chain=self._machine.chain,
            record_hash=self._applied.hash,
            digest=self._machine.digest(),
        )
        data = self._machine.snapshot()
        while self._stored_index < meta.index:  # recovery needs every result below a snapshot
            await self._stored.wait()
        await self._snapshots.save(meta, data)
        self._snapshot_index = max(self._snapshot_index, meta.index)
        self._observer.snapshot_taken(meta.index, len(data))
        return meta.index

    async def running(self) -> None:
        """Returns when submissions are taken: everything in the log is decided and applied."""
        await self._started.wait()

    def stop(self) -> None:
        """Drains: nothing new is taken, what was taken is finished, then `run` returns."""
        if self._stage is not Stage.STOPPED:
            self._stage = Stage.DRAINING
        self._work.fire()
        self._committed.fire()

    # --- the two tasks -----------------------------------------------------------------------

    async def run(self) -> None:
        """Returns after `stop`, when everything accepted is applied and every result stored."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._apply_loop, nursery)
            nursery.start_soon(self._write_loop)
        self._stage = Stage.STOPPED
        assert not self._intake, "stopped with accepted submissions"

    async def _write_loop(self) -> None:
        while True:
            self._propose_what_is_due()
            ready = self._replica.ready()
            if ready is not None and ready.committed:
                self._to_apply.extend(ready.committed)
                self._committed.fire()
            persist = ready is not None and ready.must_persist
            if persist or self._clock.monotonic_s() >= self._results_due_s or self._last_results:
                await self._write(ready)
            elif self._drained and not self._results:
                self._committed.fire()
                return
            elif ready is None:
                await self._work.wait(self._next_deadline_s())

    async def _write(self, ready: Ready | None) -> None:
        results, self._results = self._results, []
        self._results_due_s = math.inf
        records = () if ready is None else ready.records
        hard_state = None if ready is None else ready.hard_state
        started_s = self._clock.monotonic_s()
        await self._store.append(Write(records=records, results=results, hard_state=hard_state))
        self._observer.wrote(len(records), self._clock.monotonic_s() - started_s)
        if results:
            self._stored_index = results[-1].index
            self._feed.stored(self._stored_index)
            self._stored.fire()
        if ready is not None and ready.must_persist:
            self._replica.persisted(ready.token)

    async def _apply_loop(self, nursery: trio.Nursery) -> None:
        while True:
            while self._to_apply:
                self._apply(self._to_apply.popleft())
                self._work.fire()
                if self._snapshot_is_due:
                    self._saving_snapshot = True
                    nursery.start_soon(self._snapshot_in_background)
                await trio.lowlevel.checkpoint()  # the writer comes first: the disk waits for it
            if self._drained:
                return
            await self._committed.wait()

    def _propose_what_is_due(self) -> None:
        if not self._replica.may_propose or self._machine_is_behind:
            return
        now_s = self._clock.monotonic_s()
        if self._stage is Stage.RUNNING and self._checkpoints.due(now_s):
            payload = batch(checkpoint(*self._machine.last_checkpoint()), 1)
            self._checkpoints.proposed(self._replica.propose(payload, self._clock.wall_ns()))
        if not self._intake or now_s < self._cut_due_s:
            return
        for _ in range(self._config.entries_per_write_max):
            cut = self._intake.cut()
            index = self._replica.propose(cut.payload, self._clock.wall_ns())
            self._batches[index] = cut
            self._last_cut_commands = cut.commands
            if not self._intake or self._machine_is_behind:
                break
        self._last_cut_s = now_s

    def _apply(self, record: Record) -> None:
        machine = self._machine
        started_s = self._clock.monotonic_s()
        machine.apply(record.index, record.ts_ns, record.payload)
        events, chain = machine.events, machine.chain
        cut = self._batches.pop(record.index, None)
        commands = 0 if cut is None else cut.commands
        now_s = self._clock.monotonic_s()
        self._observer.applied(commands, now_s - started_s)
        self._applied = record
        self._checkpoints.applied(record.index, record.payload, now_s)
        if not self._results:
            self._results_due_s = now_s + self._config.result_flush_s
        self._results.append(
            Result(
                index=record.index,
                term=record.term,
                ts_ns=record.ts_ns,
                chain=chain,
                events=events,
            )
        )
        self._feed.publish(
            Committed(
                index=record.index,
                term=record.term,
                ts_ns=record.ts_ns,
                events=events,
                metadata=batch_metadata(record.payload),
                chain=chain,
            )
        )
        self._published.fire()
        if self._stage is Stage.STARTING and record.index >= self._replica.term_start_index > 0:
            self._stage = Stage.RUNNING
            self._started.set()
            self._checkpoints.begin(now_s)
        if cut is not None:
            for submission, answer in answers(
                cut.submissions, machine.replies, record.index, record.term, record.ts_ns
            ):
                self._intake.answered(submission)
                submission.done(answer)

    async def _snapshot_in_background(self) -> None:
        try:
            await self.snapshot()
        except OSError as error:
            self._warn(f"snapshot: not saved, the log alone is enough: {error}")
        finally:
            self._saving_snapshot = False

    # --- conditions --------------------------------------------------------------------------

    @property
    def _machine_is_behind(self) -> bool:
        unapplied = self._replica.last_index - self._machine.index
        return unapplied >= self._config.unapplied_entries_max

    @property
    def _drained(self) -> bool:
        """Draining, and every record that was made is applied."""
        return (
            self._stage is Stage.DRAINING
            and not self._intake
            and self._replica.last_index == self._machine.index
        )

    @property
    def _last_results(self) -> bool:
        return self._drained and bool(self._results)

    @property
    def _cut_due_s(self) -> float:
        """At once when the node is idle or a batch is full; else the delay after the last cut."""
        idle = self._last_cut_commands < self._config.busy_commands
        if idle or self._stage is Stage.DRAINING or self._intake.fills_a_batch:
            return -math.inf
        return self._last_cut_s + self._config.batch_delay_s

    def _next_deadline_s(self) -> float:
        if self._machine_is_behind:  # the applier will call
            return self._results_due_s
        cut_s = self._cut_due_s if self._intake else math.inf
        return min(cut_s, self._results_due_s, self._checkpoints.due_s)

    @property
    def _snapshot_is_due(self) -> bool:
        grown = self._machine.index - self._snapshot_index
        return grown >= self._config.snapshot_entries and not self._saving_snapshot
