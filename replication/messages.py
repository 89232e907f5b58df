"""What replicas say to each other: one struct for each message, and their bytes.

Why it exists: the protocol's vocabulary in one place, so that the replica, the transport and the
simulator speak of the same things. It must not know how a message travels, nor the rules that
make one; those are in `replication/replica.py` and the modules that it names.

Every message names its sender, its addressee and the sender's term. Members are numbers: the low
16 bits are the node's number, by which it has an address; what is above is its incarnation, 0 for
those that founded the cluster. A node that lost its disk comes back with another incarnation, so
nothing that was promised by the old one is ever asked of the new.
"""

from typing import Final

import msgspec

NODE_BITS: Final = 16
NODE_MAX: Final = (1 << NODE_BITS) - 1

MESSAGE_BYTES_MAX: Final = 24 << 20
"""Above the largest entry with its metadata, and so above any bounded group of records."""


def node_number(member: int) -> int:
    """The node that a member runs on, 1 to 65535: the part of the id that has an address."""
    return member & NODE_MAX


class Message(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag_field="kind"):
    """What every message says."""

    sender: int
    to: int
    term: int


class VoteRequest(Message, frozen=True, kw_only=True, array_like=True, tag=1):
    """May I lead `term`? With `pre`, only a question: nobody's term changes by it.

    `transfer`: the leader itself asked the candidate to stand, so its lease is no objection.
    """

    last_index: int
    last_term: int
    pre: bool = False
    transfer: bool = False


class VoteReply(Message, frozen=True, kw_only=True, array_like=True, tag=2):
    """`term` of a granted pre-vote is the term asked for; of anything else the voter's own."""

    granted: bool
    pre: bool = False


class Append(Message, frozen=True, kw_only=True, array_like=True, tag=3):
    """Records that follow `prev_index`; none: a heartbeat, which checks the place all the same.

    `round` numbers the leader's heartbeats: an answer proves that its sender followed this leader
    after the round began, which is what reads and the lease stand on.
    """

    prev_index: int
    prev_term: int
    prev_hash: bytes
    commit: int
    round: int
    records: tuple[bytes, ...] = ()


class AppendReply(Message, frozen=True, kw_only=True, array_like=True, tag=4):
    """Where the follower stands.

    `ok`: records up to `match` are the leader's and durable. Otherwise the place at `refused` did
    not fit, and the logs may agree at `hint` (of term `hint_term`) or below. `checkpoint` and
    `digest` are of the last checkpoint that the follower has applied, `version` is the newest
    machine version that its program knows, `damaged` the number of its records in repair.
    `declines`: it would not take the lead, being full or about to stop.
    """

    ok: bool
    match: int
    round: int
    refused: int = 0
    hint: int = 0
    hint_term: int = 0
    checkpoint: int = 0
    digest: bytes = b""
    version: int = 0
    damaged: int = 0
    declines: bool = False


class SnapshotChunk(Message, frozen=True, kw_only=True, array_like=True, tag=5):
    """Bytes of a snapshot from `offset`; `meta` is the encoded `SnapshotMeta` of the whole.

    `data_hash` is SHA-256 of `data`, `whole_hash` of all `size` bytes.
    """

    meta: bytes
    size: int
    whole_hash: bytes
    offset: int
    data: bytes
    data_hash: bytes
    round: int


class SnapshotReply(Message, frozen=True, kw_only=True, array_like=True, tag=6):
    """How many bytes of the snapshot at `index` are here; `done`: installed, append after it."""

    index: int
    received: int
    round: int
    done: bool = False


class Repair(Message, frozen=True, kw_only=True, array_like=True, tag=7):
    """My record at `index` is damaged; its hash was `hash`. Who has it? Asked of every voter."""

    index: int
    hash: bytes


class RepairReply(Message, frozen=True, kw_only=True, array_like=True, tag=8):
    """The record; or, with `lacks`, the sound and durable statement that there is none of that
    hash here. Neither: the sender cannot say (its own is damaged, or compacted).

    `below`: the highest index below `index` at which the sender has a record, `below_hash` its
    hash: there the log of whoever asked ends if its own record was never decided.
    """

    index: int
    hash: bytes
    record: bytes = b""
    lacks: bool = False
    compacted: bool = False
    below: int = 0
    below_hash: bytes = b""


class TimeoutNow(Message, frozen=True, kw_only=True, array_like=True, tag=9):
    """The leader hands over: stand for election at once."""


class Join(Message, frozen=True, kw_only=True, array_like=True, tag=10):
    """A new incarnation of a node asks to be a learner, in place of the node's earlier one.

    `to` is a node's number: whoever joins does not know which incarnations are alive.
    """

    version: int = 0


Any = (
    VoteRequest | VoteReply | Append | AppendReply | SnapshotChunk | SnapshotReply | Repair
    | RepairReply | TimeoutNow | Join
)  # fmt: skip

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Any).decode


class MalformedMessage(ValueError):
    """The peer's fault: bytes that are no message."""


def encode(message: Message) -> bytes:
    return _encode(message)


def decode(data: bytes) -> Message:
    """Raises `MalformedMessage`."""
    try:
        message: Message = _decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedMessage(str(error)) from error
    return message
