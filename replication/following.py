"""Following: taking a leader's records, saying where one stands, and mending what a disk damaged.

Why it exists: what a follower says of itself is what the leader counts, so every acknowledgement
is made in one place (`_acknowledge`): up to where the log is known to be the leader's *and* is on
this disk *and* is whole. Records that came but are not durable are told of later, when they are.
It must not know elections, nor how a leader chooses what to send.

A damaged record (docs/log.md) is not a missing one: it was acknowledged and may be decided. It is
asked for by its hash, of everybody; until it is back this member neither votes nor acknowledges
anything at or above it. Three things end that: the record comes; the leader's log, agreeing up to
there, has another one, so ours was never decided; or the leader, or every other voter, says from a
sound log that it has none of that hash, which proves the same.

The last two only count against the highest damaged record, whose hash the anchor or a confirmed
successor names. Below it nothing here is certain (`log_window.py`): what stands there may be a lost
write's older record, and what names it may be one. What was decided, every leader has: so there the
leader's word is taken for ours, and nothing is cut, for above it lies what we have acknowledged.
"""

from replication.elections import Elections
from replication.messages import Append, AppendReply, Repair, RepairReply
from replication.record import CorruptRecord, Record, decode
from replication.replica_state import NOBODY, Role


class Following(Elections):
    """The part of the replica that receives."""

    def _on_append(self, message: Append) -> None:
        self._heard_leader(message.sender)
        if self.is_installing:
            return
        self._round_seen = max(self._round_seen, message.round)
        if message.prev_index < self._log.base.index:
            # What a snapshot covers is decided, hence the leader's too: it may go on after it.
            self._verified_index = max(self._verified_index, self._commit_index)
            self._acknowledge()
            return
        refusal = self._place_refused(message)
        if refusal is not None:
            self._send(refusal)
            return
        place = message.prev_index
        if message.records and self.has_room:
            place = self._take(place, self._decoded(message))
        self._verified_index = max(self._verified_index, place)
        self._commit_through(min(message.commit, self._verified_index))
        self._acknowledge()

    def _place_refused(self, message: Append) -> AppendReply | None:
        """The answer if the records cannot follow what is here; None if they can."""
        if self._agrees(message):
            return None
        log = self._log
        index = message.prev_index
        hint = self._where_logs_may_agree(min(index, log.last_index), message.prev_term)
        return self._reply(ok=False, refused=index, hint=hint)

    def _agrees(self, message: Append) -> bool:
        """Whether the record before the leader's first one is ours, too.

        What is decided every leader has, so of a decided record that nothing here can name any
        more, because a record above it is damaged, the leader says which hash it has.
        """
        log = self._log
        index = message.prev_index
        if index > log.last_index:
            return False
        same = None
        try:
            same = log.compare(index, message.prev_hash)
        except CorruptRecord as error:
            if index > self._commit_index:
                raise
            self._found_damage(error.index)
        if same is None and index <= self._commit_index:
            log.name(index, message.prev_hash)
            return True
        if not same:
            return False
        return index in log.damaged or log.term_at(index) == message.prev_term

    def _where_logs_may_agree(self, index: int, term: int) -> int:
        """The highest index at or below `index` whose term is not above the leader's there.

        One answer then skips a whole term's conflicts (Raft, end of section 5.3). Never below
        what is committed, which cannot conflict.
        """
        log = self._log
        while index > self._commit_index:
            own = log.term_at(index)
            if own is not None and own <= term:
                break
            index -= 1
        return max(index, log.base.index)

    def _decoded(self, message: Append) -> list[Record]:
        """The records, verified as those that follow `prev_index`, up to the first bad one."""
        records: list[Record] = []
        prev_hash = message.prev_hash
        for index, value in enumerate(message.records, message.prev_index + 1):
            try:
                record = decode(value, self.cluster, index)
            except CorruptRecord:
                break  # the peer's fault, or the wire's: what is not taken is sent again
            if record.prev_hash != prev_hash or record.term > message.term:
                break
            records.append(record)
            prev_hash = record.hash
        return records

    def _take(self, place: int, records: list[Record]) -> int:
        """Append what is new; cut only where a record of ours conflicts (Raft, figure 2).

        Gives the index up to which the log is now the leader's.
        """
        log = self._log
        for record in records:
            if record.index <= log.last_index:
                same = log.compare(record.index, record.hash)
                if same is None:
                    log.name(record.index, record.hash)  # see the module's docstring
                if same is not False:
                    if log.wants(record.index):
                        log.repair(record)
                    place = record.index
                    continue
                self._cut(record.index, record.prev_hash)
            self._extend(record)
            place = record.index
        return place

    def _acknowledge(self) -> None:
        """See the module's first paragraph."""
        match = min(self._verified_index, self._log.durable_index, self._log.sound_index)
        self._acked_index = max(self._acked_index, match)
        self._send(self._reply(ok=True, match=match))

    def _acknowledge_news(self) -> None:
        """After a write: only if there is something new to say."""
        if self._role is not Role.FOLLOWER or self._leader == NOBODY or self.is_installing:
            return
        match = min(self._verified_index, self._log.durable_index, self._log.sound_index)
        if match > self._acked_index:
            self._acknowledge()

    def _reply(
        self, *, ok: bool, match: int = 0, refused: int = 0, hint: int = 0
    ) -> AppendReply:  # fmt: skip
        index, digest = self.checkpoint
        return AppendReply(
            sender=self.member, to=self._leader, term=self._term, ok=ok, match=match,
            round=self._round_seen, refused=refused, hint=hint,
            hint_term=0 if ok else self._log.term_at(hint) or 0,
            checkpoint=index, digest=digest, version=self.version,
            damaged=len(self._log.damaged), declines=self.declines_lead,
        )  # fmt: skip

    def _deny_old_leader(self, sender: int) -> None:
        """A leader of a smaller term learns of ours, and a stuck higher term spreads."""
        self._send(
            AppendReply(sender=self.member, to=sender, term=self._term, ok=False, match=0, round=0)
        )

    # --- repair -----------------------------------------------------------------------------

    def _ask_for_repairs(self) -> None:
        """Of everybody, and of who leads: where the list of members is what is damaged, it alone
        is known."""
        wanted = list(self._log.in_repair.items())[: self.settings.repairs_at_once_max]
        asked = self._peers
        if self._leader not in (NOBODY, self.member, *asked):
            asked.append(self._leader)
        for index, expected in wanted:
            for peer in asked:
                self._send(
                    Repair(sender=self.member, to=peer, term=self._term, index=index, hash=expected)
                )

    def _on_repair(self, message: Repair) -> None:
        log = self._log
        index = message.index
        found = b""
        compacted = index <= log.base.index
        own = log.hash_at(index) if log.holds(index) else None
        if own == message.hash and index not in log.damaged:
            try:
                found = log.record(index).encoded()
            except CorruptRecord:
                self._found_damage(index)
        progress = self._progress.get(message.sender)
        if compacted and progress is not None:
            progress.lacks_what_is_gone = True
            if message.sender not in self._snapshot_wanted_by:
                self._snapshot_wanted_by.append(message.sender)
        # Sound and durable, or it proves nothing: what is not here may still come.
        sound = log.is_whole and not compacted and self._log.durable_index >= log.last_index
        lacks = not found and sound and own != message.hash
        below = min(index - 1, log.last_index)
        self._send(
            RepairReply(
                sender=self.member, to=message.sender, term=self._term, index=index,
                hash=message.hash, record=found, lacks=lacks, compacted=compacted, below=below,
                below_hash=(log.hash_at(below) or b"") if lacks else b"",
            )
        )  # fmt: skip

    def _on_repair_reply(self, message: RepairReply) -> None:
        log = self._log
        expected = log.damaged.get(message.index)
        if not expected or expected != message.hash:
            return
        if message.record:
            try:
                record = decode(message.record, self.cluster, message.index)
            except CorruptRecord:
                return
            if record.hash == expected and message.index in log.in_repair:
                log.repair(record)
        elif message.lacks and message.index > self._commit_index:
            self._on_lacks(message)

    def _on_lacks(self, message: RepairReply) -> None:
        """There is no such record in a log that may prove that there never was a decided one.

        The same log says where ours ends then: nothing here can tell which record stood below.
        """
        log = self._log
        below = message.below, message.below_hash
        if not log.is_confirmed(message.index) or not message.below_hash:
            return  # what names it may itself be wrong; or an older program, that does not say
        if below[0] < max(self._commit_index, log.base.index) or log.compare(*below) is False:
            return
        without = self._without.setdefault((message.index, message.hash), {})
        without[message.sender] = below
        voters = {m for m in self.configuration.members if self.configuration.votes(m)}
        others = (voters or {self._leader}) - {self.member}
        # Who leads our term has all that is decided; the others speak for a term without one.
        leads = message.sender == self._leader and message.term == self._term
        all_say_so = without.keys() >= others and len({without[m] for m in others}) == 1
        if leads or all_say_so:
            if message.term > self._term:  # and the record below may be of a later term than ours
                self._new_term(message.term)
                self._become_follower(NOBODY)
            self._cut(below[0] + 1, below[1])
            self._without.clear()

    def _found_damage(self, index: int) -> None:
        """A read failed: from now on the record is in repair, and who leads must not go on."""
        self._log.found_damage(index)
        if self._role is not Role.FOLLOWER:
            self._become_follower(NOBODY)
