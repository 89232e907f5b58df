"""Plants in the log as the protocol sees it: appending, cutting, counting, flow control."""

from typing import Final

from sim.planting import Edit, Plant

_FOLLOWING: Final = "replication.following"
_LEADING: Final = "replication.leading"
_PROGRESS: Final = "replication.progress"

PLANTS: Final = (
    Plant(
        name="cut-on-every-append", profile="churn", expected=("AD", "SMS", "REC", "LM", "ASSERT"),
        what="a delayed older append cuts what was acknowledged since",
        edits=(
            Edit(
                _FOLLOWING,
                "            place = self._take(place, self._decoded(message))\n",
                "            records = self._decoded(message)\n"
                "            if records and self._commit_index < records[-1].index < "
                "self._log.last_index:\n"
                "                self._cut(records[-1].index + 1, records[-1].hash)\n"
                "            place = self._take(place, records)\n",
            ),
        ),
    ),
    Plant(
        name="no-cut-on-conflict", profile="churn",
        expected=("LM", "SMS", "AD", "HASH", "ASSERT", "LIVE"),
        what="records that conflict with the leader's stay",
        edits=(
            Edit(
                _FOLLOWING,
                "                self._cut(record.index, record.prev_hash)\n"
                "            self._extend(record)\n",
                "                place = record.index\n                continue\n"
                "            self._extend(record)\n",
            ),
        ),
    ),
    Plant(
        name="prev-not-checked", profile="churn", expected=("LM", "SMS", "AD", "ASSERT", "REC"),
        what="an append is taken if its place exists, whatever stands before it",
        edits=(
            Edit(
                _FOLLOWING,
                "if self._agrees(message):",
                "if message.prev_index <= self._log.last_index:",
            ),
        ),
    ),
    Plant(
        name="gap-accepted", expected=("LM", "REC", "ASSERT"),
        what="records are appended that do not follow the last one",
        edits=(
            Edit(
                _FOLLOWING,
                "if index > log.last_index:\n            return False\n",
                "if index > log.last_index:\n            return True\n",
            ),
        ),
    ),
    Plant(
        name="commit-beyond-match", profile="churn", expected=("SMS", "AD", "HASH", "ASSERT"),
        what="a heartbeat's commit index counts, whatever stands at its place here",
        edits=(
            Edit(
                _FOLLOWING,
                "        self._round_seen = max(self._round_seen, message.round)\n"
                "        if message.prev_index < self._log.base.index:",
                "        self._round_seen = max(self._round_seen, message.round)\n"
                "        self._commit_through(min(message.commit, self._log.last_index))\n"
                "        if message.prev_index < self._log.base.index:",
            ),
        ),
    ),
    Plant(
        name="ack-before-durable", expected=("AD",),
        what="a follower acknowledges what is not on its disk yet",
        edits=(
            Edit(
                _FOLLOWING,
                "        match = min(self._verified_index, self._log.durable_index, "
                "self._log.sound_index)\n        self._acked_index = ",
                "        match = min(self._verified_index, self._log.sound_index)\n"
                "        self._acked_index = ",
            ),
        ),
    ),
    Plant(
        name="leader-counts-itself-early", expected=("AD",),
        what="a leader counts its own record before it is on its disk",
        edits=(
            Edit(
                _LEADING,
                "durable[self.member] = self._log.durable_index  # rule 4",
                "durable[self.member] = self._log.last_index",
            ),
        ),
    ),
    Plant(
        name="minority-commits", expected=("AD", "LC", "SMS"),
        what="one replica less than a majority decides",
        edits=(
            Edit(
                "replication.quorum",
                "return descending[majority(len(descending)) - 1]",
                "return descending[max(0, majority(len(descending)) - 2)]",
            ),
        ),
    ),
    Plant(
        name="probe-never-released", expected=("LIVE",),
        what="a lost probe is never sent again",
        edits=(
            Edit(
                _LEADING,
                "                progress.waiting = False\n                "
                "self._send_records(member, progress, even_none=True)\n",
                "                if progress.waiting:\n"
                "                    self._send_append(member, progress.next, ())\n"
                "                self._send_records(member, progress, even_none=True)\n",
            ),
        ),
    ),
    Plant(
        name="window-never-released", expected=("LIVE",),
        what="a refused append does not lead back to probing",
        edits=(
            Edit(
                _PROGRESS,
                "        self.probe(min(next_index, at))\n        return True\n",
                "        return True\n",
            ),
        ),
    ),
    Plant(
        name="backoff-stands-still", expected=("LIVE", "BOUND"),
        what="after a refusal the leader tries the same place again",
        edits=(
            Edit(
                _PROGRESS,
                "        self.probe(min(next_index, at))\n",
                "        self.probe(at + 1)\n",
            ),
        ),
    ),
    Plant(
        name="snapshot-chunk-lost-for-ever", profile="members", expected=("LIVE",),
        what="a lost chunk of a snapshot is never sent again",
        edits=(
            Edit(
                _LEADING,
                "self._send_chunk(member, progress, again=True)",
                "self._send_append(member, self._log.base.index + 1, ())",
            ),
        ),
    ),
    Plant(
        name="no-snapshot-for-laggards", expected=("LIVE",),
        what="who lacks records that are gone is sent nothing",
        edits=(
            Edit(
                _LEADING,
                "        if member not in self._snapshot_wanted_by:\n"
                "            self._snapshot_wanted_by.append(member)\n",
                "        del member\n",
            ),
        ),
    ),
)  # fmt: skip
