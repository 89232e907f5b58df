"""A snapshot on its way between two replicas: cut into chunks, each with its hash, put together.

Why it exists: a state of gigabytes must not travel as one message, must survive a lost, doubled
or reordered chunk, and must not be believed before every byte of it was checked. It must not know
who may send one, nor what a state is.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import msgspec

from replication.messages import SnapshotChunk
from replication.ports import SnapshotMeta, SnapshotStore
from replication.progress import Outgoing

SNAPSHOT_BYTES_MAX: Final = 16 << 30
"""A larger size in a chunk is damage or a forgery; a state of that size would not fit a node."""

_decode: Final = msgspec.msgpack.Decoder(SnapshotMeta).decode


class ArrivedData:
    """A `SnapshotData` that is there whole."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[bytes]:
        yield self._data


def outgoing(meta: SnapshotMeta, data: bytes) -> Outgoing:
    return Outgoing(meta.index, msgspec.msgpack.encode(meta), data, hashlib.sha256(data).digest())


def newest_outgoing(store: SnapshotStore, most: int, base: int) -> Outgoing | None:
    """The newest whole snapshot up to the index `most`. It is read and hashed: no quick matter.

    None below `base`, where the log of whoever gives it begins: what follows such a one is gone,
    and who installed it would be given it again.
    """
    for meta, data in store.newest_first():
        if base <= meta.index <= most:
            return outgoing(meta, data)
    return None


def chunk_of(snapshot: Outgoing, bytes_max: int) -> tuple[bytes, bytes]:
    """The chunk at the snapshot's offset, and its hash."""
    data = snapshot.data[snapshot.offset : snapshot.offset + bytes_max]
    return data, hashlib.sha256(data).digest()


class Incoming:
    """The chunks of one snapshot so far. Another snapshot's first chunk begins anew."""

    def __init__(self) -> None:
        self._identity: tuple[bytes, bytes, int] | None = None
        self._parts: list[bytes] = []
        self.received = 0

    def take(self, chunk: SnapshotChunk) -> tuple[SnapshotMeta, bytes] | None:
        """The whole snapshot once its last byte is here; None before, or if it is not sound."""
        identity = (chunk.meta, chunk.whole_hash, chunk.size)
        if identity != self._identity:
            self.forget()
            self._identity = identity
        fits = chunk.offset == self.received and 0 <= chunk.size <= SNAPSHOT_BYTES_MAX
        if not fits or hashlib.sha256(chunk.data).digest() != chunk.data_hash:
            return None  # a copy, or one that overtook another: the answer says what is wanted
        if self.received + len(chunk.data) > chunk.size:
            return None
        self._parts.append(chunk.data)
        self.received += len(chunk.data)
        if self.received < chunk.size:
            return None
        data = b"".join(self._parts)
        self.forget()
        if hashlib.sha256(data).digest() != chunk.whole_hash:
            return None
        try:
            return _decode(chunk.meta), data
        except (msgspec.DecodeError, RecursionError):
            return None

    def forget(self) -> None:
        self._identity = None
        self._parts = []
        self.received = 0
