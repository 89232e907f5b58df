"""Plants in durability: the disk's word, damage, recovery, snapshots and compaction."""

from typing import Final

from sim.planting import Edit, Plant

_FOLLOWING: Final = "replication.following"
_REPLICA: Final = "replication.replica"
_INSTALLING: Final = "replication.installing"
_WINDOW: Final = "replication.log_window"
_RECOVERY: Final = "replication.recovery"
_RECORD: Final = "replication.record"
_SNAPSHOTS: Final = "replication.node_snapshots"
_RESULTS: Final = "replication.node_results"
_DISK: Final = "sim.storage"
_HOST: Final = "sim.process"

PLANTS: Final = (
    Plant(
        name="failed-sync-swallowed", expected=("AD", "REC", "LM", "ASSERT"),
        what="the disk says that it could not, and the process goes on as if it had",
        edits=(
            Edit(
                _HOST,
                '            self._note("failed_sync")\n            self.crash()\n'
                "            return\n",
                '            self._note("failed_sync")\n',
            ),
        ),
    ),
    Plant(
        name="full-disk-is-success", expected=("AD", "REC", "LM", "ASSERT"),
        what="a write to a full disk is lost and reported as done",
        edits=(
            Edit(
                _DISK,
                "            raise FailedSync\n        self._apply(write)\n",
                "            raise FailedSync\n"
                "        if self.log.is_full and write.records:\n"
                "            return\n        self._apply(write)\n",
            ),
            Edit(
                _DISK,
                "return -ROOM_BYTES if self.is_full else ROOM_BYTES",
                "return ROOM_BYTES",
            ),
        ),
    ),
    Plant(
        name="half-a-write-on-full-disk", expected=("AD", "HASH", "REC", "LM", "ASSERT"),
        what="a full disk takes the first half of a write's records and all of the rest",
        edits=(
            Edit(
                _DISK,
                "            raise FailedSync\n        self._apply(write)\n",
                "            raise FailedSync\n"
                "        if self.log.is_full:\n"
                "            del write.records[len(write.records) // 2 :]\n"
                "        self._apply(write)\n",
            ),
            Edit(_DISK, "return -ROOM_BYTES if self.is_full else ROOM_BYTES", "return ROOM_BYTES"),
        ),
    ),
    Plant(
        name="torn-record-accepted", expected=("REC", "SMS", "HASH", "ASSERT"),
        what="a record's own hashes are not checked when it is read",
        profile="disk",
        edits=(
            Edit(
                _RECORD,
                "if hashlib.sha256(header[:_HASHED_BYTES]).digest() != own:",
                "if not own:",
            ),
            Edit(
                _RECORD,
                "if hashlib.sha256(payload).digest() != payload_hash:",
                "if not payload_hash:",
            ),
        ),
    ),
    Plant(
        name="place-not-checked", expected=("REC", "SMS", "LM", "HASH", "ASSERT"),
        what="a sound record of another place, or an older one of its own, is accepted",
        profile="disk",
        edits=(
            Edit(_RECORD, "    if index != expected_index:\n", "    if index < 0:\n"),
            Edit(
                _RECOVERY,
                "            check_follows(record, *self._before)\n",
                "",
            ),
            Edit(
                _RECOVERY,
                "            if expected and record.hash != expected:",
                "            if record.hash == b'':",
            ),
        ),
    ),
    Plant(
        name="chain-not-verified", expected=("REC", "LM", "ASSERT", "SMS", "HASH", "AD"),
        what="recovery does not compare a record with the hash that its neighbours carry",
        profile="disk",
        edits=(
            Edit(
                _RECOVERY,
                "            check_follows(record, *self._before)\n",
                "",
            ),
            Edit(
                _RECOVERY,
                "            if expected and record.hash != expected:",
                "            if record.hash == b'':",
            ),
            Edit(
                _RECOVERY,
                "    if confirmed is not None and confirmed.hash == anchor.last_hash:\n",
                "    if confirmed is not None:\n",
            ),
            Edit(
                _RECOVERY,
                "    if walk.is_broken or walk.last_hash != anchor.last_hash:\n",
                "    if walk.is_broken:\n",
            ),
        ),
    ),
    Plant(
        name="damage-cuts-suffix", expected=("AD", "LC", "REC", "SMS", "ASSERT"),
        what="a member with a damaged record drops it and all behind it, and goes on voting",
        profile="disk",
        edits=(
            Edit(
                _REPLICA,
                "        state = start.hard_state\n        assert start.base.index <= "
                "start.applied_index",
                "        state = start.hard_state\n"
                "        if start.damaged and min(start.damaged) > start.base.index + 1:\n"
                "            last = reader.record(min(start.damaged) - 1)\n"
                "            state = HardState(term=state.term, vote=state.vote,\n"
                "                last_index=last.index, last_hash=last.hash)\n"
                "            start = msgspec.structs.replace(start, damaged={},\n"
                "                committed_index=min(start.committed_index, last.index),\n"
                "                hard_state=state)\n"
                "        assert start.base.index <= start.applied_index",
            ),
        ),
    ),
    Plant(
        name="votes-while-in-repair", expected=("AD", "LC", "SMS", "ASSERT", "REC"),
        what="a member votes and leads while records of its log are damaged",
        profile="disk",
        edits=(
            Edit(
                "replication.elections",
                "if message.term < self._term or not self._log.is_whole or self.is_installing:",
                "if message.term < self._term or self.is_installing:",
            ),
            Edit(
                "replication.following",
                "        match = min(self._verified_index, self._log.durable_index, "
                "self._log.sound_index)\n        if match",
                "        match = min(self._verified_index, self._log.durable_index)\n"
                "        if match",
            ),
            Edit(
                "replication.following",
                "        match = min(self._verified_index, self._log.durable_index, "
                "self._log.sound_index)\n        self._acked_index = ",
                "        match = min(self._verified_index, self._log.durable_index)\n"
                "        self._acked_index = ",
            ),
        ),
    ),
    Plant(
        name="repair-not-verified", expected=("REC", "LM", "SMS", "AD", "HASH", "ASSERT"),
        what="a repaired record is believed without comparing its hash",
        profile="disk",
        edits=(
            Edit(
                _FOLLOWING,
                "        own = log.hash_at(index) if log.holds(index) else None\n"
                "        if own == message.hash and index not in log.damaged:",
                "        own = log.hash_at(index) if log.holds(index) else None\n"
                "        if own and index > 1 and index not in log.damaged:\n"
                "            index -= log.holds(index - 1)\n        if own:",
            ),
            Edit(
                _FOLLOWING,
                "            if record.hash == expected and message.index in log.in_repair:",
                "            if message.index in log.in_repair:",
            ),
            Edit(
                _WINDOW,
                "assert self.damaged[record.index] == record.hash, record.index",
                "assert record.index >= 0",
            ),
        ),
    ),
    Plant(
        name="wiped-keeps-its-identity", expected=("AD", "ES", "LC", "SMS", "REC", "ASSERT"),
        what="a member that lost its disk comes back under the same identity and votes",
        edits=(
            Edit(
                _HOST,
                "        self.member = member\n        self.voters = ()\n",
                "",
            ),
        ),
    ),
    Plant(
        name="results-beyond-the-log", expected=("REC", "SMS", "AD", "ASSERT", "HASH"),
        what="recovery takes the end of the log for what is decided",
        edits=(
            Edit(
                _RECOVERY,
                "base, anchor, known = store.base(), store.hard_state(), store.result_index()",
                "base, anchor, known = store.base(), store.hard_state(), "
                "store.hard_state().last_index",
            ),
        ),
    ),
    Plant(
        name="results-ahead-of-the-log", expected=("REC", "ASSERT", "AD", "SMS"),
        what="results are stored under an index one too high, apart from their record",
        edits=(
            Edit(
                _RESULTS,
                "        self._waiting.append(result)\n",
                "        if result.index % 16:\n            self._waiting.append(result)\n",
            ),
        ),
    ),
    Plant(
        name="applies-twice-after-restart", expected=("HASH", "EO", "ASSERT", "REC"),
        what="a restart applies the last entry once more",
        edits=(
            Edit(
                _REPLICA,
                "self._commit_index = self._handed_index = start.applied_index",
                "self._commit_index = self._handed_index = max(\n"
                "            start.base.index, start.applied_index - 1)",
            ),
        ),
    ),
    Plant(
        name="snapshot-of-another-moment", expected=("HASH", "REC", "ASSERT", "LIVE"),
        what="a snapshot's data is a later state than its description says",
        edits=(
            Edit(
                _SNAPSHOTS,
                "        self._saving = (meta, machine.take_snapshot())\n",
                "        self._saving = (meta, machine.take_snapshot())\n"
                "        self._live = machine\n",
            ),
            Edit(
                _SNAPSHOTS,
                "        self._handed_out = True\n        return self._saving\n",
                "        self._handed_out = True\n"
                "        if self._arriving is None:\n"
                "            self._saving = (self._saving[0], self._live.take_snapshot())\n"
                "        return self._saving\n",
            ),
        ),
    ),
    Plant(
        name="install-without-reset", expected=("LM", "LIVE", "SMS", "ASSERT", "REC", "AD"),
        what="an installed snapshot leaves the old log where it was",
        edits=(
            Edit(
                _INSTALLING,
                "        self._log.reset(base)\n        self._reset_in_flight = None\n",
                "        if base.index <= self._log.last_index:\n"
                "            self._log.forget_through(base)\n"
                "        else:\n            self._log.reset(base)\n"
                "        self._reset_in_flight = None\n",
            ),
            Edit(
                _REPLICA,
                "cut_from, repaired, records, end = 0, [], [], (reset.index, reset.hash)",
                "cut_from, repaired, records, end = 0, [], [], end",
            ),
        ),
    ),
    Plant(
        name="compacts-before-snapshot", expected=("REC", "AD", "ASSERT"),
        what="the log is cut below a snapshot that is not durable yet",
        edits=(
            Edit(
                _SNAPSHOTS,
                "        self._saving = (meta, machine.take_snapshot())\n",
                "        self._saving = (meta, machine.take_snapshot())\n"
                "        self._indexes = [*self._indexes, meta.index][-KEPT:]\n",
            ),
            Edit(
                _SNAPSHOTS,
                "        self._taking = None\n        self._handed_out = False\n",
                "        self._taking = None\n        self._handed_out = False\n"
                "        self.compact(replica)\n",
            ),
            Edit(
                _SNAPSHOTS,
                "        index = min(self._indexes[0], self._indexes[-1] - "
                "self._settings.retain_entries)\n",
                "        index = self._indexes[-1]\n",
            ),
        ),
    ),
    Plant(
        name="compacts-all-but-newest", expected=("REC", "AD", "LIVE", "ASSERT"),
        what="the log is cut up to the newest snapshot, whose bytes may rot",
        profile="disk",
        edits=(
            Edit(
                _SNAPSHOTS,
                "        index = min(self._indexes[0], self._indexes[-1] - "
                "self._settings.retain_entries)\n        return min(index, self.wanted_from - 1)\n",
                "        return self._indexes[-1]\n",
            ),
        ),
    ),
    Plant(
        name="snapshot-reported-early", profile="members", expected=("REC", "ASSERT", "AD", "HASH"),
        what="a snapshot counts as saved, and the log is cut, before it is on the disk",
        edits=(
            Edit(
                _HOST,
                "        self.storage.begin_snapshot(meta, data)\n",
                "        self.storage.begin_snapshot(meta, data)\n"
                "        self.world.after(0, self.later, self._saved, self.life, meta, '')\n",
            ),
            Edit(
                _HOST,
                '        self._note("snapshot", index=meta.index, text=reason)\n'
                "        self.later(self._saved, life, meta, reason)\n",
                '        self._note("snapshot", index=meta.index, text=reason)\n',
            ),
            Edit(
                _HOST,
                "        self._saving = None\n        if reason:\n",
                "        if self.storage._pending_snapshot is not None:\n"
                "            pass\n        if reason:\n",
            ),
            Edit(
                _HOST,
                "        reason = self.storage.complete_snapshot()\n",
                "        reason = self.storage.complete_snapshot()\n"
                "        self._saving = None\n",
            ),
        ),
    ),
)  # fmt: skip
