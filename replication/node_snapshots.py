"""A node's snapshots: taking its own, taking in a leader's, giving them away, cutting the log.

Why it exists: a snapshot may only be believed when it is durable, the log may only be cut below
one that is, and a leader's may only become the state when both are so; the order of these steps
is what survives a crash between any two of them. It decides no protocol and does no I/O.

    own:       copied in steps ──▶ state ── results up to it stored ──▶ save ── durable ──▶ the log
                                   may be cut below the one *before* it
    arriving:  restored, by whoever runs the node ── sound ──▶ save ── durable ──▶ the log
                                   restarts after it, or goes on above it where its record is
    given:     a follower needs one ──▶ read, by whoever runs the node ──▶ offered
"""

from collections.abc import Iterable, Sequence
from typing import Final, Generic, TypeVar

from replication.ports import (
    Base,
    MachineKind,
    SnapshotData,
    SnapshotMeta,
    StateMachine,
    Warner,
)
from replication.progress import Outgoing
from replication.replica import Replica, ReplicaWrite
from replication.settings import NodeSettings
from replication.snapshot_chunks import ArrivedData

M = TypeVar("M", bound=StateMachine)

NOTHING_WANTED: Final = 1 << 62
KEPT: Final = 2
"""The newest may rot; then the one before it saves most of the replay, and the log reaches back to
it."""


WANTED_SOONER: Final = 16
"""After one that failed the next is tried so many times sooner if a follower waits for it."""


class SnapshotFailed(Exception):
    """The disk's fault, or its room's: it was asked for and not saved. The log alone is enough."""


def superfluous(indexes: Iterable[int], usable_through: int) -> list[int]:
    """Those of the snapshots on a disk that may be deleted.

    A leader's snapshot is durable before the log restarts after it. Until then only the older
    ones, up to `usable_through`, are any use to a start; however many come, those stay.
    """
    newest = sorted(indexes, reverse=True)
    usable = [index for index in newest if index <= usable_through]
    kept = {*newest[:KEPT], *usable[:KEPT]}
    return [index for index in newest if index not in kept]


def machine_of(kind: MachineKind[M], meta: SnapshotMeta, data: bytes) -> M | str:
    """The machine that a snapshot was taken from, or what is wrong with it. It takes seconds."""
    try:
        machine = kind.restore(data)
    except ValueError as error:
        return f"that is none: {error}"
    if (machine.index, machine.chain, machine.digest()) != (meta.index, meta.chain, meta.digest):
        return "of another state"
    return machine


class NodeSnapshots(Generic[M]):
    """One is being saved at a time, of one's own or a leader's."""

    def __init__(self, settings: NodeSettings, indexes: Sequence[int], warn: Warner) -> None:
        self._settings = settings
        self._warn = warn
        self.wanted_from: int = NOTHING_WANTED
        """A sink outside still wants the entries from here on; compaction leaves them."""
        self._indexes = sorted(indexes)[-KEPT:]
        """Of the durable ones, oldest first."""
        self._taking: StateMachine | None = None
        """A snapshot of it has been begun."""
        self._saving: tuple[SnapshotMeta, SnapshotData] | None = None
        self._handed_out = False
        self._to_restore: tuple[SnapshotMeta, bytes] | None = None
        self._arriving: tuple[SnapshotMeta, M] | None = None
        self._base: Base | None = None
        self._to_read = 0
        self._is_reading = False
        self._read: Outgoing | None = None
        self._unreadable = 0
        self._failed_at = 0

    # --- one's own --------------------------------------------------------------------------

    def is_due(self, index: int) -> bool:
        """After one that failed, too, only so many entries later: it is the whole state that is
        copied, and hashed, and perhaps written in vain."""
        last = max(self._newest, self._failed_at)
        return not self.is_busy and index - last >= self._settings.snapshot_entries

    def begin(self, machine: StateMachine) -> None:
        """Nothing happens while another snapshot is being taken or saved, or of an empty state."""
        if not self.is_busy and machine.index != 0:
            machine.begin_snapshot(self._settings.snapshot_step_bytes)
            self._taking = machine

    @property
    def is_taking(self) -> bool:
        return self._taking is not None

    @property
    def is_busy(self) -> bool:
        """One is being taken or saved: another one would not be begun."""
        return self._saving is not None or self._taking is not None

    def go_on(self, machine: StateMachine, replica: Replica, ts_ns: int) -> bool:
        """Copies a part of the state; False if there is nothing to do before the next entry.

        `ts_ns`: of the entry that the machine applied last.
        """
        if self._taking is not machine:
            self._taking = None  # another machine has taken its place, or there is none
            return False
        if not machine.copy_snapshot():
            return True
        index = machine.index
        base = replica.sound_base_at(index) if replica.configuration_at(index).voters else None
        if base is None:  # the record there is damaged: a snapshot of another index will do
            self._stop_taking()
            return False
        meta = SnapshotMeta(
            index=index, term=base.term, ts_ns=ts_ns, chain=machine.chain,
            record_hash=base.hash, digest=machine.digest(), members=base.members,
        )  # fmt: skip
        self._saving = (meta, machine.take_snapshot())
        self._taking = None
        self._handed_out = False
        return True

    def _stop_taking(self) -> None:
        if self._taking is not None:
            self._taking.drop_snapshot()
            self._taking = None

    @property
    def waits_for_results(self) -> bool:
        """Recovery needs every result below a snapshot, so they are written first."""
        return self._saving is not None and self._arriving is None and not self._handed_out

    def take(self, stored_index: int) -> tuple[SnapshotMeta, SnapshotData] | None:
        if self._saving is None or self._handed_out:
            return None
        if self._arriving is None and self._saving[0].index > stored_index:
            return None
        self._handed_out = True
        return self._saving

    def saved(self, meta: SnapshotMeta) -> int:
        """Its bytes."""
        assert self._saving is not None, "a snapshot was saved that nobody took"
        size = self._saving[1].size
        self._saving = None
        self._failed_at = 0
        self._remember(meta.index)
        return size

    def failed(self, meta: SnapshotMeta) -> bool:
        """True if it was a leader's."""
        arriving = self.is_arriving(meta)
        if not arriving:
            self._failed_at = meta.index
        self._saving = None
        self._arriving = None
        return arriving

    def compact(self, replica: Replica) -> None:
        """Cut the log below what an older durable snapshot covers."""
        index = self.may_compact_to()
        if index > replica.base.index and replica.configuration_at(index).voters:
            base = replica.sound_base_at(index)
            if base is not None:
                replica.compact(base)
                self.keep_log_above(base)

    def may_compact_to(self) -> int:
        """The index up to which records may go: an older durable snapshot covers it."""
        if self._settings.retain_entries == 0 or len(self._indexes) < KEPT:
            return 0
        index = min(self._indexes[0], self._indexes[-1] - self._settings.retain_entries)
        return min(index, self.wanted_from - 1)

    # --- a leader's -------------------------------------------------------------------------

    def arrived(self, snapshot: tuple[SnapshotMeta, bytes] | None) -> None:
        """It is here whole, if it is one."""
        self._to_restore = snapshot or self._to_restore

    def take_to_restore(self) -> tuple[SnapshotMeta, bytes] | None:
        """What `machine_of` is to be called with, on whatever thread."""
        arrived, self._to_restore = self._to_restore, None
        return arrived

    def restored(self, meta: SnapshotMeta, data: bytes, machine: M | str) -> bool:
        """Save it, if it is one and no other is being saved. A string says why it is none."""
        if isinstance(machine, str):
            self._warn(f"snapshot {meta.index}: a leader sent one {machine}")
            return False
        if self._saving is not None and self._handed_out:
            return False
        self._stop_taking()
        self._saving = (meta, ArrivedData(data))
        self._handed_out = False
        self._arriving = (meta, machine)
        return True

    def is_arriving(self, meta: SnapshotMeta) -> bool:
        return self._arriving is not None and self._arriving[0] is meta

    def installed(self) -> tuple[SnapshotMeta, M]:
        """It is durable, and the log fits it: the machine takes its place."""
        assert self._arriving is not None, "nothing arrived"
        arrived, self._arriving = self._arriving, None
        self._saving = None
        self._remember(arrived[0].index)
        return arrived

    # --- the log below ----------------------------------------------------------------------

    def keep_log_above(self, base: Base) -> None:
        self._base = base

    def take_base(self, write: ReplicaWrite | None) -> Base | None:
        """What goes with this write. One that waited for a busy disk is overtaken by a leader's
        snapshot: a log that restarts above it must not go back to it."""
        base, self._base = self._base, None
        reset = write.reset if write is not None else None
        if base is not None and reset is not None and base.index <= reset.index:
            return None
        return base

    # --- giving away ------------------------------------------------------------------------

    def give(self, replica: Replica, machine: StateMachine) -> None:
        """The newest durable one to the followers that need it, once it has been read."""
        if not replica.wants_snapshot:
            self._read = None
        elif self._read is not None:
            replica.offer_snapshot(self._read)
            self._read = None  # gigabytes, perhaps: those who get it keep it while they do
        elif self._newest == self._unreadable:  # 0 too
            waited = machine.index - self._failed_at
            if not self._failed_at or waited * WANTED_SOONER >= self._settings.snapshot_entries:
                self.begin(machine)
        elif not self._is_reading:
            self._to_read = self._newest

    def take_to_read(self) -> int:
        """The index of the one to be read, an older one if need be; 0: none."""
        index, self._to_read = self._to_read, 0
        self._is_reading = self._is_reading or index != 0
        return index

    def was_read(self, index: int, snapshot: Outgoing | None) -> None:
        """None: no durable one is whole; the next of our own will be."""
        self._is_reading = False
        self._read = snapshot
        if snapshot is None:
            self._unreadable = index

    @property
    def _newest(self) -> int:
        return self._indexes[-1] if self._indexes else 0

    def _remember(self, index: int) -> None:
        self._indexes = sorted({*self._indexes, index})[-KEPT:]
