"""What a snapshot's bytes are: a struct that is checked, member by member, as it is decoded.

Why it exists: the bytes come from a disk or a peer. The compiler leaves of an annotation only its
outermost type, so in a compiled module a list of integers would pass with anything in it; this
module stays plain Python. It must not know what the members mean.
"""

import msgspec


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot's content; its bytes are the MessagePack of this."""

    version: int
    index: int
    ts_ns: int
    chain: bytes
    scalars: list[int]
    tables: dict[str, bytes]
    seal: bytes
