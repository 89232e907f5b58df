"""The driver: the shell that runs a node on trio, with the real disk, clock, network and callers.

Why it exists: the node is an object of inputs and outputs; something has to wait. Five small
tasks do: the *writer* gives writes to the disk, the *applier* lets the machine apply what is
committed, the *receiver* takes messages, the *timer* watches the node's deadline, the *saver*
stores snapshots. So while entry N is being synced, entry N-1 is applied, entry N+1 is gathered,
and all of them travel. The driver decides nothing and knows ports only: not LMDB, not gRPC.

Whatever any task raises ends all of them: state and log might no longer fit together.
"""

import contextlib
import math
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final, Generic, TypeVar

import trio

from replication.batching import Submission
from replication.membership import Configuration
from replication.node import Node
from replication.node_snapshots import SnapshotFailed, machine_of
from replication.node_view import node_status
from replication.ports import (
    Clock,
    Committed,
    LogStore,
    NodeStatus,
    Observer,
    Refused,
    SnapshotStore,
    StateMachine,
    TailGone,
    Transport,
)
from replication.snapshot_chunks import newest_outgoing

M = TypeVar("M", bound=StateMachine)
T = TypeVar("T")

DRAIN_S_MAX: Final = 5.0
"""How long a node that stops waits for what it took, and for somebody to take the lead."""
LAST_S_MAX: Final = 60.0
"""How long a node that stops waits for its last snapshot: that only saves time at a start."""
MESSAGES_AT_ONCE: Final = 64
"""Received messages between two looks at everything else."""


class Stage(Enum):
    """A lone voter first decides what it found in its log; others may follow from the start."""

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
    """Runs one node. Everything here is on one trio thread, `run` in one task tree."""

    def __init__(
        self,
        node: Node[M],
        store: LogStore,
        snapshots: SnapshotStore,
        clock: Clock,
        observer: Observer,
        transport: Transport | None = None,
    ) -> None:
        self.node = node
        self._store = store
        self._snapshots = snapshots
        self._clock = clock
        self._observer = observer
        self._transport = transport
        self._known: Configuration | None = None
        """Whose addresses the transport has been told."""
        self._stage = Stage.STARTING
        self._work = Pulse()  # for the writer
        self._committed = Pulse()  # for the applier
        self._published = Pulse()  # for those who tail
        self._timing = Pulse()  # for the timer
        self._to_save = Pulse()  # for the saver
        self._to_exchange = Pulse()  # for snapshots of and for other nodes
        self._changed = Pulse()  # for those who asked for a snapshot
        self._started = trio.Event()
        self._published_index = node.feed.last_index
        self._saved_index = 0
        self._failures = 0
        self._failed = (0, "")
        """The last snapshot that could not be saved, and why."""
        self.on_drained: Callable[[], Awaitable[object]] | None = None
        """Called once all is drained, while the disk still works; not waited for without end."""

    # --- what servers call -------------------------------------------------------------------

    def submit(self, submission: Submission) -> None:
        """Admits or refuses; `submission.done` is called now, or when the outcome is known.

        The writer is only woken: what comes in the same turn of the loop shares an entry.
        """
        self.node.submit(submission)
        self._work.fire()

    def query(self, fn: Callable[[M], T], done: Callable[[T | Exception | Refused], None]) -> None:
        """See `Node.query`."""
        self.node.query(fn, done)
        self._after_input()

    def peek(self, fn: Callable[[M], T]) -> T:
        return self.node.peek(fn)

    def transfer(self, node: int) -> None:
        """See `Node.transfer`."""
        self.node.transfer(node)
        self._after_input()

    def change_members(self, change: Callable[[Configuration], Configuration]) -> int:
        """See `Node.change_members`."""
        index = self.node.change_members(change)
        self._after_input()
        return index

    async def entries(self, from_index: int, bytes_max: int) -> list[Committed]:
        """At least one committed entry from `from_index` on; waits until there is one."""
        last = max(self.node.replica.last_index, self.node.feed.last_index)
        if from_index < 1 or from_index > last + 1:
            raise TailGone(f"from_index: {from_index} is outside 1..{last + 1}")
        while True:
            found = self.node.feed.after(from_index, bytes_max)
            if found is None:
                if from_index <= self.node.replica.base.index:
                    first = self.node.replica.base.index + 1
                    raise TailGone(f"from_index: {from_index} is gone, the log begins at {first}")
                found = await self._store.read(from_index, bytes_max)
                if not found:  # a snapshot overtook the reader, or the log was cut meanwhile
                    continue
            if found:
                return found
            await self._published.wait()

    def status(self) -> NodeStatus:
        return node_status(self.node)

    @property
    def waiting_commands(self) -> int:
        """Admitted and not yet answered."""
        return self.node.waiting_commands

    @property
    def unstored_results(self) -> int:
        """Applied entries whose results ride in a write to come."""
        return self.node.unstored_results

    async def snapshot(self) -> int:
        """Saves a snapshot of the state; gives its index. 0: there is nothing to save.

        Raises `SnapshotFailed`. One that was under way may be of an older state, or come to nothing
        with a damaged record or a leader's snapshot: then the next is asked for.
        """
        wanted, failures = self.node.snapshot_soon(), self._failures
        self._after_input()
        while self._saved_index < wanted:
            if self._failures != failures and self._failed[0] >= wanted:
                raise SnapshotFailed(f"snapshot {self._failed[0]}: {self._failed[1]}")
            if not self.node.snapshots.is_busy:
                self.node.snapshot_soon()
                self._after_input()
            await self._changed.wait()
        return max(wanted, self._saved_index)

    async def running(self) -> None:
        """Returns when the node may be asked: a lone voter when it takes submissions."""
        await self._started.wait()

    def stop(self) -> None:
        """Drains: nothing new is taken, what was taken is finished, then `run` returns."""
        if self._stage in (Stage.STARTING, Stage.RUNNING):
            self._stage = Stage.DRAINING
            self.node.stop()
            self._after_input()

    # --- the tasks ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Returns after `stop`, when all that was accepted is applied and stored, or is unknown."""
        self._note_start()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write_loop)
            nursery.start_soon(self._apply_loop)
            nursery.start_soon(self._timer_loop)
            nursery.start_soon(self._save_loop)
            nursery.start_soon(self._exchange_loop)
            if self._transport is not None:
                nursery.start_soon(self._receive_loop, self._transport)
            await self._drained()
            if self.on_drained is not None:
                with trio.move_on_after(LAST_S_MAX), contextlib.suppress(SnapshotFailed):
                    await self.on_drained()  # of what failed the node has warned
            nursery.cancel_scope.cancel()
        self._stage = Stage.STOPPED
        self.node.end()

    async def _drained(self) -> None:
        while self._stage is not Stage.DRAINING:
            await self._timing.wait()
        with trio.move_on_after(DRAIN_S_MAX):
            while not self.node.is_drained:
                await self._timing.wait()

    async def _write_loop(self) -> None:
        while True:
            taken = self.node.take_write()
            self._send()
            if taken is None:
                self._timing.fire()
                await self._work.wait()
                continue
            token, write = taken
            started_s = self._clock.monotonic_s()
            await self._store.append(write)
            self._observer.wrote(len(write.records), self._clock.monotonic_s() - started_s)
            self.node.written(token)
            self._after_input()

    async def _apply_loop(self) -> None:
        while True:
            while self.node.apply_next():
                self._after_input()
                await trio.lowlevel.checkpoint()  # the writer comes first: the disk waits for it
            await self._committed.wait()

    async def _receive_loop(self, transport: Transport) -> None:
        received = 0
        while True:
            message = await transport.receive()
            self.node.receive(message)
            self._after_input()
            received += 1
            if received % MESSAGES_AT_ONCE == 0:
                await trio.lowlevel.checkpoint()

    async def _timer_loop(self) -> None:
        while True:
            deadline_s = self.node.deadline_s
            if self._clock.monotonic_s() >= deadline_s:
                self.node.tick()
                self._after_input()
                await trio.lowlevel.checkpoint()
            else:
                await self._timing.wait(deadline_s)

    async def _save_loop(self) -> None:
        while True:
            taken = self.node.take_snapshot()
            if taken is None:
                await self._to_save.wait()
                continue
            meta, data = taken
            try:
                await self._snapshots.save(meta, data)
            except OSError as error:
                self._failures += 1
                self._failed = (meta.index, str(error))
                self.node.snapshot_failed(meta, str(error))
            else:
                self._saved_index = max(self._saved_index, meta.index)
                self.node.snapshot_saved(meta)
            self._after_input()

    async def _exchange_loop(self) -> None:
        """Reads what a follower needs, restores what a leader sent.

        On a thread: that takes seconds, and a node that is silent for so long is taken for dead.
        """
        node = self.node
        while True:
            index, arrived = node.snapshots.take_to_read(), node.snapshots.take_to_restore()
            if index != 0:
                base = node.replica.base.index
                read = await trio.to_thread.run_sync(newest_outgoing, self._snapshots, index, base)
                node.snapshot_read(index, read)
            if arrived is not None:
                machine = await trio.to_thread.run_sync(machine_of, node.kind, *arrived)
                node.snapshot_restored(*arrived, machine)
            if index == 0 and arrived is None:
                await self._to_exchange.wait()
            else:
                self._after_input()

    def _after_input(self) -> None:
        """What the node has to give now, and whom its change concerns."""
        self._send()
        if self.node.has_to_apply:
            self._committed.fire()
        if self.node.feed.last_index != self._published_index:
            self._published_index = self.node.feed.last_index
            self._published.fire()
        if self._stage is Stage.STARTING:
            self._note_start()
        self._work.fire()
        self._to_save.fire()
        self._changed.fire()
        self._to_exchange.fire()
        self._timing.fire()

    def _send(self) -> None:
        messages = self.node.take_messages()
        if self._transport is None:
            return
        configuration = self.node.replica.configuration
        if configuration is not self._known:
            self._known = configuration
            self._transport.know(dict(configuration.addresses))
        for message in messages:
            self._transport.send(message)

    def _note_start(self) -> None:
        configuration = self.node.replica.configuration
        alone = configuration.voters == (self.node.replica.member,)
        if self._stage is Stage.STARTING and (self.node.accepting or not alone):
            self._stage = Stage.RUNNING
            self._started.set()
