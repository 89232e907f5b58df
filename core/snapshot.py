"""What a snapshot says of itself: structs that are checked, member by member, as they are decoded.

Why it exists: the bytes come from a disk or a peer. The compiler leaves of an annotation only its
outermost type, so in a compiled module a list of integers would pass with anything in it; this
module stays plain Python. It must not know what the members mean.
"""

import msgspec


class WholeSnapshot(msgspec.Struct, frozen=True):
    """A snapshot in format 1."""

    version: int
    index: int
    ts_ns: int
    chain: bytes
    scalars: list[int]
    tables: dict[str, bytes]
    seal: bytes


class SnapshotHead(msgspec.Struct, frozen=True):
    """What a snapshot in format 2 says of itself; `names`, `sizes`, `chunk_bytes` of its tables."""

    index: int
    ts_ns: int
    chain: bytes
    scalars: list[int]
    names: list[str]
    sizes: list[int]
    chunk_bytes: list[int]
    seal: bytes
