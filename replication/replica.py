"""The consensus replica: which entries are in the log, and which of them are decided.

Why it exists: the rules by which a cluster never loses or doubles an acknowledged entry are few
and easy to break, so they stand without any I/O, clock or randomness: inputs go in, outputs come
out, and the same inputs give the same outputs, under test, in the simulator and in production. It
is Raft (Ongaro and Ousterhout, 2014; Ongaro's thesis for pre-vote, check-quorum, transfer, leases
and reads), with records that are chained by hash and a disk that may lie. It must not know disks,
sockets, time sources or what a payload means. This file has the rules and the doors; behind them

    elections.py   following.py   leading.py     the three roles
    installing.py  snapshot_chunks.py            a snapshot in the place of records
    log_window.py  progress.py    membership.py  quorum.py    what they reckon with

The rules
 1. A term has at most one leader. A replica votes once per term, and its term and vote are
    durable before anybody, itself included, counts the vote or sees another message of the term.
 2. Only the leader of the current term makes records, each at last index + 1, carrying the hash
    of the record before it. A leader never alters or removes a record.
 3. Log time never goes back: a record's ts_ns is the given now, or that of the record before it
    if now is less.
 4. The own disk is a peer that answers late: a record counts as stored here only after
    `persisted`, never when it was handed out. It travels to the others meanwhile.
 5. A record is committed when a majority of the voters has it on disk *and* a record of the
    current term at or above it is on that majority's disks: older terms' records are committed
    only along with one of the current term (Raft, section 5.4.2, figure 8).
 6. Therefore a new leader first makes an empty record of its own term; with it everything that
    it inherited is decided, and nothing is proposed or read before it.
 7. Committed records are handed out in order, each once, none skipped.
 8. A leader that does not hear a majority for an election timeout ceases to lead.
 9. A read is answered only by a leader that has proof, newer than the question or still in its
    lease, that nobody else leads.
10. What is damaged on the disk is not missing: see following.py.

The caller's duties
 1. One caller, one thread. After every input, take the messages, committed records, reads and
    the write, until there are none.
 2. Make each write durable, whole, in the order in which they were taken, the next only after
    `persisted` of the one before.
 3. Never call `persisted` for a write that failed: end the process. The replica has no input
    for "the disk said no", because nothing sound can follow it.
 4. Apply `committed` in order. Nobody outside may learn of an entry, or of its effect, before it
    is in `committed`.
 5. Give `propose` payloads that the machine can apply; the replica does not look at them.
 6. Call `tick` when `deadline_s` has come, with the node's monotonic clock.
"""

from collections.abc import Collection, Sequence

import msgspec

from replication import membership
from replication.installing import Installing
from replication.log_window import LogWindow, RecordReader
from replication.membership import Configuration
from replication.messages import (
    Append,
    AppendReply,
    Join,
    Message,
    Repair,
    RepairReply,
    SnapshotChunk,
    SnapshotReply,
    TimeoutNow,
    VoteReply,
    VoteRequest,
    node_number,
)
from replication.ports import Base, HardState
from replication.progress import Progress
from replication.record import CLUSTER_ID_BYTES, COMMANDS, CorruptRecord, Record
from replication.replica_state import NOBODY, ReplicaSettings, Role

__all__ = ["NotLeader", "Replica", "ReplicaSettings", "ReplicaWrite", "Role", "Start"]


class NotLeader(Exception):
    """The caller's fault or bad luck: only a leader takes proposals. Nothing was accepted."""


class ChangeRefused(Exception):
    """The caller's fault or bad luck: the members do not change, or the lead is not handed over."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What recovery found. `committed_index` is known to be decided: there are results up to it.

    `configurations` are those of the kept log, oldest first, and at its front the one in force at
    the base. `damaged` has the expected hash of each bad record, empty where it is not known yet.
    """

    hard_state: HardState
    base: Base
    committed_index: int
    applied_index: int
    configurations: Sequence[tuple[int, Configuration]]
    damaged: dict[int, bytes]


class ReplicaWrite(msgspec.Struct, frozen=True, kw_only=True):
    """What must be made durable at once; see `replication.ports.Write` for the meanings."""

    token: int
    hard_state: HardState
    reset: Base | None
    cut_from: int
    repaired: Sequence[Record]
    records: Sequence[Record]


class Replica(Installing):
    """One member of one cluster. See the module's rules; each is named where it is kept."""

    def start(
        self, start: Start, reader: RecordReader, empty_payload: bytes, now_s: float
    ) -> None:  # fmt: skip
        """Begins from what recovery found. `empty_payload` is what a new leader writes first."""
        assert len(self.cluster) == CLUSTER_ID_BYTES, self.cluster
        assert not hasattr(self, "_log"), "a replica starts once"
        assert start.configurations, "a replica belongs to a cluster"
        state = start.hard_state
        assert start.base.index <= start.applied_index <= start.committed_index
        assert start.committed_index <= state.last_index, "results beyond the log"
        self._now_s = now_s
        self._empty_payload = empty_payload
        self._repair_due_s = now_s
        self._join_due_s = now_s
        self._log = LogWindow(
            start.base, state, reader, dict(start.damaged), self.settings.cache_bytes_max
        )
        self._configurations = list(start.configurations)
        self._term, self._vote = state.term, state.vote
        assert self._term >= self._log.last_term, "the log is ahead of the term"
        self._commit_index = self._handed_index = start.applied_index
        self._verified_index = start.committed_index
        self._commit_through(start.committed_index)
        self._begin_waiting()

    # --- what others may read ---------------------------------------------------------------

    @property
    def role(self) -> Role:
        return self._role

    @property
    def term(self) -> int:
        return self._term

    @property
    def leader(self) -> int:
        """Member id of the leader of this term, 0 if none is known."""
        return self._leader

    @property
    def last_index(self) -> int:
        return self._log.last_index

    @property
    def commit_index(self) -> int:
        return self._commit_index

    @property
    def base(self) -> Base:
        return self._log.base

    @property
    def durable_index(self) -> int:
        """The last index on this replica's own disk."""
        return self._log.durable_index

    @property
    def damaged(self) -> int:
        """How many records are in repair."""
        return len(self._log.damaged)

    @property
    def in_repair(self) -> Collection[int]:
        """Their indexes: a view that changes with them."""
        return self._log.damaged.keys()

    @property
    def term_start_index(self) -> int:
        """Of the empty record that began this node's leadership; 0 while it does not lead."""
        return self._term_start_index

    @property
    def progress(self) -> dict[int, Progress]:
        """Of every other member, while this one leads; for reading only."""
        return self._progress

    @property
    def may_propose(self) -> bool:
        """Leads, and is not handing over."""
        return self._role is Role.LEADER and self._transferee == NOBODY

    @property
    def deadline_s(self) -> float:
        """When `tick` is wanted at the latest."""
        leads = self._role is Role.LEADER
        due_s = self._heartbeat_due_s if leads else self._election_due_s
        if leads:
            due_s = min(due_s, self._quorum_due_s, self._transfer_ends_s)
        if self._log.damaged:
            due_s = min(due_s, self._repair_due_s)
        if self._is_stranger:
            due_s = min(due_s, self._join_due_s)
        return due_s

    @property
    def _is_stranger(self) -> bool:
        return not self.configuration.has(self.member)

    # --- inputs -----------------------------------------------------------------------------

    def tick(self, now_s: float) -> None:
        self._now_s = now_s
        if now_s >= self._transfer_ends_s:
            self._give_up_transfer()
        if now_s >= self._quorum_due_s:
            self._check_quorum()
        if now_s >= self._heartbeat_due_s:
            self._heartbeat()
        if now_s >= self._election_due_s:
            if not self.configuration_at(self._commit_index).votes(self.member):
                # What made it a member may be lost with the leader who wrote it.
                self._ask_to_join()
            self._stand()
        if self._log.damaged and now_s >= self._repair_due_s:
            self._repair_due_s = now_s + self.settings.heartbeat_s
            self._ask_for_repairs()
        if self._is_stranger and now_s >= self._join_due_s:
            self._join_due_s = now_s + self.settings.election_timeout_s
            self._ask_to_join()

    def propose(self, payload: bytes, wall_ns: int, now_s: float) -> Record:
        """Makes a record of `payload`. It is not yet durable or decided."""
        self._now_s = now_s
        if not self.may_propose:
            raise NotLeader(f"member {self.member} is {self._role.value} of term {self._term}")
        return self._append(payload, wall_ns, COMMANDS)

    def receive(self, message: Message, now_s: float) -> None:
        """A message arrived. Of another member's, or for another, nothing is believed."""
        self._now_s = now_s
        if message.sender == self.member:
            return
        if message.to != self.member and not self._is_for_this_node(message):
            return
        try:
            self._receive(message)
        except CorruptRecord as error:  # what the log read for it; nothing was changed by then
            self._found_damage(error.index)
        self._take_restored()

    def _is_for_this_node(self, message: Message) -> bool:
        """Who joins knows nodes only, not which incarnation is alive there."""
        return isinstance(message, Join) and message.to == node_number(self.member)

    def _receive(self, message: Message) -> None:
        match message:
            case VoteRequest():
                self._on_vote_request(message)
                return
            case Repair():
                self._on_repair(message)
                return
            case RepairReply():
                self._on_repair_reply(message)
                return
            case Join():
                if self._role is Role.LEADER:
                    self._on_join(message)
                return
            case VoteReply(pre=True, granted=True):
                self._on_vote_reply(message)
                return
        if message.term > self._term:
            self._new_term(message.term)
            self._become_follower(NOBODY)
        if message.term < self._term:
            if isinstance(message, Append | SnapshotChunk):
                self._deny_old_leader(message.sender)
            return
        self._receive_of_this_term(message)

    def _receive_of_this_term(self, message: Message) -> None:
        match message:
            case Append():
                self._on_append(message)
            case AppendReply():
                self._on_append_reply(message)
            case VoteReply():
                self._on_vote_reply(message)
            case SnapshotChunk():
                self._on_snapshot_chunk(message)
            case SnapshotReply():
                self._on_snapshot_reply(message)
            case TimeoutNow():
                self._on_timeout_now(message)
            case _:
                raise AssertionError(f"a message of no kind that is known: {message}")

    def persisted(self, token: int, now_s: float) -> None:
        """The disk answered: the write with this token is durable."""
        self._now_s = now_s
        written = self._in_flight
        assert written is not None, "persisted without a write"
        assert token == self._token, f"write {token} completed, {self._token} is under way"
        self._in_flight = None
        self._log.end_write()
        if self._reset_in_flight is not None:
            self._finish_reset(self._reset_in_flight)
        if self._take_restored():
            self._repair_due_s = now_s  # what came back names the next one to ask for
        had_news = self._hard_state_in_flight
        self._hard_state_in_flight = False
        held, self._held_in_flight = self._held_in_flight, []
        # What was said in a term that has passed is not said any more: see rule 1 for votes; an
        # acknowledgement may since have been cut from the log.
        self._outbox.extend(message for message in held if message.term >= self._term)
        if had_news and written.vote == self.member and written.term == self._term:
            self._own_vote_is_durable()
        try:
            self._commit_through(self._commit_index)  # what was in repair may be whole now
            if self._role is Role.LEADER:
                self._advance_commit()
            else:
                self._acknowledge_news()
        except CorruptRecord as error:  # of an older record, read to be handed out
            self._found_damage(error.index)

    def read(self, context: int, now_s: float) -> bool:
        """Ask for proof that we lead; `take_reads` gives the context back. False: we do not."""
        self._now_s = now_s
        if self._role is not Role.LEADER or len(self._reads) >= self.settings.reads_waiting_max:
            return False
        self._read(context)
        return True

    def transfer(self, member: int, now_s: float) -> None:
        """Hand the lead to another voter. Raises `ChangeRefused`; may come to nothing later."""
        self._now_s = now_s
        if self._role is not Role.LEADER:
            raise ChangeRefused(f"member {self.member} does not lead")
        if self._transferee != NOBODY:
            raise ChangeRefused(f"the lead is on its way to member {self._transferee}")
        if member not in self._progress or member not in self.configuration.voters:
            raise ChangeRefused(f"member {member}: is no other voter of this cluster")
        if self._progress[member].damaged:
            raise ChangeRefused(f"member {member}: repairs its log")
        self._transfer(member)

    def change_members(self, configuration: Configuration, now_s: float) -> int:
        """Propose what comes after the present members; gives the record's index.

        Raises `ChangeRefused`, or `membership.BadConfiguration` for one that no cluster may have.
        """
        self._now_s = now_s
        if self._role is not Role.LEADER:
            raise ChangeRefused(f"member {self.member} does not lead")
        if not self._may_change:
            raise ChangeRefused("another change is under way, or the term has only begun")
        return self._change(configuration)

    def found_damage(self, index: int) -> None:
        """A read of a record at `index` failed: it is in repair from now on."""
        self._found_damage(index)

    def record(self, index: int) -> Record:
        """Of the kept log. Raises `CorruptRecord`."""
        return self._log.record(index)

    def base_at(self, index: int) -> Base:
        """What would be the base if the log were cut up to `index`, of the kept log or its base.

        Raises `CorruptRecord`.
        """
        members = membership.encode(self.configuration_at(index))
        if index == self._log.base.index:
            return msgspec.structs.replace(self._log.base, members=members)
        record = self._log.record(index)
        return Base(
            index=index, term=record.term, ts_ns=record.ts_ns, hash=record.hash, members=members,
        )  # fmt: skip

    def sound_base_at(self, index: int) -> Base | None:
        """As `base_at`; None if the record is damaged, and from now on it is in repair."""
        try:
            return self.base_at(index)
        except CorruptRecord as error:
            self._found_damage(error.index)
            return None

    def evict(self, through: int) -> None:
        """Applied up to `through`: the log's memory may shrink."""
        self._log.evict(through)

    # --- outputs ----------------------------------------------------------------------------

    def take_messages(self) -> list[Message]:
        """To be sent now; what must wait for the disk comes out later."""
        if self._role is Role.LEADER:
            if self._round_wanted:
                self._heartbeat()
                self._release_reads()
            self._send_what_is_new()
        messages, self._outbox = self._outbox, []
        return messages

    def take_committed(self) -> list[Record]:
        """Decided records that were not handed out before (rule 7)."""
        committed = list(self._to_apply)
        self._to_apply.clear()
        return committed

    def take_reads(self) -> tuple[list[tuple[int, int]], list[int]]:
        """(context, index that must be applied first) of proven reads; contexts of lost ones."""
        taken = self._ready_reads, self._lost_reads
        self._ready_reads, self._lost_reads = [], []
        return taken

    def take_write(self) -> ReplicaWrite | None:
        """What must be made durable next; None while a write is under way, or with nothing new."""
        if self._in_flight is not None:
            return None
        if not self._hard_state_dirty and not self._log.has_to_write:
            return None
        reset = self._reset_in_flight = self._reset
        self._reset = None
        cut_from, repaired, records = self._log.begin_write()
        end = (self._log.last_index, self._log.last_hash)
        if reset is not None:
            cut_from, repaired, records, end = 0, [], [], (reset.index, reset.hash)
        state = HardState(
            term=self._term, vote=self._vote, last_index=end[0], last_hash=end[1]
        )  # fmt: skip
        self._token += 1
        self._in_flight = state
        self._hard_state_in_flight = self._hard_state_dirty
        self._hard_state_dirty = False
        self._held_in_flight, self._held_next = self._held_next, []
        return ReplicaWrite(
            token=self._token, hard_state=state, reset=reset, cut_from=cut_from,
            repaired=repaired, records=records,
        )  # fmt: skip

    # --- joining ----------------------------------------------------------------------------

    def _ask_to_join(self) -> None:
        """Of all nodes that it knows; a leader to whom it is a member already lets it be."""
        own = node_number(self.member)
        known = {*self.nodes, *(node_number(m) for m in self.configuration.members)}
        for node in sorted(known - {own}):
            self._send(Join(sender=self.member, to=node, term=self._term, version=self.version))
