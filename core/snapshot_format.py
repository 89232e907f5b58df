"""The bytes of a snapshot: format 2, and format 1, which is read for ever.

Why it exists: a state of gigabytes must be written and hashed a chunk at a time, and what was
written years ago must still be read. It knows names, sizes and hashes, and must not know what a
table means.

Format 1 is the MessagePack of `WholeSnapshot`. Format 2, whose words are little-endian:

    bytes   field
    0-7     magic "LSSTATE2"
    8-15    bytes of the head
    16-     the head, the MessagePack of `SnapshotHead`, then zeros up to a multiple of 8
    -       SHA-256 of all before
    then, for each chunk of each table in the head's order:
    0-31    SHA-256 of the chunk
    32-     the chunk: `chunk_bytes` of its table, the table's last one what is left

The seal is the same in both: it covers the digest of the state, hence every row. A chunk's hash
says which chunk is damaged before anything is made of it.
"""

import hashlib
import struct
from collections.abc import Iterator
from typing import Final

import msgspec

from core.snapshot import SnapshotHead, WholeSnapshot

SNAPSHOT_VERSION_WHOLE: Final = 1
SNAPSHOT_FORMATS: Final = (SNAPSHOT_VERSION_WHOLE, 2)
_MAGIC: Final = b"LSSTATE2"
_HASH_BYTES: Final = 32
_WORD: Final = struct.Struct("<q")
_HEAD_AT: Final = 16


Chunk = bytes | bytearray | memoryview


class Snapshot:
    """A snapshot of either format, to be loaded, or to be written in format 2, once."""

    def __init__(self, head: SnapshotHead, chunks: list[list[Chunk]]) -> None:
        self.head = head
        self.chunks = chunks
        """Of each table."""
        count = sum(len(of_table) for of_table in chunks)
        self.size: int = len(self._head()) + count * _HASH_BYTES + sum(head.sizes)
        """Bytes in format 2."""

    def __iter__(self) -> Iterator[bytes]:
        """Its bytes in format 2, a chunk at a time, hashed as they are asked for.

        Each is forgotten then: giving gigabytes back at once would be a pause.
        """
        yield self._head()
        for of_table in self.chunks:
            for number, chunk in enumerate(of_table):
                yield hashlib.sha256(chunk).digest() + bytes(chunk)
                of_table[number] = b""

    def _head(self) -> bytes:
        encoded = msgspec.msgpack.encode(self.head)
        head = _MAGIC + _WORD.pack(len(encoded)) + encoded + bytes(-len(encoded) % 8)
        return head + hashlib.sha256(head).digest()


def decode(data: bytes) -> Snapshot:
    """Raises `ValueError` if it is none, or a hash does not match. Chunks are views of `data`."""
    try:
        if data[: len(_MAGIC)] == _MAGIC:
            return _decode_chunked(data)
        whole = msgspec.msgpack.decode(data, type=WholeSnapshot)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"snapshot: {error}") from error
    if whole.version != SNAPSHOT_VERSION_WHOLE:
        raise ValueError(f"snapshot: version {whole.version} is not {SNAPSHOT_VERSION_WHOLE}")
    sizes = [len(rows) for rows in whole.tables.values()]
    head = _checked(SnapshotHead(
        whole.index, whole.ts_ns, whole.chain, whole.scalars, list(whole.tables), sizes, sizes,
        whole.seal,
    ))  # fmt: skip
    return Snapshot(head, [[rows] for rows in whole.tables.values()])


def _decode_chunked(data: bytes) -> Snapshot:
    if len(data) < _HEAD_AT:
        raise ValueError(f"snapshot: {len(data)} bytes")
    size = _WORD.unpack_from(data, len(_MAGIC))[0]
    end = _HEAD_AT + size + -size % 8
    if size < 0 or end + _HASH_BYTES > len(data):
        raise ValueError(f"snapshot: a head of {size} bytes")
    if hashlib.sha256(data[:end]).digest() != data[end : end + _HASH_BYTES]:
        raise ValueError("snapshot: its head does not match its hash")
    head = _checked(msgspec.msgpack.decode(data[_HEAD_AT : _HEAD_AT + size], type=SnapshotHead))
    view = memoryview(data)
    at = end + _HASH_BYTES
    chunks: list[list[Chunk]] = []
    for name, table_bytes, chunk_bytes in zip(
        head.names, head.sizes, head.chunk_bytes, strict=True
    ):
        if table_bytes < 0 or chunk_bytes < 1:
            raise ValueError(f"snapshot: table {name} of {table_bytes} bytes")
        of_table: list[Chunk] = []
        left = table_bytes
        while left > 0:
            count = min(left, chunk_bytes)
            chunk = view[at + _HASH_BYTES : at + _HASH_BYTES + count]
            if len(chunk) != count:
                raise ValueError(f"snapshot: it ends within table {name}")
            if hashlib.sha256(chunk).digest() != view[at : at + _HASH_BYTES]:
                raise ValueError(f"snapshot: chunk {len(of_table)} of table {name} is damaged")
            of_table.append(chunk)
            at += _HASH_BYTES + count
            left -= count
        chunks.append(of_table)
    if at != len(data):
        raise ValueError(f"snapshot: {len(data) - at} bytes too many")
    return Snapshot(head, chunks)


def _checked(head: SnapshotHead) -> SnapshotHead:
    """Raises `ValueError`."""
    if not 0 <= head.index < 1 << 63 or not 0 <= head.ts_ns < 1 << 63:
        raise ValueError("snapshot: index or time beyond 64 bits")
    if not len(head.names) == len(head.sizes) == len(head.chunk_bytes):
        raise ValueError("snapshot: names, sizes and chunks of another number of tables")
    return head
