"""Each rule at the top of replication/replica.py, by its number."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replication.ports import HardState
from replication.quorum import durable_on_majority, majority
from replication.record import Record, seal
from replication.replica import NotLeader, Ready, Replica, Role

CLUSTER = bytes(range(16))
EMPTY = b"empty"
NOW = 1_000


def started(
    hard_state: HardState | None = None,
    applied: Record | None = None,
    tail: Iterable[Record] = (),
) -> Replica:
    replica = Replica(1, CLUSTER, frozenset({1}))
    replica.start(hard_state or HardState(), applied, list(tail), EMPTY)
    return replica


def take(replica: Replica) -> Ready:
    ready = replica.ready()
    assert ready is not None
    return ready


def leading() -> Replica:
    """A leader whose empty record is committed and taken."""
    replica = started()
    for _ in range(2):
        replica.persisted(take(replica).token)
    assert [record.index for record in take(replica).committed] == [1]
    return replica


def chain(count: int, term: int = 1) -> list[Record]:
    records: list[Record] = []
    prev = bytes(32)
    for index in range(1, count + 1):
        record = seal(CLUSTER, index, term, index, prev, b"%d" % index)
        records.append(record)
        prev = record.hash
    return records


def test_rule_1_term_and_vote_are_durable_before_they_count() -> None:
    replica = started(HardState(term=4, vote=1))
    ready = take(replica)
    assert ready.hard_state == HardState(term=5, vote=1)
    assert replica.role is Role.CANDIDATE
    assert replica.leader == 0
    with pytest.raises(NotLeader):
        replica.propose(b"x", NOW)
    replica.persisted(ready.token)
    assert (replica.role, replica.leader, replica.term) == (Role.LEADER, 1, 5)


def test_every_start_is_a_new_term() -> None:
    replica = leading()
    assert replica.term == 1
    state = HardState(term=1, vote=1, last_index=1, last_hash=b"")
    first = seal(CLUSTER, 1, 1, 0, bytes(32), EMPTY)
    again = started(HardState(term=1, vote=1, last_index=1, last_hash=first.hash), first)
    assert again.term == state.term + 1


def test_rule_2_records_follow_one_another() -> None:
    replica = leading()
    for n in range(3):
        assert replica.propose(b"%d" % n, NOW) == 2 + n
    records = take(replica).records
    assert [record.index for record in records] == [2, 3, 4]
    assert records[1].prev_hash == records[0].hash
    assert {record.term for record in records} == {replica.term}


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=20))
def test_rule_3_log_time_never_goes_back(nows: list[int]) -> None:
    replica = leading()
    for now in nows:
        replica.propose(b"x", now)
    stamps = [record.ts_ns for record in take(replica).records]
    assert stamps == sorted(stamps)
    assert stamps[-1] == max(nows)


def test_rule_4_the_own_disk_counts_when_it_has_answered() -> None:
    replica = leading()
    replica.propose(b"x", NOW)
    ready = take(replica)
    assert ready.committed == ()
    assert replica.ready() is None
    assert replica.durable_index == 1
    replica.persisted(ready.token)
    assert [record.index for record in take(replica).committed] == [2]


def test_what_is_proposed_during_a_write_is_not_covered_by_it() -> None:
    replica = leading()
    replica.propose(b"a", NOW)
    first = take(replica)
    replica.propose(b"b", NOW)
    replica.persisted(first.token)
    second = take(replica)
    assert [record.index for record in second.committed] == [2]
    assert [record.index for record in second.records] == [3]
    replica.persisted(second.token)
    assert [record.index for record in take(replica).committed] == [3]


def test_rules_5_and_6_what_was_inherited_waits_for_a_record_of_the_own_term() -> None:
    inherited = chain(3)
    state = HardState(term=1, vote=1, last_index=3, last_hash=inherited[-1].hash)
    replica = started(state, inherited[0], inherited[1:])
    vote = take(replica)
    assert vote.committed == ()
    replica.persisted(vote.token)
    empty = take(replica)
    assert [(record.index, record.payload) for record in empty.records] == [(4, EMPTY)]
    assert empty.records[0].term == 2
    assert empty.committed == ()
    replica.persisted(empty.token)
    assert [record.index for record in take(replica).committed] == [2, 3, 4]


@given(st.lists(st.booleans(), max_size=40))
def test_rule_7_every_record_is_handed_out_once_in_order(steps: list[bool]) -> None:
    """True proposes, False lets the disk answer."""
    replica = leading()
    writing: Ready | None = None
    seen: list[int] = []
    for propose in [*steps, False, False, False]:
        if propose:
            replica.propose(b"x", NOW)
        elif writing is not None:
            replica.persisted(writing.token)
            writing = None
        if writing is None and (ready := replica.ready()) is not None:
            seen += [record.index for record in ready.committed]
            writing = ready if ready.must_persist else None
    assert seen == list(range(2, 2 + sum(steps)))


def test_writes_answer_in_order() -> None:
    replica = leading()
    replica.propose(b"a", NOW)
    first = take(replica)
    replica.propose(b"b", NOW)
    second = take(replica)
    assert second.token == first.token + 1
    with pytest.raises(AssertionError, match="completed before"):
        replica.persisted(second.token)


def test_a_start_that_does_not_reach_the_anchor_is_our_bug() -> None:
    records = chain(2)
    state = HardState(term=1, vote=1, last_index=2, last_hash=records[1].hash)
    with pytest.raises(AssertionError, match="did not reach the anchor"):
        started(state, records[0])


@pytest.mark.parametrize(("voters", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4)])
def test_two_majorities_always_meet(voters: int, needed: int) -> None:
    assert majority(voters) == needed
    assert 2 * needed > voters


@given(st.lists(st.integers(0, 50), min_size=1, max_size=9))
def test_durable_on_majority_is_what_a_majority_has(indexes: list[int]) -> None:
    decided = durable_on_majority(indexes)
    assert sum(index >= decided for index in indexes) >= majority(len(indexes))
    assert sum(index > decided for index in indexes) < majority(len(indexes))
