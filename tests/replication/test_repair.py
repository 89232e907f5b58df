"""Damage that is found while the node leads: it steps down, asks for the record, and goes on."""

import msgspec
import pytest

from replication.membership import without
from replication.messages import Append, Repair, RepairReply
from replication.record import seal
from replication.replica import ReplicaSettings, Role
from replication.settings import NodeSettings
from tests.replication.cluster import CLUSTER, Cluster
from tests.replication.memory import ROOM

NO_CACHE = NodeSettings(replica=ReplicaSettings(cache_bytes_max=1))


def test_damage_in_the_first_heartbeat_leaves_no_timer_behind() -> None:
    """A quorum timer that a follower keeps is due for ever, and the process spins."""
    cluster = Cluster(3, NO_CACHE)
    cluster.elect(1)
    cluster.isolate(3)
    for first in (1, 2, 3):
        cluster.send(1, first=first)
    cluster.run(1.0)
    cluster.crash(1)
    for index in (2, 3, 4):
        rot(cluster, 2, index)
    cluster.heal()
    cluster.time.now_s += 10.0
    replica = cluster[2].replica
    replica._election_due_s = cluster.time.now_s
    cluster[2].tick()
    cluster.settle(2)
    cluster.deliver()
    assert replica.damaged, "the rot was not read: this test shows nothing"
    assert replica.role is not Role.LEADER
    cluster[2].tick()
    assert cluster[2].deadline_s > cluster.time.now_s
    cluster.start(1)
    cluster.run(5.0)
    assert replica.damaged == 0
    cluster.assert_equal()


def test_who_does_not_know_the_members_asks_who_leads() -> None:
    """The list of founders rots on a disk that holds no later list yet."""
    cluster = Cluster(3, NodeSettings(replica=ReplicaSettings(append_records_max=1)))
    cluster.elect(1)
    for first in range(1, 10):
        cluster.send(1, first=first)
    cluster.run(1.0)
    cluster.crash(3)
    del cluster.hosts[3]
    late = 9 << 16 | 3
    cluster.join(late)
    while cluster.hosts[late].log.anchor.last_index < 4:
        if not cluster.wire:
            cluster.time.now_s = min(cluster[m].deadline_s for m in (1, 2, late))
            for member in (1, 2, late):
                cluster[member].tick()
                cluster.settle(member)
            continue
        cluster.deliver_one(cluster.wire.pop(0))
    cluster.crash(late)
    rot(cluster, late, 1)
    cluster.start(late)
    assert cluster[late].replica.configuration.members == ()
    cluster.run(5.0)
    assert cluster[late].replica.damaged == 0
    cluster.assert_equal()


def test_what_a_stale_record_said_of_the_one_below_it_is_not_believed() -> None:
    """A lost write shows an older branch, above which the record that would name it has rotted."""
    cluster = Cluster(3)
    cluster.elect(1)
    cluster.isolate(1)
    for first in (1, 2):
        cluster.send(1, first=first)
    older = dict(cluster.hosts[1].log.rows)
    cluster.elect(2)
    for first in (3, 4, 5):
        cluster.send(2, first=first)
    cluster.heal()
    cluster.run(2.0)
    rows = cluster.hosts[1].log.rows
    assert rows[3] != older[3]
    cluster.crash(1)
    rows[3] = older[3]
    rot(cluster, 1, 4)
    cluster.start(1)
    assert cluster[1].replica.damaged == 2, "the fourth, and the second, because of the stale third"
    cluster.run(5.0)
    assert cluster[1].replica.damaged == 0
    assert rows[3] != older[3]
    cluster.assert_equal()


def test_a_leader_does_not_send_a_record_of_another_branch() -> None:
    """A lost write: what stands on its disk is sound in itself, and not what was decided."""
    cluster = Cluster(3, NO_CACHE)
    cluster.elect(1)
    cluster.isolate(1)
    for first in (1, 2):
        cluster.send(1, first=first)
    older = dict(cluster.hosts[1].log.rows)
    cluster.elect(2)
    cluster.heal()
    cluster.run(2.0)
    cluster.isolate(3)
    for first in (3, 4, 5):
        cluster.send(2, first=first)
    cluster.run(1.0)
    cluster.crash(2)
    cluster.start(2)
    cluster.elect(1)
    rows = cluster.hosts[1].log.rows
    sound = rows[3]
    assert sound != older[3]
    rows[3] = older[3]
    cluster.heal()
    cluster.run(5.0)
    for host in cluster.hosts.values():
        assert host.log.rows[3] == sound
    cluster.assert_equal()


def test_the_leaders_word_is_enough_for_a_record_that_nobody_has() -> None:
    """Not all voters are there to say so, and one may never come back."""
    cluster = Cluster(3)
    cluster.elect(1)
    cluster.isolate(1)
    cluster.send(1)
    cluster.elect(2)
    cluster.crash(3)
    cluster.crash(1)
    rot(cluster, 1, 2)
    cluster.start(1)
    cluster.heal()
    cluster.run(5.0)
    assert cluster[1].replica.damaged == 0
    cluster.send(2)
    cluster.run(1.0)
    cluster.assert_equal()


@pytest.mark.parametrize("rotten", [(4, 5), (3, 4, 5), (2, 4, 5)])
def test_a_decided_record_is_named_by_the_leader_when_nobody_has_its_successor(
    rotten: tuple[int, ...],
) -> None:
    """The last record is of a branch that came to nothing, and it rots with the one below it."""
    cluster = Cluster(3, NO_CACHE)
    cluster.elect(3)
    for first in (1, 2, 3):
        cluster.send(3, first=first)
        cluster.run(0.1)
    assert cluster.hosts[3].log.anchor.last_index == 4
    cluster.isolate(3)
    cluster.send(3, first=9)
    cluster.crash(3)
    cluster.elect(1)
    for index in rotten:
        rot(cluster, 3, index)
    cluster.start(3)
    assert sorted(cluster[3].replica._log.damaged) == list(rotten)
    assert cluster[3].replica._log.damaged[4] == b"", "it is named: this test shows nothing"
    cluster.heal()
    cluster.run(5.0)
    assert cluster[3].replica.damaged == 0
    cluster.assert_equal()


def with_a_lost_write_below_rot(cluster: Cluster, damage: tuple[int, ...] = (5, 6)) -> None:
    """Nodes 1 and 3 have acknowledged 4, 5 and 6; 2 has none of them. Power fails at 1 and 3. On
    node 3's disk 5 proves never to have been written, and 6 has rotted, or what `damage` says."""
    cluster.elect(3)
    cluster.send(3)
    cluster.run(1.0)
    cluster.isolate(3)
    for first in (10, 11, 12):
        cluster.send(3, first=first)
    older = dict(cluster.hosts[3].log.rows)
    cluster.elect(1)
    cluster.heal()
    cluster.isolate(2)
    cluster.run(1.0)
    answers = [cluster.send(1, first=first) for first in (20, 21, 22)]
    for _ in range(2):  # the records arrive, and the acknowledgements; not that they are decided
        wire, cluster.wire = cluster.wire, []
        for message in wire:
            cluster.deliver_one(message)
    assert [len(each) for each in answers] == [1, 1, 1], "not all are acknowledged"
    assert cluster[1].replica.commit_index == 6
    cluster.crash(1)
    cluster.crash(3)
    cluster.wire.clear()
    cluster.heal()
    rows = cluster.hosts[3].log.rows
    assert rows[5] != older[5]
    if 5 in damage:
        rows[5] = older[5]
    if 6 in damage:
        rot(cluster, 3, 6)


def lead_again(cluster: Cluster, member: int) -> None:
    cluster.time.now_s += 2.0
    cluster[member].replica._election_due_s = cluster.time.now_s
    cluster[member].tick()
    cluster.settle(member)


def test_what_an_unconfirmed_record_names_is_never_cut() -> None:
    """The leader truthfully has no such record as the lost write's older one claims below it."""
    cluster = Cluster(3)
    with_a_lost_write_below_rot(cluster)
    acknowledged = {index: cluster.hosts[1].log.rows[index] for index in (4, 5, 6)}
    cluster.start(3)
    cluster.start(1)
    assert cluster[3].replica._log.damaged[4] == b"", "5 fits 4: this test shows nothing"
    cluster.drop = lambda message: (
        isinstance(message, Append) and message.to == 2 and bool(message.records)
    )
    lead_again(cluster, 1)
    for _ in range(6):
        wire, cluster.wire = cluster.wire, []
        for message in wire:
            cluster.deliver_one(message)
    assert cluster.leaders == [1]
    cluster.hold_disk(3)  # it takes a moment, so that the leader's records do not help
    cluster.time.now_s += 0.1
    cluster[3].tick()
    cluster.settle(3)
    for kind in (Repair, RepairReply):
        wire, cluster.wire = [m for m in cluster.wire if isinstance(m, kind)], []
        for message in wire:
            cluster.deliver_one(message)
    cluster.release_disk(3)
    assert cluster.hosts[3].log.anchor.last_index >= 6
    cluster.crash(1)
    cluster.wire.clear()
    cluster.drop = lambda message: False
    cluster.run(5.0)
    assert cluster.leaders == [], "2 has nothing of it, 3 does not know what it has"
    cluster.start(1)
    cluster.run(5.0)
    cluster.assert_equal()
    for member in (1, 2, 3):
        rows = cluster.hosts[member].log.rows
        assert {index: rows[index] for index in acknowledged} == acknowledged


@pytest.mark.parametrize("restarts", [0, 1, 5])
def test_below_rot_a_leader_says_what_stood_there(restarts: int) -> None:
    """Also if each life ends soon: what was learned by then is on the disk."""
    cluster = Cluster(3)
    with_a_lost_write_below_rot(cluster)
    sound = cluster.hosts[1].log.rows[5]
    cluster.start(3)
    cluster.start(1)
    lead_again(cluster, 1)
    for _ in range(restarts):
        cluster.run(0.15)
        cluster.crash(3)
        cluster.start(3)
    cluster.run(2.0)
    assert cluster[3].replica.damaged == 0
    assert cluster.hosts[3].log.rows[5] == sound
    cluster.assert_equal()


def test_a_log_that_is_cut_above_a_lost_write_ends_with_the_leaders_record() -> None:
    """6 was never decided and goes; then nothing here names 5, and what stands there is older."""
    cluster = Cluster(3)
    with_a_lost_write_below_rot(cluster, damage=())
    log = cluster.hosts[3].log
    sound = dict(cluster.hosts[1].log.rows)
    cluster.hosts[1].log.rows.pop(6)
    before = cluster.hosts[1].log.record(5)
    cluster.hosts[1].log.anchor = msgspec.structs.replace(
        cluster.hosts[1].log.anchor, last_index=5, last_hash=before.hash
    )
    log.rows[5] = seal(CLUSTER, 5, 1, before.ts_ns, before.prev_hash, b"older").encoded()
    rot(cluster, 3, 6)
    cluster.start(3)
    cluster.start(1)
    assert list(cluster[3].replica._log.damaged) == [6], "5 does not fit 4: another test's case"
    log.room = -ROOM  # it hears who leads, and takes none of its records
    cluster.drop = lambda message: (
        (isinstance(message, Append) and message.to == 2 and bool(message.records))
        or (isinstance(message, RepairReply) and bool(message.record))
    )
    lead_again(cluster, 1)
    cluster.deliver()
    assert cluster.leaders == [1]
    cluster.run(0.3)
    assert log.anchor.last_index == 5, "nothing was cut: this test shows nothing"
    assert log.anchor.last_hash == before.hash
    assert not cluster[3].replica._log.is_whole
    cluster.crash(1)
    log.room = ROOM
    cluster.drop = lambda message: False
    cluster.run(5.0)
    assert cluster.leaders == [], "who has acknowledged 5 would let one lead that lacks it"
    cluster.start(1)
    cluster.run(5.0)
    assert log.rows[5] == sound[5]
    cluster.assert_equal()


def test_of_two_voters_one_may_say_that_the_others_last_record_never_was() -> None:
    """Neither leads without the other, so no leader can say it."""
    cluster = Cluster(2)
    cluster.elect(1)
    cluster.send(1)
    cluster.run(1.0)
    cluster.isolate(1)
    cluster.send(1, first=9)
    cluster.crash(1)
    rot(cluster, 1, cluster.hosts[1].log.anchor.last_index)
    cluster.start(1)
    assert cluster[1].replica.damaged == 1
    cluster.heal()
    cluster.run(5.0)
    assert cluster[1].replica.damaged == 0
    cluster.assert_equal()


def test_who_ends_with_a_record_of_a_later_term_is_in_that_term() -> None:
    """The two others had a leader meanwhile; of it this one knows by their answers only."""
    cluster = Cluster(3)
    cluster.elect(1)
    cluster.send(1)
    cluster.run(1.0)
    cluster.isolate(1)
    cluster.send(1, first=9)
    cluster.send(1, first=10)
    log = cluster.hosts[1].log
    cluster.crash(1)
    cluster.elect(2)
    assert cluster.hosts[3].log.anchor.last_index < log.anchor.last_index
    rot(cluster, 1, log.anchor.last_index)
    cluster.crash(2)
    cluster.start(2)  # nobody leads now, and who did has said nothing to node 1
    cluster.start(1)
    cluster.heal()
    term = cluster[1].replica.term
    cluster.drop = lambda message: not isinstance(message, Repair | RepairReply)
    cluster.run(0.3)
    assert log.anchor.last_index == cluster.hosts[3].log.anchor.last_index
    assert log.anchor.term > term
    cluster.run(0.3)
    cluster.crash(1)
    cluster.start(1)
    cluster.drop = lambda message: False
    cluster.run(5.0)
    cluster.assert_equal()


def test_a_list_of_members_that_comes_back_is_in_force() -> None:
    """A member that counted the voters of before might elect a second leader."""
    cluster = Cluster(3)
    cluster.elect(1)
    note = b"the third is not wanted any more"
    cluster[1].change_members(lambda now: without(now, 3, note))
    cluster.settle(1)
    cluster.run(1.0)
    changed = cluster[1].replica.configuration
    assert changed.voters == (1, 2)
    index = cluster[1].replica.configuration_index
    cluster.send(1)
    cluster.run(1.0)
    cluster.crash(2)
    for damaged in (index - 1, index):
        rot(cluster, 2, damaged)
    cluster.start(2)
    assert cluster[2].replica.configuration.voters == (1, 2, 3)
    cluster.run(2.0)
    assert cluster[2].replica.damaged == 0
    assert cluster[2].replica.configuration == changed
    assert cluster[2].replica.configuration_index == index


def rot(cluster: Cluster, member: int, index: int) -> None:
    rows = cluster.hosts[member].log.rows
    rows[index] = rows[index][:-1] + bytes([rows[index][-1] ^ 1])
