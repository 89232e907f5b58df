"""One computer's disk: the log and the snapshots of its member, and what may go wrong with them.

Why it exists: the disk is where promises are kept, and where they are broken. A write is begun,
and durable when it is completed; a crash between the two leaves all of it or nothing, as the real
log's transactions do, perhaps with torn bytes beyond the end. What is durable may rot, be
overwritten by a write that went astray, or prove never to have been written. Everything is kept as
bytes and read back with the checks of production. It must not know the network or the protocol.

`hashes` is the truth for checkers: the record that was last made durable at each index, whatever
became of its bytes since. `damaged` are the indexes whose bytes are not those any more.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

from core.machine import Machine
from replication.batching import batch_metadata
from replication.membership import Configuration, founding
from replication.node_snapshots import KEPT, superfluous
from replication.ports import (
    Base, Committed, HardState, Result, SnapshotData, SnapshotMeta, Write,
)  # fmt: skip
from replication.record import (
    COMMANDS,
    HASH_BYTES,
    HEADER_BYTES,
    CorruptRecord,
    MissingRecord,
    Record,
    decode,
)
from replication.recovery import Recovered, recover, refuse_damage
from sim.programs import Program

ROOM_BYTES: Final = 1 << 30


class FailedSync(Exception):
    """The disk said that it could not. Production ends the process; so does the simulator."""


class SimLog:
    """`LogStore` of one disk; writes go through `Storage`."""

    def __init__(self, cluster: bytes) -> None:
        self.cluster = cluster
        self.rows: dict[int, bytes] = {}
        self.results: dict[int, Result] = {}
        self.anchor = HardState()
        self.start = Base()
        self.last_result = 0
        self.hashes: dict[int, bytes] = {}
        self.damaged: set[int] = set()
        self.older: dict[int, bytes] = {}
        """What stood at an index before: it is there again if a write proves to be lost."""
        self.is_full = False

    def hard_state(self) -> HardState:
        return self.anchor

    def base(self) -> Base:
        return self.start

    def record(self, index: int) -> Record:
        if index > self.anchor.last_index or index not in self.rows:
            raise MissingRecord(index, "nothing is stored there")
        return decode(self.rows[index], self.cluster, index)

    def result_index(self) -> int:
        return max(self.last_result, self.start.index)

    def result_chain(self, index: int) -> bytes | None:
        found = self.results.get(index)
        return None if found is None else found.chain

    def room_bytes(self) -> int:
        return -ROOM_BYTES if self.is_full else ROOM_BYTES

    async def append(self, write: Write) -> None:
        self.apply(write)

    async def read(self, from_index: int, bytes_max: int) -> list[Committed]:
        return self.read_committed(from_index, bytes_max)

    def read_committed(self, from_index: int, bytes_max: int) -> list[Committed]:
        """Raises a kind of `CorruptRecord`."""
        found: list[Committed] = []
        size = 0
        while size < bytes_max and from_index in self.results:
            result = self.results[from_index]
            record = self.record(from_index)
            metadata = batch_metadata(record.payload) if record.kind == COMMANDS else b""
            found.append(
                Committed(
                    index=from_index, term=result.term, ts_ns=result.ts_ns, events=result.events,
                    metadata=metadata, chain=result.chain,
                )
            )  # fmt: skip
            size += len(result.events) + len(metadata) + HASH_BYTES
            from_index += 1
        return found

    def apply(self, write: Write) -> None:
        """All parts of one transaction, in their order; what the port promises is asserted."""
        if write.reset is not None:
            for rows in (self.rows, self.results, self.hashes):
                rows.clear()
            self.damaged.clear()
            self.start = write.reset
            self.last_result = write.reset.index
        if write.cut_from:
            assert write.cut_from > self.result_index(), "what has a result is never cut"
            for index in [index for index in self.rows if index >= write.cut_from]:
                self._remove(index)
        for record in write.repaired:
            assert self.start.index < record.index <= self.anchor.last_index
            self._put(record)
        for record in write.records:
            self._put(record)
        for result in write.results:
            assert result.index == self.result_index() + 1, "results follow each other"
            self.results[result.index] = result
            self.last_result = result.index
        if write.hard_state is not None:
            self.anchor = write.hard_state
        if write.base is not None:
            assert write.base.index >= self.start.index, "the log begins later already"
            for index in range(self.start.index + 1, write.base.index + 1):
                self._remove(index)
                self.results.pop(index, None)
            self.start = write.base
            self.last_result = max(self.last_result, write.base.index)

    def _put(self, record: Record) -> None:
        if record.index in self.rows:
            self.older[record.index] = self.rows[record.index]
        self.rows[record.index] = record.encoded()
        self.hashes[record.index] = record.hash
        self.damaged.discard(record.index)

    def _remove(self, index: int) -> None:
        row = self.rows.pop(index, None)
        if row is not None:
            self.older[index] = row
        self.hashes.pop(index, None)
        self.damaged.discard(index)


class SimSnapshots:
    """`SnapshotStore`. A snapshot whose bytes rotted is not yielded, as its checksum would tell."""

    def __init__(self) -> None:
        self.saved: list[tuple[SnapshotMeta, bytes]] = []
        self.rotten: list[int] = []

    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        self.keep(meta, b"".join(data), meta.index)

    def newest_first(self) -> Iterator[tuple[SnapshotMeta, bytes]]:
        for meta, data in reversed(self.saved):
            if meta.index not in self.rotten:
                yield meta, data

    def keep(self, meta: SnapshotMeta, data: bytes, usable_through: int) -> None:
        self.saved = [pair for pair in self.saved if pair[0].index != meta.index]
        self.saved.append((meta, data))
        self.saved.sort(key=lambda pair: pair[0].index)
        self.rotten = [index for index in self.rotten if index != meta.index]
        gone = superfluous([kept.index for kept, _ in self.saved], usable_through)
        self.saved = [pair for pair in self.saved if pair[0].index not in gone]

    def clear_up(self, usable_through: int) -> None:
        """As production does after recovery."""
        self.saved = [pair for pair in self.saved if pair[0].index <= usable_through]


class Storage:
    """A disk with its faults."""

    def __init__(self, cluster: bytes, rng: random.Random) -> None:
        self._cluster = cluster
        self._rng = rng
        self.log = SimLog(cluster)
        self.snapshots = SimSnapshots()
        self.fails_next_sync = False
        self.torn_chance = 0.0
        self.fired: dict[str, int] = {}
        self.on_durable: Callable[[Write], None] | None = None
        """Told of every write that reached the disk, also of one that nobody heard of."""
        self._pending: Write | None = None
        self._pending_snapshot: tuple[SnapshotMeta, bytes] | None = None

    # --- what the process does --------------------------------------------------------------

    def begin(self, write: Write) -> None:
        assert self._pending is None, "one write at a time"
        self._pending = write

    def complete(self) -> None:
        """Everything of the write that was begun is durable. Raises `FailedSync` instead."""
        write, self._pending = self._pending, None
        assert write is not None, "no write was begun"
        if self.fails_next_sync:
            self.fails_next_sync = False
            self._count("failed_fsync")
            if self._rng.random() < 0.5:  # the error came after the data had reached the disk
                self._apply(write)
            raise FailedSync
        self._apply(write)

    def begin_snapshot(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        self._pending_snapshot = (meta, b"".join(data))

    def complete_snapshot(self) -> str:
        """ "", or why it was not saved."""
        pending, self._pending_snapshot = self._pending_snapshot, None
        assert pending is not None, "no snapshot was begun"
        if self.log.is_full:
            return "the disk is full"
        self.snapshots.keep(*pending, self.log.result_index())
        return ""

    def recover(
        self, program: Program, voters: tuple[int, ...], warn: Callable[[str], None]
    ) -> Recovered[Machine] | None:  # fmt: skip
        """What a start finds; None if this disk cannot start a member any more."""
        founders: Configuration | None = founding(voters) if voters else None
        try:
            recovered = recover(self.log, self.snapshots, program, warn, founders)
            if len(voters) == 1:
                refuse_damage(recovered)
        except CorruptRecord:
            if not self.log.damaged:
                raise  # nothing is damaged: it is ours
            self._count("refused_start")
            return None
        self.snapshots.clear_up(self.log.result_index())
        return recovered

    # --- faults -----------------------------------------------------------------------------

    def crash(self) -> None:
        """What was under way reached the disk whole, or not at all."""
        write, self._pending = self._pending, None
        if write is not None:
            draw = self._rng.random()
            if draw < 0.3:
                self._apply(write)
                self._count("unsynced_write_kept")
            else:
                self._count("unsynced_write_lost")
                if write.records and self._rng.random() < self.torn_chance:
                    self._tear(write)
        pending, self._pending_snapshot = self._pending_snapshot, None
        if pending is not None and not self.log.is_full and self._rng.random() < 0.3:
            self.snapshots.keep(*pending, self.log.result_index())

    def wipe(self) -> None:
        """Total loss: another disk, empty."""
        self._count("wipe")
        self.log = SimLog(self._cluster)
        self.snapshots = SimSnapshots()
        self._pending = None
        self._pending_snapshot = None
        self.fails_next_sync = False

    def damage(self, kind: str, index: int) -> bool:
        """Rot, a misdirected write, or a lost one, at a durable record. False: nothing there."""
        log = self.log
        row = log.rows.get(index)
        if row is None or index > log.anchor.last_index:
            return False
        match kind:
            case "bitrot":
                at = self._rng.randrange(8 * len(row))
                rotten = bytearray(row)
                rotten[at // 8] ^= 1 << (at % 8)
                log.rows[index] = bytes(rotten)
            case "misdirect":
                others = [other for other in sorted(log.rows) if other != index]
                if not others:
                    return False
                log.rows[index] = log.rows[self._rng.choice(others)]
            case "lost_write":
                del log.rows[index]
                if index in log.older:
                    log.rows[index] = log.older[index]
            case _:
                raise ValueError(f"kind: {kind!r} damages no record")
        if self._is_sound(index):
            log.damaged.discard(index)  # a copy that had gone astray came back to its place
            return False
        log.damaged.add(index)
        self._count(kind)
        return True

    def _is_sound(self, index: int) -> bool:
        try:
            return self.log.record(index).hash == self.log.hashes.get(index)
        except CorruptRecord:
            return False

    def rot_snapshot(self) -> bool:
        """The newest snapshot's bytes rot, if an older one is left to start from."""
        base = self.log.start.index
        sound = [m.index for m, _ in self.snapshots.newest_first() if m.index >= base]
        if len(sound) < KEPT:
            return False
        self.snapshots.rotten.append(sound[0])
        self._count("snapshot_rot")
        return True

    def _apply(self, write: Write) -> None:
        self.log.apply(write)
        if self.on_durable is not None:
            self.on_durable(write)

    def _tear(self, write: Write) -> None:
        """Beyond the anchor, where nothing counts, a part of the record lies on the disk."""
        record = write.records[0]
        if record.index == self.log.anchor.last_index + 1 and write.cut_from == 0:
            value = record.encoded()
            self.log.rows[record.index] = value[
                : self._rng.randrange(HEADER_BYTES // 2, len(value))
            ]
            self._count("torn_write")

    def _count(self, kind: str) -> None:
        self.fired[kind] = self.fired.get(kind, 0) + 1
