"""Leading: sending records and snapshots, deciding what is committed, reads, handing over, members.

Why it exists: what only a leader does, from the moment when it has a majority's votes to the one
when it hears of a larger term or of nobody. It must not know how votes are won, nor what a
follower does with what it gets. The rules that it keeps are numbered in `replica.py`.
"""

import math
from typing import Final

from replication import membership
from replication.following import Following
from replication.membership import BadConfiguration, Configuration
from replication.messages import (
    Append,
    AppendReply,
    Join,
    SnapshotChunk,
    SnapshotReply,
    TimeoutNow,
    node_number,
)
from replication.progress import NEVER_S, Flow, Outgoing, Progress
from replication.record import COMMANDS, MEMBERS, CorruptRecord
from replication.replica_state import NOBODY, Read, Role
from replication.snapshot_chunks import chunk_of

ROUNDS_REMEMBERED: Final = 1024
"""Heartbeats whose beginning the lease may still be counted from."""


class Leading(Following):
    """The part of the replica that leads."""

    # --- the beginning of a term ------------------------------------------------------------

    def _lead(self) -> None:
        """A majority has voted for us in this term, our own vote is durable."""
        assert self._role is Role.CANDIDATE
        assert not self._hard_state_dirty, "a vote that is not durable was counted"
        self._role = Role.LEADER
        self._leader = self.member
        self._election_due_s = math.inf
        self._lease_until_s = NEVER_S
        self._lease_given_away = False
        self._granted.clear()
        self._progress.clear()
        self._round = 0
        self._round_began_s.clear()
        self._sync_progress()
        self._term_start_index = self._log.last_index + 1
        if self._log.last_index == 0:  # whoever joins later learns from the log who founded it
            founders = membership.encode(self.configuration)
            self._append(founders, self._log.last_ts_ns, MEMBERS)
        else:
            self._append(self._empty_payload, self._log.last_ts_ns, COMMANDS)  # rule 6
        self._quorum_due_s = self._now_s + self.settings.election_timeout_s
        self._heartbeat()  # last: it may read damage, and step down at once

    # --- sending ----------------------------------------------------------------------------

    def _heartbeat(self) -> None:
        """To everybody, whatever their state; it also tries again what got lost."""
        self._begin_round()
        self._heartbeat_due_s = self._now_s + self.settings.heartbeat_s
        for member, progress in list(self._progress.items()):
            if self._role is not Role.LEADER:
                return  # a damaged record was found on the way
            if progress.flow is Flow.SNAPSHOT:
                self._send_chunk(member, progress, again=True)
            elif progress.next <= self._log.base.index:
                self._want_snapshot(member)  # and until it comes, that there is a leader
                self._send_append(member, self._log.base.index + 1, ())
            elif progress.flow is Flow.PROBE:
                progress.waiting = False
                self._send_records(member, progress, even_none=True)
            else:
                self._send_append(member, progress.next, ())

    def _begin_round(self) -> None:
        self._round += 1
        self._round_wanted = False
        self._round_began_s[self._round] = self._now_s
        self._round_began_s.pop(self._round - ROUNDS_REMEMBERED, None)

    def _send_what_is_new(self) -> None:
        for member, progress in list(self._progress.items()):
            if self._role is Role.LEADER:
                self._send_records(member, progress, even_none=False)

    def _send_records(self, member: int, progress: Progress, *, even_none: bool) -> None:
        settings = self.settings
        while True:
            if progress.flow is Flow.SNAPSHOT or (progress.flow is Flow.PROBE and progress.waiting):
                return
            if progress.flow is Flow.REPLICATE and (
                progress.in_flight >= settings.in_flight_messages_max
                or progress.in_flight_bytes >= settings.in_flight_bytes_max
            ):
                return
            if progress.next <= self._log.base.index:
                self._want_snapshot(member)
                return
            if progress.next > self._log.last_index and not even_none:
                return
            try:
                last, size, records = self._gather(progress.next)
            except CorruptRecord as error:
                self._found_damage(error.index)
                return
            self._send_append(member, progress.next, records)
            if not records:
                return
            progress.sent(last, size)
            even_none = False

    def _gather(self, first: int) -> tuple[int, int, tuple[bytes, ...]]:
        log, settings = self._log, self.settings
        records: list[bytes] = []
        size = 0
        index = first
        while index <= log.last_index and len(records) < settings.append_records_max:
            value = log.record(index).encoded()
            if records and size + len(value) > settings.append_bytes_max:
                break
            records.append(value)
            size += len(value)
            index += 1
        return index - 1, size, tuple(records)

    def _send_append(self, member: int, next_index: int, records: tuple[bytes, ...]) -> None:
        prev = next_index - 1
        try:
            term, prev_hash = self._log.term_at(prev), self._log.hash_at(prev)
        except CorruptRecord as error:
            self._found_damage(error.index)
            return
        assert term is not None, f"a leader does not know the term of record {prev}"
        assert prev_hash is not None, f"a leader does not know the hash of record {prev}"
        self._send(
            Append(
                sender=self.member, to=member, term=self._term, prev_index=prev, prev_term=term,
                prev_hash=prev_hash, commit=self._commit_index, round=self._round, records=records,
            )
        )  # fmt: skip

    # --- answers ----------------------------------------------------------------------------

    def _on_append_reply(self, message: AppendReply) -> None:
        progress = self._progress.get(message.sender)
        if progress is None or self._role is not Role.LEADER:
            return
        self._heard(progress, message.round)
        progress.version = message.version
        progress.damaged = message.damaged
        progress.declines = message.declines
        if message.checkpoint >= progress.checkpoint[0]:
            progress.checkpoint = (message.checkpoint, message.digest)
        if progress.flow is Flow.SNAPSHOT:
            return
        if not message.ok:
            next_index = self._next_after_refusal(message)
            if self._leads and progress.refused(message.refused, next_index):
                self._send_records(message.sender, progress, even_none=True)
            return
        assert message.match <= self._log.last_index, "a follower has more than its leader"
        agrees = progress.flow is Flow.PROBE and progress.is_answered_by(message.match)
        news = progress.accepted(message.match)
        if agrees:
            progress.replicate()
        if news:
            self._advance_commit()
        if self._role is Role.LEADER:
            self._after_progress(message.sender, progress)

    def _after_progress(self, member: int, progress: Progress) -> None:
        self._send_records(member, progress, even_none=False)
        if member == self._transferee and progress.match == self._log.last_index:
            self._hand_over(member)
        if member in self.configuration.learners:
            self._promote_learners()

    @property
    def _leads(self) -> bool:
        """Also after a step that may have found a damaged record, and then does not."""
        return self._role is Role.LEADER

    def _next_after_refusal(self, message: AppendReply) -> int:
        """Skip our own terms above the follower's hint (the other half of the skipping)."""
        log = self._log
        index = min(message.hint, log.last_index)
        try:
            while index > log.base.index:
                term = log.term_at(index)
                if term is not None and term <= message.hint_term:
                    break
                index -= 1
        except CorruptRecord as error:
            self._found_damage(error.index)
        return index + 1 if index >= log.base.index and message.hint >= log.base.index else index

    def _heard(self, progress: Progress, round_: int) -> None:
        progress.active = True
        progress.heard_s = self._now_s
        progress.round_acked = max(progress.round_acked, round_)
        if self._reads:
            self._release_reads()

    # --- commitment -------------------------------------------------------------------------

    def _advance_commit(self) -> None:
        """Rule 5: on a majority's disks, and of this term or below a record of it."""
        if self._role is not Role.LEADER:
            return
        durable = {member: progress.match for member, progress in self._progress.items()}
        durable[self.member] = self._log.durable_index  # rule 4
        decided = self.configuration.on_majority(durable)
        if decided < self._term_start_index or decided <= self._commit_index:
            return
        first_of_term = self._commit_index < self._term_start_index
        self._commit_through(decided)
        if first_of_term and self._reads:
            self._release_reads()
        self._after_commit()

    def _after_commit(self) -> None:
        """A joint configuration that is decided is left at once; whoever left steps down."""
        if self.configuration_index > self._commit_index:
            return
        if self.configuration.is_joint:
            self._change(membership.settled(self.configuration))
        elif self.member not in self.configuration.voters:
            self._heartbeat()  # the others learn the commit before they lose their leader
            self._become_follower(NOBODY)
        else:
            self._promote_learners()

    # --- reads ------------------------------------------------------------------------------

    def _read(self, context: int) -> None:
        """Answered with the commit index once a majority has confirmed that we lead now."""
        read = Read(context, self._commit_index, self._round + 1)
        if self._term_is_decided and self._has_lease:
            self._ready_reads.append((context, self._commit_index))
            return
        self._reads.append(read)
        self._round_wanted = True

    def _release_reads(self) -> None:
        if not self._term_is_decided:
            return
        acked = {member: progress.round_acked for member, progress in self._progress.items()}
        acked[self.member] = self._round
        confirmed = self.configuration.on_majority(acked)
        while self._reads and self._reads[0].round <= confirmed:
            read = self._reads.popleft()
            self._ready_reads.append((read.context, max(read.index, self._term_start_index)))

    @property
    def _term_is_decided(self) -> bool:
        """Before a record of the own term is committed, the commit index may be an old one."""
        return self._role is Role.LEADER and self._commit_index >= self._term_start_index

    @property
    def _has_lease(self) -> bool:
        """A majority followed us so lately that none of it can have voted for another since."""
        if not self.settings.lease_reads or self._lease_given_away or self._transferee != NOBODY:
            return False
        acked = {member: progress.round_acked for member, progress in self._progress.items()}
        acked[self.member] = self._round
        began_s = self._round_began_s.get(self.configuration.on_majority(acked), NEVER_S)
        if not self._progress:
            return True
        return self._now_s < began_s + self.settings.lease_s

    # --- check-quorum -----------------------------------------------------------------------

    def _check_quorum(self) -> None:
        """A leader that hears no majority for an election timeout is none (rule 8)."""
        active = [member for member, progress in self._progress.items() if progress.active]
        if not self.configuration.is_majority([self.member, *active]):
            self._become_follower(NOBODY)
            return
        for progress in self._progress.values():
            progress.active = False
        self._quorum_due_s = self._now_s + self.settings.election_timeout_s

    # --- handing over -----------------------------------------------------------------------

    @property
    def successor(self) -> int | None:
        """The other voter that has most, is heard of, is whole and would; None: there is none.

        Heard of within an election timeout, not since the leader last counted: it may have counted
        just now, and then has heard of nobody since.
        """
        since_s = self._now_s - self.settings.election_timeout_s
        found = [
            (progress.match, -member)
            for member, progress in self._progress.items()
            if member in self.configuration.voters and progress.heard_s >= since_s
            if not progress.damaged and not progress.declines
        ]
        return -max(found)[1] if found else None

    def _transfer(self, member: int) -> None:
        self._transferee = member
        self._transfer_ends_s = self._now_s + self.settings.election_timeout_s
        progress = self._progress[member]
        if progress.match == self._log.last_index:
            self._hand_over(member)
        else:
            self._send_records(member, progress, even_none=False)

    def _hand_over(self, member: int) -> None:
        """From here on a vote may be cast in spite of our lease, for the rest of the term."""
        self._lease_given_away = True
        self._send(TimeoutNow(sender=self.member, to=member, term=self._term))

    def _give_up_transfer(self) -> None:
        self._transferee = NOBODY
        self._transfer_ends_s = math.inf

    # --- members ----------------------------------------------------------------------------

    def _change(self, configuration: Configuration) -> int:
        record = self._append(
            membership.encode(membership.checked(configuration)), self._log.last_ts_ns, MEMBERS
        )
        self._send_what_is_new()
        return record.index

    @property
    def _may_change(self) -> bool:
        """One change at a time, and none before this term's first record is decided."""
        return (
            self._term_is_decided
            and not self.configuration.is_joint
            and self.configuration_index <= self._commit_index
            and self._transferee == NOBODY
        )

    def _on_join(self, message: Join) -> None:
        if not self._may_change or not self.configuration.admits(message.sender):
            return
        try:
            changed = membership.with_learner(self.configuration, message.sender, b"joins")
        except BadConfiguration:
            return
        self._change(changed)

    def _promote_learners(self) -> None:
        """A learner that replaces a voter, or was invited, votes once it has caught up."""
        for member in self.configuration.learners:
            progress = self._progress.get(member)
            if progress is None or not self._may_change or progress.flow is not Flow.REPLICATE:
                continue
            if progress.match + self.settings.promote_within >= self._log.last_index:
                note = b"node %d caught up" % node_number(member)
                self._change(membership.promoted(self.configuration, member, note))
                return

    # --- snapshots --------------------------------------------------------------------------

    def _want_snapshot(self, member: int) -> None:
        if member not in self._snapshot_wanted_by:
            self._snapshot_wanted_by.append(member)

    def _offer_snapshot(self, snapshot: Outgoing) -> None:
        """The node read the newest snapshot for those who need one."""
        if snapshot.index < self._log.base.index:
            return  # the log was cut meanwhile: what follows it is gone; a newer one will be read
        wanted_by, self._snapshot_wanted_by = self._snapshot_wanted_by, []
        for member in wanted_by:
            progress = self._progress.get(member)
            if progress is None or progress.flow is Flow.SNAPSHOT:
                continue
            if progress.next <= self._log.base.index or progress.lacks_what_is_gone:
                own = Outgoing(snapshot.index, snapshot.meta, snapshot.data, snapshot.whole_hash)
                progress.send_snapshot(own)
                self._send_chunk(member, progress, again=False)

    def _send_chunk(self, member: int, progress: Progress, *, again: bool) -> None:
        snapshot = progress.snapshot
        assert snapshot is not None, "SNAPSHOT without one"
        if snapshot.sent and not again:
            return
        data, data_hash = chunk_of(snapshot, self.settings.snapshot_chunk_bytes)
        snapshot.sent = True
        self._send(
            SnapshotChunk(
                sender=self.member, to=member, term=self._term, meta=snapshot.meta,
                size=len(snapshot.data), whole_hash=snapshot.whole_hash, offset=snapshot.offset,
                data=data, data_hash=data_hash, round=self._round,
            )
        )  # fmt: skip

    def _on_snapshot_reply(self, message: SnapshotReply) -> None:
        progress = self._progress.get(message.sender)
        if progress is None or self._role is not Role.LEADER:
            return
        self._heard(progress, message.round)
        snapshot = progress.snapshot
        if progress.flow is not Flow.SNAPSHOT or snapshot is None:
            return
        if message.done:
            progress.probe(max(message.index, snapshot.index) + 1)
            self._send_records(message.sender, progress, even_none=True)
        elif message.index == snapshot.index and message.received != snapshot.offset:
            snapshot.offset = min(message.received, len(snapshot.data))
            snapshot.sent = False
            self._send_chunk(message.sender, progress, again=False)
