"""Checkpoints: when the leader asks all replicas for the digest of their state.

Why it exists: equal logs must give equal states, and a difference is worth nothing if it is
found a month later. Each checkpoint carries the digest of the one before; a replica that had
another stops. Pure; it knows that there is a checkpoint command, nothing else of the machine.
"""

import math
from collections.abc import Iterator
from typing import Final

import msgspec

from core.codes import CMD_CHECKPOINT, CMD_SET_VERSION, VALIDATION
from core.commands import (
    BATCH_HEADER, BATCH_HEADER_BYTES, CHECK_INDEX, COMMAND_WORDS, VERSION_NEW, batch, checkpoint,
)  # fmt: skip
from core.versions import VERSION_FIRST, version_of_kind
from replication.batching import Submission, batch_metadata
from replication.ports import Sections, StateMachine, Submitted
from replication.record import COMMANDS, Record
from replication.replica import Replica
from replication.settings import NodeSettings

SECTIONS_KEY: Final = 2 << 16
"""In a checkpoint's metadata: the digests of the state's sections at the checkpoint before."""

_decode_metadata: Final = msgspec.msgpack.Decoder(dict[int, tuple[bytes, bytes, bytes]]).decode
_decode_sections: Final = msgspec.msgpack.Decoder(dict[str, bytes]).decode


class CheckpointPlan:
    """Due every so many entries or commands, and so long after anything happened.

    Never after nothing.
    """

    def __init__(self, settings: NodeSettings) -> None:
        self._every_entries = settings.checkpoint_entries
        self._every_commands = settings.checkpoint_commands
        self._every_s = settings.checkpoint_s
        self._entries = 0
        self._commands = 0
        self._last_s = -math.inf
        self._waiting_for = 0

    @property
    def due_s(self) -> float:
        """When the next one is due if no more entries come; infinity if nothing happened."""
        if self._waiting_for or self._entries == 0:
            return math.inf
        return self._last_s + self._every_s

    def begin(self, now_s: float) -> None:
        """The node has begun to lead."""
        self._last_s = now_s

    def due(self, now_s: float) -> bool:
        if self._waiting_for or self._entries == 0:
            return False
        return (
            self._entries >= self._every_entries
            or self._commands >= self._every_commands
            or now_s >= self._last_s + self._every_s
        )

    def proposed(self, index: int) -> None:
        """One at a time: the next one carries this one's digest."""
        self._waiting_for = index

    def applied(self, index: int, payload: bytes, now_s: float) -> None:
        """Told of every applied entry, whoever proposed it."""
        if len(payload) <= BATCH_HEADER_BYTES:
            return
        if payload[BATCH_HEADER_BYTES] == CMD_CHECKPOINT:
            self._entries = self._commands = 0
            self._last_s = now_s
        else:
            self._entries += 1
            self._commands += BATCH_HEADER.unpack_from(payload)[1]
        if index >= self._waiting_for:
            self._waiting_for = 0


class OddOneOut(Exception):
    """Our bug, or a machine that lies: this replica's state is not the one that others have.

    The node stops; `sections` names the parts of the state that differ, as far as is known.
    """

    def __init__(self, index: int, what: str, sections: Sections) -> None:
        names = ", ".join(sections) or "not known"
        super().__init__(f"checkpoint {index}: {what}; sections that differ: {names}")
        self.index = index
        self.sections = sections


class Comparison:
    """A leader's and a follower's side of comparing states.

    The leader puts its digest of the checkpoint before into each checkpoint: a follower that had
    another stops in `apply`. Before that the leader looks at what the followers told: if most of
    them agree with each other and not with it, it is the odd one, and must not stop the others.
    """

    def payload(self, machine: StateMachine) -> bytes:
        """The checkpoint to propose: the claim, and the digests of the sections behind it."""
        sections = machine.checkpoint_sections
        metadata = b""
        if sections:
            encoded = msgspec.msgpack.encode(sections)
            metadata = msgspec.msgpack.encode({SECTIONS_KEY: (encoded, b"", b"")})
        return batch(checkpoint(*machine.last_checkpoint()), 1, metadata)

    def check(self, machine: StateMachine, replica: Replica) -> None:
        """Raises `OddOneOut` if a majority has another digest than this leader."""
        index, digest = machine.last_checkpoint()
        if index == 0:
            return
        others: dict[bytes, list[int]] = {}
        for member, progress in replica.progress.items():
            if progress.checkpoint[0] == index and progress.checkpoint[1] != digest:
                others.setdefault(progress.checkpoint[1], []).append(member)
        for theirs, members in others.items():
            if replica.configuration.is_majority(members):
                raise OddOneOut(index, f"ours is {digest.hex()}, a majority has {theirs.hex()}", {})

    def before_apply(self, machine: StateMachine, record: Record) -> None:
        """Raises `OddOneOut`, with the names of the sections, before `apply` would stop."""
        if record.kind != COMMANDS or not _is_checkpoint(record.payload):
            return
        metadata = batch_metadata(record.payload)
        if not metadata or not machine.checkpoint_sections:
            return
        theirs = _sections_in(metadata)
        claimed = int.from_bytes(record.payload[_CLAIM_AT : _CLAIM_AT + 8], "little", signed=True)
        if theirs and claimed == machine.last_checkpoint()[0] > 0:
            ours = machine.checkpoint_sections
            differing = {
                name: ours.get(name, b"")
                for name in sorted({*ours, *theirs})
                if ours.get(name) != theirs.get(name)
            }
            if differing:
                raise OddOneOut(claimed, "the leader's state was another", differing)

    def version_refusal(
        self, submission: Submission, replica: Replica, machine: StateMachine
    ) -> Submitted | None:
        """What a member's program may not know is kept out of the log.

        A machine version is raised only when every member's program knows it, and a kind of
        command is taken only when the version that brought it is in force.
        """
        needed = version_needed(submission.commands, submission.count)
        if needed > machine.version:
            return Submitted(
                code=VALIDATION,
                reason=f"version: a command needs {needed}, and {machine.version} is in force",
            )
        wanted = version_wanted(submission.commands, submission.count)
        if wanted == 0:
            return None
        known = {replica.member: replica.version}
        known |= {member: progress.version for member, progress in replica.progress.items()}
        lacking = sorted(member for member, version in known.items() if version < wanted)
        if not lacking:
            return None
        return Submitted(
            code=VALIDATION,
            reason=f"version: {wanted} is not known to the programs of members {lacking}",
        )


_CLAIM_AT: Final = BATCH_HEADER_BYTES + 8 * CHECK_INDEX


_VERSION: Final = 8 * VERSION_NEW


def version_wanted(commands: bytes, count: int) -> int:
    """The highest machine version that one of the commands asks for, 0 if none does."""
    if len(commands) == 8 * COMMAND_WORDS * count and commands[0] != CMD_SET_VERSION:
        # The usual batch: whole rows, so the first byte of each is its kind.
        if CMD_SET_VERSION not in commands[:: 8 * COMMAND_WORDS]:
            return 0
    wanted = 0
    for at in _starts(commands):
        if commands[at] == CMD_SET_VERSION:
            asked = int.from_bytes(
                commands[at + _VERSION : at + _VERSION + 8], "little", signed=True
            )
            wanted = max(wanted, asked)
    return wanted


def _starts(commands: bytes) -> Iterator[int]:
    """Where each command begins; of bytes that are none, as far as they can be read."""
    at = 0
    while at + 1 < len(commands) and commands[at + 1] > 0:
        yield at
        at += 8 * commands[at + 1]


def version_needed(commands: bytes, count: int) -> int:
    """The lowest machine version that knows all of these kinds of commands."""
    if len(commands) == 8 * COMMAND_WORDS * count:
        return version_of_kind(max(commands[:: 8 * COMMAND_WORDS], default=0))
    return max((version_of_kind(commands[at]) for at in _starts(commands)), default=VERSION_FIRST)


def _is_checkpoint(payload: bytes) -> bool:
    return len(payload) > BATCH_HEADER_BYTES and payload[BATCH_HEADER_BYTES] == CMD_CHECKPOINT


def _sections_in(metadata: bytes) -> dict[str, bytes]:
    try:
        found = _decode_metadata(metadata).get(SECTIONS_KEY)
        return {} if found is None else _decode_sections(found[0])
    except msgspec.DecodeError:
        return {}
