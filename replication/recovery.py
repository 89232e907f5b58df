"""Recovery: from what a disk holds to a machine and a replica that may go on.

Why it exists: a start after a crash is the moment when damage is found or made permanent. A
machine is rebuilt from the newest snapshot that fits this log, or from nothing, and every entry
that it applies again must give the stored result again. It knows the ports; not the disk.
"""

from collections.abc import Iterable
from typing import Final, Generic, TypeVar

import msgspec

from replication import membership
from replication.membership import Configuration
from replication.node_results import ResultDiffers
from replication.ports import (
    Base,
    HardState,
    LogStore,
    MachineKind,
    SnapshotMeta,
    SnapshotStore,
    StateMachine,
    Warner,
)
from replication.record import (
    COMMANDS,
    MEMBERS,
    BrokenChain,
    CorruptRecord,
    Record,
    check_follows,
)

M = TypeVar("M", bound=StateMachine)


class LogWithoutSnapshot(Exception):
    """The disk's fault: the log begins after an index that no whole snapshot covers any more.

    This member cannot rebuild its state. It has to join again with an empty folder.
    """

    def __init__(self, index: int) -> None:
        super().__init__(f"the log begins after {index}, and no whole snapshot reaches there")
        self.index = index


NO_MEMBERS: Final = Configuration(voters=())
"""Of a member that joins: who belongs, it learns from its first leader."""


class Recovered(msgspec.Struct, Generic[M], kw_only=True):
    """What a node starts from. Records above `known_index` are durable, not known to be decided.

    `configurations` has the one in force at the base first. The machine stands below the first
    damaged record above its snapshot; `damaged` has the highest bad record's expected hash, and an
    empty one of those below it: what could say theirs is not confirmed to be of this log.
    """

    machine: M
    hard_state: HardState
    base: Base
    known_index: int
    configurations: list[tuple[int, Configuration]]
    damaged: dict[int, bytes]
    snapshot_indexes: list[int]
    first_damage: CorruptRecord | None = None


def recover(
    store: LogStore,
    snapshots: SnapshotStore,
    kind: MachineKind[M],
    warn: Warner,
    founders: Configuration | None = None,
) -> Recovered[M]:
    """Verifies the whole log, rebuilds the machine up to the last stored result.

    `founders` vote where no record says otherwise; None: this member joins a cluster. Damaged
    records are reported, not raised: whether a node may go on with them is for the cluster to
    decide, and a lone node calls `refuse_damage`. Raises `ResultDiffers`, `LogWithoutSnapshot`,
    or a kind of `CorruptRecord` for a snapshot or result that no peer can mend.
    """
    base, anchor, known = store.base(), store.hard_state(), store.result_index()
    machine, snapshot, indexes = _machine_to_begin_with(snapshots, kind, base, known, warn)
    if machine.index < base.index:
        raise LogWithoutSnapshot(base.index)
    front = membership.decode(base.members) if base.members else founders
    walk = _Walk(base, front or NO_MEMBERS)
    confirmed: Record | None = None  # by the one after it, which carries its hash
    for index in range(base.index + 1, anchor.last_index + 1):
        record = walk.next(store, index)
        if record is None:
            break
        if confirmed is not None:
            _take(confirmed, machine, store, known, snapshot)
        confirmed = record
    if confirmed is not None and confirmed.hash == anchor.last_hash:
        _take(confirmed, machine, store, known, snapshot)
    if walk.is_broken or walk.last_hash != anchor.last_hash:
        walk.backward(store, anchor)
    return Recovered(
        machine=machine, hard_state=anchor, base=base, known_index=known,
        configurations=walk.configurations, damaged=walk.damaged, snapshot_indexes=indexes,
        first_damage=walk.first_damage,
    )  # fmt: skip


def refuse_damage(recovered: Recovered[M]) -> None:
    """For a node that has no peer to mend its log: raises what is wrong with the first record."""
    if recovered.first_damage is not None:
        raise recovered.first_damage


class _Walk:
    """Over the log's records: forward while all is well, backward from the anchor if not."""

    def __init__(self, base: Base, front: Configuration) -> None:
        self.configurations = [(base.index, front)]
        self.damaged: dict[int, bytes] = {}
        self.first_damage: CorruptRecord | None = None
        self.last_hash = base.hash
        self.is_broken = False
        self._base = base
        self._before = (base.index, base.hash, base.term, base.ts_ns)

    def next(self, store: LogStore, index: int) -> Record | None:
        """The record, if it is sound and continues the one before; None ends the walk."""
        try:
            record = store.record(index)
            check_follows(record, *self._before)
        except CorruptRecord as error:
            self.first_damage = error
            self.is_broken = True
            return None
        self._before = (record.index, record.hash, record.term, record.ts_ns)
        self.last_hash = record.hash
        if record.kind == MEMBERS:
            self.configurations.append((index, membership.decode(record.payload)))
        return record

    def backward(self, store: LogStore, anchor: HardState) -> None:
        """From the anchor down each sound record says which hash the one below it must have.

        Below a damaged record that is not known until it is repaired: what stands there is
        accepted for now, and checked again then (`replication/log_window.py`). It may be a lost
        write's older record, whose word on the one below is another branch's: if the two do not
        fit, one of them is wrong, and nobody here knows which. So no such word becomes a hash.
        """
        found: list[tuple[int, Configuration]] = []
        expected, confirmed = anchor.last_hash, True
        for index in range(anchor.last_index, self._base.index, -1):
            try:
                record = store.record(index)
            except CorruptRecord as error:
                self._damage(index, expected if confirmed else b"", error)
                expected, confirmed = b"", False
                continue
            if expected and record.hash != expected:
                what = "is not the record that the one after it, or the anchor, names"
                self._damage(index, expected if confirmed else b"", BrokenChain(index, what))
                expected, confirmed = b"", False
                continue
            expected = record.prev_hash
            if record.kind == MEMBERS:
                found.append((index, membership.decode(record.payload)))
        self.configurations[1:] = reversed(found)

    def _damage(self, index: int, expected: bytes, error: CorruptRecord) -> None:
        self.damaged[index] = expected
        if self.first_damage is None or index <= self.first_damage.index:
            self.first_damage = error


def replay(records: Iterable[Record], machine: M, to_index: int | None = None) -> M:
    """The same machine, with the log applied from where it stands to `to_index` or the end."""
    for record in records:
        if to_index is not None and record.index > to_index:
            break
        if record.index > machine.index:
            payload = record.payload if record.kind == COMMANDS else b""
            machine.apply(record.index, record.ts_ns, payload)
    return machine


def _machine_to_begin_with(
    snapshots: SnapshotStore, kind: MachineKind[M], base: Base, known: int, warn: Warner
) -> tuple[M, SnapshotMeta | None, list[int]]:
    """The newest that fits, and the indexes of all that are whole, oldest first."""
    found: tuple[M, SnapshotMeta] | None = None
    indexes: list[int] = []
    for meta, data in snapshots.newest_first():
        if meta.index > known:
            warn(f"snapshot {meta.index}: passed over, results are stored up to {known} only")
            continue
        if meta.index < base.index:
            continue
        if found is not None:
            indexes.append(meta.index)
            continue
        try:
            machine = kind.restore(data)
        except ValueError as error:
            warn(f"snapshot {meta.index}: passed over, the machine refuses it: {error}")
            continue
        if (machine.index, machine.chain) != (meta.index, meta.chain):
            warn(f"snapshot {meta.index}: passed over, it is not the state that it says it is")
            continue
        found = (machine, meta)
        indexes.append(meta.index)
    if found is None:
        return kind(), None, []
    return *found, indexes[::-1]


def _take(
    record: Record, machine: StateMachine, store: LogStore, known: int,
    snapshot: SnapshotMeta | None,
) -> None:  # fmt: skip
    """Apply a record that is decided, and hold the stored result against what comes out."""
    index = record.index
    if snapshot is not None and index == snapshot.index:
        _check_snapshot_fits(record, snapshot)
    if machine.index < index <= known:
        machine.apply(index, record.ts_ns, record.payload if record.kind == COMMANDS else b"")
    if machine.index == index:
        _check_result(store, index, machine.chain)


def _check_snapshot_fits(record: Record, snapshot: SnapshotMeta) -> None:
    if record.hash != snapshot.record_hash:
        raise CorruptRecord(
            record.index, "the snapshot there was made from another log: not the same folder's"
        )


def _check_result(store: LogStore, index: int, derived: bytes) -> None:
    stored = store.result_chain(index)
    if stored is None:
        raise CorruptRecord(index, "its result is missing, though later ones are stored")
    if stored != derived:
        raise ResultDiffers(index, stored, derived)
