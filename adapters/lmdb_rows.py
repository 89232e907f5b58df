"""How the small rows beside the log records lie in LMDB, each with a hash of its own.

Why it exists: a record proves itself (replication/record.py); a result, the anchor and the
folder's identity must not be believed on less. Pure encoding; it knows no transactions.

    results   index -> hash | index, term, ts_ns | chain | events
    anchor    "hard_state" -> hash | term, vote, last index | last hash | number of this write
    anchor    "base" -> hash | MessagePack of `Base`; no such row: the log is kept from its start
    meta      "identity" -> hash | JSON of `Identity`

Keys are indexes as 8 bytes, big-endian, so that LMDB's order is the log's order. The hash is
SHA-256 over everything after it.
"""

import hashlib
import struct
from typing import Final

import msgspec

from replication.ports import Base, HardState, Result
from replication.record import HASH_BYTES, CorruptRecord

FORMAT_VERSION: Final = 1
"""Of the whole folder: databases, rows and snapshots. Another number is refused, not guessed."""

HARD_STATE_KEY: Final = b"hard_state"
BASE_KEY: Final = b"base"
IDENTITY_KEY: Final = b"identity"

_RESULT: Final = struct.Struct("<qqq32s")
_HARD_STATE: Final = struct.Struct("<qqq32s")
_NUMBER: Final = struct.Struct("<q")


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose log this is; written once, when the folder is formatted.

    `node_id` is a member's id: the node's number, and above it the incarnation. `voters` are those
    who found the cluster, if this member is one of them; None, as in folders of before there were
    clusters: it alone; empty: it joins, and learns from its leader who belongs.
    """

    format: int
    cluster: str  # hexadecimal
    node_id: int
    voters: tuple[int, ...] | None = None

    @property
    def founders(self) -> tuple[int, ...]:
        return (self.node_id,) if self.voters is None else self.voters


class CorruptRow(Exception):
    """The disk's fault: a row other than a record is not what was written there."""


class CorruptResult(CorruptRecord):
    """The stored result of an entry is damaged; it can be derived again from the log."""


def index_key(index: int) -> bytes:
    return index.to_bytes(8, "big")


def key_index(key: bytes) -> int:
    return int.from_bytes(key, "big")


def encode_result(result: Result) -> bytes:
    fields = _RESULT.pack(result.index, result.term, result.ts_ns, result.chain)
    digest = hashlib.sha256(fields)
    digest.update(result.events)
    return digest.digest() + fields + result.events


def decode_result(value: bytes, expected_index: int) -> Result:
    """Raises `CorruptResult`."""
    if len(value) < HASH_BYTES + _RESULT.size:
        raise CorruptResult(expected_index, f"result: {len(value)} bytes are too short")
    if hashlib.sha256(value[HASH_BYTES:]).digest() != value[:HASH_BYTES]:
        raise CorruptResult(expected_index, "result: does not match its hash")
    index, term, ts_ns, chain = _RESULT.unpack_from(value, HASH_BYTES)
    if index != expected_index:
        raise CorruptResult(expected_index, f"result: that of {index} stands in its place")
    events = value[HASH_BYTES + _RESULT.size :]
    return Result(index=index, term=term, ts_ns=ts_ns, chain=chain, events=events)


def encode_hard_state(state: HardState, number: int = 0) -> bytes:
    """`number` counts the writes of this row; the witness repeats it."""
    fields = _HARD_STATE.pack(state.term, state.vote, state.last_index, state.last_hash)
    fields += _NUMBER.pack(number)
    return hashlib.sha256(fields).digest() + fields


def decode_hard_state(value: bytes) -> tuple[HardState, int]:
    """The state and its number, 0 in a row of before writes were counted. Raises `CorruptRow`."""
    if len(value) - HASH_BYTES - _HARD_STATE.size not in (0, _NUMBER.size):
        raise CorruptRow(f"anchor: {len(value)} bytes are not its size")
    if hashlib.sha256(value[HASH_BYTES:]).digest() != value[:HASH_BYTES]:
        raise CorruptRow("anchor: does not match its hash")
    term, vote, last_index, last_hash = _HARD_STATE.unpack_from(value, HASH_BYTES)
    number = 0
    if len(value) > HASH_BYTES + _HARD_STATE.size:
        (number,) = _NUMBER.unpack_from(value, HASH_BYTES + _HARD_STATE.size)
    return HardState(term=term, vote=vote, last_index=last_index, last_hash=last_hash), number


def encode_base(base: Base) -> bytes:
    text = msgspec.msgpack.encode(base)
    return hashlib.sha256(text).digest() + text


def decode_base(value: bytes) -> Base:
    """Raises `CorruptRow`."""
    if hashlib.sha256(value[HASH_BYTES:]).digest() != value[:HASH_BYTES]:
        raise CorruptRow("base: does not match its hash")
    return msgspec.msgpack.decode(value[HASH_BYTES:], type=Base)


def encode_identity(identity: Identity) -> bytes:
    text = msgspec.json.encode(identity)
    return hashlib.sha256(text).digest() + text


def decode_identity(value: bytes) -> Identity:
    """Raises `CorruptRow`."""
    if hashlib.sha256(value[HASH_BYTES:]).digest() != value[:HASH_BYTES]:
        raise CorruptRow("identity: does not match its hash")
    return msgspec.json.decode(value[HASH_BYTES:], type=Identity)
