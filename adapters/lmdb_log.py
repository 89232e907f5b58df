"""The log on LMDB: the durable memory of one replica.

Why it exists: it keeps `replication.ports.LogStore`'s promise on a real disk. Commits are LMDB's
default, fully synchronous ones: NOSYNC, NOMETASYNC and WRITEMAP each give up a part of the
promise. Records, results and the anchor move in one transaction. An exception from a commit
ends the process: Linux marks the pages of a failed sync clean, so a retry would report success
for data that is gone. It knows records and rows, not commands or what a machine does.
"""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NoReturn, Self

import lmdb
import msgspec
import trio

from adapters.lmdb_environment import (
    DATABASES,
    Database,
    create_databases,
    delete_from_end,
    delete_through,
    open_environment,
)
from adapters.lmdb_folder import (
    ROOM_RESERVE_BYTES,
    DataFolderRefused,
    free_bytes,
    log_path,
    witness_path,
)
from adapters.lmdb_rows import (
    BASE_KEY,
    FORMAT_VERSION,
    HARD_STATE_KEY,
    IDENTITY_KEY,
    CorruptResult,
    CorruptRow,
    Identity,
    decode_base,
    decode_hard_state,
    decode_identity,
    decode_result,
    encode_base,
    encode_hard_state,
    encode_result,
    index_key,
    key_index,
)
from adapters.lmdb_witness import Witness, read_witness
from replication.batching import batch_metadata
from replication.messages import node_number
from replication.ports import Base, Committed, HardState, Result, Warner, Write
from replication.record import (
    COMMANDS,
    HASH_BYTES,
    BrokenChain,
    CorruptRecord,
    MissingRecord,
    Record,
    check_follows,
    decode,
)

HIGH_WATER: Final = 0.9
"""Part of the map that entries may fill; the rest is for their results and LMDB's copies."""
MAP_BYTES_MIN: Final = 4 * ROOM_RESERVE_BYTES
EXIT_DISK_FAILED: Final = 70


class CommitTimes(msgspec.Struct, frozen=True):
    """Where one commit's time went, for metrics and benchmarks."""

    records: int
    bytes_written: int
    put_s: float
    sync_s: float


def lmdb_facts() -> dict[str, str]:
    """What `lockstep doctor` says about the log's library."""
    return {
        "lmdb": ".".join(str(part) for part in lmdb.version()),
        "py-lmdb": lmdb.__version__,
        "page checksums": "no (records carry their own hashes)",
    }


class LmdbReader:
    """Reads a log, of a stopped or a running node. Everything that it returns was verified."""

    def __init__(self, env: lmdb.Environment) -> None:
        self._env = env
        with env.begin() as txn:
            names = set(env.dbs(txn))
        missing = [name.decode() for name in DATABASES if name not in names]
        if missing:
            raise CorruptRow(f"log: database {missing[0]} is missing")
        self._records, self._results, self._anchor, self._meta = (
            env.open_db(name, create=False) for name in DATABASES
        )
        self.identity = self._read_identity()
        self.cluster = bytes.fromhex(self.identity.cluster)
        self._base = self._read_base()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Read-only. Raises `DataFolderRefused` if there is no log that can be read."""
        return cls(open_environment(folder, map_bytes=0, readonly=True))

    def close(self) -> None:
        self._env.close()

    def hard_state(self) -> HardState:
        return self._anchor_row()[0]

    def number(self) -> int:
        """How often the anchor was written; 0 in a folder of before that was counted."""
        return self._anchor_row()[1]

    def _anchor_row(self) -> tuple[HardState, int]:
        with self._env.begin(self._anchor) as txn:
            value = txn.get(HARD_STATE_KEY)
        if value is None:
            if self._last_key(self._records) > 0:
                raise CorruptRow("anchor: missing, but there are records")
            return HardState(), 0
        return decode_hard_state(value)

    def base(self) -> Base:
        return self._base

    def record(self, index: int) -> Record:
        """See `LogStore.record`."""
        value = self._get(self._records, index)
        if value is None:
            raise MissingRecord(index, "nothing is stored there")
        return decode(value, self.cluster, index)

    def records(self, from_index: int = 1) -> Iterator[Record]:
        """Every record from `from_index` to the anchor, its bytes and its place checked.

        `from_index` below the base means from the base on. Raises a kind of `CorruptRecord` that
        names the first bad index. A read transaction each: a long one would keep a running node
        from reusing pages.
        """
        anchor = self.hard_state()
        before: Base | Record = self._base
        if from_index > self._base.index + 1:
            before = self.record(from_index - 1)
        index = before.index + 1
        prev_hash, prev_term, prev_ts_ns = before.hash, before.term, before.ts_ns
        while index <= anchor.last_index:
            record = self.record(index)
            check_follows(record, index - 1, prev_hash, prev_term, prev_ts_ns)
            yield record
            index, prev_hash = index + 1, record.hash
            prev_term, prev_ts_ns = record.term, record.ts_ns
        if prev_hash != anchor.last_hash and from_index <= anchor.last_index + 1:
            raise BrokenChain(
                anchor.last_index, "the anchor names another hash: the end of the log was replaced"
            )

    def result_index(self) -> int:
        return max(self._last_key(self._results), self._base.index)

    def result_chain(self, index: int) -> bytes | None:
        result = self.result(index)
        return None if result is None else result.chain

    def result(self, index: int) -> Result | None:
        """Raises `CorruptResult`."""
        value = self._get(self._results, index)
        return None if value is None else decode_result(value, index)

    def read_committed(self, from_index: int, bytes_max: int) -> list[Committed]:
        """See `LogStore.read`."""
        found: list[Committed] = []
        size = 0
        index = from_index
        while size < bytes_max:
            result = self.result(index)
            if result is None:
                break
            record = self.record(index)
            metadata = batch_metadata(record.payload) if record.kind == COMMANDS else b""
            found.append(
                Committed(
                    index=index,
                    term=result.term,
                    ts_ns=result.ts_ns,
                    events=result.events,
                    metadata=metadata,
                    chain=result.chain,
                )
            )
            size += len(result.events) + len(metadata) + HASH_BYTES
            index += 1
        return found

    def used_bytes(self) -> int:
        return (self._env.info()["last_pgno"] + 1) * self._page_bytes

    @property
    def _page_bytes(self) -> int:
        return self._env.stat()["psize"]

    def _get(self, database: Database, index: int) -> bytes | None:
        try:
            with self._env.begin(database) as txn:
                return txn.get(index_key(index))
        except lmdb.Error as error:
            raise CorruptRecord(index, f"LMDB cannot read it: {error}") from error

    def _last_key(self, database: Database) -> int:
        with self._env.begin() as txn, txn.cursor(database) as cursor:
            return key_index(cursor.key()) if cursor.last() else 0

    def _read_base(self) -> Base:
        with self._env.begin(self._anchor) as txn:
            value = txn.get(BASE_KEY)
        return Base() if value is None else decode_base(value)

    def _read_identity(self) -> Identity:
        with self._env.begin(self._meta) as txn:
            value = txn.get(IDENTITY_KEY)
        if value is None:
            raise CorruptRow("identity: missing")
        identity = decode_identity(value)
        if identity.format != FORMAT_VERSION:
            raise DataFolderRefused(
                f"log: written in format {identity.format}, this program reads {FORMAT_VERSION}"
            )
        return identity


class LmdbLog(LmdbReader):
    """The one writer of a log; a `replication.ports.LogStore`. Needs the folder's lock."""

    def __init__(
        self, env: lmdb.Environment, folder: Path, node_id: int, warn: Warner, die: "Die"
    ) -> None:
        super().__init__(env)
        if node_number(self.identity.node_id) != node_number(node_id):
            raise DataFolderRefused(
                f"data folder {folder}: belongs to node {node_number(self.identity.node_id)}, "
                f"this is node {node_number(node_id)}"
            )
        self._folder = folder
        self._die = die
        self._map_bytes = env.info()["map_size"]
        self._witness = Witness(witness_path(folder), self.cluster)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._number = self.number()
        self._room_bytes = 0
        self.on_commit: Callable[[CommitTimes], None] | None = None
        self._check_witness(folder)
        self._check_results_are_whole()
        self._cut_above_anchor(warn)
        self._measure_room()

    @classmethod
    def create_or_open(
        cls, folder: Path, new_cluster: bytes, node_id: int, map_bytes: int, warn: Warner,
        die: "Die | None" = None, voters: tuple[int, ...] | None = None,
    ) -> Self:  # fmt: skip
        """Opens the log in `folder`, or formats it for `new_cluster` if there is none.

        `node_id` is a member's id; an existing folder keeps its own, of the same node. `voters`:
        see `Identity`. Raises `DataFolderRefused` (another node's folder, an older copy) or
        `CorruptRow`.
        """
        if map_bytes < MAP_BYTES_MIN:
            raise DataFolderRefused(f"map_bytes: {map_bytes} is below {MAP_BYTES_MIN}")
        env = open_environment(folder, map_bytes, readonly=False)
        try:
            create_databases(env, new_cluster, node_id, voters)
            return cls(env, folder, node_id, warn, die or end_process)
        except lmdb.Error as error:
            env.close()
            raise CorruptRow(f"log: LMDB cannot read its own pages: {error}") from error
        except BaseException:
            env.close()
            raise

    def close(self) -> None:
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
        self._witness.close()
        super().close()

    async def append(self, write: Write) -> None:
        """See `LogStore.append`. The commit runs in the log's own writer thread."""
        if self._writer is None:
            self._writer = threading.Thread(target=self._write_jobs, name="log-writer", daemon=True)
            self._writer.start()
        done = trio.Event()
        self._jobs.put(_Job(write, done, trio.lowlevel.current_trio_token()))
        with trio.CancelScope(shield=True):  # a write that began will end, wanted or not
            await done.wait()

    async def read(self, from_index: int, bytes_max: int) -> list[Committed]:
        return await trio.to_thread.run_sync(self.read_committed, from_index, bytes_max)

    def append_now(self, write: Write) -> None:
        """The same, on the calling thread. A failed commit does not return."""
        started = time.perf_counter()
        try:
            with self._env.begin(write=True) as txn:
                size = self._put(txn, write)
                put_at = time.perf_counter()
        except lmdb.MapFullError as error:
            self._die(f"commit failed: {error}; start again with a larger map_bytes")
        except lmdb.Error as error:
            self._die(f"commit failed: {error}; nothing that is in memory can be trusted now")
        synced_at = time.perf_counter()
        self._base = write.base or write.reset or self._base
        if write.hard_state is not None:
            state = write.hard_state
            self._witness.write(self._number, state.term, state.last_index)
        self._measure_room()
        if self.on_commit is not None:
            times = CommitTimes(len(write.records), size, put_at - started, synced_at - put_at)
            self.on_commit(times)

    def _put(self, txn: lmdb.Transaction, write: Write) -> int:
        """The parts of a write in the order of its fields; bytes written."""
        size = 0
        if write.reset is not None:
            txn.drop(self._records, delete=False)
            txn.drop(self._results, delete=False)
            txn.put(BASE_KEY, encode_base(write.reset), db=self._anchor)
        if write.cut_from:
            delete_from_end(txn, self._records, write.cut_from)
        for record in write.repaired:
            txn.put(index_key(record.index), record.encoded(), db=self._records)
        for record in write.records:
            value = record.encoded()
            size += len(value)
            if not txn.put(index_key(record.index), value, append=True, db=self._records):
                self._die(f"record {record.index}: the log is already longer")
        for result in write.results:
            value = encode_result(result)
            size += len(value)
            if not txn.put(index_key(result.index), value, append=True, db=self._results):
                self._die(f"result {result.index}: the results are already longer")
        if write.hard_state is not None:
            self._number += 1
            value = encode_hard_state(write.hard_state, self._number)
            txn.put(HARD_STATE_KEY, value, db=self._anchor)
        if write.base is not None:
            first = (write.reset or self._base).index
            if write.base.index < first:
                self._die(f"base {write.base.index}: the log begins after {first} already")
            delete_through(txn, self._records, write.base.index)
            delete_through(txn, self._results, write.base.index)
            txn.put(BASE_KEY, encode_base(write.base), db=self._anchor)
        return size

    def room_bytes(self) -> int:
        if self._room_bytes <= 0:
            self._measure_room()  # who takes no records writes none, and would never look again
        return self._room_bytes

    def _measure_room(self) -> None:
        used = self.used_bytes()
        in_map = int(self._map_bytes * HIGH_WATER) - used - ROOM_RESERVE_BYTES
        on_disk = free_bytes(self._folder) - ROOM_RESERVE_BYTES
        self._room_bytes = min(in_map, on_disk)

    def _write_jobs(self) -> None:
        """The writer thread. It has nobody to report to: any surprise ends the process."""
        try:
            while (job := self._jobs.get()) is not None:
                self.append_now(job.write)
                job.token.run_sync_soon(job.done.set)
        except trio.RunFinishedError:
            return
        except BaseException as error:  # noqa: BLE001 - whatever it is, no write may follow
            self._die(f"log writer: {error!r}")

    def _cut_above_anchor(self, warn: Warner) -> None:
        """What stands above the anchor was never acknowledged: the anchor moves with its record."""
        anchor = self.hard_state()
        result_index = self.result_index()
        if result_index > anchor.last_index:
            raise CorruptResult(result_index, f"result: the log ends at {anchor.last_index}")
        last = self._last_key(self._records)
        if last <= anchor.last_index:
            return
        warn(f"log: cutting records {anchor.last_index + 1} to {last} above the anchor")
        with self._env.begin(write=True) as txn:
            delete_from_end(txn, self._records, anchor.last_index + 1)

    def _check_results_are_whole(self) -> None:
        """A follower's tail would wait for ever on a hole."""
        with self._env.begin(self._results) as txn:
            rows = txn.stat(self._results)["entries"]
        last = self.result_index()
        expected = last - self._base.index
        if rows != expected:
            raise CorruptResult(last, f"result: {rows} are stored up to here, not {expected}")

    def _check_witness(self, folder: Path) -> None:
        seen = read_witness(witness_path(folder), self.cluster)
        anchor = self.hard_state()
        if seen is None:
            return
        if self._number == 0:  # a folder of before writes were counted
            self._number = seen.number
            if (anchor.term, anchor.last_index) >= (seen.term, seen.last_index):
                return
        elif self._number >= seen.number:
            return
        raise DataFolderRefused(
            f"data folder {folder}: the log ends at index {anchor.last_index} of term "
            f"{anchor.term}, but it was durable up to {seen.last_index} of term {seen.term}: "
            "it is an older copy, or its end is lost"
        )


class _Job(msgspec.Struct, frozen=True):
    write: Write
    done: trio.Event
    token: trio.lowlevel.TrioToken


Die = Callable[[str], NoReturn]


def end_process(reason: str) -> NoReturn:
    """Fail-stop. `os._exit`: no handler may flush, retry or acknowledge anything any more."""
    sys.stderr.write(f"level=fatal event=log_failed reason={reason!r}\n")
    sys.stderr.flush()
    os._exit(EXIT_DISK_FAILED)


def identity_of(folder: Path) -> Identity | None:
    """Whose log is in `folder`; None if it was never formatted. Raises `DataFolderRefused`."""
    if not (log_path(folder) / "data.mdb").exists():
        return None
    reader = LmdbReader.open(folder)
    try:
        return reader.identity
    finally:
        reader.close()
