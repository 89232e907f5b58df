"""The log record: how one entry lies on disk, and how damage to it is recognised and named.

Why it exists: a disk may tear, rot, misdirect or lose a write, and a log that believes what it
reads turns that into lost money. A record proves by itself which entry of which log it is, and
by its predecessor's hash that nothing before it is missing or altered. Pure: no I/O; it must not
know where records are kept, nor what a payload means.

    bytes   field                 bytes    field
    0-3     magic "LSR1"          48-79    hash of the record before (zeros before the first)
    4-5     version, 1            80-83    bytes of payload
    6-7     kind                  84-87    reserved, 0
    8-23    cluster id            88-119   SHA-256 of the payload
    24-31   index                 120-151  SHA-256 of bytes 0-119: the record's hash
    32-39   term                  152-     payload
    40-47   ts_ns

Integers are little-endian. Kind 0 carries a batch of commands for the machine; kind 1 the members
of the cluster, which the replica reads and the machine never sees. The record's hash covers every
field and, through the payload's hash, every byte of the payload; it is also what the next record
carries.
"""

import hashlib
import struct
from typing import Final

import msgspec

from core.limits import BATCH_BYTES_MAX

MAGIC: Final = b"LSR1"
VERSION: Final = 1
COMMANDS: Final = 0
MEMBERS: Final = 1
KINDS: Final = (COMMANDS, MEMBERS)
HASH_BYTES: Final = 32
CLUSTER_ID_BYTES: Final = 16
ZERO_HASH: Final = bytes(HASH_BYTES)
"""What the first record carries as the hash of the one before it."""

_FIELDS: Final = struct.Struct("<4sHH16sqqq32sII32s")
_HASHED_BYTES: Final = _FIELDS.size
HEADER_BYTES: Final = _HASHED_BYTES + HASH_BYTES
PAYLOAD_BYTES_MAX: Final = 2 * BATCH_BYTES_MAX
"""A batch of commands and its metadata; a longer length in a header is damage, not a wish."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One verified or freshly sealed entry. `hash` ties the next record to this one."""

    index: int
    term: int
    ts_ns: int
    prev_hash: bytes
    hash: bytes
    header: bytes  # as on disk, `hash` included
    payload: bytes
    kind: int = COMMANDS

    def encoded(self) -> bytes:
        return self.header + self.payload


class CorruptRecord(Exception):
    """The disk's fault: the record at `index` is not what was written there.

    Subclasses tell the kinds of damage apart, because the cure differs: above the anchor a torn
    tail is cut, everything else is repaired from a peer, or stops a lone node.
    """

    def __init__(self, index: int, what: str) -> None:
        super().__init__(f"record {index}: {what}")
        self.index = index
        self.what = what


class MissingRecord(CorruptRecord):
    """Nothing stands at an index that the anchor says was written."""


class TornRecord(CorruptRecord):
    """Shorter or longer than its header says: a write that was cut."""


class HeaderCorrupt(CorruptRecord):
    """The header's bytes do not match its own hash."""


class PayloadCorrupt(CorruptRecord):
    """The header is sound; the payload is not the one that it describes."""


class ForeignRecord(CorruptRecord):
    """Sound, but of another cluster's log, or of a format that this program does not know."""


class MisdirectedRecord(CorruptRecord):
    """Sound, but another index's record: a write or a read that went to the wrong place."""


class BrokenChain(CorruptRecord):
    """Sound by itself, but it does not continue the record before it: a lost or stale write."""


def seal(
    cluster: bytes, index: int, term: int, ts_ns: int, prev_hash: bytes, payload: bytes,
    kind: int = COMMANDS,
) -> Record:  # fmt: skip
    """A new record. Asserts what the replica guarantees: a bad value here is our bug."""
    assert len(cluster) == CLUSTER_ID_BYTES, cluster
    assert len(prev_hash) == HASH_BYTES, prev_hash
    assert min(index, term) > 0 <= ts_ns, (index, term, ts_ns)
    assert len(payload) <= PAYLOAD_BYTES_MAX, f"payload of {len(payload)} bytes"
    assert kind in KINDS, kind
    fields = _FIELDS.pack(
        MAGIC, VERSION, kind, cluster, index, term, ts_ns, prev_hash, len(payload), 0,
        hashlib.sha256(payload).digest(),
    )  # fmt: skip
    own = hashlib.sha256(fields).digest()
    return Record(
        index=index, term=term, ts_ns=ts_ns, prev_hash=prev_hash, hash=own,
        header=fields + own, payload=payload, kind=kind,
    )  # fmt: skip


def decode(value: bytes, cluster: bytes, expected_index: int) -> Record:
    """The record in `value`, every byte of it checked. Raises a kind of `CorruptRecord`.

    The order of the checks decides the name of the damage: first what the header says of itself,
    then whether it belongs here, then the payload.
    """
    if len(value) < HEADER_BYTES:
        raise TornRecord(expected_index, f"{len(value)} bytes are shorter than a header")
    header = bytes(value[:HEADER_BYTES])
    own = header[_HASHED_BYTES:]
    if hashlib.sha256(header[:_HASHED_BYTES]).digest() != own:
        raise HeaderCorrupt(expected_index, "the header does not match its hash")
    (
        magic, version, kind, in_cluster, index, term, ts_ns, prev_hash, size, reserved_2,
        payload_hash,
    ) = _FIELDS.unpack_from(header)  # fmt: skip
    if magic != MAGIC or version != VERSION or kind not in KINDS or reserved_2 != 0:
        raise ForeignRecord(
            expected_index, f"unknown format: magic {magic!r} version {version} kind {kind}"
        )
    if in_cluster != cluster:
        raise ForeignRecord(expected_index, f"belongs to cluster {in_cluster.hex()}")
    if index != expected_index:
        raise MisdirectedRecord(expected_index, f"record {index} stands in its place")
    if len(value) != HEADER_BYTES + size:
        held = len(value) - HEADER_BYTES
        raise TornRecord(expected_index, f"{held} bytes of payload where the header says {size}")
    payload = bytes(value[HEADER_BYTES:])
    if hashlib.sha256(payload).digest() != payload_hash:
        raise PayloadCorrupt(expected_index, "the payload does not match its hash")
    return Record(
        index=index, term=term, ts_ns=ts_ns, prev_hash=prev_hash, hash=own, header=header,
        payload=payload, kind=kind,
    )  # fmt: skip


def check_follows(
    record: Record, prev_index: int, prev_hash: bytes, prev_term: int = 0, prev_ts_ns: int = 0
) -> None:
    """Raises `BrokenChain` unless `record` continues the log after `prev_index`."""
    if record.index != prev_index + 1:
        raise BrokenChain(record.index, f"follows {prev_index}: there is a gap")
    if record.prev_hash != prev_hash:
        raise BrokenChain(record.index, f"carries another hash than that of record {prev_index}")
    if record.term < prev_term:
        raise BrokenChain(record.index, f"term {record.term} is below {prev_term} before it")
    if record.ts_ns < prev_ts_ns:
        raise BrokenChain(record.index, f"log time {record.ts_ns} is before {prev_ts_ns}")
