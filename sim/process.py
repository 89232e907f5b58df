"""One simulated computer: a disk, clocks, and a process that runs the production node on them.

Why it exists: it is the node's shell in virtual time, as `replication/driver.py` is on trio, and
the place where a process crashes, freezes, thaws and starts again. It keeps the shell's duties of
`replication/node.py` and nothing else: what a fault is and when it strikes, what is right and what
is wrong, is decided elsewhere. It tells its `Watcher` what can be seen from outside.

A crash loses the process and what the disk had not made durable. A pause keeps everything: what
arrives meanwhile waits, and the monotonic clock runs on, as after SIGSTOP or a frozen machine.
"""

import random
from collections.abc import Callable
from enum import Enum
from typing import Final, Protocol

from core.machine import Machine
from core.versions import UnknownVersion
from replication.batching import Submission
from replication.membership import Configuration
from replication.messages import Message, node_number
from replication.node import Node
from replication.node_snapshots import machine_of
from replication.ports import Committed, SnapshotData, SnapshotMeta, Write
from replication.progress import Outgoing
from replication.recovery import Recovered
from replication.settings import NodeSettings
from replication.snapshot_chunks import newest_outgoing
from sim.clocks import SimClock
from sim.network import Network
from sim.programs import NEW, Program
from sim.seeds import SeededEntropy
from sim.storage import FailedSync, Storage
from sim.world import NS_PER_MS, NS_PER_S, NS_PER_US, World

FROZEN_MAX: Final = 20_000
"""Inputs that wait for a frozen process; a real socket's buffer is smaller."""

WRITE_NS_MAX: Final = 2 * NS_PER_S
"""A disk that takes longer is a dead one."""

COPY_NS: Final = 200 * NS_PER_US
"""What an idle process takes for a step of a snapshot."""

SNAPSHOT_FACTOR: Final = 4
"""A snapshot takes so many times as long to save as a write."""


class State(Enum):
    DOWN = "DOWN"
    UP = "UP"
    PAUSED = "PAUSED"


class ProcessFailed(Exception):
    """Our bug: production code raised where no fault explains it."""

    def __init__(self, node: int, error: BaseException) -> None:
        super().__init__(f"node {node}: {type(error).__name__}: {error}")
        self.node = node
        self.error = error


class Watcher(Protocol):
    """Who sees what a computer does: the checkers."""

    def started(self, host: "Host", recovered: Recovered[Machine]) -> None: ...

    def stopped(self, host: "Host") -> None: ...

    def sent(self, host: "Host", message: Message) -> None: ...

    def durable(self, host: "Host", write: Write) -> None: ...

    def applied(self, host: "Host", entry: Committed) -> None: ...

    def changed(self, host: "Host") -> None: ...


class Quiet:
    """`replication.ports.Observer` that counts what the report needs."""

    def __init__(self) -> None:
        self.snapshots = 0
        self.refusals = 0

    def applied(self, commands: int, seconds: float) -> None: ...

    def wrote(self, entries: int, seconds: float) -> None: ...

    def refused(self, code: int) -> None:
        self.refusals += 1

    def snapshot_taken(self, index: int, size: int) -> None:
        self.snapshots += 1


class Host:
    """A computer. `node` is its process's production node while one runs."""

    def __init__(
        self, number: int, member: int, cluster: bytes, voters: tuple[int, ...],
        settings: NodeSettings, world: World, network: Network, clock: SimClock,
        storage: Storage, rng: random.Random, entropy: random.Random, watcher: Watcher,
    ) -> None:  # fmt: skip
        self.number = number
        self.member = member
        self.cluster = cluster
        self.voters = voters
        self.settings = settings
        self.world = world
        self.network = network
        self.clock = clock
        self.storage = storage
        self.watcher = watcher
        self.observer = Quiet()
        self.entropy = SeededEntropy(entropy)
        self.nodes: tuple[int, ...] = ()
        self.node: Node[Machine] | None = None
        self.state = State.DOWN
        self.life = 0
        """Grows with every start and end, so that what belongs to an earlier life is known."""
        self.disk_mean_us = 500
        self.disk_factor = 1.0
        self.applies_slowly = 0.0
        self.rot_on_crash = 0.0
        self.on_role: Callable[[Host], None] | None = None
        self.warnings: list[str] = []
        self.starts = 0
        self.configuration: Configuration | None = None
        """As its process has it, or had it last."""
        self.program: Program = NEW
        """What the next start runs."""
        self.came_late = False
        """Its program or its identity was exchanged: a leader may know of the one before."""
        self.on_outdated: Callable[[Host, UnknownVersion], None] | None = None
        self.is_refused = False
        """Recovery has refused to start on this disk; only a new disk helps."""
        self._rng = rng
        self._frozen: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._timer_ns = 0
        self._writing: Write | None = None
        self._saving: SnapshotMeta | None = None
        self._apply_waits = False
        self._crashes_in: dict[str, Callable[[], None]] = {}
        storage.on_durable = self._durable

    # --- the process ------------------------------------------------------------------------

    def start(self) -> None:
        """Recover from the disk and run. A disk that recovery refuses leaves the process down."""
        assert self.state is State.DOWN, f"node {self.number} is {self.state.value}"
        self.life += 1
        self.starts += 1
        self._note("start")
        recovered = self._guarded(self._recover)
        if recovered is None or recovered is _FAILED:
            return
        assert isinstance(recovered, Recovered)
        self.state = State.UP
        self.watcher.started(self, recovered)
        self._guarded(self._make_node, recovered)
        self.pump()

    def crash(self) -> None:
        """The process ends at once, and the disk forgets what was not durable."""
        if self.state is State.DOWN:
            return
        self._end()
        self.storage.crash()
        self._note("crash")
        self.watcher.stopped(self)

    def crash_in(self, what: str, struck: Callable[[], None]) -> None:
        """`struck` is called during the next write, or the next snapshot that is being saved, or,
        "installing", the next one of a leader's; it will crash the process."""
        self._crashes_in[what] = struck

    def pause(self) -> None:
        if self.state is State.UP:
            self.state = State.PAUSED
            self._note("pause")

    def resume(self) -> None:
        """Everything that came meanwhile is there at once, in its order."""
        if self.state is not State.PAUSED:
            return
        self.state = State.UP
        self._note("resume")
        frozen, self._frozen = self._frozen, []
        life = self.life
        for callback, arguments in frozen:
            if self.life == life:
                callback(*arguments)
        if self.life == life:
            self._timer_ns = 0
            self.pump()

    def wipe(self, member: int) -> None:
        """The disk is gone; an empty one takes its place, under a new identity."""
        self.crash()
        self.storage.wipe()
        self.member = member
        self.voters = ()
        self.configuration = None
        self.is_refused = False
        self.came_late = True

    def _end(self) -> None:
        node, self.node = self.node, None
        self.life += 1
        self.state = State.DOWN
        self._frozen.clear()
        self._writing = None
        self._saving = None
        self._apply_waits = False
        self._timer_ns = 0
        self._crashes_in.clear()
        if node is not None:
            node.end()
        if self.on_role is not None:
            self.on_role(self)

    # --- inputs -----------------------------------------------------------------------------

    def receive(self, message: Message) -> None:
        if self.state is State.DOWN:
            return
        if self.state is State.PAUSED:
            self._freeze(self.receive, message)
            return
        if self.node is not None and self._guarded(self.node.receive, message) is not _FAILED:
            self.pump()

    def submit(self, submission: Submission) -> None:
        if self.node is not None and self._guarded(self.node.submit, submission) is not _FAILED:
            self.pump()

    def call(self, callback: Callable[..., object], *arguments: object) -> None:
        """Anything else that is done to the node: queries, transfers, changes of members."""
        if self.node is not None and self._guarded(callback, *arguments) is not _FAILED:
            self.pump()

    def later(self, callback: Callable[..., None], *arguments: object) -> None:
        """As `callback` now, or when the process thaws; never if it is down."""
        if self.state is State.PAUSED:
            self._freeze(callback, *arguments)
        elif self.state is State.UP:
            callback(*arguments)

    def _freeze(self, callback: Callable[..., None], *arguments: object) -> None:
        if len(self._frozen) < FROZEN_MAX:
            self._frozen.append((callback, arguments))

    # --- outputs ----------------------------------------------------------------------------

    def pump(self) -> None:
        """The shell's duties 1 to 4, after every input."""
        if self._guarded(self._pump) is _FAILED or self.node is None:
            return
        configuration = self.node.replica.configuration
        if configuration.voters:
            self.configuration = configuration
        self.watcher.changed(self)
        if self.on_role is not None:
            self.on_role(self)
        self._arm(self.node)

    def _pump(self) -> None:
        node = self.node
        if node is None:
            return
        while True:
            self._carry_out(node)
            if self._apply_waits or not self._apply(node):
                return

    def _carry_out(self, node: Node[Machine]) -> None:
        watcher = self.watcher
        if self._writing is None:
            taken = node.take_write()
            if taken is not None:
                self._begin_write(*taken)
        for message in node.take_messages():
            watcher.sent(self, message)
            self.network.send(message)
        to_read = node.snapshots.take_to_read()
        if to_read:
            self.world.after(self._disk_ns(SNAPSHOT_FACTOR), self._read_ends, self.life, to_read)
        arrived = node.snapshots.take_to_restore()
        if arrived is not None:
            self.world.after(self._disk_ns(SNAPSHOT_FACTOR), self._restored, self.life, *arrived)
        if self._saving is None:
            snapshot = node.take_snapshot()
            if snapshot is not None:
                self._begin_save(*snapshot)

    def _apply(self, node: Node[Machine]) -> bool:
        if self.applies_slowly and node.has_to_apply and self._rng.random() < self.applies_slowly:
            # Other inputs may come between two entries; so now and then they do.
            self._apply_waits = True
            self.world.after(self._rng.randrange(5 * NS_PER_MS), self._apply_again, self.life)
            return False
        before = node.machine.index
        if not node.apply_next():
            return False
        if node.machine.index == before:
            # Only a part of a snapshot was copied: other inputs may come before the next part.
            self._apply_waits = True
            self.world.after(COPY_NS, self._apply_again, self.life)
            return False
        entries = node.feed.after(node.feed.last_index, 1)
        if entries:
            self.watcher.applied(self, entries[0])
        return True

    def _apply_again(self, life: int) -> None:
        if life == self.life:
            self._apply_waits = False
            self.later(self._thawed_pump, life)

    def _thawed_pump(self, life: int) -> None:
        if life == self.life:
            self.pump()

    # --- the disk ---------------------------------------------------------------------------

    def _begin_write(self, token: int, write: Write) -> None:
        self._writing = write
        self.storage.begin(write)
        takes_ns = self._disk_ns(1)
        self.world.after(takes_ns, self._write_ends, self.life, token)
        self._crash_within("writing", takes_ns)

    def _write_ends(self, life: int, token: int) -> None:
        """The disk has made it durable, whether the process runs or is frozen."""
        if life != self.life:
            return
        try:
            self.storage.complete()
        except FailedSync:
            self._note("failed_sync")
            self.crash()
            return
        self.later(self._written, life, token)

    def _durable(self, write: Write) -> None:
        self.watcher.durable(self, write)

    def _written(self, life: int, token: int) -> None:
        if life != self.life or self.node is None:
            return
        self._writing = None
        if self._guarded(self.node.written, token) is not _FAILED:
            self.pump()

    def _begin_save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        self._saving = meta
        self.storage.begin_snapshot(meta, data)
        takes_ns = self._disk_ns(SNAPSHOT_FACTOR)
        self.world.after(takes_ns, self._save_ends, self.life, meta)
        self._crash_within("saving", takes_ns)
        if self.node is not None and self.node.replica.is_installing:
            self._crash_within("installing", takes_ns)

    def _crash_within(self, what: str, takes_ns: int) -> None:
        struck = self._crashes_in.pop(what, None)
        if struck is not None:
            self.world.after(self._rng.randrange(takes_ns + 1), struck)

    def _save_ends(self, life: int, meta: SnapshotMeta) -> None:
        if life != self.life:
            return
        reason = self.storage.complete_snapshot()
        self._note("snapshot", index=meta.index, text=reason)
        self.later(self._saved, life, meta, reason)

    def _saved(self, life: int, meta: SnapshotMeta, reason: str) -> None:
        node = self.node
        if life != self.life or node is None:
            return
        self._saving = None
        if reason:
            failed = self._guarded(node.snapshot_failed, meta, reason)
        else:
            failed = self._guarded(node.snapshot_saved, meta)
        if failed is not _FAILED:
            self.pump()

    def _read_ends(self, life: int, index: int) -> None:
        if life == self.life:
            base = self.storage.log.base().index
            read = newest_outgoing(self.storage.snapshots, index, base)
            self.later(self._was_read, life, index, read)

    def _was_read(self, life: int, index: int, snapshot: Outgoing | None) -> None:
        if life == self.life and self.node is not None:
            self.call(self.node.snapshot_read, index, snapshot)

    def _restored(self, life: int, meta: SnapshotMeta, data: bytes) -> None:
        if life == self.life:
            self.later(self._was_restored, life, meta, data)

    def _was_restored(self, life: int, meta: SnapshotMeta, data: bytes) -> None:
        if life == self.life and self.node is not None:
            self.call(self._restore, self.node, meta, data)

    def _restore(self, node: Node[Machine], meta: SnapshotMeta, data: bytes) -> None:
        node.snapshot_restored(meta, data, machine_of(node.kind, meta, data))

    def _disk_ns(self, factor: int) -> int:
        mean_us = self.disk_mean_us * self.disk_factor * factor
        draw = self._rng.random()
        return min(int(mean_us * NS_PER_US * (0.2 + 2.4 * draw * draw)), WRITE_NS_MAX)

    # --- time -------------------------------------------------------------------------------

    def _arm(self, node: Node[Machine]) -> None:
        """At most one timer that counts: an earlier one finds nothing due and arms the next."""
        due_s = node.deadline_s
        if due_s > 1e17:
            return
        due_ns = max(self.clock.world_ns_of(due_s), self.world.now_ns)
        if self._timer_ns and self._timer_ns <= due_ns:
            return
        self._timer_ns = due_ns
        self.world.at(due_ns, self._timer, self.life, due_ns)

    def _timer(self, life: int, due_ns: int) -> None:
        if life != self.life or due_ns != self._timer_ns:
            return
        self._timer_ns = 0
        if self.state is State.PAUSED:
            return  # the thaw looks at the clock
        node = self.node
        if node is None:
            return
        if node.deadline_s > self.clock.monotonic_s():
            self._arm(node)
            return
        if self._guarded(node.tick) is not _FAILED:
            self.pump()

    def clock_changed(self) -> None:
        """The speed of the clock is another now, so the timer stands at a wrong place."""
        self._timer_ns = 0
        if self.node is not None and self.state is State.UP:
            self._arm(self.node)

    # --- inside -----------------------------------------------------------------------------

    def _recover(self) -> Recovered[Machine] | None:
        recovered = self.storage.recover(self.program, self.voters, self.warnings.append)
        if recovered is None:
            self.is_refused = True
            self._note("refused")
        return recovered

    def _make_node(self, recovered: Recovered[Machine]) -> None:
        self.node = Node(
            self.settings, self.member, self.cluster, recovered, self.program,
            self.storage.log, self.clock, self.entropy,
            self.warnings.append, self.observer,
        )  # fmt: skip
        self.node.replica.nodes = self.nodes

    def _guarded(self, callback: Callable[..., object], *arguments: object) -> object:
        """Runs production code. What it raises ends the run, unless a fault explains it."""
        life = self.life
        try:
            result = callback(*arguments)
        except UnknownVersion as error:
            self._outdated(error)
            return _FAILED
        except Exception as error:
            raise ProcessFailed(self.number, error) from error
        return result if life == self.life else _FAILED

    def _outdated(self, error: UnknownVersion) -> None:
        """The log is ahead of the program, which says so and ends."""
        self._note("outdated", index=error.index)
        self.crash()
        if self.on_outdated is None:
            raise ProcessFailed(self.number, error) from error
        self.on_outdated(self, error)

    def _note(self, kind: str, index: int = 0, text: str = "") -> None:
        self.world.trace.note(
            self.world.now_ns, kind, self.number, node_number(self.member), 0, index, text
        )


_FAILED: Final = object()
