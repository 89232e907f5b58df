"""The consensus replica: which entries are in the log, and which of them are decided.

Why it exists: the rules by which a cluster never loses or doubles an acknowledged entry are few
and easy to break, so they stand here without any I/O, clock or randomness: inputs go in,
outputs come out, and the same inputs give the same outputs, under test as in production. It
must not know disks, sockets, time sources or what a payload means. Today a cluster has one
voter; the shape (terms, votes, a disk that answers late, commitment by quorum) is that of Raft,
and members, elections and messages come behind the same inputs and outputs.

The rules
 1. A term has at most one leader. A replica votes once per term, and its term and vote are
    durable before anybody, itself included, counts the vote.
 2. Only the leader of the current term makes records, each at last index + 1, carrying the hash
    of the record before it. A leader never alters or removes a record.
 3. Log time never goes back: a record's ts_ns is the given now, or that of the record before it
    if now is less.
 4. The own disk is a peer that answers late: a record counts as stored here only after
    `persisted`, never when it was handed out.
 5. A record is committed when a majority of the voters has it on disk *and* a record of the
    current term at or above it is on that majority's disks: older terms' records are committed
    only along with one of the current term (Raft, section 5.4.2, figure 8).
 6. Therefore a new leader first makes an empty record of its own term; with it everything that
    it inherited is decided, and nothing is proposed before it.
 7. Committed records are handed out in order, each once, none skipped.

The caller's duties
 1. One caller, one thread. After every input, take `ready()` until it is None.
 2. Write `records` and `hard_state` of one Ready in one durable transaction, Readies in the
    order in which they were given; then, and not before, call `persisted` with its token.
 3. Never call `persisted` for a write that failed: end the process. The replica has no input
    for "the disk said no", because nothing sound can follow it.
 4. Apply `committed` in order. Nobody outside may learn of an entry, or of its effect, before it
    is in `committed`.
 5. Give `propose` payloads that the machine can apply; the replica does not look at them.
"""

from collections import deque
from collections.abc import Sequence
from enum import Enum

import msgspec

from replication.ports import HardState
from replication.quorum import durable_on_majority, majority
from replication.record import CLUSTER_ID_BYTES, Record, check_follows, seal


class Role(Enum):
    FOLLOWER = "FOLLOWER"
    CANDIDATE = "CANDIDATE"
    LEADER = "LEADER"


class NotLeader(Exception):
    """The caller's fault or bad luck: only a leader takes proposals. Nothing was accepted."""


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller has to do now; see the caller's duties."""

    token: int
    hard_state: HardState | None
    records: tuple[Record, ...]
    committed: tuple[Record, ...]

    @property
    def must_persist(self) -> bool:
        return self.hard_state is not None


class Replica:
    """One voter of one cluster. See the module's rules; each is named where it is kept."""

    def __init__(self, node_id: int, cluster: bytes, voters: frozenset[int]) -> None:
        assert len(cluster) == CLUSTER_ID_BYTES, cluster
        assert voters == {node_id}, "clusters of several members are not implemented yet"
        self._node_id = node_id
        self._cluster = cluster
        self._role = Role.FOLLOWER
        self._term = 0
        self._vote = 0
        self._leader = 0
        self._last_index = 0
        self._last_hash = bytes(32)
        self._last_term = 0
        self._last_ts_ns = 0
        self._term_start_index = 0
        self._commit_index = 0
        self._durable = dict.fromkeys(voters, 0)
        self._votes: set[int] = set()
        self._uncommitted: deque[Record] = deque()
        self._to_persist: list[Record] = []
        self._to_apply: list[Record] = []
        self._hard_state_changed = False
        self._in_writing: deque[tuple[int, HardState]] = deque()
        self._token = 0
        self._started = False
        self._empty_payload = b""

    # --- what others may read ---------------------------------------------------------------

    @property
    def node_id(self) -> int:
        return self._node_id

    @property
    def cluster(self) -> bytes:
        return self._cluster

    @property
    def role(self) -> Role:
        return self._role

    @property
    def term(self) -> int:
        return self._term

    @property
    def leader(self) -> int:
        """Node id of the leader of this term, 0 if none is known."""
        return self._leader

    @property
    def last_index(self) -> int:
        return self._last_index

    @property
    def term_start_index(self) -> int:
        """Of the empty record that began this node's leadership; 0 while it does not lead."""
        return self._term_start_index

    @property
    def durable_index(self) -> int:
        """The last index on this replica's own disk."""
        return self._durable[self._node_id]

    @property
    def may_propose(self) -> bool:
        """Leader, and the term's own empty record has been made (rule 6)."""
        return self._role is Role.LEADER and self._term_start_index > 0

    # --- inputs -----------------------------------------------------------------------------

    def start(
        self,
        hard_state: HardState,
        applied: Record | None,
        tail: Sequence[Record],
        empty_payload: bytes,
    ) -> None:
        """Begins from what recovery found, and stands for election in a new term.

        `applied` is the last record that the machine has in it (known to be committed), None at
        the log's beginning; `tail` is every record after it. `empty_payload` is what a new
        leader's first record carries. The end of the tail must be the anchor of `hard_state`.
        """
        assert not self._started, "a replica starts once"
        self._started = True
        self._empty_payload = empty_payload
        if applied is not None:
            self._extend_with(applied)
        self._commit_index = self._last_index
        for record in tail:
            check_follows(
                record, self._last_index, self._last_hash, self._last_term, self._last_ts_ns
            )
            self._extend_with(record)
            self._uncommitted.append(record)
        anchor = (hard_state.last_index, hard_state.last_hash)
        assert anchor == (self._last_index, self._last_hash), "recovery did not reach the anchor"
        assert hard_state.term >= self._last_term, "the log is ahead of the term"
        self._durable[self._node_id] = self._last_index
        self._term = hard_state.term
        self._vote = hard_state.vote
        self._stand_for_election()

    def propose(self, payload: bytes, now_ns: int) -> int:
        """Makes a record of `payload` and gives its index. It is not yet durable or decided."""
        if not self.may_propose:
            raise NotLeader(f"node {self._node_id} is {self._role.value} of term {self._term}")
        return self._append(payload, now_ns)

    def persisted(self, token: int) -> None:
        """The disk answered: the write of the Ready with this token is durable."""
        assert self._in_writing, "persisted without a write"
        expected, written = self._in_writing.popleft()
        assert token == expected, f"write {token} completed before write {expected}"
        if written.vote == self._node_id and written.term == self._term:
            self._count_vote(self._node_id)
        self._durable[self._node_id] = written.last_index
        self._advance_commit()

    # --- outputs ----------------------------------------------------------------------------

    def ready(self) -> Ready | None:
        """What there is to do since the last call; None if nothing."""
        persist = self._hard_state_changed or bool(self._to_persist)
        if not persist and not self._to_apply:
            return None
        hard_state = None
        if persist:
            hard_state = HardState(
                term=self._term, vote=self._vote, last_index=self._last_index,
                last_hash=self._last_hash,
            )  # fmt: skip
            self._token += 1
            self._in_writing.append((self._token, hard_state))
        ready = Ready(
            token=self._token if persist else 0,
            hard_state=hard_state,
            records=tuple(self._to_persist),
            committed=tuple(self._to_apply),
        )
        self._hard_state_changed = False
        self._to_persist.clear()
        self._to_apply.clear()
        return ready

    # --- inside -----------------------------------------------------------------------------

    def _stand_for_election(self) -> None:
        self._role = Role.CANDIDATE
        self._term += 1
        self._vote = self._node_id
        self._leader = 0
        self._votes.clear()
        self._hard_state_changed = True  # rule 1: the vote counts when this is durable

    def _count_vote(self, voter: int) -> None:
        if self._role is not Role.CANDIDATE:
            return
        self._votes.add(voter)
        if len(self._votes) < majority(len(self._durable)):
            return
        self._role = Role.LEADER
        self._leader = self._node_id
        self._term_start_index = self._last_index + 1
        self._append(self._empty_payload, self._last_ts_ns)  # rule 6

    def _append(self, payload: bytes, now_ns: int) -> int:
        record = seal(
            self._cluster, self._last_index + 1, self._term, max(now_ns, self._last_ts_ns),
            self._last_hash, payload,
        )  # fmt: skip
        self._extend_with(record)  # rules 2 and 3
        self._uncommitted.append(record)
        self._to_persist.append(record)
        return record.index

    def _extend_with(self, record: Record) -> None:
        self._last_index = record.index
        self._last_hash = record.hash
        self._last_term = record.term
        self._last_ts_ns = record.ts_ns

    def _advance_commit(self) -> None:
        decided = durable_on_majority(self._durable.values())
        if self._term_start_index == 0 or decided < self._term_start_index:
            return  # rule 5: nothing of this term is on a majority's disks yet
        while self._uncommitted and self._uncommitted[0].index <= decided:
            record = self._uncommitted.popleft()
            assert record.index == self._commit_index + 1, "rule 7"
            self._commit_index = record.index
            self._to_apply.append(record)
