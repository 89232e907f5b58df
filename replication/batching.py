"""Group commit: how the submissions of many callers become one log entry, and their answers back.

Why it exists: one fsync then pays for hundreds of commands. The rules of what fits together and
who gets which reply stand here, apart from waiting and writing. Pure; it knows the frame of a
batch and the size of a reply, not what a command does.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from core.codes import CMD_CHECKPOINT, OVERLOADED, VALIDATION
from core.commands import (
    BATCH_HEADER,
    BATCH_HEADER_BYTES,
    CHECK_INDEX,
    MalformedBatch,
    batch,
    check_commands,
)
from core.events import REPLY_BYTES
from core.limits import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX
from replication.ports import Submitted, Unknown

METADATA_BYTES_MAX: Final = 2 << 20
"""Of one submission and of one entry: half a kilobyte for each of four thousand commands."""

Metadata = dict[int, tuple[bytes, bytes, bytes]]
"""Key -> three names. The low 16 bits of a key are a command's ordinal, what is above says which
names they are; that and the names are the servers' affair. The machine never reads them."""

AUDIT: Final = 1 << 16
"""Added to an ordinal, it is the key of an operator's note: operator, reason, ticket."""

_ORDINAL_MASK: Final = AUDIT - 1
_CLAIM: Final = 8 * CHECK_INDEX
"""Where a checkpoint says which earlier checkpoint its digest is of."""

_decode_metadata: Final = msgspec.msgpack.Decoder(Metadata).decode
_encode_metadata: Final = msgspec.msgpack.Encoder().encode


class Submission(msgspec.Struct, frozen=True):
    """Commands of one caller, and where the answer goes. `done` is called exactly once."""

    commands: bytes
    count: int
    metadata: bytes
    done: Callable[[Submitted | Unknown], None]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one entry and of everything that waits; all are at most the machine's own."""

    batch_commands_max: int = BATCH_COMMANDS_MAX
    batch_bytes_max: int = BATCH_BYTES_MAX
    waiting_commands_max: int = 65_536
    waiting_bytes_max: int = 64 << 20


class Batch(msgspec.Struct, frozen=True):
    """One entry to be, and the submissions in it, in the order of their commands."""

    payload: bytes
    submissions: tuple[Submission, ...]
    commands: int


class Intake:
    """The door and the bounded queue behind it.

    What is admitted counts against the bounds until `answered`: a machine that falls behind the
    disk closes the door just as a slow disk does.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._queue: deque[Submission] = deque()
        self._queued_commands = 0
        self._queued_bytes = 0
        self._open_commands = 0
        self._open_bytes = 0

    @property
    def open_commands(self) -> int:
        """Admitted and not answered."""
        return self._open_commands

    @property
    def open_bytes(self) -> int:
        return self._open_bytes

    def __bool__(self) -> bool:
        return bool(self._queue)

    @property
    def fills_a_batch(self) -> bool:
        return (
            self._queued_commands >= self._limits.batch_commands_max
            or self._queued_bytes >= self._limits.batch_bytes_max
        )

    def admit(self, submission: Submission, room_bytes: int) -> Submitted | None:
        """None: it is in the queue. Otherwise the refusal, and nothing was kept."""
        size = len(submission.commands) + len(submission.metadata)
        if self._open_commands + submission.count > self._limits.waiting_commands_max:
            return _refusal(OVERLOADED, "too many commands are waiting")
        if self._open_bytes + size > self._limits.waiting_bytes_max:
            return _refusal(OVERLOADED, "too many bytes are waiting")
        if self._open_bytes + size > room_bytes:
            return _refusal(OVERLOADED, "the log is nearly full")
        fault = submission_fault(submission, self._limits)
        if fault:
            return _refusal(VALIDATION, fault)
        self._queue.append(submission)
        self._queued_commands += submission.count
        self._queued_bytes += len(submission.commands)
        self._open_commands += submission.count
        self._open_bytes += size
        return None

    def cut(self) -> Batch:
        """The oldest submissions that fit into one entry, at least one."""
        taken: list[Submission] = []
        commands = size = metadata_size = 0
        while self._queue:
            head = self._queue[0]
            commands += head.count
            size += len(head.commands)
            metadata_size += len(head.metadata) + 5 * head.count  # ordinals may get wider
            if taken and (
                commands > self._limits.batch_commands_max
                or size > self._limits.batch_bytes_max
                or metadata_size > METADATA_BYTES_MAX
            ):
                commands -= head.count
                break
            taken.append(self._queue.popleft())
            self._queued_commands -= head.count
            self._queued_bytes -= len(head.commands)
        joined = b"".join([submission.commands for submission in taken])
        return Batch(batch(joined, commands, join_metadata(taken)), tuple(taken), commands)

    def answered(self, submission: Submission) -> None:
        self._open_commands -= submission.count
        self._open_bytes -= len(submission.commands) + len(submission.metadata)


def submission_fault(submission: Submission, limits: Limits) -> str:
    """What is wrong with a submission, naming the field and the rule; "" if nothing is."""
    if submission.count > limits.batch_commands_max:
        return f"count: {submission.count} commands; one submission has at most " + str(
            limits.batch_commands_max
        )
    if len(submission.commands) > limits.batch_bytes_max:
        return f"commands: {len(submission.commands)} bytes; at most {limits.batch_bytes_max}"
    if len(submission.metadata) > METADATA_BYTES_MAX:
        return f"metadata: {len(submission.metadata)} bytes; at most {METADATA_BYTES_MAX}"
    try:
        counted = check_commands(submission.commands)
    except MalformedBatch as error:
        return str(error)
    if counted != submission.count or counted == 0:
        return f"count: {submission.count} is not the {counted} commands that came, or is 0"
    if _claims_a_digest(submission.commands, counted):
        return "commands: a checkpoint that claims a digest is the leader's own command"
    if submission.metadata:
        try:
            keys = _decode_metadata(submission.metadata)
        except msgspec.DecodeError as error:
            return f"metadata: {error}"
        if any(key < 0 or key & _ORDINAL_MASK >= counted for key in keys):
            return f"metadata: an ordinal is outside 0..{counted - 1}"
    return ""


def join_metadata(submissions: list[Submission]) -> bytes:
    """One metadata section for all, its ordinals counted from the entry's first command."""
    if len(submissions) == 1:
        return submissions[0].metadata
    joined: Metadata = {}
    offset = 0
    for submission in submissions:
        if submission.metadata:
            for key, names in _decode_metadata(submission.metadata).items():
                joined[offset + key] = names
        offset += submission.count
    return _encode_metadata(joined) if joined else b""


def batch_metadata(payload: bytes) -> bytes:
    """The metadata section of a payload whose frame was checked when it was made."""
    return payload[BATCH_HEADER_BYTES + BATCH_HEADER.unpack_from(payload)[2] :]


def answers(
    submissions: tuple[Submission, ...], replies: bytes, index: int, term: int, ts_ns: int
) -> list[tuple[Submission, Submitted]]:
    """Each submission with its own slice of the entry's replies."""
    found: list[tuple[Submission, Submitted]] = []
    at = 0
    for submission in submissions:
        end = at + submission.count * REPLY_BYTES
        found.append(
            (submission, Submitted(index=index, term=term, ts_ns=ts_ns, replies=replies[at:end]))
        )
        at = end
    assert at == len(replies), f"{len(replies)} bytes of replies for {at // REPLY_BYTES} commands"
    return found


def _claims_a_digest(commands: bytes, count: int) -> bool:
    """Whether a checkpoint with a claim hides in well-formed commands.

    The digest would be of the sender's choice, and a machine that finds it wrong stops. Eight
    words is the least that a command has, so commands of 64 bytes on average are all of eight
    words, and a checkpoint, of ten, is not among them.
    """
    if len(commands) == 64 * count:
        return False
    at = 0
    while at < len(commands):
        if commands[at] == CMD_CHECKPOINT and any(commands[at + _CLAIM : at + _CLAIM + 8]):
            return True
        at += 8 * commands[at + 1]
    return False


def _refusal(code: int, reason: str) -> Submitted:
    return Submitted(code=code, reason=reason)
