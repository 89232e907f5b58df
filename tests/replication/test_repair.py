"""Damage that is found while the node leads: it steps down, asks for the record, and goes on."""

import pytest

from replication.replica import ReplicaSettings, Role
from replication.settings import NodeSettings
from tests.replication.cluster import Cluster

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


def rot(cluster: Cluster, member: int, index: int) -> None:
    rows = cluster.hosts[member].log.rows
    rows[index] = rows[index][:-1] + bytes([rows[index][-1] ^ 1])
