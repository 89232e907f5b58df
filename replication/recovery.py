"""Recovery: from what a disk holds to a machine and a replica that may go on.

Why it exists: a start after a crash is the moment when damage is found or made permanent. A
machine is rebuilt from the newest snapshot that fits this log, or from nothing, and every entry
that it applies again must give the stored result again. It knows the ports; not the disk.
"""

from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from replication.membership import Configuration

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
from replication.record import CorruptRecord, Record

M = TypeVar("M", bound=StateMachine)


class ResultDiffers(Exception):
    """Our bug, or a disk that lied: applying an entry again gave another result than before."""

    def __init__(self, index: int, stored: bytes, derived: bytes) -> None:
        super().__init__(
            f"result {index}: the stored chain is {stored.hex()}, "
            f"applying the log again gives {derived.hex()}"
        )
        self.index = index


class Recovered(msgspec.Struct, Generic[M], kw_only=True):
    """What a node starts from. Records above `known_index` are durable, not known to be decided.

    `configurations` has the one in force at the base first. The machine stands below the first
    damaged record above its snapshot; `damaged` has each bad record's expected hash, empty where
    its successor is damaged too.
    """

    machine: M
    hard_state: HardState
    base: Base
    known_index: int
    configurations: list[tuple[int, Configuration]]
    damaged: dict[int, bytes]
    snapshot_indexes: list[int]


def recover(
    store: LogStore, snapshots: SnapshotStore, kind: MachineKind[M], warn: Warner
) -> Recovered[M]:
    """Verifies the whole log, rebuilds the machine up to the last stored result.

    Only committed entries have results; what stands after them goes back to the replica, which
    decides about it. Raises a kind of `CorruptRecord`, or `ResultDiffers`, naming the index.
    """
    known = store.result_index()
    machine, snapshot = _machine_to_begin_with(snapshots, kind, known, warn)
    applied: Record | None = None
    tail: list[Record] = []
    for record in store.records(1):
        if record.index > known:
            tail.append(record)
            continue
        if snapshot is not None and record.index == snapshot.index:
            _check_snapshot_fits(record, snapshot)
        if record.index > machine.index:
            machine.apply(record.index, record.ts_ns, record.payload)
        if record.index >= machine.index:
            _check_result(store, record.index, machine.chain)
        applied = record
    if applied is None and known > 0:
        raise CorruptRecord(known, "its result is stored, but the log has no records")
    return Recovered(
        machine=machine,
        hard_state=store.hard_state(),
        applied=applied,
        tail=tail,
        snapshot_index=0 if snapshot is None else snapshot.index,
    )


def replay(records: Iterable[Record], kind: MachineKind[M], to_index: int | None = None) -> M:
    """A machine made from the log alone, from its first record to `to_index` or the end."""
    machine = kind()
    for record in records:
        if to_index is not None and record.index > to_index:
            break
        machine.apply(record.index, record.ts_ns, record.payload)
    return machine


def _machine_to_begin_with(
    snapshots: SnapshotStore, kind: MachineKind[M], known: int, warn: Warner
) -> tuple[M, SnapshotMeta | None]:
    for meta, data in snapshots.newest_first():
        if meta.index > known:
            warn(f"snapshot {meta.index}: passed over, results are stored up to {known} only")
            continue
        try:
            machine = kind.restore(data)
        except ValueError as error:
            warn(f"snapshot {meta.index}: passed over, the machine refuses it: {error}")
            continue
        if (machine.index, machine.chain) != (meta.index, meta.chain):
            warn(f"snapshot {meta.index}: passed over, it is not the state that it says it is")
            continue
        return machine, meta
    return kind(), None


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
