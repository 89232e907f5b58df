"""The ports of replication in memory, for tests that decide themselves when a disk answers.

`MemoryLog` is held to the same port suite as the real log (tests/log): it keeps encoded bytes,
checks what it is given, and forgets what was not answered when it `crash`es.
"""

from collections.abc import Iterator

import msgspec
import trio

from replication.batching import batch_metadata
from replication.ports import (
    Base,
    Committed,
    HardState,
    Result,
    SnapshotData,
    SnapshotMeta,
    Write,
)
from replication.record import (
    COMMANDS,
    HASH_BYTES,
    BrokenChain,
    MissingRecord,
    Record,
    check_follows,
    decode,
)

ROOM = 1 << 30


class MemoryLog:
    """A `LogStore`. With `hold()` writes wait until `release()`, as on a slow disk."""

    def __init__(self, cluster: bytes) -> None:
        self.cluster = cluster
        self.rows: dict[int, bytes] = {}
        self.results: dict[int, Result] = {}
        self.anchor = HardState()
        self.first = Base()
        self.writes: list[Write] = []
        self.room = ROOM
        self._gate: trio.Event | None = None
        self._writing = False

    def hold(self) -> None:
        self._gate = trio.Event()

    def release(self) -> None:
        assert self._gate is not None
        self._gate.set()
        self._gate = None

    @property
    def is_writing(self) -> bool:
        return self._writing

    def hard_state(self) -> HardState:
        return self.anchor

    def base(self) -> Base:
        return self.first

    def record(self, index: int) -> Record:
        if index not in self.rows or index > self.anchor.last_index:
            raise MissingRecord(index, "nothing is stored there")
        return decode(self.rows[index], self.cluster, index)

    def records(self, from_index: int) -> Iterator[Record]:
        """As `LmdbReader.records`: verified, and the chain with them."""
        before: Base | Record = self.first
        if from_index > self.first.index + 1:
            before = self.record(from_index - 1)
        index, prev_hash = before.index + 1, before.hash
        while index <= self.anchor.last_index:
            record = self.record(index)
            check_follows(record, index - 1, prev_hash)
            yield record
            index, prev_hash = index + 1, record.hash
        if prev_hash != self.anchor.last_hash:
            raise BrokenChain(self.anchor.last_index, "the anchor names another hash")

    def result_index(self) -> int:
        return max(self.results, default=self.first.index)

    def result_chain(self, index: int) -> bytes | None:
        return self.results[index].chain if index in self.results else None

    async def append(self, write: Write) -> None:
        assert not self._writing, "one write at a time"
        self._writing = True
        try:
            if self._gate is not None:
                await self._gate.wait()
            await trio.lowlevel.checkpoint()
            self.append_now(write)
        finally:
            self._writing = False

    def append_now(self, write: Write) -> None:
        end = self.anchor.last_index
        if write.reset is not None:
            end = write.reset.index
            self.rows.clear()
            self.results.clear()
            self.first = write.reset
        if write.cut_from:
            assert write.cut_from > self.result_index(), "what is decided is never cut"
            end = write.cut_from - 1
            for index in [index for index in self.rows if index >= write.cut_from]:
                del self.rows[index]
        for record in write.repaired:
            assert self.first.index < record.index <= self.anchor.last_index
            self.rows[record.index] = record.encoded()
        for record in write.records:
            assert record.index == end + 1
            end = record.index
            self.rows[record.index] = record.encoded()
        for result in write.results:
            assert result.index == self.result_index() + 1
            self.results[result.index] = result
        if write.hard_state is not None:
            self.anchor = write.hard_state
            assert self.anchor.last_index == end
        if write.base is not None:
            self._forget_through(write.base)
        self.writes.append(write)

    def _forget_through(self, base: Base) -> None:
        assert base.index >= self.first.index, "the log begins later already"
        for rows in (self.rows, self.results):
            for index in [index for index in rows if index <= base.index]:
                del rows[index]
        self.first = base

    async def read(self, from_index: int, bytes_max: int) -> list[Committed]:
        await trio.lowlevel.checkpoint()
        return self.read_committed(from_index, bytes_max)

    def read_committed(self, from_index: int, bytes_max: int) -> list[Committed]:
        found: list[Committed] = []
        size = 0
        while size < bytes_max and from_index in self.results:
            result = self.results[from_index]
            record = decode(self.rows[from_index], self.cluster, from_index)
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

    def room_bytes(self) -> int:
        return self.room

    def copy(self) -> "MemoryLog":
        """What a crash at this moment would leave on the disk."""
        other = MemoryLog(self.cluster)
        other.rows = dict(self.rows)
        other.results = dict(self.results)
        other.anchor = msgspec.structs.replace(self.anchor)
        other.first = self.first
        return other


class MemorySnapshots:
    """A `SnapshotStore`."""

    def __init__(self) -> None:
        self.saved: list[tuple[SnapshotMeta, bytes]] = []

    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        await trio.lowlevel.checkpoint()
        self.save_now(meta, data)

    def save_now(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        self.saved.append((meta, b"".join(data)))

    def newest_first(self) -> Iterator[tuple[SnapshotMeta, bytes]]:
        return iter(sorted(self.saved, key=lambda pair: -pair[0].index))
