"""What a replica remembers, and the few steps that every role shares: terms, roles, messages, log.

Why it exists: the roles (`elections.py`, `following.py`, `leading.py`) each read and change the
same state, and each change of role or term must set everything at once, so those steps stand
here and nowhere else. Nothing here decides to take a step. No I/O, no clock, no randomness: the
time is what the last input brought, a random timeout comes from an injected source.
"""

import math
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from replication import membership
from replication.log_window import LogWindow
from replication.membership import Configuration
from replication.messages import Message
from replication.ports import Base, HardState, SnapshotMeta
from replication.progress import Progress
from replication.record import MEMBERS, Record, seal
from replication.snapshot_chunks import Incoming

NOBODY: Final = 0


class Role(Enum):
    FOLLOWER = "FOLLOWER"
    PRE_CANDIDATE = "PRE_CANDIDATE"
    CANDIDATE = "CANDIDATE"
    LEADER = "LEADER"


class ReplicaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Times in seconds of the node's own monotonic clock, bounds in bytes and counts.

    Timeouts are drawn from one to two election timeouts. The lease is safe while no two members'
    clocks run at rates that differ by more than `clock_drift` (a tenth is far beyond quartz).
    """

    election_timeout_s: float = 0.5
    heartbeat_s: float = 0.1
    clock_drift: float = 0.1
    lease_reads: bool = True
    append_bytes_max: int = 1 << 20
    append_records_max: int = 256
    in_flight_messages_max: int = 64
    in_flight_bytes_max: int = 16 << 20
    snapshot_chunk_bytes: int = 1 << 20
    repairs_at_once_max: int = 16
    reads_waiting_max: int = 65_536
    cache_bytes_max: int = 64 << 20
    promote_within: int = 64
    """A learner that lacks at most so many records is made a voter, if it is to be one."""

    @property
    def lease_s(self) -> float:
        return self.election_timeout_s * (1 - self.clock_drift) / (1 + self.clock_drift)


class Read(msgspec.Struct):
    """A question that waits until this replica has proof that it leads."""

    context: int
    index: int
    round: int


class ReplicaState:
    """The fields; see `Replica` for who may call what."""

    def __init__(
        self, settings: ReplicaSettings, member: int, cluster: bytes,
        random_fraction: Callable[[], float],
    ) -> None:  # fmt: skip
        self.settings: Final = settings
        self.member: Final = member
        self.cluster: Final = cluster
        self._random_fraction = random_fraction
        self._log: LogWindow
        self._now_s = 0.0
        # --- who leads
        self._role = Role.FOLLOWER
        self._term = 0
        self._vote = NOBODY
        self._leader = NOBODY
        self._election_due_s = math.inf
        self._lease_until_s = -math.inf  # of somebody else's lease: no vote before it ends
        self._granted: dict[int, bool] = {}
        self._stands_for_transfer = False
        # --- who belongs
        self._configurations: list[tuple[int, Configuration]] = []
        # --- what is decided
        self._commit_index = 0
        self._handed_index = 0
        self._to_apply: deque[Record] = deque()
        # --- what must be durable before a message may leave
        self._token = 0
        self._in_flight: HardState | None = None
        self._hard_state_dirty = False
        self._hard_state_in_flight = False
        self._held_next: list[Message] = []
        self._held_in_flight: list[Message] = []
        self._outbox: list[Message] = []
        # --- as a follower
        self._verified_index = 0  # up to here the log is known to be this term's leader's
        self._round_seen = 0
        self._acked_index = 0
        # --- as a leader
        self._term_start_index = 0
        self._progress: dict[int, Progress] = {}
        self._round = 0
        self._round_began_s: dict[int, float] = {}
        self._reads: deque[Read] = deque()
        self._lost_reads: list[int] = []
        self._ready_reads: list[tuple[int, int]] = []
        self._heartbeat_due_s = math.inf
        self._quorum_due_s = math.inf
        self._transferee = NOBODY
        self._transfer_ends_s = math.inf
        self._lease_given_away = False
        self._round_wanted = False
        self._snapshot_wanted_by: list[int] = []
        self._empty_payload = b""
        # --- a snapshot that comes in
        self._incoming = Incoming()
        self._arrived: tuple[SnapshotMeta, bytes] | None = None
        self._reset: Base | None = None
        self._reset_in_flight: Base | None = None
        # --- what the disk damaged
        self._without: dict[tuple[int, bytes], dict[int, tuple[int, bytes]]] = {}
        """Damaged index and hash -> who has no such record -> what it has below: index, hash."""
        # --- what the node tells
        self.checkpoint: tuple[int, bytes] = (0, b"")
        self.version = 0
        self.has_room = True
        self.is_installing = False
        self.declines_lead = False
        self.nodes: tuple[int, ...] = ()  # numbers of the nodes whose addresses are known

    # --- configuration ----------------------------------------------------------------------

    @property
    def configuration(self) -> Configuration:
        """In force: that of the newest record of its kind in this log, committed or not."""
        return self._configurations[-1][1]

    @property
    def configuration_index(self) -> int:
        return self._configurations[-1][0]

    def configuration_at(self, index: int) -> Configuration:
        """What was in force at an index from the base on."""
        found = self._configurations[0][1]
        for at, configuration in self._configurations:
            if at > index:
                break
            found = configuration
        return found

    @property
    def _peers(self) -> list[int]:
        return [member for member in self.configuration.members if member != self.member]

    def _take_configuration(self, record: Record) -> None:
        configuration = membership.decode(record.payload)
        self._configurations.append((record.index, configuration))
        if self._role is Role.LEADER:
            self._sync_progress()

    def _sync_progress(self) -> None:
        """A leader keeps a progress of every other member, and of nobody else."""
        for member in self._peers:
            if member not in self._progress:
                self._progress[member] = Progress(self._log.last_index + 1)
        for member in [m for m in self._progress if m not in self.configuration.members]:
            del self._progress[member]

    # --- messages ---------------------------------------------------------------------------

    def _send(self, message: Message) -> None:
        """Leaves at once, or when the term and vote in which it was made are durable."""
        if self._hard_state_dirty:
            self._held_next.append(message)
        elif self._hard_state_in_flight:
            self._held_in_flight.append(message)
        else:
            self._outbox.append(message)

    # --- log --------------------------------------------------------------------------------

    def _append(self, payload: bytes, wall_ns: int, kind: int) -> Record:
        """Rules 2 and 3: the leader's next record."""
        log = self._log
        record = seal(
            self.cluster, log.last_index + 1, self._term, max(wall_ns, log.last_ts_ns),
            log.last_hash, payload, kind,
        )  # fmt: skip
        self._extend(record)
        return record

    def _extend(self, record: Record) -> None:
        self._log.append(record)
        if record.kind == MEMBERS:
            self._take_configuration(record)

    def _cut(self, from_index: int, below: bytes) -> None:
        """`below`: the hash of the record before it, with which our log ends from now on."""
        assert from_index > self._commit_index, (
            f"record {from_index} is committed (up to {self._commit_index}) and was to be cut"
        )
        self._log.cut(from_index, below)
        while len(self._configurations) > 1 and self._configurations[-1][0] >= from_index:
            self._configurations.pop()
        self._verified_index = min(self._verified_index, from_index - 1)

    def _take_restored(self) -> bool:
        """A list of members that was damaged is in force again; one of another branch ceases.

        True: some record is back.
        """
        restored = self._log.take_restored()
        for record in restored:
            others = [pair for pair in self._configurations[1:] if pair[0] != record.index]
            if record.kind == MEMBERS and record.index > self._log.base.index:
                others.append((record.index, membership.decode(record.payload)))
            self._configurations[1:] = sorted(others, key=lambda pair: pair[0])
        return bool(restored)

    def _commit_through(self, index: int) -> None:
        """Rule 7: decided records are handed out in order, each once."""
        if index > self._commit_index:
            assert index <= self._log.last_index, (index, self._log.last_index)
            self._commit_index = index
        limit = min(self._commit_index, self._log.sound_index)
        while self._handed_index < limit:
            self._to_apply.append(self._log.record(self._handed_index + 1))
            self._handed_index += 1

    # --- terms and roles --------------------------------------------------------------------

    def _new_term(self, term: int, vote: int = NOBODY) -> None:
        """Rule 1: the term only grows, and a vote is given once in it."""
        assert term > self._term, (term, self._term)
        self._term = term
        self._vote = vote
        self._leader = NOBODY
        self._verified_index = self._commit_index
        self._acked_index = 0
        self._round_seen = 0
        self._hard_state_dirty = True

    def _become_follower(self, leader: int) -> None:
        was_leader = self._role is Role.LEADER
        self._role = Role.FOLLOWER
        self._leader = leader
        self._granted.clear()
        self._stands_for_transfer = False
        if was_leader:
            self._term_start_index = 0
            self._progress.clear()
            self._round_began_s.clear()
            self._lost_reads.extend(read.context for read in self._reads)
            self._reads.clear()
            self._heartbeat_due_s = self._quorum_due_s = math.inf
            self._transferee = NOBODY
            self._transfer_ends_s = math.inf
        self._wait_for_leader()

    def _wait_for_leader(self) -> None:
        """Draws a new timeout: nobody stands for election before it ends."""
        timeout_s = self.settings.election_timeout_s
        self._election_due_s = self._now_s + timeout_s * (1 + self._random_fraction())

    @property
    def _may_stand(self) -> bool:
        """Votes, and would lead with a whole log."""
        return (
            self.configuration.votes(self.member) and self._log.is_whole and not self.is_installing
        )
