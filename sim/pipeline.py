"""From the leader's outbox over a broker to the ledger: the way of an event out of the core.

Why it exists: exactly-once is a promise about the posted entry, not about the log, so the run goes
on to there with production's outbox, fence and projector. The broker between them loses, repeats,
lags and fails, and old producers come back from the dead. It is told what is decided and compares:
nothing may be published that is not, nothing left out, nothing twice (EO), and the tokens of every
sink only grow and have one holder each (FEN).
"""

import random
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from ledger.memory import MemoryStore
from ledger.ports import LogEvents
from ledger.projector import Projector
from replication.outbox import (
    Acknowledged,
    Failed,
    Fence,
    Fenced,
    Open,
    Opened,
    Outbox,
    Phase,
    Publish,
)
from replication.ports import Committed
from replication.record import CorruptRecord
from replication.replica import Role
from sim.checkers import Checkers
from sim.network import Network
from sim.process import Host, State
from sim.world import NS_PER_MS, World

T = TypeVar("T")

BROKER: Final = 200
"""Its address on the network, beside the nodes' numbers."""

READ_BYTES: Final = 1 << 16
FLUSH_ENTRIES: Final = 16
CONSUME_MS: Final = 20
FLUSH_MS: Final = 150
LOST_RETRY_S: Final = 0.4
WINDOW_ENTRIES: Final = 32


class Producer:
    """One life of one leader's process, with its outbox."""

    def __init__(self, host: Host, pipeline: "Pipeline") -> None:
        self.host = host
        self.life = host.life
        self.outbox = Outbox(host.member, window_entries=WINDOW_ENTRIES, answer_s=LOST_RETRY_S)
        self._pipeline = pipeline
        self._timer_ns = 0
        self._seen: tuple[object, ...] = ()

    @property
    def is_alive(self) -> bool:
        return self.host.life == self.life and self.host.node is not None

    def glance(self) -> None:
        """Something happened to the node; mostly nothing that matters here."""
        node = self.host.node
        if node is not None:
            replica = node.replica
            state = (replica.role, replica.term, replica.term_start_index, node.machine.index)
            if state != self._seen:
                self._seen = state
                self.look()

    def look(self) -> None:
        """The node's state has changed: lead, depose, offer, send."""
        node = self.host.node
        if node is None:
            return
        now_s = self.host.clock.monotonic_s()
        replica = node.replica
        if replica.role is Role.LEADER and node.machine.index >= replica.term_start_index > 0:
            self.outbox.lead(replica.term, now_s)
        elif self.outbox.phase not in (Phase.IDLE, Phase.FENCED):
            self.outbox.depose()
        self._offer(now_s)
        self._pipeline.check_window(self.outbox.in_flight)
        for request in self.outbox.take_requests():
            self._pipeline.carry(self, request)
        self._arm()

    def answered(self, answer: Opened | Acknowledged | Fenced | Failed) -> None:
        if self.is_alive:
            self.host.later(self._answered, answer)

    def _answered(self, answer: Opened | Acknowledged | Fenced | Failed) -> None:
        if self.is_alive:
            self.outbox.answer(answer, self.host.clock.monotonic_s())
            self.look()

    def _offer(self, now_s: float) -> None:
        node = self.host.node
        wanted = self.outbox.wants
        if node is None or wanted == 0 or wanted > node.machine.index:
            return
        entries = node.feed.after(wanted, READ_BYTES)
        if entries is None:
            try:
                entries = self.host.storage.log.read_committed(wanted, READ_BYTES)
            except CorruptRecord as error:
                self.host.call(node.replica.found_damage, error.index)
                return
            if not entries:
                entries = self._pipeline.read_elsewhere(wanted)
        if entries and entries[0].index == wanted:
            self.outbox.offer(entries, now_s)

    def _arm(self) -> None:
        due_s = self.outbox.deadline_s
        if due_s > 1e17:
            return
        due_ns = self.host.clock.world_ns_of(due_s)
        if self._timer_ns > self._pipeline.world.now_ns and self._timer_ns <= due_ns:
            return
        self._timer_ns = due_ns
        self._pipeline.world.at(due_ns, self._timer, due_ns)

    def _timer(self, due_ns: int) -> None:
        if due_ns == self._timer_ns and self.is_alive:
            self.host.later(self._tick)

    def _tick(self) -> None:
        if self.is_alive:
            self._timer_ns = 0
            self.outbox.tick(self.host.clock.monotonic_s())
            self.look()


class Pipeline:
    """The broker and the ledger behind it."""

    def __init__(
        self, world: World, network: Network, checkers: Checkers, rng: random.Random
    ) -> None:
        self.world = world
        self._network = network
        self._checkers = checkers
        self._rng = rng
        self.addresses: list[int] = [BROKER]
        """Of everybody on the network who is no node."""
        self.duplicates = 0.0
        self.loss = 0.0
        self.fired: dict[str, int] = {}
        self._down_until_ns = 0
        self._lag_until_ns = 0
        self._producers: dict[int, Producer] = {}
        self._fence = Fence()
        self._entries: list[Committed] = []
        self._tokens: dict[int, int] = {}
        """Epoch -> holder, as the broker accepted them."""
        self._last_epoch = 0
        self._old_requests: list[Open | Publish] = []
        self._store = MemoryStore()
        self._projector: Projector | None = None
        self._consumed = 0
        self._flush_due_ns = 0
        self._consume_is_due = False

    # --- producers --------------------------------------------------------------------------

    def look(self, host: Host) -> None:
        """Called whenever something happened to a host."""
        if host.node is not None:
            host.node.keep_from(self.published + 1)
        producer = self._producers.get(host.number)
        if producer is None or producer.life != host.life:
            if host.node is None or host.node.replica.role is not Role.LEADER:
                return
            producer = self._producers[host.number] = Producer(host, self)
        producer.glance()

    def carry(self, producer: Producer, request: Open | Publish) -> None:
        """To the broker, over a network that loses."""
        if len(self._old_requests) < 64:
            self._old_requests.append(request)
        self._network.post(producer.host.number, BROKER, self.loss, self._arrive, request, producer)
        if self.duplicates and self._rng.random() < self.duplicates:
            self._count("broker_duplicate")
            self._network.post(producer.host.number, BROKER, 0.0, self._arrive, request, producer)

    def raise_zombie(self, rng: random.Random) -> bool:
        """A request that an earlier leader once sent arrives now, with its old token."""
        if self._last_epoch and rng.random() < 0.3:
            # As of a process that was restored from a copy: the present token, another holder.
            holder = self._tokens[self._last_epoch] + 1
            self._arrive(Open(self._last_epoch, holder, 1), None)
            return True
        old = [request for request in self._old_requests if request.epoch < self._last_epoch]
        if not old:
            return False
        self._arrive(rng.choice(old), None)
        return True

    def read_elsewhere(self, wanted: int) -> list[Committed]:
        """A leader that began with a snapshot lacks what is older; some other node has it."""
        for host in self._checkers.running:
            try:
                found = host.storage.log.read_committed(wanted, READ_BYTES)
            except CorruptRecord:
                continue
            if found:
                return found
        return []

    # --- the broker -------------------------------------------------------------------------

    def outage(self, duration_ms: int) -> None:
        self._down_until_ns = self.world.now_ns + duration_ms * NS_PER_MS

    def lag(self, duration_ms: int) -> None:
        """Answers come late; so late that some producers ask again."""
        self._lag_until_ns = self.world.now_ns + duration_ms * NS_PER_MS

    def heal(self) -> None:
        self._down_until_ns = self._lag_until_ns = 0
        self.duplicates = self.loss = 0.0

    def _arrive(self, request: Open | Publish, producer: Producer | None) -> None:
        if self.world.now_ns < self._down_until_ns:
            self._count("broker_down")
            return
        answer: Opened | Acknowledged | Fenced | Failed
        if isinstance(request, Open):
            answer = self._fence.open(request)
        else:
            answer, new = self._fence.publish(request)
            for entry in new:
                self._keep(entry, request.epoch)
        if isinstance(answer, Opened | Acknowledged):
            self._check_token(request.epoch, request.holder)
        elif isinstance(answer, Fenced):
            self._count("fenced")
        if producer is None:
            self._checkers.check(
                "FEN",
                not isinstance(answer, Opened | Acknowledged),
                lambda: f"the sink took epoch {request.epoch} after {self._last_epoch}",
            )
            return
        delay_ms = self._rng.randint(100, 1500) if self.world.now_ns < self._lag_until_ns else 0
        self.world.after(
            delay_ms * NS_PER_MS,
            self._network.post,
            BROKER,
            producer.host.number,
            self.loss,
            producer.answered,
            answer,
        )

    def check_window(self, in_flight: int) -> None:
        self._checkers.check(
            "BOUND",
            in_flight <= WINDOW_ENTRIES,
            lambda: f"{in_flight} entries are published and not acknowledged",
        )

    def _check_token(self, epoch: int, holder: int) -> None:
        """FEN, counted here and not by the fence that is checked."""
        self._checkers.check(
            "FEN",
            epoch >= self._last_epoch,
            lambda: f"the sink took epoch {epoch} after {self._last_epoch}",
        )
        self._last_epoch = epoch
        known = self._tokens.setdefault(epoch, holder)
        self._checkers.check(
            "FEN", known == holder, lambda: f"epoch {epoch} has holders {known} and {holder}"
        )
        self._checkers.check(
            "FEN",
            self._checkers.leaders.get(epoch) == holder,
            lambda: f"member {holder} published in term {epoch}, which it did not lead",
        )

    def _keep(self, entry: Committed, epoch: int) -> None:
        """EO: published is a prefix of what is decided, each entry once."""
        check = self._checkers.check
        check(
            "EO",
            entry.index == len(self._entries) + 1,
            lambda: f"entry {entry.index} was published after {len(self._entries)}",
        )
        known = self._checkers.decided.get(entry.index)
        check(
            "EO",
            known is not None and known.chain == entry.chain,
            lambda: f"entry {entry.index} was published, and is not what was decided",
        )
        check("EO", entry.term <= epoch, lambda: f"entry {entry.index} is of a later term")
        self._entries.append(entry)
        self._wake()

    # --- the ledger -------------------------------------------------------------------------

    @property
    def published(self) -> int:
        return len(self._entries)

    @property
    def booked(self) -> int:
        return self._store.tables.cursor.log_index

    @property
    def reconciled(self) -> int:
        """How many comparisons of the ledger's balances with the core's were good."""
        return len(self._store.tables.reconciliations)

    def crash_ledger(self) -> None:
        """Between two transactions: what was not flushed is gone, what was stays."""
        self._projector = None
        self._wake()

    def _wake(self) -> None:
        if not self._consume_is_due:
            self._consume_is_due = True
            self.world.after(CONSUME_MS * NS_PER_MS, self._consume)

    def _consume(self) -> None:
        self._consume_is_due = False
        if self._projector is None:
            self._projector = run_now(Projector.open(self._store))
            self._consumed = self._projector.next_index - 1
        projector = self._projector
        if self.duplicates and self._consumed and self._rng.random() < self.duplicates:
            # A consumer group that was rebalanced reads some of it again.
            self._consumed = max(0, self._consumed - self._rng.randint(1, 5))
            self._count("redelivered")
        for entry in self._entries[self._consumed : self._consumed + FLUSH_ENTRIES]:
            log = LogEvents(0, entry.index, entry.term, entry.ts_ns, entry.events, entry.chain)
            run_now(projector.offer(log))
            self._consumed = entry.index
        if self._consumed < len(self._entries):
            self._wake()
        if projector.pending:
            if self.world.now_ns >= self._flush_due_ns:
                self._flush_due_ns = self.world.now_ns + FLUSH_MS * NS_PER_MS
                run_now(projector.flush())
            else:
                self._wake()

    def check_books(self) -> None:
        """EO at the end: every trade that was decided is booked once."""
        tables = self._store.tables
        booked = [entry for entry in tables.entries.values() if entry.trade_id]
        self._checkers.check(
            "EO",
            len(booked) == len(tables.trades),
            lambda: f"{len(booked)} entries for {len(tables.trades)} trades",
        )
        wrong = [r for r in tables.reconciliations.values() if not r.ok]
        self._checkers.check("EO", not wrong, lambda: f"the books differ: {wrong[0]}")

    def _count(self, kind: str) -> None:
        self.fired[kind] = self.fired.get(kind, 0) + 1


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as those of the store in memory."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("a coroutine waited in a world without a scheduler")


__all__ = ["BROKER", "Pipeline", "State", "run_now"]
