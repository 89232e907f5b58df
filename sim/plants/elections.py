"""Plants in elections, terms, leases and the quorum that a leader needs."""

from typing import Final

from sim.planting import Edit, Plant

_ELECTIONS: Final = "replication.elections"
_LEADING: Final = "replication.leading"
_REPLICA: Final = "replication.replica"
_STATE: Final = "replication.replica_state"

PLANTS: Final = (
    Plant(
        name="commit-older-term", profile="churn",
        expected=("LC", "SMS", "AD", "LM", "REC", "ASSERT"),
        what="a leader counts replicas of records of earlier terms (Raft, figure 8)",
        edits=(
            Edit(
                _LEADING,
                "if decided < self._term_start_index or decided <= self._commit_index:",
                "if decided <= self._commit_index:",
            ),
        ),
    ),
    Plant(
        name="vote-before-durable", expected=("ES",),
        what="a vote leaves before it is on the disk",
        edits=(
            Edit(
                _STATE,
                "        if self._hard_state_dirty:\n            self._held_next.append(message)",
                "        if self._hard_state_dirty and False:\n"
                "            self._held_next.append(message)",
            ),
        ),
    ),
    Plant(
        name="own-vote-before-durable", profile="churn", expected=("ES",),
        what="a candidate asks for votes and counts its own before its term is on the disk",
        edits=(
            Edit(
                _ELECTIONS,
                "        self._granted = {}  # our own vote counts when it is durable "
                "(rule 1 of the replica)\n",
                "        self._granted = {self.member: True}\n",
            ),
            Edit(
                _STATE,
                "        if self._hard_state_dirty:\n            self._held_next.append(message)",
                "        if type(message).__name__ == 'VoteRequest':\n"
                "            self._outbox.append(message)\n"
                "        elif self._hard_state_dirty:\n"
                "            self._held_next.append(message)",
            ),
        ),
    ),
    Plant(
        name="vote-not-written-with-term", expected=("ES", "REC"),
        what="the term is written and the vote is not, until a later write",
        edits=(
            Edit(
                _REPLICA,
                "            term=self._term, vote=self._vote, last_index=end[0], "
                "last_hash=end[1]\n",
                "            term=self._term,\n"
                "            vote=self._vote if self._token % 2 else NOBODY,\n"
                "            last_index=end[0], last_hash=end[1]\n",
            ),
            Edit(_REPLICA, "had_news and written.vote == self.member and", "had_news and"),
        ),
    ),
    Plant(
        name="vote-forgotten-on-step-down", profile="churn", expected=("ES", "REC", "ASSERT"),
        what="a candidate that steps down within its term may vote again",
        edits=(
            Edit(
                _ELECTIONS,
                "            self._become_follower(NOBODY)  # lost: wait for the winner, "
                "or the next timeout",
                "            self._become_follower(NOBODY)\n"
                "            self._vote = NOBODY",
            ),
        ),
    ),
    Plant(
        name="votes-twice-in-a-term", profile="churn", expected=("ES",),
        what="a vote is given to whoever asks, also a second one in the same term",
        edits=(
            Edit(
                _ELECTIONS,
                "if not message.pre and self._vote not in (NOBODY, message.sender):",
                "if not message.pre and self._vote == self.member:",
            ),
        ),
    ),
    Plant(
        name="pre-vote-counts", profile="churn", expected=("ES", "LC", "ASSERT"),
        what="the answer to a pre-vote is counted as a vote",
        edits=(
            Edit(
                _ELECTIONS,
                "            if self._role is Role.PRE_CANDIDATE and (\n"
                "                not message.granted or message.term == self._term + 1\n"
                "            ):",
                "            if self._role is not Role.LEADER and (\n"
                "                not message.granted or message.term >= self._term\n"
                "            ):",
            ),
        ),
    ),
    Plant(
        name="vote-by-length-only", profile="churn", expected=("LC", "AD", "SMS", "LM", "ASSERT"),
        what="a vote looks at the log's length and not at its last term",
        edits=(
            Edit(
                _ELECTIONS,
                "return (message.last_term, message.last_index) >= own  # refusal 4",
                "return message.last_index >= own[1]",
            ),
        ),
    ),
    Plant(
        name="vote-for-anybody", profile="churn", expected=("LC", "AD", "SMS", "LM", "ASSERT"),
        what="a vote does not look at the log",
        edits=(
            Edit(
                _ELECTIONS,
                "return (message.last_term, message.last_index) >= own  # refusal 4",
                "return own is not None",
            ),
        ),
    ),
    Plant(
        name="term-goes-back", profile="churn", expected=("ES", "REC", "ASSERT"),
        what="a message of a smaller term is believed",
        edits=(
            Edit(
                _REPLICA,
                "        if message.term < self._term:\n"
                "            if isinstance(message, Append | SnapshotChunk):",
                "        if message.term < self._term - 1:\n"
                "            if isinstance(message, Append | SnapshotChunk):",
            ),
        ),
    ),
    Plant(
        name="stale-read", profile="network", expected=("LIN",),
        what="a leader answers questions without proof that it still leads",
        edits=(
            Edit(
                _LEADING,
                "if self._term_is_decided and self._has_lease:",
                "if self._term_is_decided:",
            ),
        ),
    ),
    Plant(
        name="lease-outlives-votes", profile="churn", expected=("LIN",),
        what="a leader believes in its lease for longer than others withhold their votes",
        edits=(
            Edit(
                _LEADING,
                "return self._now_s < began_s + self.settings.lease_s",
                "return self._now_s < began_s + 4 * self.settings.election_timeout_s",
            ),
            Edit(
                _LEADING,
                "        self._quorum_due_s = self._now_s + self.settings.election_timeout_s\n\n"
                "    # --- handing over",
                "        self._quorum_due_s = self._now_s + 5\n\n"
                "    # --- handing over",
            ),
        ),
    ),
    Plant(
        name="read-before-own-term", profile="churn", expected=("LIN",),
        what="a new leader answers from a commit index that may be an old one",
        edits=(
            Edit(
                _LEADING,
                "return self._role is Role.LEADER and self._commit_index >= self._term_start_index",
                "return self._role is Role.LEADER",
            ),
            Edit(
                _LEADING,
                "(read.context, max(read.index, self._term_start_index))",
                "(read.context, read.index)",
            ),
        ),
    ),
    Plant(
        name="no-check-quorum", profile="churn", expected=("LIVE", "LIN", "ES"),
        what="a leader that hears nobody leads on, and refuses votes to others",
        edits=(
            Edit(
                _LEADING,
                "        if not self.configuration.is_majority([self.member, *active]):\n"
                "            self._become_follower(NOBODY)\n"
                "            return\n",
                "        del active\n",
            ),
        ),
    ),
    Plant(
        name="silent-to-older-terms", profile="network", expected=("LIVE",),
        what="who is in a smaller term is not told, so that a higher term does not spread",
        edits=(
            Edit(
                _REPLICA,
                "            if isinstance(message, Append | SnapshotChunk):\n"
                "                self._deny_old_leader(message.sender)\n",
                "",
            ),
        ),
    ),
    Plant(
        name="timer-not-reset", profile="churn", expected=("LIVE",),
        what="an append does not begin the election timeout anew",
        edits=(
            Edit(
                _ELECTIONS,
                "        self._lease_until_s = self._now_s + self.settings.election_timeout_s\n"
                "        self._wait_for_leader()\n\n    def _sole_voter",
                "        self._lease_until_s = self._now_s\n\n    def _sole_voter",
            ),
        ),
    ),
    Plant(
        name="candidate-never-tries-again", profile="churn", expected=("LIVE",),
        what="a candidate whose requests are lost waits for ever",
        edits=(
            Edit(
                _ELECTIONS,
                "        self._granted = {}  # our own vote counts when it is durable "
                "(rule 1 of the replica)\n        self._wait_for_leader()\n",
                "        self._granted = {}\n        self._election_due_s = math.inf\n",
            ),
        ),
    ),
)  # fmt: skip
