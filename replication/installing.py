"""Installing: a leader's snapshot takes the place of records that are gone, or are damaged here.

Why it exists: replacing the log is the one step that could make a member forget what it has
acknowledged, so the conditions under which it may stand together. The node restores the state and
saves it durably in between; a crash before the last write leaves the old log as it was. It must
not know how a snapshot is stored, nor what is in one.
"""

import msgspec

from replication import membership
from replication.leading import Leading
from replication.messages import SnapshotChunk, SnapshotReply
from replication.ports import Base, SnapshotMeta
from replication.progress import Outgoing
from replication.record import CorruptRecord
from replication.replica_state import Role


class Installing(Leading):
    """The part of the replica that gives and takes snapshots, and cuts the log below them."""

    @property
    def wants_snapshot(self) -> bool:
        """A follower lacks records that are gone here: call `offer_snapshot`."""
        return bool(self._snapshot_wanted_by) and self._role is Role.LEADER

    def offer_snapshot(self, snapshot: Outgoing) -> None:
        self._offer_snapshot(snapshot)

    def take_arrived_snapshot(self) -> tuple[SnapshotMeta, bytes] | None:
        """A leader's snapshot, whole: restore and save it, then `install`, or `refuse_snapshot`."""
        arrived, self._arrived = self._arrived, None
        return arrived

    def refuse_snapshot(self) -> None:
        """The machine cannot be restored from it, or the disk has no room."""
        self.is_installing = False

    def install(self, meta: SnapshotMeta) -> Base | None:
        """The snapshot is durable and becomes the state. A base: keep the log above it, and
        remove what it covers with the next write; None: the next write resets the log."""
        base = base_of(meta)
        configuration = membership.decode(meta.members)
        if self._goes_on_above(meta):
            self.is_installing = False
            self._commit_index = max(self._commit_index, meta.index)
            while self._to_apply and self._to_apply[0].index <= meta.index:
                self._to_apply.popleft()
            self._handed_index = max(self._handed_index, meta.index)
            self._verified_index = max(self._verified_index, meta.index)
            self.compact(base)
            try:
                self._commit_through(self._commit_index)
            except CorruptRecord as error:
                self._found_damage(error.index)
            return base
        self._reset = base
        self._configurations = [(meta.index, configuration)]
        self._hard_state_dirty = True
        return None

    def _goes_on_above(self, meta: SnapshotMeta) -> bool:
        """Whether the log has the snapshot's record; if damage hides it, whether it must."""
        if not self._log.holds(meta.index):
            return False
        for _ in range(2):
            try:
                same = self._log.compare(meta.index, meta.record_hash)
            except CorruptRecord as error:
                self._found_damage(error.index)  # and its successor may say which hash it had
            else:
                if same is not None:
                    return same
        return max(self._commit_index, self._acked_index) >= meta.index

    def _on_snapshot_chunk(self, message: SnapshotChunk) -> None:
        self._heard_leader(message.sender)
        self._round_seen = max(self._round_seen, message.round)
        if self.is_installing:
            return
        index = _snapshot_index(message)
        if index <= self._commit_index and self._log.is_whole:
            held = min(self._commit_index, self._log.durable_index)
            self._answer_snapshot(message, held, 0, done=True)
            return
        arrived = self._incoming.take(message)
        if arrived is None:
            self._answer_snapshot(message, index, self._incoming.received, done=False)
        elif self._may_install(arrived[0]):
            self.is_installing = True
            self._arrived = arrived

    def _may_install(self, meta: SnapshotMeta) -> bool:
        """Not if it would drop records that we acknowledged and cannot compare (see following)."""
        log = self._log
        if meta.index >= log.last_index or log.is_whole:
            return True
        return log.compare(meta.index, meta.record_hash) is not None

    def _finish_reset(self, base: Base) -> None:
        self._log.reset(base)
        self._reset_in_flight = None
        self._to_apply.clear()
        self._commit_index = self._handed_index = self._verified_index = base.index
        self._acked_index = 0
        self.is_installing = False

    def _answer_snapshot(
        self, message: SnapshotChunk, index: int, received: int, *, done: bool
    ) -> None:
        self._send(
            SnapshotReply(
                sender=self.member, to=message.sender, term=self._term, index=index,
                received=received, round=self._round_seen, done=done,
            )
        )  # fmt: skip

    def compact(self, base: Base) -> None:
        """Records up to `base` are, or are being, removed: a durable snapshot covers them."""
        assert base.index <= self._handed_index, "what is not applied is covered by no snapshot"
        self._log.forget_through(base)
        front = self.configuration_at(base.index)
        later = [pair for pair in self._configurations if pair[0] > base.index]
        self._configurations = [(min(base.index, self._configurations[0][0]), front), *later]


def base_of(meta: SnapshotMeta) -> Base:
    return Base(
        index=meta.index, term=meta.term, ts_ns=meta.ts_ns, hash=meta.record_hash,
        members=meta.members,
    )  # fmt: skip


def _snapshot_index(message: SnapshotChunk) -> int:
    try:
        return msgspec.msgpack.decode(message.meta, type=SnapshotMeta).index
    except (msgspec.DecodeError, RecursionError):
        return 0
