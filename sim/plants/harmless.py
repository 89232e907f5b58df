"""The canary, which every run must catch, and rewrites that no run may object to."""

from typing import Final

from sim.planting import Edit, Plant

_ELECTIONS: Final = "replication.elections"
_FOLLOWING: Final = "replication.following"
_LEADING: Final = "replication.leading"
_SETTINGS: Final = "replication.replica_state"
_RESULTS: Final = "replication.node_results"
_RETRY: Final = "gateway.retry"

PLANTS: Final = (
    Plant(
        name="canary", expected=("LIN", "AD", "ASSERT"),
        what="every answer lacks its last byte",
        edits=(
            Edit(
                "replication.node_submissions",
                "            batch.submissions, replies, record.index, record.term, record.ts_ns\n",
                "            batch.submissions, replies[:-64] + bytes(63), record.index,\n"
                "            record.term, record.ts_ns\n",
            ),
        ),
    ),
    Plant(
        name="harmless-heartbeats",
        what="heartbeats twice as often",
        edits=(
            Edit(
                _LEADING,
                "        self._heartbeat_due_s = self._now_s + self.settings.heartbeat_s\n",
                "        self._heartbeat_due_s = self._now_s + self.settings.heartbeat_s / 2\n",
            ),
        ),
    ),
    Plant(
        name="harmless-one-record",
        what="one record in each append",
        edits=(
            Edit(
                _LEADING,
                "len(records) < settings.append_records_max:",
                "len(records) < 1:",
            ),
        ),
    ),
    Plant(
        name="harmless-order-of-electors",
        what="votes are asked for in the opposite order",
        edits=(
            Edit(
                _ELECTIONS,
                "return [peer for peer in self._peers if self.configuration.votes(peer)]",
                "return [p for p in reversed(self._peers) if self.configuration.votes(p)]",
            ),
        ),
    ),
    Plant(
        name="harmless-double-acknowledgement",
        what="every acknowledgement is sent twice",
        edits=(
            Edit(
                _FOLLOWING,
                "        self._send(self._reply(ok=True, match=match))\n",
                "        self._send(self._reply(ok=True, match=match))\n"
                "        self._send(self._reply(ok=True, match=match))\n",
            ),
        ),
    ),
    Plant(
        name="harmless-no-lease",
        what="every question asks a quorum",
        edits=(Edit(_SETTINGS, "    lease_reads: bool = True\n", "    lease_reads: bool = False\n"),
               Edit(_LEADING, "if self._term_is_decided and self._has_lease:", "if False:")),
    ),
    Plant(
        name="harmless-lower-hint",
        what="a refusal's hint is one lower than it might be",
        edits=(
            Edit(
                _FOLLOWING,
                "        return max(index, log.base.index)\n",
                "        return max(index - 1, self._commit_index, log.base.index)\n",
            ),
        ),
    ),
    Plant(
        name="harmless-results-at-once",
        what="results are written as soon as there are any",
        edits=(
            Edit(
                _RESULTS,
                "            self.due_s = now_s + self._flush_s\n",
                "            self.due_s = now_s\n",
            ),
        ),
    ),
    Plant(
        name="harmless-longer-pauses",
        what="the gateway pauses longer between attempts",
        edits=(
            Edit(_RETRY, "PAUSE_S_MIN: Final = 0.02\n", "PAUSE_S_MIN: Final = 0.04\n"),
        ),
    ),
)  # fmt: skip
