"""Each numbered rule of Raft's summary (Ongaro and Ousterhout 2014, figure 2), on whole nodes.

The names say where the rule stands there: all servers, followers, candidates, leaders, and the two
procedures. What goes beyond figure 2 (pre-vote, check-quorum, leases, transfer) is below.
"""

import msgspec
import pytest

from core.codes import NOT_LEADER, OK
from replication.messages import Append, VoteRequest
from replication.ports import Refused, Submitted
from replication.quorum import majority
from replication.replica import ReplicaSettings, Role
from replication.settings import NodeSettings
from tests.replication.cluster import Cluster


def led(count: int = 3) -> Cluster:
    cluster = Cluster(count)
    cluster.elect(1)
    return cluster


def code(answers: list[object]) -> int:
    (answer,) = answers
    assert isinstance(answer, Submitted), answer
    return answer.code


def ask(cluster: Cluster, member: int) -> list[object]:
    answers: list[object] = []
    cluster[member].query(lambda machine: machine.index, answers.append)
    cluster.settle(member)
    return answers


def role_of(cluster: Cluster, member: int) -> Role:
    return cluster[member].replica.role


# --- all servers ------------------------------------------------------------------------------


def test_all_servers_apply_what_is_committed_in_order() -> None:
    cluster = led()
    for n in range(5):
        cluster.send(1, first=n + 1)
        cluster.deliver()
    cluster.run(1)
    cluster.assert_equal()
    assert {cluster[m].machine.commands for m in (1, 2, 3)} == {5}


def test_all_servers_follow_a_higher_term() -> None:
    cluster = led()
    cluster.isolate(1)
    cluster.run(3)
    cluster.heal()
    cluster.run(1)
    (leader,) = cluster.leaders
    assert leader != 1
    assert cluster[1].replica.term == cluster[leader].replica.term > 1


# --- followers --------------------------------------------------------------------------------


def test_followers_stand_when_they_hear_no_leader() -> None:
    cluster = led()
    cluster.crash(1)
    cluster.run(3)
    assert len(cluster.leaders) == 1


def test_followers_do_not_stand_while_they_hear_one() -> None:
    cluster = led()
    cluster.run(20)
    assert cluster.leaders == [1]
    assert cluster[2].replica.term == 1


# --- candidates -------------------------------------------------------------------------------


def test_candidates_need_a_majority() -> None:
    cluster = Cluster(5)
    cluster.isolate(1, 2)
    cluster.run(5)
    assert not set(cluster.leaders) & {1, 2}
    assert len(cluster.leaders) == 1


def test_candidates_yield_to_a_leader_of_their_term() -> None:
    cluster = led()
    cluster.isolate(3)
    cluster.run(3)
    assert role_of(cluster, 3) is Role.PRE_CANDIDATE
    cluster.heal()
    cluster.run(1)
    assert role_of(cluster, 3) is Role.FOLLOWER
    assert cluster.leaders == [1], "a pre-vote disturbs nobody"


# --- RequestVote ------------------------------------------------------------------------------


def test_votes_are_refused_in_a_smaller_term() -> None:
    cluster = led()
    cluster.crash(1)
    cluster.run(3)
    (leader,) = cluster.leaders
    other = 5 - leader
    cluster.hosts[1].node = None
    request = VoteRequest(sender=1, to=other, term=1, last_index=99, last_term=1)
    cluster[other].receive(request)
    cluster.settle(other)
    assert not any(getattr(m, "granted", False) for m in cluster.wire)


def test_votes_are_given_once_in_a_term() -> None:
    cluster = Cluster(3)
    cluster.time.now_s += 10
    for asks in (1, 2):
        cluster[3].receive(VoteRequest(sender=asks, to=3, term=7, last_index=9, last_term=6))
        cluster.settle(3)
    granted = [m.to for m in cluster.wire if getattr(m, "granted", False)]
    assert granted == [1]
    assert cluster.hosts[3].log.anchor.vote == 1, "and it is on the disk"


def test_votes_survive_a_restart() -> None:
    cluster = Cluster(3)
    cluster.time.now_s += 10
    cluster[3].receive(VoteRequest(sender=1, to=3, term=7, last_index=9, last_term=6))
    cluster.settle(3)
    cluster.crash(3)
    cluster.start(3)
    cluster.wire.clear()
    cluster.time.now_s += 10
    cluster[3].receive(VoteRequest(sender=2, to=3, term=7, last_index=9, last_term=6))
    cluster.settle(3)
    assert not any(getattr(m, "granted", False) for m in cluster.wire)


def test_votes_leave_when_they_are_on_the_disk() -> None:
    cluster = Cluster(3)
    cluster.time.now_s += 10
    cluster.hold_disk(3)
    cluster[3].receive(VoteRequest(sender=1, to=3, term=7, last_index=9, last_term=6))
    cluster.settle(3)
    assert not any(getattr(m, "granted", False) for m in cluster.wire)
    cluster.release_disk(3)
    assert any(getattr(m, "granted", False) for m in cluster.wire)


@pytest.mark.parametrize(("last_term", "last_index"), [(0, 99), (1, 1)])
def test_votes_are_refused_to_older_logs(last_term: int, last_index: int) -> None:
    cluster = led()
    cluster.send(1)
    cluster.deliver()
    cluster.run(1)
    cluster.crash(1)
    cluster.time.now_s += 10
    request = VoteRequest(
        sender=2, to=3, term=9, last_index=last_index, last_term=last_term, pre=False
    )
    cluster.wire.clear()
    cluster[3].receive(request)
    cluster.settle(3)
    assert not any(getattr(m, "granted", False) for m in cluster.wire)


# --- AppendEntries ----------------------------------------------------------------------------


def test_appends_of_a_smaller_term_are_refused() -> None:
    cluster = led()
    cluster.crash(1)
    cluster.run(3)
    (leader,) = cluster.leaders
    other = 5 - leader
    before = cluster[other].replica.last_index
    cluster.wire.clear()
    cluster[other].receive(
        Append(
            sender=1, to=other, term=1, prev_index=1, prev_term=1, prev_hash=b"", commit=99,
            round=1, records=(),
        )
    )  # fmt: skip
    cluster.settle(other)
    assert cluster[other].replica.last_index == before
    assert cluster[other].replica.commit_index <= before
    assert [m.term for m in cluster.wire] == [cluster[other].replica.term]


def test_appends_that_conflict_replace_what_was_not_decided() -> None:
    cluster = led()
    cluster.isolate(1)
    lost = cluster.send(1, first=50)
    cluster.run(3)
    (leader,) = cluster.leaders
    kept = cluster.send(leader, first=60)
    cluster.run(1)
    cluster.heal()
    cluster.run(2)
    cluster.assert_equal()
    assert code(list(kept)) == OK
    assert code(list(lost)) != OK, "the other was certainly not taken"


def test_a_delayed_append_cuts_nothing() -> None:
    cluster = led()
    cluster.send(1, first=1)
    old = [m for m in cluster.wire if isinstance(m, Append) and m.to == 2]
    cluster.deliver()
    cluster.send(1, first=2)
    cluster.deliver()
    end = cluster[2].replica.last_index
    for message in old:
        cluster[2].receive(message)
    cluster.settle(2)
    assert cluster[2].replica.last_index == end


def test_commits_reach_no_further_than_what_was_compared() -> None:
    cluster = led()
    cluster.run(1)
    replica = cluster[2].replica
    record_hash = cluster.hosts[2].log.record(1).hash
    cluster[2].receive(
        Append(
            sender=1, to=2, term=1, prev_index=1, prev_term=1, prev_hash=record_hash, commit=99,
            round=99, records=(),
        )
    )  # fmt: skip
    assert replica.commit_index == 1


def test_acknowledgements_speak_of_the_disk() -> None:
    cluster = led()
    cluster.run(1)
    for member in (2, 3):
        cluster.hold_disk(member)
    answers = cluster.send(1)
    cluster.deliver()
    assert answers == [], "two disks have not answered"
    cluster.release_disk(2)
    cluster.deliver()
    assert code(list(answers)) == OK


# --- leaders ----------------------------------------------------------------------------------


def test_leaders_count_their_own_disk_like_any_other() -> None:
    cluster = led()
    cluster.run(1)
    cluster.hold_disk(1)
    cluster.hold_disk(2)
    answers = cluster.send(1)
    cluster.deliver()
    assert answers == []
    cluster.release_disk(1)
    cluster.deliver()
    assert code(list(answers)) == OK


def test_leaders_begin_with_a_record_of_their_term_and_decide_older_ones_with_it() -> None:
    """Figure 8: a record of an earlier term is decided only through one of the present."""
    cluster = led()
    cluster.isolate(1)
    cluster.send(1, first=7)
    cluster.heal()
    assert cluster[1].replica.commit_index == 1
    cluster.crash(1)
    cluster.wire.clear()
    cluster.start(1)
    cluster.elect(1)
    assert cluster.terms(1)[-2:] == [1, 2]
    cluster.run(1)
    assert cluster[1].replica.commit_index == cluster[1].replica.last_index


def test_leaders_without_a_majority_step_down() -> None:
    cluster = led()
    cluster.isolate(1)
    cluster.run(1.2)
    assert cluster[1].replica.role is not Role.LEADER
    assert code(list(cluster.send(1))) == NOT_LEADER


def test_leaders_hand_over_when_asked() -> None:
    cluster = led()
    cluster.run(1)
    cluster[1].transfer(2)
    cluster.settle(1)
    cluster.deliver()
    assert cluster.leaders == [2]


# --- questions (thesis, 6.4) ------------------------------------------------------------------


def test_questions_need_proof_of_the_lead() -> None:
    cluster = led()
    cluster.run(1)
    cluster.isolate(1)
    cluster.time.now_s += 0.49  # the lease has ended, check-quorum has not struck
    answers = ask(cluster, 1)
    assert answers == []
    cluster.run(2)
    (answer,) = answers
    assert isinstance(answer, Refused)


def test_questions_within_the_lease_need_no_message() -> None:
    cluster = led()
    cluster.run(1)
    cluster.isolate(1)
    assert ask(cluster, 1) == [cluster[1].machine.index]


def test_questions_without_leases_ask_a_majority() -> None:
    settings = NodeSettings(replica=ReplicaSettings(lease_reads=False))
    cluster = Cluster(3, settings)
    cluster.elect(1)
    cluster.run(1)
    answers = ask(cluster, 1)
    assert answers == []
    cluster.deliver()
    assert answers == [cluster[1].machine.index]


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_two_majorities_always_meet(voters: int, needed: int) -> None:
    assert majority(voters) == needed
    assert 2 * needed > voters


def test_a_drift_of_clocks_shortens_the_lease() -> None:
    settings = ReplicaSettings()
    slow = settings.lease_s / (1 - settings.clock_drift)
    fast = settings.election_timeout_s / (1 + settings.clock_drift)
    assert slow <= fast * (1 + 1e-9), "our slow clock ends the lease before a fast one votes"
    assert msgspec.structs.replace(settings, clock_drift=0).lease_s == settings.election_timeout_s
