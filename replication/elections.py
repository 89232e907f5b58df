"""Elections: who may lead the next term (Raft, sections 5.2, 5.4.1; Ongaro's thesis, 4.2.3, 9.6).

Why it exists: a wrong vote is how a cluster loses acknowledged orders, so everything about votes
stands on one page. It must not know replication or reads; when an election is won it calls
`_lead`.

    FOLLOWER ── timeout ──▶ PRE_CANDIDATE ── most would ──▶ CANDIDATE ── most did ──▶ LEADER
        ▲                        │ a leader, a higher term       │
        └────────────────────────┴───────────────────────────────┘

Whom a vote is refused
 1. Anybody in a smaller term: it is told ours, so that it does not ask for ever.
 2. Anybody while we hear a leader (its lease) or lead, unless the leader itself handed over. Also
    for one election timeout after our own start: we may have forgotten whom we heard.
 3. In the term in which we voted, everybody else.
 4. Whose log is older than ours: a smaller last term, or an equal one and a smaller last index.
 5. Everybody, while a record of ours is in repair: we do not know what we have acknowledged.
"""

import math
from abc import abstractmethod

from replication.messages import TimeoutNow, VoteReply, VoteRequest
from replication.replica_state import NOBODY, ReplicaState, Role


class Elections(ReplicaState):
    """The part of the replica that stands, votes and counts."""

    @abstractmethod
    def _lead(self) -> None:
        """A majority's votes, our own durable one among them; see leading.py."""

    def _stand(self, *, transfer: bool = False) -> None:
        """The timeout ended without a leader, or the leader asks us to take over."""
        if not self._may_stand:
            self._become_follower(NOBODY)
            return
        if transfer:
            self._ask_for_votes(transfer=True)
            return
        self._role = Role.PRE_CANDIDATE
        self._leader = NOBODY
        self._granted = {self.member: True}
        self._wait_for_leader()
        if self.configuration.is_majority(self._granted):
            self._ask_for_votes(transfer=False)
            return
        for peer in self._electors:
            self._send(
                VoteRequest(
                    sender=self.member, to=peer, term=self._term + 1, pre=True,
                    last_index=self._log.last_index, last_term=self._log.last_term,
                )
            )  # fmt: skip

    def _ask_for_votes(self, *, transfer: bool) -> None:
        self._new_term(self._term + 1, vote=self.member)
        self._role = Role.CANDIDATE
        self._stands_for_transfer = transfer
        self._granted = {}  # our own vote counts when it is durable (rule 1 of the replica)
        self._wait_for_leader()
        for peer in self._electors:
            self._send(
                VoteRequest(
                    sender=self.member, to=peer, term=self._term, transfer=transfer,
                    last_index=self._log.last_index, last_term=self._log.last_term,
                )
            )  # fmt: skip

    @property
    def _electors(self) -> list[int]:
        return [peer for peer in self._peers if self.configuration.votes(peer)]

    def _own_vote_is_durable(self) -> None:
        if self._role is Role.CANDIDATE:
            self._count(self.member, granted=True)

    def _on_vote_request(self, message: VoteRequest) -> None:
        in_lease = self._now_s < self._lease_until_s or self._role is Role.LEADER
        if in_lease and not message.transfer:
            return  # refusal 2: silence; a leader without a quorum notices by itself
        if message.term > self._term and not message.pre:
            self._new_term(message.term)
            self._become_follower(NOBODY)
        granted = self._would_vote(message)
        if granted and not message.pre:
            self._vote = message.sender
            self._hard_state_dirty = True
            self._wait_for_leader()
        term = message.term if granted else self._term
        self._send(
            VoteReply(
                sender=self.member, to=message.sender, term=term, granted=granted, pre=message.pre
            )
        )

    def _would_vote(self, message: VoteRequest) -> bool:
        if message.term < self._term or not self._log.is_whole or self.is_installing:
            return False  # refusals 1 and 5
        if message.pre and message.term == self._term:
            return False
        if not message.pre and self._vote not in (NOBODY, message.sender):
            return False  # refusal 3
        own = (self._log.last_term, self._log.last_index)
        return (message.last_term, message.last_index) >= own  # refusal 4

    def _on_vote_reply(self, message: VoteReply) -> None:
        if message.pre:
            if self._role is Role.PRE_CANDIDATE and (
                not message.granted or message.term == self._term + 1
            ):
                self._count(message.sender, granted=message.granted)
        elif self._role is Role.CANDIDATE and message.term == self._term:
            self._count(message.sender, granted=message.granted)

    def _count(self, voter: int, *, granted: bool) -> None:
        self._granted[voter] = granted
        in_favour = [member for member, yes in self._granted.items() if yes]
        if self.configuration.is_majority(in_favour):
            if self._role is Role.PRE_CANDIDATE:
                self._ask_for_votes(transfer=False)
            else:
                self._lead()
            return
        against = [member for member, yes in self._granted.items() if not yes]
        undecided = [m for m in self.configuration.members if m not in against]
        if not self.configuration.is_majority(undecided):
            self._become_follower(NOBODY)  # lost: wait for the winner, or the next timeout

    def _on_timeout_now(self, message: TimeoutNow) -> None:
        if message.term != self._term or self._role is Role.LEADER:
            return
        if not self.declines_lead:  # two that both stop would hand over to and fro for ever
            self._stand(transfer=True)

    def _heard_leader(self, leader: int) -> None:
        """A message of this term's leader: it leads, and its lease begins anew."""
        if self._role is not Role.FOLLOWER:
            assert self._role is not Role.LEADER, f"two leaders in term {self._term}"
            self._become_follower(leader)
        self._leader = leader
        self._lease_until_s = self._now_s + self.settings.election_timeout_s
        self._wait_for_leader()

    def _sole_voter(self) -> bool:
        return self.configuration.voters == (self.member,) and not self.configuration.outgoing

    def _begin_waiting(self) -> None:
        """After a start. A lone voter waits for nobody; others may have forgotten a leader."""
        if self._sole_voter():
            self._lease_until_s = -math.inf
            self._stand()
        else:
            self._lease_until_s = self._now_s + self.settings.election_timeout_s
            self._wait_for_leader()
