"""What callers submitted to a node, from the door to the one answer that each of them gets.

Why it exists: between "admitted" and "answered" the lead may be lost, won again, or a snapshot
may take the place of the log, and in each case every caller must be told the truth exactly once.
It must not know how entries are decided, nor what a command does.
"""

from core.codes import NOT_LEADER
from replication.batching import Batch, Intake, Limits, Submission, answers
from replication.ports import Submitted, Unknown
from replication.record import Record


class NodeSubmissions:
    """The door's queue, and the entries that were made of it and are not applied yet."""

    def __init__(self, limits: Limits) -> None:
        self._intake = Intake(limits)
        self._proposed: dict[int, tuple[bytes, Batch]] = {}
        """Log index -> the record's hash, and what is in it."""

    @property
    def open_commands(self) -> int:
        return self._intake.open_commands

    @property
    def has_queue(self) -> bool:
        return bool(self._intake)

    @property
    def has_proposals(self) -> bool:
        """Made into entries whose fate the log has not shown yet."""
        return bool(self._proposed)

    @property
    def is_empty(self) -> bool:
        return not self._intake and not self._proposed

    @property
    def fills_a_batch(self) -> bool:
        return self._intake.fills_a_batch

    def admit(self, submission: Submission, room_bytes: int) -> Submitted | None:
        return self._intake.admit(submission, room_bytes)

    def cut(self) -> Batch:
        return self._intake.cut()

    def proposed(self, record: Record, batch: Batch) -> None:
        replaced = self._proposed.pop(record.index, None)
        if replaced is not None:  # of an earlier lead of ours: its record was cut since
            self._refuse(replaced[1], 0, "the entry was replaced before it was decided")
        self._proposed[record.index] = (record.hash, batch)

    def applied(self, record: Record, replies: bytes, leader: int) -> int:
        """Answers those who wait for this index; how many commands were theirs."""
        waiting = self._proposed.pop(record.index, None)
        if waiting is None:
            return 0
        of_hash, batch = waiting
        if of_hash != record.hash:
            self._refuse(batch, leader, "another leader's entry stands there")
            return 0
        for submission, answer in answers(
            batch.submissions, replies, record.index, record.term, record.ts_ns
        ):
            self._intake.answered(submission)
            submission.done(answer)
        return batch.commands

    def skipped(self, index: int) -> None:
        """A snapshot took the place of the log up to `index`."""
        for at in [at for at in self._proposed if at <= index]:
            self._unknown(self._proposed.pop(at)[1], "a snapshot covers the entry")

    def refuse_queue(self, code: int, leader: int, reason: str) -> None:
        """What waits to be made into entries is not accepted."""
        while self._intake:
            self._refuse(self._intake.cut(), leader, reason, code)

    def all_unknown(self, reason: str) -> None:
        for at in list(self._proposed):
            self._unknown(self._proposed.pop(at)[1], reason)
        while self._intake:
            self._unknown(self._intake.cut(), reason)

    def _refuse(self, batch: Batch, leader: int, reason: str, code: int = NOT_LEADER) -> None:
        refusal = Submitted(code=code, reason=reason, leader=leader)
        for submission in batch.submissions:
            self._intake.answered(submission)
            submission.done(refusal)

    def _unknown(self, batch: Batch, reason: str) -> None:
        for submission in batch.submissions:
            self._intake.answered(submission)
            submission.done(Unknown(reason=reason))
