"""A small deterministic machine that is not an exchange.

Why it exists: replication must work for any machine that keeps the contract of
`replication.ports.StateMachine`, so its tests use one that knows no orders. It counts commands
by kind and hashes everything that it sees; the events of an entry are its commands, reversed.
"""

import hashlib
import struct

import msgspec

from core.codes import CMD_CHECKPOINT
from core.commands import BATCH_HEADER_BYTES, batch, split_batch
from core.events import REPLY_BYTES
from replication.snapshot_chunks import ArrivedData


EMPTY = batch(b"", 0)
STATE_BYTES = 1 << 10
"""As if: how many steps a snapshot takes."""


class _State(msgspec.Struct):
    index: int
    chain: bytes
    kinds: dict[int, int]
    seen: bytes
    checkpoint: tuple[int, bytes]


class Tally:
    """Keeps `StateMachine`. Its digest covers every field of its state."""

    def __init__(self) -> None:
        self._state = _State(0, bytes(32), {}, bytes(32), (0, bytes(32)))
        self.events = b""
        self.replies = b""
        self.checkpoint_sections: dict[str, bytes] = {}
        self.next_due_ns = 0
        """Done with by the first entry that is as late."""
        self._steps_left = 0

    @property
    def index(self) -> int:
        return self._state.index

    @property
    def chain(self) -> bytes:
        return self._state.chain

    @property
    def commands(self) -> int:
        return sum(self._state.kinds.values())

    def apply(self, index: int, ts_ns: int, payload: bytes) -> None:
        state = self._state
        assert index == state.index + 1, f"entry {index} after {state.index}"
        commands, _, metadata = split_batch(payload or EMPTY)
        if ts_ns >= self.next_due_ns:
            self.next_due_ns = 0
        self.events = commands[::-1]
        if commands[:1] == bytes([CMD_CHECKPOINT]):
            self._checkpoint(index, commands)
        replies = []
        at = 0
        while at < len(commands):
            kind, words = commands[at], commands[at + 1]
            state.kinds[kind] = state.kinds.get(kind, 0) + 1
            reply = struct.pack("<8q", kind << 24, index, self.commands, ts_ns, 0, 0, 0, 0)
            assert len(reply) == REPLY_BYTES
            replies.append(reply)
            at += 8 * words
        self.replies = b"".join(replies)
        body = (payload or EMPTY)[: len(payload or EMPTY) - len(metadata)]
        state.seen = hashlib.sha256(state.seen + commands).digest()
        state.chain = hashlib.sha256(state.chain + body + self.events).digest()
        state.index = index
        assert len(body) >= BATCH_HEADER_BYTES

    def _checkpoint(self, index: int, commands: bytes) -> None:
        claimed = (int.from_bytes(commands[32:40], "little"), commands[40:72])
        if claimed[0] and claimed[0] == self._state.checkpoint[0]:
            assert claimed == self._state.checkpoint, f"diverged at {claimed[0]}"
        self.checkpoint_sections = self.digest_sections()
        self._state.checkpoint = (index, self.digest())

    @property
    def version(self) -> int:
        return 1

    @property
    def known_version(self) -> int:
        return 1

    def last_checkpoint(self) -> tuple[int, bytes]:
        return self._state.checkpoint

    def digest(self) -> bytes:
        return hashlib.sha256(b"".join(self.digest_sections().values())).digest()

    def digest_sections(self) -> dict[str, bytes]:
        kinds = repr(sorted(self._state.kinds.items())).encode()
        return {
            "kinds": hashlib.sha256(kinds).digest(),
            "seen": self._state.seen,
            "checkpoint": hashlib.sha256(repr(self._state.checkpoint).encode()).digest(),
        }

    def begin_snapshot(self, step_bytes: int) -> None:
        self._steps_left = max(2, STATE_BYTES // step_bytes)

    def copy_snapshot(self) -> bool:
        self._steps_left = max(0, self._steps_left - 1)
        return self._steps_left == 0

    def take_snapshot(self) -> ArrivedData:
        return ArrivedData(msgspec.msgpack.encode(self._state))

    def drop_snapshot(self) -> None: ...

    @staticmethod
    def restore(data: bytes) -> "Tally":
        machine = Tally()
        machine._state = msgspec.msgpack.decode(data, type=_State)
        return machine
