"""Snapshots as files beside the log, each whole or absent.

Why it exists: it keeps `replication.ports.SnapshotStore`'s promise: a temporary file, synced,
then renamed, then its name synced; a header that says where in which log the state stands; a
hash over every byte, checked before anybody sees it. A snapshot saves time and the log is all that
counts, so what the log keeps free on their disk is not a snapshot's to take. It knows files, not
what is in a state.

    bytes    field                       bytes    field
    0-7      magic "LSSNAP02"            88-119   hash of the record at index
    8-15     index                       120-151  state digest
    16-23    term                        152-159  bytes of state
    24-31    ts_ns                       160-191  SHA-256 of the state
    32-47    cluster id                  192-223  SHA-256 of bytes 0-191
    48-55    bytes of members            224-     the members, then the state
    56-87    chain

The bytes of state and their hash include the members: the encoded configuration in force. Format
"LSSNAP01" has none, and 0 in their place; it is read for ever.
"""

import errno
import hashlib
import os
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

import trio

from adapters.lmdb_folder import ROOM_RESERVE_BYTES, free_bytes, sync_directory
from replication.node_snapshots import NOTHING_WANTED, superfluous
from replication.ports import SnapshotData, SnapshotMeta, Warner

MAGIC: Final = b"LSSNAP02"
MAGIC_WITHOUT_MEMBERS: Final = b"LSSNAP01"
LOOK_EVERY_BYTES: Final = 16 << 20
"""Written between two looks at the disk's room: the log grows meanwhile."""
_FIELDS: Final = struct.Struct("<8sqqq16sq32s32s32sq32s")
_HEADER_BYTES: Final = _FIELDS.size + 32


class BadSnapshot(Exception):
    """The disk's fault: the file is not a whole snapshot of this log. Others may be."""


class SnapshotFiles:
    """One folder of `<index>.snap` files. One writer, the node that owns the data folder."""

    def __init__(
        self, folder: Path, cluster: bytes, warn: Warner,
        usable_through: Callable[[], int] = lambda: NOTHING_WANTED,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:  # fmt: skip
        """`usable_through`: up to which index the log beside it can start from a snapshot now.
        `free`: bytes that may be written where a folder is."""
        self._folder = folder
        self._cluster = cluster
        self._warn = warn
        self._usable_through = usable_through
        self._free = free

    async def save(self, meta: SnapshotMeta, data: SnapshotData) -> None:
        """See `SnapshotStore.save`. Raises `OSError` when there is no room."""
        await trio.to_thread.run_sync(self.save_now, meta, data, data.size)

    def save_now(self, meta: SnapshotMeta, data: Iterable[bytes], expected: int = 0) -> None:
        """Piece by piece, the header last. `expected`: how many bytes the pieces have, if known."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._leave_the_logs_room(expected)
        temporary = self._folder / f"{meta.index}.part"
        try:
            with temporary.open("wb") as file:
                self._write(file, meta, data, expected)
                os.fsync(file.fileno())
            temporary.replace(self._file(meta.index))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_directory(self._folder)
        for old in superfluous(self.indexes(), self._usable_through()):
            self._file(old).unlink()

    def _write(
        self, file: BinaryIO, meta: SnapshotMeta, data: Iterable[bytes], expected: int
    ) -> None:
        whole = hashlib.sha256(meta.members)
        written, looked_at = 0, 0
        file.seek(_HEADER_BYTES)
        file.write(meta.members)
        for piece in data:
            whole.update(piece)
            written += len(piece)
            file.write(piece)
            if written - looked_at >= LOOK_EVERY_BYTES:
                file.flush()
                self._leave_the_logs_room(expected - written)
                looked_at = written
        file.seek(0)
        size = len(meta.members) + written
        file.write(encode_header(meta, self._cluster, size, whole.digest()))
        file.flush()

    def _leave_the_logs_room(self, to_write: int) -> None:
        """The log has promised to write what it admitted, and ends the process if it cannot."""
        left = self._free(self._folder) - max(0, to_write)
        if left < ROOM_RESERVE_BYTES:
            what = f"{left} bytes would be free, the log needs {ROOM_RESERVE_BYTES}"
            raise OSError(errno.ENOSPC, f"no room for a snapshot beside the log: {what}")

    def clear_up(self) -> None:
        """Once, by the one writer, when the log has been recovered: nothing here is being made.

        A part was being written when a process ended.
        What lies ahead of the log's results came from a leader, and the process ended before the
        log followed it. It will come again.
        """
        for part in self._folder.glob("*.part"):
            part.unlink()
        for ahead in self.indexes():
            if ahead > self._usable_through():
                self._file(ahead).unlink()

    def newest_first(self) -> Iterator[tuple[SnapshotMeta, bytes]]:
        for index in self.indexes():
            try:
                yield self.read(index)
            except (BadSnapshot, OSError) as error:
                self._warn(f"snapshot {self._file(index)}: passed over: {error}")

    def indexes(self) -> list[int]:
        """Of the files that are there, newest first; their content is not looked at."""
        names = [file.stem for file in self._folder.glob("*.snap")]
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def read(self, index: int) -> tuple[SnapshotMeta, bytes]:
        """Raises `BadSnapshot`."""
        with self._file(index).open("rb") as file:
            meta, data = read_snapshot(file, self._cluster)
        if meta.index != index:
            raise BadSnapshot(f"it is the snapshot of index {meta.index}")
        return meta, data

    def _file(self, index: int) -> Path:
        return self._folder / f"{index}.snap"


def encode_header(meta: SnapshotMeta, cluster: bytes, size: int, whole: bytes) -> bytes:
    """`size` and hash: of the members and the state."""
    fields = _FIELDS.pack(
        MAGIC, meta.index, meta.term, meta.ts_ns, cluster, len(meta.members), meta.chain,
        meta.record_hash, meta.digest, size, whole,
    )  # fmt: skip
    return fields + hashlib.sha256(fields).digest()


def read_snapshot(file: BinaryIO, cluster: bytes) -> tuple[SnapshotMeta, bytes]:
    """Raises `BadSnapshot` unless every byte is as it was written, for this cluster.

    A node's other threads go on meanwhile: the state is read and hashed in one piece each, which
    both let them run, and never copied.
    """
    raw = file.read(_HEADER_BYTES)
    if len(raw) < _HEADER_BYTES:
        raise BadSnapshot(f"{len(raw)} bytes are shorter than its header")
    fields = raw[: _FIELDS.size]
    if hashlib.sha256(fields).digest() != raw[_FIELDS.size :]:
        raise BadSnapshot("the header does not match its hash")
    (
        magic,
        index,
        term,
        ts_ns,
        of_cluster,
        members_size,
        chain,
        record_hash,
        digest,
        size,
        data_hash,
    ) = _FIELDS.unpack(fields)
    if magic not in (MAGIC, MAGIC_WITHOUT_MEMBERS):
        raise BadSnapshot(f"unknown format {magic!r}")
    if of_cluster != cluster:
        raise BadSnapshot(f"it belongs to cluster {of_cluster.hex()}")
    if not 0 <= members_size <= size:
        raise BadSnapshot(f"{members_size} bytes of members in {size} bytes")
    there = file.seek(0, os.SEEK_END) - _HEADER_BYTES
    if there != size:
        raise BadSnapshot(f"{there} bytes of state where the header says {size}")
    file.seek(_HEADER_BYTES)
    members = file.read(members_size)
    data = file.read(size - members_size)
    whole = hashlib.sha256(members)
    whole.update(data)
    if whole.digest() != data_hash:
        raise BadSnapshot("the state does not match its hash")
    meta = SnapshotMeta(
        index=index, term=term, ts_ns=ts_ns, chain=chain, record_hash=record_hash, digest=digest,
        members=members,
    )  # fmt: skip
    return meta, data
